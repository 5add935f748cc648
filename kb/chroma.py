"""Sealed Chroma: the default index. Embedded, in one owner process, ids and vectors only, never the only copy.

A kill during an add can destroy a Chroma directory so that it takes down whoever opens it, and two processes on one
directory lose vectors without a word (both measured; decisions/0004). Hence the seal: `dirty` before a write, `sealed`
with generation and ids after it. A directory that is not sealed, or sealed for another embedding spec, is never opened:
it is deleted and rebuilt from the database in the background while exact search answers.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np

from base.database import Database
from base.log import get_logger
from base.metrics import INDEX_REBUILDS
from kb import store
from kb.models import Scope
from kb.vector import ExactIndex, Partition, VectorHit, live_ids, load_vectors, merge_by_language

log = get_logger(__name__)
BATCH = 500
SEAL = "seal.json"


class SealedChroma:
    """Chroma behind a seal, with exact search in front of it until it is whole and current."""

    name = "chroma"

    def __init__(self, folder: Path, database: Database, spec: str, dim: int) -> None:
        self._folder, self._database, self._spec, self._dim = folder, database, spec, dim
        self._exact = ExactIndex(database, spec, dim)
        self._wake, self._stop, self.ready = threading.Event(), threading.Event(), threading.Event()
        self._known: dict[Partition, np.ndarray] = {}
        self._collections: dict[Partition, Any] = {}
        self._generation = -1
        self._client: Any = None
        self._lock_handle: int | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Open or rebuild in the background. Without the owner's lock (another process has it) stay exact."""
        if not self._lock():
            log.info("index_owned_elsewhere", folder=self._folder.name)
            return
        self._thread = threading.Thread(target=self._run, name="chroma-owner", daemon=True)
        self._thread.start()
        self._wake.set()

    def search(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        if self.ready.is_set() and self._is_current():
            try:
                return self._search_chroma(vector, scope, limit)
            except Exception as error:  # whatever Chroma throws, exact search has the answer
                log.warning("index_search_failed", error=type(error).__name__)
                self._discard("search_failed")
        return self._exact.search(vector, scope, limit)

    def refresh(self) -> None:
        self._exact.refresh()
        self._wake.set()

    def rebuild(self, reason: str) -> None:
        """Throw the directory away and build it anew in the background; exact search answers meanwhile."""
        self._discard(reason)

    def status(self) -> dict[str, object]:
        vectors = sum(len(ids) for ids in self._known.values())
        return {"index": self.name, "ready": self.ready.is_set(), "vectors": vectors, "generation": self._generation}

    def close(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=20)
        self._client, self._collections = None, {}
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None

    def _search_chroma(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        by_lang: dict[str, list[VectorHit]] = {}
        for partition, collection in list(self._collections.items()):
            size = len(self._known.get(partition, ()))
            if not partition.within(scope) or size == 0:
                continue
            found = collection.query(
                query_embeddings=[vector.tolist()], n_results=min(limit, size), include=["distances"]
            )
            hits = zip(found["ids"][0], found["distances"][0], strict=True)
            by_lang.setdefault(partition.lang, []).extend(
                VectorHit(int(chunk_id), 1.0 - float(distance), partition.lang) for chunk_id, distance in hits
            )
        return merge_by_language(by_lang, limit)

    def _is_current(self) -> bool:
        with self._database.read() as session:
            if store.generation(session) == self._generation:
                return True
        self._wake.set()
        return False

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

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                self._catch_up()
            except Exception as error:  # the owner thread must live: it is what brings the index back
                log.warning("index_catch_up_failed", error=f"{type(error).__name__}: {error}"[:200])
                self._discard("catch_up_failed", wake=False)
                self._stop.wait(5)
                self._wake.set()

    def _catch_up(self) -> None:
        if self._client is None:
            self._open()
        with self._database.read() as session:
            generation = store.generation(session)
            if generation == self._generation:
                self.ready.set()
                return
            wanted = live_ids(session, self._spec)
        self._mark_dirty()
        for partition in wanted.keys() | self._known.keys():
            self._sync(partition, wanted.get(partition, np.empty(0, np.int64)))
        if self._stop.is_set():
            return
        self._known = {partition: ids for partition, ids in wanted.items() if len(ids)}
        self._seal(generation)
        self._generation = generation
        self.ready.set()
        self._exact.release()
        self._wake.set()  # look again: something may have changed while we were writing

    def _sync(self, partition: Partition, wanted: np.ndarray) -> None:
        have = self._known.get(partition, np.empty(0, np.int64))
        gone, missing = np.setdiff1d(have, wanted), np.setdiff1d(wanted, have)
        collection = self._collection(partition)
        for start in range(0, len(gone), BATCH):
            collection.delete(ids=[str(i) for i in gone[start : start + BATCH]])
        for start in range(0, len(missing), BATCH):
            if self._stop.is_set():
                return  # left unsealed: the next start rebuilds
            part = missing[start : start + BATCH]
            with self._database.read() as session:
                vectors = load_vectors(session, part, self._dim)
            collection.add(ids=[str(i) for i in part], embeddings=vectors)

    def _collection(self, partition: Partition) -> Any:
        if partition not in self._collections:
            key = "\x00".join((partition.collection, partition.audience, partition.lang))
            self._collections[partition] = self._client.get_or_create_collection(
                name="c-" + hashlib.sha256(key.encode()).hexdigest()[:40],
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_search": 128}},
            )
        return self._collections[partition]

    def _open(self) -> None:
        seal = self._read_seal()
        store_folder = self._folder / "store"
        if seal is None:
            shutil.rmtree(store_folder, ignore_errors=True)
            INDEX_REBUILDS.labels(reason="not_sealed").inc()
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        self._client = chromadb.PersistentClient(
            path=str(store_folder), settings=ChromaSettings(anonymized_telemetry=False)
        )
        self._known, self._generation = {}, -1
        if seal is not None:
            for entry in seal["partitions"]:
                partition = Partition(entry["collection"], entry["audience"], entry["lang"])
                self._known[partition] = np.array(entry["ids"], np.int64)
                if self._collection(partition).count() != len(entry["ids"]):
                    raise RuntimeError("the index does not hold what its seal says")
            self._generation = seal["generation"]

    def _read_seal(self) -> dict[str, Any] | None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            seal: dict[str, Any] = json.loads((self._folder / SEAL).read_text())
            if seal["spec"] == self._spec:
                return seal
        return None

    def _mark_dirty(self) -> None:
        (self._folder / SEAL).unlink(missing_ok=True)
        _sync_folder(self._folder)

    def _seal(self, generation: int) -> None:
        seal = {
            "spec": self._spec,
            "generation": generation,
            "partitions": [
                {"collection": p.collection, "audience": p.audience, "lang": p.lang, "ids": ids.tolist()}
                for p, ids in self._known.items()
            ],
        }
        temporary = self._folder / (SEAL + ".new")
        with temporary.open("w") as out:
            json.dump(seal, out)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(self._folder / SEAL)
        _sync_folder(self._folder)

    def _discard(self, reason: str, *, wake: bool = True) -> None:
        self.ready.clear()
        INDEX_REBUILDS.labels(reason=reason).inc()
        self._mark_dirty()
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.clear_system_cache()
        self._client, self._collections, self._known, self._generation = None, {}, {}, -1
        if wake:
            self._wake.set()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
