"""Messages to answer: put, claim, done, retry. Stored before acknowledged; taken by one worker; in order per conversation.

The attempts are counted before the work, so a message that kills its worker is set aside after a few and others flow on.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from base.database import Json, UtcDateTime
from base.messages import Attachment, Channel, Inbound
from base.metrics import DEAD_LETTERS, INBOUND
from desk.tables import InboxRow, plain

LAST_RESORTS = 5  # attempts at giving a message up, after those at answering it
LAST_LEASE_SECONDS = 60
BURST_MOST = 10  # messages that are answered as one
EVERY_CHANNEL = tuple(Channel)
_FIELDS = frozenset(field.name for field in fields(Inbound))


class InboxState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    DONE = "done"  # answered, or given up and passed on to a person
    DEAD = "dead"  # not even that was possible: an operator must look


@dataclass(frozen=True, slots=True)
class InboxItem:
    """What one worker answers at once: a message, with those its sender wrote right after it."""

    id: int
    inbound: Inbound
    attempts: int  # this one included
    also: tuple[Further, ...] = ()  # the rest of a burst ("你好", "在吗", "打印机坏了"), in order

    @property
    def ids(self) -> list[int]:
        return [self.id, *(one.id for one in self.also)]


@dataclass(frozen=True, slots=True)
class Further:
    """A message that is answered together with the one before it."""

    id: int
    inbound: Inbound


@dataclass(frozen=True, slots=True)
class Put:
    id: int
    duplicate: bool  # the same channel + message id was stored before: nothing was changed


_ROWS = plain(InboxRow)
# As text: SQLAlchemy compiles an ON CONFLICT of its own anew each time. SQLite and PostgreSQL read it alike.
_PUT = text(
    "INSERT INTO desk_inbox (channel, message_id, thread_id, payload, state, attempts, next_at, error, received_at) "
    "VALUES (:channel, :message_id, :thread_id, :payload, :state, :attempts, :next_at, '', :received_at) "
    "ON CONFLICT (channel, message_id) DO NOTHING RETURNING id"
).bindparams(
    bindparam("payload", type_=Json),
    bindparam("received_at", type_=UtcDateTime),
    bindparam("next_at", type_=UtcDateTime),
)
_KNOWN = select(_ROWS.c.id).where(
    _ROWS.c.channel == bindparam("channel"), _ROWS.c.message_id == bindparam("message_id")
)
_ANY_DUE = (
    select(_ROWS.c.id)
    .where(
        _ROWS.c.state.in_((InboxState.QUEUED, InboxState.CLAIMED)), _ROWS.c.next_at <= bindparam("now"),
        _ROWS.c.channel.in_(bindparam("channels", expanding=True)),
    )
    .limit(1)
)  # fmt: skip
_DONE = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("item"), _ROWS.c.state != InboxState.DONE)
    .values(state=InboxState.DONE, done_at=bindparam("now"))
)
_GO_ON = (
    update(_ROWS)
    .where(
        _ROWS.c.channel == bindparam("in_channel"),
        _ROWS.c.thread_id == bindparam("in_thread"),
        _ROWS.c.state == InboxState.QUEUED,
        _ROWS.c.attempts == 0,
        _ROWS.c.id < bindparam("newest"),
    )
    .values(next_at=bindparam("due"))
)


def put(session: Session, inbound: Inbound, *, claimed_until: datetime | None = None, wait_seconds: float = 0) -> Put:
    """Store a message. A second delivery of the same channel + message id changes nothing.

    claimed_until: the caller answers it itself, at once; other workers leave it alone until then. wait_seconds: it says
    nothing yet ("hello"), so that long it waits for what follows; the next message of its thread ends the wait.
    """
    inbound = storable(inbound)
    values = {
        "channel": inbound.channel, "message_id": inbound.message_id, "thread_id": inbound.thread_id,
        "payload": to_json(inbound), "received_at": inbound.received_at, "attempts": 0 if claimed_until is None else 1,
        "state": InboxState.QUEUED if claimed_until is None else InboxState.CLAIMED,
        "next_at": claimed_until or inbound.received_at + timedelta(seconds=wait_seconds),
    }  # fmt: skip
    new_id = session.execute(_PUT, values).scalar()
    INBOUND.labels(channel=inbound.channel, result="stored" if new_id else "duplicate").inc()
    if new_id is not None:
        if claimed_until is None:
            before = {"in_channel": inbound.channel, "in_thread": inbound.thread_id, "newest": new_id}
            session.execute(_GO_ON, {**before, "due": values["next_at"]})
        return Put(int(new_id), duplicate=False)
    known = session.execute(_KNOWN, {"channel": inbound.channel, "message_id": inbound.message_id}).scalar_one()
    return Put(int(known), duplicate=True)


def any_due(session: Session, now: datetime, channels: Collection[Channel] = EVERY_CHANNEL) -> bool:
    """Whether there may be something to claim. A cheap look, for whoever would otherwise make everybody wait to write."""
    return session.execute(_ANY_DUE, {"now": now, "channels": list(channels)}).first() is not None


def claim(
    session: Session, now: datetime, lease_seconds: int, attempts_max: int,
    channels: Collection[Channel] = EVERY_CHANNEL,
) -> InboxItem | None:  # fmt: skip
    """Take the oldest message that is due and whose conversation has nothing older unanswered. None when there is none.

    channels: only what came by these.

    A claimed message whose lease has ended is due again: its worker is taken for dead. One with more than
    `attempts_max` attempts (this one included) is to be given up: a ticket opened, the customer told.
    """
    while True:
        row = session.scalar(_due(now, channels))
        if row is None:
            return None
        row.state, row.attempts = InboxState.CLAIMED, row.attempts + 1
        row.next_at = now + timedelta(seconds=lease_seconds)
        try:
            inbound = from_json(row.payload)
        except (KeyError, TypeError, ValueError) as error:
            _set_aside(row, f"cannot be read: {type(error).__name__}: {error}")
        else:
            if row.attempts <= attempts_max + LAST_RESORTS:
                also = _burst(session, row, inbound) if row.attempts == 1 else ()
                session.flush()
                return InboxItem(row.id, inbound, row.attempts, also)
            _set_aside(row, row.error or "its workers died, also while giving it up")
        session.flush()


def _due(now: datetime, channels: Collection[Channel]) -> Select[tuple[InboxRow]]:
    older = aliased(InboxRow)
    unanswered = (InboxState.QUEUED, InboxState.CLAIMED)
    return (
        select(InboxRow)
        .where(
            InboxRow.state.in_(unanswered),
            InboxRow.next_at <= now,
            InboxRow.channel.in_(channels),
            ~select(older.id)
            .where(
                older.channel == InboxRow.channel,
                older.thread_id == InboxRow.thread_id,
                older.id < InboxRow.id,
                older.state.in_(unanswered),
            )
            .exists(),
        )
        .order_by(InboxRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _burst(session: Session, first: InboxRow, inbound: Inbound) -> tuple[Further, ...]:
    """Claim what the same sender has written since, too. Only at the first attempt: what fails is tried alone."""
    if inbound.action:
        return ()
    query = (
        select(InboxRow)
        .where(
            InboxRow.channel == first.channel,
            InboxRow.thread_id == first.thread_id,
            InboxRow.id > first.id,
            InboxRow.state.in_((InboxState.QUEUED, InboxState.CLAIMED)),
        )
        .order_by(InboxRow.id)
        .limit(BURST_MOST - 1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found: list[Further] = []
    for row in session.scalars(query):
        try:
            further = from_json(row.payload)
        except (KeyError, TypeError, ValueError):
            break  # on its own it will be set aside
        if row.state != InboxState.QUEUED or row.attempts or further.action or further.sender_id != inbound.sender_id:
            break
        row.state, row.attempts, row.next_at = InboxState.CLAIMED, 1, first.next_at
        found.append(Further(row.id, further))
    return tuple(found)


def _set_aside(row: InboxRow, error: str) -> None:
    row.state, row.error = InboxState.DEAD, error[:500]
    DEAD_LETTERS.labels(queue="inbox").inc()


def extend(session: Session, item: InboxItem, until: datetime) -> bool:
    """Keep a claim while the work goes on. False when it is somebody else's by now, or answered."""
    result = session.execute(
        update(InboxRow)
        .where(InboxRow.id.in_(item.ids), InboxRow.state == InboxState.CLAIMED, InboxRow.attempts == item.attempts)
        .values(next_at=until)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def done(session: Session, item_id: int, now: datetime) -> bool:
    """Mark as answered, in the transaction of the outcome. False when it was already: then nothing else may be saved."""
    result = session.execute(_DONE, {"item": item_id, "now": now})
    return bool(result.rowcount)  # type: ignore[attr-defined]


def retry(session: Session, item: InboxItem, now: datetime, error: str, attempts_max: int) -> bool:
    """Put back after a fault, later each time (with jitter). False when the attempts are used up: give it up now.

    It is kept claimed meanwhile: should the giving up die too, the end of the lease brings it back once more. Nothing
    changes when somebody else has it by now, or has answered it.
    """
    used_up = item.attempts >= attempts_max
    delay = LAST_LEASE_SECONDS if used_up else min(300.0, 2.0**item.attempts) * random.uniform(0.7, 1.3)
    result = session.execute(
        update(InboxRow)
        .where(InboxRow.id.in_(item.ids), InboxRow.state == InboxState.CLAIMED, InboxRow.attempts == item.attempts)
        .values(
            state=InboxState.CLAIMED if used_up else InboxState.QUEUED,
            next_at=now + timedelta(seconds=delay),
            error=error[:500],
        )
    )
    if used_up and result.rowcount:  # type: ignore[attr-defined]
        DEAD_LETTERS.labels(queue="inbox").inc()
    return not used_up


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that was given up and could not even be passed on to a person."""

    id: int
    channel: str
    message_id: str
    payload: str  # as it was stored, JSON
    error: str
    attempts: int
    received_at: datetime


def dead_letters(session: Session, limit: int = 50) -> list[Letter]:
    """The newest dead letters, newest first, with everything they hold."""
    query = select(InboxRow).where(InboxRow.state == InboxState.DEAD).order_by(InboxRow.id.desc()).limit(limit)
    return [
        Letter(
            row.id, row.channel, row.message_id, json.dumps(row.payload, ensure_ascii=False), row.error, row.attempts,
            row.received_at,
        )
        for row in session.scalars(query)
    ]  # fmt: skip


def again(session: Session, item_id: int, now: datetime) -> bool:
    """Try a dead letter again, from the first attempt. False when it is none."""
    result = session.execute(
        update(InboxRow)
        .where(InboxRow.id == item_id, InboxRow.state == InboxState.DEAD)
        .values(state=InboxState.QUEUED, attempts=0, next_at=now, error="")
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def counts(session: Session) -> dict[str, int]:
    """How many messages are in each state."""
    rows = session.execute(select(InboxRow.state, func.count()).group_by(InboxRow.state)).tuples()
    return {str(state): int(count) for state, count in rows}


def next_due(session: Session, now: datetime) -> datetime | None:
    """When the next waiting message is due; None when none waits."""
    due = session.scalar(
        select(func.min(InboxRow.next_at)).where(
            or_(InboxRow.state == InboxState.QUEUED, and_(InboxRow.state == InboxState.CLAIMED, InboxRow.next_at > now))
        )
    )
    return due if due is None or due.tzinfo else due.replace(tzinfo=UTC)


def to_json(inbound: Inbound) -> dict[str, Any]:
    """An Inbound as plain JSON; `from_json` gives it back."""
    return {**asdict(inbound), "received_at": inbound.received_at.isoformat()}


def from_json(payload: dict[str, Any]) -> Inbound:
    """Raises KeyError, TypeError or ValueError. A field that only another version of Firstline knows is left out."""
    return Inbound(
        **{
            **{name: value for name, value in payload.items() if name in _FIELDS},
            "channel": Channel(payload["channel"]),
            "received_at": datetime.fromisoformat(payload["received_at"]),
            "attachments": tuple(Attachment(**item) for item in payload["attachments"]),
        }
    )


def storable(inbound: Inbound) -> Inbound:
    """The message as every database can hold it: valid Unicode without NUL, ids of at most 300 characters."""
    return replace(
        inbound,
        message_id=_id(inbound.message_id), thread_id=_id(inbound.thread_id), sender_id=_id(inbound.sender_id),
        text=_text(inbound.text), sender_name=_text(inbound.sender_name), locale=_text(inbound.locale),
        action=_text(inbound.action), extra=_held(inbound.extra),
        attachments=tuple(replace(a, name=_text(a.name), media_type=_text(a.media_type)) for a in inbound.attachments),
    )  # fmt: skip


def _text(value: str) -> str:
    return (
        value
        if value.isascii() and "\x00" not in value
        else value.encode("utf-8", "replace").decode().replace("\x00", "")
    )


def _id(value: str) -> str:
    """Ids of any length stay apart: a long one keeps its beginning and gets a digest of the whole."""
    value = _text(value)
    return value if len(value) <= 300 else f"{value[:235]}#{hashlib.sha256(value.encode()).hexdigest()}"


def _held(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(str(key)): _held(item) for key, item in value.items()}
    return [_held(item) for item in value] if isinstance(value, list | tuple) else value
