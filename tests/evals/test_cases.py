"""Cases are read as editors write them, and a bad line is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.cases import (
    CASES,
    BadCase,
    Case,
    Kind,
    NoCases,
    questions,
    read_lines,
    sample,
    triage_messages,
)
from evals.flows import flow_of
from web.commands.jsonlines import MissingCases
from web.demo.setup import ARTICLES


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n", encoding="utf-8")
    return path


def test_a_question_needs_only_its_text_and_its_article(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", {"text": "打印机缺纸", "source": "zh/a.md"})
    assert read_lines(path, questions, "answers") == [
        Case("1", "打印机缺纸", "zh", Kind.ANSWERABLE, frozenset({"zh/a.md"}))
    ]


def test_several_articles_and_words_the_answer_must_hold_can_be_named(tmp_path: Path) -> None:
    row = {"id": "x", "text": "no paper", "sources": ["en/a.md", "en/b.md"], "contains": "tray 2"}
    (case,) = read_lines(write(tmp_path / "c.jsonl", row), questions, "answers")
    assert (case.id, case.sources, case.contains) == ("x", frozenset({"en/a.md", "en/b.md"}), ("tray 2",))


def test_a_set_that_asks_at_length_and_in_short_gives_two_cases(tmp_path: Path) -> None:
    row = {"id": "x", "query_long": "It broke when ...", "query_short": "broken", "gold_doc": "a.md"}
    found = read_lines(write(tmp_path / "c.jsonl", row), questions, "retrieval")
    assert [(case.id, case.variant) for case in found] == [("x#long", "long"), ("x#short", "short")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[1]", "not a JSON object"),
        ('{"text": "who?"}', "kind"),
        ('{"source": "a.md"}', "text"),
        ('{"text": " ", "source": "a.md"}', "empty"),
        ('{"text": "a", "kind": "strange"}', "strange"),
        ('{"text": "a", "kind": "answerable"}', "source"),
        ('{"text": "a", "source": 3}', "source"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"text": "a", "source": "a.md"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(BadCase) as caught:
        read_lines(path, questions, "answers")
    assert caught.value.fields["line"] == 2
    assert reason in caught.value.fields["reason"]


def test_a_missing_file_and_an_empty_one_are_two_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(MissingCases):
        read_lines(tmp_path / "none.jsonl", questions, "answers")
    with pytest.raises(NoCases):
        read_lines(write(tmp_path / "empty.jsonl"), questions, "answers")


def test_a_triage_case_needs_only_text_and_urgency(tmp_path: Path) -> None:
    (case,) = read_lines(
        write(tmp_path / "t.jsonl", {"text": "全厂停线", "urgency": "urgent"}), triage_messages, "triage"
    )
    assert (case.lang, case.urgency, case.category, case.wants_human) == ("zh", "urgent", None, None)
    with pytest.raises(BadCase):
        read_lines(write(tmp_path / "t.jsonl", {"text": "a", "urgency": "asap"}), triage_messages, "triage")


@pytest.mark.parametrize(
    "turn", [{"text": "a", "expects": "answer"}, {"expect": "answer"}, {"text": "a", "expect": "x"}]
)
def test_a_turn_that_cannot_be_played_is_named(tmp_path: Path, turn: dict[str, str]) -> None:
    with pytest.raises(BadCase):
        read_lines(write(tmp_path / "f.jsonl", {"turns": [turn]}), flow_of, "flows")


def test_a_sample_is_the_same_every_time_and_keeps_the_order() -> None:
    names = [f"case-{number}" for number in range(100)]
    chosen = sample(names, 10, str)
    assert chosen == sample(names, 10, str)
    assert chosen == sorted(chosen, key=names.index)
    assert set(sample(names[:60], 10, str)) >= set(chosen) & set(names[:60])
    assert sample(names, 0, str) == names


def test_the_bundled_cases_can_be_read_in_both_languages() -> None:
    asked = read_lines(CASES / "answers" / "demo.jsonl", questions, "answers")
    talks = read_lines(CASES / "flows" / "demo.jsonl", flow_of, "flows")
    assert {(case.kind, case.lang) for case in asked} >= {
        (kind, lang) for kind in (Kind.ANSWERABLE, Kind.NEAR_MISS, Kind.OFF_TOPIC) for lang in ("en", "zh")
    }
    assert len(talks) >= 12
    assert {flow.lang for flow in talks} == {"en", "zh"}
    assert read_lines(CASES / "triage" / "dev.jsonl", triage_messages, "triage")


@pytest.mark.parametrize("path", sorted((CASES / "answers").glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_bundled_question_names_articles_of_the_demo(path: Path) -> None:
    cases = read_lines(path, questions, "answers")
    assert len({case.id for case in cases}) == len({case.text for case in cases}) == len(cases)
    named = {source for case in cases for source in case.sources}
    assert named
    assert [source for source in sorted(named) if not (ARTICLES / source).is_file()] == []


def test_questions_kept_for_a_last_look_are_in_no_other_file() -> None:
    kept, *others = (
        {case.text for case in read_lines(CASES / "answers" / name, questions, "answers")}
        for name in ("ordinary.jsonl", "everyday.jsonl", "demo.jsonl")
    )
    assert kept.isdisjoint(set().union(*others))
