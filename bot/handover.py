"""What staff get with a ticket: a title, what was asked, what was tried, what is still open. And the customer's receipt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from base.i18n import N_, join_sentences, translate
from base.pii import mask
from base.text import shorten, split_sentences
from bot.guard import guard
from bot.models import OutcomeKind
from bot.problems import problems
from bot.thought import Thought
from bot.triage import only_asks_for_person
from desk import sla_words
from desk.models import URGENCY_NAMES, Author, Ticket, Turn
from desk.sla import SlaState
from desk.tickets import TicketDraft

_WISH = N_("Would like to talk to a person")


def draft_ticket(thought: Thought, turns: Sequence[Turn]) -> TicketDraft:
    """The ticket for a message the bot could not settle, with what belongs to it so far (the message itself included)."""
    asked = _said(turns) or [thought.message.text]
    first = next((text for text in _said(_still_open(turns)) or asked if len(text) > 4 and asks_something(text)), "")
    if not first and only_asks_for_person(asked[0]):
        first = translate(_WISH, thought.triage.lang)
    return TicketDraft(
        title=title_of(mask(first or asked[0])),  # it stands on a page whose address can be passed on
        urgency=thought.triage.urgency,
        category=thought.triage.category,
        urgency_reasons=tuple(reason.as_dict("en") for reason in thought.triage.urgency_reasons),
        reason=thought.decision.reason,
        handover={
            "summary": shorten("\n".join(asked), 1200),
            "open_question": shorten(thought.question, 500) if asks_something(thought.question) else "",
            "reason": thought.decision.reason,
            "tried": [
                {"article": p.article_public_id, "title": p.title, "section": p.section, "score": p.score}
                for p in thought.passages[:3]
            ],
            "confidence": thought.confidence,
            "problems": [[one.text, one.thing] for one in problems(thought.message.text)],
            "subcategory": thought.triage.subcategory,
            "things": [key for key, _ in thought.triage.things],
        },
    )


def _said(turns: Sequence[Turn]) -> list[str]:
    """The customer's own words, each message once."""
    own = [turn.text for turn in turns if turn.author is Author.CUSTOMER and not turn.payload.get("action")]
    return list(dict.fromkeys(text.strip() for text in own if text.strip()))


def _still_open(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The turns from the last question that stands alone and came after an answer nobody complained of."""
    start, answered = 0, False
    for place, turn in enumerate(turns):
        if turn.author is Author.BOT:
            answered = turn.payload.get("outcome") == OutcomeKind.ANSWER
        elif turn.author is Author.CUSTOMER:
            alone = not any(turn.payload.get(name) for name in ("action", "meant", "question"))
            if answered and alone and asks_something(turn.text):
                start = place
            answered = False
    return turns[start:]


def asks_something(text: str) -> bool:
    """Whether a message is more than a greeting, thanks or a bare wish for a person."""
    return guard(text, 4000).remark is None and not only_asks_for_person(text)


def title_of(text: str) -> str:
    """The first sentence that says something, at most 80 characters."""
    sentences = [sentence for sentence in split_sentences(text) if len(sentence) > 4]
    return shorten(" ".join((sentences or [text])[0].split()), 80) or translate(N_("(no text)"), "en")


def receipt(ticket: Ticket, state: SlaState, lang: str, timezone: str) -> str:
    """What the customer is promised: the number, the level, who does what by when, from the same clock staff see."""
    line = translate(
        N_("Your ticket is {name} (urgency: {urgency})."), lang,
        name=ticket.name, urgency=translate(URGENCY_NAMES[ticket.urgency], lang),
    )  # fmt: skip
    return join_sentences(lang, line, sla_words.promise(state, lang, timezone))


def ticket_card(ticket: Ticket, state: SlaState, lang: str, timezone: str, base_url: str) -> dict[str, Any]:
    """What the chat window shows as the ticket: name, link to its status page, level, promise."""
    return {
        "name": ticket.name,
        "url": f"{base_url}/status/{ticket.public_id}",
        "urgency": str(ticket.urgency),
        "urgency_name": translate(URGENCY_NAMES[ticket.urgency], lang),
        "promise": sla_words.promise(state, lang, timezone),
    }
