"""Exact words of a passage that answer: whole blocks, steps kept whole, of a table the rows that matter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from base.text import is_identifier, query_tokens, shorten, split_sentences, tokens
from bot.blocks import Block, BlockKind, Role, Section, join, role_of
from bot.boilerplate import hangs, readable
from bot.facets import Facet, announces, holds
from kb.models import Passage

Weights = Mapping[str, float]
_ROLE_FACTOR = {Role.SOLUTION: 1.3, Role.CAUSE: 0.9, Role.PROBLEM: 0.8, Role.ASIDE: 0.25, Role.OTHER: 1.0}
_FACET_WORTH = 3.0  # about what two shared words are worth
_PER_STEP = re.compile(
    r"^\W*(?:(?:step|method|option|solution|resolution|workaround)\b|步骤|方法|方案|第[一二三四五六七八九十\d]+步|\d+[.)、])",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^\s*\d{1,2}[.)、]\s")
_BULLET = re.compile(r"^[-*+•]\s")
_SAY_LITTLE = frozenset(  # words of asking, stemmed as tokens are
    "long take get new need want use work help tell know make go happen give thing way much mani good mean show come "
    "怎么 么办 多久 多少 什么 可以 需要 怎样 如何 哪里 为什 么样 少钱 要多 么用 时候".split()
)
MANY_ROWS = 4  # a table up to this long is quoted whole
TELLING = 0.6  # of the best row's share: rows that answer, too


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a passage, the heading inside it they stand under ("" if none), and whether there is more."""

    text: str
    heading: str = ""
    cut: bool = False
    exact: str = ""  # the longest stretch that stands in the passage as it is; `text` when empty

    @property
    def cited(self) -> str:
        """What a citation quotes."""
        return self.exact or self.text


def quote_from(passage: Passage, question: str, max_chars: int, facets: Sequence[Facet] = ()) -> Quote:
    """The part of a passage that answers: whole blocks, in order, about `max_chars` characters.

    Of a passage with several headings the one section that fits the question best, a solution before a description of
    the problem; within it the block that shares most with the question, grown over its neighbours. A list comes with
    the line that leads in and is kept whole up to twice the length, so that no step is lost.
    """
    found = readable(passage.text)
    if not found:
        return Quote("")
    weights = weigh(question, passage)
    scores = [section_score(section, weights, facets) for section in found]
    if (
        passage.start == 0
        and not found[0].heading
        and not facets
        and not _shares_more_than_title(found, question, passage)
    ):
        return quote_section(found, 0, weights, max_chars, alone=len(found) == 1)
    best = max(_naming(found, weights), key=lambda place: (scores[place], -place))
    return quote_section(found, _solution_after(found, best, question), weights, max_chars, alone=len(found) == 1)


def quote_section(found: Sequence[Section], place: int, weights: Weights, max_chars: int, *, alone: bool) -> Quote:
    """One section of a passage as a quotation. What it promises to list comes with it, or the promise is left out."""
    section = found[place]
    body = [_telling(block, section.body[n - 1] if n else None, weights) for n, block in enumerate(section.body)]
    body = [*body, *_promised(found, place, join(body), max_chars)]
    while body and hangs(body[-1]):
        body = [*body[:-1], *_without_promise(body[-1])]
    text, heading = join(body), "" if alone else section.heading
    cut = len(text) > max_chars or body != list(section.body)
    if len(text) > max_chars and body:
        text = _best_blocks(body, weights, max_chars)
    return Quote(text, heading, cut, "" if body == list(section.body) else _longest_stretch(text, section.text))


def row_of(passage: Passage, code: str) -> Quote | None:
    """The row of a table that says what a code means, with the table's head; None when no table has one."""
    for section in readable(passage.text):
        for block in section.body:
            if block.kind is not BlockKind.TABLE:
                continue
            head, rows = _rows(block)
            own = [row for row in rows if code in tokens_of(row.strip().strip("|").split("|")[0])]
            if own and len(own) <= MANY_ROWS:
                text = "\n".join([*head, *own])
                return Quote(text, section.heading, len(own) < len(rows), "\n".join(own))
    return None


