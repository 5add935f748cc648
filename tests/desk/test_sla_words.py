"""What customers and staff read about a deadline, in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from desk.models import Urgency
from desk.sla import deadlines
from desk.sla_words import explain, promise
from desk.terms import ClockName
from desk.timeline import ClockEvent
from tests.desk.clocks import OPENED_FRIDAY, POLICY, SHANGHAI, K, at, happened, office, state


def lines(
    events: Iterable[ClockEvent],
    now: str,
    clock: ClockName = ClockName.FIRST_RESPONSE,
    urgency: Urgency = Urgency.HIGH,
    locale: str = "en",
    timezone: str = SHANGHAI,
) -> list[str]:
    return explain(clock, events, POLICY, office(), urgency, at(now), locale, timezone)


def test_a_deadline_tells_how_it_came_about() -> None:
    assert lines(OPENED_FRIDAY, "20 16:31") == [
        "First reply within 4 h of working time",
        "Opened Fri, 20 Nov, 16:30",
        "1 h 30 min used until 18:00",
        "Closed Sat, 21 Nov, Sun, 22 Nov",
        "Due Mon, 23 Nov, 11:30",
    ]


def test_holidays_and_days_in_exchange_are_named() -> None:
    events = happened((K.OPENED, "2026-02-13 17:00"))
    assert lines(events, "2026-02-13 17:00", ClockName.RESOLUTION, Urgency.NORMAL) == [
        "Solution within 3 working days",
        "Opened Fri, 13 Feb, 17:00",
        "1 h used until 18:00",
        "Sat, 14 Feb is a working day in exchange (Spring Festival)",
        "9 h used until Sat, 14 Feb, 18:00",
        "Closed Sun, 15 Feb to Mon, 23 Feb (Spring Festival)",
        "17 h used until Wed, 25 Feb, 17:00",
        "Due Wed, 25 Feb, 17:00",
    ]


def test_pauses_and_changes_of_urgency_are_told() -> None:
    events = [
        *happened((K.OPENED, "19 16:00"), (K.PAUSED, "19 17:00"), (K.RESUMED, "20 10:00")),
        ClockEvent(K.RETARGETED, at("20 11:00"), urgency=Urgency.HIGH),
        ClockEvent(K.RESOLVED, at("20 15:00")),
    ]
    assert lines(events, "20 16:00", ClockName.RESOLUTION, Urgency.NORMAL) == [
        "Solution within 1 working day",
        "Opened Thu, 19 Nov, 16:00",
        "Urgency set to “High” at Fri, 20 Nov, 11:00; the time counts from the opening",
        "1 h used until Thu, 19 Nov, 17:00",
        "Waiting for the customer from 17:00 to Fri, 20 Nov, 10:00, not counted",
        "Due Fri, 20 Nov, 18:00",
        "Done in time, Fri, 20 Nov, 15:00",
    ]


def test_a_resting_clock_tells_what_is_left_in_hours() -> None:
    events = happened((K.OPENED, "16 16:00"), (K.FIRST_RESPONSE, "16 16:10"), (K.PAUSED, "16 17:30"))
    assert lines(events, "17 10:00", ClockName.RESOLUTION, Urgency.LOW)[-2:] == [
        "Waiting for the customer since 17:30",
        "88 h 30 min left when the customer replies",
    ]


def test_the_reader_s_zone_and_language_are_used() -> None:
    assert lines(OPENED_FRIDAY, "20 16:31", timezone="Europe/Berlin")[-1] == "Due Mon, 23 Nov, 04:30"
    chinese = lines(OPENED_FRIDAY, "20 16:31", locale="zh")
    assert "11月20日 周五 16:30" in chinese[1]
    assert "11月23日 周一 11:30" in chinese[-1]


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("clock", list(ClockName))
@pytest.mark.parametrize("urgency", list(Urgency))
def test_every_state_has_words(locale: str, clock: ClockName, urgency: Urgency) -> None:
    story = [
        *happened((K.OPENED, "2026-09-18 16:30"), (K.FIRST_RESPONSE, "2026-09-18 16:50")),
        *happened((K.PAUSED, "2026-09-18 17:00"), (K.RESUMED, "2026-09-20 10:00")),
        *happened((K.RESOLVED, "2026-09-21 10:00"), (K.REOPENED, "2026-09-22 10:00")),
        *happened((K.RESOLVED, "2026-10-09 10:00"), (K.REOPENED, "20 10:00"), (K.CANCELLED, "23 10:00")),
        *happened((K.REOPENED, "24 10:00"), (K.RESOLVED, "24 12:00")),
    ]
    for end in range(1, len(story) + 1):
        now = story[end - 1].at + timedelta(minutes=1)
        told = explain(clock, story[:end], POLICY, office(), urgency, now, locale, SHANGHAI)
        line = promise(deadlines(story[:end], POLICY, office(), urgency, now), locale, SHANGHAI)
        assert line and all(told) and "{" not in line + "".join(told)


@pytest.mark.parametrize(
    ("events", "now", "expected"),
    [
        (OPENED_FRIDAY, "20 16:31", "A person will reply by Mon, 23 Nov, 11:30."),
        (
            OPENED_FRIDAY,
            "23 12:00",
            "We meant to reply by Mon, 23 Nov, 11:30 and are late. We are sorry; a person will still reply.",
        ),
        (
            happened((K.OPENED, "20 16:30"), (K.FIRST_RESPONSE, "20 16:40")),
            "20 16:41",
            "We aim to solve this by Mon, 23 Nov, 16:30.",
        ),
        (
            happened((K.OPENED, "20 16:30"), (K.FIRST_RESPONSE, "20 16:40"), (K.PAUSED, "20 16:40")),
            "20 16:41",
            "We are waiting for your answer and go on as soon as you reply.",
        ),
        (happened((K.OPENED, "20 16:30"), (K.RESOLVED, "20 17:00")), "20 17:01", "Solved on Fri, 20 Nov, 17:00."),
        (
            happened((K.OPENED, "20 16:30"), (K.CANCELLED, "20 17:00")),
            "20 17:01",
            "This request was withdrawn: nothing is owed on it any more.",
        ),
    ],
)
def test_the_customer_reads_one_plain_line(events: list[ClockEvent], now: str, expected: str) -> None:
    assert promise(state(events, now), "en", SHANGHAI) == expected


def test_a_promise_is_never_earlier_than_the_clock_behind_it() -> None:
    opened = [ClockEvent(K.OPENED, at("20 16:30") + timedelta(seconds=1))]
    assert promise(state(opened, "20 16:31"), "en", SHANGHAI) == "A person will reply by Mon, 23 Nov, 11:31."
