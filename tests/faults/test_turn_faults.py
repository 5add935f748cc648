"""Promise 2: whatever breaks while a message is answered, its effect is there once or not at all.

A fault at each write of the saving transaction; then the whole process killed at named points and started again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from base.database import Database
from base.errors import StorageUnavailable
from bot.models import OutcomeKind
from channels.registry import ADAPTERS
from desk import conversations, inbox, outbox
from desk.models import Author, ConversationState
from desk.tables import (
    ClockEventRow,
    ConversationRow,
    CustomerRow,
    EventRow,
    IdentityRow,
    InboxRow,
    OutboxRow,
    ServiceVersionRow,
    TicketRow,
    TurnRow,
)
from tests.bot.conftest import Chat
from tests.bot.conftest import running as running
from web.wiring import Services
from web.worker import Worker

TABLES = (
    ClockEventRow, ConversationRow, CustomerRow, EventRow, IdentityRow, OutboxRow, ServiceVersionRow, TicketRow, TurnRow,
)  # fmt: skip
WISH = "The whole production line is down, nobody can work, talk to a human"


class Broken(Exception):
    """What the tests let go wrong."""


def contents(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {t.__tablename__: session.scalar(select(func.count()).select_from(t)) or 0 for t in TABLES}


@contextmanager
def breaking_at(database: Database, number: int) -> Iterator[list[str]]:
    """Let the `number`-th write of the block fail (0: the commit); give the statements that were run."""
    seen: list[str] = []

    def before(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.split(None, 1)[0] in ("INSERT", "UPDATE", "DELETE"):
            seen.append(statement)
            if len(seen) == number:
                raise Broken(statement)

    def commit(_c: Any) -> None:
        if number == 0:
            raise Broken("commit")

    event.listen(database.engine, "before_cursor_execute", before)
    event.listen(database.engine, "commit", commit)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", before)
        event.remove(database.engine, "commit", commit)


def writes_of_a_turn(chat: Chat) -> int:
    message = chat.message(WISH)
    inbox_id = chat.put(message)
    with breaking_at(chat.services.database, -1) as seen:
        chat.services.engine.receive(message, inbox_id=inbox_id)
    return len(seen)


def test_a_fault_at_any_write_leaves_nothing_and_the_next_try_does_it_once(running: Services) -> None:
    writes_of_a_turn(Chat(running))  # the first ticket also stores its terms
    total = writes_of_a_turn(Chat(running))
    assert total > 10
    for number in range(total + 1):
        chat = Chat(running)
        message = chat.message(WISH)
        inbox_id = chat.put(message)
        before = contents(running.database)
        with pytest.raises(Broken), breaking_at(running.database, number):
            running.engine.receive(message, inbox_id=inbox_id)
        assert contents(running.database) == before, number
        assert state_of(running, inbox_id) == inbox.InboxState.QUEUED
        assert running.engine.receive(message, inbox_id=inbox_id).kind is OutcomeKind.TICKET
        assert_happened_once(chat, inbox_id)
        assert running.engine.receive(message, inbox_id=inbox_id).duplicate


def test_a_fault_while_giving_up_leaves_nothing_and_the_next_try_does_it_once(running: Services) -> None:
    for number in (0, 1, 5, 9):
        chat = Chat(running)
        message = chat.message("my mouse is broken")
        inbox_id = chat.put(message)
        before = contents(running.database)
        with pytest.raises(Broken), breaking_at(running.database, number):
            running.engine.give_up(message, inbox_id)
        assert contents(running.database) == before
        running.engine.give_up(message, inbox_id)
        assert_happened_once(chat, inbox_id)


def state_of(services: Services, inbox_id: int) -> str:
    with services.database.read() as session:
        return str(session.scalar(select(InboxRow.state).where(InboxRow.id == inbox_id)))


def assert_happened_once(chat: Chat, inbox_id: int) -> None:
    """One customer's turn, one reply, one ticket with one clock, one message to send, and the inbox says done."""
    assert state_of(chat.services, inbox_id) == inbox.InboxState.DONE
    with chat.services.database.read() as session:
        assert_once(session, chat.conversation().id)


def assert_once(session: Session, conversation_id: int) -> None:
    turns = conversations.turns_after(session, conversation_id, 0, notes=True)
    assert [turn.author for turn in turns] == [Author.CUSTOMER, Author.BOT]
    ticket = session.scalars(select(TicketRow).where(TicketRow.conversation_id == conversation_id)).one()
    assert f"FL-{ticket.number}" in turns[1].text
    kinds = session.scalars(select(ClockEventRow.kind).where(ClockEventRow.ticket_id == ticket.id)).all()
    assert kinds == ["opened"]
    replies = session.scalars(select(OutboxRow).where(OutboxRow.conversation_id == conversation_id)).all()
    assert [(reply.turn_id, reply.key) for reply in replies] == [(turns[1].id, f"turn-{turns[1].id}")]
    talk = session.get(ConversationRow, conversation_id)
    assert talk is not None
    assert (talk.state, talk.ticket_id, talk.turns) == (ConversationState.WAITING, ticket.id, 2)
    events = session.scalars(select(EventRow.kind).where(EventRow.conversation_id == conversation_id)).all()
    assert sorted(events) == sorted(["turn_added", "ticket_opened", "turn_added", "state_changed"])


