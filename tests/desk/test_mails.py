"""Mails as they came: stored once, sorted in order by one worker per mailbox, set aside with their bytes, never lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy.orm import Session

from base.database import Database
from desk import mails
from desk.mails import Cursor, MailState, Said, StoredMail
from tests.desk.made import NOW, later

LEASE = 60
RAW = b"From: wang@customers.test\r\n\r\n\xff\x00 not even text"
T = TypeVar("T")


def put(database: Database, *given: tuple[str, bytes], at: datetime = NOW) -> list[int | None]:
    """The ids of these mails, stored one after the other: (mailbox, bytes)."""
    with database.begin() as session:
        return [mails.put(session, mailbox, raw, "hook", at) for mailbox, raw in given]


def claim(database: Database, **after: float) -> StoredMail | None:
    with database.begin() as session:
        return mails.claim(session, later(**after), LEASE)


def claimed(database: Database, **after: float) -> StoredMail:
    found = claim(database, **after)
    assert found is not None
    return found


def finish(database: Database, mail: StoredMail, state: MailState = MailState.TAKEN, **what: Any) -> bool:
    with database.begin() as session:
        return mails.finish(session, mail.id, state, **what)


def kept(database: Database, mailbox: str = "support", state: MailState = MailState.TAKEN, **what: Any) -> int:
    """The id of a mail that was stored, claimed and finished, after those before it."""
    with database.begin() as session:
        raw = repr((mailbox, state, sorted(what.items()))).encode()
        mail_id = mails.put(session, mailbox, raw, "hook", what.pop("at", NOW))
        assert mail_id is not None
        found = mails.claim(session, later(days=30), LEASE)
        assert found is not None
        assert found.id == mail_id
        mails.finish(session, mail_id, state, **what)
        return mail_id


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What each of so many threads got, all let go at the same moment. Raises the first fault."""
    start, found, faults = threading.Barrier(count), list[T](), list[Exception]()

    def run(number: int) -> None:
        start.wait()
        try:
            found.append(work(number))
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return found


def test_a_mail_is_stored_once_per_mailbox_byte_by_byte(database: Database) -> None:
    first, again, elsewhere, other = put(
        database, ("support", RAW), ("support", RAW), ("sales", RAW), ("support", RAW + b" ")
    )
    assert again is None
    assert len({first, elsewhere, other} - {None}) == 3
    with database.read() as session:
        assert mails.raw(session, first or 0) == (RAW, NOW)
        assert mails.raw(session, 10**6) is None


def test_a_mail_that_came_before_is_known_whatever_became_of_it(database: Database) -> None:
    kept(database, state=MailState.NOTED)
    put(database, ("support", RAW))
    finish(database, claimed(database), MailState.QUARANTINED, error="x")
    assert put(database, ("support", RAW)) == [None]


def test_eight_threads_that_store_the_same_mail_store_it_once(database: Database) -> None:
    found = at_once(8, lambda _: put(database, ("support", RAW))[0])
    assert [one is None for one in sorted(found, key=lambda one: one is None)] == [False] + [True] * 7


def test_mails_of_one_mailbox_are_sorted_in_their_order_and_those_of_others_meanwhile(database: Database) -> None:
    put(database, ("support", b"1"), ("support", b"2"), ("sales", b"3"), ("sales", b"4"))
    first, other = claimed(database), claimed(database)
    assert (first.raw, other.raw) == (b"1", b"3")
    assert claim(database) is None
    assert finish(database, first)
    assert claimed(database).raw == b"2"
    assert finish(database, other)
    assert claimed(database).raw == b"4"


def test_eight_sorters_at_once_get_one_mail_of_each_mailbox(database: Database) -> None:
    put(database, *((mailbox, mailbox.encode() + bytes([n])) for n in range(5) for mailbox in ("support", "sales")))
    found = at_once(8, lambda _: claim(database))
    assert sorted(one.raw for one in found if one) == [b"sales\x00", b"support\x00"]


