"""Conversations and their turns: opened by a customer's first message, one per channel and thread."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, Text, Update, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from base.errors import Conflict, NotFound
from base.messages import FETCHED, Inbound
from base.text import clean, shorten
from desk import customers, events
from desk.events import EventKind
from desk.models import Author, Conversation, ConversationState, Customer, Turn
from desk.tables import ConversationRow, CustomerRow, DoorRow, TurnRow, plain

_MARKS = re.compile(r"\*\*|`")  # of Markdown: a preview is plain text
# From a state to those it may move to. Nothing else moves a conversation.
MOVES: dict[ConversationState, frozenset[ConversationState]] = {
    ConversationState.BOT: frozenset({ConversationState.WAITING, ConversationState.STAFF, ConversationState.CLOSED}),
    ConversationState.WAITING: frozenset({ConversationState.STAFF, ConversationState.BOT, ConversationState.CLOSED}),
    ConversationState.STAFF: frozenset({ConversationState.BOT, ConversationState.CLOSED}),
    ConversationState.CLOSED: frozenset({ConversationState.BOT, ConversationState.WAITING, ConversationState.STAFF}),
}

# Constant statements on plain tables: what is read is what the database holds, never an object kept from before.
_TALKS, _TURNS = plain(ConversationRow), plain(TurnRow)
_BY_THREAD = select(_TALKS).where(
    _TALKS.c.channel == bindparam("channel"), _TALKS.c.thread_id == bindparam("thread_id")
)
_BY_THREAD_TO_WRITE = _BY_THREAD.with_for_update()
_BY_ID = select(_TALKS).where(_TALKS.c.id == bindparam("id"))
_BY_ID_TO_WRITE = _BY_ID.with_for_update()
_DOORS = plain(DoorRow)
_BY_FURTHER_DOOR = (
    select(_TALKS)
    .join(_DOORS, _DOORS.c.conversation_id == _TALKS.c.id)
    .where(_DOORS.c.channel == bindparam("channel"), _DOORS.c.thread_id == bindparam("thread_id"))
)
_NEW = insert(_TALKS).returning(_TALKS.c.id)
_NEW_TURN = insert(_TURNS).returning(_TURNS.c.id)
_LATEST = (
    select(_TURNS)
    .where(_TURNS.c.conversation_id == bindparam("talk"))
    .order_by(_TURNS.c.seq.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Thread:
    """What the engine thinks about: who, where, and the turns so far. `conversation` is None before the first message."""

    customer: Customer | None
    conversation: Conversation | None
    turns: tuple[Turn, ...]  # the latest ones, oldest first


def load(session: Session, inbound: Inbound, *, turns: int = 12) -> Thread:
    """The thread this message belongs to, with its latest turns. Reads only."""
    row = session.execute(_BY_THREAD, {"channel": inbound.channel, "thread_id": inbound.thread_id}).one_or_none()
    if row is None:
        row = _by_further_door(session, inbound)
    row = _end_of(session, row)
    if row is None:
        return Thread(customers.find(session, inbound.channel, inbound.sender_id), None, ())
    return Thread(customers.get(session, row.customer_id), to_conversation(row), latest_turns(session, row.id, turns))


def open_for(session: Session, inbound: Inbound, lang: str, now: datetime) -> Conversation:
    """The conversation of this thread, made (with its customer) if there is none yet. Held until the transaction ends."""
    key = {"channel": inbound.channel, "thread_id": inbound.thread_id}
    row = session.execute(_BY_THREAD_TO_WRITE, key).one_or_none()
    if row is None and (further := _by_further_door(session, inbound)) is not None:
        row = session.execute(_BY_ID_TO_WRITE, {"id": further.id}).one()
    row = _end_of(session, row, _BY_ID_TO_WRITE)
    if row is not None:
        return to_conversation(row)
    customer = customers.find_or_create(session, inbound, lang, now)
    made = Conversation(
        id=0, public_id=secrets.token_hex(12), customer_id=customer.id, channel=str(inbound.channel),
        thread_id=inbound.thread_id, state=ConversationState.BOT, lang=lang, subject="", assignee_id=None,
        ticket_id=None, memory={}, created_at=now, updated_at=now,
    )  # fmt: skip
    values = {
        **key, "public_id": made.public_id, "customer_id": customer.id, "state": made.state, "lang": lang, "subject": "",
        "preview": "", "turns": 0, "unread": 0, "memory": {}, "created_at": now, "updated_at": now,
    }  # fmt: skip
    return replace(made, id=session.execute(_NEW, values).scalar_one())


def end_of(session: Session, talk: Conversation, *, to_write: bool = False) -> Conversation:
    """Where a conversation goes on after merges: the last one of the chain; itself when it was merged into none."""
    if talk.merged_into is None:
        return talk
    first = session.execute(_BY_ID, {"id": talk.id}).one()
    return to_conversation(_end_of(session, first, _BY_ID_TO_WRITE if to_write else _BY_ID))


def _end_of(session: Session, row: Any, by_id: Select[Any] = _BY_ID) -> Any:
    """The row at the end of the chain. A circle, or a pointer to nothing, ends at the row before: no message is lost."""
    seen: set[int] = set()
    while row is not None and row.merged_into is not None:
        seen.add(row.id)
        further = session.execute(by_id, {"id": row.merged_into}).one_or_none()
        if further is None or further.id in seen:
            break
        row = further
    return row


def _by_further_door(session: Session, inbound: Inbound) -> Any:
    """The row of the conversation that was carried on into this thread. Chats are looked for by their first door only."""
    if inbound.channel in FETCHED:
        return None
    return session.execute(
        _BY_FURTHER_DOOR, {"channel": inbound.channel, "thread_id": inbound.thread_id}
    ).one_or_none()  # fmt: skip


@dataclass(frozen=True, slots=True)
class TurnDraft:
    """A turn to be added."""

    author: Author
    text: str
    lang: str
    author_name: str = ""
    staff_id: int | None = None
    message_id: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


def add_turns(
    session: Session, conversation_id: int, drafts: Sequence[TurnDraft], now: datetime, **changes: Any
) -> list[Turn]:
    """Append turns and note an event for each. The sequence number is the conversation's own: 1, 2, 3 ...

    changes: columns of the conversation that change with them; for its state there is `change`.
    """
    shown = [draft.text for draft in drafts if draft.author is not Author.NOTE]
    given = {
        "talk": conversation_id, "now": now, "more": len(drafts),
        "from_customer": sum(draft.author is Author.CUSTOMER for draft in drafts),
        "shown": shorten(" ".join(_MARKS.sub("", shown[-1][:1000]).split()), 120) if shown else None,
    }  # fmt: skip
    given |= {f"new_{name}": value for name, value in changes.items()}
    last = session.execute(_grow(tuple(sorted(changes))), given).scalar_one()
    turns = []
    for seq, draft in enumerate(drafts, start=last - len(drafts) + 1):
        values: dict[str, Any] = {
            "conversation_id": conversation_id, "seq": seq, "author": draft.author, "author_name": draft.author_name,
            "text": draft.text, "lang": draft.lang, "message_id": draft.message_id, "payload": draft.payload,
            "created_at": now,
        }  # fmt: skip
        turn_id = session.execute(_NEW_TURN, {**values, "staff_id": draft.staff_id}).scalar_one()
        turns.append(Turn(id=turn_id, **values))
    added = [(turn.id, {"author": str(turn.author)}) for turn in turns]
    events.append_turns(session, now, conversation_id, added)
    return turns


def add_turn(
    session: Session, conversation_id: int, author: Author, text: str, lang: str, now: datetime, **more: Any
) -> Turn:
    """Append one turn, as `add_turns` does. more: other fields of a TurnDraft."""
    return add_turns(session, conversation_id, [TurnDraft(author, text, lang, **more)], now)[0]


@cache
def _grow(columns: tuple[str, ...]) -> ReturningUpdate[Any]:
    return (
        update(_TALKS)
        .where(_TALKS.c.id == bindparam("talk"))
        .values(
            turns=_TALKS.c.turns + bindparam("more"),
            unread=_TALKS.c.unread + bindparam("from_customer"),
            preview=func.coalesce(bindparam("shown", type_=Text), _TALKS.c.preview),
            updated_at=bindparam("now"),
            **{name: bindparam(f"new_{name}") for name in columns},
        )
        .returning(_TALKS.c.turns)
    )


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
    if state is not None and state is not conversation.state:
        if state not in MOVES[conversation.state]:
            raise Conflict("move not allowed", found=conversation.state, wanted=state)
        values["state"] = state
    values["updated_at"] = now
    given = {"talk": conversation.id, **{f"new_{name}": value for name, value in values.items()}}
    if expected is not None:
        given["expected"] = expected
    result = session.execute(_change(tuple(sorted(values)), expected is not None), given)
    if not result.rowcount:  # type: ignore[attr-defined]
        return False
    if "state" in values:
        events.append(
            session, EventKind.STATE_CHANGED, now, conversation_id=conversation.id, state=str(values["state"])
        )
    return True


@cache
def _change(columns: tuple[str, ...], only_expected: bool) -> Update:
    statement = update(_TALKS).where(_TALKS.c.id == bindparam("talk"))
    if only_expected:
        statement = statement.where(_TALKS.c.state == bindparam("expected"))
    return statement.values({name: bindparam(f"new_{name}") for name in columns})


def get(session: Session, conversation_id: int, *, to_write: bool = False) -> Conversation:
    """Raises NotFound. For code that got the id from us; a person's id goes through `access`.

    to_write: nobody else changes it until this transaction ends, so its state can be relied on.
    """
    row = session.execute(_BY_ID_TO_WRITE if to_write else _BY_ID, {"id": conversation_id}).one_or_none()
    if row is None:
        raise NotFound("conversation", id=conversation_id)
    return to_conversation(row)


def by_ids(session: Session, ids: Sequence[int]) -> list[Conversation]:
    """Those with these ids; unknown ones are left out."""
    return [to_conversation(row) for row in session.execute(select(_TALKS).where(_TALKS.c.id.in_(list(ids))))]


def of_customer(session: Session, customer_id: int, limit: int = 20) -> list[Conversation]:
    """A customer's conversations over all doors, newest first."""
    query = select(_TALKS).where(_TALKS.c.customer_id == customer_id).order_by(_TALKS.c.updated_at.desc()).limit(limit)
    return [to_conversation(row) for row in session.execute(query)]


