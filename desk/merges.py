"""Two conversations that are one matter: one ends, what comes into it goes to the other; and it can be undone.

What is owed is never lost by it: the ticket of the one that ends is withdrawn, and the other one owes it. Messages are
sent on at the moment they come (`conversations.load`, `doors.conversation_of`), nothing is copied or moved.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from base.errors import Conflict, InvalidInput, NotFound
from base.i18n import N_, translate
from base.messages import FETCHED, Channel
from desk import audit, conversations, customers, doors, tickets
from desk.identities import AlreadyUndone
from desk.merge_tables import TalkMergeRow
from desk.merge_tickets import Before, hand_over, take_back
from desk.models import Author, Conversation, ConversationState, Staff
from desk.service import ServiceDefaults
from desk.tables import ConversationRow, InboxRow, TurnRow

_LOCK = 0x4D455247


class MergedAlready(Conflict):
    code = "merged_already"
    message = N_("This conversation was merged already. Undo that first, then merge it into another one.")


class MergedWithItself(InvalidInput):
    code = "merged_with_itself"
    message = N_("These two are one conversation already. Choose another one.")


class StaysInItsWindow(InvalidInput):
    code = "stays_in_its_window"
    message = N_(
        "A conversation that began in a chat window cannot end in another one: its window would stay silent. Merge the "
        "other one into it."
    )


class NotWithAnIncident(InvalidInput):
    code = "not_with_an_incident"
    message = N_("The conversation of an incident cannot be merged. Add customers, or merge incidents, on its page.")


@dataclass(frozen=True, slots=True)
class Merge:
    id: int
    source_id: int
    target_id: int
    by: str
    at: datetime
    undone_at: datetime | None


def merge(
    session: Session, defaults: ServiceDefaults, source: Conversation, target: Conversation, member: Staff,
    now: datetime, lang: str = "en",
) -> Merge:  # fmt: skip
    """End `source`: what comes into it goes to `target`, or to where that goes on itself. lang: the team's.

    Raises MergedAlready, MergedWithItself, StaysInItsWindow, NotWithAnIncident.
    """
    _one_at_a_time(session)
    source = conversations.get(session, source.id, to_write=True)
    target = conversations.end_of(session, conversations.get(session, target.id, to_write=True), to_write=True)
    check(source, target)
    before = hand_over(session, defaults, source, target, member, now)
    conversations.change(
        session, source, now, state=ConversationState.CLOSED, assignee_id=None, merged_into=target.id
    )  # fmt: skip
    row = TalkMergeRow(
        source_id=source.id, target_id=target.id, by=f"staff:{member.id}", before={}, at=now, undone_at=None
    )  # fmt: skip
    session.add(row)
    session.flush()
    seq = _tell_both(session, row, source, target, before, member, lang, now)
    row.before = asdict(replace(before, seq=seq))
    audit.note(session, now, row.by, "merged_conversations", f"conversation:{source.id}", into=target.id)
    session.flush()
    return _to_merge(row)


def check(source: Conversation, target: Conversation) -> None:
    """Raises what `merge` raises for these two; target: where it goes on."""
    if Channel.INCIDENT in (source.channel, target.channel):
        raise NotWithAnIncident()
    if source.id == target.id:
        raise MergedWithItself()
    if source.merged_into is not None:
        raise MergedAlready()
    if source.channel in FETCHED:
        raise StaysInItsWindow()


def undo(
    session: Session, defaults: ServiceDefaults, merge_id: int, member: Staff, now: datetime, lang: str = "en"
) -> Merge:  # fmt: skip
    """Part the two again. What came in meanwhile stays where it is, and both say so. Raises NotFound, AlreadyUndone."""
    _one_at_a_time(session)
    row = session.get(TalkMergeRow, merge_id, populate_existing=True)
    if row is None:
        raise NotFound("merge", id=merge_id)
    if row.undone_at is not None:
        raise AlreadyUndone()
    before = Before.read(row.before)
    source = conversations.get(session, row.source_id, to_write=True)
    target = conversations.get(session, row.target_id, to_write=True)
    came = _came_by(session, source, target, row.at)
    conversations.change(
        session, source, now, state=before.state, assignee_id=before.assignee_id, merged_into=None
    )  # fmt: skip
    take_back(session, defaults, before, source, target, member, now)
    row.undone_at, row.undone_by = now, f"staff:{member.id}"
    session.flush()
    for talk, other in ((source, target), (target, source)):
        text = translate(
            N_("{name} undid the merge with {other}."), lang, name=member.name, other=name_of(session, other)
        )
        if came:
            stays = N_("What came in meanwhile ({count}) stays in {other}.")
            text += " " + translate(stays, lang, count=came, other=name_of(session, target))
        _note(session, talk, text, member, lang, now, {"event": "merge_undone", "other": other.public_id})
    audit.note(session, now, row.undone_by, "parted_conversations", f"conversation:{source.id}", into=target.id)
    return _to_merge(row)


def get(session: Session, merge_id: int) -> Merge:
    """Raises NotFound."""
    row = session.get(TalkMergeRow, merge_id)
    if row is None:
        raise NotFound("merge", id=merge_id)
    return _to_merge(row)


def merges_of(session: Session, conversation_id: int) -> list[Merge]:
    """The merges a conversation is part of now, newest first: the one that ended it, and those that ended in it."""
    either = or_(TalkMergeRow.source_id == conversation_id, TalkMergeRow.target_id == conversation_id)
    query = select(TalkMergeRow).where(either, TalkMergeRow.undone_at.is_(None)).order_by(TalkMergeRow.id.desc())
    return [_to_merge(row) for row in session.scalars(query)]


def gathered(session: Session, conversation_id: int) -> list[Conversation]:
    """Every conversation that was merged into this one, and into those."""
    found: dict[int, Conversation] = {}
    wave = [conversation_id]
    while wave:
        rows = session.scalars(select(ConversationRow).where(ConversationRow.merged_into.in_(wave)))
        fresh = [
            conversations.to_conversation(row) for row in rows if row.id not in found and row.id != conversation_id
        ]
        found |= {talk.id: talk for talk in fresh}
        wave = [talk.id for talk in fresh]
    return list(found.values())


def name_of(session: Session, talk: Conversation) -> str:
    """What staff call a conversation: the number of its ticket, else its subject."""
    ticket = tickets.by_conversation(session, [talk.id]).get(talk.id)
    return (
        ticket.name
        if ticket is not None
        else f"“{talk.subject or customers.get(session, talk.customer_id).name or '?'}”"
    )


def _tell_both(
    session: Session, row: TalkMergeRow, source: Conversation, target: Conversation, before: Before, member: Staff,
    lang: str, now: datetime,
) -> int:  # fmt: skip
    """A note in each that names the other; the number of the target's."""
    names = {"name": member.name, "source": name_of(session, source), "target": name_of(session, target)}
    here = [
        translate(
            N_("{name} merged {source} into this conversation. What comes in there is added here."), lang, **names
        )
    ]
    if before.ticket_id is not None:
        here.append(translate(N_("{source} is withdrawn; {target} is owed instead."), lang, **names))
    if source.customer_id != target.customer_id:
        guest = customers.get(session, source.customer_id).name or "?"
        theirs = N_(
            "It is from another customer ({guest}), who may add to this one by proven mails and gets no answers from it."
        )
        here.append(translate(theirs, lang, guest=guest))
    there = translate(
        N_("{name} merged this conversation into {target}. What comes in from now on is added there."), lang, **names
    )
    payload = {"event": "merged", "merge": row.id}
    _note(session, source, there, member, lang, now, {**payload, "other": target.public_id})
    return _note(session, target, " ".join(here), member, lang, now, {**payload, "other": source.public_id})


