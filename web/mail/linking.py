"""A mail that brings a link from a signed-in page: its sender becomes that customer, if our server vouches for the address.

A link that is not good, or a sender nobody vouches for, changes nothing: it is an ordinary mail, and staff are told why.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from base.i18n import N_, translate
from base.messages import Channel
from base.text import normalise
from channels.email.authenticity import Verdict
from channels.email.models import Address, Mail
from desk import customers, links
from web.mail import notes, onward
from web.wiring import Services

_UNVOUCHED = N_(
    "This mail brings a link from a signed-in page, but nothing proves that {sender} wrote it. Nobody was joined, and the "
    "link is still good."
)
_NOT_GOOD = N_(
    "This mail of {sender} brings a link from a signed-in page that is used, older than half an hour, or wrong. Nobody was "
    "joined."
)
_JOINED = N_("{sender} brought a link from your own site, where {name} is signed in: they are one customer now.")


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link did. `thread_id`: of the conversation the mail goes on with; "" for one of its own."""

    hints: tuple[str, ...] = ()  # for staff
    thread_id: str = ""
    says_nothing: bool = False  # the mail was sent as it was opened: the link is all there is in it


def take(
    session: Session, services: Services, mailbox: str, mail: Mail, sender: Address, found: Verdict, token: str
) -> Linked:  # fmt: skip
    """Join the sender with whoever is signed in where the link was made. Without a token nothing happens."""
    if not token:
        return Linked()
    now, lang = services.clock.now(), services.settings.default_locale
    if found is not Verdict.PASS or not sender.address:
        return Linked((translate(_UNVOUCHED, lang, sender=sender.address or "?"),))
    taken = links.take(session, token, Channel.EMAIL, sender.address, now)
    if taken is None:
        return Linked((translate(_NOT_GOOD, lang, sender=sender.address),))
    customers.unreachable(session, Channel.EMAIL, sender.address, None)  # its owner writes
    name = taken.customer.name or "?"
    hint = translate(_JOINED, lang, sender=sender.address, name=name)
    talk = taken.conversation
    if talk is None:
        return Linked((hint,))
    thread = onward.lead_to(session, talk, mailbox, sender.address, sender.name or taken.customer.name, now)
    if mail.files or normalise(mail.new_text).strip():
        onward.say_so(session, talk, thread, sender.address, now, by_mail=False)
        return Linked((hint,), thread)
    onward.say_so(session, talk, thread, sender.address, now, by_mail=True)
    notes.add(session, services, talk, hint)
    return Linked((), thread, says_nothing=True)
