"""firstline replay: the same bytes from the record, or what differs and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from base.clock import FixedClock
from base.messages import Channel, Inbound
from base.settings import Settings
from bot import policy
from desk import conversations, inbox
from desk.models import Author, Turn
from ingest.pipeline import IngestOptions
from ingest.sources import walk
from tests import articles
from tests.conftest import MONDAY_MORNING
from web.cli import main
from web.wiring import Services, build

_numbers = count(1)
Say = Callable[..., Turn]
Replay = Callable[[str], Result]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("replay")
    (folder / "data").mkdir()
    model_cache.mkdir(parents=True, exist_ok=True)
    (folder / "data" / "models").symlink_to(model_cache, target_is_directory=True)
    settings = Settings(data_dir=folder / "data", port=8000, log_level="error", vector_index="exact")
    services = build(settings, clock=FixedClock(MONDAY_MORNING))
    articles.load(services, folder / "articles")
    yield services
    services.close()


@pytest.fixture
def say(running: Services) -> Say:
    """Say something in a thread of this test; the bot's turn comes back."""
    thread = f"thread-{next(_numbers)}"

    def send(text: str, action: str = "") -> Turn:
        message = Inbound(
            Channel.CONSOLE, f"m{next(_numbers)}", thread, thread, text, running.clock.now(), action=action, locale="en"
        )
        running.engine.receive(message)
        with running.database.read() as session:
            return next(t for t in reversed(conversations.load(session, message).turns) if t.author is Author.BOT)

    return send


@pytest.fixture
def replay(running: Services) -> Replay:
    def command(reply_id: str) -> Result:
        arguments = ["replay", reply_id, "--data-dir", str(running.settings.data_dir)]
        return CliRunner().invoke(main, arguments, env={"FIRSTLINE_LOG_LEVEL": "error", "LANG": "C"})

    return command


@pytest.mark.parametrize(
    "text",
    [
        "VPN error 809 when connecting from a hotel",
        "在酒店连接 VPN 报错 809",
        "Printer shows PRN-21, what does it mean?",
        "What is the airspeed of an unladen swallow?",
        "This is unacceptable!!! The printer shows PRN-21 again!",
        "talk to a human",
        "hello",
        "How do I order a new laptop? And what does PRN-21 on the printer mean?",
    ],
)
def test_what_was_said_comes_out_the_same(say: Say, replay: Replay, text: str) -> None:
    result = replay(str(say(text).id))
    assert result.exit_code == 0, result.output
    assert "identical" in result.output


def test_follow_ups_and_buttons_come_out_the_same(say: Say, replay: Replay) -> None:
    first = say("How do I order a new laptop?")
    article = first.payload["citations"][0]["article_id"]
    turns = [first, say("and how long does that take?"), say("Ordering", f"choose:{article}"), say("", "not_helped")]
    assert [replay(str(turn.id)).exit_code for turn in turns] == [0, 0, 0, 0]


def test_a_message_that_could_not_be_worked_on_comes_out_the_same(running: Services, replay: Replay) -> None:
    thread, number = f"thread-{next(_numbers)}", next(_numbers)
    message = Inbound(Channel.CONSOLE, f"m{number}", thread, thread, "The boat is broken", running.clock.now())
    with running.database.begin() as session:
        inbox_id = inbox.put(session, message, claimed_until=running.clock.now() + timedelta(minutes=1)).id
    running.engine.give_up(message, inbox_id)
    with running.database.read() as session:
        reply = next(t for t in conversations.load(session, message).turns if t.author is Author.BOT)
    assert replay(str(reply.id)).exit_code == 0


def test_a_reply_is_found_by_its_conversation(running: Services, say: Say, replay: Replay) -> None:
    reply = say("VPN error 809 when connecting from a hotel")
    with running.database.read() as session:
        public_id = conversations.get(session, reply.conversation_id).public_id
    assert replay(f"{public_id}:{reply.seq}").exit_code == 0


@pytest.mark.parametrize("reply_id", ["0", "999999", "x", "nobody:1", "nobody:x", ""])
def test_what_is_not_there_is_said_in_one_line(replay: Replay, reply_id: str) -> None:
    result = replay(reply_id)
    assert result.exit_code == 2
    assert result.output.count("\n") == 1


def test_a_customers_turn_is_no_reply(running: Services, say: Say, replay: Replay) -> None:
    reply = say("VPN error 809 when connecting from a hotel")
    with running.database.read() as session:
        asked = conversations.turns_after(session, reply.conversation_id, 0, notes=False)[0]
    assert replay(str(asked.id)).exit_code == 2


def test_another_policy_is_named_even_where_it_decides_the_same(
    say: Say, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = say("VPN error 809 when connecting from a hotel")
    monkeypatch.setattr(policy, "VERSION", "policy/99")
    result = replay(str(reply.id))
    assert result.exit_code == 0
    assert "The policy is policy/99 now, it was" in result.output


def test_an_article_that_changed_since_is_named_with_the_difference(
    running: Services, say: Say, replay: Replay, tmp_path: Path
) -> None:
    reply = say("Printer shows PRN-21")
    changed = {
        name: text.replace("at most 500 sheets", "at most 250 sheets") for name, text in articles.ARTICLES.items()
    }
    articles.write(tmp_path / "changed", changed)
    running.pipeline.run(walk(tmp_path / "changed"), IngestOptions(collection="test"))
    result = replay(str(reply.id))
    assert result.exit_code == 1
    assert "different" in result.output
    assert "is at version 2 now, it was at 1" in result.output
    assert "-" in result.output.splitlines()[-1] or "+" in result.output
