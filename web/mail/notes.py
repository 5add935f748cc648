"""What staff are told about a mail beside its words: where it points, who is not proven, what was not kept."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from base.i18n import N_, format_bytes, translate
from base.messages import Channel
from base.text import shorten
from channels.email.models import Address, Mail, MailFile, MailKind
from desk import conversations, customers, doors, mail_threads
from desk.conversations import TurnDraft
from desk.mail_threads import How, Placement
from desk.models import Author, Conversation
from web.mail.office import Office
from web.mail.scanning import INFECTED, NOT_SCANNED
from web.wiring import Services

ABOUT = "about"  # in a note's payload: what it was written for, once
_KEPT = {
    MailKind.AUTO_REPLY: N_("An automatic reply came from {sender}. It was not answered and changes nothing:"),
    MailKind.BULK: N_("A circular came from {sender}. It was not answered and changes nothing:"),
}
_REFUSED = {
    "too_large": N_("{name} ({size}): too large"),
    "too_many": N_("{name} ({size}): too many files"),
    "forbidden_type": N_("{name} ({size}): a kind of file that is not taken"),
    "unreadable": N_("{name} ({size}): damaged"),
    INFECTED: N_("{name} ({size}): the virus scanner found something in it"),
    "too_much": N_("{name} ({size}): too much for one mail"),
    "decoration": N_("{name} ({size}): a small picture of the text, such as a logo"),
    "mail_in_mail": N_("{name} ({size}): there is a mail in the mail, and it may belong to that"),
    "by_chat": N_("{name} ({size}): the customer reads this in the chat, which shows no files"),
    "not_sent": N_("{name} ({size})"),
}


def hints(
    session: Session, services: Services, office: Office, mail: Mail, sender: Address, where: Placement
) -> list[str]:
    """Notes for staff about a customer's mail, in the team's language."""
    lang, found = services.settings.default_locale, list[str]()
    if where.how is How.STRANGER:
        text = N_(
            "This mail points at {other}, but nothing proves that its sender ({sender}) takes part there. It was not "
            "added, and its sender learns nothing of it."
        )
        found.append(translate(text, lang, other=_name(session, where.pointed_at, lang), sender=sender.address or "?"))
    elif where.how is How.FOLLOWS:
        other = _name(session, where.pointed_at, lang)
        found.append(translate(N_("This follows {other}, which is over."), lang, other=other))
    thread = mail_threads.get(session, where.thread_id) if where.thread_id else None
    if host := _host(session, where.thread_id, sender):
        text = N_(
            "{sender} is a guest here: their conversation was merged into this one. Answers go to {customer} only."
        )
        found.append(translate(text, lang, sender=sender.address or "?", customer=host))
    elif thread is not None and sender.address != thread.address:
        text = N_("Written by {sender}, who has an answer link of this conversation. Answers go to {address} only.")
        found.append(translate(text, lang, sender=sender.address or "?", address=thread.address))
    if others := _others(office, mail, sender):
        text = N_("Also sent to {others}. They get no answers from here.")
        found.append(translate(text, lang, others=shorten(", ".join(others), 300)))
    if refused := [(one, one.refused) for one in mail.files if one.refused]:
        found.append(translate(N_("Not kept: {files}."), lang, files=files(services, refused)))
    if NOT_SCANNED in mail.flaws:
        text = N_("The virus scanner has not seen every file of this mail. Each is checked when it is opened.")
        found.append(translate(text, lang))
    if "encrypted" in mail.flaws:
        found.append(translate(N_("This mail is encrypted. Nobody here can read its content."), lang))
    return found


def files(services: Services, refused: Sequence[tuple[MailFile, str]]) -> str:
    """Names, sizes and reasons of files that are not where somebody may look for them."""
    lang = services.settings.default_locale
    return "; ".join(
        translate(_REFUSED.get(why, _REFUSED["unreadable"]), lang, name=one.name, size=format_bytes(one.size_bytes))
        for one, why in refused[:10]
    )


def unproven(services: Services, sender: Address, owner: str) -> str:
    """That a mail claims to come from somebody who is known, and does not prove it."""
    text = N_("{sender} belongs to a known customer ({owner}), but nothing proves that this mail comes from there.")
    return translate(text, services.settings.default_locale, sender=sender.address, owner=owner or "?")


def disowned(services: Services, sender: Address) -> str:
    """That a mail is a forgery by the word of the domain it claims to come from."""
    text = N_(
        "The domain of {sender} says that this mail is not from there. Nothing is answered by itself; check it before "
        "you do."
    )
    return translate(text, services.settings.default_locale, sender=sender.address)


def nobody(services: Services) -> str:
    """That a mail has no sender who could be answered."""
    text = N_("This mail names no sender, or several. It cannot be answered by mail.")
    return translate(text, services.settings.default_locale)


def keep(session: Session, services: Services, thread_id: str, mail: Mail, sender: Address) -> None:
    """An automatic reply or a circular that belongs to a conversation: a note in it, and nothing else."""
    talk = of_thread(session, thread_id)
    if talk is None:
        return
    lang = services.settings.default_locale
    head = translate(_KEPT.get(mail.kind, _KEPT[MailKind.BULK]), lang, sender=sender.address or "?")
    add(session, services, talk, f"{head}\n\n{shorten(mail.new_text, 1500)}")


def add(session: Session, services: Services, talk: Conversation, text: str) -> None:
    """A note in a conversation: it wakes no bot, opens nothing, moves no clock."""
    lang = services.settings.default_locale
    conversations.add_turns(session, talk.id, [TurnDraft(Author.NOTE, text, lang)], services.clock.now())


def add_once(session: Session, services: Services, talk: Conversation, text: str, about: str) -> None:
    """A note as by `add`, unless there is one about the same already."""
    known = conversations.latest_turns(session, talk.id, 100)
    if any(turn.payload.get(ABOUT) == about for turn in known):
        return
    lang, now = services.settings.default_locale, services.clock.now()
    conversations.add_turns(session, talk.id, [TurnDraft(Author.NOTE, text, lang, payload={ABOUT: about})], now)


def of_thread(session: Session, thread_id: str) -> Conversation | None:
    """The conversation of a thread of mails."""
    return doors.conversation_of(session, Channel.EMAIL, thread_id)


def _name(session: Session, thread_id: str, lang: str) -> str:
    ticket = mail_threads.ticket_of(session, thread_id)
    if ticket is not None:
        return ticket.name
    thread = mail_threads.get(session, thread_id)
    return translate(N_('another conversation ("{subject}")'), lang, subject=thread.subject if thread else "?")


def _host(session: Session, thread_id: str, sender: Address) -> str:
    """The name of the customer of the conversation a mail goes to, when its sender came there by a merge; else ""."""
    own, end = doors.own_conversation(session, Channel.EMAIL, thread_id), of_thread(session, thread_id)
    if own is None or end is None:
        return ""
    apart = own.customer_id != end.customer_id
    host = customers.get(session, end.customer_id)
    if apart and sender.address not in mail_threads.addresses_of(session, host.id):
        return host.name or "?"
    known, invited = (mail_threads.participants(session, thread_id, guests=guests) for guests in (False, True))
    return (host.name or "?") if not apart and sender.address in invited - known else ""


def _others(office: Office, mail: Mail, sender: Address) -> list[str]:
    """The people it went to beside us."""
    written = [one.address.lower() for one in (*mail.to, *mail.cc) if one.address]
    return [one for one in dict.fromkeys(written) if one != sender.address and not office.is_ours(one)]
