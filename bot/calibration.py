"""Fitting the confidence: coefficients from labelled questions, and the point from which a stated risk is kept.

Grouped cross-validation throughout: no article has questions on both sides. Plain numpy; a few seconds for thousands of
examples. `firstline calibrate` asks the questions; `bot.confidence` uses what is made here.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from bot.confidence import FEATURES, FORMAT, GIVEN_FEATURES, Fit, Model, squashed

FOLDS: Final = 5
PENALTIES: Final = (10.0, 30.0, 100.0)  # L2, on standardised features
OTHER_LANGUAGE: Final = 0.35  # what an example counts for the other language's model
ENOUGH_TO_FIT: Final = 400  # examples of a language, a quarter of them right; below, the shipped weights are rescaled
ENOUGH_TO_RESCALE: Final = 40  # of which eight of the rarer kind; below, the shipped model stays as it is
FEWEST: Final = 10  # answers from which a measured share may decide
LEVEL: Final = 0.95
# A feature may only speak for what it was made for: fitted with the other sign it has found a habit of the cases' author.
SPEAKS_AGAINST: Final = frozenset(
    {
        "foreign", "far", "no_words", "rival_words", "rival_near", "close", "scattered", "rare_missing", "kind_missing",
        "conflict", "constraint_open", "name_missing", "code_missing",
    }
)  # fmt: skip
SPEAKS_FOR: Final = frozenset(FEATURES) - SPEAKS_AGAINST


@dataclass(frozen=True, slots=True)
class Example:
    """One question as it was asked: what the models see, and whether answering from the first passage is right."""

    id: str
    lang: str
    kind: str  # answerable, near_miss, off_topic, gold_removed ...
    source: str  # name of the set it is from
    group: str  # the article it is about: never on both sides of a split
    answerable: bool  # there is an article that answers it
    right: bool  # and that is the one the first passage is from
    features: Mapping[str, float]
    weight: float = 1.0
    given: bool = False  # the passages were handed over, not found

    def as_dict(self) -> dict[str, Any]:
        figures = {name: round(value, 5) for name, value in self.features.items() if value}
        fields = ("id", "lang", "kind", "source", "group", "answerable", "right", "weight", "given")
        return {name: getattr(self, name) for name in fields} | {"features": figures}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Example:
        """Raises KeyError or TypeError when a field is missing or of another kind."""
        seen = dict.fromkeys(FEATURES, 0.0) | {name: float(value) for name, value in data["features"].items()}
        return cls(
            str(data["id"]), str(data["lang"]), str(data["kind"]), str(data["source"]), str(data["group"]),
            bool(data["answerable"]), bool(data["right"]), seen, float(data["weight"]), bool(data["given"]),
        )  # fmt: skip


class Way(StrEnum):
    """How a language's model came about."""

    FITTED = "fitted"
    RESCALED = "rescaled"  # the shipped weights, their sum stretched and shifted (Platt)
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Point:
    """What answering from this probability on means. Shares in [0, 1]."""

    threshold: float
    answered: int
    wrong: int
    coverage: float  # of the answerable: answered rightly or wrongly
    upper: float  # one-sided bound of the share that is wrong, at LEVEL
    risk: float = 0.0  # share that is wrong, by the examples' weights


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One language's model with what was measured of it on questions it had not seen."""

    model: Model
    way: Way
    penalty: float
    examples: int
    right: int
    curve: tuple[Point, ...]
    chosen: Point
    claimed: bool  # the bound keeps the risk, not only the measured share
    possible: bool  # the measured share keeps it


def clopper_pearson_upper(wrong: int, count: int, level: float = LEVEL) -> float:
    """The share that the true one exceeds with a probability of 1 - level at most; 1 without any.

    Source: Clopper, Pearson, Biometrika 26 (1934), one-sided.
    """
    if count <= 0 or wrong >= count:
        return 1.0
    low, high = wrong / count, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _binomial_at_most(wrong, count, middle) < 1 - level else (middle, high)
    return high


def needed_without_error(risk: float, level: float = LEVEL) -> int:
    """How many answers without a wrong one it takes to claim at most this risk."""
    return math.ceil(math.log(1 - level) / math.log(1 - risk))


def _binomial_at_most(hits: int, count: int, share: float) -> float:
    """P(X <= hits), from the terms' logarithms."""
    up, down = math.log(share), math.log1p(-share)
    whole = math.lgamma(count + 1)
    terms = [
        whole - math.lgamma(k + 1) - math.lgamma(count - k + 1) + k * up + (count - k) * down for k in range(hits + 1)
    ]
    top = max(terms)
    return math.exp(top) * sum(math.exp(term - top) for term in terms)


