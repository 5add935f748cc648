"""Replies to send: put, claim, sent, retry. Saved with the outcome they belong to, sent afterwards, each under a stable key.

What a channel refuses for now is deferred for up to two days; what it refuses for good, or what comes back, bounced.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from base.messages import FETCHED, Channel, DeliveryState, Link, Outbound, QuickReply, Receipt
from base.metrics import DEAD_LETTERS, SENT
from desk import switches
from desk.tables import OutboxRow, plain

_ROWS = plain(OutboxRow)
_NEW = insert(_ROWS)


class OutboxState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    DEFERRED = "deferred"  # the channel asked for another try later
    SENT = "sent"
    MAYBE_SENT = "maybe_sent"
    DROPPED = "dropped"  # a person took over meanwhile, or its recipient has had too many
    BOUNCED = "bounced"  # refused for good, or sent and come back


_TO_SEND = (OutboxState.QUEUED, OutboxState.DEFERRED)
# Their doors note where a reply goes before it goes (`addressed`): what is claimed and has no address yet has not left.
NOTED_FIRST = frozenset({Channel.EMAIL})
CLAIMS_MOST = 5  # of a reply whose workers die before it leaves
TO_STAFF = (
    "staff-"  # how the key of a notification to staff begins: no customer gets it, and none of theirs waits for it
)
PAUSED = "outbox"  # the switch that holds everything back
_ANY_DUE = (
    select(_ROWS.c.id)
    .where(_ROWS.c.state.in_((*_TO_SEND, OutboxState.CLAIMED)), _ROWS.c.next_at <= bindparam("now"))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class OutboxItem:
    id: int
    outbound: Outbound
    turn_id: int
    attempts: int
    conversation_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one reply."""

    id: int
    key: str
    channel: Channel
    conversation_id: int
    turn_id: int
    recipient: str
    state: OutboxState
    error: str
    attempts: int
    next_at: datetime
    created_at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A reply as it left, or is about to."""

    key: str
    thread_id: str
    message_id: str  # of the channel
    conversation_id: int
    recipient: str


def put(
    session: Session, outbound: Outbound, conversation_id: int, turn_id: int, now: datetime, *,
    wait: timedelta = timedelta(),
) -> None:  # fmt: skip
    """Queue a reply, in the transaction of the turn it sends. Nothing is queued for a channel that fetches its replies.

    turn_id: 0 for what is no turn; wait: before it is sent at the earliest. Raises IntegrityError when its key is used already.
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
            "next_at": now + wait,
            "error": "",
            "channel_message_id": "",
            "created_at": now,
        },
    )


def any_due(session: Session, now: datetime) -> bool:
    """Whether there may be something to claim, or a claim has ended: a cheap look."""
    return session.execute(_ANY_DUE, {"now": now}).first() is not None