def weigh(question: str, passage: Passage) -> Weights:
    """What each word of the question counts: names of one thing (an error code) most, words of the title little."""
    title = tokens_of(passage.title)
    asked = query_tokens(question)
    halves = {part for token in asked if "-" in token and not is_identifier(token) for part in tokens(token)[1:]}
    return {token: _worth(token, token in title, token in halves) for token in asked}


def _worth(token: str, in_title: bool, half: bool) -> float:
    if is_identifier(token):
        return 4.0
    return (0.2 if half or token in _SAY_LITTLE else 0.4 if in_title else 1.0) * (1 + 0.15 * min(len(token), 8))


def section_score(section: Section, weights: Weights, facets: Sequence[Facet] = ()) -> float:
    """Words shared with the question; those of the heading count double, and length alone must not win."""
    text = section.text
    in_heading, in_body = tokens_of(section.heading), tokens_of(text)
    shared = sum(weight * ((token in in_body) + 2 * (token in in_heading)) for token, weight in weights.items())
    if facets:
        heads = "\n".join(
            [section.heading, *(b.text.split("\n", 1)[0] for b in section.body if b.kind is BlockKind.TABLE)]
        )
        shared += _FACET_WORTH * sum(holds(text, facet) + announces(heads, facet) for facet in facets)
    return (shared + 0.5) * _ROLE_FACTOR[role_of(section.heading)] / (1 + len(text) / 3000)


def _shares_more_than_title(found: Sequence[Section], question: str, passage: Passage) -> bool:
    """Whether a section has a word of the question that is not in the title: else the article's opening speaks for it."""
    own = set(query_tokens(question)) - tokens_of(passage.title)
    return any(own & (tokens_of(section.heading) | tokens_of(section.text)) for section in found[1:])


@lru_cache(maxsize=4096)
def tokens_of(text: str) -> frozenset[str]:
    """The distinct tokens of a text, remembered: the same articles answer again and again."""
    return frozenset(tokens(text))


def _naming(found: Sequence[Section], weights: Weights) -> Sequence[int]:
    """The places of the sections that hold an asked error code or name; all places when none does or none is asked."""
    names = {token for token in weights if is_identifier(token)}
    if not names:
        return range(len(found))
    places = [n for n, section in enumerate(found) if names & (tokens_of(section.heading) | tokens_of(section.text))]
    return places or range(len(found))


_NAMES_WAYS = re.compile(
    r"\b(?:following|below|these) (?:methods?|options?|workarounds?|solutions?|procedures?)\b|"
    r"(?:以下|下列|下面)(?:的)?(?:任[一何意])?[^。，；\n]{0,8}(?:方法|方式|选项|解决方案|步骤)",
    re.IGNORECASE,
)


def names_ways(text: str) -> bool:
    """Whether a text says that several ways follow, and lists none itself."""
    return _NAMES_WAYS.search(text) is not None and re.search(r"(?m)^\s*(?:[-*+•]|\d{1,2}[.)、])\s", text) is None


_WHY = re.compile(r"\bwhy\b|\breasons?\b|\bcauses?\b|为什么|为啥|原因", re.IGNORECASE)


def asks_why(question: str) -> bool:
    """Whether a question wants the cause, not the remedy."""
    return _WHY.search(question) is not None


def _solution_after(found: Sequence[Section], best: int, question: str) -> int:
    """The place of the solution that follows a description of the problem; the best place itself otherwise."""
    role = role_of(found[best].heading)
    if role not in (Role.PROBLEM, Role.CAUSE) or (role is Role.CAUSE and asks_why(question)):
        return best
    for wanted in (Role.SOLUTION,) if role is Role.CAUSE else (Role.SOLUTION, Role.CAUSE, Role.ASIDE):
        for place in range(best + 1, len(found)):
            if role_of(found[place].heading) is wanted:
                return place
    return best


def _promised(found: Sequence[Section], place: int, text: str, max_chars: int) -> list[Block]:
    """The sections that follow as what this one's last line promises ("one of these methods:"), headings in bold."""
    section = found[place]
    if not section.body or not hangs(section.body[-1]):
        return []
    taken: list[Block] = []
    for following in found[place + 1 :]:
        if not (following.level > section.level > 0 or _PER_STEP.match(following.heading)):
            break
        more = [Block(f"**{following.heading}**", BlockKind.TEXT), *following.body]
        if len(text) + len(join([*taken, *more])) > max_chars * 2:
            break
        taken += more
    return taken


