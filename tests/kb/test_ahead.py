"""A question embedded beside other work: the same vector, and no fault of either half is lost."""

from __future__ import annotations

import os
import threading

import pytest

from base.database import Database
from kb.ahead import Ahead
from kb.embed import CentredEmbedder
from kb.encoder import EmbedderUnavailable, TextKind, Vectors
from kb.hashed import HashEncoder, hashed_embedder
from tests.kb.embedders import builtin


class _Failing(HashEncoder):
    """Fails as often as it is told to, then works."""

    def __init__(self, faults: int) -> None:
        super().__init__(8)
        self.faults = faults

    def encode(self, texts: list[str], kind: TextKind) -> Vectors:  # type: ignore[override]
        if self.faults:
            self.faults -= 1
            raise EmbedderUnavailable("no answer")
        return super().encode(texts, kind)


def _failing(faults: int) -> CentredEmbedder:
    whole = hashed_embedder(8)
    return CentredEmbedder(_Failing(faults), whole.spec, whole._means)


def test_a_question_is_embedded_ahead(database: Database) -> None:
    embedder = hashed_embedder(32)
    ahead = Ahead(embedder, "VPN error 809", "en")
    assert (ahead.text, ahead.lang) == ("VPN error 809", "en")
    assert (ahead.vector() == embedder.embed_query("VPN error 809", "en")).all()
    assert (ahead.vector() == ahead.vector()).all()


def test_what_the_embedder_raises_ahead_reaches_the_one_who_asks() -> None:
    with pytest.raises(EmbedderUnavailable):
        Ahead(_failing(1), "?", "en").vector()


def test_a_forked_process_embeds_ahead_with_threads_of_its_own() -> None:
    embedder = hashed_embedder(8)
    wanted = Ahead(embedder, "VPN", "en").vector()  # the parent has threads now; a child has none of them
    child = os.fork()
    if child == 0:
        os._exit(0 if (Ahead(embedder, "VPN", "en").vector() == wanted).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_work_is_done_in_another_thread_while_the_question_is_embedded() -> None:
    embedder = hashed_embedder(32)
    ahead, worker = Ahead.beside(embedder, "VPN error 809", "en", threading.get_ident)
    assert worker != threading.get_ident()
    assert (ahead.text, ahead.lang) == ("VPN error 809", "en")
    assert (ahead.vector() == embedder.embed_query("VPN error 809", "en")).all()


def test_how_long_the_work_had_to_wait_for_the_vector_is_told() -> None:
    done = threading.Event()

    class Slow(HashEncoder):
        def encode(self, texts: list[str], kind: TextKind) -> Vectors:  # type: ignore[override]
            assert done.wait(10)
            threading.Event().wait(0.05)
            return super().encode(texts, kind)

    whole = hashed_embedder(8)
    ahead, _ = Ahead.beside(CentredEmbedder(Slow(8), whole.spec, whole._means), "VPN", "en", done.set)
    assert ahead.waited > 0
    assert Ahead(whole, "VPN", "en").waited == 0


def test_a_fault_of_the_work_is_raised_and_one_of_the_embedder_waits_for_who_asks() -> None:
    def broken() -> None:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        Ahead.beside(hashed_embedder(8), "?", "en", broken)
    ahead, done = Ahead.beside(_failing(1), "?", "en", lambda: "stored")
    assert done == "stored"
    with pytest.raises(EmbedderUnavailable):
        ahead.vector()


def test_a_question_that_failed_is_embedded_at_the_next_try() -> None:
    embedder = _failing(1)
    question = embedder.question("VPN", "en")
    with pytest.raises(EmbedderUnavailable):
        question()
    assert (question() == embedder.embed_query("VPN", "en")).all()


def test_the_built_in_model_gives_the_same_in_two_steps_as_in_one() -> None:
    embedder = builtin()
    whole = embedder._means.centre(embedder._encoder.encode(["打印机脱机"], TextKind.QUERY), ["zh"], TextKind.QUERY)
    question = embedder.question("打印机脱机", "zh")
    assert (question() == whole[0]).all()
    assert question() is question()
    assert not question().flags.writeable
