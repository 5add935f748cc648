"""Does it keep silent when it should? Risk against coverage over the confidence, by kind of question and language.

A case "gold removed" is an answerable one asked again with its article (both language versions) archived in a copy of
the installation: whatever is answered then is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from evals.asking import Asked, ask
from evals.bounds import clopper_pearson, upper_bound
from evals.cases import Case, Kind
from evals.gold import article_key
from evals.measures import Measure, Plot, PlotKind, SuiteName, SuiteResult, share_of
from kb import store
from kb.models import Status
from kb.tables import ArticleRow, VersionRow
from web.wiring import Services

_SUITE = SuiteName.ABSTENTION
COVERAGE = 0.7  # of the answerable: where the risk is stated
RISK = 0.05  # wrong among answered: where the coverage is stated
_POINTS = 120  # of a drawn curve
_BINS = 10  # of the reliability plot


def collect(services: Services, cases: Sequence[Case], asked: Sequence[Asked]) -> list[Asked]:
    """What was asked already, and each answerable case again without its article. Changes the installation while it runs."""
    found = list(asked)
    by_gold: dict[frozenset[str], list[Case]] = {}
    for case in cases:
        if case.kind is Kind.ANSWERABLE:
            by_gold.setdefault(frozenset(map(article_key, case.sources)), []).append(case)
    for keys, ones in by_gold.items():
        with _without(services, keys) as removed:
            if removed:
                found += [
                    ask(services, replace(case, id=f"{case.id}#removed", kind=Kind.GOLD_REMOVED)) for case in ones
                ]
    return found


@contextmanager
def _without(services: Services, keys: frozenset[str]) -> Iterator[int]:
    """The installation without these articles in any language; their number. They are back afterwards."""
    with services.database.read() as session:
        rows = session.execute(
            select(ArticleRow.public_id, VersionRow.number, ArticleRow.source)
            .join(VersionRow, VersionRow.id == ArticleRow.version_id)
            .where(ArticleRow.status == Status.PUBLISHED)
        ).all()
    gold = [(public_id, number) for public_id, number, source in rows if article_key(source) in keys]
    with services.database.begin() as session:
        for public_id, _ in gold:
            store.archive(session, services.keywords, public_id, datetime.now(UTC))
    try:
        yield len(gold)
    finally:
        with services.database.begin() as session:
            for public_id, number in gold:
                store.publish(session, services.keywords, public_id, datetime.now(UTC), number)


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold would give: answered are the cases at or above it."""

    threshold: float
    coverage: float  # answered share of the answerable, in [0, 1]
    answered: int  # of all cases
    wrong: int

    @property
    def risk(self) -> float:
        return self.wrong / self.answered if self.answered else 0.0


def curve(asked: Sequence[Asked]) -> list[Point]:
    """A point per distinct confidence, from the strictest threshold to the most generous.

    Right is what was answered rightly; for a case below the threshold in force, whether its best passage is from a right
    article. A case without any passage cannot be answered.
    """
    answerable = sum(one.case.to_be_answered for one in asked)
    ordered = sorted((one for one in asked if one.confidence > 0), key=lambda one: -one.confidence)
    points: list[Point] = []
    covered = wrong = 0
    for place, one in enumerate(ordered, start=1):
        covered += one.case.to_be_answered
        wrong += not _would_be_right(one)
        last = place == len(ordered) or ordered[place].confidence < one.confidence
        if last:
            points.append(Point(one.confidence, covered / max(answerable, 1), place, wrong))
    return points


def summarise(asked: Sequence[Asked]) -> SuiteResult:
    """Right behaviour by kind and language, the figures of the curve, and both plots."""
    measures: list[Measure] = []
    plots: list[Plot] = []
    for lang in (*sorted({one.case.lang for one in asked}), "all"):
        ours = [one for one in asked if lang in ("all", one.case.lang)]
        measures += _of_group(lang, ours)
        for kind in Kind:
            behaved = [_behaved(one) for one in ours if one.case.kind is kind]
            measures += share_of(_SUITE, "right_behaviour", f"{lang} {kind}", behaved)
        measures += _of_premises(lang, ours)
    if asked:
        plots = [
            Plot(PlotKind.RISK_COVERAGE, "Risk against coverage", {"curves": _curves(asked)}),
            Plot(PlotKind.RELIABILITY, "Confidence against what came of it", {"bins": _bins(asked)}),
        ]
    return SuiteResult(_SUITE, tuple(measures), tuple(plots), tuple(_miss(one) for one in asked if not _behaved(one)))


