"""What staff do in a conversation: reply, note, take over, give back, resolve. Each in the caller's transaction, audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base.errors import Conflict, InvalidInput, NotFound
from base.i18n import N_, translate
from base.messages import Attachment, Channel, Outbound
from base.text import clean, detect_language
from desk import audit, conversations, corrections, csat, doors, events, outbox, tickets
from desk.events import EventKind
from desk.models import (
    Author,
    Conversation,
    ConversationState,
    Staff,
    Ticket,
    TicketState,
    Turn,
    Urgency,
    Withdrawal,
)
from desk.service import ServiceDefaults
from desk.staff import to_staff
from desk.tables import ConversationRow, StaffRow

WITHDRAWN = "withdrawn"  # the event of the note that says so: what was said before it belongs to a matter that is over
WHY = {
    Withdrawal.MISTAKE: N_("opened by mistake"),
    Withdrawal.CUSTOMER: N_("the customer does not need it any more"),
    Withdrawal.MERGED: N_("merged with another one"),
}


class EmptyReply(InvalidInput):
    code = "empty_reply"
    message = N_("There is nothing to send yet. Write your reply first.")


class NotToEverybody(InvalidInput):
    code = "not_to_everybody"
    message = N_("Nobody reads this conversation. Write to everybody affected on the page of the incident.")


class MergedAway(Conflict):
    code = "merged_away"
    message = N_("This conversation was merged into another one. Answer there, or undo the merge first.")


def reply(
    session: Session, defaults: ServiceDefaults, talk: Conversation, member: Staff, text: str, now: datetime,
    files: Sequence[Attachment] = (), extra: dict[str, Any] | None = None,
) -> Turn:  # fmt: skip
    """Send a person's reply. From now on the conversation is theirs and the bot is silent; its unsent replies are dropped.

    files: what the transcript shows of its files; extra: what the channel needs to send them.
    """
    body = clean(text)
    if not body:
        raise EmptyReply()
    _for_a_customer(talk)
    take_over(session, defaults, talk, member, now)
    lang = detect_language(body, talk.lang)
    turn = conversations.add_turn(
        session, talk.id, Author.STAFF, body, lang, now, author_name=member.name, staff_id=member.id,
        payload={"attachments": [asdict(one) for one in files]} if files else {},
    )  # fmt: skip
    door = doors.through(talk)
    outbound = Outbound(
        key=f"turn-{turn.id}", channel=door.channel, thread_id=door.thread_id, text=body, lang=lang,
        author="staff", author_name=member.name, extra=extra or {},
    )  # fmt: skip
    outbox.put(session, outbound, talk.id, turn.id, now)
    if talk.ticket_id is not None:
        tickets.staff_replied(session, defaults, talk.ticket_id, now)
    return turn


def note(session: Session, talk: Conversation, member: Staff, text: str, now: datetime) -> Turn:
    """An internal note: for colleagues only, stops no clock."""
    body = clean(text)
    if not body:
        raise EmptyReply()
    return conversations.add_turn(
        session, talk.id, Author.NOTE, body, detect_language(body, talk.lang), now,
        author_name=member.name, staff_id=member.id,
    )  # fmt: skip


def take_over(session: Session, defaults: ServiceDefaults, talk: Conversation, member: Staff, now: datetime) -> None:
    """Make the conversation this person's, who has looked at it. The customer is told once, when it was the bot's.

    Raises MergedAway.
    """
    _goes_on_here(talk)
    _give_to(session, defaults, talk, member, now)
    mark_read(session, talk, now)


def assign(
    session: Session, defaults: ServiceDefaults, talk: Conversation, member: Staff, to_public_id: str, now: datetime
) -> Staff:
    """Give it to a colleague, who is returned. Raises NotFound for an unknown or inactive one."""
    _goes_on_here(talk)
    row = session.scalar(select(StaffRow).where(StaffRow.public_id == clean(to_public_id), StaffRow.active))
    if row is None:
        raise NotFound("staff")
    colleague = to_staff(row)
    if talk.state is not ConversationState.STAFF:
        _give_to(session, defaults, talk, colleague, now)
    else:
        conversations.change(session, talk, now, assignee_id=colleague.id)
        _assigned(session, defaults, talk, colleague, now)
    audit.note(session, now, f"staff:{member.id}", "assigned", f"conversation:{talk.id}", to=colleague.id)
    return colleague


def release(session: Session, talk: Conversation, member: Staff, now: datetime) -> None:
    """Give it back to the bot; an open ticket stays open and owed."""
    _for_a_customer(talk)
    _goes_on_here(talk)
    memory = {key: value for key, value in talk.memory.items() if key != "waits_for"}
    conversations.change(session, talk, now, state=ConversationState.BOT, assignee_id=None, memory=memory)
    _system_turn(
        session, talk, translate(N_("The assistant is back. A colleague can join again any time."), talk.lang), now
    )
    audit.note(session, now, f"staff:{member.id}", "released", f"conversation:{talk.id}")


def resolve(
    session: Session,
    defaults: ServiceDefaults,
    talk: Conversation,
    member: Staff,
    root_cause: str,
    solution: str,
    now: datetime,
) -> Ticket | None:
    """Mark the ticket as solved and tell the customer how to come back. The bot has the conversation again."""
    _for_a_customer(talk)
    _goes_on_here(talk)
    ticket = None
    if talk.ticket_id is not None:
        resolution = {"root_cause": clean(root_cause), "solution": clean(solution), "resolved_by": member.id}
        ticket = tickets.move(session, defaults, talk.ticket_id, TicketState.RESOLVED, now, resolution=resolution)
    text = translate(N_("This is marked as solved. If it comes back, just write here: it opens again."), talk.lang)
    outbox.drop_bot_replies(session, talk.id)
    _system_turn(session, talk, text, now, send=True, payload={"event": "resolved"}, extra=csat.asks(ticket))
    conversations.change(session, talk, now, state=ConversationState.BOT, assignee_id=None, memory=_settled(talk))
    audit.note(session, now, f"staff:{member.id}", "resolved", f"conversation:{talk.id}", root_cause=clean(root_cause))
    return ticket


def withdraw(
    session: Session, defaults: ServiceDefaults, talk: Conversation, member: Staff, why: Withdrawal, now: datetime,
    lang: str = "en",
) -> Ticket:  # fmt: skip
    """Take the ticket back: nothing is owed any more, nothing was solved, and the customer is told nothing.

    The bot has the conversation again. lang: the team's. Raises NotFound without an open ticket.
    """
    _for_a_customer(talk)
    _goes_on_here(talk)
    known = tickets.get(session, talk.ticket_id) if talk.ticket_id is not None else None
    if known is not None and known.state is TicketState.CANCELLED:
        return known
    if known is None or known.state not in tickets.OPEN_STATES:
        raise NotFound("ticket")
    withdrawn = {"why": str(why), "by": member.id}
    ticket = tickets.move(session, defaults, known.id, TicketState.CANCELLED, now, withdrawn=withdrawn)
    text = translate(
        N_("{name} withdrew {ticket}: {why}."),
        lang,
        name=member.name,
        ticket=ticket.name,
        why=translate(WHY[why], lang),
    )
    conversations.add_turn(
        session, talk.id, Author.NOTE, text, lang, now, author_name=member.name, staff_id=member.id,
        payload={"event": WITHDRAWN},
    )  # fmt: skip
    conversations.change(session, talk, now, state=ConversationState.BOT, assignee_id=None, memory=_settled(talk))
    audit.note(session, now, f"staff:{member.id}", "withdrew", f"ticket:{ticket.id}", why=str(why))
    return ticket


def _settled(talk: Conversation) -> dict[str, Any]:
    """What was asked and tried before belongs to a matter that is over; the door it goes through stays."""
    return {"resolved": True, **{key: value for key, value in talk.memory.items() if key == doors.MEMORY}}


def set_urgency(
    session: Session,
    defaults: ServiceDefaults,
    talk: Conversation,
    member: Staff,
    urgency: Urgency,
    reason: str,
    now: datetime,
) -> Ticket:
    """A person's judgement of the urgency, with their reason. Raises NotFound without a ticket."""
    if talk.ticket_id is None:
        raise NotFound("ticket")
    reasons = [{"kind": "staff", "code": "set_by_staff", "quote": "", "text": f"{member.name}: {clean(reason)}"}]
    before = tickets.get(session, talk.ticket_id)
    if before.urgency is not urgency:
        corrections.keep(session, before, urgency, member.id, clean(reason), talk.lang, now)
    ticket = tickets.retarget(session, defaults, talk.ticket_id, urgency, reasons, now, Author.STAFF)
    audit.note(
        session,
        now,
        f"staff:{member.id}",
        "set_urgency",
        f"ticket:{ticket.id}",
        urgency=str(urgency),
        reason=clean(reason),
    )
    return ticket


