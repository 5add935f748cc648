"""Pieces are what a reader would cut out: whole sections, whole steps, whole answers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.blocks import weigh
from ingest.chunk import chunk
from ingest.models import Loaded
from kb.models import ChunkDraft

SENTENCE = "The printer shows a red light when its tray is empty. "


def cut(text: str, title: str = "Guide", rows: str = "", target: int = 100, most: int = 140) -> list[ChunkDraft]:
    loaded = Loaded(title, text, "en", "text/markdown", {"rows": rows} if rows else {})
    drafts = chunk(loaded, target_tokens=target, max_tokens=most)
    assert [draft.text for draft in drafts] == [text[draft.start : draft.end] for draft in drafts]
    assert [draft.ordinal for draft in drafts] == list(range(len(drafts)))
    assert all(a.end <= b.start for a, b in pairwise(drafts))
    return drafts


def test_a_section_is_a_piece_with_its_path() -> None:
    text = f"# Guide\n\n{SENTENCE * 4}\n\n## Setup\n\n{SENTENCE * 5}\n\n### Paper\n\n{SENTENCE * 6}"
    found = [(draft.breadcrumb, draft.heading) for draft in cut(text)]
    assert found == [((), ""), (("Setup",), "Setup"), (("Setup", "Paper"), "Paper")]


def test_a_piece_of_one_section_does_not_repeat_its_heading() -> None:
    assert cut(f"## Setup\n\n{SENTENCE * 5}")[0].text == (SENTENCE * 5).strip()


def test_short_neighbours_are_joined_under_their_parent_with_their_headings() -> None:
    text = "## Errors\n\n### 809\n\nOpen the port.\n\n### 691\n\nType it again.\n\n## Prices\n\n" + SENTENCE * 7
    drafts = cut(text)
    assert drafts[0].text == "### 809\n\nOpen the port.\n\n### 691\n\nType it again."
    assert (drafts[0].breadcrumb, drafts[0].heading) == (("Errors",), "Errors")
    assert drafts[1].breadcrumb == ("Prices",)


def test_long_neighbours_stay_apart() -> None:
    text = f"## A\n\n{SENTENCE * 4}\n\n## B\n\n{SENTENCE * 4}"
    assert [draft.heading for draft in cut(text)] == ["A", "B"]


@pytest.mark.parametrize("rows", ["qa", "records"])
def test_rows_of_a_table_are_never_joined(rows: str) -> None:
    drafts = cut("## Why\n\nSo.\n\n## How\n\nThus.", rows=rows)
    assert [(draft.heading, draft.text) for draft in drafts] == [("Why", "So."), ("How", "Thus.")]


def test_questions_in_a_text_are_never_joined() -> None:
    text = "## FAQ\n\n### Why is it red?\n\nIt is empty.\n\n### 怎么退款？\n\n五天内。\n\n### Q3: Again\n\nYes."
    assert [draft.heading for draft in cut(text)] == ["Why is it red?", "怎么退款？", "Q3: Again"]


def test_a_tiny_introduction_goes_with_what_it_introduces() -> None:
    drafts = cut(f"Article number 42.\n\n## Cause\n\n{SENTENCE * 3}")
    assert len(drafts) == 1
    assert drafts[0].text.startswith("Article number 42.\n\n## Cause")


def test_headings_without_text_give_nothing() -> None:
    assert cut("# Guide\n\n## Empty\n\n### Also empty\n\n## ---") == []
    assert cut("") == []


def test_a_long_section_is_divided_between_paragraphs_into_even_parts() -> None:
    drafts = cut("## S\n\n" + "\n\n".join([SENTENCE * 3] * 8))
    weights = [weigh(draft.text) for draft in drafts]
    assert all(weight <= 140 for weight in weights)
    assert max(weights) <= 2 * min(weights)
    assert {draft.heading for draft in drafts} == {"S"}


def test_a_long_paragraph_is_divided_between_sentences_in_both_languages() -> None:
    for sentence in (SENTENCE, "打印机纸盒为空时会亮红灯，请打开纸盒并装入纸张。"):
        drafts = cut(sentence * 40)
        assert len(drafts) > 3
        assert all(draft.text.endswith((".", "。")) for draft in drafts)
        assert all(weigh(draft.text) <= 140 for draft in drafts)


def test_steps_stay_together_when_they_fit() -> None:
    steps = "\n".join(f"{i}. Press the button number {i} and wait." for i in range(1, 9))
    drafts = cut(f"## S\n\n{SENTENCE * 6}\n\nFollow these steps:\n\n{steps}\n\n{SENTENCE * 6}")
    assert sum(steps in draft.text for draft in drafts) == 1


def test_too_many_steps_are_divided_between_steps() -> None:
    steps = [f"{i}. Press the button.\n\n   Wait until the light number {i} is green." for i in range(1, 30)]
    drafts = cut("\n\n".join(steps))
    assert len(drafts) > 2
    for draft in drafts:
        assert draft.text.split(".")[0].isdigit()
        assert draft.text.endswith("green.")


def test_a_line_that_announces_a_command_stays_with_it() -> None:
    command = "```sh\n" + "\n".join(f"install package-{i}" for i in range(10)) + "\n```"
    drafts = cut(f"## S\n\n{SENTENCE * 7}\n\nRun this command:\n\n{command}\n\n{SENTENCE * 7}")
    assert any("Run this command:\n\n```sh" in draft.text for draft in drafts)


def test_code_is_never_divided() -> None:
    code = "```\n" + "\n\n".join(f"line number {i} = {i}" for i in range(60)) + "\n```"
    drafts = cut(f"## S\n\n{SENTENCE * 5}\n\n{code}\n\n{SENTENCE * 5}")
    assert sum(code in draft.text for draft in drafts) == 1


def test_code_nobody_reads_whole_is_divided_between_lines() -> None:
    code = "```\n" + "\n".join(f"line number {i} = {i}" for i in range(3000)) + "\n```"
    assert len(cut(code)) > 10


def test_a_table_is_divided_between_rows() -> None:
    rows = [f"| {i} | a meaning. With two sentences. |" for i in range(60)]
    for draft in cut("\n".join(["| code | meaning |", "|---|---|", *rows])):
        assert all(line.startswith("|") and line.endswith("|") for line in draft.text.split("\n"))


def test_words_without_end_are_divided_all_the_same() -> None:
    assert all(weigh(draft.text) <= 140 for draft in cut("x1" * 5000))
    assert all(weigh(draft.text) <= 140 for draft in cut("好" * 5000))


LINES = st.lists(
    st.sampled_from(
        ["# Guide", "## A", "### B?", "", "", "words and words.", SENTENCE * 9, "- item", "1. step", "   more", "```",
         "| a |",
         "|---|", "> quote", "**Label**", "请打开纸盒。" * 30, "    ```", "####### x", "See:"]
    ),
    max_size=60,
)  # fmt: skip


@given(LINES)
def test_nothing_is_lost_and_nothing_twice_whatever_the_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    drafts = cut(text)
    kept = "".join(draft.text for draft in drafts)
    for word in ("words", "item", "quote", "Label", "printer", "纸盒"):
        assert kept.count(word) == text.count(word)
    assert drafts == cut(text)
