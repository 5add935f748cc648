"""What holds for every log of events, sensible or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.calendars import around_the_clock
from desk.models import Author, Urgency
from desk.sla import ClockPhase, ClockState, StepKind, deadlines, derive
from desk.sla_words import explain
from desk.terms import ClockName
from desk.timeline import ClockEvent, EventKind
from tests.desk.clocks import POLICY, SHANGHAI, K, office

BEGIN = datetime(2026, 9, 14, tzinfo=UTC)  # before a day in exchange, Mid-autumn and National Day
moments = st.integers(0, 40 * 86400).map(lambda seconds: BEGIN + timedelta(seconds=seconds))
urgencies = st.sampled_from(list(Urgency))


@st.composite
def logs(draw: st.DrawFn) -> list[ClockEvent]:
    """An opening and whatever may follow, at distinct moments, sensible or not."""
    times = sorted(draw(st.sets(moments, min_size=1, max_size=10)))
    kinds = st.sampled_from([kind for kind in EventKind if kind is not K.OPENED])
    authors = st.sampled_from(list(Author))
    later = [ClockEvent(draw(kinds), when, draw(authors), draw(urgencies)) for when in times[1:]]
    return [ClockEvent(K.OPENED, times[0]), *later]


@settings(max_examples=80, deadline=None)
@given(logs(), urgencies, st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_how_the_log_arrives(
    log: list[ClockEvent], urgency: Urgency, rng: object
) -> None:
    shuffled = list(log)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    now = BEGIN + timedelta(days=60)
    assert deadlines(shuffled, POLICY, office(), urgency, now) == deadlines(log, POLICY, office(), urgency, now)


@settings(max_examples=80, deadline=None)
@given(logs(), urgencies, moments, moments)
def test_what_was_missed_once_is_missed_for_ever(
    log: list[ClockEvent], urgency: Urgency, one: datetime, other: datetime
) -> None:
    early, late = (deadlines(log, POLICY, office(), urgency, now) for now in sorted((one, other)))
    assert set(early.breaches) <= set(late.breaches)
    keys = [(breach.clock, breach.cycle) for breach in late.breaches]
    assert len(keys) == len(set(keys))


@settings(max_examples=80, deadline=None)
@given(logs(), urgencies, moments)
def test_a_bot_s_answer_changes_nothing_anywhere(log: list[ClockEvent], urgency: Urgency, when: datetime) -> None:
    now = BEGIN + timedelta(days=60)
    answered = [*log, ClockEvent(K.FIRST_RESPONSE, when, Author.BOT), ClockEvent(K.PROGRESS, when, Author.NOTE)]
    assert deadlines(answered, POLICY, office(), urgency, now) == deadlines(log, POLICY, office(), urgency, now)


@settings(max_examples=80, deadline=None)
@given(moments, st.integers(0, 30 * 3600), st.integers(0, 6 * 86400))
def test_a_pause_moves_the_deadline_by_exactly_its_working_time(opened: datetime, after: int, length: int) -> None:
    calendar = office()
    start = opened + timedelta(seconds=after)
    end = start + timedelta(seconds=length)
    plain = deadlines([ClockEvent(K.OPENED, opened)], POLICY, calendar, Urgency.NORMAL, opened).resolution_due
    assert plain is not None
    if start >= plain:
        return
    log = [ClockEvent(K.OPENED, opened), ClockEvent(K.PAUSED, start), ClockEvent(K.RESUMED, end)]
    moved = deadlines(log, POLICY, calendar, Urgency.NORMAL, end).resolution_due
    assert moved is not None
    assert calendar.working_between(plain, moved) == calendar.working_between(start, end)


@settings(max_examples=80, deadline=None)
@given(logs(), urgencies, moments)
def test_what_is_used_and_what_is_left_make_the_target(log: list[ClockEvent], urgency: Urgency, now: datetime) -> None:
    found = deadlines(log, POLICY, office(), urgency, now)
    for clock in found.clocks:
        budget = clock.target.duration(office()).total_seconds()
        assert clock.remaining_seconds <= budget
        if clock.phase is ClockPhase.RUNNING and clock.due is not None:
            base = office() if clock.target.working else around_the_clock()
            left = base.working_between(found.now, clock.due)
            assert clock.due >= found.now and left.total_seconds() == clock.remaining_seconds


@settings(max_examples=60, deadline=None)
@given(logs(), urgencies, moments, st.sampled_from(ClockName))
def test_every_derivation_ends_in_the_deadline_it_explains(
    log: list[ClockEvent], urgency: Urgency, now: datetime, name: ClockName
) -> None:
    found = deadlines(log, POLICY, office(), urgency, now)
    clock: ClockState | None = getattr(found, name.value)
    steps = derive(name, log, POLICY, office(), urgency, now)
    assert bool(steps) == (clock is not None)
    if clock is not None:
        assert [step.at for step in steps if step.kind is StepKind.DUE] == ([clock.due] if clock.due else [])
        explain(name, log, POLICY, office(), urgency, now, "zh", SHANGHAI)