def claim(session: Session, now: datetime, lease_seconds: int, channels: tuple[Channel, ...]) -> OutboxItem | None:
    """Take the oldest reply that is due, of these channels. Replies of one conversation leave in their order;
    a notification to staff waits for none of them, nor they for it.

    A claim whose lease has ended may have been sent by a worker that died: it becomes "maybe sent" and is shown to a
    person, never sent again blindly (promise 3). None while the outbox is paused.
    """
    if switches.is_off(session, PAUSED):
        return None
    _take_for_dead(session, now)
    older = aliased(OutboxRow)
    row = session.scalar(
        select(OutboxRow)
        .where(
            OutboxRow.state.in_(_TO_SEND),
            OutboxRow.next_at <= now,
            OutboxRow.channel.in_(channels),
            or_(
                OutboxRow.key.startswith(TO_STAFF),
                ~select(older.id)
                .where(
                    older.conversation_id == OutboxRow.conversation_id,
                    older.id < OutboxRow.id,
                    older.state.in_((*_TO_SEND, OutboxState.CLAIMED)),
                    ~older.key.startswith(TO_STAFF),
                )
                .exists(),
            ),
        )
        .order_by(OutboxRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        return None
    row.state, row.attempts, row.recipient = OutboxState.CLAIMED, row.attempts + 1, ""
    row.next_at = now + timedelta(seconds=lease_seconds)
    session.flush()
    return OutboxItem(
        row.id, from_json(row.payload), row.turn_id, row.attempts, row.conversation_id, row.created_at
    )  # fmt: skip


def _take_for_dead(session: Session, now: datetime) -> None:
    """End the claims whose lease has ended: what cannot have left is sent anew, a few times, the rest is maybe sent."""
    ended = (OutboxRow.state == OutboxState.CLAIMED, OutboxRow.next_at <= now)
    if session.scalar(select(OutboxRow.id).where(*ended).limit(1)) is None:
        return
    here = (*ended, OutboxRow.channel.in_(NOTED_FIRST), OutboxRow.recipient == "")
    died = "its worker died before it left"
    for which, state, error in (
        ((*here, OutboxRow.attempts < CLAIMS_MOST), OutboxState.DEFERRED, died),
        (here, OutboxState.BOUNCED, f"{died}, again and again"),
        (ended, OutboxState.MAYBE_SENT, "its worker died while sending"),
    ):
        session.execute(update(OutboxRow).where(*which).values(state=state, error=error))


def extend(session: Session, item_id: int, until: datetime) -> None:
    """Keep a claim while the sending goes on."""
    session.execute(
        update(OutboxRow).where(OutboxRow.id == item_id, OutboxRow.state == OutboxState.CLAIMED).values(next_at=until)
    )


def addressed(session: Session, key: str, recipient: str, message_id: str) -> bool:
    """Note where a claimed reply goes and under which id, before it goes: what comes back is recognised by them.

    False when it must not go: its lease has ended, and somebody else has sent it or is about to.
    """
    result = session.execute(
        update(OutboxRow)
        .where(OutboxRow.key == key, OutboxRow.state == OutboxState.CLAIMED, OutboxRow.recipient == "")
        .values(recipient=recipient[:300], channel_message_id=message_id[:300])
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def sent_to(session: Session, recipient: str, since: datetime) -> list[datetime]:
    """When something automatic went to this customer, oldest first."""
    query = (
        select(OutboxRow.sent_at, OutboxRow.payload)
        .where(OutboxRow.recipient == recipient, OutboxRow.sent_at > since, ~OutboxRow.key.startswith(TO_STAFF))
        .order_by(OutboxRow.sent_at)
    )
    return [at for at, payload in session.execute(query).tuples() if at and payload.get("author") != "staff"]


def sent(session: Session, item_id: int, receipt: Receipt, now: datetime) -> None:
    """Record what the channel said."""
    state = OutboxState.SENT if receipt.state is DeliveryState.SENT else OutboxState.MAYBE_SENT
    values: dict[str, Any] = {"state": state, "sent_at": now}
    if receipt.channel_message_id:
        values["channel_message_id"] = receipt.channel_message_id[:300]
    channel = session.execute(
        update(OutboxRow).where(OutboxRow.id == item_id).values(**values).returning(OutboxRow.channel)
    ).scalar()
    SENT.labels(channel=channel, state=state).inc()


def retry(
    session: Session, item: OutboxItem, now: datetime, error: str, *, give_up_after: timedelta, wait_seconds: float = 0
) -> bool:
    """Put back after the channel refused for now: seconds first, hours later. False when that has gone on for too long.

    A refusal that arrives after the lease has ended still tells that nothing was sent.
    """
    delay = max(wait_seconds, min(3600.0, 5.0 * 2.0 ** min(item.attempts, 12)) * random.uniform(0.7, 1.3))
    if now + timedelta(seconds=delay) > item.created_at + give_up_after:
        return not fail(session, item.id, error)
    _put_back(session, item.id, state=OutboxState.DEFERRED, next_at=now + timedelta(seconds=delay), error=error[:500])
    return True


def fail(session: Session, item_id: int, error: str) -> bool:
    """It will not arrive: refused for good. False, changing nothing, when it was sent after all."""
    failed = _put_back(session, item_id, state=OutboxState.BOUNCED, error=error[:500])
    if failed:
        DEAD_LETTERS.labels(queue="outbox").inc()
    return failed


def _put_back(session: Session, item_id: int, **values: Any) -> bool:
    result = session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == item_id, OutboxRow.state.in_((OutboxState.CLAIMED, OutboxState.MAYBE_SENT)))
        .values(**values)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def dispatched(session: Session, key: str) -> Dispatch | None:
    """What left, or was about to, under this key; None for an unknown one, and for what has not been addressed."""
    row = session.scalar(select(OutboxRow).where(OutboxRow.key == key, OutboxRow.channel_message_id != ""))
    return _dispatch(row) if row is not None else None


def only_one_to(session: Session, recipient: str, since: datetime) -> Dispatch | None:
    """The one reply that went to this recipient since then; None when there were none, or several."""
    query = select(OutboxRow).where(
        OutboxRow.recipient.in_((recipient, recipient.lower())), OutboxRow.sent_at > since,
        OutboxRow.channel_message_id != "",
    )  # fmt: skip
    rows = session.scalars(query.limit(2)).all()
    return _dispatch(rows[0]) if len(rows) == 1 else None


def _dispatch(row: OutboxRow) -> Dispatch:
    thread = str(row.payload.get("thread_id", ""))
    return Dispatch(row.key, thread, row.channel_message_id, row.conversation_id, row.recipient)


def came_back(session: Session, message_id: str, error: str) -> Delivery | None:
    """Record that what was sent under this id was not delivered; None when the id is none of ours, or it was known."""
    row = session.scalar(select(OutboxRow).where(OutboxRow.channel_message_id == message_id).limit(1))
    if row is None or row.state == OutboxState.BOUNCED:
        return None
    row.state, row.error = OutboxState.BOUNCED, error[:500]
    session.flush()
    return _delivery(row)


def drop(session: Session, item_id: int, reason: str) -> None:
    """Never send it, and say why. Changes nothing when it was sent after all."""
    _put_back(session, item_id, state=OutboxState.DROPPED, error=reason)


def again(session: Session, item_id: int, now: datetime) -> bool:
    """A person wants it sent again, under the same key. False when it is neither bounced nor maybe sent nor dropped."""
    stuck = (OutboxState.BOUNCED, OutboxState.MAYBE_SENT, OutboxState.DROPPED)
    result = session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == item_id, OutboxRow.state.in_(stuck))
        .values(state=OutboxState.QUEUED, attempts=0, next_at=now, created_at=now, error="")
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def settle(session: Session, item_id: int, state: OutboxState) -> bool:
    """A person knows what became of what was maybe sent, or gives a bounced one up. False when it is neither."""
    stuck = (OutboxState.BOUNCED, OutboxState.MAYBE_SENT)
    result = session.execute(
        update(OutboxRow).where(OutboxRow.id == item_id, OutboxRow.state.in_(stuck)).values(state=state, error="")
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def drop_bot_replies(session: Session, conversation_id: int) -> int:
    """Withdraw what the bot has queued but not sent: a person took over. Return how many were withdrawn."""
    rows = session.scalars(
        select(OutboxRow).where(OutboxRow.conversation_id == conversation_id, OutboxRow.state.in_(_TO_SEND))
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


def of_conversation(session: Session, conversation_id: int) -> dict[int, Delivery]:
    """Turn id -> what became of sending it."""
    rows = session.scalars(select(OutboxRow).where(OutboxRow.conversation_id == conversation_id))
    return {row.turn_id: _delivery(row) for row in rows}


def listed(session: Session, states: Iterable[OutboxState], limit: int = 50) -> list[Delivery]:
    """The newest replies in these states, newest first."""
    query = select(OutboxRow).where(OutboxRow.state.in_(list(states))).order_by(OutboxRow.id.desc()).limit(limit)
    return [_delivery(row) for row in session.scalars(query)]


def _delivery(row: OutboxRow) -> Delivery:
    return Delivery(
        row.id, row.key, Channel(row.channel), row.conversation_id, row.turn_id, row.recipient, OutboxState(row.state),
        row.error, row.attempts, row.next_at, row.created_at, str(row.payload.get("author", "")),
    )  # fmt: skip


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
