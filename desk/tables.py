"""Rows of the desk: people, conversations, tickets, mails as they came, the two queues, the event log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Boolean, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Json, Table, UtcDateTime


class CustomerRow(Table):
    __tablename__ = "desk_customers"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    lang: Mapped[str] = mapped_column(String(8), default="en")
    package: Mapped[str] = mapped_column(String(32), default="basic")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IdentityRow(Table):
    """How a channel knows a customer. Unverified identities join nothing (promise 8)."""

    __tablename__ = "desk_identities"
    __table_args__ = (UniqueConstraint("channel", "external_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("desk_customers.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(300))
    verified: Mapped[bool] = mapped_column(Boolean, default=False)
    # What we sent there came back: nothing automatic goes there until its owner writes again.
    unreachable_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConversationRow(Table):
    __tablename__ = "desk_conversations"
    __table_args__ = (
        UniqueConstraint("channel", "thread_id"),
        Index("ix_desk_conversations_list", "state", "updated_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("desk_customers.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    thread_id: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(16))
    lang: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(Text, default="")
    preview: Mapped[str] = mapped_column(Text, default="")  # the latest turn, shortened
    turns: Mapped[int] = mapped_column(Integer, default=0)  # seq of the latest turn
    unread: Mapped[int] = mapped_column(Integer, default=0)  # customer turns since staff last looked
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("desk_staff.id"), index=True)
    ticket_id: Mapped[int | None] = mapped_column(Integer)
    merged_into: Mapped[int | None] = mapped_column(Integer, index=True)  # the conversation in which it goes on
    memory: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TurnRow(Table):
    __tablename__ = "desk_turns"
    __table_args__ = (UniqueConstraint("conversation_id", "seq"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"))
    seq: Mapped[int] = mapped_column(Integer)
    author: Mapped[str] = mapped_column(String(16))
    author_name: Mapped[str] = mapped_column(String(200), default="")
    staff_id: Mapped[int | None] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)
    lang: Mapped[str] = mapped_column(String(8))
    message_id: Mapped[str] = mapped_column(String(300), default="")
    payload: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TicketRow(Table):
    __tablename__ = "desk_tickets"
    __table_args__ = (Index("ix_desk_tickets_state", "state", "urgency"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    public_id: Mapped[str] = mapped_column(String(64), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("desk_customers.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    urgency: Mapped[str] = mapped_column(String(16))
    category: Mapped[str] = mapped_column(String(32))
    urgency_reasons: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("desk_staff.id"), index=True)
    package: Mapped[str] = mapped_column(String(32))
    policy_version: Mapped[str] = mapped_column(String(80))
    calendar_version: Mapped[str] = mapped_column(String(80))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Caches of sla.deadlines(): recomputable at any time from desk_clock_events and the pinned versions.
    first_response_due: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolution_due: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_responded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handover: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class ClockEventRow(Table):
    """The ordered log a ticket's deadlines are computed from."""

    __tablename__ = "desk_clock_events"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"), index=True)
    kind: Mapped[str] = mapped_column(String(24))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(16), default="staff")
    urgency: Mapped[str | None] = mapped_column(String(16))


