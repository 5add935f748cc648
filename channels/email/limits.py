"""How much of a mail is read, and how a mail is refused that is more than that, or none at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from base.errors import InvalidInput
from base.i18n import N_


@dataclass(frozen=True, slots=True)
class MailLimits:
    """Caps of one mail. Over the first four it is refused, over the others it is cut, and `Mail.flaws` says so."""

    bytes: int = 30 * 1024 * 1024  # of the mail as it comes
    parts: int = 500
    depth: int = 30  # of parts in parts and mails in mails
    all_headers_bytes: int = 256 * 1024  # of the headers of the mail, or of one of its parts
    header_bytes: int = 64 * 1024  # of one value
    text_chars: int = 500_000
    html_chars: int = 2_000_000  # as kept
    read_html_chars: int = 400_000  # as turned into text, which takes a second for this much
    files: int = 25
    file_bytes: int = 20 * 1024 * 1024


class Refusal(StrEnum):
    TOO_LARGE = "too_large"
    TOO_MANY_PARTS = "too_many_parts"
    TOO_DEEP = "too_deep"
    HEADERS_TOO_LARGE = "headers_too_large"
    EMPTY = "empty"
    OUTLOOK_FILE = "outlook_file"  # an .msg file: Outlook's own format, no mail
    NOT_A_MAIL = "not_a_mail"  # binary data without a header


class MailRefused(InvalidInput):
    """A mail that is not read. `reason`: why; the raw bytes are all there is of it."""

    code = "mail_refused"
    message = N_("This mail could not be read. Please send it again as a plain mail, without large attachments.")

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(detail, reason=str(reason))
        self.reason = reason
