"""Messages to answer: put, claim, done, retry. Stored before acknowledged; taken by one worker; in order per conversation.

The attempts are counted before the work, so a message that kills its worker is set aside after a few and others flow on.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from base.messages import Attachment, Channel, Inbound
from base.metrics import DEAD_LETTERS, INBOUND
from desk.tables import InboxRow


class InboxState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class InboxItem:
    id: int
    inbound: Inbound
    attempts: int  # this one included


@dataclass(frozen=True, slots=True)
class Put:
    id: int
    duplicate: bool  # the same channel + message id was stored before: nothing was changed


def put(session: Session, inbound: Inbound) -> Put:
    """Store a message. A second delivery of the same channel + message id changes nothing."""
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(InboxRow)
    statement = (
        insert.values(
            channel=inbound.channel,
            message_id=inbound.message_id,
            thread_id=inbound.thread_id,
            payload=to_json(inbound),
            state=InboxState.QUEUED,
            attempts=0,
            next_at=inbound.received_at,
            received_at=inbound.received_at,
        )
        .on_conflict_do_nothing(index_elements=["channel", "message_id"])
        .returning(InboxRow.id)
    )
    new_id = session.execute(statement).scalar()
    INBOUND.labels(channel=inbound.channel, result="stored" if new_id else "duplicate").inc()
    if new_id is not None:
        return Put(int(new_id), duplicate=False)
    known = session.execute(
        select(InboxRow.id).where(InboxRow.channel == inbound.channel, InboxRow.message_id == inbound.message_id)
    ).scalar_one()
    return Put(int(known), duplicate=True)


def claim(session: Session, now: datetime, lease_seconds: int, attempts_max: int) -> InboxItem | None:
    """Take the oldest message that is due and whose conversation has nothing older unanswered. None when there is none.

    A claimed message whose lease has ended is due again: its worker is taken for dead.
    """
    older = aliased(InboxRow)
    unanswered = (InboxState.QUEUED, InboxState.CLAIMED)
    query = (
        select(InboxRow)
        .where(
            InboxRow.state.in_(unanswered),
            InboxRow.next_at <= now,
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
    )
    row = session.scalar(query)
    if row is None:
        return None
    if row.attempts >= attempts_max:
        # It was given up by dying workers only: nobody was there to write it down.
        row.state, row.error = InboxState.DEAD, row.error or "gave up: its workers died"
        DEAD_LETTERS.labels(queue="inbox").inc()
        session.flush()
        return InboxItem(row.id, from_json(row.payload), row.attempts + 1)
    row.state, row.attempts = InboxState.CLAIMED, row.attempts + 1
    row.next_at = now + timedelta(seconds=lease_seconds)
    session.flush()
    return InboxItem(row.id, from_json(row.payload), row.attempts)


def extend(session: Session, item_id: int, until: datetime) -> None:
    """Keep a claim while the work goes on."""
    session.execute(
        update(InboxRow).where(InboxRow.id == item_id, InboxRow.state == InboxState.CLAIMED).values(next_at=until)
    )


def done(session: Session, item_id: int, now: datetime) -> bool:
    """Mark as answered, in the transaction of the outcome. False when it was already: then roll the outcome back."""
    result = session.execute(
        update(InboxRow)
        .where(InboxRow.id == item_id, InboxRow.state != InboxState.DONE)
        .values(state=InboxState.DONE, done_at=now)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def retry(session: Session, item: InboxItem, now: datetime, error: str, attempts_max: int) -> bool:
    """Put back after a fault, later each time (with jitter). False when it was set aside instead: attempts used up."""
    dead = item.attempts >= attempts_max
    delay = min(300.0, 2.0**item.attempts) * random.uniform(0.7, 1.3)
    session.execute(
        update(InboxRow)
        .where(InboxRow.id == item.id)
        .values(
            state=InboxState.DEAD if dead else InboxState.QUEUED,
            next_at=now + timedelta(seconds=delay),
            error=error[:500],
        )
    )
    if dead:
        DEAD_LETTERS.labels(queue="inbox").inc()
    return not dead


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
    return Inbound(
        **{
            **payload,
            "channel": Channel(payload["channel"]),
            "received_at": datetime.fromisoformat(payload["received_at"]),
            "attachments": tuple(Attachment(**item) for item in payload["attachments"]),
        }
    )
