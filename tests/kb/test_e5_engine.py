"""The engine: right vectors, the same ones every time, in every thread and after a fork."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kb.e5.engine import E5Encoder, _load
from kb.e5.packed import PackedWeights, find_weights
from kb.encoder import TextKind, Vectors
from tests.kb.embedders import cache_dir, e5_encoder

TEXTS = [
    "打印机显示脱机怎么办？",
    "The printer shows as offline",
    "VPN 809 error 连不上",
    "重置密码",
    "Reset my password",
]


def plain_forward(weights: PackedWeights, ids: list[int]) -> Vectors:
    """The network of the model card in plain numpy and float32, without ONNX and without integer weights."""
    hidden = weights.shape.hidden

    def linear(x: Vectors, name: str) -> Vectors:
        return np.asarray(x @ weights.matrix(f"{name}.w", x.shape[-1]).T + weights.floats(f"{name}.b"))

    def norm(x: Vectors, name: str) -> Vectors:
        spread = np.sqrt(x.var(-1, keepdims=True) + weights.epsilon)
        level = (x - x.mean(-1, keepdims=True)) / spread
        return np.asarray(level * weights.floats(f"{name}.w") + weights.floats(f"{name}.b"))

    def erf(x: Vectors) -> Vectors:  # Abramowitz and Stegun 7.1.26, error below 2e-7
        t = 1 / (1 + 0.3275911 * np.abs(x))
        series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
        return np.asarray(np.sign(x) * (1 - series * np.exp(-x * x)))

    words = weights.matrix("emb.word", hidden)[ids]
    places = weights.floats("emb.pos").reshape(-1, hidden)[: len(ids)]
    state = norm(words + places + weights.floats("emb.type").reshape(-1, hidden)[0], "emb.ln")
    heads, size = weights.shape.heads, hidden // weights.shape.heads
    for layer in range(weights.shape.layers):
        q, k, v = (
            linear(state, f"l{layer}.{name}").reshape(-1, heads, size).transpose(1, 0, 2) for name in ("q", "k", "v")
        )
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(size)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        context = (shares / shares.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(-1, hidden)
        state = norm(state + linear(context, f"l{layer}.ao"), f"l{layer}.aln")
        wide = linear(state, f"l{layer}.fi")
        bent = wide * 0.5 * (1 + erf(wide / np.sqrt(2)))
        state = norm(state + linear(bent, f"l{layer}.fo"), f"l{layer}.oln")
    mean = state.mean(0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def test_vectors_are_those_of_the_network_written_out_by_hand() -> None:
    weights = PackedWeights(find_weights())
    loaded = e5_encoder()._load()
    for text in TEXTS[:3]:
        ids = [0, *loaded.processor.encode(f"query: {text}".translate(loaded.folds)), 2]
        (vector,) = e5_encoder().encode([text], TextKind.QUERY)
        assert float(vector @ plain_forward(weights, ids)) > 0.99


def test_questions_and_passages_are_encoded_differently() -> None:
    query = e5_encoder().encode(TEXTS[:1], TextKind.QUERY)
    assert not np.array_equal(query, e5_encoder().encode(TEXTS[:1], TextKind.PASSAGE))


def test_meaning_decides_and_not_shared_words() -> None:
    rows = e5_encoder().encode(TEXTS, TextKind.PASSAGE)
    scores = rows @ rows.T
    assert scores[3, 4] > scores[3, 1]
    assert scores[0, 1] > scores[0, 4]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_number_of_workers_does_not_change_a_vector(workers: int) -> None:
    rows = E5Encoder(cache_dir(), workers).encode(TEXTS * 3, TextKind.PASSAGE)
    assert np.array_equal(rows, np.vstack([e5_encoder().encode([text], TextKind.PASSAGE) for text in TEXTS * 3]))


def test_a_text_longer_than_the_model_reads_is_cut_at_its_last_position() -> None:
    long = "打印机 " * 1000
    same = e5_encoder().encode([long, long + "不同的结尾"], TextKind.PASSAGE)
    assert np.array_equal(same[0], same[1])


def test_threads_that_come_first_together_load_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []

    def counted(*arguments: object) -> object:
        loads.append(arguments)
        return _load(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("kb.e5.engine._load", counted)
    encoder = E5Encoder(cache_dir())
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: encoder.encode(TEXTS[:1], TextKind.QUERY), range(8)))
    assert len(loads) == 1
    assert all(np.array_equal(row, rows[0]) for row in rows)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_encodes_like_its_parent() -> None:
    encoder = E5Encoder(cache_dir(), workers=2)
    expected = encoder.encode(TEXTS, TextKind.PASSAGE)
    encoder._lock.acquire()  # as if another thread were loading at this moment
    child = os.fork()
    if child == 0:
        same = np.array_equal(encoder.encode(TEXTS, TextKind.PASSAGE), expected)
        os._exit(0 if same else 1)
    encoder._lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
