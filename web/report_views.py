"""What the report templates are given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgreementRow:
    level: str  # by staff
    name: str
    counts: tuple[int, ...]  # by the assistant, in the order of the levels


@dataclass(frozen=True, slots=True)
class AgreementWeek:
    start: str  # its Monday, YYYY-MM-DD
    tickets: int
    agreed: int
    kappa: str  # "0.83", "" without tickets
    rows: tuple[AgreementRow, ...]


@dataclass(frozen=True, slots=True)
class RatingLine:
    """How customers rated solved tickets in one week, or in all of them."""

    start: str  # its Monday, YYYY-MM-DD; "" for all weeks together
    count: int
    mean: str  # "4.3" of 1 to 5, "" without ratings
    satisfied: str  # "83%", "" without ratings


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    when: str
    text: str
    lang: str
    judged: str
    judged_name: str
    level: str
    level_name: str
    reasons: tuple[str, ...]  # that stood beside it
    reason: str  # the person's


@dataclass(frozen=True, slots=True)
class AgreementView:
    levels: tuple[str, ...]  # names, worst first
    weeks: tuple[AgreementWeek, ...]  # this one first
    ratings: tuple[RatingLine, ...]  # of the same weeks, then together
    latest: tuple[CorrectionLine, ...]
    least: int  # corrections from which the model can learn
    corrected: int
