"""Time and its zones: what is unknown here is UTC, and never in the way of an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from base.clock import FixedClock, local_day, zone_of
from base.i18n import format_time

EVENING = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Mars/X", "", "../x", "/etc", "America", "a\x00b"])
def test_a_zone_nobody_knows_is_utc(name: str) -> None:
    assert zone_of(name) is UTC
    assert local_day(FixedClock(EVENING), name)() == "2026-11-23"


def test_a_zone_that_is_known_decides_the_day() -> None:
    assert zone_of("Asia/Shanghai") == ZoneInfo("Asia/Shanghai")
    assert local_day(FixedClock(EVENING), "Asia/Shanghai")() == "2026-11-24"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Asia/Shanghai", "Tue, 24 Nov, 04:00"), ("UTC", "Mon, 23 Nov, 20:00"), ("Mars/X", "Mon, 23 Nov, 20:00 UTC")],
)
def test_a_time_in_an_unknown_zone_says_that_it_is_utc(zone: str, shown: str) -> None:
    assert format_time(EVENING, "en", zone) == shown
