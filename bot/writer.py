"""Who puts an answer into words: the contract, and QuotingWriter, which needs no model.

An answer is a quotation: the blocks of the best passage that answer, steps kept whole, framed in the customer's language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from base.i18n import N_, translate
from base.text import is_identifier, query_tokens, shorten, split_sentences, tokens
from bot.blocks import Block, BlockKind, Role, Section, join, role_of, sections
from bot.models import Answer, Citation
from kb.models import Passage

OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What a writer is asked: the question, what was found (best first), and for whom."""

    question: str
    passages: tuple[Passage, ...]
    lang: str
    max_chars: int
    history: tuple[tuple[str, str], ...] = ()  # (author, text) of the latest turns, oldest first


class AnswerWriter(Protocol):
    name: str

    def write(self, request: Request, on_text: OnText | None = None) -> Answer | None:
        """An answer, or None when the passages do not support one. `on_text` gets the text as it grows, checked.

        Raises ModelUnavailable when it could not be written at all.
        """
        ...


class QuotingWriter:
    """Answers with the passage itself. Deterministic."""

    name = "quoting/1"

    def write(self, request: Request, on_text: OnText | None = None) -> Answer | None:
        if not request.passages:
            return None
        best = request.passages[0]
        quote = quote_from(best, request.question, request.max_chars)
        if not quote.text:
            return None
        shown = without_links(quote.text)
        apart = shown.rsplit("\n", 1)[-1].lstrip().startswith(("|", "`"))  # a marker would break a table or a fence
        text = f"{frame(best, quote, request.lang)}\n\n{shown}" + ("\n\n[1]" if apart else " [1]")
        if quote.cut:
            text += "\n\n" + translate(N_("The article says more about it."), request.lang)
        if on_text is not None:
            on_text(text)
        return Answer(text, (cite(best, 1, quote.text, quote.heading),), request.lang, self.name)


def frame(passage: Passage, quote: Quote, lang: str) -> str:
    """The sentence before a quotation, in the customer's language; it says so when the quotation is in another one."""
    title = passage.title + (
        f" › {quote.heading}" if quote.heading else f" › {passage.section}" if passage.section else ""
    )
    if passage.lang == lang:
        return translate(N_("From our article “{title}”:"), lang, title=title)
    if passage.lang == "zh":
        return translate(N_("We only have this in Chinese. From the article “{title}”:"), lang, title=title)
    return translate(N_("We only have this in English. From the article “{title}”:"), lang, title=title)


