"""Which stretches of which passages answer a question: usually one; several when it has parts, or asks for a code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from base.text import detect_language, is_identifier, query_tokens, tokens
from bot.blocks import BlockKind, Role, role_of
from bot.boilerplate import readable
from bot.facets import HARD, Facet, Part, facets, holds, parts
from bot.quote import Quote, asks_why, names_ways, quote_from, quote_section, row_of, section_score, tokens_of, weigh
from bot.word_classes import conflict
from kb.models import Passage

MOST = 3
_CODE_SHAPE = re.compile(r"(?:[a-z]{1,6}[-_ ]?\d{2,}[a-z0-9-]*|0x[0-9a-f]+)", re.IGNORECASE)
_NAMED_CODE = re.compile(
    r"(?:error|code|报错|错误|代码|提示|故障码)(?:\s*(?:code|代码|码|"
    r"号))?\s*[:：#]?\s*((?:[a-z]{1,6}\d?[-_ ]?)?(?:0x[0-9a-f]+|\d{2,}[a-z0-9.-]*))"
    r"|\b((?:[A-Z]{2,6}-)(?:\d{2,}[A-Za-z0-9]*)|0x[0-9A-Fa-f]{2,})(?![\w])",
    re.IGNORECASE,
)
_POOL = 12  # passages of one article that are looked through


@dataclass(frozen=True, slots=True)
class Excerpt:
    passage: Passage
    quote: Quote


def excerpts(question: str, passages: Sequence[Passage], article: Sequence[Passage], max_chars: int) -> list[Excerpt]:
    """Up to MOST quotations that answer, in the order to read them; [] when nothing can be read out as an answer.

    passages: best first; article: all of the best one's article, in order (empty when it is not known).
    """
    if not passages or _unknown_code(question, passages, article):
        return []
    best = passages[0]
    pool = [best, *(p for p in _near(best, article) if p.chunk_id != best.chunk_id)]
    asked = parts(question)
    if rows := _rows_of_codes(question, pool):
        beside = _beside_rows(question, pool, rows, max_chars)
        return [*rows, *beside][:MOST]
    if len(asked) > 1 and len(several := _for_parts(question, asked, pool, max_chars)) > 1:
        return several[:MOST]
    wanted = tuple(facet for facet in facets(question) if facet not in (Facet.HOW, Facet.MEANING))
    quote = quote_from(best, question, max_chars, wanted)
    missing = [facet for facet in wanted if not holds(quote.text, facet)]
    if missing and (better := _holding(question, missing, pool, max_chars)):
        return [better]
    if _lacks_fact(question, pool):
        return []
    if not quote.text:
        return _next_best(question, pool, max_chars)
    first = Excerpt(best, quote)
    if Facet.HOW in facets(question) and (named := _named_steps(question, first, pool, max_chars)):
        return [first, named]
    if names_ways(quote.text) and (ways := _below(question, best, article, max_chars)):
        return [first, ways]
    return [first]


def _below(question: str, passage: Passage, article: Sequence[Passage], max_chars: int) -> Excerpt | None:
    """What stands under the passage's own heading right after it: the ways it announces, cut off from it by its length."""
    after = next((p for p in article if p.start > passage.start), None)
    if after is None or not passage.breadcrumb or after.breadcrumb[: len(passage.breadcrumb)] != passage.breadcrumb:
        return None
    found = readable(after.text)
    quote = quote_section(found, 0, weigh(question, after), max_chars, alone=len(found) == 1) if found else None
    return Excerpt(after, quote) if quote is not None and quote.text else None


def answering_first(question: str, passages: Sequence[Passage], article: Sequence[Passage]) -> tuple[Passage, ...]:
    """The passages, with the part of the best one's article in front that a person would read out.

    article: all passages of that article, in order.
    A customer who describes a symptom finds the article's symptom section; what they need stands in a later one. And a
    question that the title answers to as a whole, and no words of this passage, is answered by the article's opening.
    """
    best = passages[0]
    about_all = _asks_for_the_whole(question, best) or _asks_how_elsewhere(question, best)
    why = asks_why(question)
    if not about_all and not _lacks_solution(best, why):
        return tuple(passages)
    if about_all:
        opening = next((p for p in article if readable(p.text) and not _lacks_solution(p, why)), best)
        return (opening, *passages) if opening.chunk_id != best.chunk_id else tuple(passages)
    others = [p for p in article if p.chunk_id != best.chunk_id]
    only_cause = _roles(best) == {Role.CAUSE}
    for wanted in (Role.SOLUTION,) if only_cause else (Role.SOLUTION, Role.CAUSE, Role.OTHER, Role.ASIDE):
        for passage in others:
            if _has_role(passage, wanted) and readable(passage.text):
                return (passage, *passages)
    return tuple(passages)


