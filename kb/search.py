"""The one door for readers: a question in, passages out, best first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from sqlalchemy.orm import Session

from base.database import Database
from base.log import get_logger
from base.text import clean, detect_language, normalise, search_tokens
from kb import store
from kb.chunk_cache import ChunkCache, KnownChunk, Read
from kb.embed import Embedder
from kb.keyword import KeywordIndex, TokenWeights
from kb.models import Passage, Scope
from kb.rank import Candidate, Ranked, collapse, coverage, fuse
from kb.rerank import Contender, Question, Reranker, shipped_ranker
from kb.vector import VectorIndex

log = get_logger(__name__)
LONGEST_TITLE = 300  # characters of a question that may be a title
BELOW_TITLED = 0.95  # what others' scores are scaled to when a title is the question
CANDIDATES = 24  # per ranker; ranking them costs less than embedding the question
# Of those by vector, in the other language. On 300 questions to the demo and 720 to three public sets, some of which only
# the other language answers, 12 find what 24 do.
FOREIGN_CANDIDATES = 12


@dataclass(frozen=True, slots=True)
class Found:
    """Passages for a question, with what the policy needs to judge them."""

    passages: tuple[Passage, ...]
    vector: np.ndarray  # the question's embedding, (dim,)
    lang: str
    total_chunks: int  # live chunks in the knowledge base
    article: tuple[Passage, ...]  # all passages of the best one's article, in order


@dataclass(frozen=True, slots=True)
class Words:
    """What the keywords of a question say: the half of a search that needs no vector."""

    tokens: frozenset[str]
    weights: dict[str, float]  # of each token
    bm25: dict[int, float]  # chunk id -> score
    generation: int
    total: int  # live chunks in the knowledge base


class Searcher:
    """Search over what is live. Safe to share between threads."""

    def __init__(
        self, database: Database, embedder: Embedder, vectors: VectorIndex, keywords: KeywordIndex,
        today: Callable[[], str] = lambda: "", reranker: Reranker | None = None,
    ) -> None:  # fmt: skip
        """today: the day, YYYY-MM-DD, on which an article must be valid to be found; "": any day. reranker: who has the
        last word on the order; the one that ships when None."""
        self._today = today
        self._reranker = reranker or shipped_ranker()
        self._database, self._embedder, self._vectors, self._keywords = database, embedder, vectors, keywords
        self._weights = TokenWeights(keywords)
        self._chunks = ChunkCache()
        self._count: tuple[int, int] = (-1, 0)

    def search(
        self, question: str, *, scope: Scope | None = None, top_k: int = 8, lang: str = "",
        vector: np.ndarray | None = None, words: Words | None = None,
    ) -> Found:  # fmt: skip
        """Up to `top_k` passages this scope may see. `lang`: the customer's language, told from the question if empty;
        `vector`, `words`: the question's embedding and `self.words` of it, if they are known already. An empty question
        finds nothing."""
        scope = self._as_of_today(scope or Scope())
        text = clean(question)
        lang = lang or detect_language(text)
        if vector is None:
            vector = self._embedder.embed_query(text, lang)
        near = self._near(vector, lang, scope) if text else {}
        with self._database.read() as session:
            words = words or self._words(session, text, scope)
            asked = _Asked(text, lang, vector, scope, top_k, words, near)
            passages, article = self._with_article(session, asked, self._chunks.recall)
            if not self._chunks.confirmed(session, {p.chunk_id for p in (*passages, *article)}, scope):
                log.info("chunk_memory_stale", generation=words.generation)
                passages, article = self._with_article(session, asked, self._chunks.get)
        return Found(tuple(passages), vector, lang, words.total, tuple(article))

    def contenders(self, question: str, scope: Scope, lang: str) -> tuple[Question, list[Contender]]:
        """What the reranker is given for a question: to fit one, or to see why an order came out as it did."""
        scope, text = self._as_of_today(scope), clean(question)
        vector = self._embedder.embed_query(text, lang)
        near = self._near(vector, lang, scope)
        with self._database.read() as session:
            asked = _Asked(text, lang, vector, scope, CANDIDATES, self._words(session, text, scope), near)
            return asked.question, self._contenders(self._found(session, asked, self._chunks.get), asked, fused=True)

    def words(self, question: str, scope: Scope) -> Words:
        """What can be looked up while the question is still being embedded."""
        with self._database.read() as session:
            return self._words(session, clean(question), self._as_of_today(scope))

    def _as_of_today(self, scope: Scope) -> Scope:
        return scope if scope.day else replace(scope, day=self._today())

    def _near(self, vector: np.ndarray, lang: str, scope: Scope) -> dict[int, float]:
        """Chunk id -> cosine, of the nearest in each language."""
        near, foreign = dict[int, float](), 0
        for hit in self._vectors.search(vector, scope, CANDIDATES):
            foreign += hit.lang != lang
            if hit.lang == lang or foreign <= FOREIGN_CANDIDATES:
                near[hit.chunk_id] = hit.similarity
        return near

    def _words(self, session: Session, text: str, scope: Scope) -> Words:
        generation, total = self._live_count(session)
        tokens = search_tokens(text)
        weighed = self._weights.weigh(session, tokens, generation, total)
        hits = self._keywords.search(session, weighed.selective, scope, CANDIDATES)
        bm25 = {hit.chunk_id: hit.score for hit in hits}
        return Words(frozenset(tokens), weighed.weights, bm25, generation, total)

    def article(self, passage: Passage, scope: Scope) -> tuple[Passage, ...]:
        """All passages of the same version of an article that this scope may see, in order."""
        with self._database.read() as session:
            generation, _ = self._live_count(session)
            seen = self._as_of_today(scope)
            return tuple(self._chunks.of_version(session, passage.version_id, seen, generation, self._chunks.get))

    def _live_count(self, session: Session) -> tuple[int, int]:
        """The generation this session sees, and its number of live chunks."""
        generation = store.generation(session)
        known = self._count
        if known[0] != generation:
            known = self._count = (generation, store.count_live(session))
        return known

    def _with_article(self, session: Session, asked: _Asked, read: Read) -> tuple[list[Passage], list[Passage]]:
        passages = self._best(session, asked, read)
        if not passages:
            return [], []
        version, generation = passages[0].version_id, asked.words.generation
        return passages, self._chunks.of_version(session, version, asked.scope, generation, read)

    def _best(self, session: Session, asked: _Asked, read: Read) -> list[Passage]:
        """The ranking, over chunks as `read` tells them."""
        chunks = self._found(session, asked, read)
        contenders = self._contenders(chunks, asked, fused=self._reranker.reads_fused)
        scores = _titled_first(asked.text, contenders, self._reranker.scores(asked.question, contenders))
        ranked = [
            Ranked(one.passage, score, one.similarity, one.coverage)
            for one, score in zip(contenders, scores, strict=True)
        ]
        return collapse(self._with_own_language(session, ranked, chunks, asked, read), asked.lang, asked.top_k)

    def _found(self, session: Session, asked: _Asked, read: Read) -> dict[int, KnownChunk]:
        ids = asked.similarity.keys() | asked.words.bm25.keys()
        return read(session, ids, asked.scope, asked.words.generation)

    def _contenders(self, chunks: dict[int, KnownChunk], asked: _Asked, *, fused: bool) -> list[Contender]:
        """Everything the rankers named, with the question's tokens it holds; what only words found is compared now."""
        words, found = asked.words, []
        total = sum(words.weights.values())
        for chunk_id, chunk in sorted(chunks.items()):
            near = asked.similarity.get(chunk_id)
            if near is None:
                near = self._similarity(chunk, asked.vector)
            tokens = chunk.tokens & words.tokens
            share = coverage(words.weights, tokens, total)
            bm25 = words.bm25.get(chunk_id, 0.0)
            found.append(Contender(chunk.passage, near, bm25, tokens, len(chunk.tokens), 0.0, share))
        if not fused:
            return found
        candidates = [Candidate(c.passage.chunk_id, c.passage.lang, c.similarity, c.bm25, c.tokens) for c in found]
        scores = fuse(candidates, asked.lang, words.weights)
        return [contender._replace(fused=scores[contender.passage.chunk_id][0]) for contender in found]

    def _similarity(self, chunk: KnownChunk, vector: np.ndarray) -> float:
        """0 for a chunk whose vector is of another embedding spec: the two cannot be compared."""
        return float(chunk.vector @ vector) if chunk.spec == self._embedder.spec.digest else 0.0

    def _with_own_language(
        self, session: Session, ranked: list[Ranked], chunks: dict[int, KnownChunk], asked: _Asked, read: Read
    ) -> list[Ranked]:
        """Where a foreign article is among the best and exists in the customer's language, bring that version's best
        passage up to its place."""
        lang, vector, generation = asked.lang, asked.vector, asked.words.generation
        best = sorted(ranked, key=lambda r: -r.score)[: asked.top_k * 2]
        foreign: dict[tuple[str, str], Ranked] = {}
        for one in best:
            passage = one.passage
            if passage.lang != lang and passage.translation_key:
                foreign.setdefault((passage.collection, passage.translation_key), one)
        if not foreign:
            return ranked
        twins = self._chunks.twins(session, foreign.keys(), lang, generation)
        unseen = {i for ids in twins.values() for i in ids} - chunks.keys()
        chunks = chunks | read(session, unseen, asked.scope, generation)
        by_id = {one.passage.chunk_id: one for one in ranked}
        for pair, ids in twins.items():
            comparable = [chunks[i] for i in ids if i in chunks and chunks[i].spec == self._embedder.spec.digest]
            if not comparable:
                continue
            near, chunk_id = max((float(chunk.vector @ vector), chunk.passage.chunk_id) for chunk in comparable)
            original, known = foreign[pair], by_id.get(chunk_id)
            if known is None or known.score < original.score:
                keyword = max(original.keyword, known.keyword if known else 0.0)
                by_id[chunk_id] = Ranked(chunks[chunk_id].passage, original.score, near, keyword)
        return list(by_id.values())


def _titled_first(question: str, found: Sequence[Contender], scores: Sequence[float]) -> Sequence[float]:
    """The scores, so that an article whose title is the question, word for word, comes before all others."""
    asked = _bare(question) if len(question) <= LONGEST_TITLE else ""
    titled = [_bare(one.passage.title) == asked for one in found] if asked else []
    if not any(titled):
        return scores
    return [
        round(BELOW_TITLED + (1 - BELOW_TITLED) * score if own else BELOW_TITLED * score, 6)
        for own, score in zip(titled, scores, strict=True)
    ]


@lru_cache(maxsize=8192)
def _bare(title: str) -> str:
    """A title as it is compared: case, width, script, blanks and the marks around it do not count."""
    return "".join(normalise(title).split()).strip(".。?？!！:：\"“”《》'")


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One question with what both rankers said."""

    text: str
    lang: str
    vector: np.ndarray  # (dim,)
    scope: Scope
    top_k: int
    words: Words
    similarity: dict[int, float]  # chunk id -> cosine, of the nearest

    @property
    def question(self) -> Question:
        return Question(self.text, self.lang, self.words.weights)
