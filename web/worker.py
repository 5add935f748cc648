"""Answers what the inbox holds and sends what the outbox holds: threads for the first, one loop for the second."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from pathlib import Path

from base.errors import AppError, DeliveryError, NotSent, RetryLater, StorageUnavailable
from base.log import get_logger
from base.messages import Channel
from bot.models import OutcomeKind
from channels.adapter import ChannelAdapter
from desk import conversations, inbox, incident_updates, outbox
from desk.inbox import EVERY_CHANNEL, InboxItem
from desk.models import ConversationState
from desk.outbox import OutboxItem
from web.wiring import Services

log = get_logger(__name__)
OPENS_AT_LATEST_SECONDS = 180.0
IDLE_SECONDS = 1.0  # between looks when nobody wakes us: other processes may have put something in
MAIL_ONLY = frozenset({Channel.EMAIL})  # what a process apart for mail answers; the watch over surges is another's

OnDraft = Callable[[InboxItem, str], None]


class Worker:
    """The threads of one process. `wake()` after putting something in the inbox; `stop()` finishes what is in hand."""

    def __init__(
        self,
        services: Services,
        adapters: Mapping[Channel, ChannelAdapter],
        *,
        on_change: Callable[[], None] = lambda: None,
        on_start: Callable[[InboxItem], None] = lambda item: None,
        on_draft: OnDraft | None = None,
        chores: Mapping[str, Callable[[], bool]] | None = None,
        channels: Collection[Channel] = EVERY_CHANNEL,
        opens: threading.Event | None = None,
    ) -> None:
        """opens: set once there is something to answer from; until then messages wait, for a few minutes at the most."""
        self._services, self._adapters = services, adapters
        self._on_change, self._on_start, self._on_draft = on_change, on_start, on_draft
        self._channels = frozenset(channels)  # whose messages are answered here
        # By name: what else there is to do, one piece a call, False when nothing is.
        self._chores = {**({} if channels == MAIL_ONLY else {"watch": self.watch_once}), **(chores or {})}
        self._opens = opens or opened()
        self._wake, self._stop = threading.Condition(), threading.Event()
        self._hands: dict[int, InboxItem] = {}  # what is being answered, by thread
        self._sending: OutboxItem | None = None
        self._wakes = 0  # so that a call that comes while nobody rests is not missed
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for number in range(self._services.settings.worker_threads):
            self._threads.append(threading.Thread(target=self._answer_all, name=f"answer-{number}", daemon=True))
        self._threads.append(threading.Thread(target=self._send_all, name="send", daemon=True))
        self._threads.append(threading.Thread(target=self._keep_all, name="leases", daemon=True))
        for name, chore in self._chores.items():
            self._threads.append(threading.Thread(target=self._do_all, args=(name, chore), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        with self._wake:
            self._wakes += 1
            self._wake.notify_all()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        self._stop.set()
        self._opens.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _answer_all(self) -> None:
        if not self._opens.wait(OPENS_AT_LATEST_SECONDS):
            log.warning("answering_before_it_is_set_up")
        self._do_all("answer", self.answer_one)

    def _do_all(self, name: str, work: Callable[[], bool]) -> None:
        """Call `work` until told to stop; rest while it finds nothing. Its faults end nothing."""
        while not self._stop.is_set():
            seen = self._wakes
            try:
                busy = work()
            except StorageUnavailable as error:
                log.error("database_unavailable", detail=error.detail)
                busy = False
                self._stop.wait(1)
            except Exception as error:  # the thread must live: the next message is not to blame
                log.error("worker_fault", work=name, error=blame(error))
                busy = False
                self._stop.wait(1)
            if not busy:
                self._rest(seen)

    def answer_one(self) -> bool:
        """Claim and answer one message. False when none was due."""
        services, settings = self._services, self._services.settings
        with services.database.read() as session:
            if not inbox.any_due(session, services.clock.now(), self._channels):
                return False  # else every look, of every thread, would take its turn at writing
        with services.database.begin() as session:
            now, lease = services.clock.now(), settings.lease_seconds
            item = inbox.claim(session, now, lease, settings.attempts_max, self._channels)
        if item is None:
            return False
        self._on_start(item)
        self._hands[threading.get_ident()] = item
        try:
            if item.attempts > settings.attempts_max:
                outcome = services.engine.give_up(item.inbound, item.id)
            else:
                on_draft = self._on_draft
                on_text = (lambda text: on_draft(item, text)) if on_draft else None
                outcome = services.engine.receive(item.inbound, inbox_id=item.id, also=item.also, on_text=on_text)
        except StorageUnavailable:
            raise  # nothing was saved; the lease brings the message back
        except Exception as error:
            self._failed(item, error)
        else:
            if outcome.kind is not OutcomeKind.SILENT:
                self.wake()
        finally:
            self._hands.pop(threading.get_ident(), None)
        self._on_change()
        return True

    def _keep_all(self) -> None:
        """Keep what is in hand ours: only a process that is dead or stuck as a whole loses its leases."""
        while not self._stop.wait(self._services.settings.lease_seconds / 3):
            try:
                self.keep()
            except Exception as error:  # as above
                log.error("lease_fault", error=blame(error))

    def keep(self) -> None:
        """Extend the leases of what is being answered and sent."""
        services = self._services
        hands, sending = list(self._hands.values()), self._sending
        if not hands and sending is None:
            return
        with services.database.begin() as session:
            until = services.clock.now() + timedelta(seconds=services.settings.lease_seconds)
            for item in hands:
                inbox.extend(session, item, until)
            if sending is not None:
                outbox.extend(session, sending.id, until)

    def _failed(self, item: InboxItem, error: Exception) -> None:
        name = error.code if isinstance(error, AppError) else type(error).__name__
        log.error("message_failed", inbox_id=item.id, attempt=item.attempts, error=blame(error))
        services = self._services
        with services.database.begin() as session:
            again = inbox.retry(session, item, services.clock.now(), f"{name}: {error}", services.settings.attempts_max)
        if not again:
            services.engine.give_up(item.inbound, item.id)  # no stranded customer (promise 4)
            log.error("message_given_to_staff", inbox_id=item.id)

    def watch_once(self) -> bool:
        """Tell everybody in an incident what staff wrote, and look for new incidents. Whether there is more to tell."""
        busy = self.tell_some() > 0
        if self._services.surge.look():
            self._on_change()
        return busy

    def tell_some(self) -> int:
        """Give an update of an incident to its next customers; return how many. 0 when everybody knows everything."""
        services = self._services
        with services.database.read() as session:
            if not incident_updates.waiting(session):
                return 0
        with services.database.begin() as session:
            told = incident_updates.tell(session, services.defaults, services.clock.now())
        if told:
            self.wake()
            self._on_change()
        return told

    def _send_all(self) -> None:
        asyncio.run(self._send_loop())

    async def _send_loop(self) -> None:
        while not self._stop.is_set():
            seen = self._wakes
            try:
                busy = await self.send_one()
            except Exception as error:  # as above
                log.error("sender_fault", error=blame(error))
                busy = False
                await asyncio.sleep(1)
            if not busy:
                await asyncio.to_thread(self._rest, seen)

    async def send_one(self) -> bool:
        """Claim and send one reply. False when none was due."""
        services, settings = self._services, self._services.settings
        with services.database.read() as session:
            if not outbox.any_due(session, services.clock.now()):
                return False
        with services.database.begin() as session:
            item = outbox.claim(session, services.clock.now(), settings.lease_seconds, tuple(self._adapters))
        if item is None:
            return False
        self._sending = item
        try:
            receipt = await self._adapters[item.outbound.channel].send(item.outbound)
        except DeliveryError as error:
            self._not_sent(item, error)
            return True
        finally:
            self._sending = None
        with services.database.begin() as session:
            outbox.sent(session, item.id, receipt, services.clock.now())
        return True

    def _not_sent(self, item: OutboxItem, error: DeliveryError) -> None:
        services, settings = self._services, self._services.settings
        with services.database.begin() as session:
            if isinstance(error, NotSent):
                outbox.drop(session, item.id, error.detail)
                talk = conversations.get(session, item.conversation_id, to_write=True)
                if item.outbound.author == "bot" and talk.state is ConversationState.BOT:  # the customer got no answer
                    conversations.change(session, talk, services.clock.now(), state=ConversationState.WAITING)
            elif isinstance(error, RetryLater):
                outbox.retry(
                    session, item, services.clock.now(), error.detail or error.code,
                    give_up_after=timedelta(hours=settings.send_hours), wait_seconds=error.retry_after_seconds,
                )  # fmt: skip
            else:
                outbox.fail(session, item.id, error.detail or error.code)
        log.warning("not_sent", outbox_id=item.id, channel=item.outbound.channel, code=error.code)

    def _rest(self, seen: int) -> None:
        """Wait for a call, unless one came since `seen` was noted."""
        with self._wake:
            if not self._stop.is_set() and self._wakes == seen:
                self._wake.wait(IDLE_SECONDS)


def opened() -> threading.Event:
    """An event that is set: nothing has to be waited for."""
    event = threading.Event()
    event.set()
    return event


def blame(error: BaseException) -> str:
    """What failed and where, for the log: an error's own words may hold what a customer wrote."""
    if isinstance(error, AppError):
        return error.code
    place = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{type(error).__name__}" + (f" at {Path(place[0].filename).name}:{place[0].lineno}" if place else "")


def drain(services: Services, adapters: Mapping[Channel, ChannelAdapter], *, at_most: timedelta | None = None) -> int:
    """Answer everything that is due, in this thread; return how many messages. For commands and tests."""
    worker = Worker(services, adapters)
    deadline = services.clock.now() + at_most if at_most else None
    answered = 0
    while (deadline is None or services.clock.now() < deadline) and worker.answer_one():
        answered += 1
    while asyncio.run(worker.send_one()):
        pass
    return answered
