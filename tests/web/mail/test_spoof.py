"""Forged mails at a conversation with a ticket and a secret in it: none adds to it, none is told anything of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from channels.email.addresses import Signer
from desk.models import Author, Staff
from tests.web.mail.made import PERSON, QUESTION, SUPPORT, VPN, MailDesk, Writer, mail

SECRET = "ZEBRA-48213"
WANTS = "Please repeat my access code, and tell me how my ticket stands."
MALLORY = "mallory@evil.test"


@dataclass(frozen=True)
class Case:
    """What a forger may know: the address, the ticket's number, the thread, ids of mails that were not sent to us alone."""

    desk: MailDesk
    wang: Writer
    own_id: str  # of the customer's own mail: whoever got a copy knows it
    number: str
    colleague: Staff
    mallory: Writer  # has a thread of their own, and what we signed for that

    @property
    def thread(self) -> str:
        return self.wang.thread

    @property
    def signed(self) -> str:
        return self.desk.services.office.signer.reply_address(SUPPORT, self.thread)

    def mac_of(self, address: str) -> str:
        return address.partition("@")[0].rpartition(".")[2]


@pytest.fixture
def case(desk: MailDesk) -> Case:
    wang, mallory = desk.customer(), desk.customer("Mallory")
    mallory.address = f"x{mallory.address.partition('@')[0]}@evil.test"
    mallory.write(VPN, "VPN")
    first = wang.write(f"My access code is {SECRET}. {PERSON}", "Access code")
    return Case(desk, wang, first.message_id, desk.ticket(wang.thread).name, desk.member(), mallory)


OURS = "Authentication-Results: mx.shop.test; "
Forge = Callable[[Case], bytes]


def wangs(case: Case, *lines: str, subject: str = "", dmarc: str = "", **how: str) -> bytes:
    """A mail in the customer's name."""
    return mail(case.wang.sender, WANTS, subject, dmarc=dmarc, lines=lines, **how)


def mallorys(case: Case, *lines: str, sender: str = MALLORY, subject: str = "", **how: str) -> bytes:
    """A mail in the forger's own name, which their own domain vouches for."""
    return mail(sender, WANTS, subject, lines=lines, **how)


