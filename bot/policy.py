"""answer | clarify | offer a person | open or update a ticket: deterministic, versioned, explained.

Every branch ends in something the customer is told and somebody who owes something: no one is stranded (promise 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from base.i18n import N_, join_sentences, translate
from bot.guard import Guarded, Remark
from bot.models import Answer, Choice, Decision, Known, OutcomeKind, Triage
from desk.models import ConversationState, Sentiment, Urgency
from kb.models import Passage

VERSION = "policy/6"
FIRST_AID_SHARE = 0.4  # of the way from the answer threshold to certainty
STRANGE, NO_WORDS = 0.18, 0.1  # of 57 best passages below both, for questions on the demo articles, one was right
SAME, OTHER = "same:", "other:"  # actions, followed by an incident's public id
MAX_FAILED = 2  # answers that did not help, or offers declined, before a ticket is opened unasked


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a decision is made from."""

    message: Guarded
    action: str
    triage: Triage
    state: ConversationState
    memory: dict[str, Any]
    has_ticket: bool
    confidence: float
    passages: tuple[Passage, ...]
    answer: Answer | None  # what could be said, if the confidence suffices
    answer_threshold: float
    clarify_threshold: float
    known: Known | None = None  # an open incident this may be about, if the customer has not been told of it
    open_incidents: frozenset[str] = frozenset()  # public ids of those a customer can still say is theirs
    unanswered: int = 0  # parts of the message without an answer, where it has several


def decide(case: Case) -> Decision:
    """What to do about one message."""
    if case.state is ConversationState.STAFF:
        return Decision(OutcomeKind.SILENT, "staff_has_it", "")
    decision = _by_action(case) or _by_wish(case) or _by_remark(case) or _by_knowledge(case)
    if case.known is not None and not case.action:
        decision = _with_notice(decision, case.known, case)
    if case.message.injection:
        decision = replace(decision, memory={**decision.memory, "injection": True})
    return decision


def give_up(lang: str) -> Decision:
    """For a message that could not be worked on at all: a person gets it, and the customer knows."""
    text = translate(
        N_("Something went wrong while I was working on this, so I have passed it on to a colleague."), lang
    )
    return Decision(
        OutcomeKind.TICKET, "gave_up", text, opens_ticket=True, to_person=True, memory={"waits_for": "person"}
    )


def _by_action(case: Case) -> Decision | None:
    """A pressed button says it all."""
    lang = case.triage.lang
    if case.action == "human":
        return _to_person(case, "wants_human")
    if case.action == "helped":
        text = translate(N_("Glad that helped. I am here if anything else comes up."), lang)
        return Decision(OutcomeKind.GREETING, "helped", text, memory={"failed": 0, "helped": True})
    if case.action.startswith(SAME):
        if case.action.removeprefix(SAME) not in case.open_incidents:
            over = N_("That problem is marked as solved, so I have passed your report on to a colleague.")
            return _ticket(case, "incident_over", over)
        text = translate(
            N_("Thank you. You are on the list of those affected: as soon as there is news, you will read it here."),
            lang,
        )
        memory = {"waits_for": "ticket", "failed": 0}
        return Decision(OutcomeKind.TICKET, "same_incident", text, opens_ticket=True, memory=memory)
    if case.action.startswith(OTHER):
        return _other_than_known(case)
    if case.action == "not_helped":
        return _ticket(case, "not_helped", N_("I am sorry that did not help. I have passed it on to a colleague."))
    return None


def _other_than_known(case: Case) -> Decision:
    """The customer says that theirs is another problem than the known one."""
    lang = case.triage.lang
    if case.has_ticket:
        text = translate(N_("Thank you for telling me. Your ticket is looked after on its own."), lang)
        return Decision(OutcomeKind.GREETING, "not_incident", text)
    text = translate(
        N_("Thank you for telling me. Describe in a few words what you see, or let me pass it on to a person."), lang
    )
    return Decision(OutcomeKind.OFFER, "not_incident", text)


def _with_notice(decision: Decision, known: Known, case: Case) -> Decision:
    """The decision with what is known of an incident in front; who reports the same is asked whether it is that."""
    if decision.kind in (OutcomeKind.SILENT, OutcomeKind.GREETING):
        return decision
    lang = case.triage.lang
    memory = {**decision.memory, "noticed": [*case.memory.get("noticed", ()), known.incident]}
    if not known.reported:
        return replace(decision, text=f"{known.text}\n\n{decision.text}", memory=memory)
    ask = translate(N_("If this is what you see, press “Same here”, and you are told as soon as there is news."), lang)
    parts = [known.text, ask]
    if decision.kind is OutcomeKind.TICKET:
        parts = [decision.text, *parts]
    elif decision.answer is not None:
        parts += [translate(N_("Meanwhile, this may help:"), lang), decision.text]
    else:  # nothing was found, or only near misses: the notice says more
        decision = Decision(OutcomeKind.OFFER, "known_problem", "")
    return replace(decision, text="\n\n".join(parts), memory=memory, incident=known.incident)


def _by_wish(case: Case) -> Decision | None:
    """A wish for a person is honoured in this turn, whatever else was asked."""
    return _to_person(case, "wants_human") if case.triage.wants_human else None


def _by_remark(case: Case) -> Decision | None:
    lang, remark = case.triage.lang, case.message.remark
    if remark is Remark.EMPTY:
        text = translate(
            N_("I could not read any text in your message. Please tell me in a few words what is wrong."), lang
        )
        return Decision(OutcomeKind.GREETING, "empty", text)
    if remark is None:
        return None
    if case.state is ConversationState.WAITING and remark is not Remark.GREETING:
        return Decision(OutcomeKind.SILENT, "remark_while_waiting", "")
    texts = {
        Remark.GREETING: N_("Hello! Tell me what you need, in your own words. You can ask for a person at any time."),
        Remark.THANKS: N_("You are welcome. I am here if anything else comes up."),
        Remark.BYE: N_("Goodbye, and come back any time."),
    }
    return Decision(OutcomeKind.GREETING, str(remark), translate(texts[remark], lang))


