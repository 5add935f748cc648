"""Messages, conversations, tickets and people as tests of the desk need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from base.messages import Channel, Inbound
from desk import conversations, service, staff, tickets
from desk.models import Category, Conversation, Role, Staff, Ticket, Urgency
from desk.service import ServiceDefaults
from desk.tickets import TicketDraft

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai
PASSWORD = "correct horse battery"


@cache
def defaults() -> ServiceDefaults:
    return service.load()


def later(**duration: float) -> datetime:
    return NOW + timedelta(**duration)


def inbound(message_id: str = "m1", thread: str = "t1", text: str = "My VPN is broken", **values: Any) -> Inbound:
    known: dict[str, Any] = {"channel": Channel.WEBCHAT, "sender_id": thread, "received_at": NOW}
    return Inbound(message_id=message_id, thread_id=thread, text=text, **{**known, **values})


def talk(session: Session, thread: str = "t1", **values: Any) -> Conversation:
    """A conversation that has just begun."""
    return conversations.open_for(session, inbound(thread=thread, **values), "en", NOW)


def ticket(session: Session, of: Conversation, urgency: Urgency = Urgency.NORMAL, **values: Any) -> Ticket:
    """A ticket of this conversation, opened at NOW unless `at` says otherwise."""
    draft = TicketDraft("It is broken", urgency, Category.SOFTWARE, ({"code": "test"},), "test", {"summary": "s"})
    package, at = values.pop("package", "basic"), values.pop("at", NOW)
    made = tickets.open_ticket(session, values.pop("defaults", defaults()), of, package, draft, at)
    conversations.change(session, of, at, ticket_id=made.id)
    return made


def member(session: Session, name: str = "Ada", role: Role = Role.AGENT) -> Staff:
    return staff.add(session, name, f"{name.lower()}@haisong.example", PASSWORD, role, NOW)
