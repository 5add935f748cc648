"""What became of every delivery: looked up in the database and at the far end, not asked of the program."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.database import Database
from base.messages import Channel
from desk import inbox, mails, outbox
from desk.mail_tables import MailRow
from desk.models import Author
from desk.outbox import OutboxState
from desk.tables import InboxRow, OutboxRow, TurnRow
from evals.mail_corpus import Delivery


@dataclass
class Found:
    """The count, and the first few of each kind by name."""

    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    wrong_state: list[str] = field(default_factory=list)
    states: dict[str, dict[str, int]] = field(default_factory=dict)
    arrived: int = 0

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.double or self.wrong_state)

    def as_dict(self) -> dict[str, Any]:
        examples = {
            f"{name}_are": getattr(self, name)[:5] for name in ("lost", "double", "wrong_state") if getattr(self, name)
        }
        return {
            "lost": len(self.lost), "double": len(self.double), "wrong_state": len(self.wrong_state), **self.states,
            "arrived": self.arrived, **examples,
        }  # fmt: skip


def look(database: Database, every: Sequence[Delivery], arrived: Sequence[bytes]) -> Found:
    """Compare what was delivered with what is there."""
    found = Found(arrived=len(arrived))
    with database.read() as session:
        found.states = {
            "mails": mails.counts(session), "inbox": inbox.counts(session), "outbox": outbox.counts(session),
        }  # fmt: skip
        _look_at_mails(session, every, found)
        _look_at_answers(session, found)
        _look_at_replies(session, arrived, found)
    return found


def _look_at_mails(session: Session, every: Sequence[Delivery], found: Found) -> None:
    """Each is stored once for its mailbox; of all that are the same mail one has taken effect."""
    columns = (MailRow.mailbox, MailRow.digest, MailRow.state, MailRow.id)
    rows = {(mailbox, digest): (state, id_) for mailbox, digest, state, id_ in session.execute(select(*columns))}
    in_inbox = Counter(
        payload["extra"].get("mail")
        for (payload,) in session.execute(select(InboxRow.payload).where(InboxRow.channel == Channel.EMAIL))
    )
    groups: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for one in every:
        groups[one.key, one.expected].add((one.mailbox, sha256(one.raw).hexdigest()))
    for (key, expected), copies in groups.items():
        there = [rows.pop(copy) for copy in copies if copy in rows]
        if len(there) < len(copies):
            found.lost.append(f"{key}: {len(copies) - len(there)} not stored")
        _look_at_copies(key, expected, there, in_inbox, found)
    found.double += [f"{mailbox} {digest[:8]}: delivered by nobody" for mailbox, digest in rows]


def _look_at_copies(
    key: str, expected: str, there: Sequence[tuple[str, int]], in_inbox: Counter[int], found: Found
) -> None:
    states = sorted(state for state, _ in there)
    messages = sum(in_inbox[id_] for _, id_ in there)
    if expected != "taken":
        if set(states) - {expected} or messages:
            found.wrong_state.append(f"{key}: {states} instead of {expected}")
        return
    if messages != 1:
        (found.double if messages else found.lost).append(f"{key}: {messages} messages in the inbox, {states}")
    elif states != ["duplicate"] * (len(states) - 1) + ["taken"]:
        found.wrong_state.append(f"{key}: {states}")


def _look_at_answers(session: Session, found: Found) -> None:
    """An answered message is one turn of its customer's, one that waits none; every reply is in the outbox once."""
    turns = Counter(session.scalars(select(TurnRow.message_id).where(TurnRow.author == Author.CUSTOMER)))
    for message_id, state in session.execute(select(InboxRow.message_id, InboxRow.state)):
        wanted = 1 if state == "done" else 0
        if turns[message_id] != wanted:
            (found.lost if turns[message_id] < wanted else found.double).append(
                f"{turns[message_id]} turns of {message_id}"
            )
        if state not in ("done", "queued"):
            found.wrong_state.append(f"{message_id} is {state}")
    replies = Counter(session.scalars(select(TurnRow.id).where(TurnRow.author == Author.BOT)))
    queued = Counter(session.scalars(select(OutboxRow.turn_id)))
    found.lost += [f"reply {turn} is not in the outbox" for turn in replies if not queued[turn]]
    found.double += [f"reply {turn} is in the outbox {n} times" for turn, n in queued.items() if n > 1]


def _look_at_replies(session: Session, arrived: Sequence[bytes], found: Found) -> None:
    seen = Counter(_ids(arrived))
    rows = session.execute(select(OutboxRow.key, OutboxRow.state, OutboxRow.channel_message_id))
    for key, state, message_id in rows:
        times = seen.pop(message_id, 0) if message_id else 0
        if times > 1:
            found.double.append(f"{key} arrived {times} times")
        if state == OutboxState.SENT and not times:
            found.lost.append(f"{key} is said to be sent")
        if state not in (OutboxState.SENT, OutboxState.MAYBE_SENT, OutboxState.DROPPED):
            found.wrong_state.append(f"{key} is {state}")
    found.double += [f"{message_id} arrived, and is of no reply" for message_id in seen]


def _ids(arrived: Sequence[bytes]) -> Iterator[str]:
    parser = BytesHeaderParser()
    for raw in arrived:
        yield str(parser.parsebytes(raw)["Message-ID"]).strip("<> \r\n")
