"""Texts to vectors with the built-in model: tokenise, look up word rows, run the graph. One text per run.

Deterministic and thread-safe: every run has one thread and shares nothing, so neighbours, order and load do not
change a vector. Nothing is loaded before the first text, and a forked child loads its own.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kb.e5.build import load_or_build
from kb.e5.packed import SHA256, Bytes, PackedWeights, dequantise, find_weights
from kb.encoder import Encoded, TextKind, Vectors

ENGINE = "ort-int8/1"  # raise the number when vectors change: those that are stored must be made anew
WEIGHTS_SHA256 = SHA256
DIM = 384
PREFIXES = {TextKind.QUERY: "query: ", TextKind.PASSAGE: "passage: "}

_MAX_TOKENS = 512  # the model has no more positions; what does not fit is left out
_BLANKS = re.compile(" {2,}")


@dataclass(frozen=True)
class _Loaded:
    session: Any  # onnxruntime.InferenceSession
    processor: Any  # sentencepiece.SentencePieceProcessor
    folds: dict[int, str]
    word_rows: Bytes  # (pieces, 12, 18), mapped: only the rows that occur are read from disk
    start: int
    end: int
    pool: ThreadPoolExecutor | None


class E5Encoder:
    """multilingual-e5-small, 384 dimensions. One core takes 5 ms a question, 40 ms for 260 Chinese characters."""

    def __init__(self, cache_dir: Path, workers: int = 2) -> None:
        """`workers`: texts encoded at the same time by one call; more than the machine has cores gains nothing."""
        self._cache_dir, self._workers = cache_dir, max(1, workers)
        self._loaded: _Loaded | None = None
        self._lock = threading.Lock()
        _encoders.add(self)

    def encode(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Return (n, 384) float32 unit rows. Raises what `kb.e5.build.load_or_build` raises, on the first call."""
        if not texts:
            return np.empty((0, DIM), np.float32)
        loaded, prefix = self._load(), PREFIXES[kind]
        if loaded.pool is None or len(texts) == 1:
            rows = [_encode_one(loaded, prefix + text) for text in texts]
        else:
            rows = list(loaded.pool.map(lambda text: _encode_one(loaded, prefix + text), texts))
        return np.concatenate(rows)

    def begin(self, text: str, kind: TextKind) -> Callable[[], Encoded]:
        """Return what gives the vector, as `encode` does, and the inner layers: (1, 384) and (1, 1152).

        What needs the interpreter is done at once; the rest does not.
        """
        loaded = self._load()
        rows = _rows(loaded, PREFIXES[kind] + text)
        return lambda: Encoded(*loaded.session.run(["vector", "inner"], {"rows": rows[None]}))

    def warm(self) -> None:
        self.encode(["warm"], TextKind.QUERY)

    def _load(self) -> _Loaded:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _load(self._cache_dir, self._workers)
        return self._loaded

    def _forget(self) -> None:
        """In a forked child: the parent's threads do not exist here, and its lock may be held for ever."""
        self._loaded, self._lock = None, threading.Lock()


_encoders: weakref.WeakSet[E5Encoder] = weakref.WeakSet()


def _forget_all() -> None:
    for encoder in list(_encoders):
        encoder._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _load(cache_dir: Path, workers: int) -> _Loaded:
    import onnxruntime
    import sentencepiece

    path = find_weights()
    built = load_or_build(path, cache_dir)
    weights = PackedWeights(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # no slower here, and memory does not grow with the longest text seen
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return _Loaded(
        session=onnxruntime.InferenceSession(built.graph, options, providers=["CPUExecutionProvider"]),
        processor=sentencepiece.SentencePieceProcessor(model_proto=built.pieces),
        folds=weights.folds(),
        word_rows=weights.blocks("emb.word", DIM),
        start=weights.bos,
        end=weights.eos,
        pool=ThreadPoolExecutor(workers, thread_name_prefix="embed") if workers > 1 else None,
    )


def _encode_one(loaded: _Loaded, text: str) -> Vectors:
    """Return (1, 384)."""
    return _run(loaded, _rows(loaded, text))


def _rows(loaded: _Loaded, text: str) -> Vectors:
    """Return (tokens, 384): what the graph is given."""
    folded = _BLANKS.sub(" ", text.translate(loaded.folds))
    ids = [loaded.start, *loaded.processor.encode(folded)[: _MAX_TOKENS - 2], loaded.end]
    return dequantise(loaded.word_rows[ids])


def _run(loaded: _Loaded, rows: Vectors) -> Vectors:
    vector: Vectors = loaded.session.run(["vector"], {"rows": rows[None]})[0]
    return vector
