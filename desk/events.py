"""The log of what happened, in order of commit. Live pages replay it after an id, reports count it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from desk.tables import EventRow, plain

_NEW = insert(plain(EventRow))
_ORDER_LOCK = 0x4556454E


class EventKind(StrEnum):
    TURN_ADDED = "turn_added"
    STATE_CHANGED = "state_changed"
    TICKET_OPENED = "ticket_opened"
    TICKET_CHANGED = "ticket_changed"
    ASSIGNED = "assigned"
    READ = "read"
    INCIDENT_CHANGED = "incident_changed"


@dataclass(frozen=True, slots=True)
class Event:
    id: int  # grows in order of commit: what a client has seen up to here, it has seen
    kind: EventKind
    conversation_id: int | None
    ticket_id: int | None
    turn_id: int | None
    data: dict[str, Any]
    at: datetime


def append(
    session: Session,
    kind: EventKind,
    at: datetime,
    *,
    conversation_id: int | None = None,
    ticket_id: int | None = None,
    turn_id: int | None = None,
    **data: Any,
) -> None:
    """Note an event in the caller's transaction."""
    _in_order(session)
    session.execute(_NEW, _values(kind, at, conversation_id, ticket_id, turn_id, data))


def append_turns(
    session: Session, at: datetime, conversation_id: int, turns: Sequence[tuple[int, dict[str, Any]]]
) -> None:
    """Note in one go that turns, (id, data) each, were added to a conversation."""
    _in_order(session)
    kind = EventKind.TURN_ADDED
    session.execute(_NEW, [_values(kind, at, conversation_id, None, turn_id, data) for turn_id, data in turns])


def _in_order(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        # Ids are given before commit: without this lock a reader could pass over a number that commits later.
        session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _ORDER_LOCK})


def _values(
    kind: EventKind, at: datetime, conversation_id: int | None, ticket_id: int | None, turn_id: int | None,
    data: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    return {
        "kind": kind, "conversation_id": conversation_id, "ticket_id": ticket_id, "turn_id": turn_id, "data": data, "at": at,
    }  # fmt: skip


def after(session: Session, event_id: int, *, conversation_id: int | None = None, limit: int = 500) -> list[Event]:
    """Events with a greater id, oldest first; of one conversation if given."""
    query = select(EventRow).where(EventRow.id > event_id).order_by(EventRow.id).limit(limit)
    if conversation_id is not None:
        query = query.where(EventRow.conversation_id == conversation_id)
    return [
        Event(r.id, EventKind(r.kind), r.conversation_id, r.ticket_id, r.turn_id, dict(r.data), r.at)
        for r in session.scalars(query)
    ]


def last_id(session: Session, *, conversation_id: int | None = None) -> int:
    """The newest event id; 0 when there is none."""
    query = select(func.max(EventRow.id))
    if conversation_id is not None:
        query = query.where(EventRow.conversation_id == conversation_id)
    return int(session.scalar(query) or 0)
