"""The one door for readers: a question in, passages out, best first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from base.database import Database
from base.log import get_logger
from base.text import clean, detect_language, query_tokens
from kb import store
from kb.embed import Embedder
from kb.keyword import KeywordIndex, TokenWeights
from kb.models import Passage, Scope, Status
from kb.rank import Candidate, collapse, fuse, scored
from kb.tables import ArticleRow, ChunkRow
from kb.vector import VectorIndex

log = get_logger(__name__)
CANDIDATES = 40  # per ranker and language; ranking them costs less than embedding the question


@dataclass(frozen=True, slots=True)
class Found:
    """Passages for a question, with what the policy needs to judge them."""

    passages: tuple[Passage, ...]
    vector: np.ndarray  # the question's embedding, (dim,)
    lang: str
    total_chunks: int  # live chunks in the knowledge base


class Searcher:
    """Search over what is live. Safe to share between threads."""

    def __init__(self, database: Database, embedder: Embedder, vectors: VectorIndex, keywords: KeywordIndex) -> None:
        self._database, self._embedder, self._vectors, self._keywords = database, embedder, vectors, keywords
        self._weights = TokenWeights(keywords)
        self._count: tuple[int, int] = (-1, 0)

    def search(
        self, question: str, *, scope: Scope | None = None, top_k: int = 8, lang: str = "", vector: np.ndarray | None = None
    ) -> Found:
        """Up to `top_k` passages this scope may see. `lang`: the customer's language, told from the question if empty;
        `vector`: the question's embedding if it is known already. An empty question finds nothing."""
        scope = scope or Scope()
        text = clean(question)
        lang = lang or detect_language(text)
        if vector is None:
            vector = self._embedder.embed_query(text, lang)
        near = self._vectors.search(vector, scope, CANDIDATES) if text else []
        with self._database.read() as session:
            total = self._live_count(session)
            tokens = query_tokens(text)
            weights = self._weights.weigh(session, tokens, self._count[0], total)
            words = self._keywords.search(session, self._weights.selective(tokens), scope, CANDIDATES)
            similarity = {hit.chunk_id: hit.similarity for hit in near}
            bm25 = {hit.chunk_id: hit.score for hit in words}
            candidates = self._candidates(session, similarity, bm25, vector)
            fused = fuse(candidates, lang, weights)
            known = {candidate.chunk_id: candidate for candidate in candidates}
            passages = store.passages(session, list(fused), scope)
            ranked = [
                scored(passage, fused[i][0], known[i].similarity, fused[i][1]) for i, passage in passages.items()
            ]
            ranked = self._with_own_language(session, ranked, lang, vector, scope, top_k)
        return Found(tuple(collapse(ranked, lang, top_k)), vector, lang, total)

    def _live_count(self, session: Session) -> int:
        generation = store.generation(session)
        if self._count[0] != generation:
            self._count = (generation, store.count_live(session))
        return self._count[1]

    def _candidates(
        self, session: Session, similarity: dict[int, float], bm25: dict[int, float], vector: np.ndarray
    ) -> list[Candidate]:
        """Everything the rankers named, with tokens, and the similarity of what only the keywords found."""
        ids = list(similarity.keys() | bm25.keys())
        rows = session.execute(
            select(ChunkRow.id, ChunkRow.lang, ChunkRow.tokens, ChunkRow.vector, ChunkRow.spec).where(ChunkRow.id.in_(ids))
        ).all()
        spec = self._embedder.spec.digest
        found = []
        for row in sorted(rows, key=lambda row: row.id):
            near = similarity.get(row.id)
            if near is None:
                near = float(np.frombuffer(row.vector, "<f4") @ vector) if row.spec == spec else 0.0
            found.append(Candidate(row.id, row.lang, near, bm25.get(row.id, 0.0), frozenset(row.tokens.split())))
        return found

    def _with_own_language(
        self, session: Session, ranked: list[Passage], lang: str, vector: np.ndarray, scope: Scope, top_k: int
    ) -> list[Passage]:
        """Where a foreign article is among the best and exists in the customer's language, bring that version's best
        passage up to its place."""
        best = sorted(ranked, key=lambda p: -p.score)[: top_k * 2]
        foreign: dict[tuple[str, str], Passage] = {}
        for passage in best:
            if passage.lang != lang and passage.translation_key:
                foreign.setdefault((passage.collection, passage.translation_key), passage)
        if not foreign:
            return ranked
        rows = session.execute(
            select(ChunkRow.id, ChunkRow.vector, ArticleRow.collection, ArticleRow.translation_key)
            .join(ArticleRow, ArticleRow.id == ChunkRow.article_id)
            .where(
                ArticleRow.translation_key.in_([key for _, key in foreign]),
                ArticleRow.lang == lang,
                ArticleRow.status == Status.PUBLISHED,
                ChunkRow.live,
                ChunkRow.spec == self._embedder.spec.digest,
            )
        ).all()
        twins: dict[tuple[str, str], tuple[float, int]] = {}
        for chunk_id, blob, collection, key in rows:
            near = float(np.frombuffer(blob, "<f4") @ vector)
            twins[(collection, key)] = max(twins.get((collection, key), (-1.0, 0)), (near, chunk_id))
        added = store.passages(session, [chunk_id for _, chunk_id in twins.values()], scope)
        by_id = {passage.chunk_id: passage for passage in ranked}
        for key, (near, chunk_id) in twins.items():
            original, twin = foreign.get(key), added.get(chunk_id)
            if original is None or twin is None:
                continue
            known = by_id.get(chunk_id)
            if known is None or known.score < original.score:
                by_id[chunk_id] = scored(twin, original.score, near, max(original.keyword, known.keyword if known else 0.0))
        return list(by_id.values())
