"""From the desk's words to what the staff console shows: rows, transcripts, tickets, deadlines. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from base.i18n import N_, format_bytes, format_time, translate
from base.messages import Channel
from base.text import detect_language
from bot.suggest import Suggestion, suggest
from bot.think import CHOOSE
from bot.topics import subcategory_name, thing_name
from desk import conversations, csat, customers, events, incidents, outbox, replies, sla_words, staff, tickets
from desk.conversations import Listed
from desk.models import (
    CATEGORY_NAMES,
    URGENCY_NAMES,
    Author,
    Conversation,
    ConversationState,
    Customer,
    Staff,
    Ticket,
    TicketState,
    Turn,
    Urgency,
    Withdrawal,
)
from desk.outbox import Delivery
from desk.sla import ClockPhase, ClockState, SlaState
from desk.terms import ClockName
from web.answer_record import choices_of, chosen_after, has_record
from web.delivery_words import delivery_text
from web.markdown import plain_html, text_html
from web.merging import merge_card
from web.pages import initials, tint
from web.person import customer_view
from web.ticket_views import DeadlineView, LevelChangeView, RatingView
from web.views import (
    AttachmentView,
    ChoiceView,
    CitationView,
    ConversationView,
    Option,
    RowView,
    SuggestionView,
    TicketView,
    TurnView,
)
from web.wiring import Services

CHANNEL_NAMES = {
    Channel.WEBCHAT: N_("Web chat"), Channel.CONSOLE: N_("Console"), Channel.EMAIL: N_("E-mail"),
    Channel.TELEGRAM: N_("Telegram"), Channel.WECOM: N_("WeCom"), Channel.DINGTALK: N_("DingTalk"),
    Channel.FEISHU: N_("Feishu"), Channel.SLACK: N_("Slack"), Channel.WHATSAPP: N_("WhatsApp"),
    Channel.INCIDENT: N_("Incident"),
}  # fmt: skip
STATE_NAMES = {
    ConversationState.BOT: N_("Assistant"),
    ConversationState.WAITING: N_("Waiting for a person"),
    ConversationState.STAFF: N_("With a person"),
    ConversationState.CLOSED: N_("Closed"),
}
TICKET_STATE_NAMES = {
    TicketState.NEW: N_("New"),
    TicketState.OPEN: N_("In progress"),
    TicketState.WAITING: N_("Waiting for the customer"),
    TicketState.RESOLVED: N_("Solved"),
    TicketState.CLOSED: N_("Closed"),
    TicketState.CANCELLED: N_("Withdrawn"),
}
MERGED = N_("Merged")
CLOCK_NAMES = {
    ClockName.DISPATCH: N_("Assigned"),
    ClockName.FIRST_RESPONSE: N_("First response"),
    ClockName.RESOLUTION: N_("Resolution"),
}
PHASE_NAMES = {
    ClockPhase.RUNNING: N_("running"),
    ClockPhase.PAUSED: N_("paused"),
    ClockPhase.MET: N_("met"),
    ClockPhase.MISSED: N_("missed"),
    ClockPhase.CANCELLED: N_("not needed any more"),
}
_BY_WHOM = {
    Author.STAFF: N_("by a person"),
    Author.CUSTOMER: N_("by the customer's all-clear"),
    Author.BOT: N_("by the assistant"),
    Author.SYSTEM: N_("by a rule"),
    Author.NOTE: N_("by a person"),
}
_NAMELESS = N_("Visitor {code}")


class Presenter:
    """Builds views for one reader: their language, the installation's zone, now."""

    def __init__(self, services: Services, lang: str, reader: Staff | None = None) -> None:
        self.services, self.lang, self._reader = services, lang, reader
        self._zone = services.settings.timezone
        self._now = services.clock.now()

    def t(self, message: str, **fields: object) -> str:
        return translate(message, self.lang, **fields)

    def moment(self, at: datetime) -> str:
        return format_time(at, self.lang, self._zone)

    def due(self, at: datetime) -> str:
        """A deadline: the minute the customer was promised."""
        return sla_words.due_text(at, self.lang, self._zone)

    def rows(self, session: Session, listed: Sequence[Listed], active: str = "") -> tuple[RowView, ...]:
        """The list, urgent tickets first (green channel), then by the latest change."""
        open_tickets = tickets.by_conversation(session, [item.conversation.id for item in listed])
        rows = [self._row(item, open_tickets.get(item.conversation.id), active) for item in listed]
        return tuple(sorted(rows, key=lambda row: not row.pinned))

    def _row(self, item: Listed, ticket: Ticket | None, active: str) -> RowView:
        talk = item.conversation
        is_open = ticket is not None and ticket.state in tickets.OPEN_STATES
        due = next_due(ticket) if ticket is not None and is_open else None
        of_incident = talk.channel == Channel.INCIDENT
        name = self.t(CHANNEL_NAMES[Channel.INCIDENT]) if of_incident else self.customer_name(item.customer)
        return RowView(
            public_id=talk.public_id, name=name, initials=initials(item.customer.name or name),
            color_index=tint(item.customer.public_id), channel=talk.channel,
            channel_name=self.t(CHANNEL_NAMES[Channel(talk.channel)]), subject=talk.subject or item.preview,
            preview=item.preview, lang=talk.lang, ago=self.ago(talk.updated_at),
            urgency=ticket.urgency if ticket and is_open else "",
            urgency_name=self.t(URGENCY_NAMES[ticket.urgency]) if ticket and is_open else "",
            due_iso=due.isoformat() if due else "", due_text=self.due(due) if due else "",
            overdue=bool(due and due < self._now), unread=item.unread, active=talk.public_id == active,
            pinned=bool(ticket and is_open and ticket.urgency is Urgency.URGENT),
            state_name=self._state_name(talk),
        )  # fmt: skip

    def _state_name(self, talk: Conversation) -> str:
        return self.t(STATE_NAMES[talk.state] if talk.merged_into is None else MERGED)

    def conversation(self, session: Session, talk: Conversation) -> ConversationView:
        """Everything beside and in the transcript."""
        turns = tuple(conversations.turns_after(session, talk.id, 0, notes=True))
        customer = customers.get(session, talk.customer_id)
        ticket = tickets.by_conversation(session, [talk.id]).get(talk.id)
        members = [member for member in staff.list_all(session) if member.active]
        assignee = next((member for member in members if member.id == talk.assignee_id), None)
        is_open = ticket is not None and ticket.state in tickets.OPEN_STATES
        due = next_due(ticket) if ticket is not None and is_open else None
        mine = self._reader is not None and talk.assignee_id == self._reader.id
        incident = incidents.of_conversation(session, talk.id)
        return ConversationView(
            public_id=talk.public_id, subject=talk.subject or self.t(N_("New conversation")), lang=talk.lang,
            channel=talk.channel, channel_name=self.t(CHANNEL_NAMES[Channel(talk.channel)]), state=talk.state,
            state_name=self._state_name(talk), customer=customer_view(session, self, talk, customer),
            suggestion=EMPTY_SUGGESTION,
            turns=self.turns(turns, customer, talk.public_id, outbox.of_conversation(session, talk.id)),
            ticket=self.ticket(session, ticket) if ticket else None,
            assignee_name=assignee.name if assignee else "", mine=mine,
            urgency=ticket.urgency if ticket and is_open else "",
            urgency_name=self.t(URGENCY_NAMES[ticket.urgency]) if ticket and is_open else "",
            due_iso=due.isoformat() if due else "", due_text=self.due(due) if due else "",
            staff=tuple(Option(member.public_id, member.name) for member in members if member.id != talk.assignee_id),
            urgencies=tuple(
                Option(level, self.t(name), bool(ticket and ticket.urgency is level))
                for level, name in URGENCY_NAMES.items()
            ),
            can_reply=talk.state is not ConversationState.CLOSED,
            can_release=talk.state is ConversationState.STAFF, can_resolve=is_open, can_withdraw=is_open,
            last_event_id=str(events.last_id(session)),
            incident_url=f"/incidents/{incident.public_id}" if incident else "",
            incident_title=incident.title.get(self.lang, "") if incident else "",
            merge=merge_card(session, self, talk),
        )  # fmt: skip

    def turns(
        self, turns: Sequence[Turn], customer: Customer, talk: str = "", sent: Mapping[int, Delivery] | None = None
    ) -> tuple[TurnView, ...]:
        """The transcript; the first turn of each day carries its name. sent: what became of sending, by turn id."""
        shown, last_day = [], ""
        for place, turn in enumerate(turns, start=1):
            day = self._day(turn.created_at)
            view = self.turn(turn, customer, day if day != last_day else "", talk=talk, later=turns[place:])
            shown.append(replace(view, delivery=delivery_text((sent or {}).get(turn.id), self.lang)))
            last_day = day
        return tuple(shown)

    def turn(
        self, turn: Turn, customer: Customer, day: str = "", *, talk: str = "", later: Sequence[Turn] = ()
    ) -> TurnView:
        """talk: its conversation's public id, for the way to its record; later: the turns after it, as far as known."""
        from_customer = turn.author is Author.CUSTOMER
        name = turn.author_name or (self.customer_name(customer) if from_customer else self.t(N_("Assistant")))
        confidence = turn.payload.get("confidence")
        reader = self._reader.name if self._reader else ""
        local = turn.created_at.astimezone(ZoneInfo(self._zone))
        return TurnView(
            id=str(turn.id), seq=turn.seq, author=turn.author, author_name=name, initials=initials(name),
            color_index=tint(customer.public_id if from_customer else name), time_iso=turn.created_at.isoformat(),
            time_text=f"{local:%H:%M}", text_html=plain_html(turn.text) if from_customer else text_html(turn.text),
            lang=turn.lang, day=day,
            mine=turn.author in (Author.STAFF, Author.NOTE) and turn.author_name == reader,
            citations=tuple(
                CitationView(c["n"], c["title"], c["section"], c["url"], c["quote"], c.get("lang", ""))
                for c in turn.payload.get("citations", ())
            ),
            attachments=tuple(
                AttachmentView(a["name"], format_bytes(a["size_bytes"]), file_url(a.get("stored_as", "")))
                for a in turn.payload.get("attachments", ())
            ),
            confidence_percent=round(confidence * 100) if confidence is not None else None,
            choices=choice_views(choices_of(turn), chosen_after(later)),
            mail_url=f"/inbox/mails/{turn.payload['mail']}" if "mail" in turn.payload else "",
            other_url=f"/inbox/{turn.payload['other']}?view=all" if "other" in turn.payload else "",
            why_url=f"/inbox/{talk}/answers/{turn.seq}" if talk and has_record(turn) else "",
        )  # fmt: skip

    def ticket(self, session: Session, ticket: Ticket) -> TicketView:
        state = tickets.sla_state(session, self.services.defaults, ticket, self._now)
        handover, rating = ticket.handover, csat.of_conversation(session, ticket.conversation_id).get(ticket.id)
        return TicketView(
            name=ticket.name, title=ticket.title, lang=detect_language(ticket.title, self.lang),
            state=ticket.state, state_name=self.t(TICKET_STATE_NAMES[ticket.state]), urgency=ticket.urgency,
            urgency_name=self.t(URGENCY_NAMES[ticket.urgency]), category_name=self.t(CATEGORY_NAMES[ticket.category]),
            reasons=tuple(self.reason(reason) for reason in ticket.urgency_reasons),
            changes=tuple(
                LevelChangeView(
                    self.moment(one.at), self.t(URGENCY_NAMES[one.was]), one.level, self.t(URGENCY_NAMES[one.level]),
                    self.t(_BY_WHOM[one.by]), tuple(self.reason(reason) for reason in one.reasons),
                )
                for one in tickets.level_changes(session, ticket)
            ),
            deadlines=self.deadlines(session, ticket, state), unanswered=str(handover.get("open_question", "")),
            tried=tuple(
                CitationView(n, item["title"], item.get("section", ""), f"/knowledge/{item['article']}")
                for n, item in enumerate(handover.get("tried", ()), start=1)
            ),
            status_url=f"/status/{ticket.public_id}", rating=self._rating(rating) if rating else None,
            subcategory_name=subcategory_name(ticket.category, str(handover.get("subcategory", "")), self.lang),
            problems=tuple((thing_name(str(key), self.lang), str(text)) for text, key in handover.get("problems", ())),
            things=tuple(thing_name(str(key), self.lang) for key in handover.get("things", ())),
            withdrawn=self._withdrawn(ticket),
        )  # fmt: skip

    def _withdrawn(self, ticket: Ticket) -> str:
        if ticket.state is not TicketState.CANCELLED:
            return ""
        why = (ticket.handover.get("withdrawn") or {}).get("why")
        return self.t(replies.WHY[Withdrawal(why)] if why else N_("no reason given"))

    def _rating(self, found: csat.Rating) -> RatingView:
        name, lang = self.t(csat.SCORE_NAMES[found.score]), detect_language(found.comment, self.lang)
        return RatingView(found.score, name, found.comment, lang, self.moment(found.at))

    def deadlines(self, session: Session, ticket: Ticket, state: SlaState) -> tuple[DeadlineView, ...]:
        """The promises with their derivation, first response before resolution (promise 9)."""
        terms = tickets.terms_of(session, self.services.defaults, ticket)
        log = tickets.clock_events(session, ticket.id)
        found = []
        for clock in (state.first_response, state.resolution):
            if clock is not None:
                lines = sla_words.explain(
                    clock.name, log, terms.policy, terms.calendar, ticket.urgency, self._now, self.lang, self._zone
                )
                found.append(self._deadline(clock, tuple(lines)))
        return tuple(found)

    def _deadline(self, clock: ClockState, lines: tuple[str, ...]) -> DeadlineView:
        phase = clock.phase if clock.phase is not ClockPhase.CANCELLED else ClockPhase.MET
        return DeadlineView(
            label=self.t(CLOCK_NAMES[clock.name]),
            at_text=self.due(clock.due) if clock.due else self.t(N_("not fixed")),
            at_iso=clock.due.isoformat() if clock.due else "", state=phase,
            state_name=self.t(PHASE_NAMES[clock.phase]), derivation=lines,
        )  # fmt: skip

    def suggestion(self, turns: tuple[Turn, ...]) -> SuggestionView:
        """The drafted reply. Searches, so it is made outside any transaction."""
        found: Suggestion = suggest(
            self.services.searcher, turns, self.services.settings.answer_max_chars, self.services.fit
        )
        if found.answer is None:
            return SuggestionView(empty_reason=self.t(N_("Nothing in the knowledge base fits this message.")))
        sources = tuple(
            CitationView(
                n, p.title, p.section, f"/knowledge/{p.article_public_id}", lang=p.lang,
                note=self.t(N_("version {number}, {audience}"), number=p.version_number,
                            audience=self.t(N_("internal") if p.audience == "internal" else N_("public"))),
            )
            for n, p in enumerate(found.passages[:3], start=1)
        )  # fmt: skip
        answer = found.answer
        plain = answer.text.replace(" [1]", "").replace("**", "")
        percent = round(found.confidence * 100)
        return SuggestionView(text_html(answer.text), plain, answer.lang, percent, sources)

    def reason(self, reason: dict[str, str]) -> str:
        """A stored reason in the reader's language."""
        message, fields = reason.get("message"), reason.get("fields")
        if not message:
            return reason.get("text", "")
        try:
            return translate(
                message, self.lang, quote=reason.get("quote", ""), **(fields if isinstance(fields, dict) else {})
            )
        except (KeyError, IndexError):
            return reason.get("text", "")

    def customer_name(self, customer: Customer) -> str:
        return customer.name or self.t(_NAMELESS, code=customer.public_id[:4].upper())

    def ago(self, at: datetime) -> str:
        seconds = max(0, (self._now - at).total_seconds())
        if seconds < 60:
            return self.t(N_("now"))
        if seconds < 3600:
            return self.t(N_("{n} min"), n=int(seconds // 60))
        if seconds < 86400:
            return self.t(N_("{n} h"), n=int(seconds // 3600))
        return self.t(N_("{n} d"), n=int(seconds // 86400))

    def _day(self, at: datetime) -> str:
        zone = ZoneInfo(self._zone)
        day = at.astimezone(zone).date()
        return (
            self.t(N_("Today"))
            if day == self._now.astimezone(zone).date()
            else self.moment(at).rsplit(" ", 1)[0].rstrip(",")
        )


EMPTY_SUGGESTION = SuggestionView()


def choice_views(choices: tuple[tuple[str, str], ...], chosen: str) -> tuple[ChoiceView, ...]:
    """The buttons of a clarifying question, with the one the customer took."""
    return tuple(
        ChoiceView(
            label, f"/knowledge/{action.removeprefix(CHOOSE)}" if action.startswith(CHOOSE) else "", action == chosen
        )
        for label, action in choices
    )


def next_due(ticket: Ticket) -> datetime | None:
    """The deadline a person looks at: the first response until it is given, the resolution afterwards."""
    return ticket.first_response_due if ticket.first_responded_at is None else ticket.resolution_due


def file_url(stored_as: str) -> str:
    """Where staff save an attachment; "" for one that was not kept."""
    match stored_as.split("-"):
        case ["mail", mail_id, number]:
            return f"/inbox/mails/{mail_id}/files/{number}"
    return ""
