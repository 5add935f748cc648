"""Mails as they came: stored byte by byte before anybody reads them, then sorted one after the other per mailbox.

What cannot be read is set aside with its bytes and its reason; the mailbox goes on.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import LargeBinary, and_, bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from base.database import UtcDateTime
from base.metrics import DEAD_LETTERS
from desk.mail_tables import MailboxRow, MailMentionRow, MailRow
from desk.tables import plain


class MailState(StrEnum):
    RECEIVED = "received"
    CLAIMED = "claimed"
    TAKEN = "taken"  # it is in the inbox, or a colleague's reply that was sent
    NOTED = "noted"  # kept, never answered: out of office, mailing lists, bounces, loops
    DUPLICATE = "duplicate"  # the same message came before, by another mailbox or another way
    QUARANTINED = "quarantined"  # nobody could read it: a person looks
    DISCARDED = "discarded"  # a person looked, and it was nothing


_PUT = text(
    "INSERT INTO desk_mails (mailbox, digest, source, raw, size_bytes, state, attempts, next_at, error, kind, "
    "message_id, sender, subject, thread_id, echo, how, received_at) "
    "VALUES (:mailbox, :digest, :source, :raw, :size, :state, 0, :now, :error, '', '', '', '', '', '', '', :now) "
    "ON CONFLICT (mailbox, digest) DO NOTHING RETURNING id"
).bindparams(bindparam("now", type_=UtcDateTime), bindparam("raw", type_=LargeBinary))
_NEW_MAILBOX = text(
    "INSERT INTO desk_mailboxes (name, uidvalidity, last_uid, state, detail, since, started_at, holder) "
    "VALUES (:name, 0, 0, '', '', :now, :now, '') ON CONFLICT (name) DO NOTHING"
).bindparams(bindparam("now", type_=UtcDateTime))
_LIMITS = {"subject": 500, "error": 500, "kind": 16, "how": 40, "echo": 32}
MOST_MENTIONS, MOST_ID_CHARS = 40, 300
_WAITING = (MailState.RECEIVED, MailState.CLAIMED)
_ROWS = plain(MailRow)
_ANY_DUE = select(_ROWS.c.id).where(_ROWS.c.state.in_(_WAITING), _ROWS.c.next_at <= bindparam("now")).limit(1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a mailbox is fetched: everything up to last_uid of this uidvalidity is stored."""

    uidvalidity: int
    last_uid: int


@dataclass(frozen=True, slots=True)
class MailboxHealth:
    name: str
    state: str
    detail: str
    since: datetime
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class StoredMail:
    id: int
    mailbox: str
    raw: bytes
    attempts: int  # this one included
    received_at: datetime
    kind: str  # "" at first; "person" when an operator wants it answered, whatever it looks like


@dataclass(frozen=True, slots=True)
class MailSummary:
    """What a list shows of a mail."""

    id: int
    mailbox: str
    state: MailState
    kind: str
    sender: str
    subject: str
    error: str
    size_bytes: int
    attempts: int
    received_at: datetime


def put(session: Session, mailbox: str, raw: bytes, source: str, now: datetime, unusable: str = "") -> int | None:
    """Store a mail and return its id; None when this mailbox has had these very bytes before.

    unusable: why it is set aside at once, unread: the server would not give it, or it is too large.
    """
    digest = hashlib.sha256(raw).hexdigest()
    values = {
        "mailbox": mailbox, "digest": digest, "source": source, "raw": raw, "size": len(raw),
        "state": MailState.QUARANTINED if unusable else MailState.RECEIVED, "now": now, "error": unusable,
    }  # fmt: skip
    new_id: int | None = session.execute(_PUT, values).scalar()
    return new_id


def cursor(session: Session, mailbox: str) -> Cursor | None:
    """How far this mailbox is fetched; None before the first mail."""
    row = session.get(MailboxRow, mailbox)
    return Cursor(row.uidvalidity, row.last_uid) if row is not None and row.uidvalidity else None


def started_at(session: Session, mailbox: str, now: datetime) -> datetime:
    """When this mailbox was first connected: what lay there before is not answered. Now, at the first time."""
    return _mailbox(session, mailbox, now).started_at


def move_cursor(session: Session, mailbox: str, at: Cursor, now: datetime) -> None:
    """Remember how far it is fetched, in the transaction that stores the mail."""
    row = _mailbox(session, mailbox, now)
    row.uidvalidity, row.last_uid = at.uidvalidity, at.last_uid
    session.flush()


def report(session: Session, mailbox: str, state: str, detail: str, now: datetime) -> None:
    """Keep what a mailbox's connection says of itself; `since` is when it began to say so."""
    row = _mailbox(session, mailbox, now)
    if row.state != state:
        row.since = now
    row.state, row.detail = state, detail[:500]
    session.flush()


