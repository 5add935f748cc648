"""A conversation that goes on by mail: the thread of mails to an address that was proven, and what is said then."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from base.i18n import N_, translate
from base.messages import Channel, Outbound
from desk import conversations, doors, mail_threads, outbox
from desk.doors import Door
from desk.models import Author, Conversation


def lead_to(session: Session, talk: Conversation, mailbox: str, address: str, name: str, now: datetime) -> str:
    """The thread by which a conversation reaches this address, made if there is none. Answers leave by it from now on."""
    thread = next((d.thread_id for d in doors.all_of(session, talk) if _is_mail_to(session, d, address)), "")
    thread = thread or mail_threads.open_thread(session, mailbox, address, name, talk.subject, now)
    doors.add(session, conversations.get(session, talk.id, to_write=True), Door(Channel.EMAIL, thread), now)
    return thread


def say_so(session: Session, talk: Conversation, thread: str, address: str, now: datetime, *, by_mail: bool) -> None:
    """Tell the window where answers go.

    by_mail: also begin the thread of mails with what was said last, so that the customer can answer it at once.
    """
    lang = talk.lang
    text = translate(
        N_("From now on answers also go to {address}. Write here again, and they come here first."),
        lang,
        address=address,
    )
    last = [
        turn for turn in conversations.latest_turns(session, talk.id, 6) if turn.author in (Author.BOT, Author.STAFF)
    ]
    turn = conversations.add_turn(session, talk.id, Author.SYSTEM, text, lang, now)
    if not by_mail:
        return
    body = translate(N_("We go on here by mail: just answer this one."), lang)
    if last:
        body += "\n\n" + translate(N_("What was said last:"), lang) + "\n\n" + last[-1].text
    outbound = Outbound(
        key=f"turn-{turn.id}", channel=Channel.EMAIL, thread_id=thread, text=body, lang=lang, author="system"
    )  # fmt: skip
    outbox.put(session, outbound, talk.id, turn.id, now)


def _is_mail_to(session: Session, door: Door, address: str) -> bool:
    thread = mail_threads.get(session, door.thread_id) if door.channel is Channel.EMAIL else None
    return thread is not None and thread.address == address
