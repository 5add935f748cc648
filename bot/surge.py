"""Which reports of the last hour are one incident: the likeness of two reports, and the groups it makes.

The embedding alone cannot tell (two reports of one outage in two languages are no nearer than two faults of one
product), so likeness weighs the things that are broken and the kind of problem beside it, fitted to labelled incidents;
and a group is a surge only where the days before had fewer such reports than chance explains (decision 11).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt

from desk.models import Category
from desk.symptoms import Reported, Symptom

Floats = npt.NDArray[np.float32]
MOST = 2000  # reports looked at, history included: what one more costs does not grow with the desk
THINGS = 128  # different things told apart
JOIN = 0.55  # mean likeness to the nearest members of a group, from which a report belongs to it
_NEAREST = 2
_NEAR = 200  # of the reports most like the first, how many are looked at as members
_CHANCE = 0.003  # of such a group anywhere in an ordinary window, above which it is no surge
_PRIOR = 1.0  # a report that the days before may just have missed
_HISTORY = 50  # reports before the window, below which nothing is known about ordinary days
# Logistic regression on the pairs of 40 incidents (two authors) with their lookalikes and 870 other messages.
_COSINE, _ACROSS = 7.39, 6.58  # per unit of cosine; more between two languages, whose cosines are lower
_SHARED, _NOTHING_SHARED, _UNNAMED, _SAME_KIND, _BASE = 0.22, -0.98, -0.65, 0.65, -2.25
_CATEGORIES = list(Category)


@dataclass(frozen=True, slots=True)
class Stack:
    """Symptoms as arrays, one row each."""

    vectors: Floats  # (n, dim) unit rows; zeros without an embedding
    things: Floats  # (n, vocabulary) 0 or 1
    chinese: npt.NDArray[np.bool_]  # (n,)
    kinds: npt.NDArray[np.intp]  # (n,) category

    def rows(self, at: Any) -> Stack:
        """Those at these places, or under this mask."""
        return Stack(self.vectors[at], self.things[at], self.chinese[at], self.kinds[at])

    def followed_by(self, other: Stack) -> Stack:
        """Both, one below the other, the last MOST rows of them."""
        pairs = zip(self._arrays(other), other._arrays(self), strict=True)
        return Stack(*(np.concatenate([mine[-MOST:], theirs])[-MOST:] for mine, theirs in pairs))

    def _arrays(self, beside: Stack) -> tuple[npt.NDArray[Any], ...]:
        missing = max(
            0, beside.vectors.shape[1] - self.vectors.shape[1]
        )  # before the first vector its length is unknown
        vectors = np.pad(self.vectors, ((0, 0), (0, missing))) if missing else self.vectors
        return vectors, self.things, self.chinese, self.kinds


class Stacker:
    """Makes stacks that fit one another: the same things in the same columns, vectors of the same length."""

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}
        self._dim = 0

    def stack(self, symptoms: Sequence[Symptom]) -> Stack:
        """Symptoms as arrays. A vector of another length than the first one's (another model) counts as none.

        So do things beyond the first THINGS that were ever met.
        """
        if not self._dim:
            self._dim = next((len(one.vector) for one in symptoms if one.vector is not None), 0)
        vectors = np.zeros((len(symptoms), max(1, self._dim)), np.float32)
        things = np.zeros((len(symptoms), THINGS), np.float32)
        for row, one in enumerate(symptoms):
            if one.vector is not None and len(one.vector) == self._dim:
                vectors[row] = one.vector
            for key in one.objects:
                column = self._columns.setdefault(key, len(self._columns))
                if column < THINGS:
                    things[row, column] = 1.0
        return Stack(
            vectors, things, np.array([one.lang == "zh" for one in symptoms], np.bool_),
            np.array([_CATEGORIES.index(one.category) for one in symptoms], np.intp),
        )  # fmt: skip


def stack(symptoms: Sequence[Symptom]) -> Stack:
    """Symptoms as arrays, for once."""
    return Stacker().stack(symptoms)


def likeness(ones: Stack, others: Stack) -> Floats:
    """(n, m) in 0..1: how likely two reports of one hour are about the same incident. Both from one `stack`."""
    cosine = ones.vectors @ others.vectors.T
    across = ones.chinese[:, None] != others.chinese[None, :]
    shared = ones.things @ others.things.T
    named, others_named = ones.things.sum(axis=1)[:, None], others.things.sum(axis=1)[None, :]
    both = (named > 0) & (others_named > 0)
    score = (
        _BASE
        + (_COSINE + _ACROSS * across) * cosine
        + _SHARED * shared / np.maximum(named + others_named - shared, 1.0)
        + _NOTHING_SHARED * (both & (shared == 0))
        + _UNNAMED * ~both
        + _SAME_KIND * (ones.kinds[:, None] == others.kinds[None, :])
    )
    return np.asarray(1.0 / (1.0 + np.exp(-score)), np.float32)


def belongs(like: Floats) -> npt.NDArray[np.float64]:
    """(n,): how far each report belongs to a group. like: (n, members), its likeness to them."""
    if not like.shape[1]:
        return np.zeros(len(like))
    return np.asarray(np.sort(like, axis=1)[:, -_NEAREST:].mean(axis=1), np.float64)


def group_of(all_: Stack, seed: int, free: npt.NDArray[np.intp]) -> list[int]:
    """Places of the reports that belong together with the one at `seed`, itself first. free: those not yet spoken for."""
    to_seed = likeness(all_.rows([seed]), all_.rows(free))[0]
    order = free[np.argsort(-to_seed, kind="stable")][:_NEAR]
    near = np.array([at for at in order if at != seed], np.intp)
    like = likeness(all_.rows(near), all_.rows(near))
    to_seed = likeness(all_.rows(near), all_.rows([seed]))[:, 0]
    group: list[int] = []
    for at in range(len(near)):
        if to_seed[at] < JOIN / 2:
            break
        so_far = np.append(like[at, group], to_seed[at])[None, :]
        if belongs(so_far)[0] >= JOIN:
            group.append(at)
    return [seed, *(int(near[at]) for at in group)]


def is_unusual(all_: Stack, group: Sequence[int], before: npt.NDArray[np.intp], now: int, customers: int) -> bool:
    """Whether so many customers at once are more than chance, given what came before.

    before: places of the reports before the window; now: how many the window has beside the group. Counts the earlier
    reports that are as near to the whole group as its own farthest member is (Poisson, with the window's traffic).
    """
    if len(before) < _HISTORY:
        return True
    inside = likeness(all_.rows(list(group)), all_.rows(list(group)))
    np.fill_diagonal(inside, 0.0)
    farthest = float(inside.sum(axis=1).min()) / max(1, len(group) - 1)
    alike = likeness(all_.rows(before), all_.rows(list(group))).mean(axis=1)
    expected = (int((alike >= farthest).sum()) + _PRIOR) / len(before) * max(now, 1)
    return _at_least(customers, expected) * max(now, 1) < _CHANCE  # any of the window's reports may begin one


def _at_least(count: int, expected: float) -> float:
    """The chance of `count` or more where `expected` are usual (Poisson)."""
    below, term = 0.0, exp(-expected)
    for k in range(count):
        below += term
        term *= expected / (k + 1)
    return max(0.0, 1.0 - below)


def main_things(group: Sequence[Reported]) -> tuple[str, ...]:
    """What a group is about: the things that are the main one of at least a third of it, the most frequent first."""
    counts = Counter(one.symptom.objects[0] for one in group if one.symptom.objects)
    return tuple(key for key, count in counts.most_common(2) if count * 3 >= len(group))
