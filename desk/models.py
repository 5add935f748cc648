"""Who is talking and what is owed: the words of the desk. Frozen; rows never leave `store.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from base.i18n import N_


class Urgency(StrEnum):
    """By business impact and its breadth, never by tone of voice. Ordered from worst to mildest."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for urgent to 3 for low: sorts the worst first."""
        return list(Urgency).index(self)


class Category(StrEnum):
    HARDWARE = "hardware"
    SOFTWARE = "software"
    NETWORK = "network"
    ACCOUNT = "account"
    SECURITY = "security"
    DATA = "data"
    SERVICE_REQUEST = "service_request"
    BILLING = "billing"
    OTHER = "other"


class Sentiment(StrEnum):
    """For wording and review, never for urgency."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"
    ANGRY = "angry"


class Author(StrEnum):
    CUSTOMER = "customer"
    BOT = "bot"
    STAFF = "staff"
    SYSTEM = "system"
    NOTE = "note"  # an internal note: staff only, never sent, never quoted


class ConversationState(StrEnum):
    BOT = "bot"  # the bot answers
    WAITING = "waiting"  # a person was asked for or a ticket opened; the bot keeps silent about it
    STAFF = "staff"  # a person has taken over; the bot is silent until given back
    CLOSED = "closed"


class TicketState(StrEnum):
    NEW = "new"
    OPEN = "open"
    WAITING = "waiting"  # on the customer: the resolution clock is paused
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"  # withdrawn: a mistake, merged away, not needed any more; owes nothing and was not solved


class Withdrawal(StrEnum):
    """Why a ticket was withdrawn."""

    MISTAKE = "mistake"
    CUSTOMER = "customer"  # they do not need it any more
    MERGED = "merged"  # another conversation owes it


class Role(StrEnum):
    AGENT = "agent"
    EDITOR = "editor"
    MANAGER = "manager"
    ADMIN = "admin"


URGENCY_NAMES = {
    Urgency.URGENT: N_("Urgent"),
    Urgency.HIGH: N_("High"),
    Urgency.NORMAL: N_("Normal"),
    Urgency.LOW: N_("Low"),
}
CATEGORY_NAMES = {
    Category.HARDWARE: N_("Hardware"),
    Category.SOFTWARE: N_("Software"),
    Category.NETWORK: N_("Network"),
    Category.ACCOUNT: N_("Account"),
    Category.SECURITY: N_("Security"),
    Category.DATA: N_("Data"),
    Category.SERVICE_REQUEST: N_("Service request"),
    Category.BILLING: N_("Billing"),
    Category.OTHER: N_("Other"),
}


@dataclass(frozen=True, slots=True)
class Customer:
    id: int
    public_id: str
    name: str
    lang: str
    package: str  # basic | proactive | dedicated
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    id: int
    conversation_id: int
    seq: int  # 1, 2, 3 ... within the conversation
    author: Author
    author_name: str
    text: str
    lang: str
    created_at: datetime
    message_id: str = ""  # the channel's id of a customer's message
    payload: dict[str, Any] = field(default_factory=dict)  # citations, quick replies, the answer's record


@dataclass(frozen=True, slots=True)
class Conversation:
    id: int
    public_id: str
    customer_id: int
    channel: str
    thread_id: str
    state: ConversationState
    lang: str
    subject: str
    assignee_id: int | None
    ticket_id: int | None  # the open ticket, if any
    memory: dict[str, Any]  # what the policy remembers: offered a person, asked to clarify, failed answers
    created_at: datetime
    updated_at: datetime
    merged_into: int | None = None  # it goes on in this conversation; `merges.py`


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int
    number: int  # shown as FL-1042: readable, never an authority
    public_id: str  # 128 random bits: the status page's address
    conversation_id: int
    customer_id: int
    title: str
    state: TicketState
    urgency: Urgency
    category: Category
    urgency_reasons: tuple[dict[str, str], ...]
    assignee_id: int | None
    package: str
    policy_version: str
    calendar_version: str
    opened_at: datetime
    first_response_due: datetime | None
    resolution_due: datetime | None
    first_responded_at: datetime | None
    resolved_at: datetime | None
    handover: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"FL-{self.number}"


@dataclass(frozen=True, slots=True)
class Staff:
    id: int
    public_id: str
    name: str
    email: str
    role: Role
    lang: str
    active: bool
    session_version: int