def latest_turns(session: Session, conversation_id: int, limit: int) -> tuple[Turn, ...]:
    """The newest turns, oldest first."""
    rows = session.execute(_LATEST, {"talk": conversation_id, "most": limit}).all()
    return tuple(to_turn(row) for row in reversed(rows))


def turns_after(session: Session, conversation_id: int, seq: int, *, notes: bool, limit: int = 500) -> list[Turn]:
    """Turns with a greater sequence number, oldest first; internal notes only if `notes`."""
    query = select(_TURNS).where(_TURNS.c.conversation_id == conversation_id, _TURNS.c.seq > seq)
    if not notes:
        query = query.where(_TURNS.c.author != Author.NOTE)
    return [to_turn(row) for row in session.execute(query.order_by(_TURNS.c.seq).limit(limit))]


def turns_by_id(session: Session, ids: Sequence[int]) -> dict[int, Turn]:
    """The turns with these ids; unknown ones are left out."""
    return {row.id: to_turn(row) for row in session.execute(select(_TURNS).where(_TURNS.c.id.in_(list(ids))))}


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the staff's list."""

    conversation: Conversation
    customer: Customer
    preview: str
    unread: int


def list_for_staff(
    session: Session, *, assignee_id: int | None, unassigned: bool, search: str, limit: int = 60
) -> list[Listed]:
    """Conversations that need or had a person, newest first: those of `assignee_id`, the unassigned ones, or all."""
    query = select(ConversationRow, CustomerRow).join(CustomerRow, CustomerRow.id == ConversationRow.customer_id)
    if assignee_id is not None:
        query = query.where(
            ConversationRow.assignee_id == assignee_id, ConversationRow.state != ConversationState.CLOSED
        )
    elif unassigned:
        query = query.where(ConversationRow.assignee_id.is_(None), ConversationRow.state == ConversationState.WAITING)
    if search := clean(search):
        pattern = f"%{search.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        query = query.where(
            or_(
                ConversationRow.subject.ilike(pattern, escape="!"),
                ConversationRow.preview.ilike(pattern, escape="!"),
                CustomerRow.name.ilike(pattern, escape="!"),
            )
        )
    query = query.order_by(ConversationRow.updated_at.desc()).limit(limit).execution_options(populate_existing=True)
    return [
        Listed(to_conversation(c), customers.to_customer(k), c.preview, c.unread)
        for c, k in session.execute(query).tuples()
    ]


