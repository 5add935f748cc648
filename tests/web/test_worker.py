"""The worker: what the inbox holds is answered, what the outbox holds is sent, faults end with a person."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from base.clock import FixedClock
from base.errors import DeliveryError, NotFound, NotSent, RetryLater, StorageUnavailable
from base.messages import Channel, DeliveryState, Inbound, Outbound, Receipt
from desk import inbox, outbox
from desk.inbox import InboxState
from desk.outbox import OutboxState
from desk.tables import ConversationRow, TicketRow, TurnRow
from tests import articles
from tests.live import LOOPBACK, eventually
from web.wiring import Services
from web.worker import MAIL_ONLY, Worker, blame, drain

QUESTION = "What does the printer code PRN-21 mean?"


class Door:
    """A channel whose far end does what a test wants: what is in `faults` is raised, one per send, before it works."""

    def __init__(self, *faults: Exception, state: DeliveryState = DeliveryState.SENT) -> None:
        self.faults, self.state, self.sent = list(faults), state, list[Outbound]()

    def parse(self, payload: bytes, headers: Mapping[str, str]) -> list[Inbound]:
        return []

    async def send(self, outbound: Outbound) -> Receipt:
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(outbound)
        return Receipt(self.state, f"far-{outbound.key}")


class FailingEngine:
    """The engine, but its first tries to answer fail."""

    def __init__(self, services: Services, failures: int, error: Exception) -> None:
        self._engine, self.left, self._error = services.engine, failures, error
        self.give_up = services.engine.give_up

    def receive(self, *args: object, **kwargs: object) -> object:
        if self.left:
            self.left -= 1
            raise self._error
        return self._engine.receive(*args, **kwargs)  # type: ignore[arg-type]


@pytest.fixture
def desk(services: Services, tmp_path: Path) -> Services:
    articles.load(services, tmp_path / "articles")
    return services


def put(services: Services, text: str = QUESTION, thread: str = "t") -> None:
    now = services.clock.now()
    with services.database.begin() as session:
        inbox.put(session, Inbound(Channel.EMAIL, secrets.token_hex(4), thread, thread, text, now))


def authors(services: Services) -> list[str]:
    with services.database.read() as session:
        return list(session.scalars(select(TurnRow.author).order_by(TurnRow.id)))


def states(services: Services) -> tuple[dict[str, int], dict[str, int]]:
    with services.database.read() as session:
        return inbox.counts(session), outbox.counts(session)


def worker_with(services: Services, door: Door | None = None) -> Worker:
    return Worker(services, {Channel.EMAIL: door or Door()})


@pytest.mark.allow_hosts(LOOPBACK)
def test_what_came_in_is_answered_and_sent_once(desk: Services) -> None:
    put(desk)
    door = Door()
    assert drain(desk, {Channel.EMAIL: door}) == 1
    assert drain(desk, {Channel.EMAIL: door}) == 0
    assert authors(desk) == ["customer", "bot"]
    assert [(one.thread_id, one.links[0].title) for one in door.sent] == [
        ("t", "Printer shows PRN-21: paper tray empty")
    ]
    assert states(desk) == ({InboxState.DONE: 1}, {OutboxState.SENT: 1})


def test_a_fault_that_passes_is_tried_again_later(desk: Services, clock: FixedClock) -> None:
    put(desk)
    worker = worker_with(replace(desk, engine=FailingEngine(desk, 1, RuntimeError("flaky"))))  # type: ignore[arg-type]
    assert worker.answer_one()
    assert authors(desk) == []
    assert not worker.answer_one()  # not before its time
    clock.advance(minutes=5)
    assert worker.answer_one()
    assert authors(desk) == ["customer", "bot"]


def test_a_fault_that_stays_ends_with_a_ticket_and_the_customer_is_told(desk: Services, clock: FixedClock) -> None:
    put(desk)
    put(desk, thread="somebody else")
    engine = FailingEngine(desk, 10**6, RuntimeError("for ever"))
    worker = worker_with(replace(desk, engine=engine))  # type: ignore[arg-type]
    for _ in range(desk.settings.attempts_max):
        while worker.answer_one():
            pass
        clock.advance(minutes=10)
    assert states(desk)[0] == {InboxState.DONE: 2}
    assert sorted(authors(desk)) == ["bot", "bot", "customer", "customer"]
    with desk.database.read() as session:
        assert len(session.scalars(select(TicketRow.id)).all()) == 2
        assert set(session.scalars(select(ConversationRow.state))) == {"waiting"}


def test_a_time_zone_that_is_gone_keeps_no_message_from_being_answered(
    make_services: Callable[..., Services], tmp_path: Path
) -> None:
    services = make_services(timezone="Mars/X")  # past the check of the settings, as after a move to another machine
    articles.load(services, tmp_path / "articles")
    put(services, "ERP down for everybody, nobody in the company can work!")
    assert worker_with(services).answer_one()
    assert authors(services) == ["customer", "bot"]
    with services.database.read() as session:
        assert "UTC" in str(session.scalar(select(TurnRow.text).where(TurnRow.author == "bot")))


def test_a_database_that_is_away_costs_no_attempt(desk: Services) -> None:
    put(desk)
    engine = FailingEngine(desk, 1, StorageUnavailable("disk full"))
    worker = worker_with(replace(desk, engine=engine))  # type: ignore[arg-type]
    with pytest.raises(StorageUnavailable):
        worker.answer_one()
    assert states(desk)[0] == {InboxState.CLAIMED: 1}  # the end of its lease brings it back


def send_all(worker: Worker) -> int:
    async def run() -> int:
        count = 0
        while await worker.send_one():
            count += 1
        return count

    return asyncio.run(run())


@pytest.mark.allow_hosts(LOOPBACK)
def test_a_channel_that_asks_to_wait_is_waited_for(desk: Services, clock: FixedClock) -> None:
    put(desk)
    door = Door(RetryLater("slow down", retry_after_seconds=120))
    worker = worker_with(desk, door)
    worker.answer_one()
    assert send_all(worker) == 1
    clock.advance(seconds=60)
    assert send_all(worker) == 0
    clock.advance(seconds=120)
    assert send_all(worker) == 1
    assert len(door.sent) == 1
    assert states(desk)[1] == {OutboxState.SENT: 1}


@pytest.mark.allow_hosts(LOOPBACK)
def test_a_channel_that_refuses_for_good_is_not_asked_again(desk: Services, clock: FixedClock) -> None:
    put(desk)
    worker = worker_with(desk, Door(DeliveryError("blocked by the customer")))
    worker.answer_one()
    send_all(worker)
    clock.advance(hours=48)
    assert send_all(worker) == 0
    assert states(desk)[1] == {OutboxState.BOUNCED: 1}


@pytest.mark.allow_hosts(LOOPBACK)
def test_what_a_rule_of_ours_forbids_is_dropped_with_its_reason_and_left_to_a_person(
    desk: Services, clock: FixedClock
) -> None:
    put(desk)
    worker = worker_with(desk, Door(NotSent("too many to this address")))
    worker.answer_one()
    send_all(worker)
    assert states(desk)[1] == {OutboxState.DROPPED: 1}
    with desk.database.read() as session:
        assert [one.error for one in outbox.listed(session, [OutboxState.DROPPED])] == ["too many to this address"]
        assert session.scalar(select(ConversationRow.state)) == "waiting"  # for a person: nobody else answers it


def test_a_message_that_takes_long_stays_with_the_worker_that_has_it(desk: Services, clock: FixedClock) -> None:
    put(desk)
    worker = worker_with(desk, Door())
    with desk.database.begin() as session:
        item = inbox.claim(session, clock.now(), desk.settings.lease_seconds, 5)
    assert item is not None
    worker._hands[1] = item
    clock.advance(seconds=desk.settings.lease_seconds - 1)
    worker.keep()
    clock.advance(seconds=desk.settings.lease_seconds - 1)
    with desk.database.begin() as session:
        assert inbox.claim(session, clock.now(), 60, 5) is None
    clock.advance(seconds=2)
    with desk.database.begin() as session:
        assert inbox.claim(session, clock.now(), 60, 5) is not None


@pytest.mark.allow_hosts(LOOPBACK)
def test_a_worker_for_some_doors_leaves_the_others_to_theirs(desk: Services) -> None:
    put(desk)
    chats = Worker(desk, {}, channels=frozenset(Channel) - MAIL_ONLY)
    assert not chats.answer_one()
    assert states(desk)[0] == {InboxState.QUEUED: 1}
    assert Worker(desk, {}, channels=MAIL_ONLY).answer_one()
    assert states(desk)[0] == {InboxState.DONE: 1}


@pytest.mark.allow_hosts(LOOPBACK)
def test_a_channel_that_cannot_tell_is_shown_to_a_person_and_not_asked_again(desk: Services, clock: FixedClock) -> None:
    put(desk)
    worker = worker_with(desk, Door(state=DeliveryState.MAYBE_SENT))
    worker.answer_one()
    send_all(worker)
    clock.advance(hours=48)
    assert send_all(worker) == 0
    assert states(desk)[1] == {OutboxState.MAYBE_SENT: 1}


@pytest.mark.allow_hosts(LOOPBACK)
def test_threads_answer_as_soon_as_they_are_woken_and_stop_when_told(desk: Services) -> None:
    door, changes = Door(), []
    worker = Worker(desk, {Channel.EMAIL: door}, on_change=lambda: changes.append(1))
    worker.start()
    try:
        for number in range(5):
            put(desk, thread=f"t{number}")
            worker.wake()
        eventually(lambda: len(door.sent) == 5)
    finally:
        worker.stop()
    assert len(changes) == 5
    assert not any(thread.is_alive() for thread in worker._threads)


@pytest.mark.allow_hosts(LOOPBACK)
def test_a_thread_outlives_a_message_that_breaks_everything(desk: Services) -> None:
    class Broken(FailingEngine):
        def give_up(self, *args: object) -> object:  # type: ignore[no-redef]
            raise RuntimeError("also broken")

    engine = Broken(desk, 1, KeyError("bug"))
    engine.give_up = Broken.give_up.__get__(engine)
    settings = desk.settings.model_copy(update={"attempts_max": 1})
    door = Door()
    worker = Worker(replace(desk, engine=engine, settings=settings), {Channel.EMAIL: door})  # type: ignore[arg-type]
    put(desk, thread="cursed")
    worker.start()
    try:
        eventually(lambda: engine.left == 0)
        put(desk, thread="next")
        worker.wake()
        eventually(lambda: len(door.sent) == 1)
    finally:
        worker.stop()


def test_a_fault_is_logged_by_name_and_place_without_its_words() -> None:
    with pytest.raises(ValueError) as caught:
        int("my password is hunter2")
    assert blame(caught.value).startswith("ValueError at test_worker.py:")
    assert blame(NotFound("secret")) == "not_found"


def test_answering_waits_until_there_is_something_to_answer_from(desk: Services) -> None:
    door, opens, looks = Door(), threading.Event(), list[int]()
    chores = {"look": lambda: looks.append(1) is not None}
    worker = Worker(desk, {Channel.EMAIL: door}, opens=opens, chores=chores)
    put(desk)
    worker.start()
    try:
        for n in range(5):  # so often others of its threads have found something to do, or not
            eventually(lambda n=n: len(looks) > n)
            worker.wake()
        with desk.database.read() as session:
            assert inbox.counts(session) == {InboxState.QUEUED: 1}
        opens.set()
        eventually(lambda: door.sent)
    finally:
        worker.stop()
    assert "tray 2 is empty" in door.sent[0].text


def test_it_does_not_wait_for_ever(desk: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.worker.OPENS_AT_LATEST_SECONDS", 0.0)
    door = Door()
    worker = Worker(desk, {Channel.EMAIL: door}, opens=threading.Event())
    put(desk)
    worker.start()
    try:
        eventually(lambda: door.sent)
    finally:
        worker.stop()


def test_a_worker_that_still_waits_stops_when_told_and_answers_nothing(desk: Services) -> None:
    worker = Worker(desk, {Channel.EMAIL: Door()}, opens=threading.Event())
    put(desk)
    worker.start()
    worker.stop()
    assert not [thread for thread in worker._threads if thread.is_alive()]
    with desk.database.read() as session:
        assert inbox.counts(session) == {InboxState.QUEUED: 1}
