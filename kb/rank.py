"""One ranking from several: vectors of each language, keywords; translations and near-duplicates collapsed.

BM25 says little about an article in another language than the question's (of English questions about Chinese-only
articles it found 28 % in the first five, the vectors 88 %, both fused by rank 51 %). What does carry over is the share of
the question's weight that the article holds: product names, codes, commands (decisions/0005).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from kb.models import Passage

VECTOR_WEIGHT = 0.55  # share of the vectors in the fused score; flat from .5 to .7 on every set of decisions/0005
FOREIGN_VECTOR_WEIGHT = 0.85
TRUST = 0.3  # power of the share of the question that the best article holds, on its BM25
FOREIGN_DISCOUNT = 0.92  # the customer's own language wins a near-tie
PER_ARTICLE = 3  # passages of one article among the results


class Candidate(NamedTuple):
    """What the rankers say about one chunk. Missing numbers are 0."""

    chunk_id: int
    lang: str
    similarity: float  # cosine with the question
    bm25: float
    tokens: frozenset[str]  # those of the question's tokens that the chunk holds


class Ranked(NamedTuple):
    """A passage with its figures. Cheaper to make than a Passage."""

    passage: Passage
    score: float
    similarity: float
    keyword: float

    def scored(self) -> Passage:
        """The passage that carries these figures, rounded so that equal runs print equal bytes."""
        score, similarity, keyword = (round(figure, 6) for figure in self[1:])
        return replace(self.passage, score=score, similarity=similarity, keyword=keyword)


def coverage(weights: Mapping[str, float], tokens: frozenset[str], total: float) -> float:
    """Share of the question's token weight that a chunk holds, in [0, 1]. total: the sum of the weights."""
    return sum([weight for token, weight in weights.items() if token in tokens]) / total if tokens and total else 0.0


def fuse(
    candidates: Sequence[Candidate], question_lang: str, weights: Mapping[str, float]
) -> dict[int, tuple[float, float]]:
    """Return (fused score in [0, 1], keyword coverage in [0, 1]) per chunk id.

    Similarities and BM25 are each scaled to [0, 1] over the candidates of this question, then summed by weight; see the
    measurements in decisions/0005.
    """
    if not candidates:
        return {}
    similarity = _scaled([c.similarity for c in candidates])
    total = sum(weights.values())
    covered = [coverage(weights, c.tokens, total) for c in candidates]
    own = [(c.bm25, share) for c, share in zip(candidates, covered, strict=True) if c.lang == question_lang]
    best_bm25 = max((bm25 for bm25, _ in own), default=0.0)
    # The best BM25 of a question that no article of its language is about is still some number: it counts as far as the
    # articles hold the question's words at all, or it would outvote the one in the other language that answers.
    trust = max((share for _, share in own), default=0.0) ** TRUST
    fused: dict[int, tuple[float, float]] = {}
    for candidate, near, share in zip(candidates, similarity, covered, strict=True):
        if candidate.lang == question_lang:
            words = trust * candidate.bm25 / best_bm25 if best_bm25 > 0 else 0.0
        else:
            words = share
        vectors = VECTOR_WEIGHT if candidate.lang == question_lang else FOREIGN_VECTOR_WEIGHT
        score = vectors * near + (1 - vectors) * words
        score *= 1.0 if candidate.lang == question_lang else FOREIGN_DISCOUNT
        fused[candidate.chunk_id] = (round(score, 6), share)
    return fused


def collapse(found: Iterable[Ranked], question_lang: str, top_k: int) -> list[Passage]:
    """The best `top_k`, best first: of two language versions of an article only the customer's, of equal texts only the
    first, at most PER_ARTICLE passages of one article."""
    ordered = sorted(found, key=lambda r: (-r.score, r.passage.lang != question_lang, r.passage.chunk_id))
    own_language = {_twin(p) for p, *_ in ordered if p.lang == question_lang and p.translation_key}
    kept: list[Passage] = []
    per_article: dict[int, int] = {}
    texts: set[str] = set()
    for ranked in ordered:
        passage = ranked.passage
        if passage.lang != question_lang and _twin(passage) in own_language:
            continue
        key = _folded(passage.text)
        if key in texts or per_article.get(passage.article_id, 0) >= PER_ARTICLE:
            continue
        texts.add(key)
        per_article[passage.article_id] = per_article.get(passage.article_id, 0) + 1
        kept.append(ranked.scored())
        if len(kept) == top_k:
            break
    return kept


@lru_cache(maxsize=4096)  # the same passages are good ones again and again
def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def _twin(passage: Passage) -> tuple[str, str]:
    return (passage.collection, passage.translation_key)


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 1.0 for value in values]
