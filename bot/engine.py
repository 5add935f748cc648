"""The whole story of one message on one screen: load, think, save."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from base.clock import Clock
from base.database import Database
from base.errors import Conflict, NotFound
from base.i18n import N_, translate
from base.log import get_logger
from base.messages import Inbound, Link, Outbound, QuickReply
from base.metrics import TURN_SECONDS
from base.settings import Settings
from bot.handover import asks_something, draft_ticket, receipt, ticket_card, title_of
from bot.models import Citation, Outcome, OutcomeKind
from bot.policy import OTHER, SAME
from bot.taken import LABELS, SAME_HERE, SOMETHING_ELSE, Taken, joined
from bot.think import Prepared, Thinker, current_matter
from bot.thought import Thought
from bot.writer import OnText
from desk import (
    conversations,
    customers,
    doors,
    identities,
    inbox,
    incident_work,
    incidents,
    outbox,
    symptoms,
    tickets,
)
from desk.conversations import Thread, TurnDraft
from desk.doors import Door
from desk.identities import Proof
from desk.inbox import Further
from desk.incidents import IncidentState
from desk.models import Author, Category, Conversation, ConversationState, Sentiment, Ticket, Turn
from desk.service import ServiceDefaults
from kb.ahead import Ahead

log = get_logger(__name__)
RETHINKS = 3
OnWaiting = Callable[[Session, Conversation, Sequence[Turn], datetime], None]


class Engine:
    """Turns a customer's message into a stored outcome. Safe to share between threads."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, thinker: Thinker, defaults: ServiceDefaults,
        on_waiting: OnWaiting = lambda session, talk, turns, now: None,
    ) -> None:  # fmt: skip
        """on_waiting: called in the transaction that keeps a customer's turns for the person who has the conversation."""
        self._on_waiting = on_waiting
        self._settings, self._database, self._clock = settings, database, clock
        self._thinker, self._defaults = thinker, defaults

    def receive(
        self, inbound: Inbound, *, inbox_id: int | None = None, also: Sequence[Further] = (),
        on_text: OnText | None = None,
    ) -> Outcome:  # fmt: skip
        """Answer one message: everything that follows from it is saved in one transaction, or nothing is.

        inbox_id: its row in the inbox; without one it is put there first (stored before acknowledged).
        also: what the customer wrote right after it: answered as if it had been one message.
        """
        started = time.perf_counter()
        first = inbox.storable(inbound)
        inbound = joined(first, also)
        foreseen = self._thinker.foresee(inbound)
        # The model computes while the message is stored, the thread read and the words looked up.
        ahead, (inbox_id, prepared) = self._thinker.beside(foreseen, lambda: self._take(inbound, inbox_id, foreseen))
        outcome = self._think_and_save(Taken(inbound, inbox_id, first, also), prepared, ahead, on_text)
        seconds = time.perf_counter() - started
        TURN_SECONDS.labels(channel=inbound.channel, outcome=outcome.kind).observe(seconds)
        log.info(
            "turn_saved", inbox_id=inbox_id, outcome=str(outcome.kind), reason=outcome.reason, ms=round(seconds * 1000)
        )
        return outcome

    def ask(self, inbound: Inbound) -> Outcome:
        """What the answer would be to a new customer, without touching the desk."""
        thought = self._thinker.think(inbound, Thread(None, None, ()))
        return _outcome(thought, thought.decision.text)

    def give_up(self, inbound: Inbound, inbox_id: int) -> Outcome:
        """The last resort for a message that could not be worked on: a person gets a ticket, the customer is told."""
        inbound = inbox.storable(inbound)
        thought = self._thinker.without_knowledge(inbound)
        with self._database.begin() as session:
            return self._save(session, Taken(inbound, inbox_id, inbound), thought)

    def _take(
        self, inbound: Inbound, inbox_id: int | None, foreseen: tuple[str, str] | None
    ) -> tuple[int, Prepared]:  # fmt: skip
        """Store a message that is not in the inbox yet, and prepare it."""
        if inbox_id is None:
            with self._database.begin() as session:
                lease = self._clock.now() + timedelta(seconds=self._settings.lease_seconds)
                inbox_id = inbox.put(session, inbound, claimed_until=lease).id
        return inbox_id, self._prepared(inbound, foreseen)

    def _prepared(self, inbound: Inbound, foreseen: tuple[str, str] | None) -> Prepared:
        with self._database.read() as session:
            thread = conversations.load(session, inbound)
            notices = incidents.notices(session)
        return self._thinker.prepare(inbound, thread, foreseen, notices)

    def _think_and_save(self, taken: Taken, prepared: Prepared, ahead: Ahead | None, on_text: OnText | None) -> Outcome:
        for _ in range(RETHINKS):
            thought = self._thinker.conclude(prepared, on_text, ahead)  # search and model: nothing is locked
            try:
                with self._database.begin() as session:
                    return self._save(session, taken, thought)
            except _HandedBack:
                log.info("thinking_again", inbox_id=taken.inbox_id)
                prepared, ahead = self._prepared(taken.inbound, None), None
        raise Conflict("the conversation was taken over and given back again and again")

    def _save(self, session: Session, taken: Taken, thought: Thought) -> Outcome:
        now, lang, inbound = self._clock.now(), thought.triage.lang, taken.inbound
        if not inbox.done(session, taken.inbox_id, now):
            return replace(_outcome(thought, ""), kind=OutcomeKind.SILENT, reason="duplicate", duplicate=True)
        for further in taken.also:
            if not inbox.done(session, further.id, now):
                raise Conflict("part of a burst was answered by somebody else", inbox_id=further.id)
        conversation = conversations.open_for(session, inbound, lang, now)
        for channel, external_id in inbound.extra.get("identities", ()):
            customer = customers.get(session, conversation.customer_id)
            identities.claim(session, customer, channel, external_id, Proof.TOKEN, "customer", now)
            conversation = conversations.get(session, conversation.id, to_write=True)
        conversation = doors.came_by(session, conversation, Door(inbound.channel, inbound.thread_id), now)
        if conversation.state is not ConversationState.STAFF and thought.decision.reason == "staff_has_it":
            raise _HandedBack  # nobody would answer: the bot kept silent for a person who has left meanwhile
        said = taken.drafts(lang, thought, self._settings.default_locale)
        # Somebody may have taken over while we were thinking: what the bot was composing is dropped then.
        theirs = conversation.state is ConversationState.STAFF
        if theirs or thought.decision.kind is OutcomeKind.SILENT:
            turns = conversations.add_turns(session, conversation.id, said, now)
            self._noted(session, conversation, thought, turns, now)
            if theirs:
                self._on_waiting(session, conversation, turns, now)
            reason = "staff_has_it" if theirs else thought.decision.reason
            return self._keep_silent(session, conversation, thought, reason, now)
        return self._answer(session, inbound, conversation, thought, said, now)

    def _answer(
        self, session: Session, inbound: Inbound, conversation: Conversation, thought: Thought, said: list[TurnDraft],
        now: datetime,
    ) -> Outcome:  # fmt: skip
        """Save what the customer said, the ticket if there is one, and the bot's reply, queued for sending."""
        ticket, drafts, turns = None, said, list[Turn]()
        if thought.decision.opens_ticket or conversation.ticket_id is not None:
            turns = conversations.add_turns(session, conversation.id, drafts, now)  # the ticket reads it
            drafts = []
            ticket = self._ticket(session, conversation, thought, now)
        reply = self._reply(session, thought, ticket, now)
        remembered = self._remember(session, inbound, conversation, thought, now, ticket=ticket)
        turns += conversations.add_turns(session, conversation.id, [*drafts, reply], now, **remembered)
        turn = turns[-1]
        self._noted(session, conversation, thought, turns, now)
        outbound = _outbound(doors.through(conversation), turn, reply.payload)
        outbox.put(session, outbound, conversation.id, turn.id, now)
        name = ticket.name if ticket else ""
        return replace(_outcome(thought, reply.text), conversation_id=conversation.public_id, ticket=name)

    def _noted(
        self, session: Session, conversation: Conversation, thought: Thought, turns: Sequence[Turn], now: datetime
    ) -> None:
        """Keep what the message reports for the surge; what the customer says about a known incident counts at once."""
        if thought.symptom is not None:
            said = next(turn for turn in turns if turn.author is Author.CUSTOMER)
            symptoms.put(session, thought.symptom, said.id, conversation.id, conversation.customer_id, now)
        verb, _, incident_id = thought.action.partition(":")
        if f"{verb}:" not in (SAME, OTHER):
            return
        try:
            incident = incidents.current(session, incident_id)
        except NotFound:  # a button of another installation, or made up
            return
        if f"{verb}:" == OTHER:
            incident_work.leave(session, incident, conversation.id, "customer", now)
        elif incident.state is IncidentState.OPEN:
            incident_work.join(session, incident, conversation.id, "customer", now)

    def _keep_silent(
        self, session: Session, conversation: Conversation, thought: Thought, reason: str, now: datetime
    ) -> Outcome:
        if conversation.ticket_id is not None and not _is_small_talk(thought):
            self._heard(session, conversation.ticket_id, thought, now)
        if conversation.lang != thought.triage.lang:
            conversations.change(session, conversation, now, lang=thought.triage.lang)
        silent = replace(_outcome(thought, ""), kind=OutcomeKind.SILENT, reason=reason)
        return replace(silent, conversation_id=conversation.public_id)

    def _reply(self, session: Session, thought: Thought, ticket: Ticket | None, now: datetime) -> TurnDraft:
        lang, timezone, base_url = thought.triage.lang, self._settings.timezone, self._settings.base_url
        text, payload = thought.decision.text, _bot_payload(thought, base_url)
        if ticket is not None:
            state = tickets.sla_state(session, self._defaults, ticket, now)
            text = f"{text}\n\n{receipt(ticket, state, lang, timezone)}"
            payload["ticket"] = ticket_card(ticket, state, lang, timezone, base_url)
        return TurnDraft(Author.BOT, text, lang, payload=payload)

    def _ticket(self, session: Session, conversation: Conversation, thought: Thought, now: datetime) -> Ticket | None:
        """The ticket this message opens or adds to; its urgency may rise with it. "Thanks" reopens nothing."""
        opens = thought.decision.opens_ticket
        if conversation.ticket_id is not None:
            if _is_small_talk(thought) and not opens:
                return None
            ticket = self._heard(session, conversation.ticket_id, thought, now)
            return ticket if opens else None
        if not opens:
            return None
        turns = current_matter(conversations.latest_turns(session, conversation.id, 20), now)
        package = customers.get(session, conversation.customer_id).package
        return tickets.open_ticket(session, self._defaults, conversation, package, draft_ticket(thought, turns), now)

    def _heard(self, session: Session, ticket_id: int, thought: Thought, now: datetime) -> Ticket:
        """The ticket after the customer wrote again: its urgency may rise, and falls only by their own all-clear."""
        ticket = tickets.customer_wrote(session, self._defaults, ticket_id, now)
        triage = thought.triage
        reasons = [reason.as_dict("en") for reason in triage.urgency_reasons]
        # A break-in is not over because the customer says so.
        over = triage.all_clear and ticket.category is not Category.SECURITY
        by = Author.CUSTOMER if over else Author.BOT
        return tickets.retarget(session, self._defaults, ticket.id, triage.urgency, reasons, now, by)

    def _remember(
        self, session: Session, inbound: Inbound, conversation: Conversation, thought: Thought, now: datetime, *,
        ticket: Ticket | None,
    ) -> dict[str, Any]:  # fmt: skip
        """Move to the state the decision leads to; return what else changes: what the policy is to know next time."""
        memory = {**conversation.memory, **thought.decision.memory}
        if thought.triage.sentiment is Sentiment.ANGRY:
            memory["soothed"] = True
        if conversation.state in (ConversationState.BOT, ConversationState.CLOSED):
            state = ConversationState.WAITING if thought.decision.opens_ticket else ConversationState.BOT
            if state is not conversation.state:
                conversations.change(session, conversation, now, state=state)
        values: dict[str, Any] = {"memory": memory, "lang": thought.triage.lang}
        said = thought.message.text
        bare_wish = thought.triage.wants_human and not asks_something(said)
        if (
            not conversation.subject
            and thought.message.remark is None
            and said
            and not inbound.action
            and not bare_wish
        ):
            values["subject"] = title_of(said)
        if ticket is not None and conversation.ticket_id != ticket.id:
            values["ticket_id"] = ticket.id
            values["subject"] = ticket.title  # staff find the conversation by what is open in it
        return values


