"""Staff are told by mail: a customer writes in a conversation of theirs, or somebody gives them one.

Queued in the transaction of what it tells, worded when it is sent (`staff_letters.py`): one mail until they have looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.messages import Channel, Outbound
from base.settings import Settings
from desk import conversations, events, outbox
from desk.models import Author, Conversation, Staff, Turn
from desk.staff import may, to_staff
from desk.tables import ConversationRow, StaffRow
from web.mail.office import Office

WAIT = timedelta(seconds=60)  # who sits before the page answers there: no mail for every line of a chat
_THREAD = "staff"  # begins the id that stands for a conversation in mails to staff; no thread of mails is called so


@dataclass(frozen=True, slots=True)
class Notice:
    """What a queued mail to staff is about."""

    staff: str  # public id of whom it is for
    turn: int  # the first turn they have not seen; 0 when they were given the conversation
    by: str = ""  # who gave it to them


class StaffNotices:
    """Queues them. Does nothing where no mailbox is configured, or the setting says so."""

    def __init__(self, settings: Settings, office: Office) -> None:
        self._on = settings.mail_notify_staff and bool(office.accounts)
        self._office = office

    def wrote(self, session: Session, talk: Conversation, turns: Sequence[Turn], now: datetime) -> None:
        """A customer's turns were just added to a conversation that a person has."""
        if not self._on or talk.assignee_id is None:
            return
        news = [turn for turn in turns if turn.author is Author.CUSTOMER]
        row = session.get(StaffRow, talk.assignee_id)
        unread = session.scalar(select(ConversationRow.unread).where(ConversationRow.id == talk.id)) or 0
        if not news or unread != len(news) or row is None:
            return  # they were told of an earlier one, and have not looked since
        member = to_staff(row)
        self._put(session, talk, member, f"{news[0].id}", Notice(member.public_id, news[0].id), now, WAIT)

    def assigned(self, session: Session, talk: Conversation, member: Staff, by: Staff, now: datetime) -> None:
        """`by` has just given it to `member`. talk: as it was before."""
        if not self._on or member.id in (by.id, talk.assignee_id):
            return
        event = f"e{events.last_id(session)}"  # it may go to and fro between the same two turns
        self._put(session, talk, member, event, Notice(member.public_id, 0, by.name), now, timedelta())

    def _put(
        self, session: Session, talk: Conversation, member: Staff, of: str, notice: Notice, now: datetime,
        wait: timedelta,
    ) -> None:  # fmt: skip
        if not may(member, "inbox") or self._office.is_ours(member.email):
            return
        outbound = Outbound(
            key=f"{outbox.TO_STAFF}{of}-{member.id}", channel=Channel.EMAIL, thread_id=thread_of(talk), text="",
            lang=member.lang, author="system",
            extra={"to_staff": notice.staff, "turn": notice.turn, "by": notice.by},
        )  # fmt: skip
        outbox.put(session, outbound, talk.id, 0, now, wait=wait)


def notice_of(outbound: Outbound) -> Notice | None:
    """What an outbound mail tells staff; None for one to a customer."""
    extra: dict[str, Any] = outbound.extra
    staff = extra.get("to_staff")
    return Notice(str(staff), int(extra.get("turn", 0)), str(extra.get("by", ""))) if staff else None


def thread_of(talk: Conversation) -> str:
    """What stands for the conversation in the ids of mails to staff.

    Not the customer's thread: whoever answers with such an id must not speak as the customer.
    """
    return f"{_THREAD}{talk.public_id}"


def conversation_of(session: Session, thread_id: str) -> Conversation | None:
    """The conversation that an id made by `thread_of` stands for; None for any other id."""
    if not thread_id.startswith(_THREAD):
        return None
    public_id = thread_id.removeprefix(_THREAD)
    row = session.scalar(select(ConversationRow).where(ConversationRow.public_id == public_id))
    return conversations.to_conversation(row) if row is not None else None