def _note(
    session: Session, talk: Conversation, text: str, member: Staff, lang: str, now: datetime, payload: dict[str, Any]
) -> int:  # fmt: skip
    turn = conversations.add_turn(
        session, talk.id, Author.NOTE, text, lang, now, author_name=member.name, staff_id=member.id, payload=payload
    )  # fmt: skip
    return turn.seq


def _came_by(session: Session, source: Conversation, target: Conversation, since: datetime) -> int:
    """How many messages came by the source's doors since then and are kept where they went on."""
    found = {door for talk in (source, *gathered(session, source.id)) for door in doors.all_of(session, talk)}
    by_these = [and_(InboxRow.channel == door.channel, InboxRow.thread_id == door.thread_id) for door in found]
    kept_in = {target.id, conversations.end_of(session, target).id}
    query = select(func.count()).where(
        TurnRow.conversation_id.in_(kept_in), TurnRow.created_at >= since, TurnRow.message_id != "",
        TurnRow.message_id.in_(select(InboxRow.message_id).where(or_(*by_these))),
    )  # fmt: skip
    return int(session.scalar(query) or 0)


def _one_at_a_time(session: Session) -> None:
    """Two merges at once could close a circle, or wait for each other."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})


def _to_merge(row: TalkMergeRow) -> Merge:
    return Merge(row.id, row.source_id, row.target_id, row.by, row.at, row.undone_at)
