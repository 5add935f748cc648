"""How far the way of learning carries: out of fold, with what belongs to nothing held back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evals.labels import Labelled, main, measure, read_messages


def made(count: int = 60) -> tuple[list[Labelled], np.ndarray]:
    """Two kinds a word apart, in two directions, and some that belong to neither."""
    messages, rows = [], []
    rng = np.random.default_rng(1)
    for n in range(count):
        kind = ("printer", "invoice", "")[n % 3]
        words = f"the {kind} is wrong again number {n}" if kind else f"qwx{n} zzk{n} ppl{n}"
        messages.append(Labelled(words, "en", kind))
        row = rng.normal(0, 0.1, 8)
        row[n % 3] += 1.0
        rows.append(row / np.linalg.norm(row))
    return messages, np.array(rows, np.float32)


def test_two_kinds_are_told_apart_and_what_is_neither_is_held_back() -> None:
    messages, vectors = made()
    found = measure(messages, vectors)
    assert found.accuracy == 1.0
    assert found.commonest == 0.5
    assert all(held_back == 1.0 for _, held_back in found.thresholds)


def test_labels_that_mean_nothing_are_not_learnt() -> None:
    messages, vectors = made(90)
    shuffled = [Labelled(one.text, "en", ("a", "b")[(n * 7919 // 3) % 2]) for n, one in enumerate(messages)]
    assert measure(shuffled, vectors).accuracy < 0.75


def test_a_file_that_cannot_be_read_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({"text": "no label"}) + "\n", encoding="utf-8")
    assert main([str(path), "--label", "product"]) == 2
    assert "KeyError" in capsys.readouterr().err


def test_out_of_scope_messages_have_no_label(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    rows = [{"text": "a", "label": "x"}, {"text": "b", "label": "oos", "oos": True, "lang": "zh"}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert read_messages(path, "label") == [Labelled("a", "en", "x"), Labelled("b", "zh", "")]
