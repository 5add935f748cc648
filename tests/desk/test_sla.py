"""Deadlines as a function of the log: the tricky cases, one each."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from desk.calendars import Calendar, OfficialDays, Problem, around_the_clock, china_days
from desk.models import Author, Urgency
from desk.sla import Breach, ClockPhase, StepKind, derive
from desk.sla_words import promise
from desk.terms import ClockName
from desk.timeline import ClockEvent
from tests.desk.clocks import HOUR, OPENED_FRIDAY, POLICY, SHANGHAI, K, at, happened, office, reply, solution, state


def test_a_ticket_of_friday_afternoon_goes_on_on_monday() -> None:
    found = state(OPENED_FRIDAY, "20 16:40")
    assert reply(found).due == at("23 11:30")
    assert solution(found).due == at("23 16:30")
    assert reply(found).phase is ClockPhase.RUNNING
    assert reply(found).remaining_seconds == 4 * 3600 - 600
    assert found.breaches == ()


def test_urgent_runs_through_the_weekend() -> None:
    found = state(OPENED_FRIDAY, "20 16:40", Urgency.URGENT)
    assert (found.first_response_due, found.resolution_due) == (at("20 17:00"), at("20 20:30"))


def test_a_reply_exactly_on_time_is_met_and_a_moment_later_is_missed() -> None:
    due = at("23 11:30")
    on_time = [*OPENED_FRIDAY, ClockEvent(K.FIRST_RESPONSE, due)]
    late = [*OPENED_FRIDAY, ClockEvent(K.FIRST_RESPONSE, due + timedelta(microseconds=1))]
    assert reply(state(on_time, "24 09:00")).phase is ClockPhase.MET
    missed = reply(state(late, "24 09:00"))
    assert (missed.phase, missed.remaining_seconds, missed.due) == (ClockPhase.MISSED, -1, due)


@pytest.mark.parametrize("author", [Author.BOT, Author.SYSTEM, Author.NOTE, Author.CUSTOMER])
def test_only_a_person_of_the_staff_stops_the_reply_clock(author: Author) -> None:
    answered = [*OPENED_FRIDAY, ClockEvent(K.FIRST_RESPONSE, at("20 16:31"), by=author)]
    assert state(answered, "20 17:00") == state(OPENED_FRIDAY, "20 17:00")
    person = [*answered, ClockEvent(K.FIRST_RESPONSE, at("20 16:50"))]
    assert reply(state(person, "20 17:00")).stopped_at == at("20 16:50")


def test_a_ticket_that_staff_open_with_a_reply_is_met_at_once() -> None:
    found = reply(state([*OPENED_FRIDAY, ClockEvent(K.FIRST_RESPONSE, at("20 16:30"))], "20 17:00"))
    assert (found.phase, found.remaining_seconds) == (ClockPhase.MET, 4 * 3600)


def test_waiting_for_the_customer_rests_the_solution_but_not_the_reply() -> None:
    paused = [*OPENED_FRIDAY, ClockEvent(K.PAUSED, at("20 17:30"))]
    found = state(paused, "23 09:10")
    assert (solution(found).phase, solution(found).due) == (ClockPhase.PAUSED, None)
    assert solution(found).remaining_seconds == 8 * 3600
    assert reply(found).due == at("23 11:30")
    resumed = [*paused, ClockEvent(K.RESUMED, at("23 10:00"))]
    assert solution(state(resumed, "23 10:00")).due == at("23 18:00")


def test_a_customer_who_replies_at_night_starts_the_clock_in_the_morning() -> None:
    events = happened((K.OPENED, "19 16:00"), (K.PAUSED, "19 17:00"), (K.RESUMED, "20 02:00"))
    assert solution(state(events, "20 02:00")).due == at("20 17:00")


@pytest.mark.parametrize(
    ("start", "end"),
    [("20 19:00", "23 08:00"), ("2026-10-01 09:00", "2026-10-07 18:00"), ("20 17:00", "20 17:00")],
    ids=["outside hours", "over a holiday", "resumed in the same second"],
)
def test_a_pause_without_working_time_moves_nothing(start: str, end: str) -> None:
    opened = "2026-09-30 17:00" if "10-" in start else "20 16:30"
    plain = happened((K.OPENED, opened))
    paused = happened((K.OPENED, opened), (K.PAUSED, start), (K.RESUMED, end))
    now = "2026-10-08 09:00" if "10-" in start else "23 09:00"
    assert solution(state(paused, now)).due == solution(state(plain, now)).due


def test_a_pause_that_begins_when_the_time_is_up_is_not_a_miss_until_the_clock_runs_again() -> None:
    events = happened((K.OPENED, "17 09:00"), (K.PAUSED, "17 18:00"), (K.RESUMED, "19 10:00"))
    waiting = solution(state(events[:2], "18 12:00"))
    assert (waiting.phase, waiting.remaining_seconds) == (ClockPhase.PAUSED, 0)
    assert solution(state([*events[:2], ClockEvent(K.RESOLVED, at("18 12:00"))], "19 09:00")).phase is ClockPhase.MET
    assert solution(state(events, "19 10:01")).due == at("19 10:00")
    closed_for_an_hour = happened((K.OPENED, "17 09:00"), (K.PAUSED, "17 19:00"))
    assert solution(state(closed_for_an_hour, "18 12:00")).due == at("17 18:00")


def test_a_ticket_solved_while_it_waits_goes_on_when_it_is_reopened() -> None:
    events = happened(
        (K.OPENED, "17 09:00"), (K.PAUSED, "17 12:00"), (K.RESOLVED, "17 15:00"), (K.REOPENED, "18 09:00")
    )
    assert solution(state(events[:3], "17 16:00")).phase is ClockPhase.MET
    assert solution(state(events, "18 09:00")).due == at("18 15:00")


def test_a_second_pause_inside_a_pause_changes_nothing() -> None:
    once = happened((K.OPENED, "19 10:00"), (K.PAUSED, "19 11:00"), (K.RESUMED, "19 15:00"))
    twice = [*once, ClockEvent(K.PAUSED, at("19 12:00")), ClockEvent(K.RESUMED, at("19 15:30"))]
    assert state(twice, "19 16:00").resolution == state(once, "19 16:00").resolution


def test_a_pause_after_the_miss_takes_nothing_back() -> None:
    events = happened((K.OPENED, "17 09:00"), (K.PAUSED, "18 10:00"))
    found = state(events, "18 12:00")
    assert solution(found).phase is ClockPhase.MISSED
    assert solution(found).due == at("17 18:00")
    assert Breach(ClockName.RESOLUTION, 1, at("17 18:00")) in found.breaches


def test_a_miss_is_dated_when_it_happened_however_late_it_is_noticed() -> None:
    early, late = state(OPENED_FRIDAY, "23 11:31"), state(OPENED_FRIDAY, "25 15:00")
    assert early.breaches[0] == late.breaches[0] == Breach(ClockName.FIRST_RESPONSE, 1, at("23 11:30"))


def test_the_past_can_be_asked_for() -> None:
    events = happened((K.OPENED, "20 16:30"), (K.FIRST_RESPONSE, "20 17:00"), (K.RESOLVED, "23 10:00"))
    assert state(events, "20 16:45") == state(OPENED_FRIDAY, "20 16:45")


def test_a_raised_urgency_counts_from_the_opening() -> None:
    raised = [*OPENED_FRIDAY, ClockEvent(K.RETARGETED, at("20 18:00"), urgency=Urgency.URGENT)]
    found = state(raised, "20 18:01")
    assert found.urgency is Urgency.URGENT
    assert solution(found).due == at("20 20:30")


def test_a_raise_that_is_already_late_is_missed_from_the_raise_and_not_before() -> None:
    events = [
        *happened((K.OPENED, "16 16:30"), (K.FIRST_RESPONSE, "16 16:40")),
        ClockEvent(K.RETARGETED, at("18 10:00"), urgency=Urgency.URGENT),
    ]
    before, after = state(events, "18 09:59", Urgency.LOW), state(events, "18 10:05", Urgency.LOW)
    assert before.breaches == ()
    assert after.breaches == (Breach(ClockName.RESOLUTION, 1, at("18 10:00")),)
    assert solution(after).remaining_seconds == -300
    assert reply(after).phase is ClockPhase.MET


def test_a_milder_urgency_gives_more_time_but_forgives_nothing() -> None:
    in_time = [*OPENED_FRIDAY, ClockEvent(K.RETARGETED, at("23 11:00"), urgency=Urgency.LOW)]
    too_late = [*OPENED_FRIDAY, ClockEvent(K.RETARGETED, at("23 11:31"), urgency=Urgency.LOW)]
    assert reply(state(in_time, "23 12:00")).due == at("23 16:30")
    assert reply(state(too_late, "23 12:00")).phase is ClockPhase.MISSED


def test_an_urgency_set_by_mistake_and_put_right_in_the_same_moment_costs_nothing() -> None:
    events = [
        *happened((K.OPENED, "16 16:30")),
        ClockEvent(K.RETARGETED, at("17 10:00"), urgency=Urgency.URGENT),
        ClockEvent(K.RETARGETED, at("17 10:00"), urgency=Urgency.LOW),
    ]
    assert state(events, "17 10:30", Urgency.LOW).breaches == ()


def test_a_raise_in_the_moment_of_the_reply_does_not_reach_the_reply_clock() -> None:
    events = [
        *happened((K.OPENED, "16 16:30"), (K.FIRST_RESPONSE, "17 10:00")),
        ClockEvent(K.RETARGETED, at("17 10:00"), urgency=Urgency.URGENT),
    ]
    assert reply(state(events, "17 10:30", Urgency.LOW)).phase is ClockPhase.MET


def test_the_opened_event_may_carry_the_urgency_itself() -> None:
    opened = [ClockEvent(K.OPENED, at("20 16:30"), urgency=Urgency.URGENT)]
    assert state(opened, "20 16:31", Urgency.LOW).urgency is Urgency.URGENT


def test_a_reopened_ticket_goes_on_with_the_time_that_was_left() -> None:
    events = happened((K.OPENED, "17 09:00"), (K.RESOLVED, "17 13:00"), (K.REOPENED, "19 09:00"))
    found = state(events, "19 09:00")
    assert solution(state(events, "18 09:00")).phase is ClockPhase.MET
    assert (solution(found).phase, solution(found).due) == (ClockPhase.RUNNING, at("19 14:00"))
    assert found.cycle == 1


def test_a_ticket_reopened_after_a_miss_stays_missed() -> None:
    events = happened((K.OPENED, "16 09:00"), (K.RESOLVED, "17 13:00"), (K.REOPENED, "19 09:00"))
    found = solution(state(events, "19 10:00"))
    assert (found.phase, found.due) == (ClockPhase.MISSED, at("16 18:00"))


def test_a_ticket_reopened_after_thirty_days_begins_anew_and_keeps_its_record() -> None:
    events = happened((K.OPENED, "2026-10-12 09:00"), (K.RESOLVED, "2026-10-14 09:00"), (K.REOPENED, "20 16:30"))
    found = state(events, "20 16:30")
    assert found.cycle == 2
    assert (reply(found).due, solution(found).due) == (at("23 11:30"), at("23 16:30"))
    assert {(breach.clock, breach.cycle) for breach in found.breaches} == {
        (ClockName.FIRST_RESPONSE, 1),
        (ClockName.RESOLUTION, 1),
    }
    both = state(events, "25 09:00").breaches
    assert len(both) == len({(breach.clock, breach.cycle) for breach in both}) == 4


def test_a_solution_by_a_person_settles_the_reply_and_one_by_the_bot_does_not_claim_to() -> None:
    person = [*OPENED_FRIDAY, ClockEvent(K.RESOLVED, at("20 17:00"))]
    bot = [*OPENED_FRIDAY, ClockEvent(K.RESOLVED, at("20 17:00"), by=Author.BOT)]
    assert reply(state(person, "25 09:00")).phase is ClockPhase.MET
    assert reply(state(bot, "25 09:00")).phase is ClockPhase.CANCELLED
    back = [*bot, ClockEvent(K.REOPENED, at("23 09:00"), by=Author.CUSTOMER)]
    assert reply(state(back, "23 09:00")).due == at("23 12:30")


def test_what_was_withdrawn_owes_nothing_but_keeps_what_was_missed_before() -> None:
    soon = [*OPENED_FRIDAY, ClockEvent(K.CANCELLED, at("20 17:00"))]
    late = [*OPENED_FRIDAY, ClockEvent(K.CANCELLED, at("23 12:00")), ClockEvent(K.PAUSED, at("24 09:00"))]
    assert {clock.phase for clock in state(soon, "30 09:00").clocks} == {ClockPhase.CANCELLED}
    assert state(soon, "30 09:00").breaches == ()
    assert state(soon, "30 09:00").next_check is None
    assert [breach.clock for breach in state(late, "30 09:00").breaches] == [ClockName.FIRST_RESPONSE]


def test_nothing_but_a_reopening_moves_what_was_withdrawn() -> None:
    withdrawn = [*OPENED_FRIDAY, ClockEvent(K.CANCELLED, at("20 17:00"))]
    before = state(withdrawn, "30 09:00")
    assert before.cancelled_at == at("20 17:00")
    for kind in K:
        if kind not in (K.OPENED, K.REOPENED):
            assert state([*withdrawn, ClockEvent(kind, at("23 09:00"))], "30 09:00") == before


def test_what_was_withdrawn_and_came_back_is_owed_for_the_rest_of_its_time() -> None:
    back = [
        *OPENED_FRIDAY,
        ClockEvent(K.CANCELLED, at("20 17:30")),
        ClockEvent(K.REOPENED, at("23 10:00"), Author.CUSTOMER),
    ]
    found = state(back, "23 10:00")
    assert (found.cancelled_at, found.cycle) == (None, 1)
    assert reply(found).due == at("23 13:00")  # one of its four hours was used on Friday
    assert solution(found).due == at("23 18:00")
    steps = derive(ClockName.RESOLUTION, back, POLICY, office(), Urgency.HIGH, at("23 10:00"))
    assert [(step.at, step.until) for step in steps if step.kind is StepKind.WITHDRAWN] == [
        (at("20 17:30"), at("23 10:00"))
    ]
    assert [breach.clock for breach in state(back, "25 09:00").breaches] == [
        ClockName.FIRST_RESPONSE,
        ClockName.RESOLUTION,
    ]


def test_what_was_withdrawn_long_ago_comes_back_with_all_of_its_time() -> None:
    back = happened((K.OPENED, "2026-10-12 09:00"), (K.CANCELLED, "2026-10-12 10:00"), (K.REOPENED, "16 09:00"))
    found = state(back, "16 09:00")
    assert (found.cycle, reply(found).due, found.breaches) == (2, at("16 13:00"), ())


def test_a_miss_before_the_withdrawal_is_told_as_such() -> None:
    late = [*OPENED_FRIDAY, ClockEvent(K.CANCELLED, at("23 12:00"))]
    steps = derive(ClockName.FIRST_RESPONSE, late, POLICY, office(), Urgency.HIGH, at("25 09:00"))
    assert (steps[-1].kind, steps[-1].at) == (StepKind.DROPPED, at("23 12:00"))
    assert "Solved" not in promise(state(late, "25 09:00"), "en", SHANGHAI)


def test_an_old_ticket_that_was_imported_is_late_from_its_own_time() -> None:
    found = state(happened((K.OPENED, "2019-03-04 09:00")), "20 09:00")
    assert solution(found).due == at("2019-03-04 18:00")


def test_a_moment_before_the_opening_reads_as_the_opening() -> None:
    assert reply(state(OPENED_FRIDAY, "20 16:29")).remaining_seconds == 4 * 3600


def test_a_log_that_opens_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="opened"):
        state(happened((K.PAUSED, "20 16:30")), "20 17:00")


def test_warnings_come_at_half_and_at_four_fifths_of_the_time() -> None:
    found = state(OPENED_FRIDAY, "20 16:31")
    assert reply(found).warnings == (at("23 09:30"), at("23 10:42"))
    assert found.next_check == at("23 09:30")
    assert state(OPENED_FRIDAY, "23 10:50").next_check == at("23 11:30")


def test_reports_are_owed_while_somebody_works_on_it() -> None:
    answered = [*OPENED_FRIDAY, ClockEvent(K.FIRST_RESPONSE, at("20 17:00"))]
    assert state(OPENED_FRIDAY, "20 16:50").progress_due is None
    assert state(answered, "20 17:10").progress_due == at("23 10:00")
    told = [*answered, ClockEvent(K.PROGRESS, at("23 09:30"))]
    assert state(told, "23 09:40").progress_due == at("23 11:30")
    waiting = [*told, ClockEvent(K.PAUSED, at("23 10:00"))]
    assert state(waiting, "23 10:10").progress_due is None
    back = [*waiting, ClockEvent(K.RESUMED, at("23 14:00"))]
    assert state(back, "23 14:10").progress_due == at("23 16:00")
    assert state([*back, ClockEvent(K.RESOLVED, at("23 15:00"))], "23 15:10").progress_due is None


def test_assigning_stops_the_dispatch_clock_and_so_does_a_reply() -> None:
    assigned = [*OPENED_FRIDAY, ClockEvent(K.DISPATCHED, at("20 16:35"))]
    answered = [*OPENED_FRIDAY, ClockEvent(K.FIRST_RESPONSE, at("20 16:40"))]
    for events, stop in ((assigned, "20 16:35"), (answered, "20 16:40")):
        dispatch = state(events, "20 16:45", Urgency.URGENT).dispatch
        assert dispatch is not None and (dispatch.phase, dispatch.stopped_at) == (ClockPhase.MET, at(stop))
    assert state(OPENED_FRIDAY, "20 16:40").dispatch is None  # this policy sets no target for it


def test_a_deadline_in_a_year_without_official_days_is_flagged_and_firm_once_they_are_known() -> None:
    table = china_days()
    old = OfficialDays(
        frozenset(year for year in table.years if year < 2027), table.holidays, table.workdays, table.by_law
    )
    new = old.with_year(2027, {date(2027, 1, 1): "New Year's Day"}, {date(2027, 1, 2): "New Year's Day"})
    opened = happened((K.OPENED, "2026-12-31 16:00"))
    before, after = (state(opened, "2026-12-31 16:01", calendar=office(days)) for days in (old, new))
    assert before.provisional and before.first_response_due == at("2027-01-04 11:00")
    assert not after.provisional and after.first_response_due == at("2027-01-02 11:00")
    assert "not published yet" in promise(before, "en", SHANGHAI)
    steps = derive(ClockName.FIRST_RESPONSE, opened, POLICY, office(old), Urgency.HIGH, at("2026-12-31 16:01"))
    assert (steps[-1].kind, steps[-1].year) == (StepKind.PROVISIONAL, 2027)


def test_a_calendar_that_never_opens_is_a_state_and_not_a_crash() -> None:
    never = Calendar("never", SHANGHAI, ((),) * 7, 9 * HOUR)
    found = state(OPENED_FRIDAY, "23 12:00", calendar=never)
    assert (reply(found).problem, reply(found).due) == (Problem.NO_WORKING_TIME, None)
    assert reply(found).phase is ClockPhase.RUNNING
    assert "cannot name a time" in promise(found, "en", SHANGHAI)


def test_the_same_ticket_under_two_calendars_has_two_deadlines() -> None:
    always = around_the_clock(timezone=SHANGHAI)
    assert state(OPENED_FRIDAY, "20 16:31", calendar=always).resolution_due == at("21 16:30")
