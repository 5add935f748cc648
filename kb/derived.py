"""An index that follows the database in a thread of its own, with exact search in front of it.

A search uses the index only while it is large, whole and of the database's present generation; at all other times, and
when the index fails, `ExactIndex` has the answer. Subclasses say how the index is brought up and how it is asked.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod

import numpy as np

from base.database import Database
from base.errors import StorageUnavailable
from base.log import get_logger
from kb import store
from kb.models import Scope
from kb.vector import ExactIndex, VectorHit

log = get_logger(__name__)
QUIET_SECONDS = 60.0  # without a change: then the vectors of exact search leave the memory
RETRY_SECONDS = (1.0, 300.0)  # after a fault: the first wait and the longest; each is twice the one before
EXACT_UP_TO = 20_000  # vectors: comparing with all of them takes 2 ms and misses nothing, asking Chroma takes 4
NOTHING = -1  # the generation of an index that must not be asked


class DerivedIndex(ABC):
    """A `VectorIndex` with an owner thread. Only that thread touches the index itself, except to ask it."""

    name: str

    def __init__(self, database: Database, spec: str, dim: int, *, exact_up_to: int = EXACT_UP_TO) -> None:
        """exact_up_to: the index is kept current, but asked only while it holds more vectors than this."""
        self._exact_up_to = exact_up_to
        self._database, self._spec, self._dim = database, spec, dim
        self._exact = ExactIndex(database, spec, dim)
        self._wake, self._stop = threading.Event(), threading.Event()
        self._changed = threading.Condition()  # guards the next two
        self._serving = NOTHING
        self._condemned = ""  # why the owner must build anew
        self._thread: threading.Thread | None = None

    @abstractmethod
    def _bring_up(self, condemned: str) -> int:
        """Make the index equal the database; return its generation, or NOTHING when interrupted or not possible yet.

        Owner thread only. condemned: when not empty, what there is is not to be trusted: build anew.
        """

    @abstractmethod
    def _nearest(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        """What `search` returns, from the index. Any thread, also while the owner changes it."""

    @abstractmethod
    def _count(self) -> int:
        """How many vectors the index holds."""

    @abstractmethod
    def _let_go(self) -> None:
        """Close what is open. The owner thread has ended."""

    def start(self) -> None:
        """Bring the index up in the background."""
        self._thread = threading.Thread(target=self._own, name=f"{self.name}-owner", daemon=True)
        self._thread.start()
        self._wake.set()

    def search(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        if self._is_large() and (serving := self._serving_now()) != NOTHING:
            found = self._ask(vector, scope, limit, serving)
            if found is not None:
                return found
        hits = self._exact.search(vector, scope, limit)
        if self._exact.generation != self._serving:
            self._wake.set()  # another process may have changed the database
        return hits

    def refresh(self) -> None:
        self._exact.refresh()
        self._wake.set()

    def rebuild(self, reason: str) -> None:
        """Distrust the index from now on and build it anew in the background; exact search answers meanwhile."""
        if self._thread is None:  # the index is somebody else's: we neither ask nor touch it
            self._exact.rebuild(reason)
            return
        with self._changed:
            self._serving, self._condemned = NOTHING, reason
        self._wake.set()

    def wait_until_current(self, seconds: float) -> bool:
        """Whether the index itself answered for the present generation before the time was over."""
        end = time.monotonic() + seconds
        while self._serving_now() == NOTHING:
            if time.monotonic() >= end:
                return False
            with self._changed:
                self._changed.wait(0.1)
        return True

    def status(self) -> dict[str, object]:
        serving = self._serving
        answers = self.name if serving != NOTHING and self._is_large() else self._exact.name
        return {
            "index": self.name, "answers": answers, "ready": serving != NOTHING, "vectors": self._count(),
            "generation": serving,
        }  # fmt: skip

    def close(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
            if self._thread.is_alive():
                return  # the index stays ours, unsealed, until the process ends
        self._withdraw()
        self._let_go()
        self._exact.close()

    def _ask(self, vector: np.ndarray, scope: Scope, limit: int, serving: int) -> list[VectorHit] | None:
        """What the index says; None when it failed, or was changed or closed under our hands."""
        try:
            hits = self._nearest(vector, scope, limit)
        except StorageUnavailable:
            raise
        except Exception as error:  # whatever the index throws, exact search has the answer
            if self._serving == serving:
                log.warning("index_search_failed", index=self.name, error=type(error).__name__)
                self.rebuild("search_failed")
            return None
        return hits if self._serving == serving else None

    def _is_large(self) -> bool:
        return self._count() > self._exact_up_to

    def _withdraw(self) -> None:
        """No new search uses the index."""
        with self._changed:
            self._serving = NOTHING

    def _serving_now(self) -> int:
        """The generation of the index if that is the database's, else NOTHING; then the owner is told to look."""
        serving = self._serving
        if serving != NOTHING:
            with self._database.read() as session:
                if store.generation(session) == serving:
                    return serving
        self._wake.set()
        return NOTHING

    def _own(self) -> None:
        wait = RETRY_SECONDS[0]
        while not self._stop.is_set():
            if not self._wake.wait(QUIET_SECONDS):
                if self._is_large():
                    self._exact.release()
                continue
            self._wake.clear()
            if self._stop.is_set():
                return
            if self._try_bring_up():
                wait = RETRY_SECONDS[0]
                continue
            self._stop.wait(wait)
            wait = min(wait * 2, RETRY_SECONDS[1])
            self._wake.set()

    def _try_bring_up(self) -> bool:
        """Whether the index is current now. The owner thread must live: it is what brings the index back."""
        condemned = self._condemned
        try:
            generation = self._bring_up(condemned)
        except StorageUnavailable as error:  # the database, not the index, is to blame
            log.warning("index_waits_for_database", index=self.name, detail=error.detail)
            return False
        except Exception as error:
            log.warning("index_catch_up_failed", index=self.name, error=f"{type(error).__name__}: {error}"[:200])
            self.rebuild("catch_up_failed")
            return False
        if generation == NOTHING:
            return False
        with self._changed:
            if self._condemned == condemned:
                self._serving, self._condemned = generation, ""
            else:
                self._wake.set()
            self._changed.notify_all()
        return True
