"""What is owed after two conversations were merged, and after that was undone.

The ticket of the one that ends is withdrawn; the other owes it, by its own ticket or by one that carries the clocks on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base.i18n import translate
from base.messages import Channel
from desk import conversations, doors, tickets
from desk.doors import Door
from desk.models import (
    CATEGORY_NAMES,
    Author,
    Conversation,
    ConversationState,
    Staff,
    Ticket,
    TicketState,
    Urgency,
    Withdrawal,
)
from desk.service import ServiceDefaults
from desk.tickets import OPEN_STATES

_RESTING = (ConversationState.BOT, ConversationState.CLOSED)  # nobody is asked to look


@dataclass(frozen=True, slots=True)
class Before:
    """What stood before a merge, as far as an undo gives it back."""

    state: ConversationState  # of the source, and so on
    assignee_id: int | None
    ticket_id: int | None  # the open one
    ticket_state: TicketState | None
    target_state: ConversationState
    target_door: tuple[str, str]
    target_ticket_id: int | None
    target_ticket_state: TicketState | None
    target_urgency: Urgency | None
    target_reasons: tuple[dict[str, Any], ...] = ()
    carried_id: int | None = None  # the ticket that was opened for the target because it had none
    seq: int = 0  # of the note in the target: what is said after it was said after the merge

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Before:
        """From the JSON it was kept as."""
        return cls(
            **{
                **given,
                "state": ConversationState(given["state"]),
                "target_state": ConversationState(given["target_state"]),
                "target_door": tuple(given["target_door"]),
                "target_reasons": tuple(given["target_reasons"]),
                "ticket_state": TicketState(given["ticket_state"]) if given["ticket_state"] else None,
                "target_ticket_state": (
                    TicketState(given["target_ticket_state"]) if given["target_ticket_state"] else None
                ),
                "target_urgency": Urgency(given["target_urgency"]) if given["target_urgency"] else None,
            }
        )


def hand_over(
    session: Session, defaults: ServiceDefaults, source: Conversation, target: Conversation, member: Staff,
    now: datetime,
) -> Before:  # fmt: skip
    """Withdraw the source's open ticket and let the target owe it: by its own ticket, or by one that is made for it."""
    owed, theirs = _ticket(session, source), _ticket(session, target)
    owed = owed if owed is not None and owed.state in OPEN_STATES else None
    door = doors.through(target)
    before = Before(
        source.state, source.assignee_id, owed.id if owed else None, owed.state if owed else None, target.state,
        (str(door.channel), door.thread_id), theirs.id if theirs else None, theirs.state if theirs else None,
        theirs.urgency if theirs else None, theirs.urgency_reasons if theirs else (),
    )  # fmt: skip
    if owed is None:
        return before
    changes: dict[str, Any] = {"state": ConversationState.WAITING} if target.state in _RESTING else {}
    if theirs is None:
        made = tickets.carry_over(session, defaults, owed.id, target, _title(owed, target), now)
        before, changes = replace(before, carried_id=made.id), {**changes, "ticket_id": made.id}
    else:
        tickets.customer_wrote(session, defaults, theirs.id, now)
        if owed.urgency.rank < theirs.urgency.rank:
            reasons = list(owed.urgency_reasons)
            tickets.retarget(session, defaults, theirs.id, owed.urgency, reasons, now, Author.STAFF)
    if changes:
        conversations.change(session, target, now, **changes)
    why = {"why": str(Withdrawal.MERGED), "by": member.id, "into": target.id}
    tickets.move(session, defaults, owed.id, TicketState.CANCELLED, now, withdrawn=why)
    return before


def take_back(
    session: Session, defaults: ServiceDefaults, before: Before, source: Conversation, target: Conversation,
    member: Staff, now: datetime,
) -> None:  # fmt: skip
    """Each has its own ticket again. What somebody has done about the target since then stands."""
    if doors.through(target) in doors.all_of(session, source):
        doors.lead(session, target, Door(Channel(before.target_door[0]), before.target_door[1]), now)
        target = conversations.get(session, target.id)
    if before.ticket_id is None or before.ticket_state is None:
        return
    owed = tickets.get(session, before.ticket_id)
    if owed.state is TicketState.CANCELLED:
        tickets.move(session, defaults, owed.id, before.ticket_state, now)
    quiet = not conversations.turns_after(session, target.id, before.seq, notes=False, limit=1)
    if before.carried_id is not None:
        carried = tickets.get(session, before.carried_id)
        if carried.state in OPEN_STATES:
            why = {"why": str(Withdrawal.MERGED), "by": member.id, "into": source.id}
            tickets.move(session, defaults, carried.id, TicketState.CANCELLED, now, withdrawn=why)
            if target.ticket_id == carried.id:
                conversations.change(session, target, now, ticket_id=None)
    elif quiet and before.target_ticket_id is not None:
        _as_before(session, defaults, before, before.target_ticket_id, owed, now)
    if quiet and target.state is ConversationState.WAITING and before.target_state in _RESTING:
        conversations.change(session, target, now, state=before.target_state)


def _as_before(
    session: Session, defaults: ServiceDefaults, before: Before, ticket_id: int, owed: Ticket, now: datetime
) -> None:  # fmt: skip
    """The target's own ticket as it stood, as far as the merge has changed it and nobody else since."""
    ticket = tickets.get(session, ticket_id)
    if before.target_urgency is not None and ticket.urgency is owed.urgency:
        reasons, was = list(before.target_reasons), before.target_urgency
        tickets.retarget(session, defaults, ticket_id, was, reasons, now, Author.STAFF)
    if before.target_ticket_state is not None and ticket.state is TicketState.OPEN:
        tickets.move(session, defaults, ticket_id, before.target_ticket_state, now)


def _title(owed: Ticket, target: Conversation) -> str:
    """Of a ticket made for the target: its own words; another customer's only where they are the same person's."""
    if target.subject:
        return target.subject
    return (
        owed.title if owed.customer_id == target.customer_id else translate(CATEGORY_NAMES[owed.category], target.lang)
    )


def _ticket(session: Session, talk: Conversation) -> Ticket | None:
    return tickets.get(session, talk.ticket_id) if talk.ticket_id is not None else None