def count_for_staff(session: Session, staff_id: int) -> dict[str, int]:
    """How many are in each of the list's views: mine, unassigned, all."""

    def count(*where: Any) -> int:
        return int(session.scalar(select(func.count()).select_from(ConversationRow).where(*where)) or 0)

    return {
        "mine": count(ConversationRow.assignee_id == staff_id, ConversationRow.state != ConversationState.CLOSED),
        "unassigned": count(ConversationRow.assignee_id.is_(None), ConversationRow.state == ConversationState.WAITING),
        "all": count(),
    }


def to_conversation(row: Any) -> Conversation:
    """The dataclass of a row, whether it came as an object or as columns."""
    return Conversation(
        id=row.id, public_id=row.public_id, customer_id=row.customer_id, channel=row.channel, thread_id=row.thread_id,
        state=ConversationState(row.state), lang=row.lang, subject=row.subject, assignee_id=row.assignee_id,
        ticket_id=row.ticket_id, memory=dict(row.memory), created_at=row.created_at, updated_at=row.updated_at,
        merged_into=row.merged_into,
    )  # fmt: skip


def to_turn(row: Any) -> Turn:
    """As `to_conversation`."""
    return Turn(
        id=row.id, conversation_id=row.conversation_id, seq=row.seq, author=Author(row.author),
        author_name=row.author_name, text=row.text, lang=row.lang, created_at=row.created_at,
        message_id=row.message_id, payload=dict(row.payload),
    )  # fmt: skip
