"""Fitting the weights of the learned reranker: listwise, on what search found for labelled questions. Plain numpy.

Of a question's candidates, those from the right section (or article, where no section is known) share the probability of
being first; the weights make that as likely as they can, and are held near PRIOR, which is the fused order. Vectors were
fitted to collections of this kind, too, so the fit trusts them more than a strange collection deserves: hence the prior.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evals.cases import Case
from evals.gold import article_key, overlaps
from kb.rank import Ranked, collapse
from kb.rerank import FEATURES, Contender, Question, features

FOLDS: Final = 5
DEPTH: Final = 50  # passages looked through, as in the suite `retrieval`
PRIOR: Final = {
    "near": 5.5, "keywords": 2.0, "dense": 3.0, "foreign": -1.75, "foreign_near": 4.0, "foreign_share": 2.5,
}  # fmt: skip
PULL: Final = 1e-3  # towards the prior, on standardised features
# As good as fixed: only a collection in both languages can tell, and in the one there is every article exists in both.
PULL_FOREIGN: Final = 3.0
_STEPS: Final = 80
Weights = np.ndarray  # (features,)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A question with its candidates and which of them are right."""

    set: str  # what is reported together
    family: str  # sets from one source: never on both sides of a split
    fold: int
    lang: str
    found: tuple[Contender, ...]
    rows: np.ndarray  # (candidates, features)
    article: np.ndarray  # (candidates,) bool: from a right article
    section: np.ndarray | None  # (candidates,) bool: from a right section; None where no section is known

    @property
    def right(self) -> np.ndarray:
        """What is to come first."""
        return self.section if self.section is not None and self.section.any() else self.article

    @property
    def teaches(self) -> bool:
        """Whether there is something to tell apart."""
        return bool(self.right.any() and not self.right.all())


def example(case: Case, question: Question, found: Sequence[Contender], name: str, family: str) -> Example:
    """What search found for a case, judged."""
    golds = {article_key(source) for source in case.sources}
    article = [article_key(one.passage.source) in golds for one in found]
    section = None
    if case.sections:
        texts = [one.passage.text for one in found]
        section = np.array(
            [
                ok and any(overlaps(text, part) for part in case.sections)
                for ok, text in zip(article, texts, strict=True)
            ],
            bool,
        )
    group = min(golds, default=case.id)
    fold = int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") % FOLDS
    rows = np.array(features(question, found), float).reshape(len(found), len(FEATURES))
    return Example(name, family, fold, question.lang, tuple(found), rows, np.array(article, bool), section)


def fit(examples: Sequence[Example]) -> Weights:
    """The weights, (features,). Families count by the root of their size. Raises ValueError without anything to learn from."""
    taught = [one for one in examples if one.teaches]
    if not taught:
        raise ValueError("no question has both right and wrong candidates")
    sizes = Counter(one.family for one in taught)
    share = np.array([sizes[one.family] ** -0.5 for one in taught])
    share /= share.sum()
    lengths = np.array([len(one.rows) for one in taught])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    rows = np.concatenate([one.rows for one in taught])
    right = np.concatenate([one.right for one in taught]).astype(float)
    centred = rows - np.repeat(np.add.reduceat(rows, starts) / lengths[:, None], lengths, 0)
    spread = centred.std(0) + 1e-9
    scaled, prior = centred / spread, np.array([PRIOR.get(name, 0.0) for name in FEATURES]) * spread
    pull = np.array([PULL_FOREIGN if name.startswith("foreign") else PULL for name in FEATURES])

    def loss(weights: Weights) -> tuple[float, np.ndarray]:
        sums = scaled @ weights
        powers = np.exp(sums - np.repeat(np.maximum.reduceat(sums, starts), lengths))
        every, ours = np.add.reduceat(powers, starts), np.add.reduceat(powers * right, starts) + 1e-300
        value = float(share @ np.log(every / ours) + pull @ (weights - prior) ** 2)
        pushed = powers / np.repeat(every, lengths) - powers * right / np.repeat(ours, lengths)
        return value, scaled.T @ (np.repeat(share, lengths) * pushed) + 2 * pull * (weights - prior)

    found: Weights = _minimum(loss, prior.copy()) / spread
    return found


