"""pgvector: the index for PostgreSQL. Half-precision vectors in a table of their own, derived like every index.

Exact below EXACT_ROWS rows in scope, HNSW with a relaxed iterative scan above: with the default scan a filter that
keeps 1 % of the rows found 5 % of the neighbours (measured; decisions/0004).
"""

from __future__ import annotations

import threading

import numpy as np
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from base.database import Database
from base.errors import MisconfiguredSetting
from kb import store
from kb.models import Scope
from kb.vector import VectorHit, live_ids, load_vectors, merge_by_language

EXACT_ROWS = 5000
BATCH = 500


class PgVectorIndex:
    """Vector search inside PostgreSQL. Raises MisconfiguredSetting when the server lacks the extension."""

    name = "pgvector"

    def __init__(self, database: Database, spec: str, dim: int) -> None:
        if database.is_sqlite:
            raise MisconfiguredSetting(name="vector_index", reason="pgvector needs a PostgreSQL database_url")
        self._database, self._spec, self._dim = database, spec, dim
        self._lock = threading.Lock()
        self._generation = -1
        try:
            with database.begin() as session:
                session.execute(text("SELECT pg_advisory_xact_lock(1718185586)"))
                session.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
                session.execute(
                    text(
                        "CREATE TABLE IF NOT EXISTS kb_vectors (chunk_id integer PRIMARY KEY, spec text NOT NULL, "
                        "collection text NOT NULL, audience text NOT NULL, lang text NOT NULL, "
                        f"embedding halfvec({dim}) NOT NULL)"
                    )
                )
                session.execute(
                    text(
                        "CREATE INDEX IF NOT EXISTS ix_kb_vectors_hnsw ON kb_vectors "
                        "USING hnsw (embedding halfvec_cosine_ops)"
                    )
                )
        except DBAPIError as error:
            raise MisconfiguredSetting(
                name="vector_index", reason=f"the PostgreSQL server offers no pgvector extension ({error.orig})"
            ) from error

    def search(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        self._catch_up()
        by_lang: dict[str, list[VectorHit]] = {}
        with self._database.read() as session:
            session.execute(text("SET LOCAL hnsw.iterative_scan = 'relaxed_order'"))
            session.execute(text("SET LOCAL hnsw.ef_search = 100"))
            for lang in session.execute(text("SELECT DISTINCT lang FROM kb_vectors")).scalars().all():
                by_lang[lang] = self._search_lang(session, vector, scope, lang, limit)
        return merge_by_language(by_lang, limit)

    def refresh(self) -> None:
        self._catch_up()

    def status(self) -> dict[str, object]:
        with self._database.read() as session:
            count = session.execute(text("SELECT count(*) FROM kb_vectors")).scalar_one()
        return {"index": self.name, "ready": True, "vectors": int(count), "generation": self._generation}

    def close(self) -> None:
        """Nothing of ours stays open."""

    def _search_lang(self, session: Session, vector: np.ndarray, scope: Scope, lang: str, limit: int) -> list[VectorHit]:
        where = "spec = :spec AND lang = :lang AND audience = ANY(:audiences)"
        values: dict[str, object] = {"spec": self._spec, "lang": lang, "audiences": [str(a) for a in scope.audiences]}
        if scope.collections:
            where += " AND collection = ANY(:collections)"
            values["collections"] = list(scope.collections)
        rows = session.execute(
            text(f"SELECT count(*) FROM (SELECT 1 FROM kb_vectors WHERE {where} LIMIT {EXACT_ROWS + 1}) s"), values
        ).scalar_one()
        source = f"(SELECT chunk_id, embedding FROM kb_vectors WHERE {where})"
        head = f"WITH scope AS MATERIALIZED {source} " if rows <= EXACT_ROWS else ""
        table = "scope" if rows <= EXACT_ROWS else f"kb_vectors WHERE {where}"
        found = session.execute(
            text(
                f"{head}SELECT chunk_id, embedding <=> CAST(:q AS halfvec) AS distance FROM {table} "
                "ORDER BY distance LIMIT :limit"
            ),
            {**values, "q": _literal(vector), "limit": limit},
        )
        return [VectorHit(int(row[0]), 1.0 - float(row[1]), lang) for row in found]

    def _catch_up(self) -> None:
        with self._database.read() as session:
            if store.generation(session) == self._generation:
                return
        with self._lock, self._database.begin() as session:
            session.execute(text("SELECT pg_advisory_xact_lock(1718185586)"))
            generation = store.generation(session)
            wanted = live_ids(session, self._spec)
            ids = np.concatenate(list(wanted.values())) if wanted else np.empty(0, np.int64)
            session.execute(
                text("DELETE FROM kb_vectors WHERE spec <> :spec OR chunk_id <> ALL(:ids)"),
                {"spec": self._spec, "ids": ids.tolist()},
            )
            have = np.array(session.execute(text("SELECT chunk_id FROM kb_vectors")).scalars().all(), np.int64)
            for partition, new in wanted.items():
                missing = np.setdiff1d(new, have)
                for start in range(0, len(missing), BATCH):
                    part = missing[start : start + BATCH]
                    vectors = load_vectors(session, part, self._dim)
                    session.execute(
                        text(
                            "INSERT INTO kb_vectors (chunk_id, spec, collection, audience, lang, embedding) "
                            "VALUES (:id, :spec, :collection, :audience, :lang, CAST(:v AS halfvec))"
                        ),
                        [
                            {"id": int(chunk_id), "spec": self._spec, "collection": partition.collection,
                             "audience": partition.audience, "lang": partition.lang, "v": _literal(vector)}
                            for chunk_id, vector in zip(part, vectors, strict=True)
                        ],
                    )  # fmt: skip
            self._generation = generation


def _literal(vector: np.ndarray) -> str:
    return "[" + ",".join(f"{value:.6f}" for value in vector.tolist()) + "]"
