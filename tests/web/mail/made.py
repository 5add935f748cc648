"""A desk that is reached by mail, and the people who write to it: every mail as bytes, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count

import pytest
from sqlalchemy import select

from base.clock import FixedClock
from base.errors import DeliveryError
from base.messages import Channel, DeliveryState, Receipt
from channels.email.accounts import MailAccount
from channels.email.mime import read_mail
from channels.email.models import Mail
from channels.email.smtp import Sent
from desk import conversations, mails, replies, staff, tickets
from desk.mail_tables import MailRow
from desk.models import Author, Conversation, Role, Staff, Ticket, Turn
from desk.tables import ClockEventRow, ConversationRow, OutboxRow
from web.mail import notes
from web.mail.room import MailRoom, doors
from web.mail.sorting import Sorter
from web.pages import make_environments
from web.wiring import Services
from web.worker import drain

MAILBOXES = """
[[mailbox]]
name = "support"
address = "support@shop.test"
aliases = ["help@shop.test"]
imap = "imap://127.0.0.1:1143"
smtp = "smtp://127.0.0.1:1025"
user = "support"
password = "secret"
plus_addresses = true
authserv_id = "mx.shop.test"

[[mailbox]]
name = "sales"
address = "sales@shop.test"
imap = "imap://127.0.0.1:1143"
smtp = "smtp://127.0.0.1:1025"
user = "sales"
password = "secret"
lang = "zh"
max_bytes = 100000
"""
SUPPORT = "support@shop.test"
PASSWORD = "a long enough password"
QUESTION, ANSWER = "What does the printer code PRN-21 mean?", "tray 2 is empty"
VPN = "What does VPN error 809 in a hotel mean?"
PERSON = "I want to talk to a person"
_numbers = count(1)


def mail(
    sender: str,
    text: str = QUESTION,
    subject: str = "",
    *,
    to: str = SUPPORT,
    message_id: str | None = None,
    dmarc: str = "pass",
    answers: str = "",
    references: str = "",
    lines: Sequence[str] = (),
    date: str = "Mon, 23 Nov 2026 10:00:00 +0800",
) -> bytes:
    """A mail's bytes. dmarc: what our server found, "" for nothing. lines: further header lines, after those."""
    message_id = (
        f"m{next(_numbers)}@{sender.rpartition('@')[2].strip('>') or 'nowhere.test'}"
        if message_id is None
        else message_id
    )
    domain = sender.rpartition("@")[2].strip("> ")
    head = {
        "Authentication-Results": f"mx.shop.test; dmarc={dmarc} header.from={domain}" if dmarc else "",
        "From": sender, "To": to, "Subject": subject, "Date": date, "Message-ID": f"<{message_id}>" if message_id else "",
        "In-Reply-To": answers and f"<{answers}>", "References": references,
    }  # fmt: skip
    written = [f"{name}: {value}" for name, value in head.items() if value]
    kind = ["MIME-Version: 1.0"]
    if not any(line.lower().startswith("content-type:") for line in lines):
        kind += ['Content-Type: text/plain; charset="utf-8"', "Content-Transfer-Encoding: 8bit"]
    return "\r\n".join([*written, *lines, *kind, "", text]).encode()


class InProcess:
    """Reads mails here: what a process of its own would say. What is in `faults` is raised first, one per mail."""

    def __init__(self) -> None:
        self.faults: list[Exception | None] = []

    def read(self, raw: bytes) -> Mail:
        if self.faults and (fault := self.faults.pop(0)) is not None:
            raise fault
        return read_mail(raw)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Gone:
    """A mail of ours as its recipient sees it."""

    raw: bytes
    sender: str
    to: tuple[str, ...]

    @property
    def message(self) -> EmailMessage:
        found = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def __getitem__(self, header: str) -> str:
        return str(self.message[header] or "")

    @property
    def id(self) -> str:
        return self["Message-ID"].strip("<>")

    @property
    def reply_to(self) -> str:
        """Where a mail program sends an answer."""
        found: str = (self.message["Reply-To"] or self.message["From"]).addresses[0].addr_spec
        return found

    def body(self, kind: str = "plain") -> str:
        part = self.message.get_body((kind,))
        assert part is not None
        found: str = part.get_content()
        return found.replace("\r\n", "\n")

    @property
    def everything(self) -> str:
        return "\n".join(
            [*(f"{name}: {value}" for name, value in self.message.items()), self.body(), self.body("html")]
        )


