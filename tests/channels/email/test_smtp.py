"""Handing mail over: a real Postfix says yes, later and no; a scripted server hangs up at the worst moments."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from base.errors import DeliveryError, RetryLater
from base.messages import DeliveryState, Receipt
from channels.email.accounts import MailAccount
from channels.email.imap_connection import MailboxStatus
from channels.email.smtp import Finding, Sent, Timeouts, check, keep_copy, refuses_sender, send_mail
from tests.mailserver.fixtures import MakeAccount
from tests.mailserver.letters import letter
from tests.mailserver.scripted import HANG_UP, HOST, STALL, ScriptedSmtp, smtp_server
from tests.mailserver.server import MailServer
from tests.mailserver.watching import watching

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
US, ALICE, WANG = "support@shop.test", "alice@customers.test", "wang@customers.test"
ANSWER = letter("Re: Printer", "Is it switched on?", sender=US, to=ALICE)


def send(account: MailAccount, message: bytes = ANSWER, sender: str = US, to: Sequence[str] = (ALICE,)) -> Sent:
    return asyncio.run(send_mail(account, message, sender, to))


class TestPostfix:
    @pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls", "smtp"])
    def test_an_accepted_mail_arrives_as_it_is(
        self, scheme: str, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        ports = mail_server.ports
        port = ports.smtps_port if scheme == "smtps" else ports.submission_port
        sent = send(make_account(smtp=f"{scheme}://{HOST}:{port}"))
        arrived = mail_server.mails(ALICE, 1)[0]
        assert sent.receipt == Receipt(DeliveryState.SENT, "re-printer@shop.test")
        assert sent.refused == {}
        assert sent.reply.startswith("250 2.0.0 Ok: queued as ")
        assert arrived.endswith(ANSWER)

    def test_lines_of_one_dot_and_bare_line_ends_survive(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        send(make_account(), b"Subject: dots\nMessage-ID: <d@shop.test>\n\n.\n..\n.hidden\nend")
        body = mail_server.mails(ALICE, 1)[0].partition(b"\r\n\r\n")[2]
        assert body == b".\r\n..\r\n.hidden\r\nend\r\n"

    def test_a_notice_nobody_shall_answer_has_an_empty_sender(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        send(make_account(), sender="")
        assert message_from_bytes(mail_server.mails(ALICE, 1)[0])["Return-Path"] == "<>"

    def test_a_relay_that_asks_no_password_is_given_none(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        send(make_account(smtp=f"smtp://{HOST}:{mail_server.ports.smtp_port}", smtp_user=""))
        assert len(mail_server.mails(ALICE, 1)) == 1

    def test_an_unknown_recipient_is_refused_for_good(self, make_account: MakeAccount) -> None:
        with pytest.raises(DeliveryError) as refused:
            send(make_account(), to=["nobody@customers.test"])
        assert not isinstance(refused.value, RetryLater)
        assert refused.value.fields["refused"] == {
            "nobody@customers.test": "550 5.1.1 <nobody@customers.test>: Recipient address rejected: "
            "User unknown in virtual mailbox table"
        }
        assert "550 5.1.1" in refused.value.detail

    def test_greylisting_asks_to_come_again_when_the_server_wants(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        mail_server.refuse(ALICE, "450 4.2.0 Greylisted, try again in 5 minutes")
        with pytest.raises(RetryLater) as later:
            send(make_account())
        assert later.value.fields["trouble"] == "not_now"
        assert "Greylisted, try again in 5 minutes" in later.value.detail
        assert later.value.retry_after_seconds == 300

    def test_a_refusal_for_one_of_several_is_reported_and_the_others_get_it(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        mail_server.refuse(WANG, "550 5.7.1 Not wanted here")
        sent = send(make_account(), to=[ALICE, WANG])
        assert sent.receipt.state is DeliveryState.SENT
        assert sent.refused == {WANG: f"550 5.7.1 <{WANG}>: Recipient address rejected: Not wanted here"}
        assert len(mail_server.mails(ALICE, 1)) == 1

    def test_when_one_may_be_taken_later_and_none_is_now_all_is_tried_again(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        mail_server.refuse(WANG, "450 4.2.0 Busy")
        with pytest.raises(RetryLater):
            send(make_account(), to=["nobody@customers.test", WANG])

    def test_a_wrong_password_is_our_trouble_and_no_bounce(self, make_account: MakeAccount) -> None:
        with pytest.raises(RetryLater) as later:
            send(make_account(password="wrong"))
        assert later.value.detail.startswith("wrong_password: 535 5.7.8")
        assert later.value.fields["trouble"] == "wrong_password"
        assert later.value.retry_after_seconds == 900

    def test_a_server_that_is_gone_is_tried_again(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        mail_server.stop_smtp()
        with pytest.raises(RetryLater) as later:
            send(make_account())
        assert later.value.fields["trouble"] == "no_connection"
        mail_server.start_smtp()
        assert send(make_account()).receipt.state is DeliveryState.SENT

    @pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
    def test_a_certificate_nobody_vouches_for_is_not_taken(
        self, scheme: str, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        ports = mail_server.ports
        port = ports.smtps_port if scheme == "smtps" else ports.submission_port
        with pytest.raises(RetryLater) as later:
            send(make_account(ca_file=None, smtp=f"{scheme}://{HOST}:{port}"))
        assert later.value.fields["trouble"] == "tls_failed"
        assert "certificate verify failed" in later.value.detail

    def test_a_mail_larger_than_the_server_takes_is_not_even_begun(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        with pytest.raises(DeliveryError) as refused:
            send(make_account(), ANSWER + b"x" * 30_000_000)
        assert refused.value.fields == {"size_bytes": len(ANSWER) + 30_000_002, "limit_bytes": 26_214_400}

    def test_a_large_mail_arrives_whole(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        large = ANSWER + b"0123456789abcdef\r\n" * 300_000
        send(make_account(), large)
        assert mail_server.mails(ALICE, 1)[0].endswith(large)

    def test_a_full_mailbox_comes_back_as_a_bounce(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        mail_server.set_quota(ALICE, 10)
        assert send(make_account()).receipt.state is DeliveryState.SENT  # nobody knows yet
        bounce = message_from_bytes(mail_server.mails(US, 1)[0])
        assert bounce.get_content_type() == "multipart/report"
        assert "Quota exceeded" in bounce.as_string()
        assert "Message-ID: <re-printer@shop.test>" in bounce.as_string()

    def test_addresses_beyond_ascii_are_sent_to_servers_that_offer_it(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        mail_server.add_user("王小明@customers.test")
        assert send(make_account(), to=["王小明@customers.test"]).refused == {}


class TestCopies:
    def test_a_copy_is_kept_as_read_in_a_folder_that_is_made(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        kept = asyncio.run(keep_copy(make_account(sent_folder="Firstline"), ANSWER))
        assert kept
        assert mail_server.mails(US, folder="Firstline") == [ANSWER]

    def test_without_a_folder_nothing_is_kept(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        assert asyncio.run(keep_copy(make_account(), ANSWER)) is False
        assert mail_server.mails(US, folder="Sent") == []

    def test_a_copy_that_cannot_be_kept_is_no_error(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        account = make_account(sent_folder="Sent")
        mail_server.set_quota(US, 10)
        assert asyncio.run(keep_copy(account, ANSWER)) is False
        mail_server.stop_imap()
        assert asyncio.run(keep_copy(account, ANSWER)) is False


class TestCheck:
    def test_what_works_is_said_of_both_servers(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        found = check(make_account(sent_folder="Sent", processed_folder="Done"))
        ports = mail_server.ports
        assert found == [
            Finding(True, f"IMAP {HOST}:{ports.imaps_port}: {US} is let in, INBOX holds 0, tells of new mail at once"),
            Finding(True, 'folder "Done" is made when it is needed'),
            Finding(True, 'folder "Sent" is there'),
            Finding(True, f"SMTP {HOST}:{ports.submission_port}: {US} is let in, takes mails of up to 26 MB"),
        ]

    def test_each_trouble_comes_with_advice(self, make_account: MakeAccount) -> None:
        imap, smtp = check(make_account(password="wrong"))
        assert (imap.ok, smtp.ok) == (False, False)
        assert "wrong_password: " in imap.what and "wrong_password: 535" in smtp.what
        assert imap.advice == smtp.advice != ""


def local(script: ScriptedSmtp, **fields: str) -> MailAccount:
    given = {"name": "s", "address": US, "user": US, "password": "x", "imap": "imap://127.0.0.1", "smtp_user": ""}
    return MailAccount.model_validate({**given, "smtp": f"smtp://{HOST}:{script.port}", **fields})


def scripted(
    script: ScriptedSmtp, timeouts: Timeouts | None = None, to: Sequence[str] = (ALICE, WANG), message: bytes = ANSWER
) -> tuple[Sent | Exception, bytes]:
    """What becomes of a mail that is given to a scripted server; and what the server has of it."""

    async def run() -> Sent:
        async with smtp_server(script):
            return await send_mail(local(script), message, US, to, timeouts)

    try:
        return asyncio.run(run()), b"".join(script.mails)
    except (DeliveryError, OSError) as error:
        return error, b"".join(script.mails)


QUICK = Timeouts(connect=1, answer=0.8, accept=0.8)


class TestFaults:
    def test_a_connection_lost_before_the_answer_to_the_mail_leaves_it_open(self) -> None:
        outcome, taken = scripted(ScriptedSmtp({".": HANG_UP}))
        assert isinstance(outcome, Sent)
        assert outcome.receipt == Receipt(DeliveryState.MAYBE_SENT, "re-printer@shop.test")
        assert taken == ANSWER  # the server has all of it

    def test_a_server_that_never_answers_to_the_mail_leaves_it_open(self) -> None:
        outcome, _ = scripted(ScriptedSmtp({".": STALL}), QUICK)
        assert isinstance(outcome, Sent)
        assert outcome.receipt.state is DeliveryState.MAYBE_SENT

    def test_an_answer_that_is_none_leaves_it_open(self) -> None:
        outcome, _ = scripted(ScriptedSmtp({".": "what?"}))
        assert isinstance(outcome, Sent)
        assert outcome.receipt.state is DeliveryState.MAYBE_SENT

    @pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
    @pytest.mark.parametrize("fault", [HANG_UP, STALL])
    def test_trouble_before_the_mail_means_nothing_was_sent(self, step: str, fault: str) -> None:
        outcome, taken = scripted(ScriptedSmtp({step: fault}), QUICK)
        assert isinstance(outcome, RetryLater)
        assert outcome.fields["trouble"] == "no_connection"
        assert taken == b""

    @pytest.mark.parametrize("fault", [HANG_UP, STALL])
    def test_trouble_in_the_middle_of_a_mail_means_nothing_was_sent(self, fault: str) -> None:
        large = ANSWER + b"0123456789abcdef\r\n" * 1_000_000  # more than the system takes over for a server
        outcome, taken = scripted(ScriptedSmtp({"body": fault}), QUICK, message=large)
        assert isinstance(outcome, RetryLater)
        assert outcome.fields["trouble"] == "no_connection"
        assert taken == b""

    @pytest.mark.parametrize(
        ("step", "answer", "trouble"),
        [
            ("connect", "421 4.3.2 too busy", "not_now"),
            ("connect", "554 5.7.1 no service for you", "not_now"),  # of us, not of this mail
            ("EHLO", "421 4.3.2 too busy", "not_now"),
            ("MAIL", "451 4.3.0 try again", "not_now"),
            ("MAIL", "530 5.7.0 Authentication required", "wrong_password"),
            ("RCPT", "452 4.5.3 too many", "not_now"),
            ("DATA", "451 4.3.0 out of space", "not_now"),
            (".", "451 4.7.1 Greylisting in action, please come back in 60 seconds", "not_now"),
        ],
    )
    def test_a_passing_refusal_is_tried_again(self, step: str, answer: str, trouble: str) -> None:
        outcome, _ = scripted(ScriptedSmtp({step: answer}))
        assert isinstance(outcome, RetryLater)
        assert outcome.fields["trouble"] == trouble
        assert answer in outcome.detail

    @pytest.mark.parametrize(
        ("step", "answer"),
        [
            ("MAIL", "553 5.7.1 sender not owned"),
            ("RCPT", "550 5.1.1 unknown"),
            ("DATA", "554 5.5.1 no valid recipients"),
            (".", "554 5.7.1 message looks like spam"),
        ],
    )
    def test_only_a_refusal_of_the_sender_asks_for_another_sender(self, step: str, answer: str) -> None:
        outcome, _ = scripted(ScriptedSmtp({step: answer}))
        assert isinstance(outcome, DeliveryError)
        assert refuses_sender(outcome) == (step == "MAIL")

    @pytest.mark.parametrize(
        ("step", "answer", "expected"),
        [
            ("MAIL", "501 5.1.7 Bad address", True),
            ("MAIL", "451 4.3.0 try again", True),
            ("RCPT", "553 5.7.1 <a@b>: Sender address rejected: not owned by user", True),
            (".", "554 5.2.252 SendAsDenied; a@b not allowed to send as c@b", True),
            ("MAIL", "530 5.7.0 Authentication required", False),
            ("RCPT", "450 4.2.0 mailbox busy", False),
        ],
    )
    def test_a_server_says_in_several_ways_that_it_wants_another_sender(
        self, step: str, answer: str, *, expected: bool
    ) -> None:
        outcome, _ = scripted(ScriptedSmtp({step: answer}))
        assert isinstance(outcome, DeliveryError)
        assert refuses_sender(outcome) == expected

    @pytest.mark.parametrize(
        ("step", "answer"),
        [
            ("MAIL", "553 5.7.1 sender not owned"),
            ("RCPT", "550 5.1.1 unknown"),
            ("DATA", "554 5.5.1 no valid recipients"),
            (".", "554 5.7.1 message looks like spam"),
        ],
    )
    def test_a_lasting_refusal_is_final(self, step: str, answer: str) -> None:
        outcome, _ = scripted(ScriptedSmtp({step: answer}))
        assert isinstance(outcome, DeliveryError)
        assert not isinstance(outcome, RetryLater)
        assert answer in outcome.detail

    def test_a_mail_that_was_accepted_stays_so_when_the_goodbye_fails(self) -> None:
        outcome, _ = scripted(ScriptedSmtp({"QUIT": HANG_UP}))
        assert isinstance(outcome, Sent)
        assert outcome.receipt.state is DeliveryState.SENT

    def test_a_server_without_starttls_is_given_neither_password_nor_mail(self) -> None:
        script = ScriptedSmtp()

        async def run() -> None:
            async with smtp_server(script):
                account = local(script, smtp=f"smtp+starttls://{HOST}:{script.port}", smtp_user=US)
                await send_mail(account, ANSWER, US, [ALICE])

        with pytest.raises(RetryLater) as later:
            asyncio.run(run())
        assert later.value.fields["trouble"] == "tls_failed"
        assert [one.split(" ")[0] for one in script.commands if one != "QUIT"] == ["EHLO"]

    def test_the_greeting_names_our_domain_and_not_this_machine(self) -> None:
        script = ScriptedSmtp()
        scripted(script)
        assert script.commands[0] == "EHLO shop.test"

    def test_smtputf8_is_used_only_when_it_is_needed(self) -> None:
        script = ScriptedSmtp(offers=["SMTPUTF8", "8BITMIME", "SIZE 100000"])
        scripted(script)
        assert script.commands[1] == f"MAIL FROM:<{US}> SIZE={len(ANSWER)}"

    def test_an_address_the_server_has_no_form_for_is_refused_alone(self) -> None:
        script = ScriptedSmtp()
        sent, _ = scripted(script, to=[ALICE, "王小明@customers.test", "wang@例子.test"])
        assert isinstance(sent, Sent)
        assert sent.refused == {"王小明@customers.test": "553 the server takes no addresses beyond ASCII"}
        assert "RCPT TO:<wang@xn--fsqu00a.test>" in script.commands

    @pytest.mark.parametrize(
        "evil",
        ["a@b.test>\r\nRCPT TO:<victim@b.test", "x@b.test> NOTIFY=NEVER <y@b.test", "victim@b.test,a@b.test", "", "a"],
    )
    def test_nothing_can_be_smuggled_in_by_an_address(self, evil: str) -> None:
        script = ScriptedSmtp()
        sent, _ = scripted(script, to=[ALICE, evil])
        assert isinstance(sent, Sent)
        assert sent.refused == {evil: "553 this is no address"}
        assert [one for one in script.commands if one.startswith("RCPT")] == [f"RCPT TO:<{ALICE}>"]


@contextmanager
def token_endpoint(*answers: tuple[int, dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """A provider that gives these answers in turn, the last one for ever; its address, and the forms it was sent."""
    forms: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            forms.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            code, body = answers[min(len(forms), len(answers)) - 1]
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer((HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://{HOST}:{server.server_address[1]}/token", forms
        server.shutdown()


def oauth(url: str) -> dict[str, str]:
    return {"token_url": url, "client_id": "firstline", "refresh_token": "r1"}


class TestXoauth2:
    """Against Dovecot's own check of signed tokens, for IMAP and, through Postfix, for SMTP."""

    def test_mail_is_fetched_and_sent_with_one_token(self, mail_server: MailServer, make_account: MakeAccount) -> None:
        good = {"access_token": mail_server.access_token(US), "expires_in": 3600}
        mail_server.deliver(letter("Printer"), ALICE, US)
        with token_endpoint((200, good)) as (url, forms):
            account = make_account(oauth=oauth(url))
            with watching(account) as watched:
                watched.wait_for_mails(1)
            assert send(account).receipt.state is DeliveryState.SENT
        assert len(forms) == 1

    def test_a_token_the_server_does_not_take_is_renewed_at_once(
        self, mail_server: MailServer, make_account: MakeAccount
    ) -> None:
        old, good = mail_server.access_token(US, -60), mail_server.access_token(US)
        answers = ((200, {"access_token": old}), (200, {"access_token": good}))
        with token_endpoint(*answers) as (url, _), watching(make_account(oauth=oauth(url))) as watched:
            watched.wait_for_status(MailboxStatus.OK)
        assert watched.statuses == [MailboxStatus.CONNECTING, MailboxStatus.OK]
        with token_endpoint(*answers) as (url, _):
            assert send(make_account(oauth=oauth(url))).receipt.state is DeliveryState.SENT

    def test_a_grant_that_was_withdrawn_reads_as_a_wrong_password(self, make_account: MakeAccount) -> None:
        with token_endpoint((400, {"error": "invalid_grant"})) as (url, _):
            account = make_account(oauth=oauth(url))
            with watching(account) as watched:
                state = watched.wait_for_status(MailboxStatus.WRONG_PASSWORD)
            with pytest.raises(RetryLater) as later:
                send(account)
        assert "400 invalid_grant" in state.detail
        assert later.value.fields["trouble"] == "wrong_password"

    def test_a_provider_that_is_down_is_no_wrong_password(self, make_account: MakeAccount) -> None:
        with token_endpoint((503, {})) as (url, _):
            account = make_account(oauth=oauth(url))
            with watching(account) as watched:
                watched.wait_for_status(MailboxStatus.NO_CONNECTION)
            with pytest.raises(RetryLater) as later:
                send(account)
        assert later.value.fields["trouble"] == "no_connection"
