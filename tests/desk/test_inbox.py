"""The inbox: stored once, taken by one worker, in order, and never lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base.database import Database
from base.messages import Attachment, Channel
from desk import inbox
from desk.inbox import InboxItem, InboxState
from desk.tables import InboxRow
from tests.desk.made import NOW, inbound, later

LEASE, MOST = 60, 3


def put(database: Database, *messages: tuple[str, str]) -> list[int]:
    with database.begin() as session:
        return [inbox.put(session, inbound(message, thread)).id for message, thread in messages]


def claim(database: Database, at: timedelta = timedelta()) -> InboxItem | None:
    with database.begin() as session:
        return inbox.claim(session, NOW + at, LEASE, MOST)


def finish(database: Database, item: InboxItem | None) -> bool:
    assert item is not None
    with database.begin() as session:
        return inbox.done(session, item.id, NOW)


def state(session: Session, item_id: int) -> tuple[str, int]:
    row = session.execute(select(InboxRow.state, InboxRow.attempts).where(InboxRow.id == item_id)).one()
    return row.state, row.attempts


def test_the_same_message_is_stored_once(database: Database) -> None:
    with database.begin() as session:
        first = inbox.put(session, inbound("m1"))
        again = inbox.put(session, inbound("m1", text="other words"))
        elsewhere = inbox.put(session, inbound("m1", channel=Channel.TELEGRAM))
    assert (first.duplicate, again.duplicate, elsewhere.duplicate) == (False, True, False)
    assert again.id == first.id != elsewhere.id
    item = claim(database)
    assert item is not None
    assert item.inbound.text == "My VPN is broken"


def test_eight_threads_that_put_the_same_message_store_it_once(database: Database) -> None:
    start, found = threading.Barrier(8), []

    def store() -> None:
        start.wait()
        with database.begin() as session:
            found.append(inbox.put(session, inbound("m1")))

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({put.id for put in found}) == 1
    assert sorted(put.duplicate for put in found) == [False] + [True] * 7


def test_a_message_comes_back_as_it_was_put(database: Database) -> None:
    message = inbound(
        "m1", text="你好 *x*\n> y", sender_name="王", locale="zh", action="choose:a",
        extra={"verified": True, "n": [1, {"a": "b"}]},
        attachments=(Attachment("a b.png", "image/png", 12, "x"),),
    )  # fmt: skip
    with database.begin() as session:
        inbox.put(session, message)
    item = claim(database)
    assert item is not None
    assert item.inbound == message


@pytest.mark.parametrize("hostile", ["nul \x00 here", "half \ud83d emoji", "\udfff", "x" * 200_000])
def test_text_no_database_takes_is_stored_without_it(database: Database, hostile: str) -> None:
    with database.begin() as session:
        inbox.put(
            session,
            inbound(hostile, hostile, hostile, sender_id=hostile, sender_name=hostile, extra={hostile: hostile}),
        )
    item = claim(database)
    assert item is not None
    for text in (item.inbound.text, item.inbound.thread_id, item.inbound.sender_name, *item.inbound.extra):
        assert "\x00" not in text
        text.encode()
    assert len(item.inbound.message_id) <= 300


def test_long_ids_stay_apart(database: Database) -> None:
    one, two = put(database, ("a" * 400, "t"), ("a" * 399 + "b", "t"))
    again = put(database, ("a" * 400, "t"))
    assert one != two
    assert again == [one]


@given(text=st.text(), name=st.text(max_size=50))
def test_a_storable_message_is_valid_and_stays_as_it_is(text: str, name: str) -> None:
    once = inbox.storable(inbound(name, name, text, sender_name=name))
    assert inbox.storable(once) == once
    assert inbox.from_json(inbox.to_json(once)) == once
    assert "\x00" not in once.text
    once.text.encode()


def test_a_thread_is_answered_in_order_and_others_meanwhile(database: Database) -> None:
    put(database, ("a1", "A"), ("b1", "B"))
    first = claim(database)
    put(database, ("a2", "A"))
    second = claim(database)
    assert first is not None
    assert second is not None
    assert (first.inbound.message_id, second.inbound.message_id) == ("a1", "b1")
    assert claim(database) is None  # a2 waits for a1
    assert finish(database, first)
    third = claim(database)
    assert third is not None
    assert third.inbound.message_id == "a2"


def test_a_message_that_failed_holds_back_its_thread_only(database: Database) -> None:
    put(database, ("a1", "A"), ("a2", "A"), ("b1", "B"))
    first = claim(database)
    assert first is not None
    with database.begin() as session:
        assert inbox.retry(session, first, NOW, "boom", MOST)
    second = claim(database)
    assert second is not None
    assert second.inbound.message_id == "b1"
    assert claim(database) is None
    again = claim(database, timedelta(minutes=10))
    assert again is not None
    assert (again.inbound.message_id, again.attempts) == ("a1", 2)


def test_what_a_customer_writes_in_a_burst_is_taken_as_one(database: Database) -> None:
    ids = put(database, ("a1", "A"), ("b1", "B"), ("a2", "A"), ("a3", "A"))
    item = claim(database)
    assert item is not None
    assert item.ids == [ids[0], ids[2], ids[3]]
    assert [one.inbound.message_id for one in item.also] == ["a2", "a3"]
    with database.read() as session:
        assert [state(session, item_id) for item_id in item.ids] == [("claimed", 1)] * 3


def test_a_burst_ends_at_a_button_and_at_another_sender(database: Database) -> None:
    with database.begin() as session:
        for message in (
            inbound("a1", "A"), inbound("a2", "A", action="human"), inbound("a3", "A"), inbound("b1", "B"),
            inbound("b2", "B", sender_id="somebody else"),
        ):  # fmt: skip
            inbox.put(session, message)
    taken = [claim(database), claim(database)]
    assert [[one.inbound.message_id, *(further.inbound.message_id for further in one.also)] for one in taken if one] == [
        ["a1"], ["b1"],
    ]  # fmt: skip


def test_after_a_fault_the_messages_of_a_burst_are_tried_one_by_one(database: Database) -> None:
    put(database, ("a1", "A"), ("a2", "A"))
    burst = claim(database)
    assert burst is not None
    with database.begin() as session:
        assert inbox.retry(session, burst, NOW, "boom", MOST)
    first = claim(database, timedelta(minutes=10))
    assert first is not None
    assert (first.inbound.message_id, first.attempts, first.also) == ("a1", 2, ())
    assert finish(database, first)
    second = claim(database, timedelta(minutes=10))
    assert second is not None
    assert (second.inbound.message_id, second.attempts) == ("a2", 2)


def test_a_message_that_says_nothing_yet_waits_until_the_next_one_comes(database: Database) -> None:
    with database.begin() as session:
        inbox.put(session, inbound("a1", "A", "你好"), wait_seconds=2)
    assert claim(database, timedelta(seconds=1)) is None
    put(database, ("a2", "A"))
    item = claim(database, timedelta(seconds=1))
    assert item is not None
    assert [one.inbound.message_id for one in item.also] == ["a2"]


def test_a_message_that_says_nothing_is_taken_alone_when_nothing_follows(database: Database) -> None:
    with database.begin() as session:
        inbox.put(session, inbound("a1", "A", "你好"), wait_seconds=2)
    item = claim(database, timedelta(seconds=2))
    assert item is not None
    assert item.also == ()


def test_a_claim_belongs_to_one_worker_until_its_lease_ends(database: Database) -> None:
    put(database, ("a1", "A"))
    assert claim(database) is not None
    assert claim(database, timedelta(seconds=LEASE - 1)) is None
    taken_over = claim(database, timedelta(seconds=LEASE))
    assert taken_over is not None
    assert taken_over.attempts == 2


def test_a_claim_can_be_kept_while_the_work_goes_on(database: Database) -> None:
    put(database, ("a1", "A"))
    item = claim(database)
    assert item is not None
    with database.begin() as session:
        assert inbox.extend(session, item, later(seconds=500))
    assert claim(database, timedelta(seconds=LEASE)) is None
    assert finish(database, item)
    with database.begin() as session:
        assert not inbox.extend(session, item, later(seconds=900))


def test_two_workers_never_hold_the_same_message(database: Database) -> None:
    put(database, *((f"m{n}", f"t{n}") for n in range(24)))
    start, taken = threading.Barrier(4), []

    def work() -> None:
        start.wait()
        while (item := claim(database)) is not None:
            taken.append(item.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 24


def test_the_attempt_is_counted_before_the_work(database: Database) -> None:
    [item_id] = put(database, ("a1", "A"))
    claim(database)
    with database.read() as session:
        assert state(session, item_id) == (InboxState.CLAIMED, 1)


def test_a_message_whose_workers_die_is_handed_out_to_be_given_up(database: Database) -> None:
    put(database, ("a1", "A"))
    attempts = [item.attempts for n in range(MOST + 1) if (item := claim(database, timedelta(seconds=n * LEASE)))]
    assert attempts == [1, 2, 3, 4]  # the last is above the limit: give it up


def test_a_message_that_cannot_even_be_given_up_is_set_aside_and_others_flow(database: Database) -> None:
    poison, other = put(database, ("a1", "A"), ("a2", "A"))
    seen = []
    for n in range(MOST + inbox.LAST_RESORTS + 1):
        item = claim(database, timedelta(seconds=n * LEASE))
        assert item is not None
        seen.append(item.id)
    assert seen == [poison] * (MOST + inbox.LAST_RESORTS) + [other]
    with database.read() as session:
        assert state(session, poison)[0] == InboxState.DEAD
        assert inbox.counts(session) == {"dead": 1, "claimed": 1}


def test_a_message_this_version_cannot_read_is_set_aside_and_others_flow(database: Database) -> None:
    broken, other = put(database, ("a1", "A"), ("a2", "A"))
    with database.begin() as session:
        session.execute(update(InboxRow).where(InboxRow.id == broken).values(payload={"channel": "pigeon"}))
    item = claim(database)
    assert item is not None
    assert item.id == other
    with database.read() as session:
        assert state(session, broken)[0] == InboxState.DEAD


def test_a_field_of_another_version_is_left_out(database: Database) -> None:
    [item_id] = put(database, ("a1", "A"))
    with database.begin() as session:
        payload = {**inbox.to_json(inbound("a1", "A")), "mood": "sunny"}
        session.execute(update(InboxRow).where(InboxRow.id == item_id).values(payload=payload))
    assert claim(database) is not None


def test_when_the_attempts_are_used_up_it_is_kept_for_giving_up(database: Database) -> None:
    [item_id] = put(database, ("a1", "A"))
    for n in range(MOST):
        item = claim(database, timedelta(minutes=10 * n))
        assert item is not None
        with database.begin() as session:
            again = inbox.retry(session, item, later(minutes=10 * n), "boom", MOST)
        assert again is (n < MOST - 1)
    assert claim(database, timedelta(minutes=20)) is None  # the worker that got False gives it up now
    left = claim(database, timedelta(minutes=22))  # and if that one dies too, somebody else does
    assert left is not None
    assert (left.id, left.attempts) == (item_id, MOST + 1)


def test_the_waits_between_attempts_grow(database: Database) -> None:
    put(database, ("a1", "A"))
    waits, at = [], timedelta()
    for _ in range(4):
        with database.begin() as session:
            item = inbox.claim(session, NOW + at, LEASE, 9)
            assert item is not None
            inbox.retry(session, item, NOW + at, "boom", 9)
        with database.read() as session:
            due = inbox.next_due(session, NOW + at)
        assert due is not None
        waits.append((due - NOW - at).total_seconds())
        at = due - NOW
    assert all(a < b * 1.1 for a, b in pairwise(waits))
    assert waits[-1] < 60


def test_an_answered_message_is_never_put_back(database: Database) -> None:
    [item_id] = put(database, ("a1", "A"))
    slow = claim(database)
    quick = claim(database, timedelta(seconds=LEASE))  # the lease of the slow one has ended
    assert finish(database, quick)
    assert slow is not None
    with database.begin() as session:
        inbox.retry(session, slow, later(seconds=LEASE), "timed out", MOST)
    with database.read() as session:
        assert state(session, item_id)[0] == InboxState.DONE


def test_only_the_present_holder_puts_a_message_back(database: Database) -> None:
    [item_id] = put(database, ("a1", "A"))
    slow = claim(database)
    claim(database, timedelta(seconds=LEASE))
    assert slow is not None
    with database.begin() as session:
        inbox.retry(session, slow, later(seconds=LEASE), "timed out", MOST)
    with database.read() as session:
        assert state(session, item_id) == (InboxState.CLAIMED, 2)


def test_done_is_said_once(database: Database) -> None:
    put(database, ("a1", "A"))
    item = claim(database)
    assert finish(database, item)
    assert not finish(database, item)
    assert claim(database, timedelta(days=1)) is None


def test_a_message_of_the_future_waits(database: Database) -> None:
    with database.begin() as session:
        inbox.put(session, inbound("a1", received_at=later(minutes=5)))
        assert inbox.next_due(session, NOW) == later(minutes=5)
    assert claim(database) is None
    assert claim(database, timedelta(minutes=5)) is not None
