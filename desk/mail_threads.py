"""To which conversation a mail belongs, and who may add to it (promises 7 and 8).

What we signed opens a thread: it was only ever sent to the customer. What anybody can write down (a message id of the
customer's own, a ticket number in the subject) does so only for somebody our mail server vouches for and who takes part
already. Everything else is a new conversation, with a hint to staff; its sender learns nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.messages import Channel
from base.text import normalise
from desk import conversations, doors, identities, mails, merges, tickets
from desk.mail_tables import MailThreadRow
from desk.models import Conversation, Ticket
from desk.tables import TicketRow

_PREFIX = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|odp|res|rif|fw|fwd|wg|tr|回复|回覆|答复|答覆|转发|轉寄|转寄|返信|自动回复)"
    r"\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]|[\[【](?:FL-\d{1,9}|external|外部邮件|ext)[\]】])\s*",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"\s*[\[【]FL-\d{1,9}[\]】]\s*$", re.IGNORECASE)  # where our own mails have it
SUBJECT_CHARS = 150  # of a thread's: with "Re:" and a ticket's number it still fits into one of ours
_NUMBER = re.compile(r"\bFL-(\d{1,9})\b", re.IGNORECASE)


class How(StrEnum):
    """Why a mail belongs where it was put."""

    ADDRESS = "address"  # it came to an address we signed
    MESSAGE_ID = "message_id"  # it answers a mail of ours
    REFERENCES = "references"  # it mentions mails of this thread, and its sender takes part
    MENTIONED = "mentioned"  # a mail of its sender in this thread answers it, or the same one as it: it came late
    SUBJECT = "subject"  # it names the ticket, and its sender takes part
    LINK = "link"  # it brings a link from a page where its sender is signed in
    NEW = "new"
    FOLLOWS = "follows"  # a new one: the one it answers is over
    STRANGER = "stranger"  # a new one: it points at a conversation its sender has no proven part in


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a mail shows about where it belongs."""

    sender: str  # the address in From; "" when there is none, or several
    vouched: bool  # our own mail server vouches for the sender's domain
    disowned: bool  # the sender's domain says that this mail is not its own
    subject: str = ""
    address: str = ""  # thread named by a signed address it came to
    answers: tuple[str, ...] = ()  # threads named by signed ids in In-Reply-To
    mentions: tuple[str, ...] = ()  # threads named by signed ids in References
    ids: tuple[str, ...] = ()  # other message ids in In-Reply-To and References
    own_id: str = ""  # its own message id, "" when it has none


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a mail goes. `thread_id` is "" for a new conversation."""

    how: How
    thread_id: str = ""
    pointed_at: str = ""  # FOLLOWS, STRANGER: the thread it points at


def place(session: Session, evidence: Evidence, now: datetime, reopen_days: int) -> Placement:
    """Decide. reopen_days: so long a solved ticket is opened again by an answer; then it is a new one."""
    for how, thread in _pointed(session, evidence):
        row = session.get(MailThreadRow, thread)
        if row is None:
            continue
        if not _may_add(session, how, row, evidence):
            return Placement(How.STRANGER, pointed_at=thread)
        if _is_over(session, row, evidence, now, reopen_days):
            return Placement(How.FOLLOWS, pointed_at=thread)
        return Placement(how, thread)
    return Placement(How.NEW)


def open_thread(
    session: Session, mailbox: str, address: str, name: str, subject: str, now: datetime, follows: str = ""
) -> str:
    """A new thread id for mails with this address. Raises nothing: an address of "" gets no answers."""
    thread_id = secrets.token_hex(8)
    session.add(
        MailThreadRow(
            thread_id=thread_id, mailbox=mailbox, address=address[:300], name=name[:200], subject=_cut(subject),
            follows=follows, created_at=now,
        )
    )  # fmt: skip
    session.flush()
    return thread_id


@dataclass(frozen=True, slots=True)
class MailThread:
    thread_id: str
    mailbox: str
    address: str
    name: str
    subject: str
    follows: str


def get(session: Session, thread_id: str) -> MailThread | None:
    """Where a thread's answers go; None for one that is not of mails."""
    row = session.get(MailThreadRow, thread_id)
    if row is None:
        return None
    return MailThread(row.thread_id, row.mailbox, row.address, row.name, row.subject, row.follows)


def bare_subject(subject: str) -> str:
    """A subject without "Re:", "回复：", "[FL-1042]" and their like."""
    before = None
    while before != subject:
        before, subject = subject, _SUFFIX.sub("", _PREFIX.sub("", subject, count=1))
    return " ".join(subject.split())


