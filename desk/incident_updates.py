"""What is told to everybody an incident affects: written once, given to each conversation in its language.

An update is stored first; `tell` gives it to a few conversations at a time, each batch in a transaction of its own, so
hundreds of children hold nobody up and a crash in between tells nobody twice and forgets nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base.errors import InvalidInput
from base.i18n import N_, known_locale
from base.messages import Outbound
from base.text import clean, shorten
from desk import audit, conversations, csat, doors, incident_work, incidents, outbox, tickets
from desk.events import EventKind, append
from desk.incidents import Incident, IncidentState, MemberState
from desk.models import Author, Conversation, ConversationState, Staff, TicketState
from desk.replies import EmptyReply
from desk.service import ServiceDefaults
from desk.tables import MemberRow, StaffRow, UpdateRow

MAX_TEXT = 4000  # characters
BATCH = 20  # conversations told in one transaction


class LanguageMissing(InvalidInput):
    code = "update_language_missing"
    message = N_("{count} of the customers read {language}: please write the update in that language, too.")


@dataclass(frozen=True, slots=True)
class Update:
    id: int
    text: Mapping[str, str]  # language -> text
    resolves: bool
    staff_name: str
    at: datetime
    told_all_at: datetime | None


def write(
    session: Session, defaults: ServiceDefaults, incident: Incident, member: Staff, text: Mapping[str, str], now: datetime,
    *, resolves: bool = False,
) -> None:  # fmt: skip
    """Store an update for everybody in an open incident; `resolves`: it is over, and the children are solved with it.

    Raises EmptyReply, LanguageMissing (a language of a child is not written), Conflict when it is over already.
    """
    texts = {lang: shorten(clean(words), MAX_TEXT) for lang, words in text.items() if clean(words)}
    if not texts:
        raise EmptyReply()
    for lang, count in languages(session, incident).items():
        if lang not in texts:
            raise LanguageMissing(count=count, language={"zh": "中文", "en": "English"}[lang])
    if resolves:
        incident_work.end(session, defaults, incident, now, solution=next(iter(texts.values())), resolved_by=member.id)
    elif incident.state is not IncidentState.OPEN:
        raise EmptyReply()
    session.add(
        UpdateRow(incident_id=incident.id, staff_id=member.id, text=texts, resolves=resolves, at=now, told_all_at=None)
    )
    session.flush()
    talk_id = incidents.parent_conversation(session, incident)
    if talk_id is not None:
        shown = texts.get(member.lang) or next(iter(texts.values()))
        conversations.add_turn(
            session, talk_id, Author.STAFF, shown, member.lang, now, author_name=member.name, staff_id=member.id
        )
    if incident.ticket_id is not None and not resolves:
        tickets.staff_replied(session, defaults, incident.ticket_id, now)
    append(session, EventKind.INCIDENT_CHANGED, now, incident=incident.public_id, state=str(incident.state))
    audit.note(session, now, f"staff:{member.id}", "told_everybody", f"incident:{incident.id}", resolves=resolves)


def languages(session: Session, incident: Incident) -> dict[str, int]:
    """How many of its children read each language."""
    ids = [one.conversation_id for one in incidents.members(session, incident) if one.state is MemberState.MEMBER]
    found: dict[str, int] = {}
    for talk in conversations.by_ids(session, ids):
        lang = known_locale(talk.lang)
        found[lang] = found.get(lang, 0) + 1
    return found


def updates(session: Session, incident: Incident) -> list[Update]:
    """What was told so far, oldest first."""
    query = (
        select(UpdateRow, StaffRow.name)
        .join(StaffRow, StaffRow.id == UpdateRow.staff_id)
        .where(UpdateRow.incident_id == incident.id)
        .order_by(UpdateRow.id)
    )
    return [
        Update(row.id, dict(row.text), row.resolves, name, row.at, row.told_all_at)
        for row, name in session.execute(query).tuples()
    ]


def waiting(session: Session) -> bool:
    """Whether somebody is still to be told something."""
    return session.scalar(select(func.min(UpdateRow.id)).where(UpdateRow.told_all_at.is_(None))) is not None


def tell(session: Session, defaults: ServiceDefaults, now: datetime, limit: int = BATCH) -> int:
    """Give the oldest unfinished update to its next conversations; return how many. 0: everybody knows everything."""
    update = session.scalar(
        select(UpdateRow)
        .where(UpdateRow.told_all_at.is_(None))
        .order_by(UpdateRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if update is None:
        return 0
    family = [update.incident_id, *incidents.merged_here(session, update.incident_id)]
    rows = list(
        session.scalars(
            select(MemberRow)
            .where(MemberRow.incident_id.in_(family), MemberRow.state == MemberState.MEMBER, MemberRow.told < update.id)
            .order_by(MemberRow.id)
            .limit(limit)
            .execution_options(populate_existing=True)
        )
    )
    if not rows:
        update.told_all_at = now
        session.flush()
        return 1 if waiting(session) else 0
    incident = incidents.by_id(session, update.incident_id)
    mine = {one.conversation_id: one.state for one in incidents.members(session, incident)}
    staff = session.get(StaffRow, update.staff_id)
    told_now = {id_ for id_, state in mine.items() if state is MemberState.MEMBER}
    for row in rows:
        row.told = update.id
        if mine.get(row.conversation_id) is MemberState.MEMBER and not _told(session, row, family, update):
            talk = conversations.get(session, row.conversation_id, to_write=True)
            reads = _where_it_is_read(session, talk)
            if reads.id != talk.id and reads.id in told_now:
                continue  # it is a child itself, or another child goes on there
            told_now.add(reads.id)
            _give(session, defaults, reads, update, incident, staff.name if staff else "", now)
    session.flush()
    return len(rows)


def _where_it_is_read(session: Session, talk: Conversation) -> Conversation:
    """Where a child that was merged goes on, if that is its own customer's."""
    end = conversations.end_of(session, talk, to_write=True)
    return end if end.customer_id == talk.customer_id else talk