class ServiceVersionRow(Table):
    """A version of the service data (levels, packages, calendars): tickets keep the one they were opened under."""

    __tablename__ = "desk_service_versions"

    version: Mapped[str] = mapped_column(String(80), primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EventRow(Table):
    """What happened, in order of commit: live pages and reports read it. `id` is the SSE event id."""

    __tablename__ = "desk_events"
    __table_args__ = (
        Index("ix_desk_events_conversation", "conversation_id", "id"),
        {"sqlite_autoincrement": True},  # an id is never used twice: clients resume after it
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    conversation_id: Mapped[int | None] = mapped_column(Integer)
    ticket_id: Mapped[int | None] = mapped_column(Integer)
    turn_id: Mapped[int | None] = mapped_column(Integer)
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class InboxRow(Table):
    """A message to answer. Unique per channel + message id: a second delivery changes nothing (promise 2)."""

    __tablename__ = "desk_inbox"
    __table_args__ = (
        UniqueConstraint("channel", "message_id"),
        Index("ix_desk_inbox_claim", "state", "next_at", "id"),
        Index("ix_desk_inbox_thread", "channel", "thread_id", "state"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    message_id: Mapped[str] = mapped_column(String(300))
    thread_id: Mapped[str] = mapped_column(String(300))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(16))  # queued | claimed | done | dead
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)  # queued: not before; claimed: the lease ends
    error: Mapped[str] = mapped_column(Text, default="")
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OutboxRow(Table):
    """A reply to send. `key` is stable over retries, so a channel can recognise a second attempt (promise 3)."""

    __tablename__ = "desk_outbox"
    __table_args__ = (
        Index("ix_desk_outbox_claim", "state", "next_at", "id"),
        Index("ix_desk_outbox_recipient", "recipient", "sent_at"),
        Index("ix_desk_outbox_channel_message", "channel_message_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"), index=True)
    turn_id: Mapped[int] = mapped_column(Integer)
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    recipient: Mapped[str] = mapped_column(String(300), default="")  # where it went, as the channel addresses people
    state: Mapped[str] = mapped_column(String(16))  # an OutboxState
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, default="")
    channel_message_id: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DoorRow(Table):
    """Another door of a conversation: the thread of mails into which a chat was carried on."""

    __tablename__ = "desk_doors"
    __table_args__ = (UniqueConstraint("channel", "thread_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    thread_id: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CodeRow(Table):
    """A one-time code on its way to an address. Only its digest is kept; a new one takes the place of the old."""

    __tablename__ = "desk_codes"

    purpose: Mapped[str] = mapped_column(String(320), primary_key=True)  # "webchat:<thread>"
    address: Mapped[str] = mapped_column(String(300))
    digest: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MergeRow(Table):
    """Two customers that were found to be one: by which proof, and what moved, so that it can be undone."""

    __tablename__ = "desk_merges"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kept_id: Mapped[int] = mapped_column(ForeignKey("desk_customers.id"), index=True)
    merged_id: Mapped[int] = mapped_column(ForeignKey("desk_customers.id"), index=True)
    proof: Mapped[str] = mapped_column(String(40))  # "code", "signed_token", "staff"
    by: Mapped[str] = mapped_column(String(80))
    moved: Mapped[dict[str, list[int]]] = mapped_column(Json)  # ids of identities, conversations, tickets
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RatingRow(Table):
    """What a customer said of how they were helped (CSAT): once for each ticket, changeable."""

    __tablename__ = "desk_ratings"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"), index=True)
    score: Mapped[int] = mapped_column(Integer)  # 1 to 5
    comment: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class SwitchRow(Table):
    """Something an operator has turned off: the outbox, while a backup is looked at."""

    __tablename__ = "desk_switches"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffRow(Table):
    __tablename__ = "desk_staff"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(300), unique=True)  # lower case
    password_hash: Mapped[str] = mapped_column(String(300))
    role: Mapped[str] = mapped_column(String(16))
    lang: Mapped[str] = mapped_column(String(8), default="en")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    session_version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffSessionRow(Table):
    """A signed-in browser. Only the hash of its token is kept; gone when the password or the role changes."""

    __tablename__ = "desk_staff_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("desk_staff.id"), index=True)
    session_version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CorrectionRow(Table):
    """A level that a person changed: a labelled case, with the evidence shown at the time."""

    __tablename__ = "desk_corrections"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"), index=True)
    staff_id: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)
    lang: Mapped[str] = mapped_column(String(8))
    category: Mapped[str] = mapped_column(String(32))
    judged: Mapped[str] = mapped_column(String(16))
    level: Mapped[str] = mapped_column(String(16))
    by_bot: Mapped[bool] = mapped_column(Boolean)
    shown: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    reason: Mapped[str] = mapped_column(Text, default="")


class SymptomRow(Table):
    """What one message of a customer reports as broken: read in the window in which a surge would show, then deleted."""

    __tablename__ = "desk_symptoms"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    turn_id: Mapped[int] = mapped_column(Integer)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"), index=True)
    customer_id: Mapped[int] = mapped_column(Integer)
    lang: Mapped[str] = mapped_column(String(8))
    category: Mapped[str] = mapped_column(String(32))
    urgency: Mapped[str] = mapped_column(String(16))
    objects: Mapped[list[str]] = mapped_column(Json, default=list)  # keys of bot/topics.toml, the main one first
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)  # float16, little endian


class IncidentRow(Table):
    """One thing that is wrong for several customers: proposed by the surge, opened by a person."""

    __tablename__ = "desk_incidents"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    title: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # language -> text
    notice: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    objects: Mapped[list[str]] = mapped_column(Json, default=list)
    ticket_id: Mapped[int | None] = mapped_column(Integer)  # the parent ticket, once it is open
    merged_into: Mapped[int | None] = mapped_column(Integer, index=True)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)  # the first message about it
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MemberRow(Table):
    """A conversation that belongs to an incident, may belong to it, or was found not to."""

    __tablename__ = "desk_incident_members"
    __table_args__ = (UniqueConstraint("incident_id", "conversation_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("desk_incidents.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("desk_conversations.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))  # candidate | member | removed
    by: Mapped[str] = mapped_column(String(40))  # "surge", "customer", "staff:<id>"
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    told: Mapped[int] = mapped_column(Integer, default=0)  # the newest update this conversation was given


class UpdateRow(Table):
    """What staff tell everybody an incident affects, in each language. Given to the members one after the other."""

    __tablename__ = "desk_incident_updates"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("desk_incidents.id"), index=True)
    staff_id: Mapped[int] = mapped_column(Integer)
    text: Mapped[dict[str, str]] = mapped_column(Json)
    resolves: Mapped[bool] = mapped_column(
        Boolean, default=False
    )  # the incident is over: the children are solved with it
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_all_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class AuditRow(Table):
    """Who did what to which thing. Never changed, never deleted by the app."""

    __tablename__ = "desk_audit"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))  # "staff:<id>", "system", "cli"
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(120))
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


def plain(row: type[Table]) -> SqlTable:
    """The table behind a row class, for constant statements: an answered message runs about fifteen of them."""
    return cast(SqlTable, row.__table__)
