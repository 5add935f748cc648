"""Working time: when the desk is open, and what time is left of a promise. Local hours in, UTC moments out.

What holds on a day, first match wins: an override for that date, an official make-up workday, a holiday, the weekly
pattern. A year whose official days are not published yet is a state, not a guess: deadlines that walk into it are
flagged `provisional`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from importlib import import_module
from itertools import pairwise

from base.clock import zone_of
from base.i18n import N_

HORIZON_DAYS = 400
DAY_MINUTES = 24 * 60
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")

# The names chinesecalendar gives, so that they can be shown in both languages.
HOLIDAY_NAMES = (
    N_("New Year's Day"),
    N_("Spring Festival"),
    N_("Tomb-sweeping Day"),
    N_("Labour Day"),
    N_("Dragon Boat Festival"),
    N_("Mid-autumn Festival"),
    N_("National Day"),
    N_("Anti-Fascist 70th Day"),
)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open local hours of a day, in minutes after its midnight. An end past 1440 is on the next day."""

    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_minute < DAY_MINUTES or not 0 < self.end_minute - self.start_minute <= DAY_MINUTES:
            raise ValueError(f"not a span of hours: {self.start_minute}-{self.end_minute}")

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read "09:00-12:00", "00:00-24:00", or "22:00-06:00", which ends on the next day. Raises ValueError."""
        match = _SPAN.fullmatch(text.strip())
        if match is None:
            raise ValueError(f'hours are written "09:00-18:00", not {text!r}')
        hour, minute, end_hour, end_minute = map(int, match.groups())
        start, end = hour * 60 + minute, end_hour * 60 + end_minute
        if minute > 59 or end_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
            raise ValueError(f"there is no such time of day in {text!r}")
        return cls(start, end if end > start else end + DAY_MINUTES)


ALL_DAY = Span(0, DAY_MINUTES)


class DayKind(StrEnum):
    OVERRIDE = "override"
    MAKEUP = "makeup"
    HOLIDAY = "holiday"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Day:
    """What holds on one local date. `certain` is False when the official days of its year are not published."""

    date: date
    kind: DayKind
    spans: tuple[Span, ...]
    name: str = ""  # the holiday, an English catalogue text
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open, both ends UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class DayUse:
    """What one day contributes to a stretch of working time. `intervals` is empty when nothing of it counts."""

    day: Day
    intervals: tuple[Interval, ...]

    @property
    def worked(self) -> timedelta:
        return sum((piece.end - piece.start for piece in self.intervals), timedelta())


class Problem(StrEnum):
    NO_WORKING_TIME = "no_working_time"  # not enough of it within HORIZON_DAYS: somebody must look at the calendar


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at`: UTC; None when there is none, and `problem` says why, if anything is wrong."""

    at: datetime | None
    provisional: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class OfficialDays:
    """Holidays and make-up workdays that a state has published, by whole years.

    `by_law`: (month, day) -> name of the holidays that stand in the law, so they hold before the yearly notice is out.
    """

    years: frozenset[int]
    holidays: Mapping[date, str]
    workdays: Mapping[date, str]
    by_law: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def with_year(self, year: int, holidays: Mapping[date, str], workdays: Mapping[date, str]) -> OfficialDays:
        """The same table with one year put in or replaced. Raises ValueError when a date is of another year."""
        strays = [day for day in (*holidays, *workdays) if day.year != year]
        if strays or set(holidays) & set(workdays):
            raise ValueError(f"{year}: a date of another year, or a date that is both holiday and workday")
        return OfficialDays(
            self.years | {year},
            {day: name for day, name in self.holidays.items() if day.year != year} | dict(holidays),
            {day: name for day, name in self.workdays.items() if day.year != year} | dict(workdays),
            self.by_law,
        )


@cache
def china_days() -> OfficialDays:
    """China's published holidays and make-up workdays (State Council notices), as the chinesecalendar package has them.

    It appears each November with the next year; newer years can be written into the service defaults until then.
    """
    constants = import_module("chinese_calendar.constants")  # late: most commands never need it
    holidays: dict[date, str] = dict(constants.holidays)
    by_law = {(1, 1): "New Year's Day", (5, 1): "Labour Day", (5, 2): "Labour Day"}
    by_law |= {(10, day): "National Day" for day in (1, 2, 3)}
    return OfficialDays(frozenset(day.year for day in holidays), holidays, dict(constants.workdays), by_law)