def _told(session: Session, row: MemberRow, family: list[int], update: UpdateRow) -> bool:
    """Whether the conversation has had this update as a child of a merged incident."""
    other = session.scalar(
        select(MemberRow.id).where(
            MemberRow.incident_id.in_(family), MemberRow.conversation_id == row.conversation_id,
            MemberRow.id != row.id, MemberRow.told >= update.id, MemberRow.state == MemberState.MEMBER,
        )
    )  # fmt: skip
    return other is not None


def _give(
    session: Session, defaults: ServiceDefaults, talk: Conversation, update: UpdateRow, incident: Incident, name: str,
    now: datetime,
) -> None:  # fmt: skip
    """One conversation is told, in its language; its own ticket has had a person's answer with it."""
    lang = known_locale(talk.lang)
    text = update.text.get(lang) or next(iter(update.text.values()))
    payload = {"event": "resolved" if update.resolves else "incident_update", "incident": incident.public_id}
    turn = conversations.add_turn(
        session, talk.id, Author.STAFF, text, lang, now, author_name=name, staff_id=update.staff_id, payload=payload
    )
    ticket = tickets.get(session, talk.ticket_id) if talk.ticket_id is not None else None
    owed = ticket if ticket is not None and ticket.state in tickets.OPEN_STATES else None
    door = doors.through(talk)
    outbound = Outbound(
        key=f"turn-{turn.id}", channel=door.channel, thread_id=door.thread_id, text=text, lang=lang,
        author="staff", author_name=name, extra=csat.asks(owed) if update.resolves else {},
    )  # fmt: skip
    outbox.put(session, outbound, talk.id, turn.id, now)
    if owed is None:
        return
    tickets.staff_replied(session, defaults, owed.id, now)
    if update.resolves:
        tickets.move(
            session, defaults, owed.id, TicketState.RESOLVED, now,
            resolution={"incident": incident.public_id, "solution": text, "resolved_by": update.staff_id},
        )  # fmt: skip
        if talk.state is not ConversationState.STAFF:  # a person who has taken over keeps it
            conversations.change(session, talk, now, state=ConversationState.BOT, memory={"resolved": True})
