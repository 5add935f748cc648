"""A mail of ours that came back: the reply is marked, staff are told, and nothing automatic goes there any more."""

from __future__ import annotations

from sqlalchemy.orm import Session

from base.i18n import N_, translate
from base.messages import Channel
from base.text import shorten
from channels.email.models import DeliveryReport, Mail
from desk import conversations, customers, outbox
from desk.models import Conversation, ConversationState
from web.mail import notes
from web.mail.notify import conversation_of
from web.mail.office import Office
from web.wiring import Services


def note(session: Session, services: Services, mail: Mail, office: Office) -> None:
    """Map a bounce to the reply it is about. One that is about no mail of ours changes nothing.

    Only an id we signed is believed: else anybody could make us fall silent towards somebody.
    """
    report = mail.report
    thread_id = office.signer.read_message_id(report.message_id) if report else None
    if report is None or thread_id is None:
        return
    if (told := conversation_of(session, thread_id)) is not None:
        _not_told(session, services, told, report)
        return
    talk = notes.of_thread(session, thread_id)
    if talk is None:
        return
    lang, why = services.settings.default_locale, _why(report)
    if not report.failed:
        text = N_("A reply has not been delivered yet; the other server goes on trying: {why}")
        notes.add(session, services, talk, translate(text, lang, why=why))
        return
    came_back = outbox.came_back(session, report.message_id, why)
    if came_back is None:
        return
    now = services.clock.now()
    customers.unreachable(session, Channel.EMAIL, came_back.recipient, now)
    text = N_("This reply could not be delivered to {address}: {why} Reach the customer another way.")
    notes.add(session, services, talk, translate(text, lang, address=came_back.recipient, why=why))
    if talk.state is ConversationState.BOT and talk.ticket_id is not None:
        conversations.change(session, talk, now, state=ConversationState.WAITING)


def _not_told(session: Session, services: Services, talk: Conversation, report: DeliveryReport) -> None:
    """A notification to staff came back. The customer has nothing to do with it."""
    why = _why(report)
    came_back = outbox.came_back(session, report.message_id, why) if report.failed else None
    if came_back is not None:
        text = N_("The notification to {address} could not be delivered: {why}")
        head = translate(text, services.settings.default_locale, address=came_back.recipient, why=why)
        notes.add(session, services, talk, head)


def _why(report: DeliveryReport) -> str:
    said = [" ".join(part for part in (one.status, one.diagnosis) if part) for one in report.recipients]
    return shorten("; ".join(part for part in said if part) or "?", 300)