def logistic(x: np.ndarray, y: np.ndarray, weights: np.ndarray, penalty: float) -> np.ndarray:
    """(d + 1,) coefficients with the bias last, of examples x (n, d) and labels y (n,) in [0, 1]; Newton's method."""
    wide = np.c_[x, np.ones(len(x))]
    found = np.zeros(wide.shape[1])
    shrink = np.r_[np.full(x.shape[1], penalty), 1e-6]
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(wide @ found, -30, 30)))
        slope = wide.T @ (weights * (chance - y)) + shrink * found
        curvature = (wide * (weights * chance * (1 - chance))[:, None]).T @ wide + np.diag(shrink)
        step = np.linalg.solve(curvature, slope)
        found -= step
        if np.abs(step).max() < 1e-7:
            break
    return found


def signed_logistic(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, penalty: float, names: Sequence[str]
) -> np.ndarray:
    """The same with a feature left out as soon as it speaks with the wrong sign."""
    kept = list(range(len(names)))
    while True:
        found = logistic(x[:, kept], y, weights, penalty)
        wrong = {
            place
            for place, value in zip(kept, found[:-1], strict=True)
            if (value > 0 and names[place] in SPEAKS_AGAINST) or (value < 0 and names[place] in SPEAKS_FOR)
        }
        if not wrong:
            break
        kept = [place for place in kept if place not in wrong]
    whole = np.zeros(len(names) + 1)
    whole[kept], whole[-1] = found[:-1], found[-1]
    return whole


def fit_language(examples: Sequence[Example], lang: str, penalty: float, names: Sequence[str]) -> Model:
    """A model for one language; examples of another one count OTHER_LANGUAGE. `answer_at` is left at 0.5."""
    x = np.array([[example.features[name] for name in names] for example in examples])
    y = np.array([float(example.right) for example in examples])
    weights = np.array([example.weight * (1 if example.lang == lang else OTHER_LANGUAGE) for example in examples])
    mean, spread = x.mean(0), x.std(0)
    spread[spread < 1e-6] = np.inf  # says nothing: gets no weight
    found = signed_logistic((x - mean) / spread, y, weights, penalty, names)
    raw = found[:-1] / spread
    kept = {name: float(round(value, 4)) for name, value in zip(names, raw, strict=True) if abs(value) >= 5e-5}
    return Model(kept, float(round(found[-1] - float(raw @ mean), 4)), 0.5)


