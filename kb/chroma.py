"""Sealed Chroma: the default index. Embedded, in one owner process, ids and vectors only, never the only copy.

A kill during an add can destroy a Chroma directory so that it takes down whoever opens it, and two processes on one
directory lose vectors without a word (both measured; decisions/0004). Hence the owner's lock and the seal (kb/seal.py):
what is not sealed is never opened, but deleted and rebuilt from the database while exact search answers. The seal is
broken while the directory is opened, too: one that brings the process down does so once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from base.database import Database
from base.log import get_logger
from base.metrics import INDEX_REBUILDS
from kb import store
from kb.applies import columns
from kb.derived import EXACT_UP_TO, NOTHING, DerivedIndex
from kb.models import Scope
from kb.seal import Seal, Sealed
from kb.vector import Matrix, Partition, VectorHit, live_ids, load_vectors, matrices, merge_by_language

log = get_logger(__name__)
BATCH = 500
CANARIES = 8  # vectors per partition that must find themselves before an opened directory is believed
FEW = 500  # chunks with the same limits: fewer are compared exactly, or every expiry date had a collection of its own
SAME = 0.995  # a cosine this high is the vector itself, or one of an equal text


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One partition as searches see it. Never changed in place."""

    partition: Partition
    collection: Any  # chromadb.Collection
    size: int


class SealedChroma(DerivedIndex):
    """Chroma behind a seal. Without the owner's lock, which another process has, it stays exact."""

    name = "chroma"

    def __init__(
        self, folder: Path, database: Database, spec: str, dim: int, *, exact_up_to: int = EXACT_UP_TO
    ) -> None:
        super().__init__(database, spec, dim, exact_up_to=exact_up_to)
        self._folder, self._store = folder, folder / "store"
        self._seal = Seal(folder, self._store, spec)
        self._lock_handle: int | None = None
        self._client: Any = None
        self._collections: dict[Partition, Any] = {}
        self._held = Sealed(NOTHING, {})  # what is in Chroma
        self._parts: tuple[_Part, ...] = ()
        self._few: dict[Partition, Matrix] = {}  # what is not worth a collection

    def start(self) -> None:
        if self._lock():
            super().start()
        else:
            log.info("index_owned_elsewhere", folder=self._folder.name)

    def _nearest(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        by_lang: dict[str, list[VectorHit]] = {}
        for part in self._parts:
            if part.partition.within(scope):
                hits = _ask(part.collection, part.partition.lang, vector, min(limit, part.size))
                by_lang.setdefault(part.partition.lang, []).extend(hits)
        for partition, few in self._few.items():
            if partition.within(scope):
                hits = few.nearest(partition.lang, vector, scope, limit)
                by_lang.setdefault(partition.lang, []).extend(hits)
        return merge_by_language(by_lang, limit)

    def _count(self) -> int:
        return sum(part.size for part in self._parts) + sum(len(few.ids) for few in self._few.values())

    def _bring_up(self, condemned: str) -> int:
        opened = condemned != "" or self._client is None
        if opened:
            self._open(condemned)
        with self._database.read() as session:
            generation = store.generation(session)
            if generation == self._held.generation and not opened:
                return generation
            live = live_ids(session, self._spec)
            wanted = {p: ids for p, ids in live.items() if p == p.whole or len(ids) >= FEW}
            few = matrices(session, {p: ids for p, ids in live.items() if p not in wanted}, self._dim, self._few)
        self._withdraw()
        self._seal.break_()
        for partition in wanted.keys() | self._held.ids.keys():
            if not self._sync(partition, wanted.get(partition, np.empty(0, np.int64))):
                return NOTHING  # left unsealed: the next start builds anew
        self._held = Sealed(generation, wanted)
        self._parts = tuple(_Part(p, self._collection(p), len(ids)) for p, ids in wanted.items())
        self._few = few
        self._put_seal()
        return generation

    def _sync(self, partition: Partition, wanted: np.ndarray) -> bool:
        """Make one collection hold `wanted`. False when told to stop."""
        have = self._held.ids.get(partition, np.empty(0, np.int64))
        gone, missing = np.setdiff1d(have, wanted), np.setdiff1d(wanted, have)
        collection = self._collection(partition)
        for start in range(0, len(gone), BATCH):
            collection.delete(ids=[str(i) for i in gone[start : start + BATCH]])
        for start in range(0, len(missing), BATCH):
            if self._stop.is_set():
                return False
            part = missing[start : start + BATCH]
            with self._database.read() as session:
                vectors = load_vectors(session, part, self._dim)
            collection.upsert(ids=[str(i) for i in part], embeddings=vectors)
        return True

    def _collection(self, partition: Partition) -> Any:
        if partition not in self._collections:
            limits = () if partition == partition.whole else columns(partition.applies).values()
            key = "\x00".join((partition.collection, partition.audience, partition.lang, *limits))
            self._collections[partition] = self._client.get_or_create_collection(
                name="c-" + hashlib.sha256(key.encode()).hexdigest()[:40],
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_search": 128}},
            )
        return self._collections[partition]

    def _open(self, condemned: str) -> None:
        """Open what is sealed and sound; otherwise begin with an empty directory."""
        self._withdraw()
        self._let_client_go()
        sealed = None if condemned else self._seal.read()
        self._seal.break_()
        if sealed is not None:
            self._connect()
            if self._is_sound(sealed):
                self._held = sealed
                return
            self._let_client_go()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._store)
        INDEX_REBUILDS.labels(reason=condemned or ("not_sealed" if sealed is None else "not_sound")).inc()
        self._connect()

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        self._client = chromadb.PersistentClient(path=str(self._store), settings=Settings(anonymized_telemetry=False))

    def _is_sound(self, sealed: Sealed) -> bool:
        """Whether the directory holds as many vectors as its seal says, and some of them find themselves.

        Counting alone proves nothing: a gutted collection counts right and finds nothing.
        """
        with self._database.read() as session:
            live = live_ids(session, self._spec)
            for partition, ids in sealed.ids.items():
                collection = self._collection(partition)
                if collection.count() != len(ids):
                    return False
                common = np.intersect1d(ids, live.get(partition, np.empty(0, np.int64)))
                chosen = common[np.linspace(0, len(common) - 1, min(CANARIES, len(common)), dtype=int)]
                for chunk_id, vector in zip(chosen, load_vectors(session, chosen, self._dim), strict=True):
                    hits = _ask(collection, partition.lang, vector, min(10, len(ids)))
                    if not any(hit.chunk_id == chunk_id or hit.similarity > SAME for hit in hits):
                        return False
        return True

    def _put_seal(self) -> None:
        try:
            self._seal.put(self._held)
        except OSError as error:  # a full disk: what is in memory answers, the next start builds anew
            log.warning("index_not_sealed", error=error.strerror)

    def _lock(self) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._lock_handle = handle
        return True

    def _let_client_go(self) -> None:
        client, self._client = self._client, None
        self._collections, self._parts, self._held, self._few = {}, (), Sealed(NOTHING, {}), {}
        if client is not None:
            with contextlib.suppress(Exception):  # a search may still hold it; it goes with its last user
                client.close()

    def _let_go(self) -> None:
        self._let_client_go()
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None


def _ask(collection: Any, lang: str, vector: np.ndarray, limit: int) -> list[VectorHit]:
    found = collection.query(query_embeddings=[vector.tolist()], n_results=limit, include=["distances"])
    pairs = zip(found["ids"][0], found["distances"][0], strict=True)
    return [VectorHit(int(chunk_id), 1.0 - float(distance), lang) for chunk_id, distance in pairs]
