"""The words of a report: a measure is one figure with its interval, a suite's result is many and some plots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evals.bounds import wilson


class SuiteName(StrEnum):
    RETRIEVAL = "retrieval"
    ANSWERS = "answers"
    ABSTENTION = "abstention"
    TRIAGE = "triage"
    FLOWS = "flows"
    PARITY = "parity"


class PlotKind(StrEnum):
    RISK_COVERAGE = "risk_coverage"
    RELIABILITY = "reliability"
    CONFUSION = "confusion"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. `suite.name.group` is how a gate and the last report find it."""

    suite: str
    name: str
    group: str  # "zh", "en", "all", or finer: "zh near_miss"
    value: float
    count: int  # cases behind it
    low: float | None = None  # 95 % interval
    high: float | None = None
    lower_is_better: bool = False
    share: bool = True  # in [0, 1] and shown in per cent; otherwise a plain number

    @property
    def key(self) -> str:
        return f"{self.suite}.{self.name}.{self.group}"


@dataclass(frozen=True, slots=True)
class Plot:
    kind: PlotKind
    title: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SuiteResult:
    name: SuiteName
    measures: tuple[Measure, ...]
    plots: tuple[Plot, ...] = ()
    misses: tuple[dict[str, Any], ...] = ()  # cases that went wrong, for reading
    notes: tuple[str, ...] = field(default_factory=tuple)


def share_of(
    suite: SuiteName, name: str, group: str, hits: Sequence[bool], *, lower_is_better: bool = False
) -> list[Measure]:
    """A share with its Wilson interval, as a list of one; nothing without cases: no figure is better than a made-up one."""
    if not hits:
        return []
    low, high = wilson(sum(hits), len(hits))
    return [Measure(suite, name, group, sum(hits) / len(hits), len(hits), low, high, lower_is_better)]


def mean_of(suite: SuiteName, name: str, group: str, values: Sequence[float], *, share: bool = True) -> list[Measure]:
    """A mean of values in [0, 1] with the normal interval of a mean, as a list of one."""
    if not values:
        return []
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1) / len(values))
    low, high = max(0.0, mean - 1.96 * spread), mean + 1.96 * spread
    return [Measure(suite, name, group, mean, len(values), low, min(1.0, high) if share else high, share=share)]


def times(suite: SuiteName, milliseconds: Sequence[float]) -> list[Measure]:
    """The median and the 95th percentile of what a case took."""
    if not milliseconds:
        return []
    ordered, count = sorted(milliseconds), len(milliseconds)
    return [
        Measure(suite, f"p{percent}_ms", "all", ordered[min(count - 1, count * percent // 100)], count,
                lower_is_better=True, share=False)
        for percent in (50, 95)
    ]  # fmt: skip