def _of_premises(group: str, ones: Sequence[Asked]) -> list[Measure]:
    """What came of premises that an article puts right: said so, went along with them, or left open."""
    asked = [one for one in ones if one.case.kind is Kind.FALSE_PREMISE and one.case.to_be_answered]
    return [
        *share_of(_SUITE, "premise_put_right", group, [one.right for one in asked]),
        *share_of(_SUITE, "premise_accepted", group, [one.wrong for one in asked], lower_is_better=True),
    ]


def _behaved(one: Asked) -> bool:
    """Answered from a right article what is to be answered, nothing else."""
    return one.right if one.case.to_be_answered else not one.answered


def _would_be_right(one: Asked) -> bool:
    return one.right if one.answered else one.best_right


def _of_group(group: str, ones: Sequence[Asked]) -> list[Measure]:
    answered = [one for one in ones if one.answered]
    good = [one for one in ones if one.case.to_be_answered]
    bad = [one for one in ones if not one.case.to_be_answered]
    found = [
        *share_of(_SUITE, "wrong_among_answered", group, [not _behaved(one) for one in answered], lower_is_better=True),
        *share_of(_SUITE, "answered_when_answerable", group, [one.answered for one in good]),
        *share_of(_SUITE, "abstained_when_not", group, [not one.answered for one in bad]),
    ]
    if good and bad:
        value = (sum(one.answered for one in good) / len(good) + sum(not one.answered for one in bad) / len(bad)) / 2
        found.append(Measure(_SUITE, "balanced_accuracy", group, value, len(ones)))
        found += _of_curve(group, curve(ones), len(good))
    found += _calibration(group, ones)
    return found


def _of_curve(group: str, points: Sequence[Point], answerable: int) -> list[Measure]:
    """The risk where COVERAGE is reached, with its exact interval; the coverage up to which the risk stays within RISK."""
    found = []
    if reached := next((point for point in points if point.coverage >= COVERAGE), None):
        low, high = clopper_pearson(reached.wrong, reached.answered)
        name = f"risk_at_{COVERAGE:.0%}_coverage".replace("%", "")
        found.append(Measure(_SUITE, name, group, reached.risk, reached.answered, low, high, lower_is_better=True))
    within = max((point.coverage for point in points if point.risk <= RISK), default=0.0)
    sure = max((p.coverage for p in points if upper_bound(p.wrong, p.answered) <= RISK), default=0.0)
    name = f"coverage_at_{RISK:.0%}_risk".replace("%", "")
    found.append(Measure(_SUITE, name, group, within, answerable))
    return [*found, Measure(_SUITE, f"{name}_sure", group, sure, answerable)]


def _calibration(group: str, ones: Sequence[Asked]) -> list[Measure]:
    """Brier score, and the mean distance between confidence and truth over equal bins (ECE). 0 is best."""
    seen = [one for one in ones if one.confidence > 0]
    if not seen:
        return []
    brier = sum((one.confidence - _would_be_right(one)) ** 2 for one in seen) / len(seen)
    error = sum(abs(bin["confidence"] - bin["right"]) * bin["count"] for bin in _bins(seen)) / len(seen)
    return [
        Measure(_SUITE, "brier", group, brier, len(seen), lower_is_better=True, share=False),
        Measure(_SUITE, "calibration_error", group, error, len(seen), lower_is_better=True),
    ]


def _bins(asked: Sequence[Asked]) -> list[dict[str, float]]:
    found = []
    for number in range(_BINS):
        ones = [one for one in asked if one.confidence > 0 and min(int(one.confidence * _BINS), _BINS - 1) == number]
        if ones:
            right = sum(map(_would_be_right, ones))
            low, high = clopper_pearson(right, len(ones))
            mean = sum(one.confidence for one in ones) / len(ones)
            found.append({"confidence": mean, "right": right / len(ones), "count": len(ones), "low": low, "high": high})
    return found


def _curves(asked: Sequence[Asked]) -> dict[str, list[dict[str, float]]]:
    """The drawn points of each language's curve and of all, with the exact upper bound of the risk."""
    found = {}
    for lang in (*sorted({one.case.lang for one in asked}), "all"):
        points = curve([one for one in asked if lang in ("all", one.case.lang)])
        step = max(1, len(points) // _POINTS)
        kept = [point for place, point in enumerate(points) if place % step == 0 or place == len(points) - 1]
        found[lang] = [
            {
                "threshold": p.threshold,
                "coverage": p.coverage,
                "risk": p.risk,
                "bound": upper_bound(p.wrong, p.answered),
            }
            for p in kept
        ]
    return found


def _miss(one: Asked) -> dict[str, Any]:
    return {
        "id": one.case.id, "lang": one.case.lang, "kind": str(one.case.kind), "text": one.case.text[:300],
        "outcome": str(one.outcome), "confidence": one.confidence, "wanted": sorted(one.case.sources),
        "cited": list(one.cited),
    }  # fmt: skip