@dataclass
class MailDesk:
    """One installation with two mailboxes; nothing leaves it: what it sends is in `sent`."""

    services: Services
    room: MailRoom
    reader: InProcess
    sorter: Sorter
    sent: list[Gone] = field(default_factory=list)
    faults: list[DeliveryError] = field(default_factory=list)  # what the far end says to the next mails

    @property
    def clock(self) -> FixedClock:
        assert isinstance(self.services.clock, FixedClock)
        return self.services.clock

    async def far_end(self, account: MailAccount, message: bytes, sender: str, recipients: Sequence[str]) -> Sent:
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(Gone(message, sender, tuple(recipients)))
        return Sent(Receipt(DeliveryState.SENT, "the server's own number"))

    def store(self, raw: bytes, mailbox: str = "support") -> int | None:
        with self.services.database.begin() as session:
            return mails.put(session, mailbox, raw, "hook", self.services.clock.now())

    def sort(self) -> None:
        while self.sorter.sort_one():
            pass

    def answer(self) -> int:
        """Answer and send all there is; how many messages were answered."""
        return drain(self.services, doors(self.room))

    def deliver(self, *raws: bytes, mailbox: str = "support") -> MailRow:
        """Let mails arrive, be sorted and answered; what became of the last one."""
        ids = [self.store(raw, mailbox) for raw in raws]
        self.sort()
        self.answer()
        return self.row(ids[-1])

    def row(self, mail_id: int | None) -> MailRow:
        with self.services.database.read() as session:
            found = session.get(MailRow, mail_id)
            assert found is not None
            session.expunge(found)
            return found

    def talk(self, thread: str) -> Conversation:
        with self.services.database.read() as session:
            found = notes.of_thread(session, thread)
        assert found is not None
        return found

    def turns(self, thread: str) -> list[Turn]:
        with self.services.database.read() as session:
            return conversations.turns_after(session, self.talk(thread).id, 0, notes=True)

    def said(self, thread: str, author: Author = Author.CUSTOMER) -> list[str]:
        return [turn.text for turn in self.turns(thread) if turn.author is author]

    def notes(self, thread: str) -> list[str]:
        return self.said(thread, Author.NOTE)

    def ticket(self, thread: str) -> Ticket:
        ticket_id = self.talk(thread).ticket_id
        assert ticket_id is not None
        with self.services.database.read() as session:
            return tickets.get(session, ticket_id)

    def clock_events(self, thread: str) -> list[str]:
        query = select(ClockEventRow.kind).where(ClockEventRow.ticket_id == self.talk(thread).ticket_id)
        with self.services.database.read() as session:
            return list(session.scalars(query.order_by(ClockEventRow.id)))

    def outbox(self, thread: str) -> list[tuple[str, str]]:
        """State and reason of every reply of a thread."""
        query = (
            select(OutboxRow.state, OutboxRow.error)
            .join(ConversationRow, ConversationRow.id == OutboxRow.conversation_id)
            .where(ConversationRow.thread_id == thread, ConversationRow.channel == Channel.EMAIL)
            .order_by(OutboxRow.id)
        )
        with self.services.database.read() as session:
            return [(state, error) for state, error in session.execute(query)]

    def member(self, role: Role = Role.AGENT, lang: str = "en") -> Staff:
        """A new colleague."""
        name = f"Ada{next(_numbers)}"
        with self.services.database.begin() as session:
            return staff.add(session, name, f"{name.lower()}@shop.test", PASSWORD, role, self.clock.now(), lang)

    def solve(self, thread: str) -> None:
        """A colleague marks a conversation as solved, and the customer is told."""
        member, talk = self.member(), self.talk(thread)
        with self.services.database.begin() as session:
            replies.resolve(session, self.services.defaults, talk, member, "", "", self.clock.now())
        self.answer()

    def customer(self, name: str = "Fang Wang") -> Writer:
        """Somebody new who writes to us."""
        return Writer(self, f"c{next(_numbers)}@customers.test", name)


@dataclass
class Writer:
    """Somebody who writes mails and keeps what comes back."""

    desk: MailDesk
    address: str
    name: str
    thread: str = ""  # of the mail that was sorted last

    @property
    def sender(self) -> str:
        return f'"{self.name}" <{self.address}>' if self.name else self.address

    @property
    def got(self) -> list[Gone]:
        return [one for one in self.desk.sent if self.address in one.to]

    def mail(self, text: str = QUESTION, subject: str = "Printer", **how: object) -> bytes:
        return mail(self.sender, text, subject, **how)  # type: ignore[arg-type]

    def write(self, text: str = QUESTION, subject: str = "Printer", **how: object) -> MailRow:
        return self._keep(self.desk.deliver(self.mail(text, subject, **how)))

    def answering(self, text: str, **how: object) -> bytes:
        """A mail as a client makes it of the newest one that came: with its subject and ids, to where it wants answers."""
        newest = self.got[-1]
        known: dict[str, object] = {
            "answers": newest.id, "references": f"{newest['References']} <{newest.id}>", "to": newest.reply_to,
            "subject": f"Re: {newest['Subject']}",
        }  # fmt: skip
        return self.mail(text, **{**known, **how})  # type: ignore[arg-type]

    def reply(self, text: str, **how: object) -> MailRow:
        return self._keep(self.desk.deliver(self.answering(text, **how)))

    def _keep(self, row: MailRow) -> MailRow:
        self.thread = row.thread_id or self.thread
        return row


def open_desk(services: Services) -> MailDesk:
    room, reader = MailRoom(services, services.office, make_environments()), InProcess()
    return MailDesk(services, room, reader, Sorter(services, services.office, reader))


def without_sending(desk: MailDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.mail.sending.send_mail", desk.far_end)


def forged(link: str) -> str:
    """The link with another signature. Not its last letter is changed: some of that letter's bits mean nothing."""
    return f"{link[:-9]}{'a' if link[-9] != 'a' else 'b'}{link[-8:]}"
