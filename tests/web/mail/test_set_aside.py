"""A bad mail never stops its mailbox: it is tried again, set aside with its reason, and read again when a person wants."""

from __future__ import annotations

import pytest

from base.errors import StorageUnavailable
from channels.email.limits import MailRefused, Refusal
from desk import mails
from tests.web.mail.made import MailDesk
from web.mail.reading import ReaderFailed


def test_a_mail_that_kills_its_reader_is_tried_twice_and_the_next_one_is_answered(desk: MailDesk) -> None:
    wang, li = desk.customer(), desk.customer()
    desk.reader.faults += [ReaderFailed("took too long")]
    deadly, fine = desk.store(wang.mail()), desk.store(li.mail())
    desk.sort()
    assert (desk.row(deadly).state, desk.row(deadly).attempts, desk.row(fine).state) == ("received", 1, "taken")
    desk.reader.faults += [ReaderFailed("took too long")]
    desk.clock.advance(minutes=10)
    desk.sort()
    row = desk.row(deadly)
    assert (row.state, row.attempts, row.error) == ("quarantined", 2, "ReaderFailed: took too long")
    desk.clock.advance(days=1)
    desk.sort()
    assert desk.row(deadly).attempts == 2
    desk.answer()
    assert (len(wang.got), len(li.got)) == (0, 1)


def test_a_mail_that_is_refused_is_set_aside_at_once_with_the_reason(desk: MailDesk) -> None:
    desk.reader.faults += [MailRefused(Refusal.TOO_DEEP, "31 parts")]
    row = desk.deliver(desk.customer().mail())
    assert (row.state, row.attempts, row.error) == ("quarantined", 1, "too_deep: 31 parts")
    row = desk.deliver(b"")
    assert (row.state, row.error.split(":")[0]) == ("quarantined", "empty")


def test_a_mail_that_was_set_aside_is_answered_once_it_can_be_read(desk: MailDesk) -> None:
    wang = desk.customer()
    desk.reader.faults += [MailRefused(Refusal.TOO_DEEP)]
    row = desk.deliver(wang.mail())
    with desk.services.database.begin() as session:
        mails.again(session, row.id, desk.clock.now())
    desk.sort()
    desk.answer()
    assert (desk.row(row.id).state, desk.row(row.id).error, len(wang.got)) == ("taken", "", 1)


def test_a_mail_that_was_only_kept_is_answered_when_a_person_says_so(desk: MailDesk) -> None:
    wang = desk.customer()
    row = wang.write(lines=["Precedence: bulk"])
    with desk.services.database.begin() as session:
        mails.again(session, row.id, desk.clock.now(), answer=True)
    desk.sort()
    desk.answer()
    assert (desk.row(row.id).state, len(wang.got)) == ("taken", 1)


def test_a_fault_of_ours_is_tried_five_times(desk: MailDesk) -> None:
    wang = desk.customer()
    mail_id = desk.store(wang.mail())
    desk.reader.faults += [RuntimeError("bug")] * 5
    for _ in range(7):
        desk.sort()
        desk.clock.advance(minutes=10)
    assert (desk.row(mail_id).state, desk.row(mail_id).attempts) == ("quarantined", 5)
    assert desk.row(mail_id).error == "RuntimeError: bug"


def test_a_database_that_is_away_loses_no_mail(desk: MailDesk) -> None:
    wang = desk.customer()
    mail_id = desk.store(wang.mail())
    desk.reader.faults += [StorageUnavailable("disk full")]
    with pytest.raises(StorageUnavailable):
        desk.sort()
    assert desk.row(mail_id).state == "claimed"
    desk.clock.advance(seconds=desk.services.settings.lease_seconds)
    desk.sort()
    assert desk.row(mail_id).state == "taken"


def test_a_mail_whose_workers_always_die_is_set_aside_in_the_end(desk: MailDesk) -> None:
    mail_id = desk.store(desk.customer().mail())
    for _ in range(5):
        with desk.services.database.begin() as session:
            assert mails.claim(session, desk.clock.now(), 60) is not None
        desk.clock.advance(seconds=60)
    desk.sort()
    assert (desk.row(mail_id).state, desk.row(mail_id).error) == ("quarantined", "its workers died")


def test_what_fails_halfway_leaves_nothing_behind(desk: MailDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    wang = desk.customer()
    mail_id = desk.store(wang.mail())
    with monkeypatch.context() as patch:
        patch.setattr("web.mail.sorting.echo_of", lambda text: 1 / 0)
        desk.sort()
    assert (desk.row(mail_id).state, desk.row(mail_id).error) == ("received", "ZeroDivisionError: division by zero")
    desk.clock.advance(minutes=10)
    desk.sort()
    desk.answer()
    assert len(desk.said(desk.row(mail_id).thread_id)) == 1
    assert len(wang.got) == 1
