"""pgvector: the index for PostgreSQL. Half-precision vectors in a table of their own, derived like every index.

Exact below EXACT_ROWS rows in scope, HNSW with a relaxed iterative scan above: with the default scan a filter that
keeps 1 % of the rows found 5 % of the neighbours (measured; decisions/0004). Several processes share the table: the one
that has the advisory lock brings it up, the others search exactly until it is done.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from base.database import Database
from base.errors import MisconfiguredSetting
from base.metrics import INDEX_REBUILDS
from kb import store
from kb.applies import columns, scope_clause
from kb.derived import NOTHING, DerivedIndex
from kb.models import ALL, Scope
from kb.vector import VectorHit, load_vectors, merge_by_language

EXACT_ROWS = 5000
BATCH = 500
_LOCK_NUMBER = 1718185586  # any constant: PostgreSQL's advisory lock of this index
_FIELDS = ("spec", "collection", "audience", "lang", *columns(ALL))  # of a chunk, kept beside its vector
_LIVE = "c.live AND c.spec = :spec AND " + " AND ".join(f"c.{name} = v.{name}" for name in _FIELDS)


class PgVectorIndex(DerivedIndex):
    """Vector search inside PostgreSQL. Raises MisconfiguredSetting when the server lacks the extension."""

    name = "pgvector"

    def __init__(self, database: Database, spec: str, dim: int) -> None:
        if database.is_sqlite:
            raise MisconfiguredSetting(name="vector_index", reason="pgvector needs a PostgreSQL database_url")
        super().__init__(database, spec, dim, exact_up_to=-1)  # below EXACT_ROWS it compares exactly itself
        self._rows = 0
        with database.begin() as session:
            session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
            _make_extension(session)
            _make_table(session, dim)
        self.start()

    def _nearest(self, vector: np.ndarray, scope: Scope, limit: int) -> list[VectorHit]:
        by_lang: dict[str, list[VectorHit]] = {}
        with self._database.read() as session:
            session.execute(text("SET LOCAL hnsw.iterative_scan = 'relaxed_order'"))
            session.execute(text("SET LOCAL hnsw.ef_search = 100"))
            for lang in session.execute(text("SELECT DISTINCT lang FROM kb_vectors")).scalars().all():
                by_lang[lang] = self._nearest_of(session, vector, scope, lang, limit)
        return merge_by_language(by_lang, limit)

    def _count(self) -> int:
        return self._rows

    def _let_go(self) -> None:
        """Nothing of ours stays open."""

    def _nearest_of(self, session: Session, vector: np.ndarray, scope: Scope, lang: str, limit: int) -> list[VectorHit]:
        clause, named = scope_clause(scope)
        where = f"c.spec = :spec AND c.lang = :lang{clause}"
        values: dict[str, object] = {**named, "spec": self._spec, "lang": lang}
        rows = session.execute(
            text(f"SELECT count(*) FROM (SELECT 1 FROM kb_vectors c WHERE {where} LIMIT {EXACT_ROWS + 1}) s"), values
        ).scalar_one()
        source = f"(SELECT chunk_id, embedding FROM kb_vectors c WHERE {where})"
        head = f"WITH scope AS MATERIALIZED {source} " if rows <= EXACT_ROWS else ""
        table = "scope" if rows <= EXACT_ROWS else f"kb_vectors c WHERE {where}"
        found = session.execute(
            text(
                f"{head}SELECT chunk_id, embedding <=> CAST(:q AS halfvec) AS distance FROM {table} "
                "ORDER BY distance LIMIT :limit"
            ),
            {**values, "q": _literal(vector), "limit": limit},
        )
        return [VectorHit(int(row[0]), 1.0 - float(row[1]), lang) for row in found]

    def _bring_up(self, condemned: str) -> int:
        """In one transaction: other processes see the old table or the new one."""
        with self._database.begin() as session:
            mine = session.execute(text("SELECT pg_try_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER}).scalar_one()
            if not mine:
                return NOTHING
            if condemned:
                INDEX_REBUILDS.labels(reason=condemned).inc()
                session.execute(text("DELETE FROM kb_vectors"))
            generation = store.generation(session)
            gone = f"NOT EXISTS (SELECT 1 FROM kb_chunks c WHERE c.id = v.chunk_id AND {_LIVE})"
            session.execute(text(f"DELETE FROM kb_vectors v WHERE v.spec <> :spec OR {gone}"), {"spec": self._spec})
            missing = session.scalars(
                text(
                    "SELECT id FROM kb_chunks c WHERE live AND spec = :spec "
                    "AND NOT EXISTS (SELECT 1 FROM kb_vectors v WHERE v.chunk_id = c.id) ORDER BY id"
                ),
                {"spec": self._spec},
            ).all()
            for start in range(0, len(missing), BATCH):
                if self._stop.is_set():
                    session.rollback()
                    return NOTHING
                self._insert(session, missing[start : start + BATCH])
            rows = int(session.execute(text("SELECT count(*) FROM kb_vectors")).scalar_one())
        self._rows = rows
        return generation

    def _insert(self, session: Session, ids: Sequence[int]) -> None:
        vectors = load_vectors(session, np.array(ids, np.int64), self._dim)
        session.execute(
            text(
                f"INSERT INTO kb_vectors (chunk_id, {', '.join(_FIELDS)}, embedding) "
                f"SELECT id, {', '.join(_FIELDS)}, CAST(:v AS halfvec) FROM kb_chunks "
                "WHERE id = :id AND live AND spec = :spec"
            ),
            [{"id": i, "spec": self._spec, "v": _literal(vector)} for i, vector in zip(ids, vectors, strict=True)],
        )


def _make_extension(session: Session) -> None:
    offered = text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
    if not session.execute(offered).scalar_one():
        raise MisconfiguredSetting(name="vector_index", reason="the PostgreSQL server offers no pgvector extension")
    try:
        session.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    except DBAPIError as error:
        raise MisconfiguredSetting(
            name="vector_index", reason=f"the pgvector extension could not be created ({error.orig})"
        ) from error


def _make_table(session: Session, dim: int) -> None:
    """The table for vectors of this length; one made for another model, or with other columns, goes."""
    wanted = {"chunk_id": "integer", **dict.fromkeys(_FIELDS, "text"), "embedding": f"halfvec({dim})"}
    found = session.execute(
        text(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass('kb_vectors') AND attnum > 0 AND NOT attisdropped"
        )
    ).tuples()
    if dict(found.all()) == wanted:
        return
    session.execute(text("DROP TABLE IF EXISTS kb_vectors"))
    typed = ", ".join(f"{name} {kind} NOT NULL" for name, kind in wanted.items())
    session.execute(text(f"CREATE TABLE kb_vectors ({typed}, PRIMARY KEY (chunk_id))"))
    session.execute(text("CREATE INDEX ix_kb_vectors_hnsw ON kb_vectors USING hnsw (embedding halfvec_cosine_ops)"))


def _literal(vector: np.ndarray) -> str:
    return "[" + ",".join(f"{value:.6f}" for value in vector.tolist()) + "]"
