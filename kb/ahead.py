"""A question that is embedded while other work goes on: the model computes beside Python, on a core of its own."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor

from kb.embed import Embedder
from kb.encoder import Vectors

_AT_ONCE = 16  # a remote model may keep some waiting; threads are made as they are needed


class Ahead:
    """A question's vector, begun at once in a thread, there when asked for."""

    def __init__(self, embedder: Embedder, text: str, lang: str) -> None:
        self.text, self.lang = text, lang
        self._vector: Future[Vectors] = _threads.submit(embedder.embed_query, text, lang)

    def vector(self) -> Vectors:
        """(dim,) float32 of length 1, when it is done. Raises what the embedder raised."""
        return self._vector.result()


def _renew() -> None:
    """In a forked child: the parent's threads do not exist there."""
    global _threads
    _threads = _new_threads()


def _new_threads() -> ThreadPoolExecutor:
    """Threads that stay: a new one for each question finds its caches and its memory cold (0.3 ms)."""
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ahead")


_threads = _new_threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