def mark_read(session: Session, talk: Conversation, now: datetime) -> None:
    """Staff have looked: nothing is unread."""
    result = session.execute(
        update(ConversationRow).where(ConversationRow.id == talk.id, ConversationRow.unread > 0).values(unread=0)
    )
    if result.rowcount:  # type: ignore[attr-defined]
        events.append(session, EventKind.READ, now, conversation_id=talk.id)


def _for_a_customer(talk: Conversation) -> None:
    """Raises NotToEverybody for the conversation of an incident: what is done there must reach its children."""
    if talk.channel == Channel.INCIDENT:
        raise NotToEverybody()


def _goes_on_here(talk: Conversation) -> None:
    """Raises MergedAway for a conversation that goes on in another one."""
    if talk.merged_into is not None:
        raise MergedAway()


def _give_to(session: Session, defaults: ServiceDefaults, talk: Conversation, member: Staff, now: datetime) -> None:
    talk = conversations.get(
        session, talk.id, to_write=True
    )  # a reply the bot is just saving is dropped below, or never made
    if talk.state is ConversationState.STAFF and talk.assignee_id == member.id:
        return
    outbox.drop_bot_replies(session, talk.id)
    if talk.state is not ConversationState.STAFF:
        text = translate(N_("{name} has joined the conversation."), talk.lang, name=member.name)
        _system_turn(session, talk, text, now)
    conversations.change(session, talk, now, state=ConversationState.STAFF, assignee_id=member.id)
    _assigned(session, defaults, talk, member, now)
    audit.note(session, now, f"staff:{member.id}", "took_over", f"conversation:{talk.id}")


def _assigned(session: Session, defaults: ServiceDefaults, talk: Conversation, member: Staff, now: datetime) -> None:
    if talk.ticket_id is not None:
        tickets.assign(session, defaults, talk.ticket_id, member.id, now)
    events.append(
        session, EventKind.ASSIGNED, now, conversation_id=talk.id, ticket_id=talk.ticket_id, assignee=member.id
    )


def _system_turn(
    session: Session, talk: Conversation, text: str, now: datetime, *, send: bool = False,
    payload: dict[str, Any] | None = None, extra: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    turn = conversations.add_turn(session, talk.id, Author.SYSTEM, text, talk.lang, now, payload=payload or {})
    if send:
        door = doors.through(talk)
        outbound = Outbound(
            key=f"turn-{turn.id}", channel=door.channel, thread_id=door.thread_id, text=text, lang=talk.lang,
            author="system", extra=extra or {},
        )  # fmt: skip
        outbox.put(session, outbound, talk.id, turn.id, now)
