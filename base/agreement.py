"""How far two judges agree on labels: confusion, macro-F1, weighted kappa."""

from __future__ import annotations

from collections.abc import Sequence


def confusion(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[list[int]]:
    """Counts by (truth, judged), rows and columns in the order of the labels."""
    return [[pairs.count((truth, judged)) for judged in labels] for truth in labels]


def macro_f1(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> float:
    """The mean F1 over the labels that occur, as truth or judgement."""
    scores = []
    for label in labels:
        hits = sum(truth == judged == label for truth, judged in pairs)
        named = sum(label in pair for pair in pairs) + hits  # true + judged, both counted when they agree
        if named:
            scores.append(2 * hits / named)
    return sum(scores) / len(scores) if scores else 0.0


def weighted_kappa(table: Sequence[Sequence[int]]) -> float:
    """Agreement on ordered labels beyond chance, mistakes weighted by the square of their distance; 1 is perfect.

    Source: J. Cohen, Psychological Bulletin 70 (1968), 213-220. 1 as well when there is nothing to disagree on.
    """
    count, size = sum(map(sum, table)), len(table)
    rows = [sum(row) for row in table]
    columns = [sum(row[j] for row in table) for j in range(size)]
    seen = sum((i - j) ** 2 * table[i][j] for i in range(size) for j in range(size))
    chance = sum((i - j) ** 2 * rows[i] * columns[j] for i in range(size) for j in range(size)) / max(count, 1)
    return 1 - seen / chance if chance else 1.0
