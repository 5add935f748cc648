"""The doors of a conversation: a chat can be carried on by mail and come back, and stays one conversation.

`through` is the door that answers leave by: the one the customer used last, or chose. What comes by the doors of a
conversation that was merged goes to the one it goes on in; what leaves by them is only ever for their own customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from base.messages import Channel
from desk import conversations
from desk.mail_tables import MailThreadRow
from desk.models import Conversation
from desk.tables import ConversationRow, DoorRow, plain

_DOORS = plain(DoorRow)
_BY_THREAD = select(_DOORS.c.conversation_id).where(
    _DOORS.c.channel == bindparam("channel"), _DOORS.c.thread_id == bindparam("thread_id")
)
MEMORY = "door"  # in Conversation.memory: [channel, thread id]


@dataclass(frozen=True, slots=True)
class Door:
    channel: Channel
    thread_id: str


def conversation_id(session: Session, channel: str, thread_id: str) -> int | None:
    """The conversation that has this as a further door; None when there is none."""
    found: int | None = session.execute(_BY_THREAD, {"channel": channel, "thread_id": thread_id}).scalar()
    return found


def conversation_of(session: Session, channel: str, thread_id: str) -> Conversation | None:
    """The conversation this thread leads to, by its first door or a further one, and on from there after a merge."""
    own = own_conversation(session, channel, thread_id)
    return conversations.end_of(session, own) if own is not None else None


def answered_in(session: Session, channel: str, thread_id: str) -> Conversation | None:
    """The conversation whose answers may leave by this thread: where it leads to, unless that is another customer's."""
    own = own_conversation(session, channel, thread_id)
    end = conversations.end_of(session, own) if own is not None else None
    return end if own is None or end is None or end.customer_id == own.customer_id else own


def own_conversation(session: Session, channel: str, thread_id: str) -> Conversation | None:
    """The conversation that has this as its first door or a further one, whatever it was merged into."""
    row = session.scalar(
        select(ConversationRow).where(ConversationRow.channel == channel, ConversationRow.thread_id == thread_id)
    )
    if row is not None:
        return conversations.to_conversation(row)
    further = conversation_id(session, channel, thread_id)
    return conversations.get(session, further) if further is not None else None


def add(session: Session, talk: Conversation, door: Door, now: datetime) -> None:
    """Give a conversation another door, and send what comes next through it."""
    if conversation_id(session, door.channel, door.thread_id) is None:
        session.add(
            DoorRow(conversation_id=talk.id, channel=door.channel, thread_id=door.thread_id, created_at=now)
        )  # fmt: skip
        session.flush()
    lead(session, talk, door, now)


def lead(session: Session, talk: Conversation, door: Door, now: datetime) -> None:
    """Send what comes next through this door."""
    memory = {**talk.memory, MEMORY: [str(door.channel), door.thread_id]}
    if memory != talk.memory:
        conversations.change(session, talk, now, memory=memory)


def came_by(session: Session, talk: Conversation, door: Door, now: datetime) -> Conversation:
    """The conversation after somebody wrote through this door: answers leave by it from now on, if it is its customer's."""
    if through(talk) == door:
        return talk
    if (talk.channel, talk.thread_id) != (door.channel, door.thread_id):
        own = own_conversation(session, door.channel, door.thread_id)
        if own is not None and own.customer_id != talk.customer_id:
            return talk
    lead(session, talk, door, now)
    return conversations.get(session, talk.id, to_write=True)


def through(talk: Conversation) -> Door:
    """The door that answers leave by."""
    match talk.memory.get(MEMORY):
        case [str(channel), str(thread_id)]:
            return Door(Channel(channel), thread_id)
    return Door(Channel(talk.channel), talk.thread_id)


def all_of(session: Session, talk: Conversation) -> list[Door]:
    """Every door of a conversation, the first one first."""
    rows = session.scalars(select(DoorRow).where(DoorRow.conversation_id == talk.id).order_by(DoorRow.id))
    return [Door(Channel(talk.channel), talk.thread_id), *(Door(Channel(row.channel), row.thread_id) for row in rows)]


def close_mail(session: Session, customer_id: int, addresses: Sequence[str], now: datetime) -> None:
    """Shut the further doors by which a customer's conversations reach these addresses: they are somebody else's now.

    What comes next leaves by a conversation's first door, until the customer uses another one.
    """
    query = (
        select(DoorRow.id, DoorRow.conversation_id, DoorRow.thread_id)
        .join(ConversationRow, ConversationRow.id == DoorRow.conversation_id)
        .join(MailThreadRow, MailThreadRow.thread_id == DoorRow.thread_id)
        .where(
            ConversationRow.customer_id == customer_id, DoorRow.channel == Channel.EMAIL,
            MailThreadRow.address.in_(addresses),
        )
    )  # fmt: skip
    for door_id, talk_id, thread_id in session.execute(query).all():
        session.execute(delete(DoorRow).where(DoorRow.id == door_id))
        talk = conversations.get(session, talk_id, to_write=True)
        if through(talk) == Door(Channel.EMAIL, thread_id):
            lead(session, talk, Door(Channel(talk.channel), talk.thread_id), now)
