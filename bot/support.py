"""Whether a passage holds what is asked: the kind of thing, the names, the words, in one place of the text.

Retrieval says what a passage is about. A near miss is about the right thing and lacks the fact; these checks look for
the fact itself. Plain patterns, no embedding: about 0.7 ms for a passage (95 %: 2.2).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from base.text import is_identifier, normalise, query_tokens
from bot.boilerplate import readable
from bot.quote import row_of, tokens_of
from bot.support_words import ANY_MEMBER, CLASSES, COMMON, FILLER_ZH, OFFERS, WANTS, Wanted
from kb.models import Passage

WINDOW = {"zh": 110, "en": 300}  # characters: two or three sentences
SUPPORT_FEATURES = (
    "window", "chunk", "scattered", "heading", "rare_missing", "kind_near", "kind_missing", "conflict", "constraint_met",
    "constraint_open", "name_near", "name_missing", "code_missing", "code_named", "asked_by_name", "held", "held_most",
)  # fmt: skip
_NAME = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z][A-Za-z0-9.+-]*[A-Za-z0-9+]|[a-z]+[A-Z][A-Za-z]*)")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9+-]+")
_OPENS_SENTENCE = re.compile(r"(?:^|[.!?:;\n。！？；：]\s*|[\"'“(]\s*)$")
_VERSION = re.compile(
    r"v?\d+(?:\.\d+)+\S*|\d+-?bit"
)  # in a table, a version is an example of something, not its subject
# Words spelt in two ways, with and without a hyphen: one spelling for both sides of a comparison.
_TWO_SPELLINGS = re.compile(
    r"(?<![a-z0-9])(?:wi(?=[- ]fi\b)|e(?=-mail)|pop(?=-up)|back(?=-up)|(?:on|off)(?=-line))[- ]"
)
_NO_NAMES = frozenset("i it ok hi hello dear pc am pm fyi asap btw ps mr ms mrs dr thanks regards re fw".split())


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for, told from its wording."""

    wanted: frozenset[Wanted]
    weights: Mapping[str, float]  # token -> how much it says
    names: frozenset[str]  # folded: products, people, places, codes
    codes: frozenset[str]  # of these, what holds a digit: error codes, versions, models
    constraints: Mapping[str, frozenset[str]]  # class -> its members named, under one name for both languages
    finder: re.Pattern[str] | None  # finds the tokens in a folded text


@lru_cache(maxsize=256)
def asked(question: str) -> Asked:
    """What a question asks for. The last 256 are remembered."""
    folded = _spelt(normalise(question))
    tokens = query_tokens(FILLER_ZH.sub(" ", folded))
    whole = [token for token in tokens if is_identifier(token)]
    # An error code is found as a whole or not at all: its parts say nothing.
    tokens = [token for token in tokens if token in whole or not any(token in code for code in whole)]
    return Asked(
        wanted=_wanted(folded),
        weights={token: _weight(token) for token in tokens},
        names=_names(question, folded, tokens),
        codes=frozenset(token for token in tokens if is_identifier(token) and any(map(str.isdigit, token))),
        constraints=constraints(folded),
        finder=_finder(tokens),
    )


def _wanted(folded: str) -> frozenset[Wanted]:
    found = {kind for kind, pattern in WANTS.items() if pattern.search(folded)}
    # "What does it cost" wants a price, not a meaning.
    return frozenset(found - {Wanted.MEANING} or found)


def constraints(folded: str, classes: Iterable[str] = tuple(CLASSES)) -> dict[str, frozenset[str]]:
    """Which members of the classes that exclude one another (platforms, places, plans ...) a folded text names."""
    found = {}
    for name in classes:
        if ANY_MEMBER[name].search(folded):
            members = CLASSES[name]
            found[name] = frozenset(member for member, pattern in members.items() if pattern.search(folded))
    return found


