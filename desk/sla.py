"""What is owed and until when: a pure function of the event log, the policy and the calendar.

`deadlines()` is the whole answer at one moment; `derive()` says step by step how a deadline came about, and
`sla_words.py` puts both into the reader's language. Nothing is stored here: the same log gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from desk.calendars import Calendar, DayKind, DayUse, Deadline, Problem, around_the_clock
from desk.models import Urgency
from desk.terms import ClockName, Policy, Target
from desk.timeline import OVER, ClockEvent, Cycle, Gap, GapKind, read

Segments = list[tuple[datetime, datetime | None]]
_ALWAYS = around_the_clock()


class ClockPhase(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"  # for good: no pause, later answer or milder urgency takes it back
    CANCELLED = "cancelled"  # ended before its time without an answer, and none is owed


@dataclass(frozen=True, slots=True)
class ClockState:
    """One clock at one moment. All moments UTC.

    `due`: for a missed clock the moment of the miss, which for a raised urgency is the raise, never earlier; None
    while paused, or when `problem` says there is no working time. `remaining_seconds`: left on the clock, working
    seconds for a working-time target, rounded down; for a missed clock minus the seconds since it was due, rounded up.
    `stopped_at`: when it was answered, or ended otherwise. `warnings`: when the policy's shares of the target are
    used up.
    """

    name: ClockName
    phase: ClockPhase
    target: Target
    due: datetime | None
    remaining_seconds: int
    stopped_at: datetime | None = None
    warnings: tuple[datetime, ...] = ()
    provisional: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """A missed promise. (clock, cycle) is unique on a ticket, so it is told once; `at` is the true time."""

    clock: ClockName
    cycle: int
    at: datetime


@dataclass(frozen=True, slots=True)
class SlaState:
    """What is owed at `now`. A clock is None where the policy sets no target."""

    now: datetime
    urgency: Urgency
    cycle: int
    dispatch: ClockState | None
    first_response: ClockState | None
    resolution: ClockState | None
    progress_due: datetime | None  # when the customer is to be told next how it stands
    emergency_group_due: datetime | None
    breaches: tuple[Breach, ...]
    cancelled_at: datetime | None = None  # since when nothing is owed, although it was not solved

    @property
    def first_response_due(self) -> datetime | None:
        return self.first_response.due if self.first_response else None

    @property
    def resolution_due(self) -> datetime | None:
        return self.resolution.due if self.resolution else None

    @property
    def clocks(self) -> tuple[ClockState, ...]:
        return tuple(clock for clock in (self.dispatch, self.first_response, self.resolution) if clock is not None)

    @property
    def provisional(self) -> bool:
        """Whether a running deadline counts days of a year whose official days are not published."""
        return any(clock.provisional for clock in self.clocks if clock.phase is ClockPhase.RUNNING)

    @property
    def next_check(self) -> datetime | None:
        """When something happens next if nobody does anything: a warning, a miss, a report that is due."""
        running = [clock for clock in self.clocks if clock.phase is ClockPhase.RUNNING]
        moments = [moment for clock in running for moment in (*clock.warnings, clock.due)]
        moments += [self.progress_due, self.emergency_group_due]
        return min((moment for moment in moments if moment is not None and moment > self.now), default=None)


def deadlines(
    events: Iterable[ClockEvent], policy: Policy, calendar: Calendar, urgency: Urgency, now: datetime
) -> SlaState:
    """The state of all clocks of a ticket at `now`, which also works for a moment in the past.

    urgency: at opening, when the opened event does not carry one; a retargeted event changes it, counted from the
    start. Raises ValueError for a log without an opened event, or naive moments.
    """
    cycles = read(events, urgency, now.astimezone(UTC), policy.new_cycle_after)
    now = max(now.astimezone(UTC), cycles[0].started_at)
    states = [[_clock(name, cycle, policy, calendar, now) for name in ClockName] for cycle in cycles]
    breaches = [
        Breach(clock.name, cycle.number, clock.due)
        for cycle, clocks in zip(cycles, states, strict=True)
        for clock in clocks
        if clock is not None and clock.phase is ClockPhase.MISSED and clock.due is not None
    ]
    current = cycles[-1]
    dispatch, first_response, resolution = states[-1]
    return SlaState(
        now=now,
        urgency=current.urgency,
        cycle=current.number,
        dispatch=dispatch,
        first_response=first_response,
        resolution=resolution,
        progress_due=_progress_due(current, policy, calendar),
        emergency_group_due=_emergency_group_due(current, policy, calendar),
        breaches=tuple(breaches),
        cancelled_at=current.cancelled_at if current.resolved_at is None else None,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """How a clock ran in a cycle: where it counted, and what ended it."""

    segments: Segments
    gaps: tuple[Gap, ...]  # between them
    stopped_at: datetime | None  # by what it waits for
    ended_at: datetime | None  # or because nothing is owed any more

    @property
    def finished_at(self) -> datetime | None:
        return self.stopped_at or self.ended_at

    @property
    def paused(self) -> bool:
        return self.segments[-1][1] is not None


def _run(name: ClockName, cycle: Cycle) -> _Run:
    """Waiting for the customer rests the resolution clock only: a first answer is owed all the same."""
    if name is ClockName.RESOLUTION:
        return _Run(cycle.segments(*GapKind), cycle.gaps, cycle.resolved_at, cycle.cancelled_at)
    answered = cycle.responded_at
    if name is ClockName.DISPATCH:
        answered = min((at for at in (cycle.dispatched_at, answered) if at is not None), default=None)
    gaps = tuple(gap for gap in cycle.gaps if gap.kind in OVER)
    return _Run(cycle.segments(*OVER), gaps, answered, cycle.resolved_at or cycle.cancelled_at)


def _clock(name: ClockName, cycle: Cycle, policy: Policy, calendar: Calendar, now: datetime) -> ClockState | None:
    """One clock of one cycle. Each urgency is checked while it held, so that a miss under it is kept."""
    run = _run(name, cycle)
    over = run.finished_at or now
    held = _held(cycle, run.finished_at)
    for (since, urgency), until in zip(held, [*(since for since, _ in held[1:]), over], strict=True):
        target = policy.targets[urgency].of(name)
        if target is None:
            continue
        due = _reach(run.segments, *_budget(target, calendar))
        if due.at is not None and due.at < until:
            missed = max(due.at, since)
            return ClockState(
                name, ClockPhase.MISSED, target, missed, (missed - over) // timedelta(seconds=1), run.finished_at
            )
    target = policy.targets[held[-1][1]].of(name)
    return None if target is None else _unmissed(name, run, target, policy, calendar, now)


def _held(cycle: Cycle, until: datetime | None) -> list[tuple[datetime, Urgency]]:
    """The urgencies a clock was measured by, since when each; of several set in one moment the last."""
    changes = [change for n, change in enumerate(cycle.urgencies) if n == 0 or until is None or change[0] < until]
    return list(dict(changes).items())


def _unmissed(
    name: ClockName, run: _Run, target: Target, policy: Policy, calendar: Calendar, now: datetime
) -> ClockState:
    budget, base = _budget(target, calendar)
    due = _reach(run.segments, budget, base)
    phase = ClockPhase.PAUSED if run.paused else ClockPhase.RUNNING
    if run.stopped_at is not None:
        phase = ClockPhase.MET
    elif run.ended_at is not None:
        phase = ClockPhase.CANCELLED
    warnings: tuple[datetime, ...] = ()
    if phase is ClockPhase.RUNNING:
        shares = (_reach(run.segments, budget * percent / 100, base).at for percent in policy.warn_at_percent)
        warnings = tuple(moment for moment in shares if moment is not None)
    left = budget - _used(run.segments, run.finished_at or now, base)
    return ClockState(
        name=name,
        phase=phase,
        target=target,
        due=due.at,
        remaining_seconds=max(0, left // timedelta(seconds=1)),
        stopped_at=run.finished_at,
        warnings=warnings,
        provisional=due.provisional,
        problem=due.problem,
    )


def _budget(target: Target, calendar: Calendar) -> tuple[timedelta, Calendar]:
    """How much time a target gives, and the calendar it is counted in."""
    return target.duration(calendar), calendar if target.working else _ALWAYS


def _reach(segments: Segments, budget: timedelta, base: Calendar) -> Deadline:
    """The first moment at which `budget` has been used in these segments; no moment while the last one is closed.

    A rest that begins in that very moment keeps it from passing: it comes when the clock runs again.
    """
    for start, end in segments:
        found = base.add_working(start, budget)
        if end is None or (found.at is not None and found.at < end):
            return found
        budget -= base.working_between(start, end)
    return Deadline(None)


def _used(segments: Segments, until: datetime, base: Calendar) -> timedelta:
    ends = ((start, min(end or until, until)) for start, end in segments)
    return sum((base.working_between(start, end) for start, end in ends), timedelta())


def _progress_due(cycle: Cycle, policy: Policy, calendar: Calendar) -> datetime | None:
    """Reports are owed while somebody works on it: from the first answer until it waits or is over."""
    target = policy.targets[cycle.urgency].progress
    if target is None or cycle.told_at is None or cycle.waiting or cycle.resolved_at or cycle.cancelled_at:
        return None
    budget, base = _budget(target, calendar)
    return base.add_working(cycle.told_at, budget).at


def _emergency_group_due(cycle: Cycle, policy: Policy, calendar: Calendar) -> datetime | None:
    """Counted from the moment the urgency asks for the group; nobody is called together for what is over."""
    target = policy.targets[cycle.urgency].emergency_group
    if target is None or cycle.resolved_at or cycle.cancelled_at:
        return None
    budget, base = _budget(target, calendar)
    return base.add_working(cycle.urgencies[-1][0], budget).at


class StepKind(StrEnum):
    TARGET = "target"  # clock, target
    OPENED = "opened"  # at
    REOPENED = "reopened"  # at: all clocks began anew
    RETARGETED = "retargeted"  # at, urgency
    MAKEUP = "makeup"  # days, name: these count although the week says otherwise
    COUNTED = "counted"  # seconds, working, until
    CLOSED = "closed"  # days, name of the holiday or ""
    WAITED = "waited"  # at, until (None: still)
    RESTED = "rested"  # at, until: it was solved and came back
    WITHDRAWN = "withdrawn"  # at, until: it was withdrawn and came back
    DUE = "due"  # at
    PAUSED = "paused"  # seconds left, working
    MET = "met"  # at
    MISSED = "missed"  # at: answered then, None: not yet
    CANCELLED = "cancelled"  # at
    DROPPED = "dropped"  # at: missed, and since then not owed any more
    PROVISIONAL = "provisional"  # year
    NO_WORKING_TIME = "no_working_time"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of how a deadline came about. Which fields are filled stands beside each StepKind."""

    kind: StepKind
    at: datetime | None = None
    until: datetime | None = None
    seconds: float = 0
    working: bool = False
    days: tuple[date, ...] = ()
    name: str = ""
    year: int = 0
    clock: ClockName | None = None
    target: Target | None = None
    urgency: Urgency | None = None