def _without_promise(block: Block) -> list[Block]:
    """The block without its last sentence, which promises what does not come; [] when it was nothing else."""
    sentences = split_sentences(block.text)[:-1]
    if not sentences:
        return []
    end = block.text.rfind(sentences[-1]) + len(sentences[-1])
    return [replace(block, text=block.text[:end])]


def _telling(block: Block, before: Block | None, weights: Weights) -> Block:
    """Of a long table or a list of notes only what answers, when that is told apart clearly; steps stay whole."""
    if block.kind is BlockKind.TABLE:
        head, rows = _rows(block)
        kept = _best_rows(rows, weights) if len(rows) > MANY_ROWS else rows
        return block if len(kept) == len(rows) else replace(block, text="\n".join([*head, *kept]))
    lines = block.text.split("\n")
    notes = block.kind is BlockKind.LIST and all(_BULLET.match(line) for line in lines) and len(lines) > 2
    if not notes or (before is not None and hangs(before)):
        return block
    kept = _best_rows(lines, weights)
    return block if len(kept) == len(lines) else replace(block, text="\n".join(kept))


def _rows(block: Block) -> tuple[list[str], list[str]]:
    """A table's head (with the line under it) and its rows."""
    lines = block.text.split("\n")
    at = next((n for n, line in enumerate(lines) if re.fullmatch(r"[\s|:\-]+", line) and "-" in line), -1)
    return lines[: at + 1], lines[at + 1 :]


def _best_rows(rows: Sequence[str], weights: Weights) -> list[str]:
    """The rows that share most with the question, in order; all of them when the question does not tell them apart."""
    everywhere = frozenset.intersection(*(tokens_of(row) for row in rows)) if rows else frozenset()
    scores = [sum(w for token, w in weights.items() if token in tokens_of(row) - everywhere) for row in rows]
    best = max(scores, default=0.0)
    kept = [row for row, score in zip(rows, scores, strict=True) if score >= best * TELLING]
    return kept if best >= 1.8 and len(kept) <= max(MANY_ROWS, len(rows) // 3) else list(rows)


def _longest_stretch(text: str, source: str) -> str:
    """The longest run of a quotation's lines that stands in the source as it is; "" when no line does."""
    best, run = "", ""
    for line in text.split("\n"):
        longer = f"{run}\n{line}" if run else line
        run = longer if longer in source else line if line in source else ""
        best = max(best, run, key=len)
    return best.strip("\n")


def _best_blocks(parts: Sequence[Block], weights: Weights, max_chars: int) -> str:
    scores = [_score(block, weights) for block in parts]
    best = max(range(len(parts)), key=lambda place: (scores[place], -place))
    first, last = _with_lead(parts, best)
    while True:
        grown = [(f, t) for f, t in ((first, last + 1), (first - 1, last)) if f >= 0 and t < len(parts)]
        fitting = [(f, t) for f, t in grown if len(join(parts[f : t + 1])) <= max_chars]
        if not fitting:
            break
        first, last = max(fitting, key=lambda span: sum(scores[span[0] : span[1] + 1]))
    chosen = list(parts[first : last + 1])
    if hangs(chosen[-1]) and not (last + 1 < len(parts) and len(join(parts[first : last + 2])) <= max_chars * 2):
        while chosen and hangs(chosen[-1]):
            chosen = [*chosen[:-1], *_without_promise(chosen[-1])]
        chosen = chosen or list(parts[first : last + 1])
    elif hangs(chosen[-1]):
        chosen.append(parts[last + 1])
    quote = join(chosen)
    return quote if len(quote) <= max_chars * 2 else _cut(parts[best], max_chars)


def _with_lead(parts: Sequence[Block], best: int) -> tuple[int, int]:
    first = last = best
    if parts[best].kind is not BlockKind.TEXT and best > 0 and parts[best - 1].kind is BlockKind.TEXT:
        first = best - 1
    if parts[best].kind is BlockKind.TEXT and best + 1 < len(parts) and hangs(parts[best]):
        last = best + 1
    return first, last


def _score(block: Block, weights: Weights) -> float:
    own = tokens_of(block.text)
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