def support(question: str, lang: str, passages: Sequence[Passage]) -> dict[str, float]:
    """Figures in [0, 1] on whether the first passage holds what is asked; zeros without one.

    The words of a passage in another language than the question's say nothing: of it only kinds, names and constraints
    are compared.
    """
    if not passages:
        return dict.fromkeys(SUPPORT_FEATURES, 0.0)
    ask, best = asked(question), passages[0]
    body = _folded(best.text)
    title = _folded(f"{best.title}\n{best.section}")
    width = WINDOW.get(best.lang, WINDOW["en"])
    words = _words(ask, body, title, width)
    same = float(best.lang == lang)
    near = body[words.place : words.place + width] if same and ask.weights else body
    kinds = sorted(ask.wanted)
    met, open_, conflict = _constraints(ask, f"{title}\n{body}")
    return {
        "window": same * words.window,
        "chunk": same * words.chunk,
        "scattered": same * (words.chunk - words.window),
        "heading": same * words.heading,
        "rare_missing": same * words.rarest_missing,
        "kind_near": _share([bool(OFFERS[kind].search(near)) for kind in kinds]),
        "kind_missing": _share([not OFFERS[kind].search(body) for kind in kinds]),
        "conflict": conflict,
        "constraint_met": met,
        "constraint_open": open_,
        "name_near": _share([_holds(near, n) or _holds(title, n) for n in ask.names]),
        "name_missing": _share([not (_holds(body, n) or _holds(title, n)) for n in ask.names]),
        "code_missing": _share([not (_holds(body, c) or _holds(title, c)) for c in ask.codes]),
        "code_named": _share([_names_code(best, code) for code in _subjects(ask.codes)]),
        "asked_by_name": same * _likeness(frozenset(query_tokens(question)), best),
        "held": same * min(1.0, sum(words.held) / 8),
        "held_most": same * min(1.0, sum(words.held[:4]) / 6),
    }


def _subjects(codes: frozenset[str]) -> list[str]:
    """The codes that may be what a question is about: whole ones, no versions."""
    return [code for code in codes if not _VERSION.fullmatch(code) and all(code not in c or code == c for c in codes)]


