"""The service defaults: what the file promises, what it refuses, and that an edit never moves an old promise."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from base.errors import MisconfiguredSetting
from desk import service
from desk.calendars import ALL_DAY, DayKind
from desk.models import Urgency
from desk.service import DEFAULTS, UnknownVersion, load, parse, pinned
from desk.sla import deadlines
from desk.sla_words import target_text
from desk.terms import ClockName, Target, Unit
from desk.timeline import ClockEvent, EventKind

TEXT = DEFAULTS.read_text(encoding="utf-8")


def edited(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def due(text_or_defaults: str | service.ServiceDefaults, package: str, urgency: Urgency) -> datetime | None:
    """The first answer's deadline of a ticket opened Friday 20 November 2026, 16:30 in Shanghai."""
    defaults = parse(text_or_defaults) if isinstance(text_or_defaults, str) else text_or_defaults
    terms = defaults.terms(package)
    opened = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    log = [ClockEvent(EventKind.OPENED, opened)]
    return deadlines(log, terms.policy, terms.calendar, urgency, opened).first_response_due


def test_the_defaults_have_four_levels_and_three_packages() -> None:
    defaults = load()
    assert set(defaults.meanings) == set(Urgency)
    assert set(defaults.packages) == {"basic", "proactive", "dedicated"}
    assert all(set(policy.targets) == set(Urgency) for policy in defaults.policies.values())


@pytest.mark.parametrize(
    ("urgency", "first_response", "resolution", "progress"),
    [
        (Urgency.URGENT, "30 min, day and night", "4 h, day and night", "30 min, day and night"),
        (Urgency.HIGH, "4 h of working time", "1 working day", "2 h of working time"),
        (Urgency.NORMAL, "24 h, day and night", "3 working days", "2 h of working time"),
        (Urgency.LOW, "1 working day", "10 working days", None),
    ],
)
def test_the_standard_policy_promises(
    urgency: Urgency, first_response: str, resolution: str, progress: str | None
) -> None:
    targets = load().terms("basic").policy.targets[urgency]
    told = [
        target_text(target, "en") if target else None
        for target in (targets.first_response, targets.resolution, targets.progress)
    ]
    assert told == [first_response, resolution, progress]


def test_urgent_is_the_fastest_and_low_the_slowest_in_every_package() -> None:
    defaults = load()
    for package in defaults.packages:
        terms = defaults.terms(package)
        for clock in ClockName:
            lengths = [
                terms.calendar.add_working(datetime(2026, 11, 23, 1, tzinfo=UTC), target.duration(terms.calendar)).at
                for urgency in Urgency
                if (target := terms.policy.targets[urgency].of(clock)) is not None
            ]
            assert None not in lengths
            # A low question is answered within a working day, a normal fault within 24 hours: neither is always sooner.
            compared = lengths[:3] if clock is ClockName.FIRST_RESPONSE else lengths
            assert compared == sorted(compared, key=str)


def test_basic_keeps_chinese_working_hours_and_dedicated_never_closes() -> None:
    defaults = load()
    office, always = defaults.terms("basic").calendar, defaults.terms("dedicated").calendar
    assert office.day(date(2026, 10, 1)).kind is DayKind.HOLIDAY
    assert office.day(date(2026, 9, 20)).kind is DayKind.MAKEUP
    assert always.always_open and always.day(date(2026, 10, 1)).spans == (ALL_DAY,)
    assert due(defaults, "basic", Urgency.HIGH) == datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
    assert due(defaults, "basic", Urgency.NORMAL) == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    assert due(defaults, "dedicated", Urgency.NORMAL) == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def test_an_unknown_package_gets_the_default_one() -> None:
    assert load().package("gone").key == "basic"


def test_names_and_meanings_come_in_both_languages() -> None:
    defaults = load()
    assert service.in_language(defaults.package("dedicated").name, "zh-CN") == "专属服务"
    assert service.in_language(defaults.meanings[Urgency.LOW], "en") == "A question, a wish, or something cosmetic."


def test_the_version_is_the_content() -> None:
    assert load().version == parse(TEXT).version
    assert parse(TEXT + "\n# a remark\n").version == load().version
    assert parse(edited('resolution = "4 h"', 'resolution = "5 h"')).version != load().version


def test_an_edit_moves_only_the_version_of_what_was_edited() -> None:
    old, new = load(), parse(edited('wed = ["09:00-18:00"]', 'wed = ["09:00-12:00"]'))
    assert old.calendars["cn_office"].version != new.calendars["cn_office"].version
    assert old.calendars["always"].version == new.calendars["always"].version
    assert old.policies["standard"].version == new.policies["standard"].version


def test_an_open_ticket_keeps_the_terms_it_was_opened_under() -> None:
    old = load()
    terms = old.terms("basic")
    new = parse(edited('mon = ["09:00-18:00"]', "mon = []").replace('"4 working h"', '"8 working h"'))
    kept = pinned(terms.policy.version, terms.calendar.version, new, old.snapshots)
    assert kept.policy == terms.policy
    assert kept.calendar == terms.calendar
    assert due(new, "basic", Urgency.HIGH) != due(old, "basic", Urgency.HIGH)
    opened = datetime(2026, 9, 18, 8, 30, tzinfo=UTC)
    log = [ClockEvent(EventKind.OPENED, opened)]
    assert deadlines(log, kept.policy, kept.calendar, Urgency.HIGH, opened) == deadlines(
        log, terms.policy, terms.calendar, Urgency.HIGH, opened
    )