def without_conflict(question: str, passages: Sequence[Passage], reach: float = 0.25) -> tuple[Passage, ...]:
    """The passages, those first whose title does not contradict the question ("one user" for "multiple users").

    () when the best contradicts it and no other comes within `reach` of its score: nothing here answers.
    """
    if not passages or not conflict(question, passages[0].title):
        return tuple(passages)
    fitting = [p for p in passages if not conflict(question, p.title)]
    if not fitting or fitting[0].score < passages[0].score - reach:
        return ()
    return (*fitting, *(p for p in passages if conflict(question, p.title)))


def _near(best: Passage, article: Sequence[Passage]) -> Sequence[Passage]:
    """The passages of an article to look through: all, or of a long one those around the best."""
    if len(article) <= _POOL:
        return article
    at = next((n for n, p in enumerate(article) if p.chunk_id == best.chunk_id), 0)
    first = max(0, min(at - _POOL // 2, len(article) - _POOL))
    return article[first : first + _POOL]


def _lacks_fact(question: str, pool: Sequence[Passage]) -> bool:
    """Whether only a price, a time or an approval is asked for, and these passages hold none: nothing here answers."""
    asked = facets(question)
    hard = HARD.intersection(asked)
    return bool(hard) and Facet.HOW not in asked and not any(holds(p.text, f) for p in pool for f in hard)


def _codes(question: str) -> list[str]:
    """The error codes asked about, as tokens."""
    found = [next(filter(None, match.groups())) for match in _NAMED_CODE.finditer(question)]
    return [token for code in found for token in tokens(code) if is_identifier(token)]


def _unknown_code(question: str, passages: Sequence[Passage], article: Sequence[Passage]) -> bool:
    """Whether error codes are asked about, and no passage knows any: another code's remedy is a wrong answer."""
    codes = set(_codes(question))
    if not codes:
        return False
    for passage in (*passages[:8], *_near(passages[0], article)):
        if codes & tokens_of(passage.text) or codes & tokens_of(passage.title):
            return False
        folded = passage.text.casefold()
        if any(code in folded for code in codes):  # written otherwise: "0x80040115L", "error809"
            return False
    return True


def _rows_of_codes(question: str, pool: Sequence[Passage]) -> list[Excerpt]:
    """The table rows that say what the asked codes mean."""
    named = _codes(question)
    asked = [t for t in query_tokens(question) if t in named or (is_identifier(t) and _CODE_SHAPE.fullmatch(t))]
    found: list[Excerpt] = []
    for code in asked:
        hit = next((Excerpt(p, quote) for p in pool if (quote := row_of(p, code)) is not None), None)
        if hit is not None and all(hit.quote.text != known.quote.text for known in found):
            found.append(hit)
    return found[:MOST]


def _beside_rows(question: str, pool: Sequence[Passage], rows: Sequence[Excerpt], max_chars: int) -> list[Excerpt]:
    """The section that also names the code, when the question has a word of it besides."""
    codes = {token for token in query_tokens(question) if is_identifier(token)}
    for passage in pool:
        own = set(query_tokens(question)) - codes - tokens_of(passage.title)
        found = readable(passage.text)
        for place, section in enumerate(found):
            known = tokens_of(section.heading) | tokens_of(section.text)
            tables_only = all(block.kind is BlockKind.TABLE for block in section.body)
            quoted = any(
                section.heading == row.quote.heading and row.passage.chunk_id == passage.chunk_id for row in rows
            )
            if section.heading and codes & known and own & known and not tables_only and not quoted:
                quote = quote_section(found, place, weigh(question, passage), max_chars, alone=False)
                if quote.text:
                    return [Excerpt(passage, quote)]
    return []


def _for_parts(question: str, asked: Sequence[Part], pool: Sequence[Passage], max_chars: int) -> list[Excerpt]:
    """One excerpt for each part that some section answers; one that answers two parts is quoted once."""
    chosen: list[Excerpt] = []
    for part in asked:
        wanted = [facet for facet in part.facets if facet is not Facet.MEANING]
        excerpt = _holding(f"{part.text} {question}", wanted or list(part.facets), pool, max_chars)
        if excerpt is not None and all(excerpt.quote.text != e.quote.text for e in chosen):
            chosen.append(excerpt)
    return chosen


def _holding(question: str, wanted: Sequence[Facet], pool: Sequence[Passage], max_chars: int) -> Excerpt | None:
    """The best section of the pool that holds what is wanted; the best passage's come first."""
    best: tuple[float, Excerpt] | None = None
    for nearness, passage in zip((1.3, *[1.0] * len(pool)), pool, strict=False):
        found, weights = readable(passage.text), weigh(question, passage)
        for place, section in enumerate(found):
            if not all(holds(section.text, facet) for facet in wanted):
                continue
            score = nearness * section_score(section, weights, wanted)
            if best is None or score > best[0]:
                quote = quote_section(found, place, weights, max_chars, alone=len(found) == 1)
                if quote.text and any(holds(quote.text, facet) for facet in wanted):
                    best = (score, Excerpt(passage, quote))
    return best[1] if best else None


def _named_steps(question: str, first: Excerpt, pool: Sequence[Passage], max_chars: int) -> Excerpt | None:
    """The steps of a section that the quoted words call by its name, when they answer only in outline."""
    if re.search(r"(?m)^\s*\d{1,2}[.)、]", first.quote.text) or len(first.quote.text) > max_chars // 2:
        return None
    open_words = set(query_tokens(question)) - tokens_of(first.quote.text) - tokens_of(first.passage.title)
    if not open_words:
        return None
    for passage in pool:
        found = readable(passage.text)
        for place, section in enumerate(found):
            named = len(section.heading) > 3 and _says(first.quote.text, section.heading)
            if named and holds(section.text, Facet.HOW):
                quote = quote_section(found, place, weigh(question, passage), max_chars, alone=False)
                return Excerpt(passage, quote) if quote.text else None
    return None


def _says(text: str, heading: str) -> bool:
    """Whether a text has a heading's words, as whole words."""
    return re.search(rf"(?<![a-z]){re.escape(heading.casefold())}(?![a-z])", text.casefold()) is not None


def _next_best(question: str, pool: Sequence[Passage], max_chars: int) -> list[Excerpt]:
    """When the best passage is nothing but boilerplate: the part of its article that shares most with the question."""
    ranked = []
    for passage in pool[1:]:
        weights = weigh(question, passage)
        ranked += [(section_score(section, weights), passage) for section in readable(passage.text)]
    for score, passage in sorted(ranked, key=lambda pair: -pair[0]):
        quote = quote_from(passage, question, max_chars)
        if score > 1 and quote.text:
            return [Excerpt(passage, quote)]
    return []


def _asks_for_the_whole(question: str, passage: Passage) -> bool:
    """Whether the question's words stand in the article's title and nothing of the rest in this passage."""
    asked, title = set(query_tokens(question)), tokens_of(passage.title)
    own = tokens_of(" ".join((*passage.breadcrumb, passage.text)))
    return passage.start > 0 and len(asked & title) >= 2 and not (asked - title) & own


def _asks_how_elsewhere(question: str, passage: Passage) -> bool:
    """Whether steps are asked for in another language than the passage's, which has none: words cannot choose then."""
    foreign = passage.lang != detect_language(question, passage.lang)
    return foreign and passage.start > 0 and Facet.HOW in facets(question) and not holds(passage.text, Facet.HOW)


_NO_HELP = frozenset({Role.PROBLEM, Role.ASIDE, Role.CAUSE})


def _lacks_solution(passage: Passage, why: bool) -> bool:
    """Whether a passage only says what is wrong, or only points elsewhere. why: the cause is what is asked for."""
    roles = _roles(passage)
    return not readable(passage.text) or (bool(roles) and roles <= _NO_HELP and not (why and Role.CAUSE in roles))


def _roles(passage: Passage) -> set[Role]:
    headings = [section.heading for section in readable(passage.text) if section.heading]
    return {role_of(heading) for heading in (*headings, *passage.breadcrumb[-1:])}


def _has_role(passage: Passage, role: Role) -> bool:
    headings = [*passage.breadcrumb, *(section.heading for section in readable(passage.text) if section.heading)]
    return any(role_of(heading) is role for heading in headings)
