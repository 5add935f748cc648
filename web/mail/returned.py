"""A mail of ours that came back: the reply is marked, staff are told, and nothing automatic goes there any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from base.i18n import N_, translate
from base.messages import Channel
from base.text import shorten
from channels.email.addresses import bounced_key
from channels.email.models import DeliveryReport, Mail
from desk import conversations, customers, doors, mail_threads, outbox
from desk.models import Conversation, ConversationState
from desk.outbox import Dispatch
from web.mail import notes
from web.mail.notify import conversation_of
from web.mail.office import Office
from web.wiring import Services

DOUBTED_FOR = timedelta(days=3)  # so long a report that names nothing of ours may be about what went to its recipient
MOST_DOUBTED = 5  # recipients of one such report


def note(session: Session, services: Services, mail: Mail, mailbox: str, office: Office) -> None:
    """Map a bounce to the reply it is about. One that is about no mail of ours changes nothing.

    Only what we signed is believed, an id or the address it came to: else anybody could make us fall silent towards
    somebody. mailbox: where it came in.
    """
    report = mail.report
    if report is None:
        return
    message_id, thread_id = _signed(session, office, mail, report)
    if not thread_id:
        _doubt(session, services, report, mailbox)
    elif (told := conversation_of(session, thread_id)) is not None:
        _not_told(session, services, told, report, message_id)
    elif (talk := doors.answered_in(session, Channel.EMAIL, thread_id)) is not None:  # the one it was sent from
        _replied(session, services, talk, report, message_id)


def came_to(session: Session, mail: Mail, office: Office) -> Dispatch | None:
    """The reply whose envelope sender this mail came to; None when it came to no such address of ours."""
    for address in dict.fromkeys([*mail.delivered_to, *(one.address for one in (*mail.to, *mail.cc))]):
        key = bounced_key(address)
        found = outbox.dispatched(session, key) if key else None
        if found is not None and office.signer.is_bounce_address(address, found.thread_id, found.key):
            return found
    return None


def machine(session: Session, services: Services, mail: Mail, reply: Dispatch) -> None:
    """Keep what a machine sent to a reply's envelope sender and what is no bounce we can read: a note, and no more."""
    talk = conversation_of(session, reply.thread_id) or doors.answered_in(session, Channel.EMAIL, reply.thread_id)
    if talk is not None:
        text = N_("A machine answered the mail to {address}. It may not have arrived. It says:")
        head = translate(text, services.settings.default_locale, address=reply.recipient)
        notes.add(session, services, talk, f"{head}\n\n{shorten(mail.new_text, 1500)}")


def _signed(session: Session, office: Office, mail: Mail, report: DeliveryReport) -> tuple[str, str]:
    """Id and thread of the mail a report is about, by what we signed; "" and "" without that."""
    thread_id = office.signer.read_message_id(report.message_id)
    if thread_id is not None:
        return report.message_id, thread_id
    reply = came_to(session, mail, office)
    return (reply.message_id, reply.thread_id) if reply is not None else ("", "")


def _replied(
    session: Session, services: Services, talk: Conversation, report: DeliveryReport, message_id: str
) -> None:  # fmt: skip
    """A reply to a customer came back."""
    lang, why = services.settings.default_locale, _why(report)
    if not report.failed:
        text = N_("A reply has not been delivered yet; the other server goes on trying: {why}")
        notes.add(session, services, talk, translate(text, lang, why=why))
        return
    came_back = outbox.came_back(session, message_id, why)
    if came_back is None:
        return
    now = services.clock.now()
    customers.unreachable(session, Channel.EMAIL, came_back.recipient, now)
    text = N_("This reply could not be delivered to {address}: {why} Reach the customer another way.")
    notes.add(session, services, talk, translate(text, lang, address=came_back.recipient, why=why))
    if talk.state is ConversationState.BOT and talk.ticket_id is not None:
        conversations.change(session, talk, now, state=ConversationState.WAITING)


def _doubt(session: Session, services: Services, report: DeliveryReport, mailbox: str) -> None:
    """Nothing in a report is ours but perhaps its recipient: where one mail alone went there of late, staff are told once.
    Nothing is marked and nobody becomes unreachable: anybody could have written it."""
    lang, since = services.settings.default_locale, services.clock.now() - DOUBTED_FOR
    failed = [one.address for one in report.recipients if one.action == "failed" and one.address]
    for address in dict.fromkeys(failed[:MOST_DOUBTED]):
        reply = outbox.only_one_to(session, address, since)
        thread = mail_threads.get(session, reply.thread_id) if reply is not None else None
        talk = doors.answered_in(session, Channel.EMAIL, thread.thread_id) if thread is not None else None
        if reply is None or talk is None or thread is None or thread.mailbox != mailbox:
            continue
        text = N_(
            "A mail server says that a mail to {address} was not delivered. It does not say which, and may be mistaken: the "
            "last reply may not have arrived. It says: {why}"
        )
        notes.add_once(
            session, services, talk, translate(text, lang, address=reply.recipient, why=_why(report)), reply.key
        )


def _not_told(
    session: Session, services: Services, talk: Conversation, report: DeliveryReport, message_id: str
) -> None:  # fmt: skip
    """A notification to staff came back. The customer has nothing to do with it."""
    why = _why(report)
    came_back = outbox.came_back(session, message_id, why) if report.failed else None
    if came_back is not None:
        text = N_("The notification to {address} could not be delivered: {why}")
        head = translate(text, services.settings.default_locale, address=came_back.recipient, why=why)
        notes.add(session, services, talk, head)


def _why(report: DeliveryReport) -> str:
    said = [" ".join(part for part in (one.status, one.diagnosis) if part) for one in report.recipients]
    return shorten("; ".join(part for part in said if part) or "?", 300)
