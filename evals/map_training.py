"""Two linear maps, of questions and of passages, that bring each question nearer to its passage than to the others.

InfoNCE in both directions, pulled towards leaving things as they are; by hand in numpy, so that nothing has to be
installed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kb.encoder import Vectors, unit_rows

RANKS = (1, 5)
_SAME = 0.999  # cosine of passages that are one and the same: neither is a wrong answer to the other's question
_LARGEST = 1500  # pairs: a larger group is drawn no more often
_ADAM = (0.9, 0.999, 1e-8)


@dataclass(frozen=True, slots=True, eq=False)
class Vectored:
    """A group's vectors, centred: (n, dim) float32 unit rows; row i of one belongs to row i of the other."""

    name: str
    questions: Vectors
    passages: Vectors

    def take(self, rows: Sequence[int] | np.ndarray) -> Vectored:
        return Vectored(self.name, self.questions[rows], self.passages[rows])


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the maps are fitted. The defaults made the maps that ship (decisions/0005)."""

    steps: int = 400
    rate: float = 1e-3  # of Adam, falling to 0
    pull: float = 0.05  # towards leaving things as they are
    temperature: float = 0.05
    batch: int = 192
    groups: int = 3  # drawn in each step
    way: float = 0.7  # of what was fitted is taken: the whole way costs colloquial questions more than it brings
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """(dim, dim) float32 each: a mapped row is `map @ row`, scaled to length 1."""

    query: Vectors
    passage: Vectors


def fit(groups: Sequence[Vectored], recipe: Recipe | None = None) -> Maps:
    """The same groups and recipe give the same maps. Raises ValueError without a group of two pairs."""
    recipe = recipe or Recipe()
    usable = [group for group in groups if len(group.questions) > 1]
    if not usable:
        raise ValueError("there is no group with two pairs or more")
    dim = usable[0].questions.shape[1]
    chance = np.random.default_rng(recipe.seed)
    sizes = np.array([min(len(group.questions), _LARGEST) ** 0.5 for group in usable])
    still, maps = np.eye(dim, dtype=np.float32), np.stack([np.eye(dim, dtype=np.float32)] * 2)
    mean, square = np.zeros_like(maps), np.zeros_like(maps)
    first, second, small = _ADAM
    for step in range(recipe.steps):
        slope = 2 * recipe.pull * (maps - still)
        for place in chance.choice(len(usable), recipe.groups, p=sizes / sizes.sum()):
            group = usable[place]
            rows = chance.permutation(len(group.questions))[: recipe.batch]
            slope += _slope(maps, group.take(rows), recipe.temperature) / recipe.groups
        mean = first * mean + (1 - first) * slope
        square = second * square + (1 - second) * slope**2
        size = (mean / (1 - first ** (step + 1))) / (np.sqrt(square / (1 - second ** (step + 1))) + small)
        maps = (maps - recipe.rate * (1 - step / recipe.steps) * size).astype(np.float32)
    shortened = still + np.float32(recipe.way) * (maps - still)
    return Maps(shortened[0], shortened[1])


def recall(group: Vectored, asked: Sequence[int] | None = None, maps: Maps | None = None) -> tuple[float, ...]:
    """Share of the questions (those `asked`; all by default) whose passage is among the first RANKS of all passages."""
    rows = np.arange(len(group.questions)) if asked is None else np.array(asked, int)
    questions, passages = group.questions[rows], group.passages
    if maps is not None:
        questions, passages = unit_rows(questions @ maps.query.T), unit_rows(passages @ maps.passage.T)
    own = np.sum(questions * passages[rows], axis=1)
    better = (questions @ passages.T) > own[:, None]
    better &= group.passages[rows] @ group.passages.T <= _SAME  # an equal passage is as good, not better
    different = _firsts(group.passages)
    places = better[:, different].sum(axis=1) + 1
    return tuple(float(np.mean(places <= rank)) for rank in RANKS)


def _firsts(passages: Vectors) -> np.ndarray:
    """Places of the passages, each of equal ones once."""
    return np.flatnonzero(~np.tril(passages @ passages.T > _SAME, -1).any(axis=1))


def _slope(maps: np.ndarray, batch: Vectored, temperature: float) -> np.ndarray:
    """Derivative of the batch's loss by both maps, (2, dim, dim): question to passage, and half of the way back."""
    q, q_length = _mapped(batch.questions, maps[0])
    p, p_length = _mapped(batch.passages, maps[1])
    scores = q @ p.T / np.float32(temperature)
    same = _same(batch.passages)
    scores[same] = -1e9
    count = len(q)
    truth = np.eye(count, dtype=np.float32)
    ahead = _softmax(scores) - truth
    back = (_softmax(scores.T) - truth).T
    by_score = (ahead + 0.5 * back) / (count * temperature)
    by_score[same] = 0
    by_q, by_p = by_score @ p, by_score.T @ q
    # Through the scaling to length 1: only what is across the row turns it.
    by_q = (by_q - q * np.sum(by_q * q, axis=1, keepdims=True)) / q_length
    by_p = (by_p - p * np.sum(by_p * p, axis=1, keepdims=True)) / p_length
    return np.stack([by_q.T @ batch.questions, by_p.T @ batch.passages])


def _mapped(rows: Vectors, by: Vectors) -> tuple[Vectors, Vectors]:
    turned = rows @ by.T
    length = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
    return turned / length, length


def _same(passages: Vectors) -> np.ndarray:
    """(n, n): other rows with an equal passage."""
    return (passages @ passages.T > _SAME) & ~np.eye(len(passages), dtype=bool)


def _softmax(scores: np.ndarray) -> np.ndarray:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: np.ndarray = grown / grown.sum(axis=1, keepdims=True)
    return shares
