"""Conversations: one per thread, turns in order, and only the moves the table names."""

from __future__ import annotations

import itertools
import threading

import pytest

from base.database import Database
from base.errors import Conflict, NotFound
from base.messages import Channel
from desk import conversations, customers, events
from desk.conversations import MOVES
from desk.events import EventKind
from desk.models import Author, ConversationState
from tests.desk.made import NOW, inbound, later, member, talk

EVERY_MOVE = list(itertools.permutations(ConversationState, 2))


def test_a_thread_has_one_conversation_and_a_customer_several(database: Database) -> None:
    with database.begin() as session:
        first = conversations.open_for(session, inbound("m1", "t1", sender_id="c"), "en", NOW)
        again = conversations.open_for(session, inbound("m2", "t1", sender_id="c"), "zh", NOW)
        other = conversations.open_for(session, inbound("m3", "t2", sender_id="c"), "en", NOW)
        elsewhere = conversations.open_for(
            session, inbound("m1", "t1", channel=Channel.EMAIL, sender_id="c"), "en", NOW
        )
    assert again == first
    assert other.id != first.id
    assert other.customer_id == first.customer_id
    assert elsewhere.customer_id != first.customer_id  # the same id on another channel proves nothing
    assert len({first.public_id, other.public_id, elsewhere.public_id}) == 3
    assert all(len(c.public_id) >= 24 for c in (first, other))


def test_a_name_or_address_joins_nobody(database: Database) -> None:
    with database.begin() as session:
        one = customers.find_or_create(session, inbound(thread="a", sender_name="Ada"), "en", NOW)
        two = customers.find_or_create(session, inbound(thread="b", sender_name="Ada"), "en", NOW)
        assert one.id != two.id
        assert customers.find(session, Channel.WEBCHAT, "a") == one
        assert customers.find(session, Channel.EMAIL, "a") is None
        assert customers.get(session, one.id) == one
        with pytest.raises(NotFound):
            customers.get(session, 999)


def test_turns_are_numbered_per_conversation(database: Database) -> None:
    with database.begin() as session:
        one, two = talk(session, "t1"), talk(session, "t2")
        seqs = [
            conversations.add_turn(session, which.id, Author.CUSTOMER, "hi", "en", NOW).seq
            for which in (one, two, one, one, two)
        ]
    assert seqs == [1, 1, 2, 3, 2]


def test_turns_of_many_threads_get_different_numbers(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)

    def write() -> None:
        for _ in range(5):
            with database.begin() as session:
                conversations.add_turn(session, one.id, Author.CUSTOMER, "hi", "en", NOW)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert [turn.seq for turn in conversations.latest_turns(session, one.id, 99)] == list(range(1, 21))


def test_a_turn_comes_back_as_it_was_added(database: Database) -> None:
    with database.begin() as session:
        added = conversations.add_turn(
            session, talk(session).id, Author.CUSTOMER, "文本\n x", "zh", NOW,
            author_name="王", message_id="m1", payload={"urgency": "low", "citations": [{"n": 1}]},
        )  # fmt: skip
        assert conversations.turns_by_id(session, [added.id, 999]) == {added.id: added}
        assert conversations.turns_after(session, added.conversation_id, 0, notes=False) == [added]


