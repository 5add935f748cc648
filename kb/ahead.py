"""A question that is embedded while other work goes on: the model computes beside Python, on a core of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from kb.embed import Embedder
from kb.encoder import Vectors

T = TypeVar("T")
_AT_ONCE = 32  # a remote model may keep some waiting; threads are made as they are needed


class Ahead:
    """A question's vector, begun at once in a thread, there when asked for."""

    waited = 0.0  # seconds that the work beside it was done before it was

    def __init__(self, embedder: Embedder, text: str, lang: str) -> None:
        self.text, self.lang = text, lang
        self._vector: Future[Vectors] = _threads.submit(lambda: embedder.question(text, lang)())

    @classmethod
    def beside(cls, embedder: Embedder, text: str, lang: str, work: Callable[[], T]) -> tuple[Ahead, T]:
        """The question, embedded in this thread while another does `work`, and what the work returned.

        Whoever waits for a vector had better compute it: handing it over and waking up cost a millisecond, which the
        work has to spare. Raises what the work raised; what the embedder raised is kept for `vector`.
        """
        ahead = cls.__new__(cls)
        ahead.text, ahead.lang, ahead._vector = text, lang, Future()
        working: Future[tuple[T, float]] | None = None

        def timed() -> tuple[T, float]:
            return work(), time.perf_counter()

        try:
            question = embedder.question(text, lang)
            working = _threads.submit(copy_context().run, timed)  # not before: the two would wait for each other
            ahead._vector.set_result(question())
        except Exception as error:
            ahead._vector.set_exception(error)
        if working is None:
            return ahead, work()
        ready = time.perf_counter()
        done, finished = working.result()
        ahead.waited = max(0.0, ready - finished)
        return ahead, done

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
