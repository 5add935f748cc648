"""One ranking from several: vectors of each language, keywords; translations and near-duplicates collapsed.

Keyword scores say nothing about an article in another language than the question's, so there the vectors decide alone;
a keyword score must not outvote them (measured: of English questions about Chinese-only articles BM25 found 28 %
in the first five, the vectors 88 %, both fused by rank 51 %; decisions/0005).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from base.text import is_identifier
from kb.models import Passage

VECTOR_WEIGHT = 0.65  # of the fused score of a passage in the question's language
FOREIGN_DISCOUNT = 0.95  # the customer's own language wins a near-tie
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
    best_bm25 = max((c.bm25 for c in candidates if c.lang == question_lang), default=0.0)
    identifiers = {token: weight for token, weight in weights.items() if is_identifier(token)}
    total, of_names = sum(weights.values()), sum(identifiers.values())
    fused: dict[int, tuple[float, float]] = {}
    for candidate, near in zip(candidates, similarity, strict=True):
        covered = coverage(weights, candidate.tokens, total)
        if candidate.lang == question_lang:
            words = candidate.bm25 / best_bm25 if best_bm25 > 0 else 0.0
            score = VECTOR_WEIGHT * near + (1 - VECTOR_WEIGHT) * words
        else:
            # An error code or a product name means the same in both languages: it alone counts across them.
            same_names = coverage(identifiers, candidate.tokens, of_names)
            score = near * FOREIGN_DISCOUNT * (1 if not identifiers else 0.8 + 0.2 * same_names)
        fused[candidate.chunk_id] = (round(score, 6), covered)
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