def hold(session: Session, mailbox: str, holder: str, now: datetime, seconds: float) -> bool:
    """Be the one process that is connected to a mailbox, until `seconds` from now. False while another one is."""
    _mailbox(session, mailbox, now)
    session.flush()
    free = or_(MailboxRow.holder == holder, MailboxRow.held_until.is_(None), MailboxRow.held_until <= now)
    result = session.execute(
        update(MailboxRow)
        .where(MailboxRow.name == mailbox, free)
        .values(holder=holder, held_until=now + timedelta(seconds=seconds))
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def let_go_of_dead(session: Session, holders: str) -> None:
    """Free what was held by holders whose name begins like this: their process has ended."""
    held = MailboxRow.holder.startswith(holders, autoescape=True)
    session.execute(update(MailboxRow).where(held).values(held_until=None))


def let_go(session: Session, mailbox: str, holder: str) -> None:
    """Let another process have the mailbox at once."""
    session.execute(
        update(MailboxRow).where(MailboxRow.name == mailbox, MailboxRow.holder == holder).values(held_until=None)
    )


def health(session: Session) -> list[MailboxHealth]:
    """Every mailbox that was ever connected."""
    rows = session.scalars(select(MailboxRow).order_by(MailboxRow.name))
    return [MailboxHealth(r.name, r.state, r.detail, r.since, Cursor(r.uidvalidity, r.last_uid)) for r in rows]


def any_due(session: Session, now: datetime) -> bool:
    """Whether there may be something to claim: a cheap look."""
    return session.execute(_ANY_DUE, {"now": now}).first() is not None


def claim(session: Session, now: datetime, lease_seconds: int) -> StoredMail | None:
    """Take the oldest mail that is due. One mailbox is sorted by one worker at a time, so that its order holds.

    The attempt is counted before the work: a mail that kills its reader is set aside after a few.
    """
    other = aliased(MailRow)
    in_hand = and_(other.state == MailState.CLAIMED, other.next_at > now)
    # What is due before it may be in the hands of somebody who has not committed yet: PostgreSQL does not show that.
    before = and_(other.state.in_(_WAITING), other.next_at <= now, other.id < MailRow.id)
    row = session.scalar(
        select(MailRow)
        .where(
            MailRow.state.in_(_WAITING),
            MailRow.next_at <= now,
            ~select(other.id).where(other.mailbox == MailRow.mailbox, or_(in_hand, before)).exists(),
        )
        .order_by(MailRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        return None
    row.state, row.attempts = MailState.CLAIMED, row.attempts + 1
    row.next_at = now + timedelta(seconds=lease_seconds)
    session.flush()
    return StoredMail(row.id, row.mailbox, row.raw, row.attempts, row.received_at, row.kind)


def is_held(session: Session, mail: StoredMail) -> bool:
    """Whether a claimed mail is still ours, and stays so until the transaction ends: else it must have no effect here."""
    query = select(MailRow.id).where(
        MailRow.id == mail.id, MailRow.state == MailState.CLAIMED, MailRow.attempts == mail.attempts
    )
    return session.scalar(query.with_for_update()) is not None


def finish(session: Session, mail_id: int, state: MailState, **what: Any) -> bool:
    """Say what became of a claimed mail, in the transaction of its effect. False when somebody else has said it.

    what: columns known by now: kind, message_id, sender, subject, thread_id, how, error.
    """
    result = session.execute(
        update(MailRow)
        .where(MailRow.id == mail_id, MailRow.state == MailState.CLAIMED)
        .values(state=state, **{name: value[: _LIMITS.get(name, 300)] for name, value in {"error": "", **what}.items()})
    )
    if state is MailState.QUARANTINED:
        DEAD_LETTERS.labels(queue="mail").inc()
    return bool(result.rowcount)  # type: ignore[attr-defined]


def retry(session: Session, mail: StoredMail, now: datetime, error: str) -> None:
    """Put back after a passing fault (the database, never the mail itself)."""
    delay = timedelta(seconds=min(300.0, 2.0**mail.attempts) * random.uniform(0.7, 1.3))
    session.execute(
        update(MailRow)
        .where(MailRow.id == mail.id, MailRow.state == MailState.CLAIMED, MailRow.attempts == mail.attempts)
        .values(state=MailState.RECEIVED, next_at=now + delay, error=error[:500])
    )


def again(session: Session, mail_id: int, now: datetime, *, answer: bool = False) -> bool:
    """Read a mail that was set aside or only kept once more. False when it is neither.

    answer: a person wrote it, whatever its headers look like.
    """
    result = session.execute(
        update(MailRow)
        .where(MailRow.id == mail_id, MailRow.state.in_((MailState.QUARANTINED, MailState.NOTED)))
        .values(state=MailState.RECEIVED, attempts=0, next_at=now, error="", kind="person" if answer else "")
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def discard(session: Session, mail_id: int) -> bool:
    """Take a quarantined mail off the list; its bytes are kept. False when it is not quarantined."""
    result = session.execute(
        update(MailRow)
        .where(MailRow.id == mail_id, MailRow.state == MailState.QUARANTINED)
        .values(state=MailState.DISCARDED)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def raw(session: Session, mail_id: int) -> tuple[bytes, datetime] | None:
    """The mail as it came, and when; None for an unknown id."""
    row = session.execute(select(MailRow.raw, MailRow.received_at).where(MailRow.id == mail_id)).one_or_none()
    return (row[0], row[1]) if row else None


def threads_of(session: Session, message_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Message id -> (thread id, sender) of the mails with these ids that began or joined a thread.

    Of several mails with one id the first counts: whoever copies an id later takes no thread away.
    """
    query = (
        select(MailRow.message_id, MailRow.thread_id, MailRow.sender)
        .where(MailRow.message_id.in_(list(message_ids)[:200]), MailRow.thread_id != "")
        .order_by(MailRow.id.desc())
    )
    return {message_id: (thread, sender) for message_id, thread, sender in session.execute(query)}


def mention(session: Session, mail_id: int, message_ids: Sequence[str]) -> None:
    """Note what a mail of a conversation mentions, the ends of a long list."""
    ids = list(dict.fromkeys(one for one in message_ids if 0 < len(one) <= MOST_ID_CHARS))
    if len(ids) > MOST_MENTIONS:
        ids = [*ids[: MOST_MENTIONS // 2], *ids[-MOST_MENTIONS // 2 :]]
    session.add_all([MailMentionRow(mail_id=mail_id, message_id=one) for one in ids])


def threads_mentioning(session: Session, message_ids: Sequence[str], sender: str) -> list[str]:
    """The threads in which mails of this sender mention one of these ids, the newest first."""
    query = (
        select(MailRow.thread_id)
        .join(MailMentionRow, MailMentionRow.mail_id == MailRow.id)
        .where(
            MailMentionRow.message_id.in_(list(message_ids)[:200]), MailRow.sender == sender, MailRow.thread_id != ""
        )
        .order_by(MailRow.id.desc())
        .limit(20)
    )
    return list(dict.fromkeys(session.scalars(query)))


@dataclass(frozen=True, slots=True)
class Said:
    """When somebody wrote, and a digest of what."""

    at: datetime
    echo: str


def said_by(session: Session, sender: str, since: datetime) -> list[Said]:
    """What came from this address since then, oldest first."""
    query = (
        select(MailRow.received_at, MailRow.echo)
        .where(MailRow.sender == sender, MailRow.received_at > since, MailRow.state == MailState.TAKEN)
        .order_by(MailRow.id.desc())
        .limit(50)
    )
    return [Said(at, echo) for at, echo in reversed(session.execute(query).all())]


def came_before(session: Session, mail_id: int, message_id: str, sender: str, how: str) -> bool:
    """Whether another mail with this id, of this sender, was taken so: the same one by another mailbox."""
    query = select(MailRow.id).where(
        MailRow.message_id == message_id, MailRow.sender == sender, MailRow.state == MailState.TAKEN,
        MailRow.how == how, MailRow.id != mail_id,
    )  # fmt: skip
    return session.scalar(query.limit(1)) is not None


def ids_of(session: Session, thread_id: str) -> list[tuple[datetime, str]]:
    """When each mail of a thread came, and its message id; oldest first."""
    query = (
        select(MailRow.received_at, MailRow.message_id)
        .where(MailRow.thread_id == thread_id, MailRow.state == MailState.TAKEN)
        .order_by(MailRow.id)
    )
    return [(at, message_id) for at, message_id in session.execute(query)]


def counts(session: Session) -> dict[str, int]:
    """How many mails are in each state."""
    rows = session.execute(select(MailRow.state, func.count()).group_by(MailRow.state)).tuples()
    return {str(state): int(count) for state, count in rows}


def listed(session: Session, states: Iterable[MailState], limit: int = 50) -> list[MailSummary]:
    """The newest mails in these states, newest first."""
    query = (
        select(
            MailRow.id, MailRow.mailbox, MailRow.state, MailRow.kind, MailRow.sender, MailRow.subject, MailRow.error,
            MailRow.size_bytes, MailRow.attempts, MailRow.received_at,
        )
        .where(MailRow.state.in_(list(states)))
        .order_by(MailRow.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [MailSummary(r[0], r[1], MailState(r[2]), *r[3:]) for r in session.execute(query).tuples()]


def _mailbox(session: Session, name: str, now: datetime) -> MailboxRow:
    """The row of a mailbox, made if need be: several processes may meet a new one at the same time."""
    row = session.get(MailboxRow, name)
    if row is None:
        session.execute(_NEW_MAILBOX, {"name": name, "now": now})
        row = session.get_one(MailboxRow, name)
    return row
