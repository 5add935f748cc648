"""A real server with many open chat windows: how soon a message is acknowledged, and whether every answer arrives.

The server is a process of its own; this one holds the event streams and sends messages on a fixed beat, whether or not
the earlier ones have been acknowledged (open loop): a slow server is not helped by a patient client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from base.settings import Settings
from evals.bench.figures import Figures, spread_ms
from evals.bench.installation import running_server, settings_for
from evals.bench.questions import Question, demo_questions
from web.demo.setup import load_articles
from web.wiring import build

CLIENTS, QUICK_CLIENTS = 200, 50
SECONDS, QUICK_SECONDS = 20.0, 6.0
MESSAGES_PER_SECOND = 20
OPENING = 20  # streams opened at a time
DRAIN_SECONDS = 20.0  # for the last answers
LIMITS = {"FIRSTLINE_CHAT_SESSIONS_PER_HOUR": "100000", "FIRSTLINE_CHAT_MESSAGES_PER_MINUTE": "100000"}


@dataclass(slots=True)
class _Tally:
    """What the clients saw."""

    acknowledged: list[float] = field(default_factory=list)  # seconds
    answered: list[float] = field(default_factory=list)  # seconds from sending to the reply's event
    sent_at: dict[str, list[float]] = field(default_factory=dict)  # session -> messages not answered yet, oldest first
    failed: int = 0
    streams: int = 0  # open now


def measure(quick: bool) -> Figures:
    """Acknowledgement and answer times at MESSAGES_PER_SECOND with many windows open."""
    clients, seconds = (QUICK_CLIENTS, QUICK_SECONDS) if quick else (CLIENTS, SECONDS)
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as given:
        folder = Path(given)
        _prepare(settings_for(folder))
        with running_server(folder, **LIMITS) as server:
            tally = asyncio.run(_drive(server.base_url, clients, seconds))
    messages = round(seconds * MESSAGES_PER_SECOND)
    return {
        "clients": clients,
        "messages_per_s": MESSAGES_PER_SECOND,
        **spread_ms(tally.acknowledged, "ack_"),
        **spread_ms(tally.answered, "answer_"),
        "messages": messages,
        "failed": tally.failed,
        "unanswered": sum(len(waiting) for waiting in tally.sent_at.values()),
    }


def _prepare(settings: Settings) -> None:
    """The demo knowledge base and the model's graph, so that the server has nothing to build while it is measured."""
    services = build(settings)
    try:
        load_articles(services)
        services.warm()
    finally:
        services.close()


async def _drive(base_url: str, clients: int, seconds: float) -> _Tally:
    tally = _Tally()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    patient = httpx.Timeout(30, read=120)
    async with (
        httpx.AsyncClient(base_url=base_url, timeout=patient, limits=limits, trust_env=False) as streams,
        httpx.AsyncClient(base_url=base_url, timeout=30, limits=limits, trust_env=False) as posts,
    ):
        sessions = [await _open_session(posts) for _ in range(clients)]
        listening = await _open_streams(streams, sessions, tally)
        await _say(posts, sessions[0], Question("VPN error 809", "en", ""), tally, "warm-up")
        await _until_answered(tally)
        tally.acknowledged.clear()
        tally.answered.clear()
        await _send_on_the_beat(posts, sessions, tally, seconds)
        await _until_answered(tally)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    return tally


async def _open_session(client: httpx.AsyncClient) -> str:
    made = await client.post("/api/v1/chat/sessions", json={"lang": "en"})
    made.raise_for_status()
    return str(made.json()["session"])


async def _open_streams(client: httpx.AsyncClient, sessions: Sequence[str], tally: _Tally) -> list[asyncio.Task[None]]:
    tasks = []
    for start in range(0, len(sessions), OPENING):
        tasks += [asyncio.create_task(_listen(client, one, tally)) for one in sessions[start : start + OPENING]]
        while tally.streams < len(tasks) and not any(task.done() for task in tasks):
            await asyncio.sleep(0.01)
    return tasks


async def _listen(client: httpx.AsyncClient, session: str, tally: _Tally) -> None:
    """Note when the bot's turns arrive in one window."""
    async with client.stream("GET", "/api/v1/chat/events", headers=_authorised(session)) as response:
        response.raise_for_status()
        tally.streams += 1
        name, asked = "", 0
        async for line in response.aiter_lines():
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:") and name == "turn":
                asked = _heard(tally, session, json.loads(line[5:])["author"], asked)


def _heard(tally: _Tally, session: str, author: str, asked: int) -> int:
    """Note a turn of a window; return how many of its customer's turns are not answered yet. A burst gets one answer."""
    if author != "bot":
        return asked + (author == "customer")
    waiting = tally.sent_at.get(session, [])
    for _ in range(min(max(asked, 1), len(waiting))):
        tally.answered.append(time.perf_counter() - waiting.pop(0))
    return 0


async def _send_on_the_beat(client: httpx.AsyncClient, sessions: Sequence[str], tally: _Tally, seconds: float) -> None:
    count = round(seconds * MESSAGES_PER_SECOND)
    questions = demo_questions(count)
    started, tasks = time.perf_counter(), []
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / MESSAGES_PER_SECOND - time.perf_counter()))
        session = sessions[number % len(sessions)]
        saying = _say(client, session, questions[number % len(questions)], tally, f"m-{number}")
        tasks.append(asyncio.create_task(saying))
    await asyncio.gather(*tasks)


async def _say(client: httpx.AsyncClient, session: str, question: Question, tally: _Tally, client_id: str) -> None:
    started = time.perf_counter()
    waiting = tally.sent_at.setdefault(session, [])
    waiting.append(started)
    with contextlib.suppress(httpx.HTTPError):
        body = {"client_id": client_id, "text": question.text}
        answer = await client.post("/api/v1/chat/messages", json=body, headers=_authorised(session))
        if answer.status_code == httpx.codes.ACCEPTED:
            tally.acknowledged.append(time.perf_counter() - started)
            return
    tally.failed += 1
    waiting.remove(started)


async def _until_answered(tally: _Tally) -> None:
    deadline = time.perf_counter() + DRAIN_SECONDS
    while any(tally.sent_at.values()) and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)


def _authorised(session: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {session}"}
