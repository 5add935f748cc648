"""What is done with incidents: proposed by the surge, opened by a person, joined, left, merged, ended.

Joining never changes a child: its ticket, clocks and history stay its own, so taking it out again, or undoing a merge,
loses nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import Conflict, InvalidInput, NotFound
from base.i18n import LOCALES, N_
from base.messages import Channel, Inbound
from base.text import clean, shorten
from desk import audit, conversations, events, tickets
from desk.events import EventKind
from desk.incidents import LIVE, Incident, IncidentState, MemberState, members, merged_here, to_incident
from desk.models import Category, ConversationState, Staff, Ticket, TicketState, Urgency
from desk.service import ServiceDefaults
from desk.tables import IncidentRow, MemberRow, TicketRow, UpdateRow
from desk.tickets import TicketDraft

MAX_TITLE, MAX_NOTICE = 120, 600  # characters

# From a state to those it may move to. MERGED remembers by `opened_at` and `ended_at` what it was.
MOVES: dict[IncidentState, frozenset[IncidentState]] = {
    IncidentState.PROPOSED: frozenset({IncidentState.OPEN, IncidentState.DISMISSED, IncidentState.MERGED}),
    IncidentState.OPEN: frozenset({IncidentState.RESOLVED, IncidentState.MERGED}),
    IncidentState.MERGED: frozenset({IncidentState.PROPOSED, IncidentState.OPEN}),
    IncidentState.RESOLVED: frozenset(),
    IncidentState.DISMISSED: frozenset({IncidentState.PROPOSED}),
}


class NothingWritten(InvalidInput):
    code = "incident_text_missing"
    message = N_("Write the text in English and in Chinese: both are read by customers of this incident.")


def propose(
    session: Session, title: Mapping[str, str], notice: Mapping[str, str], objects: Sequence[str],
    conversation_ids: Sequence[int], first_at: datetime, now: datetime,
) -> Incident:  # fmt: skip
    """A proposed incident with these conversations as candidates."""
    row = IncidentRow(
        public_id=secrets.token_hex(12), state=IncidentState.PROPOSED, title=_texts(title, MAX_TITLE),
        notice=_texts(notice, MAX_NOTICE), objects=list(objects), first_at=first_at, proposed_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    for conversation_id in dict.fromkeys(conversation_ids):
        _set_member(session, row.id, conversation_id, MemberState.CANDIDATE, "surge", now)
    _changed(session, row, now)
    return to_incident(row)


def suggest(session: Session, incident: Incident, conversation_id: int, now: datetime) -> bool:
    """Another conversation that may belong to it. False when somebody has decided about it before."""
    known = session.scalar(
        select(MemberRow.id).where(MemberRow.incident_id == incident.id, MemberRow.conversation_id == conversation_id)
    )
    if known is not None:
        return False
    _set_member(session, incident.id, conversation_id, MemberState.CANDIDATE, "surge", now)
    _changed(session, _row(session, incident.id), now)
    return True


def open_incident(
    session: Session, defaults: ServiceDefaults, incident: Incident, member: Staff, title: Mapping[str, str],
    notice: Mapping[str, str], urgency: Urgency, chosen: Sequence[int], now: datetime,
) -> Ticket:  # fmt: skip
    """Confirm a proposal: the parent ticket is opened, the chosen conversations become its children, the rest do not.

    From now on the assistant tells the notice. Raises Conflict when it is not a proposal any more, NothingWritten.
    """
    row = _move(session, incident, IncidentState.OPEN)
    row.title, row.notice = _written(title, MAX_TITLE), _written(notice, MAX_NOTICE)
    row.opened_at = now
    for one in members(session, incident):
        if one.state is MemberState.CANDIDATE:
            state = MemberState.MEMBER if one.conversation_id in chosen else MemberState.REMOVED
            _set_member(session, row.id, one.conversation_id, state, f"staff:{member.id}", now)
    session.flush()
    ticket = _parent_ticket(session, defaults, to_incident(row), member, urgency, now)
    row.ticket_id = ticket.id
    _changed(session, row, now)
    audit.note(session, now, f"staff:{member.id}", "opened_incident", f"incident:{row.id}", children=list(chosen))
    return ticket


def rewrite(
    session: Session, incident: Incident, member: Staff, title: Mapping[str, str], notice: Mapping[str, str],
    now: datetime,
) -> None:  # fmt: skip
    """Another title and notice. Raises NothingWritten."""
    row = _row(session, incident.id)
    row.title, row.notice = _written(title, MAX_TITLE), _written(notice, MAX_NOTICE)
    _changed(session, row, now)
    audit.note(session, now, f"staff:{member.id}", "rewrote_incident", f"incident:{row.id}")


def dismiss(session: Session, incident: Incident, member: Staff, now: datetime) -> None:
    """It is no incident: its candidates stay what they were."""
    row = _move(session, incident, IncidentState.DISMISSED)
    row.ended_at = now
    _changed(session, row, now)
    audit.note(session, now, f"staff:{member.id}", "dismissed_incident", f"incident:{row.id}")


def undismiss(session: Session, incident: Incident, member: Staff, now: datetime) -> None:
    """Take a dismissal back."""
    row = _move(session, incident, IncidentState.PROPOSED)
    row.ended_at = None
    _changed(session, row, now)
    audit.note(session, now, f"staff:{member.id}", "proposed_incident_again", f"incident:{row.id}")


def join(session: Session, incident: Incident, conversation_id: int, by: str, now: datetime) -> None:
    """A conversation belongs to it: a person, or the customer, says so. It is given what is told from now on."""
    _set_member(session, incident.id, conversation_id, MemberState.MEMBER, by, now, _newest_update(session, incident))
    _changed(session, _row(session, incident.id), now, conversation_id)
    audit.note(session, now, by, "joined_incident", f"incident:{incident.id}", conversation=conversation_id)


def leave(session: Session, incident: Incident, conversation_id: int, by: str, now: datetime) -> None:
    """It does not belong, after all: nothing more is told there, and it is not suggested again."""
    _set_member(session, incident.id, conversation_id, MemberState.REMOVED, by, now)
    for other in merged_here(session, incident.id):
        _set_member(session, other, conversation_id, MemberState.REMOVED, by, now, only_known=True)
    _changed(session, _row(session, incident.id), now, conversation_id)
    audit.note(session, now, by, "left_incident", f"incident:{incident.id}", conversation=conversation_id)


def merge(session: Session, incident: Incident, into: Incident, member: Staff, now: datetime) -> None:
    """Both are one: everybody in `incident` is told what `into` tells. `unmerge` takes it back without a loss.

    Raises Conflict: `into` is not live, or they are the same.
    """
    target = _row(session, into.id)
    if target.state not in LIVE or into.id == incident.id:
        raise Conflict("move not allowed", found=target.state, wanted="merge")
    row = _move(session, incident, IncidentState.MERGED)
    row.merged_into = into.id
    newest = _newest_update(session, into)
    for one in session.scalars(select(MemberRow).where(MemberRow.incident_id == incident.id)):
        one.told = max(one.told, newest)  # what was told before is history; the notice says it
    session.flush()
    for other in merged_here(session, incident.id):
        _row(session, other).merged_into = into.id
    _changed(session, row, now)
    audit.note(session, now, f"staff:{member.id}", "merged_incident", f"incident:{row.id}", into=into.id)


def unmerge(session: Session, incident: Incident, member: Staff, now: datetime) -> None:
    """Undo a merge: it is again what it was, with the conversations it had."""
    row = _row(session, incident.id)
    was, into = IncidentState.OPEN if row.opened_at else IncidentState.PROPOSED, row.merged_into
    row = _move(session, incident, was)
    row.merged_into = None
    _changed(session, row, now)
    audit.note(session, now, f"staff:{member.id}", "unmerged_incident", f"incident:{row.id}", out_of=into)


def _parent_ticket(
    session: Session, defaults: ServiceDefaults, incident: Incident, member: Staff, urgency: Urgency, now: datetime
) -> Ticket:
    """The ticket everything about the incident is owed by, under the terms of the child whose answer is due first."""
    door = Inbound(
        channel=Channel.INCIDENT, message_id=incident.public_id, thread_id=incident.public_id, sender_id="everybody",
        text="", received_at=now,
    )  # fmt: skip
    talk = conversations.open_for(session, door, member.lang, now)
    ids = [one.conversation_id for one in members(session, incident) if one.state is MemberState.MEMBER]
    rows = list(session.scalars(select(TicketRow).where(TicketRow.conversation_id.in_(ids)).order_by(TicketRow.id)))
    soonest = min(rows, key=lambda row: (row.first_response_due is None, row.first_response_due or now), default=None)
    kinds = [row.category for row in rows]
    title = incident.title.get(member.lang) or next(iter(incident.title.values()), "")
    draft = TicketDraft(
        title=title, urgency=urgency, category=Category(max(kinds, key=kinds.count)) if kinds else Category.OTHER,
        urgency_reasons=({"kind": "staff", "code": "set_by_staff", "quote": "", "text": member.name},),
        reason="incident", handover={"incident": incident.public_id},
    )  # fmt: skip
    package = soonest.package if soonest is not None else defaults.default_package
    ticket = tickets.open_ticket(session, defaults, talk, package, draft, now)
    conversations.change(
        session, talk, now, state=ConversationState.STAFF, assignee_id=member.id, ticket_id=ticket.id,
        subject=shorten(title, 80),
    )  # fmt: skip
    return tickets.assign(session, defaults, ticket.id, member.id, now)


def end(session: Session, defaults: ServiceDefaults, incident: Incident, now: datetime, **resolution: Any) -> None:
    """It is over: the parent ticket is solved. The children are told, and solved, by the update that says so."""
    row = _move(session, incident, IncidentState.RESOLVED)
    row.ended_at = now
    if row.ticket_id is not None:
        tickets.move(session, defaults, row.ticket_id, TicketState.RESOLVED, now, resolution=resolution)
    _changed(session, row, now)


def _row(session: Session, incident_id: int) -> IncidentRow:
    row = session.get(IncidentRow, incident_id, populate_existing=True)
    if row is None:
        raise NotFound("incident", id=incident_id)
    return row


def _move(session: Session, incident: Incident, state: IncidentState) -> IncidentRow:
    """Its row, in the new state. Raises Conflict for a move that MOVES does not allow."""
    shared = session.get_bind().dialect.name == "postgresql"
    row = session.get(IncidentRow, incident.id, with_for_update=shared or None, populate_existing=True)
    if row is None or state not in MOVES[IncidentState(row.state)]:
        raise Conflict("move not allowed", found=row.state if row else "", wanted=str(state))
    row.state = state
    session.flush()
    return row


def _set_member(
    session: Session, incident_id: int, conversation_id: int, state: MemberState, by: str, now: datetime,
    told: int | None = None, *, only_known: bool = False,
) -> None:  # fmt: skip
    row = session.scalar(
        select(MemberRow).where(MemberRow.incident_id == incident_id, MemberRow.conversation_id == conversation_id)
    )
    if row is None:
        if only_known:
            return
        row = MemberRow(incident_id=incident_id, conversation_id=conversation_id, told=0)
        session.add(row)
    row.state, row.by, row.at = state, by, now
    if told is not None:
        row.told = max(row.told, told)
    session.flush()


def _newest_update(session: Session, incident: Incident) -> int:
    query = select(UpdateRow.id).where(UpdateRow.incident_id == incident.id).order_by(UpdateRow.id.desc()).limit(1)
    return int(session.scalar(query) or 0)


def _texts(given: Mapping[str, str], most: int) -> dict[str, str]:
    return {lang: shorten(clean(given.get(lang, "")), most) for lang in LOCALES}


def _written(given: Mapping[str, str], most: int) -> dict[str, str]:
    texts = _texts(given, most)
    if not all(texts.values()):
        raise NothingWritten()
    return texts


def _changed(session: Session, row: IncidentRow, now: datetime, conversation_id: int | None = None) -> None:
    session.flush()
    events.append(
        session,
        EventKind.INCIDENT_CHANGED,
        now,
        conversation_id=conversation_id,
        incident=row.public_id,
        state=row.state,
    )