def test_the_latest_turns_come_oldest_first(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        for n in range(6):
            conversations.add_turn(session, one.id, Author.CUSTOMER, str(n), "en", NOW)
        assert [turn.text for turn in conversations.latest_turns(session, one.id, 3)] == ["3", "4", "5"]
        assert [turn.text for turn in conversations.turns_after(session, one.id, 4, notes=True)] == ["4", "5"]


def test_a_note_is_for_staff_only(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        conversations.add_turn(session, one.id, Author.CUSTOMER, "hello", "en", NOW)
        conversations.add_turn(session, one.id, Author.NOTE, "he is difficult", "en", NOW)
        assert [t.text for t in conversations.turns_after(session, one.id, 0, notes=False)] == ["hello"]
        assert len(conversations.turns_after(session, one.id, 0, notes=True)) == 2
        [row] = conversations.list_for_staff(session, assignee_id=None, unassigned=False, search="")
        assert (row.preview, row.unread) == ("hello", 1)


def test_a_preview_shows_no_marks_of_markdown(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        conversations.add_turn(session, one.id, Author.BOT, "**1. Ports**\n\nUse `443`.", "en", NOW)
        [row] = conversations.list_for_staff(session, assignee_id=None, unassigned=False, search="")
        assert row.preview == "1. Ports Use 443."


@pytest.mark.parametrize(("start", "goal"), EVERY_MOVE)
def test_a_conversation_moves_as_the_table_says(
    database: Database, start: ConversationState, goal: ConversationState
) -> None:
    with database.begin() as session:
        one = talk(session)
        path = {
            ConversationState.BOT: (),
            ConversationState.WAITING: (ConversationState.WAITING,),
            ConversationState.STAFF: (ConversationState.STAFF,),
            ConversationState.CLOSED: (ConversationState.CLOSED,),
        }
        for step in path[start]:
            conversations.change(session, one, NOW, state=step)
        before = conversations.get(session, one.id)
        if goal in MOVES[start]:
            assert conversations.change(session, before, NOW, state=goal)
            assert conversations.get(session, one.id).state is goal
            assert events.after(session, 0)[-1].kind is EventKind.STATE_CHANGED
        else:
            with pytest.raises(Conflict) as refused:
                conversations.change(session, before, NOW, state=goal)
            assert refused.value.fields == {"found": start, "wanted": goal}
            assert conversations.get(session, one.id).state is start


def test_a_person_keeps_a_conversation_until_it_is_given_back() -> None:
    assert MOVES[ConversationState.STAFF] == {ConversationState.BOT, ConversationState.CLOSED}
    assert set(MOVES) == set(ConversationState)


def test_a_change_that_expected_another_state_changes_nothing(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        seen = events.last_id(session)
        assert not conversations.change(
            session, one, NOW, state=ConversationState.WAITING, expected=ConversationState.STAFF, lang="zh"
        )
        assert conversations.get(session, one.id) == one
        assert events.last_id(session) == seen


def test_the_thread_of_an_unknown_sender_is_empty(database: Database) -> None:
    with database.read() as session:
        thread = conversations.load(session, inbound())
    assert (thread.customer, thread.conversation, thread.turns) == (None, None, ())


def test_a_thread_is_loaded_with_its_latest_turns(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        for n in range(20):
            conversations.add_turn(session, one.id, Author.CUSTOMER, str(n), "en", NOW)
    with database.read() as session:
        thread = conversations.load(session, inbound("m2"))
    assert thread.conversation is not None
    assert thread.conversation.id == one.id
    assert thread.customer is not None
    assert [turn.seq for turn in thread.turns] == list(range(9, 21))


def test_the_lists_of_staff_hold_what_they_say(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        one, two, three = (talk(session, thread, sender_name=f"Customer {thread}") for thread in ("a", "b", "c"))
        conversations.change(session, one, later(minutes=1), state=ConversationState.STAFF, assignee_id=ada.id)
        conversations.change(session, two, later(minutes=2), state=ConversationState.WAITING, subject="VPN 100% broken")
        counts = conversations.count_for_staff(session, ada.id)

        def listed(search: str = "", *, mine: bool = False, free: bool = False) -> list[int]:
            rows = conversations.list_for_staff(
                session, assignee_id=ada.id if mine else None, unassigned=free, search=search
            )
            return [row.conversation.id for row in rows]

        assert listed() == [two.id, one.id, three.id]
        assert listed(mine=True) == [one.id]
        assert listed(free=True) == [two.id]
        assert listed("vpn 100%") == [two.id]
        assert listed("%") == [two.id]
        assert listed("Customer b") == [two.id]
        assert listed("nobody") == []
        assert listed("\x00\ud800") == listed("\x00nobody") == []
    assert counts == {"mine": 1, "unassigned": 1, "all": 3}
