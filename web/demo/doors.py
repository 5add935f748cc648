"""How the demo's customers get in: through the API of a running server, or straight through the inbox and the engine."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any, Protocol

import httpx

from base.errors import Unavailable
from base.i18n import N_
from base.messages import Channel
from channels.webchat import THREAD_HEADER, WebchatAdapter
from desk import access, conversations, inbox
from desk.access import ThreadActor
from web.demo.play import Person
from web.live import turn_json
from web.wiring import Services
from web.worker import drain

ANSWER_SECONDS = 30.0  # the longest an answer is waited for
REPLIERS = frozenset({"bot", "staff", "system"})


class NoAnswer(Unavailable):
    """A running server took a message and did not answer it."""

    code = "demo_no_answer"
    message = N_(
        "The server took the message but gave no answer in {seconds} seconds. Check that its worker is running."
    )


class ServerRefused(Unavailable):
    """A running server did not take a message."""

    code = "demo_server_refused"
    message = N_("The server at {address} refused the message (status {status}). Try again in a minute.")


class Visit(Protocol):
    """One customer's chat window."""

    thread_id: str

    def say(self, text: str) -> list[dict[str, Any]]:
        """Send a message; the turns that came back, as the chat API shows them. Empty when a person has to answer."""
        ...


class ServerVisit:
    """A chat window of a running server: what the widget does, without the widget."""

    def __init__(self, client: httpx.Client, person: Person) -> None:
        made = self._checked(client.post("/api/v1/chat/sessions", json={"lang": person.lang})).json()
        self.thread_id = str(made["conversation"])
        self._client, self._headers = client, {"Authorization": f"Bearer {made['session']}"}
        self._sent = self._seen = 0

    def say(self, text: str) -> list[dict[str, Any]]:
        self._sent += 1
        body = {"client_id": f"demo-{self._sent}", "text": text}
        self._checked(self._client.post("/api/v1/chat/messages", json=body, headers=self._headers))
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            found = self._new_turns()
            if found and found["turns"][-1]["author"] in REPLIERS:
                self._seen = found["turns"][-1]["seq"]
                return [turn for turn in found["turns"] if turn["author"] in REPLIERS]
            if found and found["state"] == "staff":
                return []
            time.sleep(0.15)
        raise NoAnswer(seconds=int(ANSWER_SECONDS))

    def _new_turns(self) -> dict[str, Any]:
        answer = self._client.get("/api/v1/chat/turns", params={"after": self._seen}, headers=self._headers)
        found: dict[str, Any] = self._checked(answer).json()
        return found if found["turns"] else {}

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            address = f"{answer.request.url.scheme}://{answer.request.url.netloc.decode()}"
            raise ServerRefused(address=address, status=answer.status_code)
        return answer


class EngineVisit:
    """A chat window without a server: the message goes into the inbox and is worked on at once."""

    def __init__(self, services: Services, person: Person, thread_id: str) -> None:
        self.thread_id = thread_id
        self._services, self._person = services, person
        self._adapter = WebchatAdapter()
        self._sent = self._seen = 0

    def say(self, text: str) -> list[dict[str, Any]]:
        self._sent += 1
        body = json.dumps({"client_id": f"demo-{self._sent}", "text": text}).encode()
        headers = {THREAD_HEADER: self.thread_id, "x-firstline-locale": self._person.lang}
        inbound = replace(self._adapter.parse(body, headers)[0], sender_name=self._person.name)
        with self._services.database.begin() as session:
            inbox.put(session, inbound)
        drain(self._services, {Channel.WEBCHAT: self._adapter})
        with self._services.database.read() as session:
            talk = access.conversation_of_thread(session, ThreadActor(Channel.WEBCHAT, self.thread_id))
            turns = conversations.turns_after(session, talk.id, self._seen, notes=False) if talk else []
        self._seen = turns[-1].seq if turns else self._seen
        return [turn_json(turn) for turn in turns if turn.author in REPLIERS]
