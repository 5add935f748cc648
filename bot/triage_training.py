"""Fits the learned part of triage to labelled messages: kernel ridge regression, in closed form.

The same messages and the same embedder give the same model, bit for bit on one machine. Six thousand messages take
half a minute and 2 GB on two cores.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bot.triage_evidence import extract
from bot.triage_features import BLOCKS, figures
from bot.triage_grams import grams
from bot.triage_lexicon import scan
from bot.triage_model import LEVELS, TONES, Coefficients, Memory, TriageModel, nearness
from bot.triage_rules import judge
from bot.triage_text import read
from bot.triage_wording import CATEGORIES, category_scores
from desk.models import Category, Sentiment, Urgency

Floats = npt.NDArray[np.float64]
VERSION: Final = "triage/3"
# All by cross-validation over the bundled messages, one sixth of their authors left out at a time.
_AXES = 256  # of the meaning that are kept: as good as all 1,536; 192 cost a quarter of a point of macro-F1
_SEEN = 3  # messages a word must stand in
_BLOCK_WEIGHTS = (0.01, 0.05, 0.15)  # evidence, category words, signs of a wish, beside the embedding's kernel
_GRAMS, _GRAMS_ALONE = 0.3, 1.0  # the words' weight beside the embedding, and without it
_URGENCY_RIDGE, _CATEGORY_RIDGE, _TONE_RIDGE, _HUMAN_RIDGE = 0.03, 0.1, 0.1, 0.1
_ALONE = 3.0  # times these without the embedding
# A message that is farther from every labelled one than this share of them is from its nearest is out of its depth.
_STRANGE_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Lesson:
    """A labelled message; what is None teaches nothing of its kind.

    group: who wrote it; messages of one group are never on both sides of a measurement.
    """

    text: str
    urgency: Urgency | None
    category: Category | None
    human: bool | None
    tone: Sentiment | None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What every fit to these lessons, or to some of them, starts from."""

    lessons: tuple[Lesson, ...]
    vectors: Floats  # (n, dim) unit rows
    words: npt.NDArray[np.float32]  # (n, vocabulary) unit rows of word rarity
    vocabulary: tuple[str, ...]
    rarity: npt.NDArray[np.float32]
    figures: Floats  # (n, figures)
    axes: Floats  # (dim, axes)
    near: npt.NDArray[np.float32]  # (n, n) cosines on those axes
    linear: npt.NDArray[np.float32]  # (n, n) of the figures, weighted
    spoken: npt.NDArray[np.float32]  # (n, n) of the words


def prepare(lessons: Sequence[Lesson], vectors: npt.NDArray[Any]) -> Prepared:
    """vectors: (n, dim) unit rows, the meanings of the lessons' texts."""
    found = [grams(read(lesson.text)) for lesson in lessons]
    counts = Counter(gram for one in found for gram in one)
    vocabulary = tuple(sorted(gram for gram, count in counts.items() if count >= _SEEN and "\n" not in gram))
    index = {gram: at for at, gram in enumerate(vocabulary)}
    rarity = np.array([math.log(len(lessons) / counts[gram]) for gram in vocabulary], np.float16).astype(np.float32)
    words = np.zeros((len(lessons), len(vocabulary)), np.float32)
    for row, one in zip(words, found, strict=True):
        at = [index[gram] for gram in one if gram in index]
        row[at] = rarity[at]
    words /= np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-9)
    rows = np.asarray(vectors, np.float64)
    axes = np.linalg.eigh(rows.T @ rows)[1][:, -_AXES:]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])])  # a direction has two names
    seen = np.array([_figures(lesson.text) for lesson in lessons])
    reduced = (rows @ axes).astype(np.float32)
    linear = ((seen * _figure_weights()) @ seen.T).astype(np.float32)
    return Prepared(
        tuple(lessons), rows, words, vocabulary, rarity, seen, axes, reduced @ reduced.T, linear, words @ words.T
    )


