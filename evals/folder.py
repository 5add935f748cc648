"""A folder of documents with questions, run as it stands: docs.tar.gz (or docs/), sections.jsonl(.gz), queries.jsonl.

Masked, the documents are put together from the sections without the titles and headings that the questions were made
of: otherwise a question finds its own words, which says nothing.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from base.errors import InvalidInput
from base.i18n import N_
from base.text import detect_language
from evals.cases import BadCase, Case, Kind, json_lines, questions, read_lines

ARCHIVE = "docs.tar.gz"


class NoKnowledgeFolder(InvalidInput):
    code = "no_knowledge_folder"
    message = N_("{folder} cannot be measured: {reason}. docs/evals.md says what such a folder holds.")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document under one heading."""

    doc: str
    number: int
    lang: str
    title: str
    level: int
    heading: str
    text: str
    asked: bool  # its heading, or all of it, is what a question was made of


@dataclass(frozen=True, slots=True)
class Folder:
    """Where everything of a knowledge folder is. `docs`: the archive, a folder of documents, or None."""

    path: Path
    name: str
    queries: Path
    docs: Path | None
    sections: Path | None


def find(path: Path) -> Folder:
    """The parts of a folder; a set's only subfolder is looked into. Raises NoKnowledgeFolder."""
    if not path.is_dir():
        raise NoKnowledgeFolder(folder=str(path), reason="there is no such folder")
    name = path.resolve().name
    if not (path / "queries.jsonl").is_file():
        inner = [one for one in sorted(path.iterdir()) if (one / "queries.jsonl").is_file()]
        if len(inner) != 1:
            raise NoKnowledgeFolder(folder=str(path), reason="it has no queries.jsonl")
        path, name = inner[0], f"{name}-{inner[0].name}"
    docs = next((one for one in (path / ARCHIVE, path / "docs") if one.exists()), None)
    sections = next((one for one in (path / "sections.jsonl", path / "sections.jsonl.gz") if one.is_file()), None)
    if docs is None and sections is None:
        raise NoKnowledgeFolder(folder=str(path), reason=f"it has neither {ARCHIVE}, docs/ nor sections.jsonl")
    return Folder(path, name, path / "queries.jsonl", docs, sections)


def unpack(folder: Folder, into: Path) -> Path:
    """The folder with its documents, unpacked into `into` when they come as an archive. Raises NoKnowledgeFolder."""
    assert folder.docs is not None
    if folder.docs.is_dir():
        return folder.docs
    try:
        with tarfile.open(folder.docs) as archive:
            archive.extractall(into, filter="data")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise NoKnowledgeFolder(folder=str(folder.docs), reason=str(error) or type(error).__name__) from error
    return into


def read_sections(folder: Folder) -> list[Section]:
    """The sections of all documents, in order. Raises NoKnowledgeFolder when there are none, BadCase for a line."""
    if folder.sections is None:
        raise NoKnowledgeFolder(folder=str(folder.path), reason="it has no sections.jsonl(.gz), which masking needs")
    found = []
    for number, row in _rows(folder.sections):
        try:
            found.append(_section(row))
        except (KeyError, TypeError, ValueError) as error:
            raise BadCase(line=number, file=folder.sections.name, reason=f"{type(error).__name__}: {error}") from error
    return found


def read_questions(folder: Folder, sections: Sequence[Section], *, cross: bool) -> list[tuple[str, Case]]:
    """(language of the documents it is asked of, case) for every question.

    cross: each asks the documents of the other language: its `query_en`, or the question as it is when the set knows
    the place in the other language (`gold_doc_other`). Raises NoCases when a set has nothing of the kind.
    """
    texts = {(section.doc, section.number): section.text for section in sections}
    langs = {section.doc: section.lang for section in sections}

    def make(fields: Mapping[str, Any], number: int) -> list[tuple[str, Case]]:
        row, gold = dict(fields), "gold_doc"
        own = str(row.get("lang") or langs.get(str(row.get("gold_doc")), "") or "")
        numbers = row.get("gold_sections") or []
        if cross and row.get("query_en"):
            row.update(text=row["query_en"], lang="en" if own == "zh" else "zh")
        elif cross and row.get("gold_doc_other"):
            gold, numbers = "gold_doc_other", [row["gold_section_other"]] if "gold_section_other" in row else []
            own = "en" if own == "zh" else "zh"
        elif cross:
            return []
        source = row[gold]
        row = {name: value for name, value in row.items() if not name.startswith("gold_")}
        places = tuple(text for n in numbers if (text := texts.get((source, int(n)))))
        cases = questions({**row, "source": source, "kind": Kind.ANSWERABLE}, number)
        return [(own or case.lang, replace(case, sections=places, variant=_variant(case, row))) for case in cases]

    return read_lines(folder.queries, make, "retrieval")


def _variant(case: Case, row: Mapping[str, Any]) -> str:
    """What a figure of its own is worth: the wording, or questions of an FAQ."""
    if case.variant:
        return case.variant
    return "faq" if row.get("page") == "faq" and row.get("qtype") == "question" else ""


def _section(row: Mapping[str, Any]) -> Section:
    asked = bool(row.get("mask") or row.get("heading_is_query"))
    text, doc = str(row["text"] or ""), str(row["doc"])
    lang = row.get("lang") or detect_language(text or str(row["heading"]))
    return Section(
        doc, int(row["section"]), str(lang), str(row.get("title") or ""), int(row.get("level") or 1),
        str(row.get("heading") or ""), text, asked,
    )  # fmt: skip


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.suffix != ".gz":
        yield from json_lines(path)
        return
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, json.loads(line)
    except (OSError, EOFError, ValueError) as error:
        raise NoKnowledgeFolder(folder=str(path), reason=str(error) or type(error).__name__) from error


def by_document(sections: Sequence[Section]) -> dict[str, list[Section]]:
    """The sections of each document, in order."""
    found: dict[str, list[Section]] = defaultdict(list)
    for section in sections:
        found[section.doc].append(section)
    return dict(found)