@dataclass(frozen=True)
class Calendar:
    """The hours of a desk. `week`: seven days from Monday; `makeup`: the hours of an official make-up workday.

    `working_day`: how much working time "1 working day" means. Raises ValueError for spans that overlap within a day.
    """

    key: str
    timezone: str
    week: tuple[tuple[Span, ...], ...]
    working_day: timedelta
    makeup: tuple[Span, ...] = ()
    overrides: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    official: OfficialDays | None = None
    version: str = ""
    _intervals: dict[date, tuple[Interval, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError("a week has seven days")
        for spans in (*self.week, self.makeup, *self.overrides.values()):
            for before, after in pairwise(spans):
                if before.end_minute > after.start_minute:
                    raise ValueError("the hours of a day must be in order and must not overlap")

    @property
    def always_open(self) -> bool:
        return not self.overrides and self.official is None and all(spans == (ALL_DAY,) for spans in self.week)

    def day(self, on: date) -> Day:
        """What holds on a local date, and why."""
        if on in self.overrides:
            return Day(on, DayKind.OVERRIDE, self.overrides[on])
        weekly = self.week[on.weekday()]
        if self.official is None:
            return Day(on, DayKind.WEEKLY, weekly)
        if on in self.official.workdays:
            return Day(on, DayKind.MAKEUP, self.makeup, self.official.workdays[on])
        if on in self.official.holidays:
            return Day(on, DayKind.HOLIDAY, (), self.official.holidays[on])
        if on.year in self.official.years:
            return Day(on, DayKind.WEEKLY, weekly)
        if (on.month, on.day) in self.official.by_law:
            return Day(on, DayKind.HOLIDAY, (), self.official.by_law[on.month, on.day], certain=False)
        return Day(on, DayKind.WEEKLY, weekly, certain=False)

    def working_spans(self, on: date) -> tuple[Interval, ...]:
        """The working time that begins on a local date, in UTC and in order. A night shift belongs to its evening."""
        if on not in self._intervals:
            zone = zone_of(self.timezone)
            ends = ((_instant(on, s.start_minute, zone), _instant(on, s.end_minute, zone)) for s in self.day(on).spans)
            self._intervals[on] = tuple(Interval(start, end) for start, end in ends if start < end)
        return self._intervals[on]

    def add_working(self, start: datetime, duration: timedelta) -> Deadline:
        """The first moment at which `duration` of working time has passed since `start`. Nothing passes while closed.

        `start`: aware. Looks HORIZON_DAYS ahead; beyond, the answer has no moment and says NO_WORKING_TIME.
        Raises ValueError for a naive start or a negative duration.
        """
        start = _utc(start)
        if duration < timedelta():
            raise ValueError("a duration cannot be negative")
        if duration == timedelta():
            return Deadline(start)
        if self.always_open:
            within = duration <= timedelta(days=HORIZON_DAYS)
            return Deadline(start + duration) if within else Deadline(None, problem=Problem.NO_WORKING_TIME)
        left, provisional = duration, False
        last = self.local_date(start) + timedelta(days=HORIZON_DAYS)
        for use in self._walk(start, last):
            provisional = provisional or not use.day.certain
            for piece in use.intervals:
                if piece.end - piece.start >= left:
                    return Deadline(piece.start + left, provisional)
                left -= piece.end - piece.start
        return Deadline(None, provisional, Problem.NO_WORKING_TIME)

    def working_between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`; zero when `end` is not later."""
        if self.always_open:
            return max(_utc(end) - _utc(start), timedelta())
        return sum((use.worked for use in self.usage(start, end)), timedelta())

    def usage(self, start: datetime, end: datetime) -> Iterator[DayUse]:
        """Each day from `start` to `end` with the working time it contributes, closed days included."""
        start, end = _utc(start), _utc(end)
        if end <= start:
            return
        for use in self._walk(start, self.local_date(end)):
            pieces = (Interval(piece.start, min(piece.end, end)) for piece in use.intervals if piece.start < end)
            yield DayUse(use.day, tuple(pieces))

    def _walk(self, start: datetime, last: date) -> Iterator[DayUse]:
        """Day by day from `start` to the date `last`, with what is left of each day's intervals after `start`.

        Begins one day early for a shift that passes midnight; intervals that overlap one another count once.
        """
        first = self.local_date(start)
        cursor = start
        for ordinal in range(first.toordinal() - 1, last.toordinal() + 1):
            on = date.fromordinal(ordinal)
            pieces: list[Interval] = []
            for piece in self.working_spans(on):
                if piece.end > cursor:
                    pieces.append(Interval(max(piece.start, cursor), piece.end))
                    cursor = piece.end
            if on >= first or pieces:
                yield DayUse(self.day(on), tuple(pieces))

    def local_date(self, at: datetime) -> date:
        """The date it is for the desk."""
        return at.astimezone(zone_of(self.timezone)).date()


def around_the_clock(key: str = "always", timezone: str = "UTC") -> Calendar:
    """The calendar that never closes; its working day has 24 hours."""
    return Calendar(key, timezone, ((ALL_DAY,),) * 7, timedelta(days=1), version="24x7")


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return at.astimezone(UTC)


def _instant(on: date, minute: int, zone: tzinfo) -> datetime:
    """The UTC moment of a wall-clock minute, never decreasing in `minute`.

    An hour that happens twice means its first; one that is skipped means the moment of the jump.
    """
    wall = datetime.combine(on, time(), tzinfo=zone) + timedelta(minutes=minute)
    first, second = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if first <= second:
        return first
    before, jumped = second, first  # the jump lies in (before, jumped]
    offset = jumped.astimezone(zone).utcoffset()
    while jumped - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(jumped - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            jumped = middle
        else:
            before = middle
    return jumped
