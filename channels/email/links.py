"""Links from a signed-in page as a mail carries them: in the address it goes to, or in its subject.

The token stands for a person until it is used, so whatever reads a mail further gets it without one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

from base.i18n import LOCALES, N_, translate
from channels.email.addresses import MOST_LOCAL, bare
from channels.email.compose import one_line
from channels.email.models import Address, Mail

SUBJECT_CHARS = 100
TOKEN = "[a-z2-7]{26}"  # noqa: S105 - its form, as desk/links.py makes them
_IN_ADDRESS = re.compile(rf"\+link-({TOKEN})@", re.IGNORECASE)
_IN_SUBJECT = re.compile(rf"\s*[\[【]\s*link\s+({TOKEN})\s*[\]】]", re.IGNORECASE)
# Short enough that no program breaks them: what comes back of them is known line by line, and is nobody's question.
_KEEP_ADDRESS = N_("(Please keep the address above as it is: it says who you are.)")
_KEEP_SUBJECT = N_("(Please keep the subject above as it is: it says who you are.)")
_ONLY_YOURS = N_("(Send this only if you opened it yourself, signed in on our page.)")


def mailto(mailbox: str, token: str, subject: str, lang: str, *, plus_addresses: bool) -> str:
    """The address of a mail that the customer's own program opens, ready to be written."""
    local, _, domain = mailbox.lower().rpartition("@")
    signed = f"{local}+link-{token}"
    in_address = plus_addresses and len(signed) <= MOST_LOCAL
    to = f"{signed}@{domain}" if in_address else mailbox
    about = one_line(subject, SUBJECT_CHARS) or translate(N_("My question"), lang)
    about = about if in_address else f"{about} [link {token}]"
    notes = (_KEEP_ADDRESS if in_address else _KEEP_SUBJECT, _ONLY_YOURS)
    body = "\r\n".join(["", "", "", *(translate(note, lang) for note in notes)])
    return f"mailto:{quote(to, safe='@+')}?subject={quote(about, safe='')}&body={quote(body, safe='')}"


def take_out(mail: Mail) -> tuple[str, Mail]:
    """The token a mail carries, "" for none, and the mail without it and without the lines that ask to keep it."""
    written = [*mail.delivered_to, *(one.address for one in (*mail.to, *mail.cc))]
    found = next((match for one in written if (match := _IN_ADDRESS.search(one))), None)
    found = found or _IN_SUBJECT.search(mail.subject)
    if found is None:
        return "", mail
    return found[1].lower(), replace(
        mail,
        subject=_IN_SUBJECT.sub("", mail.subject).strip(), to=_bare(mail.to), cc=_bare(mail.cc),
        delivered_to=tuple(bare(one) if _IN_ADDRESS.search(one) else one for one in mail.delivered_to),
        text=_without_notes(mail.text), new_text=_without_notes(mail.new_text),
    )  # fmt: skip


def _bare(people: tuple[Address, ...]) -> tuple[Address, ...]:
    return tuple(Address("", bare(one.address)) if _IN_ADDRESS.search(one.address) else one for one in people)


def _without_notes(text: str) -> str:
    notes = {translate(note, lang) for note in (_KEEP_ADDRESS, _KEEP_SUBJECT, _ONLY_YOURS) for lang in LOCALES}
    return "\n".join(line for line in text.split("\n") if " ".join(line.split()) not in notes).strip("\n")
