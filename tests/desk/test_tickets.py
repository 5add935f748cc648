"""Tickets: numbered, moved by the table, and with deadlines that can be recomputed from the log (promise 9)."""

from __future__ import annotations

import itertools
import random
import threading

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from base.database import Database
from base.errors import Conflict, NotFound
from desk import events, service, sla, tickets
from desk.events import EventKind
from desk.models import Author, Ticket, TicketState, Urgency
from desk.service import DEFAULTS, UnknownVersion, pinned
from desk.sla import ClockPhase
from desk.tables import ClockEventRow, ServiceVersionRow
from desk.tickets import MOVES
from desk.timeline import EventKind as ClockKind
from tests.desk.made import NOW, defaults, later, member, talk, ticket

EVERY_MOVE = list(itertools.permutations(TicketState, 2))
PATHS: dict[TicketState, tuple[TicketState, ...]] = {
    TicketState.NEW: (),
    TicketState.OPEN: (TicketState.OPEN,),
    TicketState.WAITING: (TicketState.WAITING,),
    TicketState.RESOLVED: (TicketState.RESOLVED,),
    TicketState.CLOSED: (TicketState.RESOLVED, TicketState.CLOSED),
    TicketState.CANCELLED: (TicketState.CANCELLED,),
}


def kinds(session: Session, of: Ticket) -> list[str]:
    return [str(event.kind) for event in tickets.clock_events(session, of.id)]


def recomputed(session: Session, of: Ticket, at: object = None) -> tuple[object, object]:
    """The two deadlines straight from the event log and the pinned terms, by the pure function."""
    stored = {row.version: row.data["json"] for row in session.scalars(select(ServiceVersionRow))}
    terms = pinned(of.policy_version, of.calendar_version, defaults(), stored)
    moment = at or later(days=400)
    state = sla.deadlines(tickets.clock_events(session, of.id), terms.policy, terms.calendar, of.urgency, moment)  # type: ignore[arg-type]
    return state.first_response_due, state.resolution_due


def test_numbers_go_up_one_by_one_from_1001(database: Database) -> None:
    with database.begin() as session:
        made = [ticket(session, talk(session, f"t{n}")) for n in range(3)]
    assert [one.number for one in made] == [1001, 1002, 1003]
    assert made[0].name == "FL-1001"


def test_tickets_of_eight_threads_get_eight_numbers(database: Database) -> None:
    found: list[int] = []

    def work(n: int) -> None:
        for k in range(3):
            with database.begin() as session:
                found.append(ticket(session, talk(session, f"t{n}-{k}")).number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1001, 1025))


def test_a_ticket_that_is_rolled_back_leaves_nothing(database: Database) -> None:
    def fail(session: Session) -> None:
        ticket(session, talk(session))
        raise RuntimeError

    with pytest.raises(RuntimeError), database.begin() as session:
        fail(session)
    with database.begin() as session:
        assert tickets.count_open(session) == 0
        assert session.scalar(select(func.count()).select_from(ClockEventRow)) == 0
        assert ticket(session, talk(session)).number == 1001


def test_an_unknown_ticket_is_not_found(database: Database) -> None:
    with database.begin() as session:
        for work in (tickets.get, lambda s, i: tickets.customer_wrote(s, defaults(), i, NOW)):
            with pytest.raises(NotFound):
                work(session, 7)


@pytest.mark.parametrize(("start", "goal"), EVERY_MOVE)
def test_a_ticket_moves_as_the_table_says(database: Database, start: TicketState, goal: TicketState) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session))
        for n, step in enumerate(PATHS[start]):
            tickets.move(session, defaults(), made.id, step, later(minutes=n))
        before = kinds(session, made)
        if goal in MOVES[start]:
            moved = tickets.move(session, defaults(), made.id, goal, later(hours=1))
            assert moved.state is goal
            assert (moved.resolved_at is not None) is (goal in (TicketState.RESOLVED, TicketState.CLOSED))
            assert events.after(session, 0)[-1].kind is EventKind.TICKET_CHANGED
            assert (moved.first_response_due, moved.resolution_due) == recomputed(session, moved, later(hours=1))
        else:
            with pytest.raises(Conflict) as refused:
                tickets.move(session, defaults(), made.id, goal, NOW)
            assert refused.value.fields == {"found": start, "wanted": str(goal)}
            assert kinds(session, made) == before


def test_a_move_to_where_it_is_changes_nothing(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session))
        seen = events.last_id(session)
        assert tickets.move(session, defaults(), made.id, TicketState.NEW, later(hours=1)) == made
        assert events.last_id(session) == seen


def test_every_state_has_a_way_on_and_a_closed_ticket_opens_again() -> None:
    assert set(MOVES) == set(TicketState)
    assert all(MOVES.values())
    assert MOVES[TicketState.CLOSED] == {TicketState.OPEN}


