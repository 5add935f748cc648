"""A folder of documents and questions is measured as it stands, with and without what the questions were made of."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from base.settings import Settings
from evals import folder, installation
from evals.cases import BadCase, NoCases
from evals.folder import NoKnowledgeFolder
from evals.masking import drafts
from kb.models import Scope
from kb.search import Searcher

PRINTING = "Load A4 paper into tray 2 and close it firmly. The queue continues after thirty seconds."
VPN = "The hotel network blocks the ports. Select TCP 443 mode in HS Connect and connect again."
ROWS: list[dict[str, Any]] = [
    {"doc": "en/printer.md", "lang": "en", "title": "Printer", "section": 0, "level": 1, "heading": "Printer", "text": ""},
    {"doc": "en/printer.md", "lang": "en", "title": "Printer", "section": 1, "level": 2,
     "heading": "Why does it show PRN-42?", "text": PRINTING, "heading_is_query": True},
    {"doc": "en/printer.md", "lang": "en", "title": "Printer", "section": 2, "level": 2, "heading": "VPN from hotels",
     "text": VPN},
    {"doc": "zh/printer.md", "lang": "zh", "title": "打印机", "section": 0, "level": 1, "heading": "打印机", "text": ""},
    {"doc": "zh/printer.md", "lang": "zh", "title": "打印机", "section": 1, "level": 2, "heading": "为什么显示 PRN-42？",
     "text": "请在纸盒 2 中放入 A4 纸并关紧，三十秒后队列会自动继续。", "heading_is_query": True},
]  # fmt: skip
QUERIES: list[dict[str, Any]] = [
    {"id": "en:1", "lang": "en", "query": "Why does it show PRN-42?", "gold_doc": "en/printer.md", "gold_sections": [1],
     "gold_doc_other": "zh/printer.md", "gold_section_other": 1, "page": "faq", "qtype": "question"},
    {"id": "zh:1", "lang": "zh", "query": "为什么显示 PRN-42？", "gold_doc": "zh/printer.md", "gold_sections": [1]},
]  # fmt: skip


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """A folder in two languages, its documents in an archive, inside the only subfolder of a set."""
    place = tmp_path / "kb" / "dev"
    place.mkdir(parents=True)
    (place / "queries.jsonl").write_text(lines(QUERIES), encoding="utf-8")
    with gzip.open(place / "sections.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(lines(ROWS))
    with tarfile.open(place / "docs.tar.gz", "w:gz") as archive:
        for name in ("en/printer.md", "zh/printer.md"):
            parts = [f"{'#' * row['level']} {row['heading']}\n\n{row['text']}\n" for row in ROWS if row["doc"] == name]
            file = tmp_path / "document.md"
            file.write_text("\n".join(parts), encoding="utf-8")
            archive.add(file, arcname=name)
    return tmp_path / "kb"


def test_questions_come_with_their_article_and_the_text_of_their_section(knowledge: Path) -> None:
    place = folder.find(knowledge)
    assert place.name == "kb-dev"
    (lang, case), (other, _) = folder.read_questions(place, folder.read_sections(place), cross=False)
    assert (lang, other) == ("en", "zh")
    assert (case.sources, case.sections, case.variant) == (frozenset({"en/printer.md"}), (PRINTING,), "faq")


def test_across_languages_the_other_documents_are_asked(knowledge: Path) -> None:
    place = folder.find(knowledge)
    ((lang, case),) = folder.read_questions(place, folder.read_sections(place), cross=True)
    assert (lang, case.lang, case.sources) == ("zh", "en", frozenset({"zh/printer.md"}))
    assert case.sections == (ROWS[4]["text"],)


def test_an_english_wording_of_a_chinese_question_asks_the_chinese_documents(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    row = {"lang": "zh", "query": "更改密码", "query_en": "change your password", "gold_doc": "zh/a.md"}
    (tmp_path / "queries.jsonl").write_text(lines([row]), encoding="utf-8")
    ((lang, case),) = folder.read_questions(folder.find(tmp_path), [], cross=True)
    assert (lang, case.lang, case.text) == ("zh", "en", "change your password")


def test_masked_headings_are_gone_and_everything_else_is_as_it_was() -> None:
    sections = [folder._section(row) for row in ROWS if row["lang"] == "en"]
    ((masked, pieces),) = drafts(sections, "kb", masked=True)
    ((whole, _),) = drafts(sections, "kb", masked=False)
    assert "PRN-42" in whole.body
    assert "PRN-42" not in masked.body + "".join(f"{piece.text} {piece.breadcrumb} {piece.heading}" for piece in pieces)
    assert (masked.title, len(masked.body)) == ("Printer", len(whole.body))
    assert "VPN from hotels" in masked.body
    assert PRINTING in "".join(piece.text for piece in pieces)


def test_a_set_that_asks_for_titles_loses_its_titles_and_the_sections_it_asks_with() -> None:
    def row(number: int, level: int, heading: str, text: str, mask: bool) -> folder.Section:
        return folder.Section("a.md", number, "en", "Outlook hangs at start", level, heading, text, mask)

    sections = [
        row(0, 1, "Outlook hangs at start", "", True),
        row(1, 2, "Symptoms", "Outlook stops responding.", True),
        row(2, 2, "Resolution", "Start it in safe mode and disable the add-ins.", False),
    ]
    ((draft, pieces),) = drafts(sections, "kb", masked=True)
    assert draft.title == ""
    assert [piece.text for piece in pieces] == ["Start it in safe mode and disable the add-ins."]


def test_where_only_the_title_is_masked_the_text_below_it_stays() -> None:
    sections = [folder.Section("a.md", 0, "zh", "更改密码", 1, "更改密码", "请打开密码重置页面。", True)]
    ((draft, pieces),) = drafts(sections, "kb", masked=True)
    assert (draft.title, [(piece.text, piece.breadcrumb) for piece in pieces]) == ("", [("请打开密码重置页面。", ())])


@pytest.mark.parametrize("masked", [False, True])
def test_only_one_language_is_indexed_and_what_was_built_is_used_again(
    settings: Settings, knowledge: Path, tmp_path: Path, masked: bool
) -> None:
    place, work = folder.find(knowledge), tmp_path / "work"
    sections = folder.read_sections(place)
    found = []
    for _ in range(2):
        with installation.of_folder(settings, work, place, sections, "en", masked=masked) as services:
            found.append(_sources(services.searcher))
    assert found == [{"en/printer.md"}] * 2
    assert len([one for one in work.iterdir() if one.name.startswith("kb-dev-en")]) == 1


def _sources(searcher: Searcher) -> set[str]:
    return {passage.source for passage in searcher.search("打印机 printer PRN-42", scope=Scope()).passages}


def test_what_is_no_knowledge_folder_says_why(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "no such folder"), (tmp_path, "queries.jsonl")):
        with pytest.raises(NoKnowledgeFolder) as caught:
            folder.find(path)
        assert why in caught.value.fields["reason"]
    (tmp_path / "queries.jsonl").write_text(lines(QUERIES), encoding="utf-8")
    with pytest.raises(NoKnowledgeFolder):
        folder.find(tmp_path)
    (tmp_path / "docs.tar.gz").write_bytes(b"no archive")
    with pytest.raises(NoKnowledgeFolder):
        folder.unpack(folder.find(tmp_path), tmp_path / "into")


def test_masking_needs_sections_and_asking_across_needs_a_place_in_the_other_language(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "queries.jsonl").write_text(lines(QUERIES[1:]), encoding="utf-8")
    place = folder.find(tmp_path)
    with pytest.raises(NoKnowledgeFolder):
        folder.read_sections(place)
    with pytest.raises(NoCases):
        folder.read_questions(place, [], cross=True)


def test_a_broken_section_is_named(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text(lines(QUERIES), encoding="utf-8")
    (tmp_path / "sections.jsonl").write_text(lines([ROWS[0], {"doc": "a.md"}]), encoding="utf-8")
    with pytest.raises(BadCase) as caught:
        folder.read_sections(folder.find(tmp_path))
    assert caught.value.fields["line"] == 2
