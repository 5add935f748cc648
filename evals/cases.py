"""Cases as a knowledge editor writes them: JSON Lines, one question each. docs/evals.md lists the fields."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from base.errors import InvalidInput
from base.i18n import N_
from base.text import detect_language
from desk.models import Category, Sentiment, Urgency
from web.commands.jsonlines import MissingCases

CASES = Path(__file__).parent / "cases"
T = TypeVar("T")


class BadCase(InvalidInput):
    """A line of a file of cases is not what the suite needs."""

    code = "bad_eval_case"
    message = N_("Line {line} of {file} cannot be used: {reason}.")


class NoCases(InvalidInput):
    code = "no_eval_cases"
    message = N_("{file} holds no case for the suite {suite}. docs/evals.md lists the fields of a case.")


class Kind(StrEnum):
    """What a question is to the knowledge base; only the first is to be answered."""

    ANSWERABLE = "answerable"
    NEAR_MISS = "near_miss"  # of a known topic, but what is asked is in no article
    OFF_TOPIC = "off_topic"
    FALSE_PREMISE = "false_premise"  # takes for granted what is not so; with a source: that article puts it right
    GOLD_REMOVED = "gold_removed"  # made by the runner: an answerable question with its article taken away


@dataclass(frozen=True, slots=True)
class Case:
    """A question and what is right for it."""

    id: str
    text: str
    lang: str  # "zh" or "en"
    kind: Kind
    sources: frozenset[str]  # of the articles that answer it; any of them will do
    contains: tuple[str, ...] = ()  # words the answer must hold, whatever the case
    sections: tuple[str, ...] = ()  # texts of the sections that answer it, when the folder knows them
    variant: str = ""  # "long" or "short" where a set asks the same thing twice

    @property
    def to_be_answered(self) -> bool:
        return self.kind is Kind.ANSWERABLE or (self.kind is Kind.FALSE_PREMISE and bool(self.sources))


@dataclass(frozen=True, slots=True)
class TriageCase:
    """A message with what a careful person made of it; None where the file does not say."""

    id: str
    text: str
    lang: str  # "zh", "en" or "mixed"
    urgency: Urgency
    category: Category | None
    sentiment: Sentiment | None
    wants_human: bool | None


def read_lines(path: Path, make: Callable[[Mapping[str, Any], int], Sequence[T]], suite: str) -> list[T]:
    """What `make` makes of each line, in order. Raises MissingCases, BadCase naming the line, NoCases for nothing."""
    found: list[T] = []
    for number, fields in json_lines(path):
        try:
            found.extend(make(fields, number))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
            raise BadCase(line=number, file=path.name, reason=reason) from error
    if not found:
        raise NoCases(file=str(path), suite=suite)
    return found


def json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number from 1, object) of each line that is not empty. Raises MissingCases, BadCase."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MissingCases(str(error) if isinstance(error, UnicodeDecodeError) else "", file=str(path)) from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise BadCase(line=number, file=path.name, reason=f"no JSON ({error})") from error
        if not isinstance(fields, dict):
            raise BadCase(line=number, file=path.name, reason="not a JSON object")
        yield number, fields


def questions(fields: Mapping[str, Any], number: int) -> list[Case]:
    """The case of a line; two where a set asks everything at length and in short."""
    sources = frozenset(_texts(fields, "source", "sources", "gold_doc", "gold_doc_other"))
    if not fields.get("kind") and not sources:
        raise ValueError('it needs a "source" (the article that answers it) or a "kind"')
    kind = Kind(fields.get("kind") or Kind.ANSWERABLE)
    if kind in (Kind.ANSWERABLE, Kind.GOLD_REMOVED) and not sources:
        raise ValueError(f'a case of kind {kind} needs a "source"')
    found = []
    for variant, text in _wordings(fields):
        name = f"{fields.get('id', number)}{'#' + variant if variant else ''}"
        contains = tuple(_texts(fields, "contains"))
        lang = fields.get("lang")
        known = str(lang) if lang in ("zh", "en") else detect_language(text)
        found.append(Case(name, text, known, kind, sources, contains, variant=variant))
    return found


def triage_messages(fields: Mapping[str, Any], number: int) -> list[TriageCase]:
    """The triage case of a line; only "text" and "urgency" are needed."""
    text, human = _text(fields["text"]), fields.get("wants_human")
    if human is not None and not isinstance(human, bool):
        raise ValueError('"wants_human" is true or false')
    category, sentiment = fields.get("category"), fields.get("sentiment")
    return [
        TriageCase(
            str(fields.get("id", number)), text, str(fields.get("lang") or detect_language(text)),
            Urgency(fields["urgency"]), Category(category) if category else None,
            Sentiment(sentiment) if sentiment else None, human,
        )
    ]  # fmt: skip


def sample(cases: Sequence[T], limit: int, name: Callable[[T], str]) -> list[T]:
    """`limit` of the cases, in their order, chosen by the hash of their names: the same every time; 0 means all."""
    if not limit or len(cases) <= limit:
        return list(cases)
    chosen = sorted(range(len(cases)), key=lambda i: hashlib.sha256(name(cases[i]).encode()).digest())[:limit]
    return [cases[i] for i in sorted(chosen)]


def _wordings(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    if any(name in fields for name in ("text", "query")):
        return [("", _text(fields["text"] if "text" in fields else fields["query"]))]
    found = [(name.removeprefix("query_"), fields[name]) for name in ("query_long", "query_short") if name in fields]
    if not found:
        raise ValueError('it needs a "text"')
    return [(variant, _text(text)) for variant, text in found]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("its text is empty or no text")
    return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _texts(fields: Mapping[str, Any], *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = fields.get(name)
        values = value if isinstance(value, list) else [value] if value else []
        if not all(isinstance(one, str) for one in values):
            raise ValueError(f'"{name}" is a text or a list of texts')
        found += values
    return found
