"""One installation with articles for a whole file of tests; every test talks in threads of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from base.clock import FixedClock
from base.messages import Channel, Inbound
from base.settings import Settings
from bot.models import Outcome
from desk import conversations, inbox, tickets
from desk.models import Conversation, Ticket, Turn
from tests import articles
from tests.conftest import MONDAY_MORNING
from web.wiring import Services, build

_numbers = count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("bot")
    data_dir = folder / "data"
    data_dir.mkdir()
    model_cache.mkdir(parents=True, exist_ok=True)
    (data_dir / "models").symlink_to(model_cache, target_is_directory=True)
    settings = Settings(data_dir=data_dir, port=8000, log_level="error", vector_index="exact")
    services = build(settings, clock=FixedClock(MONDAY_MORNING))
    articles.load(services, folder / "articles")
    yield services
    services.close()


@pytest.fixture
def chat(running: Services) -> Chat:
    return Chat(running)


class Chat:
    """A customer's thread, and what the desk holds of it."""

    def __init__(self, services: Services, channel: Channel = Channel.CONSOLE) -> None:
        self.services, self.channel = services, channel
        self.thread = f"thread-{next(_numbers)}"

    def message(self, text: str, action: str = "", **values: object) -> Inbound:
        known = {
            "message_id": f"{self.thread}:{next(_numbers)}",
            "received_at": self.services.clock.now(),
            "locale": "en",
        }
        return Inbound(
            channel=self.channel, thread_id=self.thread, sender_id=self.thread, text=text, action=action, **{**known, **values}  # type: ignore[arg-type]
        )  # fmt: skip

    def say(self, text: str, action: str = "", **values: object) -> Outcome:
        return self.services.engine.receive(self.message(text, action, **values))

    def put(self, message: Inbound) -> int:
        with self.services.database.begin() as session:
            return inbox.put(session, message).id

    def conversation(self) -> Conversation:
        with self.services.database.read() as session:
            found = conversations.load(session, self.message("")).conversation
        assert found is not None
        return found

    def turns(self) -> list[Turn]:
        with self.services.database.read() as session:
            return conversations.turns_after(session, self.conversation().id, 0, notes=True)

    def ticket(self) -> Ticket:
        conversation = self.conversation()
        assert conversation.ticket_id is not None
        with self.services.database.read() as session:
            return tickets.get(session, conversation.ticket_id)
