"""What the pages about mail are given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClickView:
    """A link in a mail that was followed: what it will do, or what it did."""

    token: str
    action: str  # human | helped | not_helped | choose | same | other
    subject: str
    done: bool


@dataclass(frozen=True, slots=True)
class FileLine:
    name: str
    size: str
    url: str  # "" when it was not kept
    media_type: str


@dataclass(frozen=True, slots=True)
class WholeMail:
    """A mail as it came, for staff."""

    id: int
    subject: str
    sender: str
    to: str
    cc: str
    when: str
    text: str
    new_text: str
    files: tuple[FileLine, ...]
    unreadable: str  # why it cannot be shown; "" when it can


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A reply, message or mail that a person has to look at."""

    id: int
    queue: str  # outbox | inbox | mail
    state: str
    state_name: str
    who: str
    what: str
    error: str
    when: str
    conversation_url: str
    attempts: int
    can_try: bool
    can_settle: bool
    raw_url: str


@dataclass(frozen=True, slots=True)
class MailboxLine:
    name: str
    address: str
    state: str
    state_name: str
    detail: str
    since: str
    ok: bool


@dataclass(frozen=True, slots=True)
class DeliveriesView:
    lines: tuple[DeliveryLine, ...]
    kept: tuple[DeliveryLine, ...]  # mails that are kept and not answered
    mailboxes: tuple[MailboxLine, ...]
    counts: tuple[tuple[str, int], ...]
    paused_by: str
    paused_since: str


@dataclass(frozen=True, slots=True)
class LetterPreview:
    """One kind of mail in one language, with made-up content."""

    lang: str
    url: str  # of its HTML
    text: str


@dataclass(frozen=True, slots=True)
class LetterKindView:
    key: str
    name: str
    versions: tuple[LetterPreview, ...]


@dataclass(frozen=True, slots=True)
class LettersView:
    kinds: tuple[LetterKindView, ...]
