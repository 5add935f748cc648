"""Mail of ours that came back: only what we signed is believed, and what it is about is silent from then on."""

from __future__ import annotations

import pytest

from desk.models import ConversationState
from tests.web.mail.made import PERSON, VPN, MailDesk, mail


def bounce(of: str, to: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    """A delivery report as Postfix writes it."""
    parts = [
        b"From: MAILER-DAEMON@customers.test (Mail Delivery System)", b"To: support@shop.test", b"Return-Path: <>",
        b"Subject: Undelivered Mail Returned to Sender", f"Message-ID: <b{hash((of, action))}@customers.test>".encode(),
        b"Auto-Submitted: auto-replied", b"MIME-Version: 1.0",
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', b"",
        b"--b", b"Content-Type: text/plain", b"", b"I could not deliver your message.", b"",
        b"--b", b"Content-Type: message/delivery-status", b"", b"Reporting-MTA: dns; mx.customers.test", b"",
        f"Final-Recipient: rfc822; {to}".encode(), f"Action: {action}".encode(), f"Status: {status}".encode(),
        b"Diagnostic-Code: smtp; 550 5.1.1 User unknown", b"",
        b"--b", b"Content-Type: message/rfc822", b"", b"From: support@shop.test", f"To: {to}".encode(),
        f"Message-ID: <{of}>".encode(), b"Subject: Re: Printer", b"", b"text", b"--b--", b"",
    ]  # fmt: skip
    return b"\r\n".join(parts)


def test_a_reply_that_comes_back_is_marked_staff_are_told_and_nothing_more_goes_there(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    thread = wang.thread
    row = desk.deliver(bounce(wang.got[-1].id, wang.address))
    assert (row.state, row.kind, row.how) == ("noted", "bounce", "bounce")
    assert [state for state, _ in desk.outbox(thread)] == ["bounced"]
    assert "User unknown" in desk.outbox(thread)[0][1]
    [note] = desk.notes(thread)
    assert wang.address in note
    assert "User unknown" in note
    forwarded = mail(
        f"x{wang.address}", VPN, "Re: Printer", answers=wang.got[-1].id
    )  # not the address's own sign of life
    desk.deliver(forwarded)
    assert desk.outbox(thread)[-1] == ("dropped", "mail to this address came back")


def test_a_bounce_that_comes_twice_is_told_once(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    for to in (wang.address, wang.address.upper()):
        desk.deliver(bounce(wang.got[-1].id, to))
    assert len(desk.notes(wang.thread)) == 1


def test_a_customer_whose_ticket_the_bot_has_waits_for_a_person_when_a_reply_comes_back(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    desk.solve(wang.thread)
    assert desk.talk(wang.thread).state is ConversationState.BOT
    desk.deliver(bounce(wang.got[-1].id, wang.address))
    assert desk.talk(wang.thread).state is ConversationState.WAITING


def test_whoever_writes_again_can_be_reached_again(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    desk.deliver(bounce(wang.got[-1].id, wang.address))
    wang.reply(VPN)
    assert "809" in wang.got[-1].body()


def test_a_delay_is_a_note_and_nothing_else(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    desk.deliver(bounce(wang.got[-1].id, wang.address, action="delayed", status="4.4.1"))
    assert [state for state, _ in desk.outbox(wang.thread)] == ["sent"]
    assert len(desk.notes(wang.thread)) == 1
    wang.reply(VPN)
    assert len(wang.got) == 2


@pytest.mark.parametrize("forge", ["{thread}.turn-1.{mac}@shop.test", "made-up@shop.test", ""])
def test_a_forged_bounce_silences_nobody(desk: MailDesk, forge: str) -> None:
    wang = desk.customer()
    wang.write()
    row = desk.deliver(bounce(forge.format(thread=wang.thread, mac="a" * 26), wang.address))
    assert row.state == "noted"
    assert [state for state, _ in desk.outbox(wang.thread)] == ["sent"]
    assert all("may not have arrived" in note for note in desk.notes(wang.thread))
    wang.reply(VPN)
    assert len(wang.got) == 2


def test_a_bounce_names_no_other_recipient_than_the_one_we_wrote_to(desk: MailDesk) -> None:
    wang, li = desk.customer(), desk.customer()
    wang.write()
    li.write()
    desk.deliver(bounce(wang.got[-1].id, li.address))
    li.reply(VPN)
    assert len(li.got) == 2
