"""Files that a colleague's mail carries on to the customer: which of them go, and how they come into the letter.

They are kept once, in the colleague's mail: the queued reply names it and their places in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from base.antivirus import Infected, NotScanned, Scanner
from base.errors import DeliveryError, RetryLater
from base.messages import Attachment, Outbound
from channels.email.limits import MailRefused
from channels.email.models import Mail, MailFile
from desk import mails
from web.mail.reading import MailReader, ReaderFailed

MOST_FILES, MOST_BYTES = (
    10,
    10 * 1024 * 1024,
)  # in one mail; many servers take 25 MB, and files grow by a third on the way
DECORATION_BYTES = 15_000  # a picture of the text that is smaller is a logo of the signature, not what somebody shows
_KEY = "files"  # in Outbound.extra


@dataclass(frozen=True, slots=True)
class Chosen:
    """What goes on, by place in the mail, and what does not, each with the reason (see `notes.files`)."""

    numbers: tuple[int, ...]
    left_out: tuple[tuple[MailFile, str], ...]


def choose(mail: Mail) -> Chosen:
    """The files that go on: what is taken at all, no decoration, and no more than fits into one mail.

    None of a mail that has another one in it: nobody can tell which of the two they came with.
    """
    numbers: list[int] = []
    left_out: list[tuple[MailFile, str]] = []
    room = MOST_BYTES
    for number, file in enumerate(mail.files):
        if reason := file.refused or ("mail_in_mail" if mail.enclosed else _reason(file, len(numbers), room)):
            left_out.append((file, reason))
            continue
        numbers.append(number)
        room -= file.size_bytes
    return Chosen(tuple(numbers), tuple(left_out))


def _reason(file: MailFile, taken: int, room: int) -> str:
    if file.inline and file.media_type.startswith("image/") and file.size_bytes < DECORATION_BYTES:
        return "decoration"
    if taken >= MOST_FILES:
        return "too_many"
    return "too_much" if file.size_bytes > room else ""


def shown(mail_id: int, files: Sequence[MailFile], numbers: Sequence[int]) -> tuple[Attachment, ...]:
    """What the transcript shows of them."""
    return tuple(
        Attachment(files[n].name, files[n].media_type, files[n].size_bytes, f"mail-{mail_id}-{n}") for n in numbers
    )


def to_extra(mail_id: int, numbers: Sequence[int]) -> dict[str, Any]:
    """What a queued reply says of its files."""
    return {_KEY: {"mail": mail_id, "numbers": list(numbers)}} if numbers else {}


@dataclass(frozen=True, slots=True)
class Enclosures:
    """The files of a queued reply, still inside of the mail they came in."""

    raw: bytes
    numbers: tuple[int, ...]

    def unpack(self, reader: MailReader, scanner: Scanner | None = None) -> tuple[MailFile, ...]:
        """The files. May take seconds: not within a transaction. Raises RetryLater, DeliveryError."""
        try:
            files = reader.read(self.raw).files
        except ReaderFailed as error:
            raise RetryLater("the files of this reply could not be read just now") from error
        except MailRefused as error:
            raise DeliveryError("the files of this reply cannot be read") from error
        if any(n >= len(files) or files[n].refused for n in self.numbers):
            raise DeliveryError("a file of this reply is not to be sent")
        chosen = tuple(files[n] for n in self.numbers)
        try:
            for file in chosen:
                if scanner is not None:
                    scanner.check(file.content)
        except NotScanned as error:
            raise RetryLater("the virus scanner does not answer") from error
        except Infected as error:
            raise DeliveryError(f"the virus scanner found {error.fields['found']} in a file of this reply") from error
        return chosen


def enclosed(session: Session, outbound: Outbound) -> Enclosures | None:
    """What a queued reply carries; None for one without files. Raises DeliveryError when they are gone."""
    named = outbound.extra.get(_KEY)
    if not named:
        return None
    found = mails.raw(session, int(named["mail"]))
    if found is None:
        raise DeliveryError("the files of this reply are gone")
    return Enclosures(found[0], tuple(int(n) for n in named["numbers"]))