def derive(
    name: ClockName,
    events: Iterable[ClockEvent],
    policy: Policy,
    calendar: Calendar,
    urgency: Urgency,
    now: datetime,
) -> tuple[Step, ...]:
    """How the deadline of one clock came about, in order; empty when the policy sets no target.

    The arguments are those of `deadlines()`. Days are dates of the calendar's zone, moments are UTC.
    """
    now = now.astimezone(UTC)
    cycle = read(events, urgency, now, policy.new_cycle_after)[-1]
    state = _clock(name, cycle, policy, calendar, max(now, cycle.started_at))
    if state is None:
        return ()
    run = _run(name, cycle)
    budget, base = _budget(state.target, calendar)
    reached = _reach(run.segments, budget, base).at
    steps = [
        Step(StepKind.TARGET, clock=name, target=state.target),
        Step(StepKind.OPENED if cycle.number == 1 else StepKind.REOPENED, at=cycle.started_at),
    ]
    changes = [change for change in _held(cycle, run.finished_at)[1:] if state.due is None or change[0] <= state.due]
    steps += [Step(StepKind.RETARGETED, at=since, urgency=level) for since, level in changes]
    steps += _counting(run, base, reached or now, state.target.working)
    if reached is not None and steps[-1].kind is StepKind.COUNTED and steps[-1].until == reached and not steps[-1].days:
        steps.pop()  # "due" says it
    return (*steps, *_ending(state, calendar, dropped=run.stopped_at is None and cycle.cancelled_at is not None))