def _by_knowledge(case: Case) -> Decision:
    """Answer what is supported; ask, offer or open a ticket for the rest."""
    urgency = case.triage.urgency
    if case.state is ConversationState.WAITING and case.memory.get("waits_for") == "person":
        return _added_to_ticket(case)
    supported = case.answer is not None and case.confidence >= case.answer_threshold
    if urgency is Urgency.URGENT:
        # People come first; what the knowledge base says is given as first aid beside the ticket, never instead, and
        # only when it is surely about this: nobody in an outage wants to read about ordering laptops.
        first_aid = (
            supported and case.confidence >= case.answer_threshold + (1 - case.answer_threshold) * FIRST_AID_SHARE
        )
        return _ticket(case, "urgent", N_("This looks serious, so a colleague is being alerted right now."), first_aid)
    if supported and case.unanswered and urgency in (Urgency.HIGH, Urgency.NORMAL):
        passed_on = N_("What I have no reliable answer to, I have passed on to a colleague.")
        return _ticket(case, "partly_answered", passed_on, with_answer=True)
    if supported and case.answer is not None:
        return Decision(
            OutcomeKind.ANSWER, "supported", _polite(case, case.answer.text), answer=case.answer,
            memory={"clarified": False, "failed": 0, "question": case.message.text[:500]},
        )  # fmt: skip
    if case.has_ticket and case.state is ConversationState.WAITING:
        return _added_to_ticket(case)
    choices = _choices(case.passages, case.triage.lang)
    if case.confidence >= case.clarify_threshold and choices and not case.memory.get("clarified"):
        one = N_("I am not sure this is what you mean. Shall I show you what this article says?")
        several = N_("I want to be sure I give you the right answer. Which of these do you mean?")
        text = translate(several if len(choices) > 1 else one, case.triage.lang)
        memory = {"clarified": True, "question": case.message.text[:500]}
        return Decision(OutcomeKind.CLARIFY, "close_candidates", _polite(case, text), choices=choices, memory=memory)
    if urgency in (Urgency.HIGH, Urgency.NORMAL):
        return _ticket(
            case, "no_support", N_("I have no reliable answer to this, so I have passed it on to a colleague.")
        )
    if int(case.memory.get("failed", 0)) + 1 >= MAX_FAILED:
        return _ticket(case, "failed_twice", N_("I could not find this either, so I have passed it on to a colleague."))
    text = translate(
        N_("I could not find this in our knowledge base, and I do not want to guess. Shall I pass it on to a person?"),
        case.triage.lang,
    )
    memory = {"failed": int(case.memory.get("failed", 0)) + 1, "question": case.message.text[:500]}
    return Decision(OutcomeKind.OFFER, "no_support", _polite(case, text), memory=memory)


def _to_person(case: Case, reason: str) -> Decision:
    text = translate(N_("Of course. A person will take over from here."), case.triage.lang)
    return Decision(
        OutcomeKind.TICKET,
        reason,
        _polite(case, text),
        opens_ticket=True,
        to_person=True,
        memory={"waits_for": "person"},
    )


def _ticket(case: Case, reason: str, message: str, with_answer: bool = False) -> Decision:
    text = translate(message, case.triage.lang)
    answer = case.answer if with_answer else None
    if answer is not None:
        text += "\n\n" + translate(N_("Meanwhile, this may help:"), case.triage.lang) + "\n\n" + answer.text
    return Decision(
        OutcomeKind.TICKET, reason, _polite(case, text), answer=answer, opens_ticket=True,
        memory={"waits_for": "ticket", "failed": 0},
    )  # fmt: skip


def _added_to_ticket(case: Case) -> Decision:
    """More about what a person is already asked to look at."""
    text = translate(N_("Thank you, I have added this for the colleague who looks after it."), case.triage.lang)
    return Decision(OutcomeKind.TICKET, "added", text, opens_ticket=True)


_IN_LANGUAGE = {"zh": N_("{title} (in Chinese)"), "en": N_("{title} (in English)")}


def _choices(passages: Sequence[Passage], lang: str, most: int = 3) -> tuple[Choice, ...]:
    """The articles of the passages that come close to the best one. One in another language than the reader's says so."""
    if not passages:
        return ()
    floor = passages[0].score - 0.25
    titles: dict[str, str] = {}
    for passage in passages:
        if passage.score >= floor and not _strange(passage):
            title = passage.title
            if passage.lang != lang and passage.lang in _IN_LANGUAGE:
                title = translate(_IN_LANGUAGE[passage.lang], lang, title=title)
            titles.setdefault(passage.article_public_id, title)
    return tuple(Choice(article, title) for article, title in titles.items())[:most]


def _strange(passage: Passage) -> bool:
    """Whether a passage shares no words with the question and next to no meaning: its title would only be in the way."""
    return passage.similarity < STRANGE and passage.keyword < NO_WORDS


def _polite(case: Case, text: str) -> str:
    """Empathy first when somebody is upset; once, not with every message."""
    if case.triage.sentiment is not Sentiment.ANGRY or case.memory.get("soothed"):
        return text
    sorry = translate(N_("I am sorry for the trouble this is causing you."), case.triage.lang)
    return join_sentences(case.triage.lang, sorry, text)
