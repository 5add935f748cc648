"""Staff answer by mail, from their own address and to an address that was made for them and this conversation alone.

Anything less never reaches the customer: it becomes a note, or an ordinary mail like everybody's.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.i18n import N_, translate
from base.messages import Channel
from base.text import shorten
from channels.email.authenticity import Verdict
from channels.email.models import Address, Mail
from channels.email.quotes import split_reply
from desk import customers, doors, replies
from desk.models import Conversation, Staff
from desk.staff import may, to_staff
from desk.tables import StaffRow
from web.mail import enclosures, notes
from web.mail.notify import conversation_of
from web.mail.office import Office
from web.mail.staff_letters import own_words
from web.wiring import Services

_OURS = "firstline"
NOT_SENT = N_("Files that were not sent to the customer: {files}.")


def take(
    session: Session, services: Services, office: Office, mail: Mail, sender: Address, found: Verdict, mail_id: int
) -> bool:  # fmt: skip
    """Send a colleague's reply to the customer. True when the mail was one, or pretended to be: it is dealt with."""
    to = [*mail.delivered_to, *(one.address for one in (*mail.to, *mail.cc))]
    tokens = [token for address in to if (token := office.signer.read_address(address)) and token.staff]
    if not tokens:
        return _astray(session, services, office, mail, sender)
    [token, *_] = tokens
    talk, meant_for = notes.of_thread(session, token.thread), doors.answered_in(session, Channel.EMAIL, token.thread)
    if talk is None or meant_for is None:
        return False
    member = _colleague(session, token.staff)
    # Who stands in From, not whom it asks to answer: of that the other side's server says nothing.
    written_by = [one.address.lower() for one in mail.senders]
    proven = member is not None and written_by == [member.email] and found is not Verdict.FAIL
    if member is None or not proven:
        text = N_("A mail to an answer address of {name} came from {sender}. It was NOT sent to the customer. It says:")
        name = member.name if member else "?"
        head = translate(text, services.settings.default_locale, name=name, sender=sender.address or "?")
        _note(session, services, talk, mail, f"{head}\n\n{shorten(mail.new_text, 1500)}")
        return True
    if meant_for.id != talk.id:
        text = N_("{name} answered {customer}, whose conversation was merged into this one. It was NOT sent. It says:")
        customer = customers.get(session, meant_for.customer_id).name or "?"
        head = translate(text, services.settings.default_locale, name=member.name, customer=customer)
        _note(session, services, talk, mail, f"{head}\n\n{shorten(mail.new_text, 1500)}")
        return True
    quoted = _own_words(mail)
    if text := own_words(quoted).strip():
        _send(session, services, talk, member, text, mail, mail_id)
    elif quoted.strip():
        text = N_("{name} answered below what the mail quotes. It was NOT sent to the customer: reply here. It says:")
        head = translate(text, services.settings.default_locale, name=member.name)
        _note(session, services, talk, mail, f"{head}\n\n{shorten(mail.new_text, 1500)}")
    else:
        empty = N_("A mail of {name} holds nothing but what it quotes. Nothing was sent to the customer.")
        _note(session, services, talk, mail, translate(empty, services.settings.default_locale, name=member.name))
    return True


def _send(
    session: Session, services: Services, talk: Conversation, member: Staff, text: str, mail: Mail, mail_id: int
) -> None:  # fmt: skip
    """The reply with its files; what does not go is named in a note."""
    chosen = enclosures.choose(mail)
    numbers, left_out = chosen.numbers, list(chosen.left_out)
    if doors.through(talk).channel != Channel.EMAIL:
        left_out += [(mail.files[n], "by_chat") for n in numbers]
        numbers = ()
    replies.reply(
        session, services.defaults, talk, member, text, services.clock.now(),
        enclosures.shown(mail_id, mail.files, numbers), enclosures.to_extra(mail_id, numbers),
    )  # fmt: skip
    if left_out:
        said = translate(NOT_SENT, services.settings.default_locale, files=notes.files(services, left_out))
        notes.add(session, services, talk, said)


def _note(session: Session, services: Services, talk: Conversation, mail: Mail, text: str) -> None:
    """A note in place of a reply that was not sent, with the files that went nowhere either."""
    lost = [(one, one.refused or "not_sent") for one in mail.files]
    said = translate(NOT_SENT, services.settings.default_locale, files=notes.files(services, lost)) if lost else ""
    notes.add(session, services, talk, "\n\n".join(part for part in (text, said) if part))


def _astray(session: Session, services: Services, office: Office, mail: Mail, sender: Address) -> bool:
    """A colleague's answer to a notification that went to the mailbox itself: kept as a note. Nobody speaks as a customer
    because they were told of one."""
    threads = [office.signer.read_message_id(one) for one in mail.in_reply_to]
    talk = next((found for one in threads if one and (found := conversation_of(session, one))), None)
    known = select(StaffRow.id).where(StaffRow.email == sender.address)
    if talk is None or session.scalar(known) is None:
        return False
    text = N_("{sender} answered a notification by mail. It was NOT sent to the customer: reply here. It says:")
    head = translate(text, services.settings.default_locale, sender=sender.address)
    _note(session, services, talk, mail, f"{head}\n\n{shorten(own_words(mail.new_text), 1500)}")
    return True


def _own_words(mail: Mail) -> str:
    """What a colleague wrote; "" for a mail that only quotes: what we told a colleague is not for the customer.

    Of such a mail `new_text` is all of it. Below a word of our own, only that word is left.
    """
    if mail.new_text.strip() != mail.text.strip():
        return mail.new_text.strip()
    return "" if split_reply(f"{_OURS}\n\n{mail.text}").text.strip() == _OURS else mail.new_text.strip()


def _colleague(session: Session, public_id: str) -> Staff | None:
    row = session.scalar(select(StaffRow).where(StaffRow.public_id == public_id, StaffRow.active))
    member = to_staff(row) if row is not None else None
    return member if member is not None and may(member, "inbox") else None
