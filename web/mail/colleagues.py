"""Staff answer by mail, from their own address and to an address that was made for them and this conversation alone.

Anything less never reaches the customer: it becomes a note, or an ordinary mail like everybody's.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.i18n import N_, translate
from base.text import shorten
from channels.email.authenticity import Verdict
from channels.email.models import Address, Mail
from desk import replies
from desk.models import Staff
from desk.staff import may, to_staff
from desk.tables import StaffRow
from web.mail import notes
from web.mail.office import Office
from web.wiring import Services


def take(
    session: Session, services: Services, office: Office, mail: Mail, sender: Address, found: Verdict
) -> bool:  # fmt: skip
    """Send a colleague's reply to the customer. True when the mail was one, or pretended to be: it is dealt with."""
    to = [*mail.delivered_to, *(one.address for one in (*mail.to, *mail.cc))]
    tokens = [token for address in to if (token := office.signer.read_address(address)) and token.staff]
    if not tokens:
        return False
    [token, *_] = tokens
    talk = notes.of_thread(session, token.thread)
    if talk is None:
        return False
    member = _colleague(session, token.staff)
    proven = member is not None and member.email == sender.address and found is not Verdict.FAIL
    if member is None or not proven:
        text = N_("A mail to an answer address of {name} came from {sender}. It was NOT sent to the customer. It says:")
        name = member.name if member else "?"
        head = translate(text, services.settings.default_locale, name=name, sender=sender.address or "?")
        notes.add(session, services, talk, f"{head}\n\n{shorten(mail.new_text, 1500)}")
        return True
    if mail.new_text.strip():
        replies.reply(session, services.defaults, talk, member, mail.new_text, services.clock.now())
    return True


def _colleague(session: Session, public_id: str) -> Staff | None:
    row = session.scalar(select(StaffRow).where(StaffRow.public_id == public_id, StaffRow.active))
    member = to_staff(row) if row is not None else None
    return member if member is not None and may(member, "inbox") else None