class _HandedBack(Exception):  # a signal to think again, not an error
    """The person who had the conversation when the thinking began has given it back."""


def _outbound(door: Door, reply: Turn, payload: dict[str, Any]) -> Outbound:
    return Outbound(
        key=f"turn-{reply.id}",
        channel=door.channel,
        thread_id=door.thread_id,
        text=reply.text,
        lang=reply.lang,
        links=tuple(Link(c["n"], c["title"], c["section"], c["url"]) for c in payload["citations"]),
        quick_replies=tuple(QuickReply(**item) for item in payload["quick_replies"]),
    )


def quick_replies(thought: Thought) -> list[dict[str, str]]:
    """The buttons under a reply; every one is also an action the engine understands."""
    lang, decision = thought.triage.lang, thought.decision
    human, helped, not_helped = ({"label": translate(LABELS[name], lang), "action": name} for name in LABELS)
    if decision.incident:
        same = {"label": translate(SAME_HERE, lang), "action": f"{SAME}{decision.incident}"}
        other = {"label": translate(SOMETHING_ELSE, lang), "action": f"{OTHER}{decision.incident}"}
        return [same, other] if decision.opens_ticket else [same, other, human]
    if decision.kind is OutcomeKind.ANSWER:
        return [helped, not_helped]
    if decision.kind is OutcomeKind.CLARIFY:
        chosen = [{"label": choice.title, "action": f"choose:{choice.article_id}"} for choice in decision.choices]
        return [*chosen, {"label": translate(N_("None of these"), lang), "action": "not_helped"}]
    return [human] if decision.kind is OutcomeKind.OFFER else []


