"""A mail of ours as bytes: text and HTML, threading headers, and the marks by which other machines know it is automatic."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from base.errors import DeliveryError
from channels.email.models import Address, MailFile

MAX_REFERENCES = 1500  # characters: some relays refuse header blocks beyond 4,096
LOOP_HEADER = "X-Firstline-Loop"
_MEDIA_TYPE = re.compile(r"([a-z]{1,20})/[a-z0-9.+-]{1,100}")
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]+@[^\s@<>\"(),:;\[\]\\]+")


class BadAddress(DeliveryError):
    """Nothing can be sent there: it is no address."""

    code = "bad_address"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent. Ids are without <>."""

    sender: Address
    recipient: Address
    subject: str
    text: str
    html: str
    message_id: str
    date: datetime
    reply_to: str = ""
    in_reply_to: str = ""
    references: Sequence[str] = ()  # oldest first
    automatic: bool = True  # nobody wrote it by hand
    answers: bool = True  # an automatic mail is an answer to one; False: it tells something of its own accord
    loop_mark: str = ""  # by which we know our own mail when it comes back
    lang: str = "en"
    files: Sequence[MailFile] = ()


def compose(letter: Letter) -> bytes:
    """The mail, ready for SMTP. Raises BadAddress. Nothing in a subject or a name can become a header."""
    policy = SMTP if f"{letter.recipient.address}{letter.sender.address}".isascii() else SMTPUTF8
    mail = EmailMessage(policy=policy)
    mail["From"] = _address(letter.sender)
    mail["To"] = _address(letter.recipient)
    if letter.reply_to:
        mail["Reply-To"] = _address(Address(letter.sender.name, letter.reply_to))
    mail["Subject"] = one_line(letter.subject, 200)
    mail["Date"] = letter.date
    mail["Message-ID"] = f"<{letter.message_id}>"
    if letter.in_reply_to:
        mail["In-Reply-To"] = f"<{_id(letter.in_reply_to)}>"
    if chain := references(letter.references, letter.in_reply_to):
        mail["References"] = " ".join(f"<{one}>" for one in chain)
    if letter.automatic:
        mail["Auto-Submitted"] = "auto-replied" if letter.answers else "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
    if letter.loop_mark:
        mail[LOOP_HEADER] = one_line(letter.loop_mark, 100)
    mail.set_content(letter.text)
    if letter.html:
        mail.add_alternative(letter.html, subtype="html")
    for file in letter.files:
        main, sub = _media_type(file).split("/")
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=one_line(file.name, 150) or "file")
    mail["Content-Language"] = letter.lang  # last: setting the content takes every Content-* header away
    return mail.as_bytes()


def _media_type(file: MailFile) -> str:
    """What the file is said to be: nothing that a mail program would take apart or that has parts of its own."""
    known = _MEDIA_TYPE.fullmatch(file.media_type.lower())
    return "application/octet-stream" if known is None or known[1] in ("message", "multipart", "text") else known[0]


def references(known: Sequence[str], answered: str) -> list[str]:
    """The ids to mention: the first and as many of the last as fit, the one that is answered at the end."""
    chain = list(dict.fromkeys(one for one in (_id(each) for each in known) if one and one != _id(answered)))
    if answered:
        chain.append(_id(answered))
    if not chain:
        return []
    kept: list[str] = []
    room = MAX_REFERENCES - len(chain[0]) - 3
    for one in reversed(chain[1:]):
        room -= len(one) + 3
        if room < 0:
            break
        kept.append(one)
    return [chain[0], *reversed(kept)]


def one_line(text: str, most: int) -> str:
    """Text that fits in a header: no line break, no control character, at most `most` characters."""
    plain = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") else char for char in text)
    return " ".join(plain.split())[:most]


def _address(address: Address) -> HeaderAddress:
    if not _ADDRESS.fullmatch(address.address) or len(address.address) > 254:
        raise BadAddress(one_line(address.address, 100))
    local, _, domain = address.address.rpartition("@")  # in parts: as a whole it would be refused beyond ASCII
    return HeaderAddress(display_name=one_line(address.name, 100), username=local, domain=domain)


def _id(message_id: str) -> str:
    """An id as a header can carry it: without blanks and brackets."""
    return re.sub(r"[\s<>\x00-\x1f\x7f\ud800-\udfff]+", "", message_id)[:400]