def test_a_new_ticket_has_its_clocks_running_and_its_terms_pinned(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.URGENT)
        assert made.first_response_due == later(minutes=30)
        assert made.resolution_due == later(hours=4)
        assert kinds(session, made) == ["opened"]
        kept = {row.version for row in session.scalars(select(ServiceVersionRow))}
        assert kept == {made.policy_version, made.calendar_version}
        ticket(session, talk(session, "t2"))
        assert session.scalar(select(func.count()).select_from(ServiceVersionRow)) == 2


def test_the_versions_a_ticket_was_opened_under_survive_an_edited_file(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.URGENT)
    text = DEFAULTS.read_text(encoding="utf-8")
    edited = service.parse(
        text.replace('first_response = "30 min"', 'first_response = "5 min"').replace("09:00", "10:00")
    )
    assert edited.terms("basic").policy.version != made.policy_version
    with database.begin() as session:
        state = tickets.sla_state(session, edited, made, NOW)
        assert (state.first_response_due, state.resolution_due) == (made.first_response_due, made.resolution_due)
        answered = tickets.staff_replied(session, edited, made.id, later(minutes=10))
        assert answered.policy_version == made.policy_version
        after = tickets.sla_state(session, edited, answered, later(minutes=10))
        assert after.first_response is not None
        assert after.first_response.phase is ClockPhase.MET
        fresh = ticket(session, talk(session, "t2"), Urgency.URGENT, defaults=edited)
        assert fresh.first_response_due == later(minutes=5)


def test_a_lost_version_is_named_not_guessed(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session))
        session.execute(delete(ServiceVersionRow))
        edited = service.parse(DEFAULTS.read_text(encoding="utf-8").replace('"24 h"', '"23 h"'))
        with pytest.raises(UnknownVersion):
            tickets.sla_state(session, edited, made, NOW)


def test_the_bot_may_raise_the_urgency_but_not_lower_it(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.NORMAL)
        raised = tickets.retarget(
            session, defaults(), made.id, Urgency.URGENT, [{"code": "down"}], later(minutes=10), Author.BOT
        )
        assert (raised.urgency, raised.urgency_reasons) == (Urgency.URGENT, ({"code": "down"},))
        assert raised.first_response_due == later(minutes=30)  # counted from the opening
        for by in (Author.BOT, Author.SYSTEM):
            same = tickets.retarget(session, defaults(), made.id, Urgency.LOW, [], later(minutes=20), by)
            assert same == raised
        assert kinds(session, made) == ["opened", "retargeted"]


def test_staff_may_lower_the_urgency(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.URGENT)
        lowered = tickets.retarget(
            session, defaults(), made.id, Urgency.LOW, [{"code": "set_by_staff"}], later(minutes=5), Author.STAFF
        )
        assert lowered.urgency is Urgency.LOW
        assert lowered.resolution_due is not None
        assert made.resolution_due is not None
        assert lowered.resolution_due > made.resolution_due


def test_the_customers_all_clear_lowers_it_and_the_log_says_by_whom(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.URGENT)
        lowered = tickets.retarget(
            session, defaults(), made.id, Urgency.LOW, [{"code": "recovered"}], later(minutes=5), Author.CUSTOMER
        )
        assert lowered.urgency is Urgency.LOW
        assert [(event.kind, event.by) for event in tickets.clock_events(session, made.id)][-1] == (
            "retargeted", Author.CUSTOMER,
        )  # fmt: skip


def test_every_change_of_the_level_is_kept_with_its_reasons(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.NORMAL)
        steps = [
            (Urgency.URGENT, Author.BOT, "all"),
            (Urgency.HIGH, Author.STAFF, "one site"),
            (Urgency.LOW, Author.CUSTOMER, "over"),
        ]
        for level, by, code in steps:
            tickets.retarget(session, defaults(), made.id, level, [{"code": code}], later(minutes=5), by)
        tickets.retarget(session, defaults(), made.id, Urgency.LOW, [{"code": "again"}], later(minutes=6), Author.BOT)
        found = tickets.level_changes(session, made)
    assert [(one.was, one.level, one.by, one.reasons) for one in found] == [
        (Urgency.NORMAL, Urgency.URGENT, Author.BOT, ({"code": "all"},)),
        (Urgency.URGENT, Urgency.HIGH, Author.STAFF, ({"code": "one site"},)),
        (Urgency.HIGH, Urgency.LOW, Author.CUSTOMER, ({"code": "over"},)),
    ]


def test_the_first_answer_of_a_person_stops_the_first_clock(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.HIGH)
        answered = tickets.staff_replied(session, defaults(), made.id, later(minutes=20))
        again = tickets.staff_replied(session, defaults(), made.id, later(minutes=50))
        assert (answered.state, answered.first_responded_at) == (TicketState.OPEN, later(minutes=20))
        assert again.first_responded_at == later(minutes=20)
        state = tickets.sla_state(session, defaults(), again, later(days=3))
        assert state.first_response is not None
        assert state.first_response.stopped_at == later(minutes=20)


