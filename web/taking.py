"""How a message that a door has read comes into the inbox: the same for every door."""

from __future__ import annotations

from base.messages import Inbound
from bot.guard import Remark, guard
from desk import inbox
from desk.inbox import Put
from web.wiring import Services


def take(services: Services, *messages: Inbound) -> list[Put]:
    """Store messages, all or none. When this returns they are safe, and the door may say so (promise 1)."""
    with services.database.begin() as session:
        return [inbox.put(session, message, wait_seconds=_waits(services, message)) for message in messages]


def _waits(services: Services, message: Inbound) -> float:
    """How long a message waits for the next one: "hello" alone says nothing yet."""
    says_nothing = not message.action and guard(message.text, 200).remark is Remark.GREETING
    return services.settings.burst_seconds if says_nothing else 0.0
