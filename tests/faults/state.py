"""What an installation holds when all is done, without what differs from run to run; and what must hold of any run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from base.database import Database
from desk.mail_tables import MailboxRow, MailRow, MailThreadRow
from desk.models import Author
from desk.outbox import OutboxState
from desk.tables import (
    AuditRow,
    ClockEventRow,
    ConversationRow,
    CustomerRow,
    EventRow,
    IdentityRow,
    InboxRow,
    OutboxRow,
    SymptomRow,
    TicketRow,
    TurnRow,
)

_VARIES = re.compile(r"(?:status|articles|mail)/\S+|\d+")  # ids, and times that move with the restarts


@dataclass(frozen=True)
class State:
    """One installation. Two runs of one story are equal when their states are."""

    mails: tuple[tuple[str, ...], ...]
    conversations: tuple[tuple[str, Any], ...]
    counts: dict[str, int]


def open_work(session: Session) -> dict[str, int]:
    """What still waits for a worker: by queue, how many rows."""
    found = {
        "mails": select(func.count()).where(MailRow.state.in_(("received", "claimed"))),
        "inbox": select(func.count()).where(InboxRow.state.in_(("queued", "claimed"))),
        "outbox": select(func.count()).where(OutboxRow.state.in_(("queued", "claimed", "deferred"))),
    }
    return {name: count for name, query in found.items() if (count := session.scalar(query) or 0)}


def state_of(database: Database) -> State:
    with database.read() as session:
        talks = session.scalars(select(ConversationRow)).all()
        return State(
            _mails(session), tuple(sorted((_talk(session, talk) for talk in talks), key=str)), _counts(session)
        )


def _mails(session: Session) -> tuple[tuple[str, ...], ...]:
    """By message id what became of each copy, whichever came first."""
    rows = session.scalars(select(MailRow)).all()
    ways = {
        id_: "/".join(sorted({r.how for r in rows if r.message_id == id_} - {""}))
        for id_ in {r.message_id for r in rows}
    }
    return tuple(sorted((r.message_id, r.state, r.kind, r.sender, ways[r.message_id], r.error) for r in rows))


def _counts(session: Session) -> dict[str, int]:
    """How many there are of everything that is told apart by nothing else."""
    tables = (CustomerRow, IdentityRow, ConversationRow, MailThreadRow, TicketRow, TurnRow, ClockEventRow, InboxRow,
              OutboxRow, SymptomRow, EventRow, AuditRow, MailRow, MailboxRow)  # fmt: skip
    return {one.__tablename__: session.scalar(select(func.count()).select_from(one)) or 0 for one in tables}


def _talk(session: Session, talk: ConversationRow) -> tuple[str, Any]:
    turns = session.scalars(select(TurnRow).where(TurnRow.conversation_id == talk.id).order_by(TurnRow.seq)).all()
    tickets = session.scalars(select(TicketRow).where(TicketRow.conversation_id == talk.id)).all()
    clocks = session.scalars(select(ClockEventRow).where(ClockEventRow.ticket_id.in_([one.id for one in tickets])))
    sent = session.scalars(select(OutboxRow).where(OutboxRow.conversation_id == talk.id).order_by(OutboxRow.id)).all()
    happened = session.scalars(select(EventRow.kind).where(EventRow.conversation_id == talk.id)).all()
    # A reply of which nobody can know whether it arrived is as good as sent.
    arrived = [OutboxState.SENT if one.state == OutboxState.MAYBE_SENT else one.state for one in sent]
    return (
        f"{talk.channel}: {talk.subject}",
        {
            "state": talk.state, "lang": talk.lang, "turns": talk.turns, "unread": talk.unread,
            "preview": masked(talk.preview), "memory": masked(str(talk.memory)),
            "said": sorted((one.author, masked(one.text)) for one in turns),  # a note may come before or after
            "tickets": [(one.title, one.state, one.urgency, one.category) for one in tickets],
            "clock": sorted((one.kind, one.by) for one in clocks),
            "sent": sorted(
                (str(state), one.recipient, masked(one.payload["text"]))
                for state, one in zip(arrived, sent, strict=True)
            ),
            "events": sorted(happened),
        },
    )  # fmt: skip


def masked(words: str) -> str:
    return _VARIES.sub("#", words)


def faults_of(database: Database, far_end: Sequence[bytes]) -> list[str]:
    """What is wrong with an installation, whatever happened to it; far_end: the mails that arrived there."""
    with database.read() as session:
        return [*_queues(session), *_once(session), *_logs(session), *_sent(session, far_end)]


def _queues(session: Session) -> Iterator[str]:
    for queue, count in open_work(session).items():
        yield f"{count} left in {queue}"
    if (state := session.execute(text("PRAGMA integrity_check")).scalar_one()) != "ok":
        yield f"database: {state}"
    if orphans := session.execute(text("PRAGMA foreign_key_check")).all():
        yield f"rows that point nowhere: {orphans}"


def _once(session: Session) -> Iterator[str]:
    """Every message in the inbox is one turn of its customer's, answered at most once; every taken mail is in the inbox."""
    turns = Counter(session.scalars(select(TurnRow.message_id).where(TurnRow.message_id != "")))
    for message_id in session.scalars(select(InboxRow.message_id)):
        if turns[message_id] != 1:
            yield f"{turns[message_id]} turns of {message_id}"
    taken = select(func.count()).where(MailRow.state == "taken", MailRow.how != "colleague")
    came = select(func.count()).where(InboxRow.channel == "email", InboxRow.message_id.like("mail:%"))
    if session.scalar(taken) != session.scalar(came):
        yield f"{session.scalar(taken)} mails taken, {session.scalar(came)} in the inbox"
    for name, rows in {"digest": MailRow.digest, "ticket of a conversation": TicketRow.conversation_id}.items():
        doubles = [key for key, n in Counter(session.scalars(select(rows))).items() if n > 1]
        if doubles:
            yield f"twice: {name} {doubles}"
    replies = Counter(session.scalars(select(OutboxRow.turn_id)))
    if doubles := [turn for turn, n in replies.items() if n > 1]:
        yield f"turns sent twice: {doubles}"