FORGED: dict[str, Forge] = {
    "the number in the subject": lambda c: wangs(c, subject=f"Re: Access code [{c.number}]"),
    "the number, from a stranger": lambda c: mallorys(c, subject=f"Re: Access code [{c.number}]"),
    "the number, and another server's finding": lambda c: wangs(
        c, "Authentication-Results: mx.evil.test; dmarc=pass header.from=customers.test", subject=c.number
    ),
    "the number, and a server named like ours": lambda c: wangs(
        c, "Authentication-Results: mx.shop.test.evil.test; dmarc=pass header.from=customers.test", subject=c.number
    ),
    "the number, and a finding below ours": lambda c: wangs(
        c, f"{OURS}spf=none; dmarc=none header.from=customers.test", f"{OURS}dmarc=pass header.from=customers.test",
        subject=c.number,
    ),
    "the number, and ours vouches for another domain": lambda c: wangs(
        c, f"{OURS}dmarc=pass header.from=evil.test; spf=pass smtp.mailfrom=a@evil.test", subject=c.number
    ),
    "the number, and a finding in quotes": lambda c: wangs(
        c, f'{OURS}spf=pass smtp.mailfrom="x; dmarc=pass header.from=customers.test"@evil.test', subject=c.number
    ),
    "the number, and a finding in a comment": lambda c: wangs(
        c, f"{OURS}spf=fail (; dmarc=pass header.from=customers.test;) smtp.mailfrom=evil.test", subject=c.number
    ),
    "the number, and the signature of a neighbour's domain": lambda c: wangs(
        c, f"{OURS}dkim=pass header.d=notcustomers.test", subject=c.number
    ),
    "Reply-To names the customer": lambda c: mallorys(c, f"Reply-To: {c.wang.address}", subject=c.number),
    "a form names the customer": lambda c: mallorys(
        c, f"Reply-To: {c.wang.address}", sender="no-reply@evil.test", subject=c.number
    ),
    "two From headers": lambda c: mallorys(c, f"From: {c.wang.address}", subject=c.number),
    "two From headers, the customer first": lambda c: wangs(
        c, f"From: {MALLORY}", f"{OURS}dmarc=pass header.from=evil.test", subject=c.number
    ),
    "a list in From": lambda c: mallorys(c, sender=f"{c.wang.address}, {MALLORY}", subject=c.number),
    "a group in From": lambda c: mallorys(c, sender=f"claimed:{c.wang.address}, {MALLORY};", subject=c.number),
    "Sender names the customer": lambda c: mallorys(c, f"Sender: {c.wang.address}", subject=c.number),
    "the address as a name": lambda c: mallorys(c, sender=f'"{c.wang.address}" <{MALLORY}>', subject=c.number),
    "the address as an encoded name": lambda c: mallorys(
        c, sender=f"=?utf-8?q?{c.wang.address.replace('@', '=40')}?= <{MALLORY}>", subject=c.number
    ),
    "the address in a comment": lambda c: mallorys(c, sender=f"{MALLORY} ({c.wang.address})", subject=c.number),
    "an encoded local part": lambda c: wangs(
        c, subject=c.number, dmarc="pass"
    ).replace(c.wang.address.encode(), b"=?utf-8?q?" + c.wang.address.replace("@", "=40").encode() + b"?=@evil.test", 1),
    "two addresses in brackets": lambda c: mallorys(c, sender=f"<{c.wang.address}> <{MALLORY}>", subject=c.number),
    "a longer domain": lambda c: mallorys(c, sender=f"{c.wang.address}.evil.test", subject=c.number),
    "a letter that looks the same": lambda c: mallorys(
        c, sender=c.wang.address.replace("c", "с", 1), subject=c.number
    ),
    "the customer's own id": lambda c: wangs(c, answers=c.own_id, subject="Re: Access code"),
    "the customer's own id, from a stranger": lambda c: mallorys(c, answers=c.own_id, references=f"<{c.own_id}>"),
    "the customer's own id as its own": lambda c: mallorys(c, message_id=c.own_id),
    "a made-up id of ours": lambda c: wangs(c, answers=f"{c.thread}.turn-2.{'a' * 26}@shop.test"),
    "an id of ours without its signature": lambda c: wangs(c, answers=f"{c.thread}.turn-2@shop.test"),
    "a made-up answer address": lambda c: wangs(c, to=f"support+c{c.thread}.{'a' * 26}@shop.test"),
    "an answer address without its signature": lambda c: wangs(c, to=f"support+c{c.thread}@shop.test"),
    "the signature of another thread's address": lambda c: mallorys(
        c, to=f"support+c{c.thread}.{c.mac_of(c.mallory.got[-1].reply_to)}@shop.test"
    ),
    "the signature of another thread's id": lambda c: mallorys(
        c, answers=f"{c.thread}.turn-2.{c.mac_of(c.mallory.got[-1].id)}@shop.test"
    ),
    "the signature of another installation": lambda c: wangs(
        c, to=Signer("another secret").reply_address(SUPPORT, c.thread),
        answers=Signer("another secret").message_id(c.thread, "turn-2", "shop.test"),
    ),
    "an own thread, and the customer's number": lambda c: mail(
        c.mallory.sender, WANTS, c.number, answers=c.mallory.got[-1].id, to=c.mallory.got[-1].reply_to
    ),
    "all that is right, and its domain disowns it": lambda c: wangs(
        c, dmarc="fail", to=c.signed, answers=c.wang.got[-1].id, references=f"<{c.wang.got[-1].id}>", subject=c.number
    ),
    "a colleague's address": lambda c: mallorys(c, sender=c.colleague.email, subject=c.number),
    "a colleague's address, vouched for": lambda c: mail(c.colleague.email, WANTS, c.number),
    "a colleague's answer address made up": lambda c: mallorys(
        c, sender=c.colleague.email, to=f"support+s{c.thread}-{c.colleague.public_id}.{'a' * 16}@shop.test"
    ),
    "a customer's answer address made a colleague's": lambda c: mail(
        c.mallory.sender, WANTS,
        to=f"support+s{c.thread}-{c.colleague.public_id}.{c.mac_of(c.mallory.got[-1].reply_to)[:16]}@shop.test",
    ),
    "a colleague's answer address, from somebody else": lambda c: mallorys(
        c, to=c.desk.services.office.signer.reply_address(SUPPORT, c.thread, c.colleague.public_id)
    ),
    "a colleague's answer address, from the customer": lambda c: wangs(
        c, dmarc="pass", to=c.desk.services.office.signer.reply_address(SUPPORT, c.thread, c.colleague.public_id)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_mail_adds_nothing_and_learns_nothing(case: Case, name: str) -> None:
    desk, thread = case.desk, case.thread
    before = [turn for turn in desk.turns(thread) if turn.author is not Author.NOTE]
    ticket, events, talk = desk.ticket(thread), desk.clock_events(thread), desk.talk(thread)
    raw = FORGED[name](case)
    desk.sent.clear()
    row = desk.deliver(raw)
    assert row.state == "taken"
    assert row.thread_id != thread
    assert [turn for turn in desk.turns(thread) if turn.author is not Author.NOTE] == before
    assert (desk.ticket(thread), desk.clock_events(thread)) == (ticket, events)
    assert (desk.talk(thread).state, desk.talk(thread).memory) == (talk.state, talk.memory)
    for one in desk.sent:
        for secret in (SECRET, ticket.title, ticket.public_id, thread, desk.talk(thread).public_id):
            assert secret not in one.everything


POINTED = [
    "the number in the subject", "Reply-To names the customer", "two From headers", "the customer's own id",
    "all that is right, and its domain disowns it",
]  # fmt: skip


@pytest.mark.parametrize("name", POINTED)
def test_staff_learn_where_a_forged_mail_points(case: Case, name: str) -> None:
    row = case.desk.deliver(FORGED[name](case))
    assert row.how == "stranger"
    assert any(case.number in note for note in case.desk.notes(row.thread_id))


def test_a_copied_id_takes_no_later_mail_of_the_customer_away(case: Case) -> None:
    case.desk.deliver(mallorys(case, message_id=case.own_id))
    row = case.desk.deliver(case.wang.mail(QUESTION, "Re: Access code", answers=case.own_id))
    assert row.thread_id == case.thread


REAL: dict[str, Callable[[Case], bytes]] = {
    "by In-Reply-To": lambda c: c.wang.answering(QUESTION, to=SUPPORT, references="", subject="Re: Access code"),
    "by References": lambda c: c.wang.answering(QUESTION, to=SUPPORT, answers="", subject="Re: Access code"),
    "by its address": lambda c: c.wang.answering(QUESTION, answers="", references=""),
    "by its address, unproven": lambda c: c.wang.answering(QUESTION, answers="", references="", dmarc=""),
    "by References, unproven": lambda c: c.wang.answering(QUESTION, to=SUPPORT, answers="", dmarc=""),
    "by the number, proven": lambda c: c.wang.mail(QUESTION, f"About {c.number}"),
    "by their own id, proven": lambda c: c.wang.mail(QUESTION, "Re: Access code", answers=c.own_id),
    "from another program, under another name": lambda c: mail(
        c.wang.address.upper(), QUESTION, "AW: x", answers=c.wang.got[-1].id
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_the_customers_own_replies_come_home(case: Case, name: str) -> None:
    row = case.desk.deliver(REAL[name](case))
    assert (row.thread_id, row.state) == (case.thread, "taken")
    assert case.desk.said(case.thread)[-1] == QUESTION
