"""`python -m evals.labels FILE --label FIELD`: how far triage's way of learning carries, on labels that are not its own.

FILE: JSON Lines with "text", "lang" (default "en") and the label; "oos": true marks a message that belongs to none. Five
folds; the model is that of `bot.triage_training` without its evidence: nearness in meaning and rare words, kernel ridge.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from base.settings import Settings
from bot.triage_grams import grams
from bot.triage_text import read
from kb.embed import Embedder
from web.wiring import embedder_of

FOLDS = 5
_SEEN, _GRAMS, _RIDGE = 3, 0.5, 0.1
_SHARP = 4.0  # sharper than triage's: more labels, fewer examples of each
_KEPT = (0.99, 0.98, 0.97, 0.96, 0.95)  # shares of the in-scope messages a threshold lets through
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    lang: str
    label: str  # "" for a message that belongs to none


@dataclass(frozen=True, slots=True)
class Carried:
    """accuracy: of the messages with a label. thresholds: (accuracy of those, share of the others held back)."""

    accuracy: float
    words_only: float
    commonest: float
    thresholds: tuple[tuple[float, float], ...]


def measure(messages: Sequence[Labelled], vectors: Floats) -> Carried:
    """The figures, out of fold. vectors: (n, dim), unit rows. Deterministic."""
    labels = sorted({one.label for one in messages if one.label})
    truth = np.array([labels.index(one.label) if one.label else -1 for one in messages])
    spoken = _spoken([one.text for one in messages])
    scores = _out_of_fold(np.exp(_SHARP * (vectors @ vectors.T - 1.0)) + _GRAMS * spoken, truth, len(labels))
    words = _out_of_fold(spoken, truth, len(labels))
    inside = truth >= 0
    right = scores.argmax(axis=1)[inside] == truth[inside]
    best = scores.max(axis=1)
    thresholds = []
    if not inside.all():
        for kept in _KEPT:
            least = np.quantile(best[inside], 1.0 - kept)
            thresholds.append((float((right & (best[inside] >= least)).mean()), float((best[~inside] < least).mean())))
    return Carried(
        float(right.mean()), float((words.argmax(axis=1)[inside] == truth[inside]).mean()),
        max(Counter(truth[inside].tolist()).values()) / int(inside.sum()), tuple(thresholds),
    )  # fmt: skip


def _spoken(texts: Sequence[str]) -> Floats:
    """(n, n) cosines of the texts' words and neighbouring words, weighed by their rarity."""
    found = [grams(read(text)) for text in texts]
    counts = Counter(gram for one in found for gram in one)
    index = {gram: at for at, gram in enumerate(sorted(gram for gram, count in counts.items() if count >= _SEEN))}
    rows = np.zeros((len(texts), len(index)), np.float32)
    for row, one in zip(rows, found, strict=True):
        for gram in one:
            if gram in index:
                row[index[gram]] = math.log(len(texts) / counts[gram])
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return np.asarray(rows @ rows.T, np.float32)


def _out_of_fold(kernel: Floats, truth: npt.NDArray[np.intp], classes: int) -> Floats:
    """(n, classes) scores, each message's from a fit to the other folds; what belongs to none teaches nothing."""
    fold = np.empty(len(truth), np.intp)
    fold[np.random.default_rng(0).permutation(len(truth))] = np.arange(len(truth)) % FOLDS
    scores = np.zeros((len(truth), classes), np.float32)
    for part in range(FOLDS):
        taught, asked = np.nonzero((fold != part) & (truth >= 0))[0], np.nonzero(fold == part)[0]
        given = truth[taught]
        rarity = 1.0 / np.sqrt(np.bincount(given, minlength=classes)[given])
        ridge = np.diag(_RIDGE * rarity.mean() / rarity).astype(np.float32)
        targets = np.eye(classes, dtype=np.float32)[given] - 1.0 / classes
        scores[asked] = kernel[np.ix_(asked, taught)] @ np.linalg.solve(kernel[np.ix_(taught, taught)] + ridge, targets)
    return scores


def embedded(embedder: Embedder, messages: Sequence[Labelled]) -> Floats:
    """(n, dim): each message as a question. (Its inner layers tell what a message does; here they cost a point.)"""
    return np.stack([embedder.embed_query(one.text, one.lang) for one in messages]).astype(np.float32)


def read_messages(path: Path, field: str) -> list[Labelled]:
    """Raises OSError, KeyError, ValueError."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Labelled(r["text"], r.get("lang", "en"), "" if r.get("oos") else str(r[field])) for r in rows]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.labels", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--label", required=True, help="field that holds the label")
    given = parser.parse_args(arguments)
    try:
        messages = read_messages(given.file, given.label)
    except (OSError, KeyError, ValueError) as error:
        print(f"{given.file}: cannot be read: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    found = measure(messages, embedded(embedder_of(Settings()), messages))
    print(f"{len(messages)} messages, {FOLDS} folds: accuracy {found.accuracy:.3f}")
    print(f"words alone {found.words_only:.3f}; the commonest label {found.commonest:.3f}")
    for accuracy, held_back in found.thresholds:
        print(f"with a threshold: in scope {accuracy:.3f}, out of scope held back {held_back:.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
