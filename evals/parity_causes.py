"""Why one language does worse: by which languages the right article exists in, and by chance.

A gap is split into what comes of the questions being of other sorts (one language has more of those whose article exists
only in the other language) and what is left among questions of the same sort. Kitagawa 1955, "Components of a difference
between two rates": no order of the two has to be chosen. How many of its article's words a question uses would be a
cause, too, but cannot be compared: pairs of characters across two words never match, the commonest English words always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.models import OutcomeKind
from evals.asking import Asked
from evals.cases import Case
from evals.gold import article_key
from evals.measures import SuiteName
from evals.retrieval import RANKS, Found

FEWEST = 5  # questions of a sort in either language: fewer say nothing about it


class Sort(StrEnum):
    """In which languages the right article of a question exists."""

    BOTH = "in both languages"
    OWN = "only in the question's language"
    OTHER = "only in the other language"


@dataclass(frozen=True, slots=True)
class Observed:
    """What one question brought to a measure."""

    lang: str
    sort: Sort
    value: float


Languages = Mapping[str, frozenset[str]]  # by article key
Sorts = Mapping[tuple[str, str], Sort]  # by id and language of the case


def sort_of(case: Case, languages: Languages) -> Sort | None:
    """None when no right article is in the knowledge base."""
    known = frozenset[str]().union(*(languages.get(article_key(source), frozenset()) for source in case.sources))
    if not known:
        return None
    if case.lang not in known:
        return Sort.OTHER
    return Sort.BOTH if len(known) > 1 else Sort.OWN


def observations(found: Sequence[Found], asked: Sequence[Asked], sorts: Sorts) -> dict[str, list[Observed]]:
    """By "suite.measure", what every question brought to it, for measures that are a mean over questions."""
    rows: dict[str, list[Observed]] = {}

    def note(suite: SuiteName, name: str, case: Case, value: float) -> None:
        sort = sorts.get((case.id, case.lang))
        if sort is not None:
            rows.setdefault(f"{suite}.{name}", []).append(Observed(case.lang, sort, value))

    for hit in found:
        for prefix, rank in (("", hit.article), ("section_", hit.section)):
            if rank is None:
                continue
            for limit in RANKS:
                note(SuiteName.RETRIEVAL, f"{prefix}recall_at_{limit}", hit.case, float(0 < rank <= limit))
            gain = 1 / rank if 0 < rank <= RANKS[-1] else 0.0
            note(SuiteName.RETRIEVAL, f"{prefix}mrr_at_10", hit.case, gain)
    for one in asked:
        if not one.case.to_be_answered:
            continue
        values = {
            "correct": one.right, "wrong": one.wrong, "abstained": not one.answered, "coverage": one.answered,
            "asked_back": one.outcome is OutcomeKind.CLARIFY,
        }  # fmt: skip
        for name, value in values.items():
            note(SuiteName.ANSWERS, name, one.case, float(value))
    return rows


def explain(rows: Sequence[Observed]) -> tuple[float, dict[Sort, tuple[float, float]]]:
    """(part of the gap zh - en that comes of other sorts of questions, {sort: (its gap, its part of the rest)}).

    A sort that one of the languages has fewer than FEWEST of has no gap of its own. Shares, not per cent.
    """
    sides = {lang: [one for one in rows if one.lang == lang] for lang in ("zh", "en")}
    if not all(sides.values()):
        return 0.0, {}
    mix, within = 0.0, {}
    for sort in Sort:
        shares, means, counts = {}, {}, {}
        for lang, ours in sides.items():
            values = [one.value for one in ours if one.sort is sort]
            counts[lang], shares[lang] = len(values), len(values) / len(ours)
            means[lang] = sum(values) / len(values) if values else None
        zh, en = means["zh"], means["en"]
        level = [mean for mean in (zh, en) if mean is not None]
        if level:
            mix += (shares["zh"] - shares["en"]) * sum(level) / len(level)
        if zh is not None and en is not None and min(counts.values()) >= FEWEST:
            within[sort] = (zh - en, (zh - en) * (shares["zh"] + shares["en"]) / 2)
    return mix, within


def sentence(name: str, gap: float, interval: tuple[float, float] | None, rows: Sequence[Observed]) -> str:
    """What is behind one gap, in a line for the report."""
    parts = [f"{name}: Chinese {_points(gap)} against English"]
    if interval is not None and interval[0] <= 0 <= interval[1]:
        parts.append("the interval holds 0, so chance alone may be it")
    mix, within = explain(rows)
    if within:
        zh, en = (_mean([one.sort is Sort.OTHER for one in rows if one.lang == lang]) for lang in ("zh", "en"))
        parts.append(
            f"{_points(mix)} because articles exist in other languages (only in the other one for {zh:.0%} of the Chinese "
            f"questions, {en:.0%} of the English)"
        )
        ordered = sorted(within.items(), key=lambda one: -abs(one[1][1]))
        for sort, (own, part) in ordered:
            parts.append(f"{_points(part)} among questions whose article is {sort} (there {_points(own)})")
    else:
        parts.append("the languages of the right articles are not known here, so it is not split further")
    return "; ".join(parts) + "."


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _points(share: float) -> str:
    return f"{share * 100:+.1f} points"
