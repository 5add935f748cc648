"""Is urgency judged right? Confusion, macro-F1, weighted kappa, and what matters most: recall at urgent against false alarms."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from base.agreement import confusion, macro_f1, weighted_kappa
from bot.models import Triage
from desk.models import Category, Urgency
from evals.cases import TriageCase
from evals.measures import Measure, Plot, PlotKind, SuiteName, SuiteResult, share_of, times
from web.wiring import Services

_SUITE = SuiteName.TRIAGE
LEVELS = tuple(str(level) for level in Urgency)


@dataclass(frozen=True, slots=True)
class Judged:
    case: TriageCase
    triage: Triage
    milliseconds: float


def collect(services: Services, cases: Sequence[TriageCase]) -> list[Judged]:
    """The triage of every message, as of one nobody wrote anything before."""
    found = []
    for case in cases:
        started = time.perf_counter()
        triage = services.thinker.triage_alone(case.text)
        found.append(Judged(case, triage, (time.perf_counter() - started) * 1000))
    return found


def summarise(judged: Sequence[Judged]) -> SuiteResult:
    """The figures by language and all, the confusion of all."""
    measures: list[Measure] = []
    for lang in (*sorted({one.case.lang for one in judged}), "all"):
        measures += _of_group(lang, [one for one in judged if lang in ("all", one.case.lang)])
    measures += times(_SUITE, [one.milliseconds for one in judged])
    table = confusion([(str(one.case.urgency), str(one.triage.urgency)) for one in judged], LEVELS)
    plot = Plot(
        PlotKind.CONFUSION, "Urgency: as a person judged it, and as triage did", {"labels": LEVELS, "table": table}
    )
    misses = tuple(_miss(one) for one in judged if one.triage.urgency is not one.case.urgency)
    return SuiteResult(_SUITE, tuple(measures), (plot,) if judged else (), misses)


def _of_group(group: str, ones: Sequence[Judged]) -> list[Measure]:
    pairs = [(str(one.case.urgency), str(one.triage.urgency)) for one in ones]
    urgent, count = str(Urgency.URGENT), len(ones)
    categories = [(str(one.case.category), str(one.triage.category)) for one in ones if one.case.category]
    wishes = [(one.case.wants_human, one.triage.wants_human) for one in ones if one.case.wants_human is not None]
    tones = [one.triage.sentiment is one.case.sentiment for one in ones if one.case.sentiment]
    found = [
        *share_of(_SUITE, "urgency_accuracy", group, [truth == judged for truth, judged in pairs]),
        Measure(_SUITE, "urgency_macro_f1", group, macro_f1(pairs, LEVELS), count, share=False),
        Measure(_SUITE, "urgency_weighted_kappa", group, weighted_kappa(confusion(pairs, LEVELS)), count, share=False),
        *share_of(_SUITE, "urgent_recall", group, [judged == urgent for truth, judged in pairs if truth == urgent]),
        *share_of(
            _SUITE, "urgent_false_alarms", group, [judged == urgent for truth, judged in pairs if truth != urgent],
            lower_is_better=True,
        ),
        *share_of(_SUITE, "category_accuracy", group, [truth == judged for truth, judged in categories]),
        *share_of(_SUITE, "wish_for_person_recall", group, [judged for truth, judged in wishes if truth]),
        *share_of(
            _SUITE, "wish_for_person_false_alarms", group, [judged for truth, judged in wishes if not truth],
            lower_is_better=True,
        ),
        *share_of(_SUITE, "sentiment_accuracy", group, tones),
    ]  # fmt: skip
    if categories:
        f1 = macro_f1(categories, [str(category) for category in Category])
        found.append(Measure(_SUITE, "category_macro_f1", group, f1, len(categories), share=False))
    return found


def _miss(one: Judged) -> dict[str, object]:
    return {
        "id": one.case.id, "lang": one.case.lang, "text": one.case.text[:300], "wanted": str(one.case.urgency),
        "judged": str(one.triage.urgency), "reasons": [r.render("en") for r in one.triage.urgency_reasons],
    }  # fmt: skip
