"""Replies to send: put, claim, sent, retry. Saved with the outcome they belong to, sent afterwards, each under a stable key."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session, aliased

from base.messages import FETCHED, Channel, DeliveryState, Link, Outbound, QuickReply, Receipt
from base.metrics import DEAD_LETTERS, SENT
from desk.tables import OutboxRow, plain

_NEW = insert(plain(OutboxRow))


class OutboxState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    MAYBE_SENT = "maybe_sent"
    DROPPED = "dropped"  # a person took over meanwhile
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class OutboxItem:
    id: int
    outbound: Outbound
    turn_id: int
    attempts: int


def put(session: Session, outbound: Outbound, conversation_id: int, turn_id: int, now: datetime) -> None:
    """Queue a reply, in the transaction of the turn it sends. Nothing is queued for a channel that fetches its replies.

    Raises IntegrityError when its key is used already.
    """
    if outbound.channel in FETCHED:
        SENT.labels(channel=outbound.channel, state=OutboxState.SENT).inc()
        return
    session.execute(
        _NEW,
        {
            "key": outbound.key,
            "channel": outbound.channel,
            "conversation_id": conversation_id,
            "turn_id": turn_id,
            "payload": asdict(outbound),
            "state": OutboxState.QUEUED,
            "attempts": 0,
            "next_at": now,
            "error": "",
            "channel_message_id": "",
            "created_at": now,
        },
    )


def claim(session: Session, now: datetime, lease_seconds: int, channels: tuple[Channel, ...]) -> OutboxItem | None:
    """Take the oldest reply that is due, of these channels. Replies of one conversation leave in their order.

    A claim whose lease has ended may have been sent by a worker that died: it becomes "maybe sent" and is shown to a
    person, never sent again blindly (promise 3).
    """
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.state == OutboxState.CLAIMED, OutboxRow.next_at <= now)
        .values(state=OutboxState.MAYBE_SENT, error="its worker died while sending")
    )
    older = aliased(OutboxRow)
    row = session.scalar(
        select(OutboxRow)
        .where(
            OutboxRow.state == OutboxState.QUEUED,
            OutboxRow.next_at <= now,
            OutboxRow.channel.in_(channels),
            ~select(older.id)
            .where(
                older.conversation_id == OutboxRow.conversation_id,
                older.id < OutboxRow.id,
                older.state.in_((OutboxState.QUEUED, OutboxState.CLAIMED)),
            )
            .exists(),
        )
        .order_by(OutboxRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        return None
    row.state, row.attempts = OutboxState.CLAIMED, row.attempts + 1
    row.next_at = now + timedelta(seconds=lease_seconds)
    session.flush()
    return OutboxItem(row.id, from_json(row.payload), row.turn_id, row.attempts)


def sent(session: Session, item_id: int, receipt: Receipt, now: datetime) -> None:
    """Record what the channel said."""
    state = OutboxState.SENT if receipt.state is DeliveryState.SENT else OutboxState.MAYBE_SENT
    channel = session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == item_id)
        .values(state=state, sent_at=now, channel_message_id=receipt.channel_message_id)
        .returning(OutboxRow.channel)
    ).scalar()
    SENT.labels(channel=channel, state=state).inc()


def retry(
    session: Session, item: OutboxItem, now: datetime, error: str, attempts_max: int, wait_seconds: float
) -> bool:
    """Put back after the channel refused for now. False when it was set aside instead: attempts used up.

    A refusal that arrives after the lease has ended still tells that nothing was sent.
    """
    dead = item.attempts >= attempts_max
    delay = max(wait_seconds, min(3600.0, 5.0 * 2.0**item.attempts) * random.uniform(0.7, 1.3))
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == item.id, OutboxRow.state.in_((OutboxState.CLAIMED, OutboxState.MAYBE_SENT)))
        .values(
            state=OutboxState.DEAD if dead else OutboxState.QUEUED,
            next_at=now + timedelta(seconds=delay),
            error=error[:500],
        )
    )
    if dead:
        DEAD_LETTERS.labels(queue="outbox").inc()
    return not dead


def drop_bot_replies(session: Session, conversation_id: int) -> int:
    """Withdraw what the bot has queued but not sent: a person took over. Return how many were withdrawn."""
    rows = session.scalars(
        select(OutboxRow).where(OutboxRow.conversation_id == conversation_id, OutboxRow.state == OutboxState.QUEUED)
    )
    dropped = 0
    for row in rows:
        if row.payload.get("author") == "bot":
            row.state, dropped = OutboxState.DROPPED, dropped + 1
    session.flush()
    return dropped


def counts(session: Session) -> dict[str, int]:
    """How many replies are in each state."""
    rows = session.execute(select(OutboxRow.state, func.count()).group_by(OutboxRow.state)).tuples()
    return {str(state): int(count) for state, count in rows}


def from_json(payload: dict[str, Any]) -> Outbound:
    """An Outbound from the plain JSON it was stored as."""
    return Outbound(
        **{
            **payload,
            "channel": Channel(payload["channel"]),
            "links": tuple(Link(**link) for link in payload["links"]),
            "quick_replies": tuple(QuickReply(**reply) for reply in payload["quick_replies"]),
        }
    )
