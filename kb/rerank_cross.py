"""A cross-encoder as reranker: it reads question and passage together. On torch, an optional extra, loaded late.

It costs hundreds of milliseconds a question on a processor, so only the best candidates are read, and it is off unless
the setting names a model. Whatever goes wrong with it, the order of the learned ranker stands.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from base.log import get_logger
from kb.models import Passage
from kb.rerank import Contender, Question, Reranker

log = get_logger(__name__)
READ: Final = 16  # candidates of a question that the model reads: those the other reranker has in front
MAX_CHARS: Final = 2_000  # of a passage; models cut at 512 tokens anyway
_BATCH = 16


class CrossEncoderReranker:
    """Scores from a CrossEncoder model. One call at a time: its tokenizer is not thread-safe."""

    def __init__(self, model: str, otherwise: Reranker) -> None:
        """model: a hub name, or the path of a model's folder. otherwise: chooses what is read, and stands in."""
        self._name, self._otherwise = model, otherwise
        self._model: Any = None
        self._unusable = False
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return f"cross-encoder:{self._name}"

    @property
    def reads_fused(self) -> bool:
        return self._otherwise.reads_fused

    def scores(self, question: Question, found: Sequence[Contender]) -> list[float]:
        """What the model read comes first, in its order and above 0.5; the others follow below 0.5."""
        before = self._otherwise.scores(question, found)
        best = sorted(range(len(found)), key=lambda place: (-before[place], place))[:READ]
        if not best or self._unusable:
            return before
        try:
            read = self._read(question.text, [found[place].passage for place in best])
        except Exception as error:  # no model, no memory, a broken folder: whichever, the question is answered
            log.warning("reranker_failed", reranker=self.name, error=f"{type(error).__name__}: {error}"[:200])
            return before
        scores = [score / 2 for score in before]
        for place, score in zip(best, read, strict=True):
            scores[place] = round(0.5 + score / 2, 6)
        return scores

    def _read(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """How well each passage answers, in [0, 1]."""
        pairs = [(question, _shown(passage)) for passage in passages]
        with self._lock:
            if self._model is None:
                self._model = self._load()
            logits = np.asarray(self._predict(pairs), np.float64)
        if logits.shape != (len(pairs),) or not np.isfinite(logits).all():
            raise ValueError(f"scores of shape {logits.shape} for {len(pairs)} pairs")
        return [float(value) for value in 1 / (1 + np.exp(-np.clip(logits, -30, 30)))]

    def _load(self) -> Any:
        """The model; after a failure the next question does not try again."""
        self._unusable = True
        missing = [name for name in ("torch", "sentence_transformers") if importlib.util.find_spec(name) is None]
        if missing:
            raise ModuleNotFoundError(f"{missing[0]} is not installed: pip install 'firstline[sentence-transformers]'")
        from sentence_transformers import CrossEncoder

        model = CrossEncoder(self._name, trust_remote_code=False)
        self._unusable = False
        return model

    def _predict(self, pairs: Sequence[tuple[str, str]]) -> Any:
        plain = importlib.import_module("torch").nn.Identity()  # a model's own squashing would come on top of ours
        return self._model.predict(
            list(pairs), batch_size=_BATCH, show_progress_bar=False, activation_fn=plain, convert_to_numpy=True
        )


def _shown(passage: Passage) -> str:
    """What the model reads of a passage: where it stands, then its text."""
    place = " › ".join(dict.fromkeys(filter(None, (passage.title, *passage.breadcrumb))))
    return f"{place}\n{passage.text}"[:MAX_CHARS]
