"""Deadlines in the reader's language and zone: the promise a customer reads, and the derivation behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from base.clock import zone_of
from base.i18n import N_, format_duration, format_time, known_locale, translate
from desk.calendars import Calendar
from desk.models import URGENCY_NAMES, Urgency
from desk.sla import ClockPhase, ClockState, SlaState, Step, StepKind, derive
from desk.terms import ClockName, Policy, Target, Unit
from desk.timeline import ClockEvent

_TARGETS = {
    ClockName.DISPATCH: N_("To be assigned within {time}"),
    ClockName.FIRST_RESPONSE: N_("First reply within {time}"),
    ClockName.RESOLUTION: N_("Solution within {time}"),
}


def promise(state: SlaState, locale: str, timezone: str) -> str:
    """One plain line for the customer: what is owed next, and by when. Minutes are rounded up, never down."""
    reply, solution = state.first_response, state.resolution
    if state.cancelled_at is not None:
        return translate(N_("This request was withdrawn: nothing is owed on it any more."), locale)
    if solution is not None and solution.phase in (ClockPhase.MET, ClockPhase.MISSED) and solution.stopped_at:
        return translate(N_("Solved on {time}."), locale, time=format_time(solution.stopped_at, locale, timezone))
    if reply is not None and reply.phase is ClockPhase.CANCELLED:
        return translate(N_("This request is closed."), locale)
    if reply is not None and reply.stopped_at is None:
        return _owed(reply, _REPLY, locale, timezone)
    if solution is not None:
        return _owed(solution, _SOLUTION, locale, timezone)
    return translate(N_("A person will take care of this."), locale)


_REPLY = {
    "due": N_("A person will reply by {time}."),
    "provisional": N_(
        "A person will reply by {time}. Public holidays until then are not published yet; if it moves, we tell you."
    ),
    "late": N_("We meant to reply by {time} and are late. We are sorry; a person will still reply."),
    "unknown": N_("A person will reply. We cannot name a time right now."),
}
_SOLUTION = {
    "due": N_("We aim to solve this by {time}."),
    "provisional": N_(
        "We aim to solve this by {time}. Public holidays until then are not published yet; if it moves, we tell you."
    ),
    "late": N_("We meant to solve this by {time} and are late. We are sorry, and still working on it."),
    "unknown": N_("We are working on it. We cannot name a time right now."),
    "paused": N_("We are waiting for your answer and go on as soon as you reply."),
}


def _owed(clock: ClockState, texts: dict[str, str], locale: str, timezone: str) -> str:
    if clock.phase is ClockPhase.PAUSED:
        return translate(texts.get("paused", texts["unknown"]), locale)
    if clock.due is None:
        return translate(texts["unknown"], locale)
    case = "late" if clock.phase is ClockPhase.MISSED else "provisional" if clock.provisional else "due"
    return translate(texts[case], locale, time=due_text(clock.due, locale, timezone))


def due_text(due: datetime, locale: str, timezone: str) -> str:
    """A deadline as everybody reads it, customer and staff alike: the same minute, rounded up to a whole one."""
    return format_time(_whole_minute(due), locale, timezone)


def target_text(target: Target, locale: str) -> str:
    """A target in words: "30 min, day and night", "4 h of working time", "3 working days"."""
    if target.working and target.unit is Unit.DAY:
        text = N_("{n} working day") if target.amount == 1 else N_("{n} working days")
        return translate(text, locale, n=target.amount)
    text = N_("{duration} of working time") if target.working else N_("{duration}, day and night")
    return translate(text, locale, duration=format_duration(target.plain.total_seconds(), locale))


def explain(
    name: ClockName,
    events: Iterable[ClockEvent],
    policy: Policy,
    calendar: Calendar,
    urgency: Urgency,
    now: datetime,
    locale: str,
    timezone: str,
) -> list[str]:
    """The derivation of one clock's deadline, one line per step. `timezone`: the reader's. See `sla.derive()`."""
    return tell(derive(name, events, policy, calendar, urgency, now), locale, timezone)


def tell(steps: Iterable[Step], locale: str, timezone: str) -> list[str]:
    """Steps as lines. A moment on the day that was mentioned last is told by its hour only."""
    lines: list[str] = []
    told: datetime | None = None
    for step in steps:
        lines.append(_LINES[step.kind](_Line(step, told, locale, timezone)))
        told = step.until or step.at or (None if step.days else told)
    return lines


class _Line:
    """A step with what its words need."""

    def __init__(self, step: Step, told: datetime | None, locale: str, timezone: str) -> None:
        self.step, self.told, self.locale, self.timezone = step, told, locale, timezone

    def say(self, message: str, **fields: str) -> str:
        return translate(message, self.locale, **fields)

    @property
    def duration(self) -> str:
        """Working time in hours however much it is: its days are not those of the clock on the wall."""
        hours, minutes = divmod(round(self.step.seconds / 60), 60)
        if not self.step.working or hours < 48:
            return format_duration(self.step.seconds, self.locale)
        text = N_("{hours} h {minutes} min") if minutes else N_("{hours} h")
        return self.say(text, hours=str(hours), minutes=str(minutes))

    @property
    def name(self) -> str:
        return translate(self.step.name, self.locale)

    def time(self, at: datetime | None, after: datetime | None = None) -> str:
        """A moment; only its hour when `after` is on the same day of the reader."""
        if at is None:
            return ""
        zone = zone_of(self.timezone)
        at = _whole_minute(at) if self.step.kind is StepKind.DUE else at
        same_day = after is not None and after.astimezone(zone).date() == at.astimezone(zone).date()
        return f"{at.astimezone(zone):%H:%M}" if same_day else format_time(at, self.locale, self.timezone)

    def days(self) -> str:
        days = self.step.days
        if len(days) > 2:
            first, last = _day(days[0], self.locale), _day(days[-1], self.locale)
            return self.say(N_("{first} to {last}"), first=first, last=last)
        return ("、" if known_locale(self.locale) == "zh" else ", ").join(_day(day, self.locale) for day in days)


def _target(line: _Line) -> str:
    assert line.step.clock is not None and line.step.target is not None
    return line.say(_TARGETS[line.step.clock], time=target_text(line.step.target, line.locale))


def _retargeted(line: _Line) -> str:
    assert line.step.urgency is not None
    level = translate(URGENCY_NAMES[line.step.urgency], line.locale)
    text = N_("Urgency set to “{level}” at {time}; the time counts from the opening")
    return line.say(text, level=level, time=line.time(line.step.at))


def _closed(line: _Line) -> str:
    if line.step.name:
        return line.say(N_("Closed {days} ({name})"), days=line.days(), name=line.name)
    return line.say(N_("Closed {days}"), days=line.days())


def _waited(line: _Line) -> str:
    start, end = line.time(line.step.at, line.told), line.time(line.step.until, line.step.at)
    if line.step.until is None:
        return line.say(N_("Waiting for the customer since {start}"), start=start)
    return line.say(N_("Waiting for the customer from {start} to {end}, not counted"), start=start, end=end)


def _missed(line: _Line) -> str:
    if line.step.at is None:
        return line.say(N_("Missed, still owed"))
    return line.say(N_("Missed, done {time}"), time=line.time(line.step.at))


_LINES: dict[StepKind, Callable[[_Line], str]] = {
    StepKind.TARGET: _target,
    StepKind.OPENED: lambda line: line.say(N_("Opened {time}"), time=line.time(line.step.at)),
    StepKind.REOPENED: lambda line: line.say(
        N_("Opened again {time}, counted from the beginning"), time=line.time(line.step.at)
    ),
    StepKind.RETARGETED: _retargeted,
    StepKind.MAKEUP: lambda line: line.say(
        N_("{days} is a working day in exchange ({name})"), days=line.days(), name=line.name
    ),
    StepKind.COUNTED: lambda line: line.say(
        N_("{duration} used until {time}"), duration=line.duration, time=line.time(line.step.until, line.told)
    ),
    StepKind.CLOSED: _closed,
    StepKind.WAITED: _waited,
    StepKind.RESTED: lambda line: line.say(
        N_("Solved from {start} to {end}, not counted"),
        start=line.time(line.step.at, line.told),
        end=line.time(line.step.until, line.step.at),
    ),
    StepKind.WITHDRAWN: lambda line: line.say(
        N_("Withdrawn from {start} to {end}, not counted"),
        start=line.time(line.step.at, line.told),
        end=line.time(line.step.until, line.step.at),
    ),
    StepKind.DUE: lambda line: line.say(N_("Due {time}"), time=line.time(line.step.at)),
    StepKind.PAUSED: lambda line: line.say(N_("{duration} left when the customer replies"), duration=line.duration),
    StepKind.MET: lambda line: line.say(N_("Done in time, {time}"), time=line.time(line.step.at)),
    StepKind.MISSED: _missed,
    StepKind.CANCELLED: lambda line: line.say(N_("No longer owed since {time}"), time=line.time(line.step.at)),
    StepKind.DROPPED: lambda line: line.say(N_("Missed; no longer owed since {time}"), time=line.time(line.step.at)),
    StepKind.PROVISIONAL: lambda line: line.say(
        N_("The public holidays of {year} are not published yet, so this may move"), year=str(line.step.year)
    ),
    StepKind.NO_WORKING_TIME: lambda line: line.say(
        N_("The calendar has not enough working time for this; somebody has to check its hours")
    ),
}


def _day(day: date, locale: str) -> str:
    from babel.dates import format_date  # as late as in base.i18n: it is slow to import

    return format_date(day, "M月d日 EEE" if known_locale(locale) == "zh" else "EEE, d MMM", locale=known_locale(locale))


def _whole_minute(at: datetime) -> datetime:
    """Rounded up, so that what is shown is never earlier than what is measured."""
    at = at.astimezone(UTC)
    return at + timedelta(microseconds=-(at.second * 1_000_000 + at.microsecond) % 60_000_000)