def citation_view(citation: Citation, base_url: str) -> dict[str, Any]:
    """A citation as pages and the API show it."""
    public = citation.audience == "public" and citation.linked
    return {
        "n": citation.n, "article_id": citation.article_id, "source": citation.source, "title": citation.title,
        "section": citation.section, "quote": citation.quote, "lang": citation.lang, "version": citation.version,
        "url": f"{base_url}/articles/{citation.article_id}" if public else "",
    }  # fmt: skip


def _bot_payload(thought: Thought, base_url: str) -> dict[str, Any]:
    answer = thought.decision.answer
    return {
        "citations": [citation_view(citation, base_url) for citation in (answer.citations if answer else ())],
        "quick_replies": quick_replies(thought),
        "confidence": thought.confidence if answer else None,
        "outcome": str(thought.decision.kind),
        "incident": thought.decision.incident,
        "record": thought.record(),
    }


def _is_small_talk(thought: Thought) -> bool:
    """ "Thanks", "bye" or a pressed "this helped": no reason to take a ticket up again."""
    return thought.action == "helped" or (thought.message.remark is not None and not thought.action)


def _outcome(thought: Thought, text: str) -> Outcome:
    answer = thought.decision.answer
    return Outcome(
        kind=thought.decision.kind,
        reason=thought.decision.reason,
        text=text,
        lang=thought.triage.lang,
        confidence=thought.confidence,
        citations=answer.citations if answer else (),
        triage=thought.triage,
        choices=thought.decision.choices,
    )