_GAPS = {GapKind.WAITING: StepKind.WAITED, GapKind.RESOLVED: StepKind.RESTED, GapKind.CANCELLED: StepKind.WITHDRAWN}


def _counting(run: _Run, base: Calendar, until: datetime, working: bool) -> list[Step]:
    """What was and will be counted up to `until`, with the rests between. `days` is set where several days count."""
    steps: list[Step] = []
    for n, (start, end) in enumerate(run.segments):
        if start >= until:
            break
        stop = until if end is None else min(end, until)
        if working:
            steps += _by_days(base.usage(start, stop))
        elif len(run.segments) > 1:
            steps.append(Step(StepKind.COUNTED, until=stop, seconds=(stop - start).total_seconds()))
        if end is not None and end < until:
            gap = run.gaps[n]
            steps.append(Step(_GAPS[gap.kind], at=gap.start, until=gap.end))
    return steps


def _by_days(usage: Iterable[DayUse]) -> list[Step]:
    """Days that count and days that do not, neighbours of one kind in one step."""
    steps: list[Step] = []
    for use in usage:
        day, last = use.day, steps[-1] if steps else None
        if not use.intervals:
            if day.spans:
                continue  # it was open, but not any more
            if last is not None and last.kind is StepKind.CLOSED and last.name == day.name:
                steps[-1] = replace(last, days=(*last.days, day.date))
            else:
                steps.append(Step(StepKind.CLOSED, days=(day.date,), name=day.name))
            continue
        if day.kind is DayKind.MAKEUP:
            steps.append(Step(StepKind.MAKEUP, days=(day.date,), name=day.name))
            last = steps[-1]
        seconds, end = use.worked.total_seconds(), use.intervals[-1].end
        if last is not None and last.kind is StepKind.COUNTED:
            steps[-1] = replace(last, until=end, seconds=last.seconds + seconds, days=(*last.days, day.date))
        else:
            steps.append(Step(StepKind.COUNTED, until=end, seconds=seconds, working=True))
    return steps


def _ending(state: ClockState, calendar: Calendar, *, dropped: bool) -> list[Step]:
    steps: list[Step] = []
    if state.due is not None:
        steps.append(Step(StepKind.DUE, at=state.due))
    if state.problem is Problem.NO_WORKING_TIME:
        steps.append(Step(StepKind.NO_WORKING_TIME))
    if state.phase is ClockPhase.PAUSED:
        steps.append(Step(StepKind.PAUSED, seconds=state.remaining_seconds, working=state.target.working))
    elif state.phase is not ClockPhase.RUNNING:
        missed = dropped and state.phase is ClockPhase.MISSED
        steps.append(Step(StepKind.DROPPED if missed else StepKind(state.phase.value), at=state.stopped_at))
    elif state.provisional and state.due is not None:
        steps.append(Step(StepKind.PROVISIONAL, year=calendar.local_date(state.due).year))
    return steps