def _logs(session: Session) -> Iterator[str]:
    """Turns, events and clocks have no gap and nothing twice."""
    for talk in session.scalars(select(ConversationRow)):
        turns = session.scalars(select(TurnRow).where(TurnRow.conversation_id == talk.id).order_by(TurnRow.seq)).all()
        if [one.seq for one in turns] != list(range(1, talk.turns + 1)):
            yield f"conversation {talk.id}: turns {[one.seq for one in turns]} of {talk.turns}"
        query = select(EventRow.turn_id).where(EventRow.conversation_id == talk.id, EventRow.kind == "turn_added")
        if session.scalars(query.order_by(EventRow.id)).all() != [one.id for one in turns]:
            yield f"conversation {talk.id}: events do not tell of its turns"
        if talk.channel == "email":
            yield from _replies(session, talk, turns)
    kinds = Counter(session.execute(select(ClockEventRow.ticket_id, ClockEventRow.kind)).tuples())
    if doubles := [key for key, n in kinds.items() if n > 1 and key[1] == "opened"]:
        yield f"clocks that start twice: {doubles}"
    tickets = set(session.scalars(select(TicketRow.id)))
    if without := tickets - {ticket for ticket, kind in kinds if kind == "opened"}:
        yield f"tickets without a clock: {without}"


def _replies(session: Session, talk: ConversationRow, turns: Sequence[TurnRow]) -> Iterator[str]:
    """Whatever the assistant and people say is in the outbox, once."""
    said = [one.id for one in turns if one.author in (Author.BOT, Author.STAFF)]
    queued = session.scalars(select(OutboxRow.turn_id).where(OutboxRow.conversation_id == talk.id)).all()
    if sorted(queued) != said:
        yield f"conversation {talk.id}: replies {said}, in the outbox {sorted(queued)}"


def _sent(session: Session, far_end: Sequence[bytes]) -> Iterator[str]:
    """What the outbox says of a mail is what the far end has seen."""
    arrived = Counter(id_of(raw) for raw in far_end)
    rows = session.scalars(select(OutboxRow)).all()
    for row in rows:
        seen = arrived.pop(row.channel_message_id, 0)
        if seen > 1:
            yield f"{row.key} arrived {seen} times"
        if row.state == OutboxState.SENT and seen != 1:
            yield f"{row.key} is said to be sent, and arrived {seen} times"
        if row.state not in (OutboxState.SENT, OutboxState.MAYBE_SENT, OutboxState.BOUNCED) and seen:
            yield f"{row.key} is {row.state}, and arrived"
    if arrived:
        yield f"arrived, and of no reply: {sorted(arrived)}"


def id_of(raw: bytes) -> str:
    return str(message_from_bytes(raw, policy=default)["Message-ID"]).strip("<> \r\n")
