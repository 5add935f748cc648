"""Two conversations made one: what comes in goes on, what was owed is owed, and all of it can be undone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base.database import Database
from base.errors import AppError, NotFound
from base.messages import Channel
from desk import audit, conversations, customers, doors, inbox, merges, replies, tickets
from desk.doors import Door
from desk.identities import AlreadyUndone
from desk.merge_tables import TalkMergeRow
from desk.merges import Merge, MergedAlready, MergedWithItself, NotWithAnIncident, StaysInItsWindow
from desk.models import Author, Conversation, ConversationState, Staff, Ticket, TicketState, Urgency
from desk.replies import MergedAway
from desk.tables import ConversationRow
from tests.desk.made import NOW, defaults, inbound, later, member, talk, ticket

TELEGRAM, EMAIL = Channel.TELEGRAM, Channel.EMAIL


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.begin() as made:
        yield made


@pytest.fixture
def ada(session: Session) -> Staff:
    return member(session)


def by_mail(session: Session, thread: str, sender: str = "wang@customers.test") -> Conversation:
    return talk(session, thread, channel=EMAIL, sender_id=sender)


def merged(session: Session, source: Conversation, target: Conversation, by: Staff, **after: float) -> Merge:
    now = later(**after)
    return merges.merge(session, defaults(), fresh(session, source), fresh(session, target), by, now)


def undone(session: Session, merge: Merge, by: Staff, **after: float) -> Merge:
    return merges.undo(session, defaults(), merge.id, by, later(**after))


def fresh(session: Session, of: Conversation) -> Conversation:
    return conversations.get(session, of.id)


def arrives(session: Session, thread: str, channel: Channel = EMAIL) -> int:
    """The conversation in which a message of this thread is kept: found for reading and for writing alike."""
    message = inbound("x", thread, channel=channel, sender_id="wang@customers.test")
    loaded = conversations.load(session, message).conversation
    kept = conversations.open_for(session, message, "en", NOW)
    by_door = doors.conversation_of(session, channel, thread)
    assert loaded is not None
    assert by_door is not None
    assert loaded.id == kept.id == by_door.id
    return kept.id


def owed(session: Session, of: Conversation) -> Ticket | None:
    found = fresh(session, of).ticket_id
    return tickets.get(session, found) if found is not None else None


def notes(session: Session, of: Conversation) -> list[str]:
    turns = conversations.turns_after(session, of.id, 0, notes=True)
    return [turn.text for turn in turns if turn.author is Author.NOTE]


def test_what_comes_into_the_one_that_ended_goes_to_the_other(session: Session, ada: Staff) -> None:
    one, two = by_mail(session, "a"), by_mail(session, "b")
    done = merged(session, one, two, ada)
    assert (done.source_id, done.target_id, done.by, done.undone_at) == (one.id, two.id, f"staff:{ada.id}", None)
    assert fresh(session, one).state is ConversationState.CLOSED
    assert [arrives(session, thread) for thread in ("a", "b")] == [two.id, two.id]
    assert [entry.action for entry in audit.latest(session)] == ["merged_conversations"]


def test_every_door_of_it_leads_on_also_those_of_other_channels(session: Session, ada: Staff) -> None:
    one, two = talk(session, "tg", channel=TELEGRAM), by_mail(session, "b")
    doors.add(session, one, Door(EMAIL, "further"), NOW)
    merged(session, one, two, ada)
    assert arrives(session, "tg", TELEGRAM) == arrives(session, "further") == two.id


def test_a_chat_window_can_be_where_it_goes_on(session: Session, ada: Staff) -> None:
    one, window = by_mail(session, "a"), talk(session, "w")
    merged(session, one, window, ada)
    assert arrives(session, "a") == arrives(session, "w", Channel.WEBCHAT) == window.id


def test_a_chain_leads_to_its_end_in_whatever_order_it_was_made(session: Session, ada: Staff) -> None:
    a, b, c, d = (by_mail(session, name) for name in "abcd")
    merged(session, a, b, ada)
    merged(session, b, c, ada)
    assert merged(session, d, a, ada).target_id == c.id
    assert {arrives(session, name) for name in "abcd"} == {c.id}
    assert {one.id for one in merges.gathered(session, c.id)} == {a.id, b.id, d.id}


def test_a_circle_is_refused_and_changes_nothing(session: Session, ada: Staff) -> None:
    a, b, c = (by_mail(session, name) for name in "abc")
    merged(session, a, b, ada)
    merged(session, b, c, ada)
    for source, target in ((c, a), (c, c), (c, b)):
        with pytest.raises(MergedWithItself):
            merged(session, source, target, ada)
    assert fresh(session, c).merged_into is None
    assert len(session.scalars(select(TalkMergeRow)).all()) == 2


def test_a_circle_that_is_there_all_the_same_loses_no_message(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    for one, other in ((a, b), (b, a)):
        session.execute(update(ConversationRow).where(ConversationRow.id == one.id).values(merged_into=other.id))
    assert {arrives(session, "a"), arrives(session, "b")} <= {a.id, b.id}
    session.execute(update(ConversationRow).where(ConversationRow.id == a.id).values(merged_into=4711))
    assert arrives(session, "a") == a.id


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        (Channel.WEBCHAT, EMAIL, StaysInItsWindow),
        (Channel.INCIDENT, EMAIL, NotWithAnIncident),
        (EMAIL, Channel.INCIDENT, NotWithAnIncident),
    ],
)
def test_what_has_a_window_of_its_own_does_not_end_in_another(
    session: Session, ada: Staff, source: Channel, target: Channel, why: type[AppError]
) -> None:
    one, two = talk(session, "a", channel=source), talk(session, "b", channel=target)
    with pytest.raises(why):
        merged(session, one, two, ada)


def test_what_was_merged_is_parted_first(session: Session, ada: Staff) -> None:
    a, b, c = (by_mail(session, name) for name in "abc")
    done = merged(session, a, b, ada)
    with pytest.raises(MergedAlready):
        merged(session, a, c, ada)
    undone(session, done, ada)
    assert merged(session, a, c, ada).target_id == c.id


def test_nothing_is_done_in_one_that_ended(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    merged(session, a, b, ada)
    ended = fresh(session, a)
    with pytest.raises(MergedAway):
        replies.reply(session, defaults(), ended, ada, "hello", NOW)
    with pytest.raises(MergedAway):
        replies.take_over(session, defaults(), ended, ada, NOW)
    with pytest.raises(MergedAway):
        replies.assign(session, defaults(), ended, ada, ada.public_id, NOW)
    with pytest.raises(MergedAway):
        replies.release(session, ended, ada, NOW)
    with pytest.raises(MergedAway):
        replies.resolve(session, defaults(), ended, ada, "", "", NOW)
    assert replies.note(session, ended, ada, "seen", NOW).author is Author.NOTE


def test_its_open_ticket_is_withdrawn_and_the_other_one_owes_it(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    source, target = ticket(session, a, Urgency.HIGH), ticket(session, b, Urgency.NORMAL)
    merged(session, a, b, ada, hours=1)
    was, now = tickets.get(session, source.id), tickets.get(session, target.id)
    assert (was.state, was.handover["withdrawn"]["into"]) == (TicketState.CANCELLED, b.id)
    assert (now.state, now.urgency, now.urgency_reasons) == (TicketState.NEW, Urgency.HIGH, source.urgency_reasons)
    assert fresh(session, b).state is ConversationState.WAITING
    assert tickets.count_open(session) == customers.count_open_tickets(session, a.customer_id) == 1


def test_the_milder_urgency_of_one_lowers_nothing(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    ticket(session, a, Urgency.LOW)
    target = ticket(session, b, Urgency.URGENT)
    merged(session, a, b, ada)
    assert tickets.get(session, target.id).urgency is Urgency.URGENT


@pytest.mark.parametrize("state", [TicketState.WAITING, TicketState.RESOLVED, TicketState.CLOSED])
def test_a_ticket_that_waits_or_was_solved_is_open_again_by_what_joins_it(
    session: Session, ada: Staff, state: TicketState
) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    ticket(session, a)
    target = ticket(session, b)
    tickets.move(session, defaults(), target.id, state, NOW)
    merged(session, a, b, ada, hours=1)
    assert tickets.get(session, target.id).state is TicketState.OPEN


def test_one_without_a_ticket_gets_one_whose_clocks_have_run_since_the_first(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    source = ticket(session, a)
    tickets.staff_replied(session, defaults(), source.id, later(minutes=20))
    merged(session, a, b, ada, hours=1)
    carried, was = owed(session, b), tickets.get(session, source.id)
    assert carried is not None
    assert (carried.number, carried.state, carried.opened_at) == (source.number + 1, TicketState.OPEN, NOW)
    assert (carried.first_responded_at, carried.resolution_due) == (later(minutes=20), source.resolution_due)
    assert was.state is TicketState.CANCELLED
    kinds = [event.kind for event in tickets.clock_events(session, carried.id)]
    assert kinds == ["opened", "first_response"]


def test_one_that_owes_nothing_opens_nothing(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    solved = ticket(session, b)
    tickets.move(session, defaults(), solved.id, TicketState.RESOLVED, NOW)
    source = ticket(session, a)
    tickets.move(session, defaults(), source.id, TicketState.RESOLVED, NOW)
    merged(session, a, b, ada)
    assert [tickets.get(session, one.id).state for one in (source, solved)] == [TicketState.RESOLVED] * 2
    assert fresh(session, b).state is ConversationState.BOT


def test_undoing_restores_both_as_they_were(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    ticket(session, a, Urgency.HIGH)
    ticket(session, b, Urgency.LOW)
    replies.take_over(session, defaults(), fresh(session, a), ada, NOW)
    before = [(fresh(session, one), owed(session, one)) for one in (a, b)]
    done = merged(session, a, b, ada, minutes=10)
    assert undone(session, done, ada, minutes=20).undone_at == later(minutes=20)
    for (was, debt), one in zip(before, (a, b), strict=True):
        now, still = fresh(session, one), owed(session, one)
        assert debt is not None
        assert still is not None
        assert (now.state, now.assignee_id, now.merged_into) == (was.state, was.assignee_id, None)
        assert (still.state, still.urgency, still.urgency_reasons) == (debt.state, debt.urgency, debt.urgency_reasons)
    assert [arrives(session, thread) for thread in "ab"] == [a.id, b.id]
    assert merges.merges_of(session, a.id) == merges.merges_of(session, b.id) == []


@pytest.mark.parametrize(
    "state", [TicketState.WAITING, TicketState.RESOLVED, TicketState.CLOSED, TicketState.CANCELLED]
)
def test_undoing_lets_the_other_ticket_rest_again(session: Session, ada: Staff, state: TicketState) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    source, target = ticket(session, a), ticket(session, b)
    tickets.move(session, defaults(), target.id, state, NOW)
    done = merged(session, a, b, ada, minutes=10)
    undone(session, done, ada, minutes=20)
    assert [tickets.get(session, one.id).state for one in (source, target)] == [TicketState.NEW, state]
    assert fresh(session, b).state is ConversationState.BOT


def test_undoing_takes_the_ticket_back_that_was_carried_over(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    source = ticket(session, a)
    done = merged(session, a, b, ada, hours=1)
    carried = owed(session, b)
    undone(session, done, ada, hours=2)
    assert carried is not None
    assert tickets.get(session, carried.id).state is TicketState.CANCELLED
    assert owed(session, b) is None
    found = owed(session, a)
    assert found is not None
    assert (found.id, found.state) == (source.id, TicketState.NEW)
    assert tickets.count_open(session) == 1


def test_what_a_colleague_did_about_the_other_one_since_then_stands(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    ticket(session, a, Urgency.HIGH)
    target = ticket(session, b, Urgency.LOW)
    done = merged(session, a, b, ada, minutes=10)
    replies.reply(session, defaults(), fresh(session, b), ada, "We are on it.", later(minutes=15))
    undone(session, done, ada, minutes=20)
    assert fresh(session, b).state is ConversationState.STAFF
    assert tickets.get(session, target.id).urgency is Urgency.HIGH


def test_what_came_in_meanwhile_stays_and_both_say_so(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    done = merged(session, a, b, ada)
    for n, thread in enumerate(("a", "a", "b")):
        message = inbound(f"n{n}", thread, channel=EMAIL)
        inbox.put(session, message)
        kept = arrives(session, thread)
        conversations.add_turn(
            session, kept, Author.CUSTOMER, f"said {n}", "en", later(minutes=1), message_id=f"n{n}"
        )  # fmt: skip
    undone(session, done, ada, hours=1)
    said = conversations.turns_after(session, b.id, 0, notes=False)
    assert [turn.text for turn in said] == ["said 0", "said 1", "said 2"]
    assert all("What came in meanwhile (2) stays in" in notes(session, one)[-1] for one in (a, b))


def test_answers_go_back_to_the_door_they_left_by(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    done = merged(session, a, b, ada)
    came = doors.came_by(session, fresh(session, b), Door(EMAIL, "a"), NOW)
    assert doors.through(came) == Door(EMAIL, "a")
    undone(session, done, ada)
    assert doors.through(fresh(session, b)) == Door(EMAIL, "b")


def test_of_two_customers_only_the_one_it_goes_on_with_is_answered(session: Session, ada: Staff) -> None:
    colleague, one = by_mail(session, "a", "li@customers.test"), by_mail(session, "b")
    ticket(session, colleague)
    merged(session, colleague, one, ada)
    came = doors.came_by(session, fresh(session, one), Door(EMAIL, "a"), NOW)
    assert doors.through(came) == Door(EMAIL, "b")
    own = doors.answered_in(session, EMAIL, "a")
    assert own is not None
    assert own.id == colleague.id
    carried = owed(session, one)
    assert carried is not None
    assert (carried.customer_id, carried.title) == (one.customer_id, "Software")
    assert "another customer" in notes(session, one)[-1]


def test_both_have_a_note_that_names_the_other(session: Session, ada: Staff) -> None:
    a, b = by_mail(session, "a"), by_mail(session, "b")
    first, second = ticket(session, a), ticket(session, b)
    merged(session, a, b, ada)
    [there], [here] = notes(session, a), notes(session, b)
    assert there == f"Ada merged this conversation into {second.name}. What comes in from now on is added there."
    assert here == (
        f"Ada merged {first.name} into this conversation. What comes in there is added here. "
        f"{first.name} is withdrawn; {second.name} is owed instead."
    )
    links = [conversations.latest_turns(session, one.id, 1)[0].payload["other"] for one in (a, b)]
    assert links == [b.public_id, a.public_id]


def test_a_merge_is_undone_once_and_an_unknown_one_is_not_found(session: Session, ada: Staff) -> None:
    done = merged(session, by_mail(session, "a"), by_mail(session, "b"), ada)
    undone(session, done, ada)
    with pytest.raises(AlreadyUndone):
        undone(session, done, ada)
    for unknown in (4711, 0):
        with pytest.raises(NotFound):
            merges.undo(session, defaults(), unknown, ada, NOW)
        with pytest.raises(NotFound):
            merges.get(session, unknown)


def test_two_colleagues_who_merge_the_same_two_either_way_close_no_circle(database: Database) -> None:
    with database.begin() as session:
        a, b, ada = by_mail(session, "a"), by_mail(session, "b"), member(session)
    told: list[str] = []
    start = threading.Barrier(2)

    def work(source: Conversation, target: Conversation) -> None:
        start.wait()
        try:
            with database.begin() as session:
                merged(session, source, target, ada)
            told.append("merged")
        except MergedWithItself:
            told.append("refused")

    both = [threading.Thread(target=work, args=pair) for pair in ((a, b), (b, a))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(told) == ["merged", "refused"]
    with database.begin() as session:
        ends = {one.merged_into for one in conversations.by_ids(session, [a.id, b.id])}
        assert None in ends
        assert arrives(session, "a") == arrives(session, "b")


def test_in_the_middle_of_a_chain_undoing_parts_only_its_own_link(session: Session, ada: Staff) -> None:
    a, b, c = (by_mail(session, name) for name in "abc")
    first, second = merged(session, a, b, ada), merged(session, b, c, ada)
    assert [one.id for one in merges.merges_of(session, b.id)] == [second.id, first.id]
    undone(session, second, ada)
    assert [arrives(session, thread) for thread in "abc"] == [b.id, b.id, c.id]
    undone(session, first, ada)
    assert [arrives(session, thread) for thread in "abc"] == [a.id, b.id, c.id]
