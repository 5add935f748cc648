"""A cross-encoder reads question and passage together; whatever goes wrong with it, the order stands."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import pytest

from kb.models import Audience, Passage
from kb.rerank import Contender, FusedOrder, Question, make_reranker
from kb.rerank_cross import READ, CrossEncoderReranker

has_extra = all(importlib.util.find_spec(name) for name in ("torch", "sentence_transformers"))
without_extra = pytest.mark.skipif(has_extra, reason="the extra is installed")
with_extra = pytest.mark.skipif(not has_extra, reason="the extra is not installed")

QUESTION = Question("vpn error 809", "en", {"vpn": 1.0, "809": 3.0})
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "vpn", "error", "809", "menu", "lunch", "choose", "port", "today"]


def _contender(chunk_id: int, text: str, fused: float) -> Contender:
    passage = Passage(
        chunk_id, chunk_id, "p", 1, 1, "help", "s.md", "VPN", ("VPN", "Codes"), text, "en", Audience.PUBLIC, "",
        0.0, 0.0, 0.0,
    )  # fmt: skip
    return Contender(passage, 0.5, 0.0, frozenset(), 10, fused, 0.0)


FOUND = [
    _contender(1, "lunch menu today", 0.9),
    _contender(2, "vpn error 809 choose port", 0.8),
    _contender(3, "vpn port", 0.1),
]


def _order(scores: Sequence[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda place: -scores[place])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder with random weights, small enough to be made here."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("cross-encoder")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizerFast(str(vocabulary)).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=1, initializer_range=1.0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@without_extra
def test_without_the_extra_the_order_of_the_other_ranker_stands() -> None:
    reranker = CrossEncoderReranker("any/model", FusedOrder())
    assert reranker.scores(QUESTION, FOUND) == [0.9, 0.8, 0.1]
    assert reranker.scores(QUESTION, FOUND) == [0.9, 0.8, 0.1]


def test_a_folder_that_holds_no_model_leaves_the_order(tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(str(tmp_path / "nothing"), FusedOrder())
    assert reranker.scores(QUESTION, FOUND) == [0.9, 0.8, 0.1]


def test_nothing_found_needs_no_model() -> None:
    assert make_reranker("cross-encoder:any/model").scores(QUESTION, []) == []


@with_extra
def test_a_model_folder_scores_what_it_reads_the_same_every_time(model: Path) -> None:
    first = CrossEncoderReranker(str(model), FusedOrder()).scores(QUESTION, FOUND)
    again = CrossEncoderReranker(str(model), FusedOrder()).scores(QUESTION, FOUND)
    assert first == again
    assert all(0.5 <= score <= 1 for score in first)
    assert len(set(first)) == 3  # it read three different texts


@with_extra
def test_what_the_model_did_not_read_comes_after_what_it_read(model: Path) -> None:
    many = [_contender(n, f"vpn port {'error ' * n}", 1 - n / 100) for n in range(READ + 5)]
    scores = CrossEncoderReranker(str(model), FusedOrder()).scores(QUESTION, many)
    assert set(_order(scores)[:READ]) == set(range(READ))
    assert _order(scores)[READ:] == list(range(READ, READ + 5))
    assert all(0 <= score <= 1 for score in scores)


@with_extra
def test_a_model_that_breaks_while_reading_leaves_the_order(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reranker = CrossEncoderReranker(str(model), FusedOrder())
    reranker.scores(QUESTION, FOUND)
    monkeypatch.setattr(reranker, "_predict", lambda pairs: [float("nan")] * len(pairs))
    assert reranker.scores(QUESTION, FOUND) == [0.9, 0.8, 0.1]