def ticket_of(session: Session, thread_id: str) -> Ticket | None:
    """The ticket of the conversation a thread leads to, if it has one. For staff, and for what arrives."""
    return _ticket(session, doors.conversation_of(session, Channel.EMAIL, thread_id))


def ticket_for_customer(session: Session, thread_id: str) -> Ticket | None:
    """The ticket that mails of this thread may name: never one of another customer's."""
    return _ticket(session, doors.answered_in(session, Channel.EMAIL, thread_id))


def _ticket(session: Session, talk: Conversation | None) -> Ticket | None:
    return tickets.get(session, talk.ticket_id) if talk is not None and talk.ticket_id is not None else None


def _pointed(session: Session, evidence: Evidence) -> Iterable[tuple[How, str]]:
    """The threads a mail points at, the strongest proof first."""
    if evidence.address:
        yield How.ADDRESS, evidence.address
    for thread in evidence.answers:
        yield How.MESSAGE_ID, thread
    for thread in reversed(evidence.mentions):
        yield How.REFERENCES, thread
    known = mails.threads_of(session, evidence.ids) if evidence.ids else {}
    for message_id in reversed(evidence.ids):
        if message_id in known:
            yield How.REFERENCES, known[message_id][0]
    about = [one for one in (evidence.own_id, *evidence.ids) if one]
    for thread in mails.threads_mentioning(session, about, evidence.sender) if about and evidence.sender else ():
        yield How.MENTIONED, thread
    for number in _numbers(evidence.subject):
        talk_id = session.scalar(select(TicketRow.conversation_id).where(TicketRow.number == number))
        if talk_id is not None:
            own = conversations.get(session, talk_id)
            for talk in dict.fromkeys((own.id, conversations.end_of(session, own).id)):
                for door in doors.all_of(session, conversations.get(session, talk)):
                    if door.channel is Channel.EMAIL:
                        yield How.SUBJECT, door.thread_id


def _numbers(subject: str) -> Sequence[int]:
    return [int(number) for number in _NUMBER.findall(normalise(subject))[:3]]


def _may_add(session: Session, how: How, thread: MailThreadRow, evidence: Evidence) -> bool:
    if evidence.disowned:
        return False
    if how in (How.ADDRESS, How.MESSAGE_ID):
        return True
    if not evidence.sender:
        return False
    # An id of ours in References was sent to the customer alone; any other id, or a number, may be known to others.
    signed = how is How.REFERENCES and thread.thread_id in evidence.mentions
    if not evidence.vouched and not signed:
        return False
    return evidence.sender in participants(session, thread.thread_id, guests=evidence.vouched)


def participants(session: Session, thread_id: str, *, guests: bool) -> set[str]:
    """The addresses of those who may add to a thread: its customer's, and the one's in whose conversation it goes on.

    guests: also of everybody whose conversation was merged into that one.
    """
    own = doors.own_conversation(session, Channel.EMAIL, thread_id)
    if own is None:
        return _addresses(session, (), (thread_id,))
    end = conversations.end_of(session, own)
    talks = [own, end, *(merges.gathered(session, end.id) if guests else ())]
    threads = [door.thread_id for talk in talks[2:] for door in doors.all_of(session, talk)]
    return _addresses(session, {talk.customer_id for talk in talks}, (thread_id, *threads))


def addresses_of(session: Session, customer_id: int) -> set[str]:
    """The addresses of a customer."""
    return _addresses(session, (customer_id,), ())


def _addresses(session: Session, customer_ids: Iterable[int], threads: Iterable[str]) -> set[str]:
    known = {
        one.external_id
        for id_ in customer_ids
        for one in identities.of_customer(session, id_)
        if one.channel == Channel.EMAIL
    }
    written = session.scalars(select(MailThreadRow.address).where(MailThreadRow.thread_id.in_(list(threads))))
    return {*known, *written} - {""}


def _is_over(session: Session, thread: MailThreadRow, evidence: Evidence, now: datetime, reopen_days: int) -> bool:
    """Whether what the mail answers is over: solved or withdrawn long ago, or over or answered and now about something else."""
    ticket = ticket_of(session, thread.thread_id)
    if ticket is not None and ticket.state in tickets.OPEN_STATES:
        return False
    ended_at = (ticket.resolved_at or tickets.withdrawn_at(session, ticket)) if ticket is not None else None
    if ended_at is not None and now - ended_at > timedelta(days=reopen_days):
        return True
    was, now_about = (_cut(bare_subject(one)).lower() for one in (thread.subject, evidence.subject))
    return bool(was and now_about) and was != now_about


def _cut(subject: str) -> str:
    """As much of a subject as our answers repeat, so that an answer to them has the same."""
    return subject[:SUBJECT_CHARS].rstrip()