def test_a_sorter_that_has_not_yet_said_what_it_took_shares_its_mailbox_with_nobody(database: Database) -> None:
    put(database, ("support", b"1"), ("support", b"2"))
    found: list[StoredMail | None] = []
    other = threading.Thread(target=lambda: found.append(claim(database)))
    with database.begin() as session:
        first = mails.claim(session, NOW, LEASE)
        other.start()
        other.join(0.5)  # where it need not wait for us it has looked by now
    other.join()
    assert first is not None
    assert first.raw == b"1"
    assert found == [None]


def test_a_mail_whose_sorter_died_comes_back_when_its_lease_ends_before_those_after_it(database: Database) -> None:
    put(database, ("support", b"1"), ("support", b"2"))
    assert claimed(database).attempts == 1
    assert claim(database, seconds=LEASE - 1) is None
    again = claimed(database, seconds=LEASE)
    assert (again.raw, again.attempts) == (b"1", 2)


def test_the_late_word_of_a_sorter_that_was_taken_for_dead_changes_nothing_that_was_said(database: Database) -> None:
    put(database, ("support", b"1"))
    slow = claimed(database)
    quick = claimed(database, seconds=LEASE)
    assert finish(database, quick, MailState.NOTED, kind="bulk")
    assert not finish(database, slow, MailState.TAKEN, kind="person")
    with database.read() as session:
        assert [(one.state, one.kind) for one in mails.listed(session, MailState)] == [(MailState.NOTED, "bulk")]


def test_what_passes_is_tried_again_later_and_holds_up_nobody(database: Database) -> None:
    put(database, ("support", b"1"), ("support", b"2"))
    first = claimed(database)
    with database.begin() as session:
        mails.retry(session, first, NOW, "database away" + "y" * 1000)
    assert claimed(database).raw == b"2"
    assert claim(database) is None
    again = claimed(database, minutes=10)
    assert (again.raw, again.attempts) == (b"1", 2)


def test_a_mail_that_was_finished_meanwhile_is_not_tried_again(database: Database) -> None:
    put(database, ("support", b"1"))
    mail = claimed(database)
    finish(database, mail)
    with database.begin() as session:
        mails.retry(session, mail, NOW, "late")
    assert claim(database, days=1) is None


def test_what_nobody_can_read_is_set_aside_with_its_bytes_and_its_reason(database: Database) -> None:
    put(database, ("support", RAW))
    mail = claimed(database)
    assert finish(database, mail, MailState.QUARANTINED, error="too_deep: " + "x" * 1000)
    assert claim(database, days=1) is None
    with database.read() as session:
        [found] = mails.listed(session, [MailState.QUARANTINED])
        assert mails.raw(session, mail.id) == (RAW, NOW)
        assert mails.counts(session) == {"quarantined": 1}
    assert (found.error[:10], len(found.error), found.size_bytes) == ("too_deep: ", 500, len(RAW))


def test_what_the_server_would_not_give_is_set_aside_at_once(database: Database) -> None:
    with database.begin() as session:
        mails.put(session, "support", RAW, "imap:7:8", NOW, "too_large: larger than this mailbox takes")
    assert claim(database) is None
    with database.read() as session:
        assert [one.error for one in mails.listed(session, [MailState.QUARANTINED])] == [
            "too_large: larger than this mailbox takes"
        ]


@pytest.mark.parametrize("state", [MailState.QUARANTINED, MailState.NOTED])
@pytest.mark.parametrize(("answer", "kind"), [(False, ""), (True, "person")])
def test_a_person_can_have_a_mail_read_again(database: Database, state: MailState, answer: bool, kind: str) -> None:
    put(database, ("support", RAW))
    finish(database, claimed(database), state, kind="bulk", error="?")
    with database.begin() as session:
        [mail] = mails.listed(session, [state])
        assert mails.again(session, mail.id, later(hours=1), answer=answer)
        assert not mails.again(session, mail.id, later(hours=1))
    again = claimed(database, hours=1)
    assert (again.raw, again.attempts, again.kind) == (RAW, 1, kind)


@pytest.mark.parametrize("state", [MailState.TAKEN, MailState.DUPLICATE])
def test_what_is_a_customers_message_already_is_not_read_again_nor_discarded(
    database: Database, state: MailState
) -> None:
    mail_id = kept(database, state=state)
    with database.begin() as session:
        assert not mails.again(session, mail_id, NOW, answer=True)
        assert not mails.discard(session, mail_id)
        assert mails.counts(session) == {str(state): 1}


