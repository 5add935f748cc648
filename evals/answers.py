"""Are the answers right? Of the questions that an article answers: correct, wrong, abstained; and what is cited."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models import OutcomeKind
from evals.asking import Asked
from evals.gold import same_article
from evals.measures import Measure, Plot, PlotKind, SuiteName, SuiteResult, mean_of, share_of, times

_SUITE = SuiteName.ANSWERS


def summarise(asked: Sequence[Asked]) -> SuiteResult:
    """The figures of the cases that are to be answered, by language and all."""
    ours = [one for one in asked if one.case.to_be_answered]
    measures: list[Measure] = []
    for lang in (*sorted({one.case.lang for one in ours}), "all"):
        measures += _of_group(lang, [one for one in ours if lang in ("all", one.case.lang)])
    spent = [one.milliseconds for one in ours]
    measures += times(_SUITE, spent)
    plots = (Plot(PlotKind.LATENCY, "Time of an answer", {"milliseconds": [round(ms, 2) for ms in spent]}),)
    return SuiteResult(
        _SUITE, tuple(measures), plots if ours else (), tuple(_miss(one) for one in ours if _is_miss(one))
    )


def _of_group(group: str, ones: Sequence[Asked]) -> list[Measure]:
    answered = [one for one in ones if one.answered]
    abstained = [not one.answered for one in ones]
    return [
        *share_of(_SUITE, "correct", group, [one.right for one in ones]),
        *share_of(_SUITE, "wrong", group, [one.wrong for one in ones], lower_is_better=True),
        *share_of(_SUITE, "abstained", group, abstained, lower_is_better=True),
        *share_of(_SUITE, "coverage", group, [one.answered for one in ones]),
        *share_of(
            _SUITE, "asked_back", group, [one.outcome is OutcomeKind.CLARIFY for one in ones], lower_is_better=True
        ),
        *share_of(_SUITE, "right_when_answered", group, [one.right for one in answered]),
        *mean_of(_SUITE, "citation_precision", group, [_precision(one) for one in answered]),
        *share_of(_SUITE, "citation_recall", group, [_precision(one) > 0 for one in answered]),
        *share_of(_SUITE, "hard_fact_errors", group, [bool(one.false_facts) for one in answered], lower_is_better=True),
        *share_of(_SUITE, "language_match", group, [one.lang == one.case.lang for one in ones]),
        *share_of(_SUITE, "quoted_in_own_language", group, [one.cited_lang == one.case.lang for one in answered]),
    ]


def _precision(one: Asked) -> float:
    """Share of the citations that are of a right article."""
    return sum(same_article(source, one.case.sources) for source in one.cited) / len(one.cited)


def _is_miss(one: Asked) -> bool:
    return not one.right or bool(one.false_facts) or one.lang != one.case.lang


def _miss(one: Asked) -> dict[str, object]:
    return {
        "id": one.case.id, "lang": one.case.lang, "text": one.case.text[:300], "outcome": str(one.outcome),
        "confidence": one.confidence, "wanted": sorted(one.case.sources), "cited": list(one.cited),
        "false_facts": list(one.false_facts),
    }  # fmt: skip
