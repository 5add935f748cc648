"""Pairs to fit a map on: what people ask or look for, and the passage that answers it, read from knowledge folders.

Three sorts, each a group of its own for every language and direction: a heading and the text under it, the same across
the language versions of a document, and a question with the section or passage that its set names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.text import detect_language
from evals.cases import json_lines, sample
from evals.folder import NoKnowledgeFolder, Section, by_document, find, read_sections
from ingest.sources import translation_key

SHORTEST_TEXT, SHORTEST_HEADING = 60, 4  # characters: less says too little to be found by
LONGEST = 900  # of a text, in characters: about what one passage holds
FEWEST = 8  # pairs: a smaller group has too few others to be told apart from
_LINK = re.compile(r"\[([^\]\n]+)\]\([^()\s]*\)")
_WORDINGS = ("query", "query_long", "query_short", "query_en")


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, or what stands for one, and its passage."""

    question: str
    question_lang: str
    passage: str
    passage_lang: str


@dataclass(frozen=True, slots=True)
class Group:
    """Pairs of one sort and direction: each passage is a wrong answer to the other questions."""

    name: str
    pairs: tuple[Pair, ...]


def groups_of(path: Path, limit: int = 0) -> list[Group]:
    """All groups of one folder, at most `limit` pairs in each (0: all). Raises NoKnowledgeFolder, BadCase."""
    inner = _reading_set(path)
    found = _of_passages(inner) if inner is not None else _of_sections(path)
    by_name: dict[str, dict[Pair, None]] = defaultdict(dict)
    for sort, pair in found:
        direction = (
            pair.question_lang
            if pair.question_lang == pair.passage_lang
            else f"{pair.question_lang}>{pair.passage_lang}"
        )
        by_name[f"{path.resolve().name} {sort} {direction}"].setdefault(pair)
    chosen = {
        name: sample(list(pairs), limit, lambda one: f"{one.question}\0{one.passage}")
        for name, pairs in by_name.items()
    }
    return [Group(name, tuple(pairs)) for name, pairs in sorted(chosen.items()) if len(pairs) >= FEWEST]


def _of_sections(path: Path) -> Iterator[tuple[str, Pair]]:
    folder = find(path)
    sections = read_sections(folder)
    documents = by_document(sections)
    yield from _headings(sections)
    yield from _across(documents)
    for _, row in json_lines(folder.queries):
        yield from _asked(row, documents)


def _headings(sections: Iterable[Section]) -> Iterator[tuple[str, Pair]]:
    """A heading and its own text. One that stands over many sections ("Solution") says nothing about any of them."""
    usable = [one for one in sections if _is_usable(one)]
    often = Counter(one.heading for one in usable)
    for one in usable:
        if often[one.heading] == 1:
            yield "heading", Pair(one.heading, one.lang, plain(one.text), one.lang)


def _across(documents: Mapping[str, Sequence[Section]]) -> Iterator[tuple[str, Pair]]:
    """A heading and the text at the same place of the other language's document, where both have the same shape."""
    twins: dict[str, list[Sequence[Section]]] = defaultdict(list)
    for doc, parts in documents.items():
        if key := translation_key(doc):
            twins[key].append(parts)
    for versions in twins.values():
        for mine in versions:
            for other in versions:
                if mine[0].lang == other[0].lang or [one.level for one in mine] != [one.level for one in other]:
                    continue
                for one, two in zip(mine, other, strict=True):
                    if _is_usable(one) and len(two.text) > SHORTEST_TEXT:
                        yield "heading", Pair(one.heading, one.lang, plain(two.text), two.lang)


def _asked(row: Mapping[str, Any], documents: Mapping[str, Sequence[Section]]) -> Iterator[tuple[str, Pair]]:
    """A question and each section its set names, or the first text of the document if it names none."""
    parts = documents.get(str(row.get("gold_doc")), ())
    numbers = {int(number) for number in row.get("gold_sections") or ()}
    if numbers:
        golds = [one for one in parts if one.number in numbers and len(one.text) > SHORTEST_TEXT and not one.asked]
    else:
        golds = [one for one in parts if one.text.strip()][:1]
    for wording in _WORDINGS:
        text = str(row.get(wording) or "").strip()
        for gold in golds if text else ():
            if text != gold.heading:
                yield wording, Pair(text, detect_language(text), plain(gold.text), gold.lang)


def _reading_set(path: Path) -> Path | None:
    """The folder of a set that has passages instead of documents."""
    return next((one for one in (path, *sorted(path.glob("*/"))) if (one / "passages.jsonl").is_file()), None)


def _of_passages(path: Path) -> Iterator[tuple[str, Pair]]:
    known = {str(row["id"]): row for _, row in json_lines(path / "passages.jsonl")}
    if not (path / "queries.jsonl").is_file():
        raise NoKnowledgeFolder(folder=str(path), reason="it has no queries.jsonl")
    for _, row in json_lines(path / "queries.jsonl"):
        lang = str(row.get("lang") or detect_language(str(row["query"])))
        for field in ("gold_passage", "gold_passage_other_lang"):
            if gold := known.get(str(row.get(field))):
                unsaid = lang if field == "gold_passage" else detect_language(str(gold["text"]))
                passage_lang = str(gold.get("lang") or unsaid)
                yield "reading", Pair(str(row["query"]), lang, plain(str(gold["text"])), passage_lang)


def plain(text: str) -> str:
    """Without the addresses of links, cut to what one passage holds."""
    return _LINK.sub(r"\1", text)[:LONGEST].strip()


def _is_usable(section: Section) -> bool:
    return len(section.text) > SHORTEST_TEXT and len(section.heading) >= SHORTEST_HEADING
