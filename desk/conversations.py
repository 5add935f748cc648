"""Conversations and their turns: opened by a customer's first message, one per channel and thread."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from base.errors import Conflict, NotFound
from base.messages import Inbound
from base.text import shorten
from desk import customers, events
from desk.events import EventKind
from desk.models import Author, Conversation, ConversationState, Customer, Turn
from desk.tables import ConversationRow, TurnRow

# From a state to those it may move to. Nothing else moves a conversation.
MOVES: dict[ConversationState, frozenset[ConversationState]] = {
    ConversationState.BOT: frozenset({ConversationState.WAITING, ConversationState.STAFF, ConversationState.CLOSED}),
    ConversationState.WAITING: frozenset({ConversationState.STAFF, ConversationState.BOT, ConversationState.CLOSED}),
    ConversationState.STAFF: frozenset({ConversationState.BOT, ConversationState.CLOSED}),
    ConversationState.CLOSED: frozenset({ConversationState.BOT, ConversationState.WAITING, ConversationState.STAFF}),
}


@dataclass(frozen=True, slots=True)
class Thread:
    """What the engine thinks about: who, where, and the turns so far. `conversation` is None before the first message."""

    customer: Customer | None
    conversation: Conversation | None
    turns: tuple[Turn, ...]  # the latest ones, oldest first


def load(session: Session, inbound: Inbound, *, turns: int = 12) -> Thread:
    """The thread this message belongs to, with its latest turns. Reads only."""
    row = session.scalar(
        select(ConversationRow).where(
            ConversationRow.channel == inbound.channel, ConversationRow.thread_id == inbound.thread_id
        )
    )
    if row is None:
        return Thread(customers.find(session, inbound.channel, inbound.sender_id), None, ())
    return Thread(customers.get(session, row.customer_id), to_conversation(row), latest_turns(session, row.id, turns))


def open_for(session: Session, inbound: Inbound, lang: str, now: datetime) -> Conversation:
    """The conversation of this thread, made (with its customer) if there is none yet."""
    row = session.scalar(
        select(ConversationRow).where(
            ConversationRow.channel == inbound.channel, ConversationRow.thread_id == inbound.thread_id
        )
    )
    if row is None:
        customer = customers.find_or_create(session, inbound, lang, now)
        row = ConversationRow(
            public_id=secrets.token_hex(12),
            customer_id=customer.id,
            channel=inbound.channel,
            thread_id=inbound.thread_id,
            state=ConversationState.BOT,
            lang=lang,
            subject="",
            preview="",
            turns=0,
            unread=0,
            memory={},
            created_at=now,
            updated_at=now,
        )
        session.add(row)
        session.flush()
    return to_conversation(row)


def add_turn(
    session: Session,
    conversation_id: int,
    author: Author,
    text: str,
    lang: str,
    now: datetime,
    *,
    author_name: str = "",
    staff_id: int | None = None,
    message_id: str = "",
    payload: dict[str, Any] | None = None,
) -> Turn:
    """Append a turn and note the event. The sequence number is the conversation's own: 1, 2, 3 ..."""
    from_customer = author is Author.CUSTOMER
    values: dict[str, Any] = {"turns": ConversationRow.turns + 1, "updated_at": now}
    if author is not Author.NOTE:
        values["preview"] = shorten(" ".join(text.split()), 120)
    if from_customer:
        values["unread"] = ConversationRow.unread + 1
    seq = session.execute(
        update(ConversationRow).where(ConversationRow.id == conversation_id).values(**values).returning(ConversationRow.turns)
    ).scalar_one()
    row = TurnRow(
        conversation_id=conversation_id, seq=seq, author=author, author_name=author_name, staff_id=staff_id, text=text,
        lang=lang, message_id=message_id, payload=payload or {}, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    events.append(
        session, EventKind.TURN_ADDED, now, conversation_id=conversation_id, turn_id=row.id, author=str(author)
    )
    return to_turn(row)


def change(
    session: Session,
    conversation: Conversation,
    now: datetime,
    *,
    state: ConversationState | None = None,
    expected: ConversationState | None = None,
    **values: Any,
) -> bool:
    """Move to `state` and set other columns. False, changing nothing, when it is no longer in the `expected` state.

    Raises Conflict for a move that MOVES does not allow.
    """
    where = [ConversationRow.id == conversation.id]
    if expected is not None:
        where.append(ConversationRow.state == expected)
    if state is not None and state is not conversation.state:
        if state not in MOVES[conversation.state]:
            raise Conflict("move not allowed", found=conversation.state, wanted=state)
        values["state"] = state
    result = session.execute(update(ConversationRow).where(*where).values(updated_at=now, **values))
    if not result.rowcount:  # type: ignore[attr-defined]
        return False
    if "state" in values:
        events.append(session, EventKind.STATE_CHANGED, now, conversation_id=conversation.id, state=str(values["state"]))
    return True


def get(session: Session, conversation_id: int) -> Conversation:
    """Raises NotFound. For code that got the id from us; a person's id goes through `access`."""
    row = session.get(ConversationRow, conversation_id)
    if row is None:
        raise NotFound("conversation", id=conversation_id)
    return to_conversation(row)


def latest_turns(session: Session, conversation_id: int, limit: int) -> tuple[Turn, ...]:
    """The newest turns, oldest first."""
    query = select(TurnRow).where(TurnRow.conversation_id == conversation_id).order_by(TurnRow.seq.desc()).limit(limit)
    return tuple(to_turn(row) for row in reversed(session.scalars(query).all()))


def turns_after(session: Session, conversation_id: int, seq: int, *, notes: bool, limit: int = 500) -> list[Turn]:
    """Turns with a greater sequence number, oldest first; internal notes only if `notes`."""
    query = select(TurnRow).where(TurnRow.conversation_id == conversation_id, TurnRow.seq > seq)
    if not notes:
        query = query.where(TurnRow.author != Author.NOTE)
    return [to_turn(row) for row in session.scalars(query.order_by(TurnRow.seq).limit(limit))]


def turns_by_id(session: Session, ids: Sequence[int]) -> dict[int, Turn]:
    return {row.id: to_turn(row) for row in session.scalars(select(TurnRow).where(TurnRow.id.in_(list(ids))))}


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the staff's list."""

    conversation: Conversation
    customer: Customer
    preview: str
    unread: int


def list_for_staff(session: Session, *, assignee_id: int | None, unassigned: bool, search: str, limit: int = 60) -> list[Listed]:
    """Conversations that need or had a person, newest first: those of `assignee_id`, the unassigned ones, or all."""
    from desk.tables import CustomerRow

    query = select(ConversationRow, CustomerRow).join(CustomerRow, CustomerRow.id == ConversationRow.customer_id)
    if assignee_id is not None:
        query = query.where(ConversationRow.assignee_id == assignee_id, ConversationRow.state != ConversationState.CLOSED)
    elif unassigned:
        query = query.where(ConversationRow.assignee_id.is_(None), ConversationRow.state == ConversationState.WAITING)
    if search:
        pattern = f"%{search.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        query = query.where(
            or_(
                ConversationRow.subject.ilike(pattern, escape="!"),
                ConversationRow.preview.ilike(pattern, escape="!"),
                CustomerRow.name.ilike(pattern, escape="!"),
            )
        )
    rows = session.execute(query.order_by(ConversationRow.updated_at.desc()).limit(limit)).tuples()
    return [Listed(to_conversation(c), customers.to_customer(k), c.preview, c.unread) for c, k in rows]


def count_for_staff(session: Session, staff_id: int) -> dict[str, int]:
    """How many are in each of the list's views: mine, unassigned, all."""

    def count(*where: Any) -> int:
        return int(session.scalar(select(func.count()).select_from(ConversationRow).where(*where)) or 0)

    return {
        "mine": count(ConversationRow.assignee_id == staff_id, ConversationRow.state != ConversationState.CLOSED),
        "unassigned": count(ConversationRow.assignee_id.is_(None), ConversationRow.state == ConversationState.WAITING),
        "all": count(),
    }


def to_conversation(row: ConversationRow) -> Conversation:
    return Conversation(
        id=row.id, public_id=row.public_id, customer_id=row.customer_id, channel=row.channel, thread_id=row.thread_id,
        state=ConversationState(row.state), lang=row.lang, subject=row.subject, assignee_id=row.assignee_id,
        ticket_id=row.ticket_id, memory=dict(row.memory), created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def to_turn(row: TurnRow) -> Turn:
    return Turn(
        id=row.id, conversation_id=row.conversation_id, seq=row.seq, author=Author(row.author),
        author_name=row.author_name, text=row.text, lang=row.lang, created_at=row.created_at,
        message_id=row.message_id, payload=dict(row.payload),
    )  # fmt: skip
