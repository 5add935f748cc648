"""The only doors by which an actor reaches a conversation or a ticket (promise 7). What may not be seen is not found."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import NotFound
from desk.conversations import to_conversation
from desk.models import Conversation, Staff, Ticket
from desk.staff import may
from desk.tables import ConversationRow, TicketRow, plain
from desk.tickets import to_ticket


@dataclass(frozen=True, slots=True)
class StaffActor:
    staff: Staff


@dataclass(frozen=True, slots=True)
class ThreadActor:
    """A customer, as far as the door proves it: somebody who holds this one thread."""

    channel: str
    thread_id: str


Actor = StaffActor | ThreadActor
_TALKS = plain(ConversationRow)
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what is no id of ours is not looked up: not every database takes it


def conversation(session: Session, actor: Actor, public_id: str) -> Conversation:
    """The conversation with this public id, if the actor may see it. Raises NotFound otherwise, always the same."""
    known = _PUBLIC_ID.fullmatch(public_id) is not None
    row = session.execute(select(_TALKS).where(_TALKS.c.public_id == public_id)).one_or_none() if known else None
    if row is None or not _may_see(actor, found := to_conversation(row)):
        raise NotFound("conversation")
    return found


def conversation_of_thread(session: Session, actor: ThreadActor) -> Conversation | None:
    """The thread's own conversation; None before its first message."""
    row = session.execute(
        select(_TALKS).where(_TALKS.c.channel == actor.channel, _TALKS.c.thread_id == actor.thread_id)
    ).one_or_none()
    return to_conversation(row) if row else None


def ticket_by_link(session: Session, public_id: str) -> Ticket:
    """The ticket behind a status link: its 192 random bits are the right to see it. Raises NotFound."""
    known = _PUBLIC_ID.fullmatch(public_id) is not None and len(public_id) >= 20
    row = session.scalar(select(TicketRow).where(TicketRow.public_id == public_id)) if known else None
    if row is None:
        raise NotFound("ticket")
    return to_ticket(row)


def _may_see(actor: Actor, talk: Conversation) -> bool:
    if isinstance(actor, StaffActor):
        return may(actor.staff, "inbox")
    return talk.channel == actor.channel and talk.thread_id == actor.thread_id