def worker(services: Services) -> Worker:
    return Worker(services, {channel: adapter() for channel, adapter in ADAPTERS.items()})


def test_a_message_that_always_fails_ends_with_a_person_and_the_others_flow(
    running: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, other = Chat(running), Chat(running)
    poison_id, other_id = poison.put(poison.message("poison")), other.put(other.message("hello"))
    real = running.thinker.prepare

    def think(inbound: Any, *args: Any, **kwargs: Any) -> Any:
        if inbound.text == "poison":
            raise RuntimeError("boom")
        return real(inbound, *args, **kwargs)

    monkeypatch.setattr(running.thinker, "prepare", think)
    work, clock = worker(running), running.clock
    assert work.answer_one()
    assert work.answer_one()
    assert state_of(running, other_id) == inbox.InboxState.DONE
    for _ in range(running.settings.attempts_max):
        clock.advance(minutes=10)  # type: ignore[attr-defined]
        work.answer_one()
    assert state_of(running, poison_id) == inbox.InboxState.DONE
    assert poison.ticket().name in poison.turns()[-1].text
    assert poison.conversation().memory["waits_for"] == "person"
    assert not work.answer_one()


def test_a_message_whose_workers_die_ends_with_a_person(running: Services) -> None:
    chat = Chat(running)
    inbox_id = chat.put(chat.message("kills its worker"))
    for _ in range(running.settings.attempts_max):
        with running.database.begin() as session:
            assert inbox.claim(session, running.clock.now(), 60, running.settings.attempts_max) is not None
        running.clock.advance(seconds=61)  # type: ignore[attr-defined]
    assert worker(running).answer_one()
    assert state_of(running, inbox_id) == inbox.InboxState.DONE
    assert chat.ticket().name in chat.turns()[-1].text


def test_a_worker_that_dies_while_giving_up_is_followed_by_another(
    running: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Chat(running)
    inbox_id = chat.put(chat.message("my mouse is broken"))

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("boom")

    with monkeypatch.context() as broken:
        broken.setattr(running.thinker, "prepare", fail)
        broken.setattr(running.thinker, "without_knowledge", fail)
        for _ in range(running.settings.attempts_max - 1):
            assert worker(running).answer_one()
            running.clock.advance(minutes=10)  # type: ignore[attr-defined]
        with pytest.raises(RuntimeError):
            worker(running).answer_one()
        running.clock.advance(minutes=10)  # type: ignore[attr-defined]
    assert state_of(running, inbox_id) == inbox.InboxState.CLAIMED
    assert worker(running).answer_one()
    assert state_of(running, inbox_id) == inbox.InboxState.DONE
    assert chat.ticket()


def test_while_the_database_is_away_nothing_is_lost(running: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = Chat(running)
    inbox_id = chat.put(chat.message("hello"))

    def away(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(running.engine, "_save", away)
        with pytest.raises(StorageUnavailable):
            worker(running).answer_one()
    running.clock.advance(seconds=61)  # type: ignore[attr-defined]
    assert worker(running).answer_one()
    assert state_of(running, inbox_id) == inbox.InboxState.DONE
    assert [turn.author for turn in chat.turns()] == [Author.CUSTOMER, Author.BOT]


POINTS = [
    "before thinking",
    "before saving",
    "inbox done",
    "turn",
    "ticket",
    "reply",
    "outbox",
    "memory",
    "commit",
    "saved",
]


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_at(point: str, tmp_path: Path, model_cache: Path) -> None:
    """Killed there, then started again: the message was stored before, and takes effect once."""
    data_dir = tmp_path / "killed"
    data_dir.mkdir()
    model_cache.mkdir(parents=True, exist_ok=True)
    (data_dir / "models").symlink_to(model_cache, target_is_directory=True)
    child = [sys.executable, str(Path(__file__).with_name("killed_child.py")), str(data_dir)]
    killed = subprocess.run([*child, point], capture_output=True, text=True, timeout=120)
    assert killed.returncode == 9, killed.stderr[-2000:]
    again = subprocess.run([*child, ""], capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr[-2000:]
    database = Database(f"sqlite:///{data_dir / 'firstline.db'}")
    with database.read() as session:
        assert inbox.counts(session) == {"done": 1}
        assert_once(session, session.scalars(select(ConversationRow.id)).one())
        assert outbox.counts(session) == {"sent": 1}
    database.close()