def test_a_discarded_mail_is_off_the_list_and_keeps_its_bytes(database: Database) -> None:
    put(database, ("support", RAW))
    mail = claimed(database)
    finish(database, mail, MailState.QUARANTINED, error="x")
    with database.begin() as session:
        assert mails.discard(session, mail.id)
        assert not mails.discard(session, mail.id)
        assert not mails.again(session, mail.id, NOW)
        assert mails.listed(session, [MailState.QUARANTINED]) == []
        assert mails.raw(session, mail.id) == (RAW, NOW)


def test_how_far_a_mailbox_is_fetched_moves_with_the_mail_or_not_at_all(database: Database) -> None:
    def store(raw: bytes, uid: int) -> None:
        with database.begin() as session:
            mails.put(session, "support", raw, f"imap:7:{uid}", NOW)
            mails.move_cursor(session, "support", Cursor(7, uid), NOW)
            if raw == b"lost":
                raise RuntimeError("the machine stops here")

    with database.read() as session:
        assert mails.cursor(session, "support") is None
    store(b"first", 41)
    with pytest.raises(RuntimeError):
        store(b"lost", 42)
    with database.read() as session:
        assert mails.cursor(session, "support") == Cursor(7, 41)
        assert mails.counts(session) == {"received": 1}


def test_a_mailbox_that_only_said_how_it_is_has_no_place_yet(database: Database) -> None:
    with database.begin() as session:
        mails.report(session, "support", "connecting", "", NOW)
        assert mails.cursor(session, "support") is None


def hold(database: Database, holder: str, **after: float) -> bool:
    with database.begin() as session:
        return mails.hold(session, "support", holder, later(**after), 45)


def test_a_mailbox_is_held_by_one_process_while_it_lives(database: Database) -> None:
    assert hold(database, "a")
    assert not hold(database, "b", seconds=30)
    assert hold(database, "a", seconds=30)  # renewed
    assert not hold(database, "b", seconds=74)
    assert hold(database, "b", seconds=75)
    assert not hold(database, "a", seconds=76)


def test_a_mailbox_that_is_let_go_is_free_at_once_and_only_its_holder_can_let_it_go(database: Database) -> None:
    assert hold(database, "a")
    for holder, free in (("b", False), ("a", True)):
        with database.begin() as session:
            mails.let_go(session, "support", holder)
        assert hold(database, "c") is free


def test_of_eight_processes_that_start_at_once_one_has_the_mailbox(database: Database) -> None:
    found = at_once(8, lambda number: hold(database, f"process {number}"))
    assert sorted(found) == [False] * 7 + [True]


def test_a_mailbox_says_how_it_is_and_since_when(database: Database) -> None:
    with database.begin() as session:
        mails.report(session, "support", "no_connection", "refused", NOW)
        mails.report(session, "support", "no_connection", "timed out" + "x" * 1000, later(minutes=5))
        mails.report(session, "sales", "ok", "", later(minutes=1))
        mails.move_cursor(session, "sales", Cursor(7, 41), later(minutes=9))
        found = mails.health(session)
    assert [(one.name, one.state, one.since, one.cursor) for one in found] == [
        ("sales", "ok", later(minutes=1), Cursor(7, 41)), ("support", "no_connection", NOW, Cursor(0, 0)),
    ]  # fmt: skip
    assert (found[1].detail[:9], len(found[1].detail)) == ("timed out", 500)


def test_a_thread_is_found_by_the_ids_of_its_mails(database: Database) -> None:
    kept(database, message_id="a@c.test", thread_id="t1", sender="wang@customers.test")
    kept(database, message_id="b@c.test", state=MailState.NOTED, thread_id="t1", sender="office@customers.test")
    kept(database, message_id="c@c.test", state=MailState.NOTED)
    with database.read() as session:
        assert mails.threads_of(session, ["a@c.test", "b@c.test", "c@c.test", "d@c.test"]) == {
            "a@c.test": ("t1", "wang@customers.test"), "b@c.test": ("t1", "office@customers.test"),
        }  # fmt: skip
        assert mails.threads_of(session, []) == {}


