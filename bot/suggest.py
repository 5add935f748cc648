"""Drafts for staff: the same search with internal sources allowed. Never sent by itself."""

from __future__ import annotations

from dataclasses import dataclass

from base.text import detect_language
from bot.answering import Answering
from bot.confidence import Fit
from bot.handover import asks_something
from bot.models import Answer
from bot.queries import queries
from bot.question import stand_alone
from bot.writer import AnswerWriter, QuotingWriter
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
    searcher: Searcher, turns: tuple[Turn, ...], max_chars: int, fit: Fit, writer: AnswerWriter | None = None
) -> Suggestion:
    """A draft for the customer's latest question. Low confidence is shown, not hidden: a person decides."""
    asked = (turn for turn in reversed(turns) if turn.author is Author.CUSTOMER and not turn.payload.get("action"))
    latest = next((turn for turn in asked if asks_something(turn.text)), None)
    if latest is None:
        return Suggestion(None, 0.0, ())
    lang = detect_language(latest.text, latest.lang)
    question, joined = stand_alone(latest.text[:4000], [turn for turn in turns if turn.seq < latest.seq])
    answering = Answering(
        writer or QuotingWriter(), 0.0, max_chars, lambda passage: searcher.article(passage, STAFF_SCOPE), fit
    )
    findings = []
    for query in (question,) if joined else queries(question):
        found = searcher.search(query, scope=STAFF_SCOPE, top_k=4, lang=lang)
        if found.passages:
            findings.append(answering.answered(answering.found(query, lang, found.passages, found.article), lang))
    if not findings:
        return Suggestion(None, 0.0, ())
    answer, sure = answering.reply(findings, lang)
    return Suggestion(answer, sure, findings[0].passages)
