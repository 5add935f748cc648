"""Vector search. The database holds the vectors; every index here is derived and can be thrown away (promise 10).

`ExactIndex` compares with all of them (fine to about 100,000 in scope) and is what answers while another is rebuilt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base.database import Database
from kb import store
from kb.applies import columns, from_columns, within
from kb.models import ALL, Applies, Scope
from kb.tables import ChunkRow

LOAD_ROWS = 2000
_LIMITS = [getattr(ChunkRow, name) for name in columns(ALL)]


@dataclass(frozen=True, slots=True)
class Partition:
    """Chunks that a scope sees all of or none: no filter is ever needed inside one."""

    collection: str
    audience: str
    lang: str
    applies: Applies = ALL

    @property
    def whole(self) -> Partition:
        """The partition without what its articles apply to: what is kept in one matrix."""
        return self if self.applies is ALL else Partition(self.collection, self.audience, self.lang)

    def within(self, scope: Scope) -> bool:
        if self.audience not in scope.audiences or (scope.collections and self.collection not in scope.collections):
            return False
        return within(self.applies, scope)


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
        """Something changed: no search that begins after this call misses it."""
        ...

    def rebuild(self, reason: str) -> None:
        """Forget what the index holds and take it from the database again. reason: for logs and metrics."""
        ...

    def status(self) -> dict[str, object]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The vectors of one collection, audience and language. Never changed in place."""

    ids: np.ndarray  # (n,) int64
    vectors: np.ndarray  # (n, dim) float32
    limits: tuple[Applies, ...]  # the kinds of limit its articles have
    limit: np.ndarray  # (n,) int32: of each row, its place in `limits`

    def nearest(self, lang: str, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        """The `limit` nearest rows this scope may see, and all that are as near as the last of them, in any order."""
        seen = np.fromiter((within(applies, scope) for applies in self.limits), bool, len(self.limits))
        if not seen.any():
            return []
        similarities = self.vectors @ vector
        if not seen.all():
            similarities[~seen[self.limit]] = -np.inf
        size = len(similarities)
        # All that are as near as the last one: which of equals stays is decided by chunk id, when languages are merged.
        lowest = np.partition(similarities, size - limit)[size - limit] if size > limit else -np.inf
        top = np.nonzero((similarities >= lowest) & (similarities > -np.inf))[0]
        return [VectorHit(int(self.ids[i]), float(similarities[i]), lang) for i in top]


class ExactIndex:
    """Every live vector in memory, one matrix per partition, compared exactly. Follows the database by itself."""

    name = "exact"

    def __init__(self, database: Database, spec: str, dim: int, *, min_refresh_seconds: float = 0.5) -> None:
        self._database, self._spec, self._dim = database, spec, dim
        self._min_refresh_seconds = min_refresh_seconds
        self._lock = threading.Lock()
        self._generation = -1
        self._look_again_at = 0.0
        self._parts: dict[Partition, Matrix] = {}  # replaced as a whole: a search keeps the one it began with

    def search(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        by_lang: dict[str, list[VectorHit]] = {}
        for partition, part in self._current().items():
            if partition.within(scope):
                by_lang.setdefault(partition.lang, []).extend(part.nearest(partition.lang, vector, scope, limit))
        return merge_by_language(by_lang, limit)

    @property
    def generation(self) -> int:
        """Of the database, as of the last look."""
        return self._generation

    def refresh(self) -> None:
        self._look_again_at = 0.0  # the next search looks

    def rebuild(self, reason: str) -> None:
        self.release()

    def release(self) -> None:
        """Give the memory back; the next search loads again."""
        with self._lock:
            self._parts, self._generation, self._look_again_at = {}, -1, 0.0

    def status(self) -> dict[str, object]:
        vectors = sum(len(part.ids) for part in self._parts.values())
        return {"index": self.name, "ready": True, "vectors": vectors, "generation": self._generation}

    def close(self) -> None:
        self.release()

    def _current(self) -> dict[Partition, Matrix]:
        # A burst of changes (an ingest in another process) costs one look per interval, not one per question.
        with self._lock:
            if time.monotonic() >= self._look_again_at:
                self._load()
            return self._parts

    def _load(self) -> None:
        started = time.monotonic()
        with self._database.read() as session:
            generation = store.generation(session)
            if generation != self._generation:
                wanted = live_ids(session, self._spec)
                self._parts = matrices(session, wanted, self._dim, self._parts)
                self._generation = generation
        loading = time.monotonic() - started
        pause = self._min_refresh_seconds + loading if self._min_refresh_seconds else 0.0
        self._look_again_at = time.monotonic() + pause


def matrices(
    session: Session, wanted: Mapping[Partition, np.ndarray], dim: int, known: Mapping[Partition, Matrix]
) -> dict[Partition, Matrix]:
    """A matrix for every collection, audience and language among the wanted; what is known is not read again."""
    grouped: dict[Partition, list[tuple[Applies, np.ndarray]]] = {}
    for partition, ids in wanted.items():
        grouped.setdefault(partition.whole, []).append((partition.applies, ids))
    return {whole: _merged(session, known.get(whole), kinds, dim) for whole, kinds in grouped.items()}


def _merged(session: Session, old: Matrix | None, kinds: Sequence[tuple[Applies, np.ndarray]], dim: int) -> Matrix:
    """What we have and still want, then what is new; with the limits of now."""
    wanted = np.concatenate([ids for _, ids in kinds])
    order = np.argsort(wanted, kind="stable")
    wanted = wanted[order]
    limit = np.repeat(np.arange(len(kinds), dtype=np.int32), [len(ids) for _, ids in kinds])[order]
    limits = tuple(applies for applies, _ in kinds)
    if old is None:
        return Matrix(wanted, load_vectors(session, wanted, dim), limits, limit)
    kept = np.isin(old.ids, wanted)
    missing = np.setdiff1d(wanted, old.ids, assume_unique=True)
    ids, vectors = old.ids, old.vectors
    if len(missing) or not kept.all():
        ids = np.concatenate([old.ids[kept], missing])
        vectors = np.concatenate([old.vectors[kept], load_vectors(session, missing, dim)])
    return Matrix(ids, vectors, limits, limit[np.searchsorted(wanted, ids)])


def merge_by_language(by_lang: dict[str, list[VectorHit]], limit: int) -> list[VectorHit]:
    """Up to `limit` best hits of each language, all together best first; ties by chunk id, so that runs repeat."""
    kept: list[VectorHit] = []
    for hits in by_lang.values():
        kept += sorted(hits, key=lambda hit: (-hit.similarity, hit.chunk_id))[:limit]
    return sorted(kept, key=lambda hit: (-hit.similarity, hit.chunk_id))


def live_ids(session: Session, spec: str) -> dict[Partition, np.ndarray]:
    """Ids of the live chunks that have a vector of `spec`, per partition, ascending. Reads one index, not the rows."""
    found: dict[tuple[str, str, str, tuple[str, str, str, str, str]], list[int]] = {}
    query = select(ChunkRow.id, ChunkRow.collection, ChunkRow.audience, ChunkRow.lang, *_LIMITS).where(
        ChunkRow.live, ChunkRow.spec == spec
    )
    for chunk_id, collection, audience, lang, *limits in session.execute(query):
        found.setdefault((collection, audience, lang, tuple(limits)), []).append(chunk_id)
    return {
        Partition(collection, audience, lang, from_columns(*limits)): np.sort(np.array(ids, np.int64))
        for (collection, audience, lang, limits), ids in found.items()
    }


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
