"""The time, in one place: UTC and aware, settable in tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, UTC and aware."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@cache
def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC when this machine does not know it.

    Settings and calendars are checked where they are read. A zone that is gone later (another machine, other zone data)
    must not keep a message from being answered; `base.i18n.format_time` then says UTC.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def local_day(clock: Clock, timezone: str) -> Callable[[], str]:
    """What tells the day it is now at a place, as YYYY-MM-DD: of two such days the later compares greater."""
    zone = zone_of(timezone)
    return lambda: clock.now().astimezone(zone).date().isoformat()


def mondays(now: datetime, zone: tzinfo, count: int) -> list[date]:
    """The first days of the last weeks at a place, this week's first."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    return [monday - timedelta(weeks=n) for n in range(count)]


class FixedClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def advance(self, **duration: float) -> None:
        """Move on by a timedelta's keywords, as in `advance(minutes=5)`."""
        self._at += timedelta(**duration)

    def set(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
