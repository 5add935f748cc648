"""A mail on its way through the sorter: whom it is from, by what a second delivery is known, what its words were."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from base.text import normalise
from channels.email.authenticity import Verdict
from channels.email.models import Address, Mail
from desk.mail_threads import Placement
from desk.mails import StoredMail

_NO_REPLY = re.compile(r"^(?:no-?reply|do-?not-?reply|donotreply|noreply|mailer|notifications?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Case:
    """A mail, and what is known of its sender."""

    stored: StoredMail
    mail: Mail
    sender: Address
    found: Verdict
    hints: tuple[str, ...] = ()  # the first ones for staff
    where: Placement | None = None  # known already
    forwarded: bool = False  # a colleague passed it on

    @property
    def known(self) -> dict[str, Any]:
        """What is kept beside the mail's bytes, whatever becomes of it."""
        return {
            "kind": str(self.mail.kind), "message_id": self.mail.message_id, "sender": self.sender.address,
            "subject": self.mail.subject,
        }  # fmt: skip


def message_key(mail: Mail, sender: Address) -> str:
    """By what a second delivery of the same mail is known, whatever mailbox it comes by.

    Not the Message-ID alone: broken programs use one twice, and then a mail would be lost. A mail without one is known by
    its date: the id we give it is made of its bytes, which are others on another way.
    """
    date = mail.date.isoformat() if mail.date else ""
    own_id = mail.message_id if mail.has_own_id or not date else ""
    parts = (own_id, sender.address, mail.subject, date, mail.text)
    return "mail:" + hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:40]


def sender_of(mail: Mail) -> Address:
    """Whom the mail is from: the one address in From; for a form that writes as nobody, whom it asks to answer."""
    usable = [one for one in mail.senders if one.address]
    if len(usable) != 1:
        return Address(usable[0].name if usable else "", "")
    [sender] = usable
    answer_to = [one for one in mail.reply_to if one.address]
    if _NO_REPLY.match(sender.address) and len(answer_to) == 1:
        return Address(answer_to[0].name, answer_to[0].address.lower())
    return Address(sender.name, sender.address.lower())


def echo_of(text: str) -> str:
    """A digest of what was said, without numbers and blanks; "" for few words, which a person may well repeat."""
    bare = re.sub(r"[\d\W_]+", "", normalise(text))
    return hashlib.sha256(bare.encode()).hexdigest()[:32] if len(bare) >= 16 else ""
