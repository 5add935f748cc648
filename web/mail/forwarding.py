"""A colleague passes a customer's mail on with `@fwd`: the customer becomes the one who wrote, the colleague a note.

Only from a colleague's own address that our mail server vouches for. From anybody else it is an ordinary mail, and whoever
it claims to come from hears nothing of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.clock import zone_of
from base.i18n import N_, format_time, translate
from base.text import shorten
from channels.email.authenticity import Verdict
from channels.email.forwards import Forwarded, asks_to_forward, read_forward
from channels.email.models import Address, Mail
from desk.models import Staff
from desk.staff import may, to_staff
from desk.tables import StaffRow
from web.mail.office import Office
from web.wiring import Services

FORWARDED = "forwarded"  # how such a mail was taken


@dataclass(frozen=True, slots=True)
class Passed:
    """What a colleague wants to pass on."""

    mail: Mail  # the customer's mail; the colleague's own, where it cannot be told who wrote the other
    sender: Address
    hint: str  # for staff
    readable: bool


def passed_on(
    session: Session, services: Services, office: Office, mail: Mail, sender: Address, found: Verdict
) -> Passed | None:
    """The customer's mail that a proven colleague passes on; None for any other mail."""
    if found is not Verdict.PASS or not asks_to_forward(mail):
        return None
    member = _colleague(session, mail)
    if member is None:
        return None
    forward = read_forward(mail, zone_of(services.settings.timezone))
    if forward is None or office.is_ours(forward.sender.address) or forward.sender.address == member.email:
        return Passed(replace(mail, new_text=mail.text), sender, _unread(services, member), readable=False)
    return Passed(_as_written(mail, forward), forward.sender, _hint(services, member, forward), readable=True)


def _colleague(session: Session, mail: Mail) -> Staff | None:
    """Who wrote the mail, if it is an active colleague who may answer customers."""
    written_by = [one.address.lower() for one in mail.senders]
    row = session.scalar(select(StaffRow).where(StaffRow.email.in_(written_by), StaffRow.active))
    member = to_staff(row) if row is not None and len(written_by) == 1 else None
    return member if member is not None and may(member, "inbox") else None


def _as_written(mail: Mail, forward: Forwarded) -> Mail:
    """The mail as its first sender's. Of the colleague's own headers nothing is left: the customer has never seen them."""
    own_id = forward.message_id or f"raw-{hashlib.sha256(mail.message_id.encode()).hexdigest()}@firstline"
    return replace(
        mail, message_id=own_id, has_own_id=bool(forward.message_id), senders=(forward.sender,), reply_to=(),
        to=(), cc=(), in_reply_to=(), references=(), subject=forward.subject, date=forward.date or mail.date,
        new_text=forward.text, language="", authentication=(),
    )  # fmt: skip


def _hint(services: Services, member: Staff, forward: Forwarded) -> str:
    lang, zone = services.settings.default_locale, services.settings.timezone
    when = format_time(forward.date, lang, zone) if forward.date else "?"
    text = N_(
        "{name} forwarded this mail of {sender}, written {when}. Nothing proves who wrote it. Answers go to {sender}."
    )
    said = translate(text, lang, name=member.name, sender=forward.sender.address, when=when)
    if not forward.comment:
        return said
    comment = translate(N_("{name} says:"), lang, name=member.name)
    return f"{said}\n\n{comment}\n{shorten(forward.comment, 1500)}"


def _unread(services: Services, member: Staff) -> str:
    text = N_(
        "{name} wanted to forward a customer's mail, but it cannot be told who wrote it. Forward it as an attachment, or "
        "so that the line “From:” has the customer's address."
    )
    return translate(text, services.settings.default_locale, name=member.name)