def platt(logits: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """(stretch, shift) that make logits fit the labels. Source: Platt 1999, with his smoothed labels."""
    hits, count = right.sum(), len(right)
    y = np.where(right > 0, (hits + 1) / (hits + 2), 1 / (count - hits + 2))
    stretch, shift = logistic(logits[:, None] / 3, y, np.ones(count), 0.5)
    return max(0.05, float(stretch) / 3), float(shift)


def rescaled(shipped: Model, stretch: float, shift: float) -> Model:
    weights = {name: round(weight * stretch, 4) for name, weight in shipped.weights.items()}
    return Model(weights, round(shipped.bias * stretch + shift, 4), 0.5)


def fold_of(example: Example) -> int:
    return zlib.crc32(f"{example.source}/{example.group}".encode()) % FOLDS


def calibrate(
    examples: Sequence[Example],
    lang: str,
    shipped: Model,
    risk: float,
    *,
    refit: bool | None = None,
    measured: bool = False,
) -> Calibrated:
    """A language's model from all its examples, and its risk-coverage curve on questions of articles it had not seen.

    refit: fit the weights anew (True), only rescale the shipped ones (False), or as many examples allow (None).
    """
    own = [example for example in examples if example.lang == lang]
    way = _way(own, refit)
    penalty = _best_penalty(examples, lang) if way is Way.FITTED else 0.0
    model = _made(way, examples, own, lang, shipped, penalty)
    unseen = _unseen(way, examples, own, lang, shipped, penalty)
    curve = risk_coverage(unseen, own)
    chosen, claimed, possible = balanced(curve, own) if own and own[0].given else choose(curve, risk, measured)
    at = min(0.99, max(0.01, round(chosen.threshold, 4)))
    hits = sum(example.right for example in own)
    final = Model(model.weights, model.bias, at)
    return Calibrated(final, way, penalty, len(own), hits, curve, chosen, claimed, possible)


def _way(own: Sequence[Example], refit: bool | None) -> Way:
    right = sum(example.right for example in own)
    rarer = min(right, len(own) - right)
    if refit or (refit is None and len(own) >= ENOUGH_TO_FIT and rarer >= ENOUGH_TO_FIT / 4):
        return Way.FITTED if rarer else Way.SHIPPED
    return Way.RESCALED if len(own) >= ENOUGH_TO_RESCALE and rarer >= ENOUGH_TO_RESCALE / 5 else Way.SHIPPED


def _both(examples: Sequence[Example]) -> bool:
    return len({example.right for example in examples}) == 2


def _names(own: Sequence[Example]) -> tuple[str, ...]:
    return GIVEN_FEATURES if own and own[0].given else FEATURES


def _made(
    way: Way, examples: Sequence[Example], own: Sequence[Example], lang: str, shipped: Model, penalty: float
) -> Model:
    if way is Way.FITTED:
        return fit_language(examples, lang, penalty, _names(own))
    if way is Way.RESCALED:
        logits = np.array([shipped.logit(example.features) for example in own])
        return rescaled(shipped, *platt(logits, np.array([float(example.right) for example in own])))
    return shipped


def _unseen(
    way: Way, examples: Sequence[Example], own: Sequence[Example], lang: str, shipped: Model, penalty: float
) -> list[float]:
    """The probability of each of the language's examples by a model that saw no question about its article."""
    if way is Way.SHIPPED:
        return [squashed(shipped.logit(example.features)) for example in own]
    found = [0.0] * len(own)
    for fold in range(FOLDS):
        places = [n for n, example in enumerate(own) if fold_of(example) == fold]
        if not places:
            continue
        seen = [example for example in examples if fold_of(example) != fold]
        known = [example for example in seen if example.lang == lang]
        model = _made(way, seen, known, lang, shipped, penalty) if _both(known) else shipped
        for n in places:
            found[n] = squashed(model.logit(own[n].features))
    return found


def _best_penalty(examples: Sequence[Example], lang: str) -> float:
    """The penalty under which unseen questions are judged best (weighted log loss)."""
    own = [example for example in examples if example.lang == lang]

    def loss(penalty: float) -> float:
        unseen = _unseen(Way.FITTED, examples, own, lang, Model({}, 0.0, 0.5), penalty)
        return sum(
            -example.weight * math.log(max(1e-6, chance if example.right else 1 - chance))
            for example, chance in zip(own, unseen, strict=True)
        )

    return min(PENALTIES, key=loss)


def risk_coverage(chances: Sequence[float], examples: Sequence[Example]) -> tuple[Point, ...]:
    """A point for each threshold worth telling apart, strictest first."""
    answerable = sum(example.answerable for example in examples)
    ordered = sorted(zip(chances, examples, strict=True), key=lambda pair: -pair[0])
    points, wrong, covered, weight, lost = [], 0, 0, 0.0, 0.0
    for n, (chance, example) in enumerate(ordered, start=1):
        wrong += not example.right
        weight += example.weight
        lost += example.weight * (not example.right)
        covered += example.answerable
        if n < len(ordered) and ordered[n][0] == chance:
            continue
        # Halfway to the next one, so that what is answered now is still answered after rounding.
        threshold = (chance + ordered[n][0]) / 2 if n < len(ordered) else chance
        upper = clopper_pearson_upper(wrong, n)
        points.append(Point(threshold, n, wrong, covered / answerable if answerable else 0.0, upper, lost / weight))
    return tuple(points)


def choose(curve: Sequence[Point], risk: float, measured: bool = False) -> tuple[Point, bool, bool]:
    """(the point that answers most within the risk, whether its bound keeps it, whether its measured share does).

    measured: the share decides from the start, the bound is only reported. Else it decides where no bound keeps the
    risk; where that does not keep it either, the most careful point is taken.
    """
    if not curve:
        return Point(0.99, 0, 0, 0.0, 1.0), False, False
    sure = [point for point in curve if point.upper <= risk]
    if sure and not measured:
        return max(sure, key=lambda point: point.answered), True, True
    kept = [point for point in curve if point.risk <= risk and point.answered >= FEWEST]
    if kept:
        widest = max(kept, key=lambda point: point.answered)
        return widest, widest.upper <= risk, True
    return min(curve, key=lambda point: (point.upper, -point.answered)), False, False


def balanced(curve: Sequence[Point], examples: Sequence[Example]) -> tuple[Point, bool, bool]:
    """The same for passages that were handed over: the point at which answered and silent are right equally often.

    No risk can be kept where half of what is handed over says nothing of the question: the best balanced accuracy is taken.
    """
    return max(curve, key=lambda point: balanced_accuracy(point, examples)), False, False


def balanced_accuracy(point: Point, examples: Sequence[Example]) -> float:
    """The mean of two shares: answered of what is to be answered, silent of the rest."""
    right = sum(example.right for example in examples)
    rest = len(examples) - right
    if not right or not rest:
        return 0.0
    return ((point.answered - point.wrong) / right + 1 - point.wrong / rest) / 2


def as_json(fit: Fit) -> dict[str, Any]:
    """What `bot.confidence.read_fit` reads."""
    return {
        "format": FORMAT,
        "version": fit.version,
        "about": dict(fit.about),
        "models": {
            name: {"bias": model.bias, "answer_at": model.answer_at, "weights": dict(model.weights)}
            for name, model in fit.models.items()
        },
    }


def counted(examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    """How many examples of each set and kind, per language."""
    return {
        lang: dict(sorted(Counter(f"{e.source}: {e.kind}" for e in examples if e.lang == lang).items()))
        for lang in sorted({example.lang for example in examples})
    }
