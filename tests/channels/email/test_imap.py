"""Fetching mail: from a real Dovecot what it can do, from a scripted server what it cannot be made to do."""

from __future__ import annotations

import imaplib
import threading
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from channels.email.accounts import MailAccount
from channels.email.imap import Cursor, Fetched, Mailbox, MailboxState, Pauses
from channels.email.imap_connection import MailboxStatus
from tests.mailserver.fixtures import MakeAccount
from tests.mailserver.letters import letter
from tests.mailserver.scripted import HOST, ScriptedImap, imap_server
from tests.mailserver.server import PASSWORD, MailServer
from tests.mailserver.watching import QUICK, watching

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
US, ALICE = "support@shop.test", "alice@customers.test"


def send(server: MailServer, *subjects: str) -> None:
    for subject in subjects:
        server.deliver(letter(subject), ALICE, US)


def wait_in(server: MailServer, *subjects: str) -> None:
    """Mails that are there before anybody looks."""
    for number, subject in enumerate(subjects, 1):
        send(server, subject)
        server.mails(US, number)  # one after the other, or Postfix delivers side by side


class TestDovecot:
    def test_mails_that_wait_come_in_their_order_with_every_byte(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        wait_in(mail_server, "one", "two", "three")
        with watching(make_account()) as watched:
            watched.wait_for_mails(3)
        assert watched.subjects == ["one", "two", "three"]
        assert [mail.raw for mail in watched.mails] == mail_server.mails(US)
        assert [mail.uid for mail in watched.mails] == [1, 2, 3]
        assert abs(watched.mails[0].internal_date - datetime.now(UTC)) < timedelta(minutes=1)

    def test_mail_stays_unread_on_the_server(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        wait_in(mail_server, "one")
        with watching(make_account()) as watched:
            watched.wait_for_mails(1)
        with imaplib.IMAP4(HOST, mail_server.ports.imap_port) as client:
            client.login(US, PASSWORD)
            client.select("INBOX")
            assert client.search(None, "UNSEEN")[1] == [b"1"]

    def test_new_mail_wakes_the_mailbox_long_before_it_would_ask(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        with watching(make_account(poll_seconds=1500)) as watched:
            watched.wait_for_status(MailboxStatus.OK)
            for number in range(1, 4):
                send(mail_server, f"number {number}")
                watched.wait_for_mails(number)
        assert watched.subjects == ["number 1", "number 2", "number 3"]

    def test_without_idle_new_mail_is_found_by_asking(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        with watching(make_account(idle=False, poll_seconds=1)) as watched:
            watched.wait_for_status(MailboxStatus.OK)
            send(mail_server, "found")
            watched.wait_for_mails(1)
        assert watched.subjects == ["found"]

    def test_fifty_mails_at_once_come_once_each(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        subjects = [f"number {number}" for number in range(50)]
        with watching(make_account()) as watched:
            send(mail_server, *subjects)
            watched.wait_for_mails(50)
        assert sorted(watched.subjects) == sorted(subjects)
        assert [mail.uid for mail in watched.mails] == list(range(1, 51))

    def test_a_cursor_goes_on_where_it_was(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        wait_in(mail_server, "one", "two")
        with watching(make_account()) as first:
            first.wait_for_mails(2)
        send(mail_server, "three")
        with watching(make_account(), cursor=first.mails[-1].cursor) as second:
            second.wait_for_mails(1)
        assert second.subjects == ["three"]

    def test_with_nothing_new_the_last_mail_does_not_come_again(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        wait_in(mail_server, "one")
        with watching(make_account()) as first:
            first.wait_for_mails(1)
        with watching(make_account(), cursor=first.mails[-1].cursor) as second:
            second.wait_for_status(MailboxStatus.OK)
        assert second.mails == []

    def test_after_renumbering_every_mail_comes_again_under_its_new_number(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        wait_in(mail_server, "one", "two")
        with watching(make_account()) as before:
            before.wait_for_mails(2)
        mail_server.renumber(US)
        with watching(make_account(), cursor=before.mails[-1].cursor) as after:
            after.wait_for_mails(2)
        assert sorted(after.subjects) == ["one", "two"]
        assert {mail.uidvalidity for mail in after.mails} != {mail.uidvalidity for mail in before.mails}

    def test_an_outage_is_told_and_mail_of_that_time_arrives_after_it(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        with watching(make_account()) as watched:
            send(mail_server, "before")
            watched.wait_for_mails(1)
            mail_server.stop_imap()
            down = watched.wait_for_status(MailboxStatus.NO_CONNECTION)
            mail_server.start_imap()
            watched.wait_for_status(MailboxStatus.OK)
            send(mail_server, "after")
            watched.wait_for_mails(2)
        assert watched.subjects == ["before", "after"]
        assert down.since.tzinfo is UTC

    def test_storage_trouble_loses_nothing_and_keeps_the_order(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        failing = threading.Event()
        failing.set()

        def fails(mail: Fetched) -> None:
            if mail.uid == 2 and failing.is_set():
                raise OSError("disk full, and a line of the mail")

        wait_in(mail_server, "one", "two", "three")
        with watching(make_account(), fails=fails) as watched:
            state = watched.wait_for_status(MailboxStatus.STORAGE)
            assert watched.subjects == ["one"]
            failing.clear()
            watched.wait_for_mails(3)
        assert watched.subjects == ["one", "two", "three"]
        assert state.detail == "OSError"

    def test_a_wrong_password_is_told_with_the_servers_words(self, make_account: MakeAccount) -> None:
        with watching(make_account(password="wrong")) as watched:
            state = watched.wait_for_status(MailboxStatus.WRONG_PASSWORD)
        assert "Authentication failed" in state.detail
        assert "wrong" not in state.detail

    def test_a_certificate_nobody_vouches_for_is_not_taken(self, make_account: MakeAccount) -> None:
        with watching(make_account(ca_file=None)) as watched:
            state = watched.wait_for_status(MailboxStatus.TLS_FAILED)
        assert "certificate verify failed" in state.detail

    def test_a_folder_that_is_not_there_is_told(self, make_account: MakeAccount) -> None:
        with watching(make_account(folder="Kundendienst")) as watched:
            state = watched.wait_for_status(MailboxStatus.FOLDER_MISSING)
        assert "Mailbox doesn't exist: Kundendienst" in state.detail

    @pytest.mark.parametrize("scheme", ["imap+starttls", "imap"])
    def test_starttls_and_plain_on_this_machine_work_too(
        self, scheme: str, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        wait_in(mail_server, "one")
        with watching(make_account(imap=f"{scheme}://{HOST}:{mail_server.ports.imap_port}")) as watched:
            watched.wait_for_mails(1)
        assert watched.subjects == ["one"]

    def test_a_mail_beyond_the_limit_comes_as_its_headers(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        mail_server.deliver(letter("huge", text="much too long\n" * 2000), ALICE, US)
        mail_server.mails(US, 1)
        send(mail_server, "small")
        with watching(make_account(max_bytes=10_000)) as watched:
            watched.wait_for_mails(2)
        huge, small = watched.mails
        assert (huge.too_large, small.too_large) == (True, False)
        assert b"Subject: huge" in huge.raw and b"much too long" not in huge.raw
        assert huge.size_bytes > 10_000

    def test_stored_mail_moves_to_its_folder_which_is_made(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        wait_in(mail_server, "one", "two")
        with watching(make_account(processed_folder="已处理")) as watched:
            watched.wait_for_mails(2)
            watched.wait_for_status(MailboxStatus.OK)
        assert mail_server.mails(US) == []
        assert len(mail_server.mails(US, folder='"&XfJZBHQG-"')) == 2

    def test_mail_of_before_a_day_is_left_alone(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        wait_in(mail_server, "today")
        tomorrow, today = date.today() + timedelta(days=1), date.today() - timedelta(days=1)
        with watching(make_account(since=tomorrow)) as none:
            none.wait_for_status(MailboxStatus.OK)
        with watching(make_account(since=today)) as some:
            some.wait_for_mails(1)
        assert (none.subjects, some.subjects) == ([], ["today"])

    def test_stopping_does_not_wait_for_the_server(self, make_account: MakeAccount) -> None:
        with watching(make_account(poll_seconds=1500)) as watched:  # which waits for the end of the thread
            watched.wait_for_status(MailboxStatus.OK)
            time.sleep(0.2)  # in IDLE by then

    def test_stopping_does_not_wait_for_the_next_attempt(self, make_account: MakeAccount) -> None:
        slow = Pauses(first=600, longest=600)
        with watching(make_account(imap="imap://127.0.0.1:1"), pauses=slow) as watched:
            state = watched.wait_for_status(MailboxStatus.NO_CONNECTION)
        assert state.detail == "Connection refused"


def local(script: ScriptedImap, **fields: object) -> MailAccount:
    given = {"name": "support", "address": US, "user": US, "password": "x", "smtp": "smtp://127.0.0.1", **fields}
    return MailAccount.model_validate({**given, "imap": f"imap://{HOST}:{script.port}"})


THREE = {uid: letter(f"mail {uid}") for uid in (1, 2, 3)}


class TestFaults:
    def test_a_connection_cut_in_the_middle_of_a_mail_is_taken_up_again(self) -> None:
        with imap_server(ScriptedImap(dict(THREE))) as script:
            script.dropped[2] = 2
            with watching(local(script)) as watched:
                watched.wait_for_mails(3)
        assert [mail.raw for mail in watched.mails] == list(THREE.values())
        assert MailboxStatus.NO_CONNECTION in watched.statuses

    def test_a_mail_the_server_cannot_serve_is_told_after_three_tries_and_the_next_one_comes(self) -> None:
        with imap_server(ScriptedImap(dict(THREE), refused={2})) as script:
            with watching(local(script)) as watched:
                watched.wait_for_mails(3)
            tries = [one for one in script.commands if one.startswith("UID FETCH 2 (UID BODY")]
        assert [(mail.uid, mail.unreadable, mail.raw) for mail in watched.mails] == [
            (1, False, THREE[1]),
            (2, True, b""),
            (3, False, THREE[3]),
        ]
        assert len(tries) == 3

    def test_a_mail_that_cuts_the_connection_each_time_is_told_too(self) -> None:
        with imap_server(ScriptedImap(dict(THREE))) as script:
            script.dropped[2] = 99
            with watching(local(script)) as watched:
                watched.wait_for_mails(3)
        assert [mail.unreadable for mail in watched.mails] == [False, True, False]

    def test_a_mail_deleted_while_it_is_fetched_is_passed_over(self) -> None:
        def delete(command: str) -> None:
            if command.startswith("UID FETCH 2 "):
                script.mails.pop(2, None)

        with imap_server(ScriptedImap(dict(THREE), during=delete)) as script, watching(local(script)) as watched:
            watched.wait_for_mails(2)
            watched.wait_for_status(MailboxStatus.OK)
        assert [mail.uid for mail in watched.mails] == [1, 3]
        assert watched.statuses == [MailboxStatus.CONNECTING, MailboxStatus.OK]

    def test_numbers_used_again_under_the_same_validity_are_noticed(self) -> None:
        with (
            imap_server(ScriptedImap({1: letter("restored")})) as script,
            watching(local(script), cursor=Cursor(1, 700)) as watched,
        ):
            watched.wait_for_mails(1)
        assert watched.subjects == ["restored"]

    def test_a_size_that_was_told_wrong_does_not_let_a_huge_mail_in(self) -> None:
        huge = letter("huge", text="x" * 5000)
        with (
            imap_server(ScriptedImap({1: huge}, sizes={1: 10})) as script,
            watching(local(script, max_bytes=2000)) as watched,
        ):
            watched.wait_for_mails(1)
        assert watched.mails[0].too_large
        assert watched.mails[0].raw == huge.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    def test_netease_is_told_who_asks_before_the_folder_is_opened(self) -> None:
        with (
            imap_server(ScriptedImap(dict(THREE), offers="IMAP4rev1 ID", wants_id=True)) as script,
            watching(local(script)) as watched,
        ):
            watched.wait_for_mails(3)
        assert [one for one in script.commands if one.startswith("ID ")] == [
            'ID ("name" "Firstline" "vendor" "Firstline")'
        ]

    def test_an_unsafe_login_is_told_in_the_servers_words(self) -> None:
        with imap_server(ScriptedImap(wants_id=True)) as script, watching(local(script)) as watched:
            state = watched.wait_for_status(MailboxStatus.FOLDER_MISSING)
        assert "Unsafe Login" in state.detail

    def test_a_server_that_is_busy_at_sign_in_is_not_a_wrong_password(self) -> None:
        with (
            imap_server(ScriptedImap(login="NO [UNAVAILABLE] backend down")) as script,
            watching(local(script)) as watched,
        ):
            state = watched.wait_for_status(MailboxStatus.NO_CONNECTION)
        assert "backend down" in state.detail

    def test_a_server_that_wants_tls_first_is_not_given_the_password(self) -> None:
        with imap_server(ScriptedImap(offers="IMAP4rev1 LOGINDISABLED")) as script, watching(local(script)) as watched:
            watched.wait_for_status(MailboxStatus.TLS_FAILED)
        assert not any(one.startswith("LOGIN") for one in script.commands)

    def test_a_server_without_starttls_is_not_given_the_password(self) -> None:
        with imap_server(ScriptedImap()) as script:
            account = MailAccount.model_validate(
                {"name": "s", "address": US, "user": US, "password": "x", "smtp": "smtp://127.0.0.1"}
                | {"imap": f"imap+starttls://{HOST}:{script.port}"}
            )
            with watching(account) as watched:
                watched.wait_for_status(MailboxStatus.TLS_FAILED)
        assert not any(one.startswith("LOGIN") for one in script.commands)

    def test_a_trouble_that_lasts_is_told_once_with_its_beginning(self) -> None:
        with imap_server(ScriptedImap(login="NO wrong")) as script, watching(local(script)) as watched:
            while sum(one.startswith("LOGIN") for one in script.commands) < 4:
                time.sleep(0.05)
        assert watched.statuses == [MailboxStatus.CONNECTING, MailboxStatus.WRONG_PASSWORD]

    def test_mail_that_comes_while_the_server_searches_is_not_left_until_the_next_poll(self) -> None:
        def arrive(command: str) -> None:
            if command.startswith("UID SEARCH") and 2 not in script.mails:
                pending.append(True)

        pending: list[bool] = []
        script = ScriptedImap({1: letter("mail 1")}, offers="IMAP4rev1 IDLE", during=arrive)
        plain_search = script._search

        def search_then_arrive(command: str) -> list[str | bytes]:
            lines = plain_search(command)
            if pending and "2:*" in command and 2 not in script.mails:
                script.mails[2] = letter("mail 2")
                lines.insert(-1, "2 EXISTS")  # told with the answer that does not have it yet
            return lines

        script._search = search_then_arrive  # type: ignore[method-assign]
        with imap_server(script), watching(local(script, poll_seconds=1500)) as watched:
            watched.wait_for_mails(2)
        assert watched.subjects == ["mail 1", "mail 2"]

    def test_a_state_that_cannot_be_told_does_not_stop_the_mailbox(self) -> None:
        stored: list[Fetched] = []
        done, stop = threading.Event(), threading.Event()

        def on_state(_state: MailboxState) -> None:
            raise RuntimeError("the page is gone")

        def store(mail: Fetched) -> None:
            stored.append(mail)
            done.set()

        with imap_server(ScriptedImap({1: letter()})) as script:
            thread = threading.Thread(target=Mailbox(local(script), QUICK).watch, args=(store, None, stop, on_state))
            thread.start()
            assert done.wait(20)
            stop.set()
            thread.join(20)
        assert len(stored) == 1


class TestPauses:
    def test_pauses_double_up_to_the_longest(self) -> None:
        waits = [Pauses().after(MailboxStatus.NO_CONNECTION, failures) for failures in (1, 2, 3, 50)]
        assert [1 <= waits[0] <= 2, 2 <= waits[1] <= 4, 4 <= waits[2] <= 8, 150 <= waits[3] <= 300] == [True] * 4

    def test_after_a_wrong_password_nobody_is_locked_out(self) -> None:
        assert Pauses().after(MailboxStatus.WRONG_PASSWORD, 1) >= 150
        assert 1800 <= Pauses().after(MailboxStatus.WRONG_PASSWORD, 99) <= 3600

    def test_two_mailboxes_do_not_come_back_at_the_same_moment(self) -> None:
        assert len({Pauses().after(MailboxStatus.NO_CONNECTION, 5) for _ in range(20)}) > 15
