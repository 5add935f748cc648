"""What holds for every calendar: laws of working time, and agreement with counting minute by minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.calendars import ALL_DAY, Calendar, OfficialDays, Span

HOUR = timedelta(hours=1)
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]
# Two weeks around each kind of clock change.
FIRST_DAYS = [date(2026, 3, 5), date(2026, 3, 26), date(2026, 10, 22), date(2026, 10, 29), date(2026, 4, 2)]


@st.composite
def day_hours(draw: st.DrawFn) -> tuple[Span, ...]:
    """Up to three spans in quarter hours; the last may pass midnight."""
    marks = sorted(draw(st.sets(st.integers(0, 95), max_size=6)))
    spans = [Span(15 * a, 15 * b) for a, b in zip(marks[::2], marks[1::2], strict=False)]
    if len(marks) % 2:
        spans.append(Span(15 * marks[-1], 15 * marks[-1] + 15 * draw(st.integers(1, 48))))
    return tuple(spans)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    week = tuple(draw(day_hours()) for _ in range(7))
    first = draw(st.sampled_from(FIRST_DAYS))
    dates = st.integers(0, 13).map(lambda n: first + timedelta(days=n))
    table = OfficialDays(
        frozenset({2026}),
        dict.fromkeys(draw(st.sets(dates, max_size=3)), "National Day"),
        dict.fromkeys(draw(st.sets(dates, max_size=2)), "National Day"),
    )
    overrides = {day: draw(day_hours()) for day in draw(st.sets(dates, max_size=2))}
    zone = draw(st.sampled_from(ZONES))
    return Calendar("random", zone, week, 8 * HOUR, draw(day_hours()), overrides, table)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    first = draw(st.sampled_from(FIRST_DAYS))
    seconds = draw(st.integers(0, 10 * 86400))
    return datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(seconds=seconds)


durations = st.integers(0, 40 * 3600).map(lambda seconds: timedelta(seconds=seconds))


def is_open(calendar: Calendar, at: datetime) -> bool:
    """The oracle: whether the desk works at a moment, from the wall clock alone.

    Exact at whole quarter hours in zones whose clock changes by whole quarters; where an hour happens twice, an end
    inside it means the first time, so only the first counts when the hours end or begin inside.
    """
    wall = at.astimezone(ZoneInfo(calendar.timezone))
    for back in (0, 1):
        day = wall.date() - timedelta(days=back)
        minute = wall.hour * 60 + wall.minute + back * 1440
        if any(span.start_minute <= minute < span.end_minute for span in calendar.day(day).spans):
            return True
    return False


def changes_clock(calendar: Calendar, start: datetime, end: datetime) -> bool:
    zone = ZoneInfo(calendar.timezone)
    margin = timedelta(days=2)
    return (start - margin).astimezone(zone).utcoffset() != (end + margin).astimezone(zone).utcoffset()


@settings(max_examples=40, deadline=None)
@given(calendars(), moments(), st.integers(1, 3 * 1440))
def test_working_time_agrees_with_counting_minutes(calendar: Calendar, start: datetime, length: int) -> None:
    start = start.replace(second=0)
    end = start + timedelta(minutes=length)
    if changes_clock(calendar, start, end):
        return  # the twice-told hour has tests of its own
    counted = sum(is_open(calendar, start + timedelta(minutes=n)) for n in range(length))
    assert calendar.working_between(start, end) == timedelta(minutes=counted)


@settings(max_examples=40, deadline=None)
@given(calendars(), moments(), st.integers(1, 20 * 60))
def test_a_deadline_agrees_with_counting_minutes(calendar: Calendar, start: datetime, minutes: int) -> None:
    start = start.replace(second=0)
    found = calendar.add_working(start, timedelta(minutes=minutes)).at
    if found is None or found - start > timedelta(days=6) or changes_clock(calendar, start, found):
        return
    cursor, left = start, minutes
    while left:
        left -= is_open(calendar, cursor)
        cursor += timedelta(minutes=1)
    assert found == cursor


@settings(max_examples=150, deadline=None)
@given(calendars(), moments(), durations)
def test_the_time_until_a_deadline_is_the_duration(calendar: Calendar, start: datetime, duration: timedelta) -> None:
    found = calendar.add_working(start, duration)
    if found.at is not None:
        assert calendar.working_between(start, found.at) == duration


@settings(max_examples=150, deadline=None)
@given(calendars(), moments(), durations, durations)
def test_later_starts_and_longer_durations_are_never_due_earlier(
    calendar: Calendar, start: datetime, duration: timedelta, more: timedelta
) -> None:
    found = calendar.add_working(start, duration).at
    longer = calendar.add_working(start, duration + more).at
    later = calendar.add_working(start + more, duration).at
    if found is not None:
        assert longer is None or longer >= found
        assert later is None or later >= found


@settings(max_examples=100, deadline=None)
@given(calendars(), moments(), moments(), moments())
def test_working_time_adds_up(calendar: Calendar, a: datetime, b: datetime, c: datetime) -> None:
    a, b, c = sorted((a, b, c))
    assert calendar.working_between(a, b) + calendar.working_between(b, c) == calendar.working_between(a, c)


@settings(max_examples=100, deadline=None)
@given(calendars(), moments(), durations, st.sampled_from(FIRST_DAYS), st.integers(0, 13))
def test_a_new_holiday_never_makes_it_earlier_and_a_new_working_day_never_later(
    calendar: Calendar, start: datetime, duration: timedelta, first: date, days: int
) -> None:
    day = first + timedelta(days=days)
    table = calendar.official
    assert table is not None
    rest = {other: name for other, name in table.workdays.items() if other != day}

    def due_with(holidays: Mapping[date, str], workdays: Mapping[date, str], makeup: tuple[Span, ...]) -> datetime:
        official = OfficialDays(table.years, holidays, workdays)
        changed = Calendar("x", calendar.timezone, calendar.week, 8 * HOUR, makeup, calendar.overrides, official)
        return changed.add_working(start, duration).at or datetime.max.replace(tzinfo=UTC)

    before = due_with(table.holidays, rest, calendar.makeup)
    assert due_with({**table.holidays, day: "National Day"}, rest, calendar.makeup) >= before
    # A make-up day adds time when its hours contain those of the day it replaces.
    wide = (ALL_DAY,) if all(span.end_minute <= 1440 for span in calendar.week[day.weekday()]) else ()
    if wide and not rest:
        without = due_with(table.holidays, {}, wide)
        assert due_with(table.holidays, {day: "National Day"}, wide) <= without
