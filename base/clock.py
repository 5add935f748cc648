"""The time, in one place: UTC and aware, settable in tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, UTC and aware."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


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
