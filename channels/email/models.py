"""What a mail is once it is read: plain data, nothing in it believed yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class MailKind(StrEnum):
    """What wrote the mail. Only what a person wrote is answered."""

    PERSON = "person"
    AUTO_REPLY = "auto_reply"  # out of office, "we have received your mail"
    BULK = "bulk"  # mailing lists, newsletters
    BOUNCE = "bounce"  # a report on a mail that was not, or not yet, delivered
    LOOP = "loop"  # our own mail come back


@dataclass(frozen=True, slots=True)
class Address:
    name: str  # decoded, one line, may be empty
    address: str  # local@domain: the domain in lower case; "" when there is none that could be mailed to


@dataclass(frozen=True, slots=True)
class MailFile:
    """An attachment, or an image of the text."""

    name: str  # safe to show and to offer as a download: no folder, no control or invisible character; never a path
    media_type: str  # what the content is, by its first bytes; the sender's word only where those do not tell
    content: bytes  # empty when it was refused, but for HTML and SVG, which are kept and never offered
    size_bytes: int
    content_id: str = ""  # without <>: what "cid:" in the HTML points at
    inline: bool = False
    refused: str = ""  # "", or why it is not kept: "too_large" | "too_many" | "forbidden_type" | "unreadable"


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A mail inside a mail (message/rfc822): a forward as an attachment, or the one a bounce is about."""

    sender: Address | None
    subject: str
    message_id: str
    text: str
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """One line of a delivery report."""

    address: str
    action: str  # failed | delayed | delivered | relayed | expanded
    status: str  # "5.1.1"; "" when the report has none
    diagnosis: str  # what the other server said, one line of at most 300 characters


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a bounce says: of which of our mails, and what became of it."""

    message_id: str  # of the mail that came back, without <>; "" when it is not named
    recipients: tuple[Recipient, ...]

    @property
    def failed(self) -> bool:
        """It will not arrive any more: for a delay the other server goes on trying."""
        return any(one.action == "failed" for one in self.recipients)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, decoded. Every text is valid Unicode without NUL."""

    message_id: str  # without <>; made from the raw bytes when the mail has none ("raw-<sha256>@firstline")
    has_own_id: bool
    kind: MailKind
    senders: tuple[Address, ...]  # From: more than one, or none, and nobody is believed
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]  # Delivered-To, X-Original-To, Envelope-To: addresses our server delivered to
    return_path: str | None  # None: no such header; "" for <>
    subject: str  # one line
    date: datetime | None  # UTC, as the sender's clock says
    in_reply_to: tuple[str, ...]  # ids without <>
    references: tuple[str, ...]  # ids without <>, oldest first
    authentication: tuple[str, ...]  # values of Authentication-Results, topmost first, unfolded
    text: str  # all of the text: of the plain part, else made from the HTML
    html: str  # the HTML as sent, "" without one; never shown unsanitised
    new_text: (
        str  # what its sender wrote: quotes, signature and legal footer removed; all of the text if nothing is left
    )
    files: tuple[MailFile, ...] = ()
    enclosed: tuple[Enclosed, ...] = ()
    report: DeliveryReport | None = None
    language: str = ""  # Content-Language, if any
    flaws: tuple[str, ...] = ()  # what was mended or cut off while reading: "charset", "base64", "headers_cut" ...
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # (lower-case name, value), at most 200
