"""Vector search. The database holds the vectors; every index here is derived and can be thrown away (promise 10).

`ExactIndex` compares with all of them (fine to about 100,000 in scope) and is what answers while another is rebuilt.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base.database import Database
from kb import store
from kb.models import Scope
from kb.tables import ChunkRow

LOAD_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Partition:
    """Chunks that are searched together: no filter is ever needed inside one."""

    collection: str
    audience: str
    lang: str

    def within(self, scope: Scope) -> bool:
        return self.audience in scope.audiences and (not scope.collections or self.collection in scope.collections)


@dataclass(frozen=True, slots=True)
class VectorHit:
    chunk_id: int
    similarity: float  # cosine, in [-1, 1]
    lang: str


class VectorIndex(Protocol):
    name: str

    def search(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        """Nearest chunks of each language, best first: up to `limit` per language. vector: (dim,) float32, unit."""
        ...

    def refresh(self) -> None:
        """Catch up with the database now."""
        ...

    def status(self) -> dict[str, object]: ...

    def close(self) -> None: ...


class ExactIndex:
    """Every live vector in memory, one matrix per partition, compared exactly. Catches up with the database by itself."""

    name = "exact"

    def __init__(self, database: Database, spec: str, dim: int, *, min_refresh_seconds: float = 0.5) -> None:
        self._database, self._spec, self._dim = database, spec, dim
        self._min_refresh_seconds = min_refresh_seconds
        self._lock = threading.Lock()
        self._generation = -1
        self._checked_at = 0.0
        self._ids: dict[Partition, np.ndarray] = {}
        self._matrices: dict[Partition, np.ndarray] = {}

    def search(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        self._catch_up()
        ids, matrices = self._ids, self._matrices  # replaced as a whole, never changed in place
        by_lang: dict[str, list[VectorHit]] = {}
        for partition, matrix in matrices.items():
            if partition.within(scope) and len(matrix):
                by_lang.setdefault(partition.lang, []).extend(_nearest(partition, ids[partition], matrix, vector, limit))
        return merge_by_language(by_lang, limit)

    def refresh(self) -> None:
        with self._lock:
            self._load()

    def release(self) -> None:
        """Give the memory back: another index answers from now on."""
        with self._lock:
            self._ids, self._matrices, self._generation = {}, {}, -1

    def status(self) -> dict[str, object]:
        vectors = sum(len(matrix) for matrix in self._matrices.values())
        return {"index": self.name, "vectors": vectors, "generation": self._generation}

    def close(self) -> None:
        self.release()

    def _catch_up(self) -> None:
        # A burst of changes (an ingest in another process) costs one look per interval, not one per question.
        if self._generation >= 0 and time.monotonic() - self._checked_at < self._min_refresh_seconds:
            return
        with self._lock:
            if self._generation >= 0 and time.monotonic() - self._checked_at < self._min_refresh_seconds:
                return
            self._load()

    def _load(self) -> None:
        started = time.monotonic()
        with self._database.read() as session:
            generation = store.generation(session)
            if generation != self._generation:
                wanted = live_ids(session, self._spec)
                self._ids, self._matrices = self._merged(session, wanted)
                self._generation = generation
        self._checked_at = time.monotonic() + (time.monotonic() - started)

    def _merged(
        self, session: Session, wanted: dict[Partition, np.ndarray]
    ) -> tuple[dict[Partition, np.ndarray], dict[Partition, np.ndarray]]:
        ids, matrices = {}, {}
        for partition, new_ids in wanted.items():
            old_ids = self._ids.get(partition, np.empty(0, np.int64))
            old = self._matrices.get(partition, np.empty((0, self._dim), np.float32))
            kept = np.isin(old_ids, new_ids)
            missing = np.setdiff1d(new_ids, old_ids, assume_unique=True)
            ids[partition] = np.concatenate([old_ids[kept], missing])
            matrices[partition] = np.concatenate([old[kept], load_vectors(session, missing, self._dim)])
        return ids, matrices


def _nearest(
    partition: Partition, ids: np.ndarray, matrix: np.ndarray, vector: np.ndarray, limit: int
) -> list[VectorHit]:
    similarities = matrix @ vector
    top = np.argpartition(-similarities, limit - 1)[:limit] if len(ids) > limit else np.arange(len(ids))
    return [VectorHit(int(ids[i]), float(similarities[i]), partition.lang) for i in top]


def merge_by_language(by_lang: dict[str, list[VectorHit]], limit: int) -> list[VectorHit]:
    """Up to `limit` best hits of each language, all together best first; ties by chunk id, so that runs repeat."""
    kept: list[VectorHit] = []
    for hits in by_lang.values():
        kept += sorted(hits, key=lambda hit: (-hit.similarity, hit.chunk_id))[:limit]
    return sorted(kept, key=lambda hit: (-hit.similarity, hit.chunk_id))


def live_ids(session: Session, spec: str) -> dict[Partition, np.ndarray]:
    """Ids of the live chunks that have a vector of `spec`, per partition, ascending."""
    found: dict[Partition, list[int]] = {}
    query = select(ChunkRow.id, ChunkRow.collection, ChunkRow.audience, ChunkRow.lang).where(
        ChunkRow.live, ChunkRow.spec == spec
    )
    for chunk_id, collection, audience, lang in session.execute(query):
        found.setdefault(Partition(collection, audience, lang), []).append(chunk_id)
    return {partition: np.sort(np.array(ids, np.int64)) for partition, ids in found.items()}


def load_vectors(session: Session, ids: np.ndarray, dim: int) -> np.ndarray:
    """(len(ids), dim) float32: the stored vectors, in the order of `ids`."""
    matrix = np.zeros((len(ids), dim), np.float32)
    for start in range(0, len(ids), LOAD_ROWS):
        part = [int(i) for i in ids[start : start + LOAD_ROWS]]
        places = {chunk_id: start + place for place, chunk_id in enumerate(part)}
        for chunk_id, blob in session.execute(select(ChunkRow.id, ChunkRow.vector).where(ChunkRow.id.in_(part))):
            matrix[places[chunk_id]] = np.frombuffer(blob, "<f4")
    return matrix


def count_stale(session: Session, spec: str) -> int:
    """Live chunks whose vector belongs to another embedding spec: keyword search finds them, vectors do not yet."""
    query = select(func.count()).select_from(ChunkRow).where(ChunkRow.live, ChunkRow.spec != spec)
    return int(session.scalar(query) or 0)