def cite(passage: Passage, n: int, quote: str, heading: str = "") -> Citation:
    """The citation of a passage under number `n`; `heading`: the one inside the passage that the quote stands under."""
    return Citation(
        n=n, chunk_id=passage.chunk_id, article_id=passage.article_public_id, version=passage.version_number,
        source=passage.source, title=passage.title, section=heading or passage.section, quote=quote, lang=passage.lang,
        audience=passage.audience,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quote:
    """Exact words of a passage, the heading inside it they stand under ("" if none), and whether there is more."""

    text: str
    heading: str = ""
    cut: bool = False


def quote_from(passage: Passage, question: str, max_chars: int) -> Quote:
    """The part of a passage that answers: whole blocks, in order, about `max_chars` characters.

    Of a passage with several headings the one section that fits the question best, a solution before a description of
    the problem; within it the block that shares most with the question, grown over its neighbours. A list comes with
    the line that leads in and is kept whole up to twice the length, so that no step is lost.
    """
    found = sections(passage.text)
    if not found:
        return Quote("")
    weights = _weights(question, passage)
    scores = [_section_score(section, weights) for section in found]
    best = max(_naming(found, weights), key=lambda place: (scores[place], -place))
    best = _solution_after(found, best)
    section = found[best]
    text = section.text
    cut = len(text) > max_chars
    if cut:
        text = _best_blocks(section.body, weights, max_chars)
    return Quote(text, section.heading if len(found) > 1 else "", cut)


def answering_first(question: str, passages: Sequence[Passage], article: Sequence[Passage]) -> tuple[Passage, ...]:
    """The passages, with the part of the best one's article in front that a person would read out.

    article: all passages of that article, in order.
    A customer who describes a symptom finds the article's symptom section; what they need stands in a later one. And a
    question that the title answers to as a whole, and no words of this passage, is answered by the article's opening.
    """
    best = passages[0]
    about_all = _asks_for_the_whole(question, best)
    if not about_all and not _lacks_solution(best):
        return tuple(passages)
    if about_all:
        opening = next((p for p in article if sections(p.text) and not _lacks_solution(p)), best)
        return (opening, *passages) if opening.chunk_id != best.chunk_id else tuple(passages)
    others = [p for p in article if p.chunk_id != best.chunk_id]
    for wanted in (Role.SOLUTION, Role.CAUSE, Role.OTHER):
        for passage in others:
            if _has_role(passage, wanted) and sections(passage.text):
                return (passage, *passages)
    return tuple(passages)


def _asks_for_the_whole(question: str, passage: Passage) -> bool:
    """Whether the question's words stand in the article's title and nothing of the rest in this passage."""
    asked, title = set(query_tokens(question)), set(tokens(passage.title))
    own = set(tokens(" ".join((*passage.breadcrumb, passage.text))))
    return passage.start > 0 and len(asked & title) >= 2 and not (asked - title) & own


def _lacks_solution(passage: Passage) -> bool:
    """Whether a passage only says what is wrong, or only points elsewhere."""
    roles = {role_of(section.heading) for section in sections(passage.text) if section.heading}
    if passage.breadcrumb:
        roles.add(role_of(passage.breadcrumb[-1]))
    return not sections(passage.text) or (bool(roles & {Role.PROBLEM, Role.ASIDE}) and roles <= _NO_HELP)


_NO_HELP = frozenset({Role.PROBLEM, Role.ASIDE, Role.CAUSE})


def _has_role(passage: Passage, role: Role) -> bool:
    headings = [*passage.breadcrumb, *(section.heading for section in sections(passage.text) if section.heading)]
    return any(role_of(heading) is role for heading in headings)


def _naming(found: Sequence[Section], weights: Mapping[str, float]) -> Sequence[int]:
    """The places of the sections that hold an asked error code or name; all places when none does or none is asked."""
    names = {token for token in weights if is_identifier(token)}
    places = [n for n, section in enumerate(found) if names & set(tokens(f"{section.heading}\n{section.text}"))]
    return places or range(len(found))


def _solution_after(found: Sequence[Section], best: int) -> int:
    """The place of the solution that follows a description of the problem; the best place itself otherwise."""
    if role_of(found[best].heading) is not Role.PROBLEM:
        return best
    for wanted in (Role.SOLUTION, Role.CAUSE):
        for place in range(best + 1, len(found)):
            if role_of(found[place].heading) is wanted:
                return place
    return best


_ROLE_FACTOR = {Role.SOLUTION: 1.3, Role.CAUSE: 0.9, Role.PROBLEM: 0.8, Role.ASIDE: 0.25, Role.OTHER: 1.0}


def _section_score(section: Section, weights: Mapping[str, float]) -> float:
    """Words shared with the question; those of the heading count double, and length alone must not win."""
    text = section.text
    in_heading, in_body = set(tokens(section.heading)), set(tokens(text))
    shared = sum(weight * ((token in in_body) + 2 * (token in in_heading)) for token, weight in weights.items())
    return (shared + 0.5) * _ROLE_FACTOR[role_of(section.heading)] / (1 + len(text) / 3000)


def _best_blocks(parts: Sequence[Block], weights: Mapping[str, float], max_chars: int) -> str:
    scores = [_score(block, weights) for block in parts]
    best = max(range(len(parts)), key=lambda place: (scores[place], -place))
    first, last = _with_lead(parts, best)
    while True:
        grown = [(f, t) for f, t in ((first, last + 1), (first - 1, last)) if f >= 0 and t < len(parts)]
        fitting = [(f, t) for f, t in grown if len(join(parts[f : t + 1])) <= max_chars]
        if not fitting:
            break
        first, last = max(fitting, key=lambda span: sum(scores[span[0] : span[1] + 1]))
    quote = join(parts[first : last + 1])
    return quote if len(quote) <= max_chars * 2 else _cut(parts[best], max_chars)


def _with_lead(parts: Sequence[Block], best: int) -> tuple[int, int]:
    first = last = best
    if parts[best].kind is not BlockKind.TEXT and best > 0 and parts[best - 1].kind is BlockKind.TEXT:
        first = best - 1
    if parts[best].kind is BlockKind.TEXT and best + 1 < len(parts) and parts[best].text.rstrip().endswith((":", "：")):
        last = best + 1
    return first, last


def _weights(question: str, passage: Passage) -> Mapping[str, float]:
    """What each word of the question counts: names of one thing (an error code) most, words of the title little."""
    title = set(tokens(passage.title))
    return {
        token: 4.0 if is_identifier(token) else (0.4 if token in title else 1.0) * (1 + 0.15 * min(len(token), 8))
        for token in query_tokens(question)
    }


def _score(block: Block, weights: Mapping[str, float]) -> float:
    own = set(tokens(block.text))
    shared = sum(weight for token, weight in weights.items() if token in own)
    return shared + (0.8 if block.kind is BlockKind.LIST else 0.3)


def _cut(block: Block, max_chars: int) -> str:
    """A block too long to show: whole lines or sentences from its beginning."""
    in_lines = block.kind is not BlockKind.TEXT
    pieces = block.text.split("\n") if in_lines else split_sentences(block.text)
    limit = max_chars * 1.5 if in_lines else max_chars
    kept: list[str] = []
    for piece in pieces:
        if kept and sum(map(len, kept)) + len(piece) > limit:
            break
        kept.append(piece)
    joined = ("\n" if in_lines else " ").join(kept)
    return joined if in_lines or joined in block.text else shorten(block.text, max_chars).rstrip("…")


_LINK = re.compile(r"\[([^\]\n]+)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")


def without_links(text: str) -> str:
    """The words of a text without the addresses behind them: the way to more is the cited article."""
    return _LINK.sub(r"\1", text)
