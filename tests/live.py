"""A whole running Firstline for tests: a real server in a thread, its worker, four members of staff, a small knowledge base.

One per test run: tests share it and keep apart by their own chat windows. `Chat` speaks as a customer's widget does.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from base.messages import Channel, Inbound
from base.settings import Settings
from desk import mail_threads, staff
from desk.models import Role
from desk.tables import ConversationRow
from tests import articles
from web.app import create_app
from web.commands.serve import make_server
from web.wiring import Services, build

T = TypeVar("T")
PASSWORD = "a long enough password"
LOOPBACK = ["127.0.0.1"]
NAMES = {Role.AGENT: "Mei Chen", Role.EDITOR: "Jonas Weber", Role.MANAGER: "Ana Silva", Role.ADMIN: "Lin 林"}
PATIENCE_SECONDS = 30.0


def email_of(role: Role) -> str:
    return f"{role}@firstline.example"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the running server may use loopback. Imported by the conftest of every folder that has such tests."""
    for item in items:
        if "live" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


def eventually(look: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """What `look` returns once it is true. Waiting is bounded only so that a failing test ends."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > end:
            assert found, "it did not happen"
            return found
        time.sleep(0.02)


@dataclass
class LiveDesk:
    """One installation being served."""

    url: str
    app: FastAPI
    services: Services
    _signed_in: dict[Role, dict[str, str]] = field(default_factory=dict)

    def browser(self, role: Role | None = None, **headers: str) -> httpx.Client:
        """A client that looks like a browser on our own pages; signed in when a role is named."""
        sent = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Accept-Language": "en", **headers}
        return httpx.Client(base_url=self.url, headers=sent, timeout=30, cookies=self.cookies(role) if role else None)

    def cookies(self, role: Role) -> dict[str, str]:
        """A session of a member of staff in this role; signed in once, then shared."""
        if role not in self._signed_in:
            answer = httpx.post(f"{self.url}/signin", data={"email": email_of(role), "password": PASSWORD})
            assert answer.status_code == 303
            self._signed_in[role] = dict(answer.cookies)
        return self._signed_in[role]

    def chat(self, lang: str = "en", client: httpx.Client | None = None) -> Chat:
        """A new chat window."""
        client = client or httpx.Client(base_url=self.url, timeout=30)
        opened = client.post("/api/v1/chat/sessions", json={"lang": lang})
        assert opened.status_code == 201, opened.text
        return Chat(self, client, opened.json())


@dataclass
class Chat:
    """A customer's chat window."""

    desk: LiveDesk
    client: httpx.Client
    opened: dict[str, Any]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.opened['session']}"}

    def post(self, text: str, *, action: str = "", client_id: str = "") -> httpx.Response:
        body = {"client_id": client_id or secrets.token_hex(8), "text": text, "action": action}
        return self.client.post("/api/v1/chat/messages", json=body, headers=self.bearer)

    def turns(self, after: int = 0) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v1/chat/turns", params={"after": after}, headers=self.bearer)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["turns"]
        return found

    def last_event_id(self) -> int:
        found: int = self.client.get("/api/v1/chat/turns", headers=self.bearer).json()["last_event_id"]
        return found

    def ask(self, text: str, *, action: str = "") -> dict[str, Any]:
        """Send a message and wait for the reply."""
        before = max((turn["seq"] for turn in self.turns()), default=0)
        assert self.post(text, action=action).status_code == 202

        def reply() -> dict[str, Any] | None:
            later = [turn for turn in self.turns(before) if turn["author"] != "customer"]
            return later[-1] if later else None

        found = eventually(reply)
        assert found is not None
        return found

    def conversation_id(self) -> str:
        """The public id staff open it by."""
        query = select(ConversationRow.public_id).where(ConversationRow.thread_id == self.opened["conversation"])

        def look() -> str | None:
            with self.desk.services.database.read() as session:
                return session.scalar(query)

        return eventually(look) or ""

    @contextmanager
    def events(self, last_event_id: str | None = None) -> Iterator[Iterator[Event]]:
        """The live connection, from the moment it stands."""
        headers = {**self.bearer, "Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        with self.client.stream("GET", "/api/v1/chat/events", headers=headers) as stream:
            assert stream.status_code == 200
            yield read_events(stream)


def by_mail(live: LiveDesk, text: str, sender: str = "", follows: str = "") -> str:
    """A conversation by mail, of a new customer unless one is named; its public id."""
    services, now = live.services, live.services.clock.now()
    sender = sender or f"c{secrets.token_hex(4)}@customers.example"
    with services.database.begin() as session:
        thread = mail_threads.open_thread(session, "support", sender, sender, text[:40], now, follows)
    message = Inbound(Channel.EMAIL, secrets.token_hex(8), thread, sender, text, now, sender_name=sender)
    services.engine.receive(message)
    with services.database.read() as session:
        row = session.scalars(select(ConversationRow).where(ConversationRow.thread_id == thread)).one()
        return row.public_id


@dataclass(frozen=True)
class Event:
    name: str
    data: str
    id: str = ""

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.data)
        return found


def read_events(stream: httpx.Response) -> Iterator[Event]:
    """The events of a stream; the first `next` returns the opening comment as an Event named "ready"."""
    fields: dict[str, str] = {}
    end = time.monotonic() + PATIENCE_SECONDS
    for line in stream.iter_lines():
        assert time.monotonic() < end, "the event did not come"  # pings keep a silent stream open
        if not line:
            if "comment" in fields and fields["comment"] == "ready":
                yield Event("ready", "")
            elif "data" in fields:
                yield Event(fields.get("event", ""), fields["data"], fields.get("id", ""))
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        fields[name or "comment"] = f"{fields[name]}\n{value}" if name in fields else value


@contextmanager
def running(services: Services) -> Iterator[LiveDesk]:
    """The services behind a real server on loopback, with its worker."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = create_app(services)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
    server = make_server(config, app.state.running.hub)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="test-server", daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started)
        yield LiveDesk(f"http://127.0.0.1:{port}", app, services)
    finally:
        server.should_exit = True
        thread.join(20)


def live_settings(folder: Path, model_cache: Path, **overrides: Any) -> Settings:
    """Settings of an installation in this folder, patient enough for many tests on one server."""
    data_dir = folder / "data"
    data_dir.mkdir()
    model_cache.mkdir(parents=True, exist_ok=True)
    (data_dir / "models").symlink_to(model_cache, target_is_directory=True)
    many = {"chat_sessions_per_hour": 100_000, "chat_messages_per_minute": 1000, "signin_attempts_per_minute": 1000}
    return Settings(**{"data_dir": data_dir, "port": 8000, "log_level": "error", **many, **overrides})


def add_people(services: Services) -> None:
    with services.database.begin() as session:
        for role, name in NAMES.items():
            staff.add(session, name, email_of(role), PASSWORD, role, services.clock.now())


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[LiveDesk]:
    """The server this test run shares."""
    folder = tmp_path_factory.mktemp("live")
    services = build(live_settings(folder, model_cache))
    articles.load(services, folder / "articles")
    add_people(services)
    services.embedder.warm()
    services.triager.triage("hello", lang="en")
    with running(services) as desk:
        yield desk