def test_what_waited_for_the_customer_runs_again_when_they_write(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.URGENT)
        tickets.staff_replied(session, defaults(), made.id, later(minutes=10))
        waiting = tickets.move(session, defaults(), made.id, TicketState.WAITING, later(minutes=30))
        assert waiting.resolution_due is None
        running = tickets.customer_wrote(session, defaults(), made.id, later(minutes=90))
        assert running.state is TicketState.OPEN
        assert running.resolution_due == later(hours=5)  # four hours, one of which it waited
        assert kinds(session, made) == ["opened", "first_response", "paused", "resumed"]


@pytest.mark.parametrize("state", [TicketState.RESOLVED, TicketState.CLOSED])
def test_a_solved_ticket_opens_again_when_the_customer_writes(database: Database, state: TicketState) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.URGENT)
        for step in PATHS[state]:
            tickets.move(session, defaults(), made.id, step, later(minutes=30))
        opened = tickets.customer_wrote(session, defaults(), made.id, later(minutes=60))
        assert (opened.state, opened.resolved_at) == (TicketState.OPEN, None)
        assert kinds(session, made) == ["opened", "resolved", "reopened"]
        assert (opened.first_response_due, opened.resolution_due) == recomputed(session, opened, later(minutes=60))


def test_a_message_on_an_open_ticket_moves_nothing(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session))
        assert tickets.customer_wrote(session, defaults(), made.id, later(hours=1)) == made
        assert kinds(session, made) == ["opened"]


def test_given_to_somebody_it_counts_as_dispatched(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.URGENT)
        ada = member(session)
        given = tickets.assign(session, defaults(), made.id, ada.id, later(minutes=4))
        assert given.assignee_id == ada.id
        state = tickets.sla_state(session, defaults(), given, later(hours=2))
        assert state.dispatch is not None
        assert (state.dispatch.phase, state.dispatch.stopped_at) == (ClockPhase.MET, later(minutes=4))
        assert tickets.assign(session, defaults(), made.id, None, later(minutes=9)).assignee_id is None


@pytest.mark.parametrize("seed", range(12))
def test_stored_deadlines_always_equal_the_recomputed_ones(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    minutes = 0
    with database.begin() as session:
        people = [member(session).id, member(session, "Bob").id, None]
        made = ticket(
            session, talk(session), rng.choice(list(Urgency)), package=rng.choice(["basic", "dedicated", "odd"])
        )
        for _ in range(15):
            minutes += rng.randrange(1, 900)
            at = later(minutes=minutes)
            step = rng.randrange(6)
            if step == 0:
                made = tickets.staff_replied(session, defaults(), made.id, at)
            elif step == 1:
                made = tickets.customer_wrote(session, defaults(), made.id, at)
            elif step == 2:
                by = rng.choice([Author.STAFF, Author.BOT])
                made = tickets.retarget(session, defaults(), made.id, rng.choice(list(Urgency)), [], at, by)
            elif step == 3:
                made = tickets.assign(session, defaults(), made.id, rng.choice(people), at)
            else:
                made = tickets.move(session, defaults(), made.id, rng.choice(sorted(MOVES[made.state])), at)
            changed = recomputed(session, made, at)
            assert (made.first_response_due, made.resolution_due) == changed
            assert tickets.get(session, made.id) == made


def test_the_newest_ticket_of_each_conversation_is_found_at_once(database: Database) -> None:
    with database.begin() as session:
        one, two = talk(session, "a"), talk(session, "b")
        ticket(session, one)
        newest, other = ticket(session, one), ticket(session, two)
        found = tickets.by_conversation(session, [one.id, two.id, 99])
        assert {key: value.id for key, value in found.items()} == {one.id: newest.id, two.id: other.id}
        tickets.move(session, defaults(), other.id, TicketState.RESOLVED, NOW)
        assert tickets.count_open(session) == 2


def test_why_a_ticket_was_solved_is_kept_with_its_handover(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session))
        done = tickets.move(
            session,
            defaults(),
            made.id,
            TicketState.RESOLVED,
            NOW,
            resolution={"root_cause": "dust", "solution": "blow"},
        )
    assert done.handover == {"summary": "s", "resolution": {"root_cause": "dust", "solution": "blow"}}


def test_opening_is_logged_by_the_system(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), Urgency.HIGH)
        [opened] = tickets.clock_events(session, made.id)
    assert (opened.kind, opened.by, opened.urgency, opened.at) == (ClockKind.OPENED, Author.SYSTEM, Urgency.HIGH, NOW)
