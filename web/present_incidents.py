"""From incidents to what their pages show. Reads only."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.i18n import N_
from base.messages import Channel
from base.text import shorten
from bot.topics import thing_name
from desk import conversations, customers, incident_updates, incidents, tickets
from desk.incidents import Incident, IncidentState, Member, MemberState
from desk.models import URGENCY_NAMES, Author, Ticket, Urgency
from desk.tables import StaffRow, SymptomRow, TurnRow
from web.incident_views import IncidentsView, IncidentView, MemberView, Texts, UpdateView
from web.present import CHANNEL_NAMES, TICKET_STATE_NAMES, Presenter, next_due
from web.views import IncidentLine, Option

INCIDENT_STATE_NAMES = {
    IncidentState.PROPOSED: N_("Proposed"),
    IncidentState.OPEN: N_("Open"),
    IncidentState.RESOLVED: N_("Solved"),
    IncidentState.DISMISSED: N_("No incident"),
    IncidentState.MERGED: N_("Merged"),
}
_BY = {"surge": N_("found by likeness"), "customer": N_("says so themselves")}
_SOLVED_EN = "The problem is solved. If it is not for you, just write here: your case opens again."
_SOLVED_ZH = "问题已经解决。如果您这边仍未恢复，直接在这里回复即可，您的问题会重新打开。"


class IncidentPresenter(Presenter):
    """Builds the views of incidents for one reader."""

    def listing(self, session: Session) -> IncidentsView:
        """All incidents; those waiting for a decision first."""
        lines = [self.line(session, incident) for incident in incidents.latest(session)]
        return IncidentsView(
            tuple(line for line in lines if line.state == IncidentState.PROPOSED),
            tuple(line for line in lines if line.state == IncidentState.OPEN),
            tuple(line for line in lines if line.state not in incidents.LIVE),
        )

    def line(self, session: Session, incident: Incident) -> IncidentLine:
        wanted = {MemberState.MEMBER}
        if incident.state in (IncidentState.PROPOSED, IncidentState.DISMISSED):
            wanted.add(MemberState.CANDIDATE)
        count = sum(one.state in wanted for one in incidents.members(session, incident))
        parent = self._parent(session, incident)
        into = incidents.by_id(session, incident.merged_into) if incident.merged_into else None
        return IncidentLine(
            incident.public_id, self._title(incident), incident.state, self.t(INCIDENT_STATE_NAMES[incident.state]),
            count, self.moment(incident.first_at), parent.name if parent else "", self._title(into) if into else "",
        )  # fmt: skip

    def incident(self, session: Session, incident: Incident) -> IncidentView:
        """One incident with everybody in it."""
        everybody = incidents.members(session, incident)
        shown = {state: self._members(session, everybody, state) for state in MemberState}
        parent = self._parent(session, incident)
        due = next_due(parent) if parent is not None and parent.state in tickets.OPEN_STATES else None
        worst = min((m.urgency for m in self._tickets(session, everybody)), key=lambda u: u.rank, default=Urgency.HIGH)
        worst = min(worst, Urgency.HIGH, key=lambda u: u.rank)  # several customers at once are never less
        is_live = incident.state in incidents.LIVE
        others = [other for other in incidents.live(session) if other.id != incident.id] if is_live else []
        merged = [incidents.by_id(session, other) for other in incidents.merged_here(session, incident.id)]
        return IncidentView(
            public_id=incident.public_id, state=incident.state,
            state_name=self.t(INCIDENT_STATE_NAMES[incident.state]), title=self._title(incident),
            titles=_texts(incident.title), notice=_texts(incident.notice),
            things=tuple(thing_name(key, self.lang) for key in incident.objects), since=self.moment(incident.first_at),
            candidates=shown[MemberState.CANDIDATE], members=shown[MemberState.MEMBER],
            removed=shown[MemberState.REMOVED], updates=tuple(self._updates(session, incident)),
            urgencies=tuple(Option(u, self.t(name), u is worst) for u, name in URGENCY_NAMES.items()),
            readers=self._readers(session, incident), others=tuple(Option(o.public_id, self._title(o)) for o in others),
            merged=tuple(self.line(session, one) for one in merged),
            into=self.line(session, incidents.by_id(session, incident.merged_into)) if incident.merged_into else None,
            ticket=parent.name if parent else "", ticket_urgency=parent.urgency if parent else "",
            ticket_urgency_name=self.t(URGENCY_NAMES[parent.urgency]) if parent else "",
            due_iso=due.isoformat() if due else "", due_text=self.due(due) if due else "",
            solved=Texts(_SOLVED_EN, _SOLVED_ZH),
        )  # fmt: skip

    def proposals(self, session: Session) -> tuple[IncidentLine, ...]:
        """What waits for a decision: shown above the inbox's list."""
        found = [incident for incident in incidents.live(session) if incident.state is IncidentState.PROPOSED]
        return tuple(self.line(session, incident) for incident in found)

    def _title(self, incident: Incident) -> str:
        return incident.title.get(self.lang) or next(iter(incident.title.values()), "")

    def _parent(self, session: Session, incident: Incident) -> Ticket | None:
        return tickets.get(session, incident.ticket_id) if incident.ticket_id is not None else None

    def _tickets(self, session: Session, everybody: list[Member]) -> list[Ticket]:
        wanted = [one.conversation_id for one in everybody if one.state is not MemberState.REMOVED]
        return list(tickets.by_conversation(session, wanted).values())

    def _members(self, session: Session, everybody: list[Member], state: MemberState) -> tuple[MemberView, ...]:
        chosen = [one for one in everybody if one.state is state]
        ids = [one.conversation_id for one in chosen]
        known = {talk.id: talk for talk in conversations.by_ids(session, ids)}
        owed = tickets.by_conversation(session, ids)
        names = {row.id: row.name for row in session.scalars(select(StaffRow))}
        said = _said(session, ids)
        people = customers.by_ids(session, [talk.customer_id for talk in known.values()])
        shown = []
        for one in chosen:
            talk, ticket = known[one.conversation_id], owed.get(one.conversation_id)
            by = _BY.get(one.by)
            who = names.get(int(one.by.removeprefix("staff:")), "") if one.by.startswith("staff:") else ""
            shown.append(
                MemberView(
                    talk.public_id, self.customer_name(people[talk.customer_id]), talk.channel,
                    self.t(CHANNEL_NAMES[Channel(talk.channel)]), shorten(said.get(talk.id) or talk.subject, 300),
                    talk.lang, self.ago(one.at), one.state, self.t(by) if by else who,
                    ticket.name if ticket else "", self.t(TICKET_STATE_NAMES[ticket.state]) if ticket else "",
                )
            )  # fmt: skip
        return tuple(shown)

    def _updates(self, session: Session, incident: Incident) -> list[UpdateView]:
        return [
            UpdateView(
                self.moment(one.at), one.staff_name, tuple(one.text.items()), one.resolves, one.told_all_at is not None
            )
            for one in incident_updates.updates(session, incident)
        ]

    def _readers(self, session: Session, incident: Incident) -> str:
        counts = incident_updates.languages(session, incident)
        return self.t(N_("{zh} read Chinese, {en} read English."), zh=counts.get("zh", 0), en=counts.get("en", 0))


def _texts(given: object) -> Texts:
    texts = dict(given)  # type: ignore[call-overload]
    return Texts(texts.get("en", ""), texts.get("zh", ""))


def _said(session: Session, ids: list[int]) -> dict[int, str]:
    """What the surge read of each conversation: its newest symptom's words, else the newest of the customer's."""
    found: dict[int, str] = {}
    own = select(TurnRow.conversation_id, TurnRow.text).where(
        TurnRow.conversation_id.in_(ids), TurnRow.author == Author.CUSTOMER
    )
    for talk, text in session.execute(own.order_by(TurnRow.id)).tuples():
        found[talk] = text
    reported = select(TurnRow.conversation_id, TurnRow.text).join(SymptomRow, SymptomRow.turn_id == TurnRow.id)
    rows = session.execute(reported.where(SymptomRow.conversation_id.in_(ids)).order_by(TurnRow.id)).tuples()
    return found | dict(list(rows))