def fit(ready: Prepared, spec: str, about: dict[str, Any], taught: npt.NDArray[np.intp] | None = None) -> TriageModel:
    """The model of the lessons, or of those at the places `taught`. spec: digest of the embedder."""
    at = np.arange(len(ready.lessons)) if taught is None else taught
    lessons = [ready.lessons[place] for place in at]
    part = np.ix_(at, at)
    near, linear, spoken = (kernel[part].astype(np.float64) for kernel in (ready.near, ready.linear, ready.spoken))
    says = _solved(nearness(near) + linear + _GRAMS * spoken, lessons, 1.0)
    alone = _solved(linear + _GRAMS_ALONE * spoken, lessons, _ALONE)
    np.fill_diagonal(near, -1.0)
    digest = hashlib.sha256(
        repr([(one.text, one.urgency, one.category, one.human, one.tone) for one in lessons]).encode()
    )
    return TriageModel(
        version=f"{VERSION}:{digest.hexdigest()[:8]}",
        spec=spec,
        about={**about, "messages": len(lessons)},
        vocabulary={gram: place for place, gram in enumerate(ready.vocabulary)},
        rarity=ready.rarity,
        both=_primal(ready, at, says, _GRAMS),
        words_only=_primal(ready, at, alone, _GRAMS_ALONE),
        memory=Memory(
            ready.axes.astype(np.float32), (ready.vectors[at] @ ready.axes).astype(np.float32), says.astype(np.float32),
            float(np.quantile(near.max(axis=1), _STRANGE_SHARE)),
        ),
    )  # fmt: skip


def folds(lessons: Sequence[Lesson], count: int = 6) -> list[npt.NDArray[np.intp]]:
    """Places of the lessons, in parts of whole groups of about the same size."""
    sizes = Counter(lesson.group for lesson in lessons)
    parts: list[set[str]] = [set() for _ in range(min(count, len(sizes)))]
    for group, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        min(parts, key=lambda part: sum(sizes[name] for name in part)).add(group)
    groups = np.array([lesson.group for lesson in lessons])
    return [np.nonzero(np.isin(groups, sorted(part)))[0] for part in parts]


def _primal(ready: Prepared, at: npt.NDArray[np.intp], says: Floats, gram_weight: float) -> Coefficients:
    """What enters the kernel linearly, of all messages at once: one row for each word and each figure."""
    every = np.zeros((len(ready.lessons), says.shape[1]), np.float32)
    every[at] = says
    figures_ = (ready.figures * _figure_weights()).T @ every.astype(np.float64)
    return Coefficients(gram_weight * (ready.words.T @ every), figures_)


def _figure_weights() -> Floats:
    return np.repeat(_BLOCK_WEIGHTS, BLOCKS)


def _figures(text: str) -> Floats:
    evidence = extract(text)
    return figures(text, evidence, judge(evidence), category_scores(scan(text))[0])


def _solved(kernel: Floats, lessons: Sequence[Lesson], times: float) -> Floats:
    """(n, OUTPUTS) dual coefficients: levels, categories, tones, the wish for a person. Zeros where a label is missing."""
    levels = [None if one.urgency is None else LEVELS.index(one.urgency) for one in lessons]
    categories = [None if one.category is None else CATEGORIES.index(one.category) for one in lessons]
    tones = [None if one.tone is None else TONES.index(one.tone) for one in lessons]
    wishes = [None if one.human is None else int(one.human) for one in lessons]
    return np.hstack(
        [
            _ridge(kernel, levels, len(LEVELS), times * _URGENCY_RIDGE),
            _ridge(kernel, categories, len(CATEGORIES), times * _CATEGORY_RIDGE),
            _ridge(kernel, tones, len(TONES), times * _TONE_RIDGE),
            _ridge(kernel, wishes, 2, times * _HUMAN_RIDGE, even=True)[:, 1:],
        ]
    )


def _ridge(kernel: Floats, labels: Sequence[int | None], classes: int, ridge: float, even: bool = False) -> Floats:
    """(n, classes). Rare classes get a smaller ridge, so that they are not drowned; not when `even`."""
    known = np.array([at for at, label in enumerate(labels) if label is not None], np.intp)
    given = np.array([label for label in labels if label is not None], np.int64)
    rarity = np.ones(len(given)) if even else 1.0 / np.sqrt(np.bincount(given, minlength=classes)[given])
    rarity /= rarity.mean()
    targets = np.eye(classes)[given] - 1.0 / classes
    part = kernel if len(known) == len(kernel) else kernel[np.ix_(known, known)]
    found = np.zeros((len(kernel), classes))
    found[known] = np.linalg.solve(part + ridge * np.diag(1.0 / rarity), targets)
    return found
