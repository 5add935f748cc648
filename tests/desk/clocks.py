"""A policy, a calendar and short ways to write down what happened, for the tests of deadlines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from desk.calendars import Calendar, OfficialDays, Span, china_days
from desk.models import Urgency
from desk.sla import ClockState, SlaState, deadlines
from desk.terms import Policy, Target, Targets
from desk.timeline import ClockEvent, EventKind

SHANGHAI = "Asia/Shanghai"
NINE_TO_SIX = (Span.parse("09:00-18:00"),)
HOUR = timedelta(hours=1)
K = EventKind


def office(official: OfficialDays | None = None) -> Calendar:
    week = (NINE_TO_SIX,) * 5 + ((),) * 2
    return Calendar("office", SHANGHAI, week, 9 * HOUR, NINE_TO_SIX, {}, official or china_days())


def targets(first_response: str, resolution: str, progress: str | None = None, dispatch: str | None = None) -> Targets:
    return Targets(
        first_response=Target.parse(first_response),
        resolution=Target.parse(resolution),
        progress=Target.parse(progress) if progress else None,
        dispatch=Target.parse(dispatch) if dispatch else None,
    )


POLICY = Policy(
    key="test",
    name={"en": "Test", "zh": "测试"},
    targets={
        Urgency.URGENT: targets("30 min", "4 h", "30 min", "30 min"),
        Urgency.HIGH: targets("4 working h", "1 working day", "2 working h"),
        Urgency.NORMAL: targets("1 working day", "3 working days", "2 working h"),
        Urgency.LOW: targets("1 working day", "10 working days"),
    },
    warn_at_percent=(50, 80),
    new_cycle_after=timedelta(days=30),
    version="test@1",
)


def at(text: str) -> datetime:
    """A moment of November 2026 in Shanghai from "20 16:30", or any from "2026-09-18 16:30"."""
    full = text if text.count("-") == 2 else f"2026-11-{text}"
    return datetime.fromisoformat(full).replace(tzinfo=ZoneInfo(SHANGHAI)).astimezone(UTC)


def happened(*lines: tuple[EventKind, str]) -> list[ClockEvent]:
    return [ClockEvent(kind, at(when)) for kind, when in lines]


def state(
    events: Iterable[ClockEvent], now: str, urgency: Urgency = Urgency.HIGH, calendar: Calendar | None = None
) -> SlaState:
    return deadlines(events, POLICY, calendar or office(), urgency, at(now))


def reply(found: SlaState) -> ClockState:
    assert found.first_response is not None
    return found.first_response


def solution(found: SlaState) -> ClockState:
    assert found.resolution is not None
    return found.resolution


OPENED_FRIDAY = [ClockEvent(K.OPENED, at("20 16:30"))]