def test_a_message_id_that_is_used_twice_names_the_thread_that_had_it_first(database: Database) -> None:
    kept(database, message_id="a@c.test", thread_id="t1", sender="wang@customers.test")
    kept(database, message_id="a@c.test", thread_id="t2", sender="mallory@evil.test")
    with database.read() as session:
        assert mails.threads_of(session, ["a@c.test"]) == {"a@c.test": ("t1", "wang@customers.test")}


def test_the_ids_of_a_thread_are_those_of_its_messages_oldest_first(database: Database) -> None:
    kept(database, message_id="a@c.test", thread_id="t1", at=NOW)
    kept(database, message_id="holiday@c.test", state=MailState.NOTED, thread_id="t1")
    kept(database, message_id="other@c.test", thread_id="t2")
    kept(database, message_id="b@c.test", thread_id="t1", at=later(hours=1))
    with database.read() as session:
        assert mails.ids_of(session, "t1") == [(NOW, "a@c.test"), (later(hours=1), "b@c.test")]


def test_what_somebody_said_is_remembered_oldest_first_without_what_was_only_kept(database: Database) -> None:
    said: dict[str, Any] = {"sender": "wang@customers.test"}
    kept(database, at=NOW, echo="e1", **said)
    kept(database, at=later(minutes=1), echo="e2", **said)
    kept(database, at=later(minutes=2), echo="note", state=MailState.NOTED, **said)
    kept(database, at=later(minutes=3), echo="other", sender="li@customers.test")
    kept(database, at=later(minutes=4), echo="e3", **said)

    def look(session: Session, since: datetime) -> list[Said]:
        return mails.said_by(session, "wang@customers.test", since)

    with database.read() as session:
        assert look(session, NOW - timedelta(days=1)) == [
            Said(NOW, "e1"), Said(later(minutes=1), "e2"), Said(later(minutes=4), "e3"),
        ]  # fmt: skip
        assert look(session, later(minutes=1)) == [Said(later(minutes=4), "e3")]


def test_the_newest_fifty_things_somebody_said_are_enough(database: Database) -> None:
    for minutes in range(52):
        kept(database, at=later(minutes=minutes), sender="wang@customers.test", echo=str(minutes))
    with database.read() as session:
        found = mails.said_by(session, "wang@customers.test", NOW - timedelta(days=1))
    assert [one.echo for one in found] == [str(minutes) for minutes in range(2, 52)]


def test_mails_are_counted_and_listed_newest_first(database: Database) -> None:
    taken = [kept(database, subject=f"subject {n}", sender="wang@customers.test") for n in range(3)]
    noted = kept(database, mailbox="sales", state=MailState.NOTED, kind="bulk")
    put(database, ("support", b"new"))
    with database.read() as session:
        assert mails.counts(session) == {"taken": 3, "noted": 1, "received": 1}
        found = mails.listed(session, [MailState.TAKEN, MailState.NOTED], 3)
    assert [one.id for one in found] == [noted, taken[2], taken[1]]
    assert (found[0].mailbox, found[0].state, found[0].kind) == ("sales", MailState.NOTED, "bulk")
    assert (found[1].subject, found[1].sender, found[1].attempts) == ("subject 2", "wang@customers.test", 1)


@pytest.mark.parametrize("field", ["kind", "message_id", "sender", "subject", "thread_id", "echo", "how", "error"])
def test_whatever_a_mail_says_of_itself_fits(database: Database, field: str) -> None:
    what: dict[str, Any] = {field: "长" * 5000}
    assert kept(database, **what)


def test_a_mail_that_was_taken_by_another_way_before_is_known(database: Database) -> None:
    first = kept(database, message_id="a@c.test", sender="ada@shop.test", how="colleague")
    kept(database, message_id="a@c.test", sender="ada@shop.test", how="colleague", state=MailState.DUPLICATE)
    kept(database, message_id="b@c.test", sender="ada@shop.test", how="new")
    with database.read() as session:
        assert mails.came_before(session, first + 1, "a@c.test", "ada@shop.test", "colleague")
        assert not mails.came_before(session, first, "a@c.test", "ada@shop.test", "colleague")
        assert not mails.came_before(session, 0, "a@c.test", "li@shop.test", "colleague")
        assert not mails.came_before(session, 0, "b@c.test", "ada@shop.test", "colleague")
