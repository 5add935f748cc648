"""Tickets: what is owed to a customer after the bot could not help. Every move stands in one table."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from base.errors import Conflict, NotFound
from base.metrics import TICKETS_OPENED
from desk import events, sla
from desk.events import EventKind
from desk.models import Author, Category, Conversation, Ticket, TicketState, Urgency
from desk.service import ServiceDefaults, pinned
from desk.sla import SlaState
from desk.tables import ClockEventRow, EventRow, ServiceVersionRow, TicketRow
from desk.terms import Terms
from desk.timeline import ClockEvent
from desk.timeline import EventKind as ClockKind

FIRST_NUMBER = 1001
_NUMBER_LOCK = 0x5449434B

OPEN_STATES = (TicketState.NEW, TicketState.OPEN, TicketState.WAITING)
_ENDS = frozenset({TicketState.RESOLVED, TicketState.CLOSED, TicketState.CANCELLED})
# From a state to those it may move to.
MOVES: dict[TicketState, frozenset[TicketState]] = {
    TicketState.NEW: frozenset({TicketState.OPEN, TicketState.WAITING, *_ENDS}),
    TicketState.OPEN: frozenset({TicketState.WAITING, *_ENDS}),
    TicketState.WAITING: frozenset({TicketState.OPEN, *_ENDS}),
    TicketState.RESOLVED: frozenset({TicketState.OPEN, TicketState.CLOSED}),
    TicketState.CLOSED: frozenset({TicketState.OPEN}),
    TicketState.CANCELLED: frozenset(OPEN_STATES),  # NEW, WAITING: as it was, when the withdrawal is undone
}


@dataclass(frozen=True, slots=True)
class TicketDraft:
    title: str
    urgency: Urgency
    category: Category
    urgency_reasons: tuple[dict[str, Any], ...]
    reason: str  # why it was opened, a constant word for reports: "wants_human", "no_answer" ...
    handover: dict[str, Any] = field(default_factory=dict)


def open_ticket(
    session: Session,
    defaults: ServiceDefaults,
    conversation: Conversation,
    package: str,
    draft: TicketDraft,
    now: datetime,
) -> Ticket:
    """A new ticket with its clocks running, its terms pinned, in the caller's transaction."""
    terms = defaults.terms(package)
    number = _next_number(session)  # first: on PostgreSQL it also keeps two tickets from storing the same version
    _keep_versions(session, defaults, terms, now)
    row = TicketRow(
        number=number, public_id=secrets.token_urlsafe(24), conversation_id=conversation.id,
        customer_id=conversation.customer_id, title=draft.title, state=TicketState.NEW, urgency=draft.urgency,
        category=draft.category, urgency_reasons=list(draft.urgency_reasons), package=package,
        policy_version=terms.policy.version, calendar_version=terms.calendar.version, opened_at=now,
        handover=draft.handover,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _log(session, row, ClockEvent(ClockKind.OPENED, now, Author.SYSTEM, draft.urgency))
    _refresh(session, defaults, row, now)
    events.append(
        session,
        EventKind.TICKET_OPENED,
        now,
        conversation_id=conversation.id,
        ticket_id=row.id,
        urgency=str(draft.urgency),
    )
    TICKETS_OPENED.labels(reason=draft.reason, urgency=draft.urgency).inc()
    return to_ticket(row)


def get(session: Session, ticket_id: int) -> Ticket:
    """Raises NotFound. For code that got the id from us; a person's id goes through `access`."""
    row = session.get(TicketRow, ticket_id)
    if row is None:
        raise NotFound("ticket", id=ticket_id)
    return to_ticket(row)


def retarget(
    session: Session, defaults: ServiceDefaults, ticket_id: int, urgency: Urgency, reasons: Sequence[dict[str, Any]],
    now: datetime, by: Author,
) -> Ticket:  # fmt: skip
    """Change the urgency; the deadlines count from the original start.

    Only staff and the customer's own all-clear may lower it: else nothing changes.
    """
    row = _row(session, ticket_id)
    lower = urgency.rank > Urgency(row.urgency).rank
    if urgency == row.urgency or (lower and by not in (Author.STAFF, Author.CUSTOMER)):
        return to_ticket(row)
    was, row.urgency, row.urgency_reasons = row.urgency, urgency, list(reasons)
    _log(session, row, ClockEvent(ClockKind.RETARGETED, now, by, urgency))
    _refresh(session, defaults, row, now)
    _changed(session, row, now, urgency=str(urgency), was=was, by=str(by), reasons=list(reasons))
    return to_ticket(row)


@dataclass(frozen=True, slots=True)
class LevelChange:
    """One change of a ticket's urgency, with what was seen at the time."""

    at: datetime
    was: Urgency
    level: Urgency
    by: Author
    reasons: tuple[dict[str, Any], ...]


def level_changes(session: Session, ticket: Ticket) -> list[LevelChange]:
    """How a ticket's urgency changed since it was opened, oldest first. Read from the event log."""
    query = (
        select(EventRow)
        .where(EventRow.conversation_id == ticket.conversation_id, EventRow.ticket_id == ticket.id)
        .where(EventRow.kind == EventKind.TICKET_CHANGED)
        .order_by(EventRow.id)
    )
    found = [(row.at, row.data) for row in session.scalars(query) if "was" in row.data]
    return [
        LevelChange(at, Urgency(data["was"]), Urgency(data["urgency"]), Author(data["by"]), tuple(data["reasons"]))
        for at, data in found
    ]


def staff_replied(session: Session, defaults: ServiceDefaults, ticket_id: int, now: datetime) -> Ticket:
    """A person answered the customer: the first-response clock stops, a later answer counts as progress."""
    row = _row(session, ticket_id)
    if row.first_responded_at is None:
        row.first_responded_at = now
    _log(session, row, ClockEvent(ClockKind.FIRST_RESPONSE, now))
    if row.state == TicketState.NEW:
        row.state = TicketState.OPEN
    _refresh(session, defaults, row, now)
    _changed(session, row, now)
    return to_ticket(row)


def customer_wrote(session: Session, defaults: ServiceDefaults, ticket_id: int, now: datetime) -> Ticket:
    """A customer's message on a ticket: what waited for them runs again, what was solved or withdrawn is open again."""
    row = _row(session, ticket_id)
    if row.state == TicketState.WAITING:
        _log(session, row, ClockEvent(ClockKind.RESUMED, now, Author.CUSTOMER))
        row.state = TicketState.OPEN
    elif row.state not in OPEN_STATES:
        _log(session, row, ClockEvent(ClockKind.REOPENED, now, Author.CUSTOMER))
        row.state, row.resolved_at = TicketState.OPEN, None
    else:
        return to_ticket(row)
    _refresh(session, defaults, row, now)
    _changed(session, row, now, state=row.state)
    return to_ticket(row)


def move(
    session: Session, defaults: ServiceDefaults, ticket_id: int, state: TicketState, now: datetime, **handover: Any
) -> Ticket:
    """Move to a state, with its clock events. Raises Conflict for a move that MOVES does not allow."""
    row = _row(session, ticket_id)
    if state == row.state:
        return to_ticket(row)
    if state not in MOVES[TicketState(row.state)]:
        raise Conflict("move not allowed", found=row.state, wanted=str(state))
    for kind in _clocked(row, state):
        _log(session, row, ClockEvent(kind, now))
    if state in (TicketState.RESOLVED, TicketState.CLOSED):
        row.resolved_at = row.resolved_at or now
    elif row.resolved_at is not None:
        row.resolved_at = None
    row.state = state
    if handover:
        row.handover = {**row.handover, **handover}
    _refresh(session, defaults, row, now)
    _changed(session, row, now, state=str(state))
    return to_ticket(row)


def _clocked(row: TicketRow, state: TicketState) -> list[ClockKind]:
    """What a move to `state` says to the clocks."""
    if state is TicketState.CLOSED and row.resolved_at:
        return []
    back = [ClockKind.REOPENED] if row.state not in OPEN_STATES else []
    return (
        back
        + {
            TicketState.NEW: [],
            TicketState.OPEN: [] if back else [ClockKind.RESUMED],
            TicketState.WAITING: [ClockKind.PAUSED],
            TicketState.RESOLVED: [ClockKind.RESOLVED],
            TicketState.CLOSED: [ClockKind.RESOLVED],
            TicketState.CANCELLED: [ClockKind.CANCELLED],
        }[state]
    )


def carry_over(
    session: Session, defaults: ServiceDefaults, ticket_id: int, to: Conversation, title: str, now: datetime
) -> Ticket:  # fmt: skip
    """A ticket of another conversation that owes what this one owes: the same terms, and its clocks as far as they ran."""
    number, was = _next_number(session), _row(session, ticket_id)
    row = TicketRow(
        number=number, public_id=secrets.token_urlsafe(24), conversation_id=to.id, customer_id=to.customer_id,
        title=title, state=was.state, urgency=was.urgency, category=was.category,
        urgency_reasons=list(was.urgency_reasons), assignee_id=to.assignee_id, package=was.package,
        policy_version=was.policy_version, calendar_version=was.calendar_version, opened_at=was.opened_at,
        first_responded_at=was.first_responded_at, handover=dict(was.handover),
    )  # fmt: skip
    session.add(row)
    session.flush()
    for event in clock_events(session, ticket_id):
        _log(session, row, event)
    _refresh(session, defaults, row, now)
    _changed(session, row, now, state=row.state)
    return to_ticket(row)


def assign(session: Session, defaults: ServiceDefaults, ticket_id: int, staff_id: int | None, now: datetime) -> Ticket:
    """Give it to somebody; that is when it counts as dispatched."""
    row = _row(session, ticket_id)
    row.assignee_id = staff_id
    if staff_id is not None:
        _log(session, row, ClockEvent(ClockKind.DISPATCHED, now))
    _refresh(session, defaults, row, now)
    _changed(session, row, now, assignee=staff_id)
    return to_ticket(row)


def withdrawn_at(session: Session, ticket: Ticket) -> datetime | None:
    """Since when it is withdrawn; None for a ticket that is not."""
    if ticket.state is not TicketState.CANCELLED:
        return None
    return max(event.at for event in clock_events(session, ticket.id) if event.kind is ClockKind.CANCELLED)


def clock_events(session: Session, ticket_id: int) -> list[ClockEvent]:
    """The ordered log a ticket's deadlines are computed from."""
    rows = session.scalars(select(ClockEventRow).where(ClockEventRow.ticket_id == ticket_id).order_by(ClockEventRow.id))
    return [
        ClockEvent(ClockKind(row.kind), row.at, Author(row.by), Urgency(row.urgency) if row.urgency else None)
        for row in rows
    ]


def terms_of(session: Session, defaults: ServiceDefaults, ticket: Ticket) -> Terms:
    """The policy and calendar a ticket was opened under. Raises UnknownVersion."""
    wanted = {ticket.policy_version, ticket.calendar_version} - set(defaults.snapshots)
    rows = session.scalars(select(ServiceVersionRow).where(ServiceVersionRow.version.in_(wanted))) if wanted else ()
    stored = {row.version: str(row.data["json"]) for row in rows}
    return pinned(ticket.policy_version, ticket.calendar_version, defaults, stored)


def sla_state(session: Session, defaults: ServiceDefaults, ticket: Ticket, now: datetime) -> SlaState:
    """What is owed on this ticket at `now`."""
    terms = terms_of(session, defaults, ticket)
    return sla.deadlines(clock_events(session, ticket.id), terms.policy, terms.calendar, ticket.urgency, now)


def by_conversation(session: Session, conversation_ids: Sequence[int]) -> dict[int, Ticket]:
    """The newest ticket of each conversation that has one."""
    query = select(TicketRow).where(TicketRow.conversation_id.in_(list(conversation_ids))).order_by(TicketRow.id)
    return {row.conversation_id: to_ticket(row) for row in session.scalars(query)}


def count_open(session: Session) -> int:
    return int(session.scalar(select(func.count()).where(TicketRow.state.in_(OPEN_STATES))) or 0)


def to_ticket(row: TicketRow) -> Ticket:
    return Ticket(
        id=row.id, number=row.number, public_id=row.public_id, conversation_id=row.conversation_id,
        customer_id=row.customer_id, title=row.title, state=TicketState(row.state), urgency=Urgency(row.urgency),
        category=Category(row.category), urgency_reasons=tuple(row.urgency_reasons), assignee_id=row.assignee_id,
        package=row.package, policy_version=row.policy_version, calendar_version=row.calendar_version,
        opened_at=row.opened_at, first_response_due=row.first_response_due, resolution_due=row.resolution_due,
        first_responded_at=row.first_responded_at, resolved_at=row.resolved_at, handover=dict(row.handover),
    )  # fmt: skip


def _row(session: Session, ticket_id: int) -> TicketRow:
    shared = session.get_bind().dialect.name == "postgresql"  # elsewhere there is one writer, who reads what is
    row = session.get(TicketRow, ticket_id, with_for_update=shared or None, populate_existing=shared)
    if row is None:
        raise NotFound("ticket", id=ticket_id)
    return row


def _next_number(session: Session) -> int:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _NUMBER_LOCK})
    return int(session.scalar(select(func.max(TicketRow.number))) or FIRST_NUMBER - 1) + 1


def _keep_versions(session: Session, defaults: ServiceDefaults, terms: Terms, now: datetime) -> None:
    """The text of policy and calendar, once each, so that an old ticket's promise can be recomputed for ever."""
    for version in (terms.policy.version, terms.calendar.version):
        if session.get(ServiceVersionRow, version) is None:
            session.add(ServiceVersionRow(version=version, data={"json": defaults.snapshots[version]}, created_at=now))


def _log(session: Session, row: TicketRow, event: ClockEvent) -> None:
    session.add(ClockEventRow(ticket_id=row.id, kind=event.kind, at=event.at, by=event.by, urgency=event.urgency))
    session.flush()


def _refresh(session: Session, defaults: ServiceDefaults, row: TicketRow, now: datetime) -> None:
    state = sla_state(session, defaults, to_ticket(row), now)
    row.first_response_due, row.resolution_due = state.first_response_due, state.resolution_due
    session.flush()


def _changed(session: Session, row: TicketRow, now: datetime, **data: Any) -> None:
    events.append(session, EventKind.TICKET_CHANGED, now, conversation_id=row.conversation_id, ticket_id=row.id, **data)
