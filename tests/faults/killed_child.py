"""A process that stores one message, answers and sends it, and dies (as if by SIGKILL) at a named point.

Run as: killed_child.py DATA_DIR POINT. Without a point it does the work; what is stored already is not stored again.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import event

from base.clock import FixedClock
from base.messages import Channel, Inbound
from base.settings import Settings
from channels.registry import ADAPTERS
from desk import conversations, inbox, outbox, tickets
from web.wiring import Services, build
from web.worker import Worker

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TEXT = "The whole production line is down, nobody can work, talk to a human"


def die(*_: Any, **__: Any) -> None:
    os._exit(9)


def then_die(real: Callable[..., Any]) -> Callable[..., Any]:
    def work(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        os._exit(9)

    return work


def arm(services: Services, point: str) -> None:
    """Let the process die at this point of the story."""
    match point:
        case "before thinking":
            services.thinker.prepare = die  # type: ignore[method-assign]
        case "before saving":
            services.engine._save = die  # type: ignore[method-assign]
        case "inbox done":
            inbox.done = then_die(inbox.done)
        case "turn":
            conversations.add_turns = then_die(conversations.add_turns)
        case "ticket":
            tickets.open_ticket = then_die(tickets.open_ticket)
        case "reply":
            outbox.put = die
        case "outbox":
            outbox.put = then_die(outbox.put)
        case "memory":
            conversations.change = then_die(conversations.change)
        case "commit":
            arm_commit(services)
        case "saved":
            services.engine._think_and_save = then_die(services.engine._think_and_save)  # type: ignore[method-assign]


def arm_commit(services: Services) -> None:
    """Just before the commit of the save: the claim's own commit comes first and is let through."""
    real = services.engine._save

    def save(*args: Any, **kwargs: Any) -> Any:
        event.listen(services.database.engine, "commit", die)
        return real(*args, **kwargs)

    services.engine._save = save  # type: ignore[method-assign]


def main(data_dir: Path, point: str) -> None:
    settings = Settings(data_dir=data_dir, vector_index="exact", log_level="error")
    clock = FixedClock(NOW if point else NOW + timedelta(minutes=5))  # the lease of the dead one has ended
    services = build(settings, clock=clock)
    message = Inbound(Channel.CONSOLE, "t:1", "t", "t", TEXT, NOW)
    with services.database.begin() as session:
        inbox.put(session, message)
    arm(services, point)
    worker = Worker(services, {channel: adapter() for channel, adapter in ADAPTERS.items()})
    while worker.answer_one():
        pass
    while asyncio.run(worker.send_one()):
        pass
    services.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
