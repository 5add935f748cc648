"""Live pages: a small hub. Only ids travel through the database's event log; a process reads it once for everybody.

A client that was away resumes after the last event it saw, from the database: a lost wake-up costs a second only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
from sqlalchemy import select
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from base.database import Database
from base.log import get_logger
from desk import conversations, events
from desk.events import Event, EventKind
from desk.models import Author, Turn
from desk.tables import ConversationRow

log = get_logger(__name__)
PING_SECONDS = 20  # below the 60 s after which proxies cut silent connections
STALLED_SECONDS = 30
GRACE_SECONDS = 2
POLL_SECONDS = 1.0  # for what other processes write
QUEUE_SIZE = 256  # a client that is further behind is let go; it comes back with its Last-Event-ID
KNOWN_THREADS = 20_000
EVERYTHING = ""  # the thread name of those who are told about every conversation
CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Signal:
    """Something to tell a client. `id` is 0 for what is not kept (a draft, typing)."""

    id: int
    name: str
    data: str  # JSON
    event: Event | None = None


@dataclass(eq=False, slots=True)
class Subscriber:
    thread: str  # "webchat:<thread id>", or EVERYTHING
    queue: asyncio.Queue[Signal] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))
    lost: bool = False

    def offer(self, signal: Signal) -> None:
        try:
            self.queue.put_nowait(signal)
        except asyncio.QueueFull:
            self.lost = True


class Hub:
    """Tells open pages what happened. Used from the event loop; `wake` and `whisper` from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: dict[str, set[Subscriber]] = {}
        self._threads: OrderedDict[int, str] = OrderedDict()
        self._last_id = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.closing = asyncio.Event()

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last_id = await run_in_threadpool(self._newest)
        self._task = asyncio.create_task(self._run())

    def goodbye(self) -> None:
        """Let every open stream end properly; its client comes back, to another process or after the restart."""
        self.closing.set()
        for subscriber in [s for group in self._subscribers.values() for s in group]:
            subscriber.offer(Signal(0, CLOSE, "{}"))

    async def stop(self) -> None:
        self.goodbye()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Something was committed."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    def whisper(self, thread: str, name: str, data: dict[str, Any]) -> None:
        """Tell a thread's open windows something that is not kept."""
        if self._loop is not None and not self._loop.is_closed():
            signal = Signal(0, name, json.dumps(data, ensure_ascii=False))
            self._loop.call_soon_threadsafe(self._tell, thread, signal)

    @contextlib.contextmanager
    def subscribe(self, thread: str) -> Iterator[Subscriber]:
        """A Subscriber of one thread (or EVERYTHING) while the block lasts."""
        subscriber = Subscriber(thread)
        group = self._subscribers.setdefault(thread, set())
        group.add(subscriber)
        try:
            yield subscriber
        finally:
            group.discard(subscriber)
            if not group:
                self._subscribers.pop(thread, None)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
            self._woken.clear()
            try:
                for thread, signal in await run_in_threadpool(self._read):
                    self._tell(thread, signal)
            except Exception as error:  # the database may be away for a while; the pages stay open
                log.warning("live_read_failed", error=f"{type(error).__name__}: {error}"[:200])
                await asyncio.sleep(POLL_SECONDS)

    def _tell(self, thread: str, signal: Signal) -> None:
        for subscriber in self._subscribers.get(thread, ()):
            subscriber.offer(signal)
        if signal.event is not None:  # also when it is not this thread's to see
            for subscriber in self._subscribers.get(EVERYTHING, ()):
                subscriber.offer(signal)

    def _newest(self) -> int:
        with self._database.read() as session:
            return events.last_id(session)

    def _read(self) -> list[tuple[str, Signal]]:
        with self._database.read() as session:
            found = events.after(session, self._last_id)
            if not found:
                return []
            self._learn_threads(session, {e.conversation_id for e in found if e.conversation_id})
            turns = conversations.turns_by_id(session, [e.turn_id for e in found if e.turn_id])
        self._last_id = found[-1].id
        told = []
        for event in found:
            thread = self._threads.get(event.conversation_id or 0, "")
            signal = chat_signal(event, turns) or Signal(event.id, "", "", event)
            told.append((thread or "-", signal))
        return told

    def _learn_threads(self, session: Any, ids: set[int]) -> None:
        unknown = [i for i in ids if i not in self._threads]
        if unknown:
            query = select(ConversationRow.id, ConversationRow.channel, ConversationRow.thread_id)
            for row in session.execute(query.where(ConversationRow.id.in_(unknown))):
                self._threads[row.id] = f"{row.channel}:{row.thread_id}"
        while len(self._threads) > KNOWN_THREADS:
            self._threads.popitem(last=False)


def event_stream(events: AsyncIterator[ServerSentEvent]) -> EventSourceResponse:
    """The response of a stream: pings keep proxies from cutting it, a client that takes nothing is let go."""
    return EventSourceResponse(
        events, ping=PING_SECONDS, send_timeout=STALLED_SECONDS, headers={"Cache-Control": "no-store"},
        # When the server stops, the hub says goodbye; these seconds let the streams end before they are cut.
        shutdown_event=anyio.Event(), shutdown_grace_period=GRACE_SECONDS,
    )  # fmt: skip


def event_id(given: str | None) -> int | None:
    """A Last-Event-ID as a number; None when there is none, 0 (tell everything) for one that is none of ours."""
    if not given:
        return None
    return int(given) if given.isascii() and given.isdigit() and len(given) < 16 else 0


def chat_signal(event: Event, turns: dict[int, Turn]) -> Signal | None:
    """What a customer's window is told about an event; None for what is not theirs to see (notes, assignments)."""
    if event.kind is EventKind.STATE_CHANGED:
        return Signal(event.id, "state", json.dumps({"state": event.data.get("state", "bot")}), event)
    turn = turns.get(event.turn_id or 0)
    if event.kind is not EventKind.TURN_ADDED or turn is None or turn.author is Author.NOTE:
        return None
    return Signal(event.id, "turn", json.dumps(turn_json(turn), ensure_ascii=False), event)


def turn_json(turn: Turn) -> dict[str, Any]:
    """A turn as the chat API shows it. Nothing internal: no scores, no record, no staff ids."""
    citations = turn.payload.get("citations", ())
    return {
        "id": turn.id,
        "seq": turn.seq,
        "author": str(turn.author),
        "author_name": turn.author_name,
        "text": turn.text,
        "lang": turn.lang,
        "created_at": turn.created_at.isoformat(),
        "client_id": turn.message_id.rpartition(":")[2] if turn.author is Author.CUSTOMER else "",
        "citations": [
            {name: citation.get(name, "") for name in ("n", "title", "section", "url", "quote", "lang")}
            for citation in citations
        ],
        "quick_replies": turn.payload.get("quick_replies", []),
        "ticket": turn.payload.get("ticket"),
    }