def about_code_first(question: str, passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """The passages, in front the best one that has a row or a heading of its own for every code the question is about.

    Many articles mention an error code in passing; the one that explains it is what is asked for.
    """
    codes = _subjects(asked(question).codes)
    if not codes:
        return tuple(passages)
    naming = [p for p in passages if all(_names_code(p, code) for code in codes)]
    if not naming:
        return tuple(passages)
    named = naming[0]
    others = (p for p in passages if p.chunk_id != named.chunk_id)
    if all(p.article_id == named.article_id for p in naming):  # what only mentions it is no rival
        named = replace(named, score=max(p.score for p in passages))
    return (named, *others)


def _names_code(passage: Passage, code: str) -> bool:
    """Whether a code has a row or a heading of its own in a passage."""
    headings = (*passage.breadcrumb[-1:], *(section.heading for section in readable(passage.text)))
    return any(code in tokens_of(heading) for heading in headings) or row_of(passage, code) is not None


def _likeness(asked: frozenset[str], passage: Passage) -> float:
    """How far a question is the title, or the nearest heading, word for word: shared tokens of all (Jaccard), squared."""
    named = [passage.title, *passage.breadcrumb[-1:]]
    return max((_overlap(asked, frozenset(query_tokens(name))) ** 2 for name in named), default=0.0)


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


def best_held_first(question: str, lang: str, passages: Sequence[Passage]) -> list[Passage]:
    """Passages that somebody handed over, the one nearest to the question in meaning and words first."""

    def near(passage: Passage) -> float:
        held = support(question, lang, [passage])
        return passage.similarity + 0.25 * (held["window"] + held["chunk"])

    return sorted(passages, key=near, reverse=True)


@dataclass(frozen=True, slots=True)
class _Words:
    """Where the words of a question stand. Coverage: share of the question's token weight."""

    window: float = 0.0  # coverage of the best window together with the title
    chunk: float = 0.0  # of everything
    heading: float = 0.0  # of the title alone
    rarest_missing: float = 0.0  # weight of the heaviest word that is nowhere, as a share of the heaviest
    held: tuple[float, ...] = ()  # weights of the words that are there, heaviest first
    place: int = 0  # where the best window begins


def _words(ask: Asked, body: str, title: str, width: int) -> _Words:
    total = sum(ask.weights.values())
    if ask.finder is None or not total:
        return _Words()
    in_title = {_key(match[1], ask) for match in ask.finder.finditer(title)}
    hits = [(match.start(), _key(match[1], ask)) for match in ask.finder.finditer(body)]
    starts = [at for at, _ in hits]
    chosen, most, place = set[str](), 0.0, 0
    for n, (at, _) in enumerate(hits):
        inside = {token for _, token in hits[n : bisect_left(starts, at + width)]}
        covered = _weigh(ask, inside)
        if covered > most:
            chosen, most, place = inside, covered, max(0, at - width // 6)
    everywhere = in_title | {token for _, token in hits}
    missing = [weight for token, weight in ask.weights.items() if token not in everywhere]
    return _Words(
        window=_weigh(ask, chosen | in_title) / total,
        chunk=_weigh(ask, everywhere) / total,
        heading=_weigh(ask, in_title) / total,
        rarest_missing=max(missing, default=0.0) / max(ask.weights.values()),
        held=tuple(sorted((ask.weights[token] for token in everywhere), reverse=True)),
        place=place,
    )


def _constraints(ask: Asked, text: str) -> tuple[float, float, float]:
    """(share met, share the text says nothing of, 1 when it names another member instead), over the classes asked."""
    if not ask.constraints:
        return 0.0, 0.0, 0.0
    named = constraints(text, ask.constraints)
    met = [bool(members & named.get(name, frozenset())) for name, members in ask.constraints.items()]
    silent = [name not in named for name in ask.constraints]
    other = [bool(named.get(name)) and not members & named[name] for name, members in ask.constraints.items()]
    return _share(met), _share(silent), float(any(other))


def _weigh(ask: Asked, tokens: set[str]) -> float:
    return sum(ask.weights[token] for token in tokens)


def _weight(token: str) -> float:
    """What a word says before any statistics: a name of one thing most, a filler next to nothing."""
    if is_identifier(token):
        return 2.5
    if token in COMMON:
        return 0.15
    return 1.0 if not token.isascii() else 0.6 + 0.1 * min(len(token), 8)


def _names(question: str, folded: str, tokens: Sequence[str]) -> frozenset[str]:
    """Codes, and words written as names: any Latin word in Chinese, a capital inside an English sentence."""
    found = {token for token in tokens if is_identifier(token)}
    if any(ord(char) > 0x2E80 for char in question):
        found |= {match.group().casefold() for match in _LATIN.finditer(folded)}
    else:
        for match in _NAME.finditer(question):
            if not _OPENS_SENTENCE.search(question[: match.start()]) or any(c.isupper() for c in match.group()[1:]):
                found.add(_spelt(match.group().casefold()))
    return frozenset(name for name in found if len(name) > 1 and name not in _NO_NAMES)


def _finder(tokens: Sequence[str]) -> re.Pattern[str] | None:
    """One pattern for all tokens, longest first; English ones at the start of a word (they are stems)."""
    spelt = []
    for token in sorted(tokens, key=len, reverse=True):
        if not token.isascii():
            spelt.append(re.escape(token))
            continue
        stem = re.escape(token[:-1]) + "[iy]" if token.endswith("i") and len(token) > 3 else re.escape(token)
        whole = r"(?![a-z0-9])" if len(token) <= 3 or is_identifier(token) else ""
        spelt.append(rf"(?<![a-z0-9]){stem}{whole}")
    return re.compile("(?=(" + "|".join(spelt) + "))") if spelt else None


def _key(spelt: str, ask: Asked) -> str:
    return spelt if spelt in ask.weights else spelt[:-1] + "i"


def _holds(folded: str, name: str) -> bool:
    return name in folded


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


@lru_cache(maxsize=1024)  # the same passages are good ones again and again
def _folded(text: str) -> str:
    return _spelt(normalise(text))


def _spelt(folded: str) -> str:
    """The same with one spelling of what is written "Wi-Fi", "WiFi" and "Wi Fi"."""
    return _TWO_SPELLINGS.sub(lambda match: match.group()[:-1], folded)
