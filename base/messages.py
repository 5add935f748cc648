"""What crosses the doors: the words every channel and the engine share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Channel(StrEnum):
    WEBCHAT = "webchat"
    CONSOLE = "console"
    EMAIL = "email"
    TELEGRAM = "telegram"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    SLACK = "slack"
    WHATSAPP = "whatsapp"
    INCIDENT = "incident"  # no door: what staff tell everybody an incident affects


# Their windows fetch what is stored by themselves: a stored reply is a delivered one, nothing is left to send.
FETCHED = frozenset({Channel.WEBCHAT, Channel.INCIDENT})


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str  # as the sender called it; never used as a path
    media_type: str
    size_bytes: int
    stored_as: str = ""  # our random name; empty when the content was refused


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a customer."""

    channel: Channel
    message_id: str  # the channel's id of this message; a second delivery is recognised by it
    thread_id: str  # the channel's id of the thread
    sender_id: str  # the channel's id of the sender: an identity, proven only as far as the channel proves it
    text: str  # plain text, quotes and signature removed
    received_at: datetime  # UTC, aware
    sender_name: str = ""
    locale: str = ""  # the channel's hint, "zh" or "en"; the message's own language wins
    action: str = (
        ""  # a pressed button: "human", "helped", "not_helped", "choose:<article id>", "same:<incident id>" ...
    )
    attachments: tuple[Attachment, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QuickReply:
    label: str
    action: str  # comes back as Inbound.action


@dataclass(frozen=True, slots=True)
class Link:
    """A numbered source under an answer. `url` is absolute or empty when there is no public page."""

    n: int
    title: str
    section: str
    url: str


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to a customer. `key` is stable: a repeated send carries the same one."""

    key: str
    channel: Channel
    thread_id: str
    text: str  # a small Markdown subset: **bold**, lists, `code`, links to our own sources
    lang: str
    links: tuple[Link, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()
    author: str = "bot"  # bot | staff | system
    author_name: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


class DeliveryState(StrEnum):
    SENT = "sent"
    MAYBE_SENT = "maybe_sent"  # the channel cannot tell us; shown to a person, never retried blindly


@dataclass(frozen=True, slots=True)
class Receipt:
    state: DeliveryState
    channel_message_id: str = ""
