"""What a ticket is measured by: targets per urgency, the policy that holds them, the package that names both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from desk.calendars import HORIZON_DAYS, Calendar
from desk.models import Urgency

Names = Mapping[str, str]  # "en" and "zh" -> text


class ClockName(StrEnum):
    DISPATCH = "dispatch"
    FIRST_RESPONSE = "first_response"
    RESOLUTION = "resolution"


class Unit(StrEnum):
    MINUTE = "min"
    HOUR = "h"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Target:
    """An amount of time, around the clock or of working time. A working day is as long as the calendar says."""

    amount: int
    unit: Unit
    working: bool

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read "30 min", "4 working h" or "3 working days". Raises ValueError, also beyond HORIZON_DAYS."""
        match = re.fullmatch(r"(\d{1,6}) (working )?(min|h|day)s?", text.strip())
        if match is None:
            raise ValueError(f'a target is written "30 min", "4 h" or "3 working days", not {text!r}')
        target = cls(int(match[1]), Unit(match[3]), match[2] is not None)
        if target.plain > timedelta(days=HORIZON_DAYS):
            raise ValueError(f"a target of more than {HORIZON_DAYS} days: {text!r}")
        return target

    def duration(self, calendar: Calendar) -> timedelta:
        return self.amount * calendar.working_day if self.working and self.unit is Unit.DAY else self.plain

    @property
    def plain(self) -> timedelta:
        minutes = {Unit.MINUTE: 1, Unit.HOUR: 60, Unit.DAY: 1440}[self.unit]
        return timedelta(minutes=self.amount * minutes)


@dataclass(frozen=True, slots=True)
class Targets:
    """What is owed at one level. None: not measured. `progress`: how often the customer is told how it stands."""

    dispatch: Target | None = None
    emergency_group: Target | None = None
    first_response: Target | None = None
    resolution: Target | None = None
    progress: Target | None = None

    def of(self, clock: ClockName) -> Target | None:
        target: Target | None = getattr(self, clock.value)
        return target


@dataclass(frozen=True, slots=True)
class Policy:
    key: str
    name: Names
    targets: Mapping[Urgency, Targets]
    warn_at_percent: tuple[int, ...]
    new_cycle_after: timedelta | None  # None: a reopened ticket always goes on with its old clocks
    version: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a ticket is measured by."""

    policy: Policy
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Package:
    key: str
    name: Names
    terms: Terms