def _minimum(loss: Callable[[Weights], tuple[float, np.ndarray]], at: Weights) -> Weights:
    """Where a smooth function is least: BFGS with halved steps. A dozen dimensions, so the matrix is kept whole."""
    inverse = np.eye(len(at))
    value, slope = loss(at)
    for _ in range(_STEPS):
        direction = -inverse @ slope
        size = 1.0
        while True:
            moved, step = at + size * direction, size * direction
            ahead, new_slope = loss(moved)
            if ahead <= value + 1e-4 * slope @ step or size < 1e-9:
                break
            size /= 2
        change = new_slope - slope
        curve = float(step @ change)
        if curve > 1e-14:
            left = np.eye(len(at)) - np.outer(step, change) / curve
            inverse = left @ inverse @ left.T + np.outer(step, step) / curve
        done = value - ahead < 1e-9
        at, value, slope = moved, ahead, new_slope
        if done:
            break
    return at


def rescaled(weights: Weights) -> dict[str, float]:
    """The weights so that a passage that is nearest in meaning and best in words comes to 1, as in the fused order:
    what judges scores afterwards (confidence, how close two articles are) finds them in the range it knows."""
    named = dict(zip(FEATURES, weights, strict=True))
    best = sum(named[name] for name in ("near", "keywords", "dense"))
    return {name: round(float(value / best), 4) for name, value in named.items()}


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of one set's questions, by article, and by section where sections are known."""

    count: int
    article: tuple[float, float]  # right at rank one, among the first five
    section: tuple[float, float] | None


def measured(scored: Sequence[tuple[Example, Sequence[float]]]) -> Figures:
    """How often the right one comes first, and among the first five, as `search` would show them."""
    ranks = [_ranks(one, scores) for one, scores in scored]
    articles, sections = [rank for rank, _ in ranks], [rank for _, rank in ranks if rank is not None]
    return Figures(len(ranks), _shares(articles), _shares(sections) if sections else None)


def fused(one: Example) -> list[float]:
    return [contender.fused for contender in one.found]


def learned(one: Example, weights: Weights) -> list[float]:
    return [float(score) for score in one.rows @ weights]


def out_of_fold(examples: Sequence[Example], part: Callable[[Example], object]) -> Iterator[tuple[Example, Weights]]:
    """Every question with weights that were fitted on none of its part (its family, its fold)."""
    parts: dict[object, list[Example]] = defaultdict(list)
    for one in examples:
        parts[part(one)].append(one)
    for left_out, ours in parts.items():
        weights = fit([one for one in examples if part(one) != left_out])
        yield from ((one, weights) for one in ours)


def _ranks(one: Example, scores: Sequence[float]) -> tuple[int, int | None]:
    ranked = [
        Ranked(found.passage, score, found.similarity, found.coverage)
        for found, score in zip(one.found, scores, strict=True)
    ]
    shown = collapse(ranked, one.lang, DEPTH)
    place = {found.passage.chunk_id: n for n, found in enumerate(one.found)}
    articles = dict.fromkeys(article_key(passage.source) for passage in shown)
    right = {article_key(found.passage.source) for found, ok in zip(one.found, one.article, strict=True) if ok}
    article = next((n for n, key in enumerate(articles, start=1) if key in right), 0)
    if one.section is None:
        return article, None
    return article, next((n for n, p in enumerate(shown, start=1) if one.section[place[p.chunk_id]]), 0)


def _shares(ranks: Sequence[int]) -> tuple[float, float]:
    total = max(1, len(ranks))
    return sum(rank == 1 for rank in ranks) / total, sum(0 < rank <= 5 for rank in ranks) / total
