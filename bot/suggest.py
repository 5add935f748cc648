"""Drafts for staff: the same search with internal sources allowed. Never sent by itself."""

from __future__ import annotations

from dataclasses import dataclass

from base.errors import ModelUnavailable
from base.text import detect_language
from bot.confidence import confidence
from bot.handover import asks_something
from bot.models import Answer
from bot.question import stand_alone
from bot.writer import AnswerWriter, QuotingWriter, Request, answering_first
from desk.models import Author, Turn
from kb.models import Audience, Passage, Scope
from kb.search import Searcher

STAFF_SCOPE = Scope(audiences=(Audience.PUBLIC, Audience.INTERNAL))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A reply to edit, with its sources. `answer` is None when nothing was found."""

    answer: Answer | None
    confidence: float
    passages: tuple[Passage, ...]


def suggest(
    searcher: Searcher, turns: tuple[Turn, ...], max_chars: int, writer: AnswerWriter | None = None
) -> Suggestion:
    """A draft for the customer's latest question. Low confidence is shown, not hidden: a person decides."""
    asked = (turn for turn in reversed(turns) if turn.author is Author.CUSTOMER and not turn.payload.get("action"))
    latest = next((turn for turn in asked if asks_something(turn.text)), None)
    if latest is None:
        return Suggestion(None, 0.0, ())
    lang = detect_language(latest.text, latest.lang)
    question, _ = stand_alone(latest.text[:4000], [turn for turn in turns if turn.seq < latest.seq])
    found = searcher.search(question, scope=STAFF_SCOPE, top_k=4, lang=lang)
    if not found.passages:
        return Suggestion(None, 0.0, ())
    passages = answering_first(question, found.passages, found.article)
    request = Request(question, passages, lang, max_chars)
    try:
        answer = (writer or QuotingWriter()).write(request)
    except ModelUnavailable:
        answer = QuotingWriter().write(request)
    return Suggestion(answer, confidence(question, lang, found.passages), found.passages)