def test_present_terms_need_no_store() -> None:
    defaults = load()
    terms = defaults.terms("proactive")
    assert pinned(terms.policy.version, terms.calendar.version, defaults) == terms


def test_a_version_nobody_kept_is_named() -> None:
    defaults = load()
    with pytest.raises(UnknownVersion) as caught:
        pinned("standard@000000000000", defaults.calendars["always"].version, defaults, {})
    assert caught.value.fields == {"version": "standard@000000000000"}


def test_a_snapshot_is_json_and_reads_back_to_itself() -> None:
    defaults = load()
    for version, snapshot in defaults.snapshots.items():
        assert json.loads(snapshot)
        assert version.partition("@")[0] in {*defaults.policies, *defaults.calendars}
    kept = service._Calendar.model_validate_json(defaults.snapshots[defaults.calendars["cn_office"].version])
    assert service._canonical(kept) == defaults.snapshots[defaults.calendars["cn_office"].version]


def test_a_year_can_be_written_in_before_the_tables_have_it() -> None:
    extra = """
[[official_years]]
table = "CN"
year = 2040
holidays = { "2040-01-02" = "New Year's Day" }
workdays = { "2040-01-07" = "New Year's Day" }
"""
    calendar = parse(TEXT + extra).calendars["cn_office"]
    assert not load().calendars["cn_office"].day(date(2040, 1, 3)).certain
    assert calendar.day(date(2040, 1, 3)).certain
    assert calendar.day(date(2040, 1, 2)).kind is DayKind.HOLIDAY
    assert calendar.day(date(2040, 1, 7)).kind is DayKind.MAKEUP


def test_staff_are_told_when_the_next_year_is_missing() -> None:
    defaults = load()
    official = defaults.calendars["cn_office"].official
    assert official is not None
    last = max(official.years)
    assert defaults.unpublished_years(date(last, 6, 1)) == {}
    assert defaults.unpublished_years(date(last, 12, 1)) == {"cn_office": last + 1}
    assert defaults.unpublished_years(date(last + 1, 1, 5)) == {"cn_office": last + 1}


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('resolution = "4 h"', 'resolution = "soon"', "policies.standard"),
        ('resolution = "4 h"', 'resolution = "999 days"', "policies.standard"),
        ('resolution = "4 h"', 'resolution = "4 h"\nsolution = "4 h"', "policies.standard.targets.urgent.solution"),
        ("warn_at_percent = [50, 80]", "warn_at_percent = [100]", "policies.standard.warn_at_percent.0"),
        ('new_cycle_after = "30 days"', 'new_cycle_after = "30 working days"', "policies.standard"),
        ('working_day = "9 h"', 'working_day = "0 h"', "calendars.cn_office"),
        ('timezone = "Asia/Shanghai"', 'timezone = "Asia/Nowhere"', "calendars.cn_office"),
        ('mon = ["09:00-18:00"]', 'mon = ["9 to 6"]', "calendars.cn_office"),
        ('mon = ["09:00-18:00"]', 'mon = ["09:00-18:00", "12:00-13:00"]', "calendars.cn_office"),
        ('official_days = "CN"', 'official_days = "XX"', "calendars.cn_office"),
        ('calendar = "cn_office"', 'calendar = "elsewhere"', "packages.basic"),
        ('default_package = "basic"', 'default_package = "gold"', "default_package"),
        ("[policies.proactive.targets.low]", "[policies.proactive.targets.lowest]", "policies.proactive"),
        ("[packages.dedicated]", '[packages."de@icated"]', "packages.de@icated"),
        ("[levels.low]", "[levels.lower]", "levels"),
        ("[levels.low]", "[levels.low", "service_defaults"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(old: str, new: str, place: str) -> None:
    with pytest.raises(MisconfiguredSetting) as caught:
        parse(edited(old, new))
    assert str(caught.value.fields["name"]).startswith(place)
    assert caught.value.fields["reason"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredSetting, match="nothing"):
        load(tmp_path / "nothing.toml")


def test_a_missing_level_is_noticed() -> None:
    start = TEXT.index("[levels.low]")
    with pytest.raises(MisconfiguredSetting, match="low"):
        parse(TEXT[:start] + TEXT[TEXT.index("[packages.basic]") :])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 min", Target(30, Unit.MINUTE, working=False)),
        ("4 working h", Target(4, Unit.HOUR, working=True)),
        ("1 working day", Target(1, Unit.DAY, working=True)),
        ("0 min", Target(0, Unit.MINUTE, working=False)),
    ],
)
def test_targets_are_written_as_people_say_them(text: str, expected: Target) -> None:
    assert Target.parse(text) == expected


def test_a_working_day_is_as_long_as_its_calendar_says() -> None:
    defaults = load()
    day = Target.parse("2 working days")
    assert day.duration(defaults.calendars["cn_office"]) == timedelta(hours=18)
    assert day.duration(defaults.calendars["always"]) == timedelta(hours=48)
