"""The hub and the two live connections: nothing is lost by a gap, nothing internal is told, a slow client is let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from base.database import Database
from desk.events import Event, EventKind
from desk.models import Author, Role, Turn, Urgency
from tests.live import LOOPBACK, Chat, LiveDesk, eventually, read_events
from web.live import EVERYTHING, QUEUE_SIZE, Hub, Signal, chat_signal, event_id, event_stream, turn_json

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


def test_what_happens_while_listening_is_told(live: LiveDesk) -> None:
    chat = live.chat()
    with chat.events("0") as events:
        assert next(events).name == "ready"
        chat.post("What does PRN-21 mean?")
        told = []
        while not told or told[-1].name != "turn" or told[-1].json["author"] != "bot":
            told.append(next(events))
    assert [event.json["author"] for event in told if event.name == "turn"] == ["customer", "bot"]
    assert [event.json["seq"] for event in told if event.name == "turn"] == [1, 2]


def replayed(chat: Chat, last_event_id: str, count: int) -> list[str]:
    with chat.events(last_event_id) as events:
        assert next(events).name == "ready"
        found = [next(events) for _ in range(count)]
    return [event.json["author"] for event in found]


def test_a_client_that_was_away_gets_what_it_missed(live: LiveDesk) -> None:
    chat = live.chat()
    chat.ask("What does PRN-21 mean?")
    seen = chat.last_event_id()
    chat.ask("What does PRN-21 mean?")
    assert replayed(chat, str(seen), 2) == ["customer", "bot"]


@pytest.mark.parametrize("last", ["0", "abc", "-5", "9" * 15, "9" * 30, "1.5"])
def test_an_event_id_that_is_none_of_ours_tells_the_whole_conversation(live: LiveDesk, last: str) -> None:
    chat = live.chat()
    chat.ask("What does PRN-21 mean?")
    assert replayed(chat, last, 2) == ["customer", "bot"]


def test_one_window_hears_nothing_of_another(live: LiveDesk) -> None:
    mine, theirs = live.chat(), live.chat()
    with mine.events("0") as events:
        assert next(events).name == "ready"
        theirs.ask("What does PRN-21 mean?")
        mine.post("hello")
        first = next(event for event in events if event.name == "turn")
    assert first.json["text"] == "hello"


def test_customers_are_never_told_of_internal_notes(live: LiveDesk) -> None:
    chat = live.chat()
    chat.ask("I want to talk to a person")
    address = f"/inbox/{chat.conversation_id()}/reply"
    seen = str(chat.last_event_id())
    agent = live.browser(Role.AGENT)
    agent.post(address, data={"text": "this customer is difficult", "kind": "note"})
    agent.post(address, data={"text": "Hello, how can I help?", "kind": "reply"})
    with chat.events(seen) as events:
        next(events)
        told = []
        while not told or told[-1].name != "turn" or told[-1].json["author"] != "staff":
            told.append(next(events))
    assert "difficult" not in "".join(event.data for event in told)
    assert "difficult" not in str(chat.turns())
    assert told[-1].json["text"] == "Hello, how can I help?"


def test_staff_see_a_new_message_without_reloading(live: LiveDesk) -> None:
    chat = live.chat()
    chat.ask("I want to talk to a person")
    public_id = chat.conversation_id()
    agent = live.browser(Role.AGENT)
    with agent.stream("GET", f"/inbox/events?view=all&conversation={public_id}") as stream:
        events = read_events(stream)
        assert next(events).name == "ready"
        chat.post("my <b>floor</b> is 4")
        html = next(event.data for event in events if "floor" in event.data and "#log" in event.data)
    assert '<hx-partial hx-target="#rows" hx-swap="outerHTML">' in html
    assert '<hx-partial hx-target="#log" hx-swap="beforeend">' in html
    assert "my &lt;b&gt;floor&lt;/b&gt; is 4" in html


def test_staff_resume_after_the_last_event_they_saw(live: LiveDesk) -> None:
    chat = live.chat()
    chat.ask("I want to talk to a person")
    seen, public_id = chat.last_event_id(), chat.conversation_id()
    chat.post("and it is floor 7")
    eventually(lambda: any("floor 7" in turn["text"] for turn in chat.turns()))
    agent = live.browser(Role.AGENT)
    address = f"/inbox/events?conversation={public_id}&after=1"
    with agent.stream("GET", address, headers={"Last-Event-ID": str(seen)}) as stream:
        missed = next(event for event in read_events(stream) if event.data)
    assert "and it is floor 7" in missed.data
    assert "I want to talk to a person" not in missed.data.split("#log", 1)[1].split("#side")[0]
    assert int(missed.id) > seen


def test_a_stream_ends_when_its_session_does(live: LiveDesk) -> None:
    client = live.browser()
    client.post("/signin", data={"email": "agent@firstline.example", "password": "a long enough password"})
    with client.stream("GET", "/inbox/events?view=all") as stream:
        events = read_events(stream)
        assert next(events).name == "ready"
        other = httpx.Client(base_url=live.url, cookies=client.cookies)
        assert other.post("/signout").status_code == 303
        live.chat().ask("hello")
        assert list(events) == []


def test_a_conversation_that_does_not_exist_is_not_listened_to(live: LiveDesk) -> None:
    agent = live.browser(Role.AGENT, **{"HX-Request": "true"})
    answer = agent.get("/inbox/events?conversation=nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_strangers_do_not_listen_to_the_inbox(live: LiveDesk) -> None:
    assert live.browser(**{"HX-Request": "true"}).get("/inbox/events").status_code == 401


def test_hub_lets_a_client_go_that_takes_nothing(database: Database) -> None:
    hub = Hub(database)
    with hub.subscribe("webchat:a") as slow, hub.subscribe("webchat:a") as quick:
        for number in range(QUEUE_SIZE + 1):
            hub._tell("webchat:a", Signal(number + 1, "turn", "{}"))
            if not quick.queue.empty():
                quick.queue.get_nowait()
        assert slow.lost
        assert not quick.lost
    assert hub._subscribers == {}


def test_hub_says_goodbye_to_everybody(database: Database) -> None:
    hub = Hub(database)
    with hub.subscribe("webchat:a") as one, hub.subscribe(EVERYTHING) as all_of_it:
        hub.goodbye()
        assert (one.queue.get_nowait().name, all_of_it.queue.get_nowait().name) == ("close", "close")


@pytest.mark.allow_hosts(LOOPBACK)
def test_what_is_whispered_reaches_its_thread_only(database: Database) -> None:
    async def listen() -> tuple[Signal, bool]:
        hub = Hub(database)
        await hub.start()
        with hub.subscribe("webchat:a") as here, hub.subscribe("webchat:b") as there, hub.subscribe("") as staff:
            await asyncio.to_thread(hub.whisper, "webchat:a", "delta", {"text": "打"})
            told = await here.queue.get()
            quiet = there.queue.empty() and staff.queue.empty()
        await hub.stop()
        return told, quiet

    told, quiet = asyncio.run(listen())
    assert (told.id, told.name, told.data) == (0, "delta", '{"text": "打"}')
    assert quiet


@pytest.mark.parametrize("event_kind", [EventKind.ASSIGNED, EventKind.TICKET_CHANGED, EventKind.READ])
def test_what_staff_do_among_themselves_is_not_for_customers(event_kind: EventKind) -> None:
    assert chat_signal(Event(1, event_kind, 1, 1, None, {}, NOW), {}) is None


def test_a_turn_shows_nothing_internal() -> None:
    payload = {
        "record": {"candidates": ["secret"]}, "confidence": 0.9, "quick_replies": [],
        "citations": [{"n": 1, "title": "VPN", "source": "internal/path.md", "url": "", "quote": "q", "lang": "en"}],
    }  # fmt: skip
    shown = turn_json(Turn(5, 1, 2, Author.BOT, "", "text", "en", NOW, payload=payload))
    assert "secret" not in str(shown)
    assert "confidence" not in shown
    assert shown["citations"] == [{"n": 1, "title": "VPN", "section": "", "url": "", "quote": "q", "lang": "en"}]


def test_the_customers_own_id_comes_back_with_the_turn() -> None:
    shown = turn_json(Turn(5, 1, 1, Author.CUSTOMER, "", "hi", "en", NOW, message_id="thread:with:abc"))
    assert shown["client_id"] == "abc"


@pytest.mark.parametrize(
    ("given", "number"),
    [(None, None), ("", None), ("0", 0), ("17", 17), ("x", 0), ("-1", 0), ("²", 0), ("１", 0), ("9" * 16, 0)],
)
def test_an_event_id_is_a_plain_number(given: str | None, number: int | None) -> None:
    assert event_id(given) == number


def test_a_stream_is_not_cached_and_not_buffered() -> None:
    async def nothing() -> AsyncIterator[object]:
        return
        yield

    response = event_stream(nothing())  # type: ignore[arg-type]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.media_type == "text/event-stream"


def test_an_answer_that_will_not_be_the_reply_is_not_shown_as_a_draft(
    live: LiveDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    thinker = live.services.engine._thinker
    judged = thinker._judge

    def urgent(*given: Any) -> Any:
        vector, triage = judged(*given)
        return vector, replace(triage, urgency=Urgency.URGENT)

    monkeypatch.setattr(thinker, "_judge", urgent)
    chat = live.chat()
    with chat.events("0") as events:
        assert next(events).name == "ready"
        chat.post("What does PRN-21 mean?")
        told = []
        while not told or told[-1].name != "turn" or told[-1].json["author"] != "bot":
            told.append(next(events))
    assert told[-1].json["ticket"]["urgency"] == "urgent"
    assert "delta" not in [event.name for event in told]
