"""What belongs together is one block; sections form a tree."""

from __future__ import annotations

import pytest

from ingest.blocks import Block, BlockKind, Section, finer, sections, weigh


def kinds(text: str) -> list[tuple[str, str]]:
    return [(str(block.kind), text[block.start : block.end]) for block in sections(text, "").blocks]


def outline(section: Section) -> list[object]:
    return [section.title, *[outline(child) for child in section.children]]


def test_blocks_of_every_kind_are_told_apart() -> None:
    text = "words\nmore\n\n- a\n- b\n\n| x |\n|---|\n\n> said\n\n```\ncode\n\nmore\n```\nend"
    assert kinds(text) == [
        ("text", "words\nmore"), ("list", "- a\n- b"), ("table", "| x |\n|---|"), ("quote", "> said"),
        ("code", "```\ncode\n\nmore\n```"), ("text", "end"),
    ]  # fmt: skip


def test_a_list_holds_its_nested_parts_and_its_code() -> None:
    text = "1. Open it:\n\n    ```sh\n    # no heading\n    ls\n    ```\n\n   - nested\n\n2. Close it.\n\nAfter"
    assert [kind for kind, _ in kinds(text)] == ["list", "text"]
    block = sections(text, "").blocks[0]
    assert [text[item.start : item.end][:2] for item in finer(text, block)] == ["1.", "2."]


def test_sections_form_a_tree_and_the_title_is_its_root() -> None:
    text = "# Guide\n\nIntro\n\n## A\n\n#### A1\n\nx\n\n### A2\n\n## B"
    assert outline(sections(text, "Guide")) == ["", ["A", ["A1"], ["A2"]], ["B"]]
    assert outline(sections(text, "Other")) == ["", ["Guide", ["A", ["A1"], ["A2"]], ["B"]]]


def test_headings_lose_their_marks() -> None:
    assert outline(sections("## **Use** [`x`](https://a.example) now", "")) == ["", ["Use x now"]]


@pytest.mark.parametrize(
    ("kind", "text", "parts"),
    [
        (BlockKind.TEXT, "One. Two! 三。四", ["One. ", "Two! ", "三。", "四"]),
        (BlockKind.TEXT, "Version 3.14 is out. Get it", ["Version 3.14 is out.", " Get it"]),
        (BlockKind.TEXT, "line one\nline two", ["line one", "line two"]),
        (BlockKind.TABLE, "| a |\n| b |", ["| a |", "| b |"]),
        (BlockKind.TEXT, "a, b, c", ["a,", " b,", " c"]),
        (BlockKind.TABLE, "| one. two. |", ["| one. two. |"]),
    ],
)
def test_a_block_divides_one_step_at_a_time(kind: BlockKind, text: str, parts: list[str]) -> None:
    found = [text[block.start : block.end] for block in finer(text, Block(kind, 0, len(text)))]
    assert [part.strip() for part in found] == [part.strip() for part in parts]


def test_weights_follow_the_embedders_tokens() -> None:
    assert weigh("") == 0
    assert 8 <= weigh("如何重置我的账户密码？") <= 12
    assert 7 <= weigh("How do I reset my password?") <= 12
    assert weigh("[the guide](https://a.example/a/very/long/address)") == weigh("[the guide")
