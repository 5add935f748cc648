"""Working time: single days and the tricky moments. Its laws are in test_calendars_laws.py."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

import pytest

from desk.calendars import (
    ALL_DAY,
    HORIZON_DAYS,
    Calendar,
    DayKind,
    OfficialDays,
    Problem,
    Span,
    around_the_clock,
    china_days,
)

SHANGHAI = "Asia/Shanghai"
OFFICE = (Span.parse("09:00-18:00"),)
MAKEUP_DAYS_2026 = [
    date(2026, 1, 4),
    date(2026, 2, 14),
    date(2026, 2, 28),
    date(2026, 5, 9),
    date(2026, 9, 20),
    date(2026, 10, 10),
]


def hours(*texts: str) -> tuple[Span, ...]:
    return tuple(Span.parse(text) for text in texts)


def weekdays(*texts: str, zone: str = SHANGHAI, **more: object) -> Calendar:
    """Monday to Friday with these hours, closed at the weekend."""
    spans = hours(*texts)
    return Calendar("test", zone, (spans,) * 5 + ((),) * 2, timedelta(hours=8), **more)  # type: ignore[arg-type]


def china(table: OfficialDays | None = None, overrides: Mapping[date, tuple[Span, ...]] | None = None) -> Calendar:
    return weekdays("09:00-18:00", makeup=OFFICE, official=table or china_days(), overrides=overrides or {})


def local(text: str, zone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def due(calendar: Calendar, start: str, duration: timedelta) -> str:
    """The deadline as wall-clock time of the calendar."""
    at = calendar.add_working(local(start, calendar.timezone), duration).at
    assert at is not None and at.tzinfo is UTC
    return at.astimezone(ZoneInfo(calendar.timezone)).strftime("%Y-%m-%d %H:%M")


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("text", ["9-18", "09:00", "24:00-25:00", "09:60-10:00", "08:00-24:30", ""])
def test_hours_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Span.parse(text)


def test_equal_ends_mean_a_whole_day_round() -> None:
    assert Span.parse("00:00-24:00") == ALL_DAY
    assert Span.parse("08:00-08:00") == Span(480, 480 + 1440)


def test_overlapping_or_unordered_hours_are_refused() -> None:
    for texts in (("09:00-12:00", "11:00-18:00"), ("13:00-18:00", "09:00-12:00"), ("22:00-06:00", "23:00-23:30")):
        with pytest.raises(ValueError, match="overlap"):
            weekdays(*texts)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-11-20 07:00", "2026-11-20 10:00"),  # before opening
        ("2026-11-20 09:00", "2026-11-20 10:00"),  # exactly at opening
        ("2026-11-20 17:00", "2026-11-20 18:00"),  # due exactly at closing stays there
        ("2026-11-20 18:00", "2026-11-23 10:00"),  # exactly at closing: the day is over
        ("2026-11-21 12:00", "2026-11-23 10:00"),  # Saturday
        ("2026-10-01 10:00", "2026-10-08 10:00"),  # National Day week
        ("2026-09-20 10:00", "2026-09-20 11:00"),  # a Sunday that is a working day in exchange
    ],
)
def test_one_working_hour_from_the_edges_of_a_day(start: str, expected: str) -> None:
    assert due(china(), start, HOUR) == expected


@pytest.mark.parametrize("day", MAKEUP_DAYS_2026)
def test_make_up_days_of_2026_are_worked_although_they_are_weekends(day: date) -> None:
    assert day.weekday() >= 5
    found = china().day(day)
    assert (found.kind, found.spans, found.certain) == (DayKind.MAKEUP, OFFICE, True)


def test_the_make_up_days_of_2026_are_exactly_these() -> None:
    assert sorted(day for day in china_days().workdays if day.year == 2026) == MAKEUP_DAYS_2026


def test_every_published_day_agrees_with_the_package() -> None:
    is_workday = import_module("chinese_calendar").is_workday
    calendar = china()
    first, last = date(min(china_days().years), 1, 1), date(max(china_days().years), 12, 31)
    days = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
    assert [day for day in days if bool(calendar.day(day).spans) != is_workday(day)] == []


def test_the_nine_days_of_spring_festival_do_not_count() -> None:
    # Friday 13 February; Saturday the 14th is worked; the 15th to the 23rd are off.
    assert due(china(), "2026-02-13 17:00", 11 * HOUR) == "2026-02-24 10:00"
    assert china().working_between(local("2026-02-15 00:00"), local("2026-02-24 00:00")) == timedelta()


def test_an_override_is_stronger_than_a_make_up_day_and_a_holiday() -> None:
    short = china(overrides={date(2026, 2, 14): (), date(2026, 10, 1): hours("10:00-12:00")})
    assert due(short, "2026-02-13 18:00", HOUR) == "2026-02-24 10:00"
    assert due(short, "2026-10-01 08:00", HOUR) == "2026-10-01 11:00"


def test_a_day_declared_a_holiday_later_moves_the_deadline() -> None:
    known = china_days()
    more = known.with_year(
        2026,
        {day: name for day, name in known.holidays.items() if day.year == 2026} | {date(2026, 11, 23): "National Day"},
        {day: name for day, name in known.workdays.items() if day.year == 2026},
    )
    assert due(china(), "2026-11-20 17:30", HOUR) == "2026-11-23 09:30"
    assert due(china(more), "2026-11-20 17:30", HOUR) == "2026-11-24 09:30"


def without_2027() -> OfficialDays:
    """The table as it was before the notice for 2027, whatever is installed."""
    table = china_days()
    return OfficialDays(
        table.years - {year for year in table.years if year > 2026}, table.holidays, table.workdays, table.by_law
    )


def test_a_deadline_that_walks_into_a_year_without_official_days_is_provisional() -> None:
    calendar = china(without_2027())
    assert not calendar.add_working(local("2026-12-31 16:00"), HOUR).provisional
    assert not calendar.add_working(local("2026-12-31 16:00"), 2 * HOUR).provisional
    later = calendar.add_working(local("2026-12-31 16:00"), 3 * HOUR)
    assert later.provisional and later.problem is None
    # 1 January is a holiday by law, notice or not; the 2nd and 3rd are a weekend.
    assert (calendar.day(date(2027, 1, 1)).kind, calendar.day(date(2027, 1, 1)).certain) == (DayKind.HOLIDAY, False)
    assert due(calendar, "2026-12-31 16:00", 3 * HOUR) == "2027-01-04 10:00"


def test_the_notice_for_the_year_makes_the_deadline_certain() -> None:
    new = without_2027().with_year(2027, {date(2027, 1, 1): "New Year's Day", date(2027, 1, 4): "New Year's Day"}, {})
    found = china(new).add_working(local("2026-12-31 16:00"), 3 * HOUR)
    assert not found.provisional
    assert due(china(new), "2026-12-31 16:00", 3 * HOUR) == "2027-01-05 10:00"


def test_an_override_is_certain_in_a_year_without_official_days() -> None:
    day = china(without_2027(), overrides={date(2027, 2, 1): OFFICE}).day(date(2027, 2, 1))
    assert day.certain and day.kind is DayKind.OVERRIDE


def test_a_year_with_a_stray_date_is_refused() -> None:
    with pytest.raises(ValueError, match="2027"):
        china_days().with_year(2027, {date(2026, 1, 1): "New Year's Day"}, {})
    with pytest.raises(ValueError):
        china_days().with_year(2027, {date(2027, 1, 1): "New Year's Day"}, {date(2027, 1, 1): "New Year's Day"})


def test_a_lunch_break_does_not_count() -> None:
    calendar = weekdays("09:00-12:00", "13:30-18:00")
    assert due(calendar, "2026-11-20 11:30", HOUR) == "2026-11-20 14:00"
    assert due(calendar, "2026-11-20 12:45", HOUR) == "2026-11-20 14:30"
    assert calendar.working_between(local("2026-11-20 00:00"), local("2026-11-21 00:00")) == 7.5 * HOUR


def test_a_night_shift_belongs_to_the_evening_it_begins() -> None:
    calendar = weekdays("22:00-06:00")
    assert due(calendar, "2026-11-20 23:00", 4 * HOUR) == "2026-11-21 03:00"  # Friday's shift, on Saturday
    assert due(calendar, "2026-11-21 05:30", HOUR) == "2026-11-23 22:30"
    assert due(calendar, "2026-11-23 03:00", HOUR) == "2026-11-23 23:00"  # no shift begins on Sunday
    assert calendar.working_between(local("2026-11-21 00:00"), local("2026-11-22 00:00")) == 6 * HOUR


def test_a_shift_that_reaches_into_the_next_days_hours_counts_once() -> None:
    calendar = weekdays("08:00-08:00")
    assert calendar.working_between(local("2026-11-17 00:00"), local("2026-11-18 00:00")) == 24 * HOUR
    overlapping = Calendar("test", SHANGHAI, (hours("06:00-12:00", "22:00-08:00"),) * 7, 8 * HOUR)
    assert overlapping.working_between(local("2026-11-17 00:00"), local("2026-11-18 00:00")) == 14 * HOUR
    inside = Calendar("test", SHANGHAI, (hours("06:00-07:00", "22:00-08:00"),) * 7, 8 * HOUR)
    assert inside.working_between(local("2026-11-17 00:00"), local("2026-11-18 00:00")) == 10 * HOUR


def test_29_february_and_the_end_of_the_year_are_days_like_others() -> None:
    calendar = weekdays("09:00-18:00")
    assert due(calendar, "2028-02-28 17:00", 2 * HOUR) == "2028-02-29 10:00"
    assert due(calendar, "2025-12-31 17:00", 2 * HOUR) == "2026-01-01 10:00"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-07 22:00", "2026-03-08 07:00"),  # New York springs forward at 2:00: the hour does not exist
        ("2026-10-31 22:00", "2026-11-01 05:00"),  # and falls back: one hour happens twice
    ],
)
def test_eight_hours_around_the_clock_are_eight_real_hours(start: str, expected: str) -> None:
    calendar = around_the_clock(timezone="America/New_York")
    assert due(calendar, start, 8 * HOUR) == expected


def test_a_calendar_open_all_week_agrees_with_the_clock_over_both_changes() -> None:
    open_all_week = Calendar("test", "America/New_York", ((ALL_DAY,),) * 7, 24 * HOUR, overrides={date(2020, 1, 1): ()})
    for start in ("2026-03-07 22:00", "2026-10-31 22:00"):
        begin = local(start, "America/New_York")
        assert open_all_week.add_working(begin, 8 * HOUR).at == begin.astimezone(UTC) + 8 * HOUR


def test_a_shift_over_the_change_has_the_hours_that_really_pass() -> None:
    night = Calendar("test", "America/New_York", (hours("00:00-06:00"),) * 7, 6 * HOUR)
    worked = [
        sum(((span.end - span.start) for span in night.working_spans(day)), timedelta())
        for day in (date(2026, 3, 8), date(2026, 11, 1), date(2026, 11, 2))
    ]
    assert worked == [5 * HOUR, 7 * HOUR, 6 * HOUR]
    in_the_gap = Calendar("test", "America/New_York", (hours("01:30-02:30"),) * 7, HOUR)
    (span,) = in_the_gap.working_spans(date(2026, 3, 8))
    assert span.end - span.start == HOUR / 2


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
def test_zones_off_by_half_or_quarter_hours_keep_their_wall_clock(zone: str) -> None:
    calendar = weekdays("09:00-18:00", zone=zone)
    assert due(calendar, "2026-11-20 17:30", HOUR) == "2026-11-23 09:30"


def test_a_date_that_a_zone_skipped_has_no_working_time() -> None:
    samoa = Calendar("test", "Pacific/Apia", ((ALL_DAY,),) * 7, 24 * HOUR, overrides={date(2020, 1, 1): ()})
    assert samoa.working_spans(date(2011, 12, 30)) == ()


def test_a_calendar_without_working_time_says_so_instead_of_looking_for_ever() -> None:
    never = Calendar("test", SHANGHAI, ((),) * 7, 8 * HOUR)
    assert never.add_working(local("2026-11-20 10:00"), HOUR).problem is Problem.NO_WORKING_TIME
    assert never.add_working(local("2026-11-20 10:00"), HOUR).at is None


def test_more_than_the_horizon_is_no_deadline() -> None:
    start = local("2026-11-20 10:00")
    assert around_the_clock().add_working(start, timedelta(days=HORIZON_DAYS)).at is not None
    for calendar in (around_the_clock(), weekdays("09:00-18:00")):
        far = calendar.add_working(start, timedelta(days=HORIZON_DAYS + 1))
        assert (far.at, far.problem) == (None, Problem.NO_WORKING_TIME)


def test_nothing_to_wait_for_is_due_at_once() -> None:
    start = local("2026-11-21 10:00")
    assert weekdays("09:00-18:00").add_working(start, timedelta()).at == start


def test_naive_moments_and_negative_durations_are_refused() -> None:
    with pytest.raises(ValueError):
        around_the_clock().add_working(datetime(2026, 11, 20), HOUR)
    with pytest.raises(ValueError):
        around_the_clock().add_working(local("2026-11-20 10:00"), -HOUR)


def test_the_holiday_package_is_not_loaded_before_a_calendar_needs_it() -> None:
    code = "import sys, desk.calendars, desk.sla, desk.service; sys.exit('chinese_calendar' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
