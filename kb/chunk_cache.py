"""Chunks that were read lately, ready to be ranked: reading and decoding them again would be most of a search.

Content is remembered for one generation of the knowledge base. Whether a chunk may be shown is asked of its rows all the
same, before it is shown: an index or this memory may be stale, the rows are not (promise 7).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from sqlalchemy import Row, TextClause, bindparam, select, text
from sqlalchemy.orm import Session

from kb.applies import from_json, scope_clause, within
from kb.models import Audience, Passage, Scope, Status
from kb.tables import ArticleRow, ChunkRow, VersionRow

MAX_CHUNKS = 4_000  # about 12 kB each

_chunks, _articles, _versions = ChunkRow.__table__.c, ArticleRow.__table__.c, VersionRow.__table__.c
_CONTENT = (
    select(
        _chunks.id, _chunks.article_id, _articles.public_id, _chunks.version_id, _versions.number, _chunks.collection,
        _articles.source, _versions.title, _chunks.breadcrumb, _chunks.text, _chunks.lang, _chunks.audience,
        _articles.translation_key, _chunks.start, _chunks.end, _chunks.tokens, _chunks.vector, _chunks.spec,
        _articles.audience, _articles.applies,
    )
    .join_from(ChunkRow.__table__, ArticleRow.__table__, _articles.id == _chunks.article_id)
    .join(VersionRow.__table__, _versions.id == _chunks.version_id)
    .where(_chunks.id.in_(bindparam("ids", expanding=True)))
)  # fmt: skip
_OF_VERSION = select(_chunks.id).where(_chunks.version_id == bindparam("version")).order_by(_chunks.ordinal)
_TWINS = (
    select(_chunks.id, _articles.collection, _articles.translation_key)
    .join_from(ArticleRow.__table__, ChunkRow.__table__, _articles.version_id == _chunks.version_id)
    .where(
        _articles.collection.in_(bindparam("collections", expanding=True)),
        _articles.translation_key.in_(bindparam("keys", expanding=True)),
        _articles.lang == bindparam("lang"),
        _articles.status == Status.PUBLISHED,
        _chunks.live,
    )
)


@lru_cache(maxsize=64)  # one for each kind of scope
def _visible_query(is_postgres: bool, audiences: int, within_scope: str) -> TextClause:
    """As text with the ids in one value: asked several times a search, and a text that never changes is quickest."""
    ids = "unnest(CAST(:ids AS integer[])) AS i(value)" if is_postgres else "json_each(:ids) i"
    names = ", ".join(f":a{number}" for number in range(audiences))
    return text(
        f"SELECT c.id FROM {ids} CROSS JOIN kb_chunks c CROSS JOIN kb_articles a "  # in this order
        "WHERE c.id = i.value AND a.id = c.article_id AND a.version_id = c.version_id "
        f"AND c.live AND a.status = 'published' AND a.audience IN ({names}){within_scope}"
    )


@dataclass(frozen=True, slots=True, eq=False)
class KnownChunk:
    """A chunk as ranking needs it."""

    passage: Passage  # without figures
    tokens: frozenset[str]
    vector: np.ndarray  # (dim,) float32
    spec: str
    audiences: tuple[str, str]  # the chunk's and its article's: both must be in scope

    def within(self, scope: Scope) -> bool:
        allowed, collections, passage = scope.audiences, scope.collections, self.passage
        if collections and passage.collection not in collections:
            return False
        return all(a in allowed for a in self.audiences) and within(passage.applies, scope)


@dataclass(frozen=True, slots=True, eq=False)
class _Memory:
    generation: int
    chunks: dict[int, KnownChunk] = field(default_factory=dict)
    twins: dict[tuple[str, str, str], tuple[int, ...]] = field(default_factory=dict)  # collection, key, language
    versions: dict[int, tuple[int, ...]] = field(default_factory=dict)


class Read(Protocol):
    """How chunks are come by: `ChunkCache.get` or `ChunkCache.recall`."""

    def __call__(
        self, session: Session, ids: Collection[int], scope: Scope, generation: int, /
    ) -> dict[int, KnownChunk]: ...


class ChunkCache:
    """Safe to share between threads: what is forgotten or read twice costs time, never a wrong answer."""

    def __init__(self) -> None:
        self._memory = _Memory(-1)

    def recall(self, session: Session, ids: Collection[int], scope: Scope, generation: int) -> dict[int, KnownChunk]:
        """As `get`, but what is remembered is believed: to rank by. What is to be shown is put to `confirmed`."""
        remembered = self._of(generation).chunks
        known: dict[int, KnownChunk] = {}
        missing = []
        for chunk_id in ids:
            chunk = remembered.get(chunk_id)
            if chunk is None:
                missing.append(chunk_id)
            elif chunk.within(scope):
                known[chunk_id] = chunk
        return known | self.get(session, missing, scope, generation) if missing else known

    def confirmed(self, session: Session, ids: Collection[int], scope: Scope) -> bool:
        """Whether the rows say that all of these may be shown."""
        return len(self._visible(session, ids, scope)) == len(ids)

    def get(self, session: Session, ids: Collection[int], scope: Scope, generation: int) -> dict[int, KnownChunk]:
        """The chunks of `ids` that are live, published and for this scope as `session` sees it.

        generation: the one it sees, or one it could have seen a moment ago.
        """
        if not ids:
            return {}
        remembered = self._of(generation).chunks
        visible = self._visible(session, ids, scope)
        known = {chunk_id: chunk for chunk_id in visible if (chunk := remembered.get(chunk_id)) is not None}
        missing = [chunk_id for chunk_id in visible if chunk_id not in known]
        if missing:
            read = {row[0]: _known(row) for row in session.execute(_CONTENT, {"ids": missing})}
            if len(remembered) + len(read) > MAX_CHUNKS:
                remembered.clear()
            remembered.update(read)
            known |= read
        return known

    def of_version(self, session: Session, version_id: int, scope: Scope, generation: int, read: Read) -> list[Passage]:
        """All passages of a version that `read` (`get`, or `recall`) lets this scope see, in order."""
        remembered = self._of(generation).versions
        ids = remembered.get(version_id)
        if ids is None:
            ids = tuple(session.execute(_OF_VERSION, {"version": version_id}).scalars())
            if len(remembered) >= MAX_CHUNKS:
                remembered.clear()
            remembered[version_id] = ids
        known = read(session, ids, scope, generation)
        return [known[chunk_id].passage for chunk_id in ids if chunk_id in known]

    def twins(
        self, session: Session, articles: Collection[tuple[str, str]], lang: str, generation: int
    ) -> dict[tuple[str, str], tuple[int, ...]]:
        """The chunks, in `lang`, of the articles with these (collection, translation key); () where there are none."""
        remembered = self._of(generation).twins
        known = {pair: ids for pair in articles if (ids := remembered.get((*pair, lang))) is not None}
        missing = {pair: list[int]() for pair in articles if pair not in known}
        if missing:
            values = {"collections": list({c for c, _ in missing}), "keys": [key for _, key in missing], "lang": lang}
            for chunk_id, collection, key in session.execute(_TWINS, values):
                if (collection, key) in missing:
                    missing[collection, key].append(chunk_id)
            read = {pair: tuple(ids) for pair, ids in missing.items()}
            if len(remembered) + len(read) > MAX_CHUNKS:
                remembered.clear()
            remembered.update({(*pair, lang): ids for pair, ids in read.items()})
            known |= read
        return known

    def _of(self, generation: int) -> _Memory:
        """What is remembered of a generation: a memory of its own, so that no reader mixes two."""
        memory = self._memory
        if memory.generation != generation:
            memory = self._memory = _Memory(generation)
        return memory

    def _visible(self, session: Session, ids: Collection[int], scope: Scope) -> Sequence[int]:
        is_postgres = session.get_bind().dialect.name == "postgresql"
        clause, named = scope_clause(scope)
        values = named | {"ids": list(ids) if is_postgres else json.dumps(list(ids))}
        query = _visible_query(is_postgres, len(scope.audiences), clause)
        return session.execute(query, values).scalars().all()


def _known(row: Row[Any]) -> KnownChunk:
    passage = Passage(
        chunk_id=row[0], article_id=row[1], article_public_id=row[2], version_id=row[3], version_number=row[4],
        collection=row[5], source=row[6], title=row[7], breadcrumb=tuple(row[8]), text=row[9], lang=row[10],
        audience=Audience(row[11]), translation_key=row[12], score=0.0, similarity=0.0, keyword=0.0,
        start=row[13], end=row[14], applies=from_json(row[19]),
    )  # fmt: skip
    tokens = frozenset(set(row[15].split()))  # from a set: half the size of one made from a list
    return KnownChunk(passage, tokens, np.frombuffer(row[16], "<f4"), row[17], (row[11], row[18]))
