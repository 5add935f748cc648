"""The labelled messages that come with Firstline: whole, varied, and never in two parts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from desk.models import Category, Sentiment, Urgency
from evals.cases import CASES, read_lines, triage_messages
from evals.measures import SuiteName

FOLDER = CASES / "triage"
PARTS = ("train", "untouched")


def written(part: str) -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.glob(f"{part}-*.jsonl")):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.name)
def test_every_file_is_read_by_the_suite(path: Any) -> None:
    assert len(list(read_lines(path, triage_messages, SuiteName.TRIAGE))) == len(path.read_text("utf-8").splitlines())


def test_the_evidence_of_every_message_is_in_its_words() -> None:
    for part in PARTS:
        for one in written(part):
            assert one["evidence"]["decisive"] in one["text"], one["id"]
            assert one["register"] in {"chat", "mail", "telegram"}
            Urgency(one["urgency"]), Category(one["category"]), Sentiment(one["sentiment"])


def test_there_are_enough_of_every_kind_and_none_twice() -> None:
    every = [one for part in PARTS for one in written(part)]
    assert len(every) >= 8000
    assert len({one["text"] for one in every}) == len({one["id"] for one in every}) == len(every)
    assert len({one["pair"] for one in every if one["pair"]}) >= 1000
    langs, levels = Counter(one["lang"] for one in every), Counter(one["urgency"] for one in every)
    assert min(langs["zh"], langs["en"]) > 0.4 * len(every)
    assert min(levels.values()) > 0.19 * len(every)
    assert min(Counter(one["category"] for one in every).values()) > 100
    assert sum(one["wants_human"] for one in every) > 200


def test_a_contrast_pair_is_two_or_three_messages_of_one_part_that_differ_in_a_label() -> None:
    pairs: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for part in PARTS:
        for one in written(part):
            if one["pair"]:
                pairs.setdefault(one["pair"], []).append((part, one))
    for name, members in pairs.items():
        assert len(members) in (2, 3), name
        assert len({part for part, _ in members}) == 1, name
        assert len({(one["urgency"], one["wants_human"], one["category"]) for _, one in members}) > 1, name
