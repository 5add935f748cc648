"""Firstline as a peer: the pieces written anew into a database of their own, and searched as the product does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from base.database import Database
from base.migrate import migrate
from base.text import detect_language
from evals.asking import EVERYTHING
from evals.peers.peer import Piece, Remembered
from kb import store
from kb.audit import passage_text
from kb.embed import Embedder
from kb.keyword import make_keyword_index
from kb.models import ArticleDraft, Audience, ChunkDraft
from kb.search import Searcher
from kb.tables import ArticleRow, ChunkRow, VersionRow
from kb.vector import ExactIndex

NAME = "Firstline"
PER_WRITE = 50  # articles in one transaction
Written = tuple[ArticleDraft, list[ChunkDraft], list[str]]


class Firstline:
    """Our own search over what `original` holds. Pieces are known by the ids they have there."""

    name = NAME

    def __init__(self, original: Database, embedder: Embedder) -> None:
        self._original, self._embedder = original, embedder
        self._database: Database | None = None

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        self._database = database = Database(f"sqlite:///{folder / 'firstline.db'}")
        migrate(database)
        keywords, spec = make_keyword_index(database), self._embedder.spec
        with self._original.read() as session:
            articles = list(_articles(session, spec.digest))
        texts = {piece.id: piece.text for piece in pieces}
        self._ids: dict[tuple[str, int], str] = {}  # (source, start in the article) -> the id in the original
        for start in range(0, len(articles), PER_WRITE):
            with database.begin() as session:
                for draft, chunks, ids in articles[start : start + PER_WRITE]:
                    self._ids |= {(draft.source, one.ordinal): name for one, name in zip(chunks, ids, strict=True)}
                    vectors = np.array(embeddings.embed_documents([texts[name] for name in ids]), np.float32)
                    store.save_version(session, keywords, draft, chunks, vectors, spec.digest, datetime.now(UTC))
        index = ExactIndex(database, spec.digest, spec.dim)
        self._searcher = Searcher(database, self._embedder, index, keywords)
        self._embeddings = embeddings
        with database.read() as session:
            self._known = _known(session, self._ids)

    def search(self, question: str, limit: int) -> list[str]:
        vector = np.array(self._embeddings.embed_query(question), np.float32)
        lang = detect_language(question)
        found = self._searcher.search(question, scope=EVERYTHING, top_k=limit, lang=lang, vector=vector)
        return [self._known[passage.chunk_id] for passage in found.passages]

    def close(self) -> None:
        if self._database is not None:
            self._database.close()


def pieces_of(database: Database, spec: str) -> tuple[list[Piece], dict[str, np.ndarray]]:
    """Every live passage with a vector of `spec`, as it is embedded, and the vector by its text."""
    query = select(ChunkRow.id, VersionRow.title, ChunkRow.breadcrumb, ChunkRow.text, ChunkRow.vector)
    with database.read() as session:
        rows = session.execute(
            query.join(VersionRow, VersionRow.id == ChunkRow.version_id)
            .where(ChunkRow.live, ChunkRow.spec == spec)
            .order_by(ChunkRow.id)
        ).all()
    pieces = [Piece(str(row.id), passage_text(row.title, row.breadcrumb, row.text)) for row in rows]
    return pieces, {one.text: np.frombuffer(row.vector, "<f4") for one, row in zip(pieces, rows, strict=True)}


def _articles(session: Session, spec: str) -> Iterator[Written]:
    """What is live, article by article: the draft, its chunks and their ids."""
    by_version: dict[int, list[ChunkRow]] = {}
    query = select(ChunkRow).where(ChunkRow.live, ChunkRow.spec == spec).order_by(ChunkRow.version_id, ChunkRow.ordinal)
    for row in session.scalars(query):
        by_version.setdefault(row.version_id, []).append(row)
    for version, rows in by_version.items():
        article = session.scalars(select(ArticleRow).where(ArticleRow.version_id == version)).one()
        body = session.scalars(select(VersionRow.body).where(VersionRow.id == version)).one()
        draft = ArticleDraft(
            article.collection, article.source, article.title, body, article.lang, Audience(article.audience),
            article.translation_key,
        )  # fmt: skip
        chunks = [ChunkDraft(r.ordinal, tuple(r.breadcrumb), r.heading, r.text, r.start, r.end) for r in rows]
        yield draft, chunks, [str(row.id) for row in rows]


def _known(session: Session, ids: dict[tuple[str, int], str]) -> dict[int, str]:
    """The original's id of each chunk of the copy."""
    query = select(ChunkRow.id, ArticleRow.source, ChunkRow.ordinal).join(
        ArticleRow, ArticleRow.id == ChunkRow.article_id
    )
    return {row.id: ids[row.source, row.ordinal] for row in session.execute(query)}
