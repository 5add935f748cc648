"""The outbox: every reply under one key, in order, and never sent twice blindly (promise 3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from base.database import Database
from base.messages import Channel, DeliveryState, Link, Outbound, QuickReply, Receipt
from desk import outbox, switches
from desk.outbox import OutboxItem, OutboxState
from desk.tables import OutboxRow
from tests.desk.made import NOW, later, talk

LEASE = 60
DAYS = timedelta(days=2)
CHANNELS = (Channel.EMAIL,)


def reply(key: str = "turn-1", author: str = "bot", channel: Channel = Channel.EMAIL) -> Outbound:
    return Outbound(
        key=key, channel=channel, thread_id="t1", text="你好 [1]", lang="zh", author=author,
        links=(Link(1, "标题", "", ""),), quick_replies=(QuickReply("有帮助", "helped"),),
    )  # fmt: skip


def put(database: Database, *replies: Outbound, thread: str = "t1") -> None:
    with database.begin() as session:
        conversation = talk(session, thread)
        for turn_id, outbound in enumerate(replies, start=1):
            outbox.put(session, outbound, conversation.id, turn_id, NOW)


def claim(database: Database, at: timedelta = timedelta()) -> OutboxItem | None:
    with database.begin() as session:
        return outbox.claim(session, NOW + at, LEASE, CHANNELS)


def states(database: Database) -> dict[str, str]:
    with database.read() as session:
        return dict(session.execute(select(OutboxRow.key, OutboxRow.state)).tuples().all())


def test_a_reply_comes_back_as_it_was_put(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    assert item is not None
    assert item.outbound == reply()


def test_nothing_is_queued_for_a_window_that_fetches_what_is_stored(database: Database) -> None:
    put(database, reply("turn-1", channel=Channel.WEBCHAT), reply("turn-2"))
    assert states(database) == {"turn-2": OutboxState.QUEUED}


def test_a_key_is_used_once(database: Database) -> None:
    put(database, reply("turn-1"))
    with pytest.raises(IntegrityError):
        put(database, reply("turn-1"))
    assert len(states(database)) == 1


def test_the_key_stays_the_same_over_retries(database: Database) -> None:
    put(database, reply("turn-7"))
    keys = []
    for n in range(3):
        item = claim(database, timedelta(hours=2 * n))
        assert item is not None
        keys.append((item.outbound.key, item.attempts))
        with database.begin() as session:
            outbox.retry(session, item, later(hours=2 * n), "busy", give_up_after=DAYS)
    assert keys == [("turn-7", 1), ("turn-7", 2), ("turn-7", 3)]


def address(database: Database, key: str = "turn-1") -> bool:
    with database.begin() as session:
        return outbox.addressed(session, key, "wang@example.com", f"{key}@firstline.example")


def test_a_reply_whose_sender_died_while_sending_is_maybe_sent_and_never_sent_again(database: Database) -> None:
    put(database, reply())
    assert claim(database) is not None
    assert address(database)
    assert claim(database, timedelta(seconds=LEASE)) is None
    assert claim(database, timedelta(days=30)) is None
    assert states(database) == {"turn-1": OutboxState.MAYBE_SENT}


def test_a_reply_whose_sender_died_before_is_sent_by_another_and_the_late_one_may_not(database: Database) -> None:
    put(database, reply())
    assert claim(database) is not None
    assert claim(database, timedelta(seconds=LEASE)) is not None
    assert address(database)
    assert not address(database)


def test_a_reply_that_kills_its_senders_is_set_aside(database: Database) -> None:
    put(database, reply())
    for n in range(outbox.CLAIMS_MOST):
        assert claim(database, timedelta(seconds=n * LEASE)) is not None
    assert claim(database, timedelta(days=1)) is None
    assert states(database) == {"turn-1": OutboxState.BOUNCED}


def test_a_channel_that_does_not_note_where_a_reply_goes_leaves_it_maybe_sent(database: Database) -> None:
    put(database, reply(channel=Channel.TELEGRAM))
    with database.begin() as session:
        assert outbox.claim(session, NOW, LEASE, (Channel.TELEGRAM,)) is not None
        assert outbox.claim(session, later(seconds=LEASE), LEASE, (Channel.TELEGRAM,)) is None
    assert states(database) == {"turn-1": OutboxState.MAYBE_SENT}


def test_a_late_wish_not_to_send_does_not_hide_that_it_was_sent(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    assert item is not None
    with database.begin() as session:
        outbox.sent(session, item.id, Receipt(DeliveryState.SENT), NOW)
        outbox.drop(session, item.id, "too many")
    assert states(database) == {"turn-1": OutboxState.SENT}


def test_a_late_receipt_settles_what_was_maybe_sent(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    address(database)
    claim(database, timedelta(seconds=LEASE))
    assert item is not None
    with database.begin() as session:
        outbox.sent(session, item.id, Receipt(DeliveryState.SENT, "c-1"), later(seconds=90))
    assert states(database) == {"turn-1": OutboxState.SENT}


def test_a_late_refusal_tells_that_nothing_was_sent(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    address(database)
    claim(database, timedelta(seconds=LEASE))
    assert item is not None
    with database.begin() as session:
        assert outbox.retry(session, item, later(seconds=90), "429", give_up_after=DAYS)
    assert states(database) == {"turn-1": OutboxState.DEFERRED}


def test_a_refusal_never_undoes_a_sent_reply(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    assert item is not None
    with database.begin() as session:
        outbox.sent(session, item.id, Receipt(DeliveryState.SENT), NOW)
        outbox.retry(session, item, NOW, "late", give_up_after=DAYS)
    assert states(database) == {"turn-1": OutboxState.SENT}


def test_a_channel_that_cannot_tell_leaves_it_maybe_sent(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    assert item is not None
    with database.begin() as session:
        outbox.sent(session, item.id, Receipt(DeliveryState.MAYBE_SENT), NOW)
    assert states(database) == {"turn-1": OutboxState.MAYBE_SENT}
    assert claim(database, timedelta(days=1)) is None


def test_the_wish_of_a_channel_to_wait_is_respected(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    assert item is not None
    with database.begin() as session:
        outbox.retry(session, item, NOW, "429", give_up_after=DAYS, wait_seconds=900)
    assert claim(database, timedelta(seconds=899)) is None
    assert claim(database, timedelta(seconds=900)) is not None


def test_what_is_refused_for_two_days_is_set_aside(database: Database) -> None:
    put(database, reply())
    tries, at = 0, timedelta()
    while (item := claim(database, at)) is not None:
        tries += 1
        with database.begin() as session:
            if not outbox.retry(session, item, NOW + at, "451 greylisted", give_up_after=DAYS):
                break
        with database.read() as session:
            at = session.scalars(select(OutboxRow.next_at)).one() - NOW
    assert states(database) == {"turn-1": OutboxState.BOUNCED}
    assert 40 < tries < 80
    assert timedelta(hours=46) < at <= DAYS


def test_what_is_refused_for_good_bounces_at_once_and_can_be_sent_again_by_a_person(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    assert item is not None
    with database.begin() as session:
        assert outbox.fail(session, item.id, "550 no such user")
        assert outbox.counts(session) == {"bounced": 1}
    assert claim(database, timedelta(days=1)) is None
    with database.begin() as session:
        assert outbox.again(session, item.id, later(days=1))
        assert not outbox.again(session, item.id, later(days=1))
    once_more = claim(database, timedelta(days=1))
    assert once_more is not None
    assert (once_more.outbound.key, once_more.attempts) == ("turn-1", 1)


def test_what_came_back_is_found_by_the_id_it_was_sent_under(database: Database) -> None:
    put(database, reply())
    item = claim(database)
    assert item is not None
    with database.begin() as session:
        outbox.addressed(session, item.outbound.key, "wang@example.com", "abc@firstline.example")
        outbox.sent(session, item.id, Receipt(DeliveryState.SENT), NOW)
    with database.begin() as session:
        assert outbox.came_back(session, "other@firstline.example", "550") is None
        found = outbox.came_back(session, "abc@firstline.example", "550 5.1.1 unknown user")
        assert found is not None
        assert (found.recipient, found.state, found.error) == (
            "wang@example.com", OutboxState.BOUNCED, "550 5.1.1 unknown user",
        )  # fmt: skip
        assert outbox.came_back(session, "abc@firstline.example", "550") is None


def test_nothing_leaves_while_the_outbox_is_paused(database: Database) -> None:
    put(database, reply())
    with database.begin() as session:
        switches.turn_off(session, outbox.PAUSED, "cli", NOW)
        switches.turn_off(session, outbox.PAUSED, "staff:1", later(hours=1))
        assert [(one.name, one.by) for one in switches.off(session)] == [("outbox", "cli")]
    assert claim(database) is None
    with database.begin() as session:
        switches.turn_on(session, outbox.PAUSED, "cli", later(hours=2))
    assert claim(database, timedelta(hours=2)) is not None


def test_what_went_to_one_recipient_is_counted_without_what_people_wrote(database: Database) -> None:
    put(database, reply("turn-1"), reply("turn-2", author="staff"), reply("turn-3"))
    for minutes in range(3):
        item = claim(database)
        assert item is not None
        with database.begin() as session:
            outbox.addressed(session, item.outbound.key, "wang@example.com", "")
            outbox.sent(session, item.id, Receipt(DeliveryState.SENT), later(minutes=minutes))
    with database.read() as session:
        assert outbox.sent_to(session, "wang@example.com", NOW - DAYS) == [NOW, later(minutes=2)]
        assert outbox.sent_to(session, "wang@example.com", NOW) == [later(minutes=2)]
        assert outbox.sent_to(session, "li@example.com", NOW - DAYS) == []


def test_replies_of_one_conversation_leave_in_their_order(database: Database) -> None:
    put(database, reply("turn-1"), reply("turn-2"))
    put(database, reply("turn-3"), thread="t2")
    first = claim(database)
    assert first is not None
    with database.begin() as session:
        outbox.retry(session, first, NOW, "429", give_up_after=DAYS, wait_seconds=100)
    other = claim(database)
    assert other is not None
    assert other.outbound.key == "turn-3"
    assert claim(database) is None  # turn-2 does not overtake turn-1
    again = claim(database, timedelta(seconds=120))
    assert again is not None
    assert again.outbound.key == "turn-1"


def test_only_the_channels_of_this_process_are_taken(database: Database) -> None:
    put(database, reply(channel=Channel.TELEGRAM))
    assert claim(database) is None


def test_a_person_who_takes_over_withdraws_what_the_bot_has_not_sent(database: Database) -> None:
    put(database, reply("turn-1"), reply("turn-2"), reply("turn-3", author="staff"), reply("turn-4", author="system"))
    put(database, reply("turn-5"), thread="t2")
    sending = claim(database)
    assert sending is not None
    with database.begin() as session:
        assert outbox.drop_bot_replies(session, talk(session).id) == 1
    assert states(database) == {
        "turn-1": OutboxState.CLAIMED,
        "turn-2": OutboxState.DROPPED,
        "turn-3": OutboxState.QUEUED,
        "turn-4": OutboxState.QUEUED,
        "turn-5": OutboxState.QUEUED,
    }


def test_a_notification_to_staff_and_a_reply_to_the_customer_wait_for_each_other_never(database: Database) -> None:
    put(database, reply("staff-7-1"), reply("turn-1"), reply("turn-2"), reply("staff-9-1"))
    taken = [claim(database) for _ in range(4)]
    assert [item.outbound.key if item else "" for item in taken] == ["staff-7-1", "turn-1", "staff-9-1", ""]


def test_what_is_to_wait_is_not_sent_before(database: Database) -> None:
    with database.begin() as session:
        outbox.put(session, reply("staff-7-1"), talk(session).id, 0, NOW, wait=timedelta(seconds=60))
    assert claim(database, timedelta(seconds=59)) is None
    assert claim(database, timedelta(seconds=60)) is not None


def test_what_went_to_staff_is_not_counted_as_an_automatic_mail_to_a_customer(database: Database) -> None:
    put(database, reply("staff-7-1"), reply("turn-1"))
    with database.begin() as session:
        for _ in range(2):
            item = outbox.claim(session, NOW, LEASE, CHANNELS)
            assert item is not None
            outbox.addressed(session, item.outbound.key, "ada@shop.test", f"{item.outbound.key}@shop.test")
            outbox.sent(session, item.id, Receipt(DeliveryState.SENT), NOW)
        assert len(outbox.sent_to(session, "ada@shop.test", later(hours=-1))) == 1
