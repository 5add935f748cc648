"""The queues as a person sees them: what is stuck, why, and what may be done; for the console and the command line."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.i18n import N_
from base.text import shorten
from desk import inbox, mails, outbox, switches
from desk.inbox import Letter
from desk.mails import MailState, MailSummary
from desk.outbox import Delivery, OutboxState
from desk.tables import ConversationRow
from web.delivery_words import STATE_NAMES, reason
from web.mail_views import DeliveriesView, DeliveryLine, MailboxLine
from web.present import Presenter
from web.wiring import Services

STUCK = (OutboxState.BOUNCED, OutboxState.MAYBE_SENT, OutboxState.DEFERRED)
MAILBOX_NAMES = {
    "": N_("not connected yet"),
    "connecting": N_("connecting"),
    "ok": N_("connected"),
    "wrong_password": N_("wrong user or password"),
    "no_connection": N_("no connection"),
    "tls_failed": N_("the certificate is not trusted"),
    "folder_missing": N_("the folder is missing"),
    "storage": N_("mails cannot be stored here"),
}


class Deed(StrEnum):
    """What a person may do about something that is stuck."""

    AGAIN = "again"  # try, read or send it again
    ANSWER = "answer"  # a mail that was only kept: a person wrote it, answer it
    DISCARD = "discard"  # nothing more is to be done
    SENT = "sent"  # it did arrive


def do(session: Session, queue: str, item_id: int, deed: Deed, now: datetime) -> bool:
    """Do it. False when there is no such thing in that state."""
    match queue, deed:
        case "outbox", Deed.AGAIN:
            return outbox.again(session, item_id, now)
        case "outbox", Deed.SENT:
            return outbox.settle(session, item_id, OutboxState.SENT)
        case "outbox", Deed.DISCARD:
            return outbox.settle(session, item_id, OutboxState.DROPPED)
        case "inbox", Deed.AGAIN:
            return inbox.again(session, item_id, now)
        case "mail", Deed.AGAIN | Deed.ANSWER:
            return mails.again(session, item_id, now, answer=deed is Deed.ANSWER)
        case "mail", Deed.DISCARD:
            return mails.discard(session, item_id)
    return False


def deliveries(session: Session, services: Services, presenter: Presenter) -> DeliveriesView:
    """Everything a person has to look at, the newest first."""
    stuck = outbox.listed(session, STUCK)
    talks = _public_ids(session, [one.conversation_id for one in stuck])
    lines = [
        *(_of_outbox(one, talks, presenter) for one in stuck),
        *(_of_inbox(one, presenter) for one in inbox.dead_letters(session)),
        *(_of_mail(one, presenter) for one in mails.listed(session, [MailState.QUARANTINED])),
    ]
    kept = [_of_mail(one, presenter) for one in mails.listed(session, [MailState.NOTED], 30)]
    pause = next((one for one in switches.off(session) if one.name == outbox.PAUSED), None)
    health = {one.name: one for one in mails.health(session)}
    boxes = []
    for account in services.office.accounts:
        found = health.get(account.name)
        state = found.state if found else ""
        boxes.append(
            MailboxLine(
                account.name, account.address, state, presenter.t(MAILBOX_NAMES.get(state, "?")),
                found.detail if found else "", presenter.moment(found.since) if found else "", state == "ok",
            )
        )  # fmt: skip
    return DeliveriesView(
        tuple(lines), tuple(kept), tuple(boxes), tuple(sorted(outbox.counts(session).items())),
        pause.by if pause else "", presenter.moment(pause.at) if pause else "",
    )  # fmt: skip


def _of_outbox(one: Delivery, talks: dict[int, str], presenter: Presenter) -> DeliveryLine:
    final = one.state is not OutboxState.DEFERRED
    public_id = talks.get(one.conversation_id, "")
    return DeliveryLine(
        id=one.id, queue="outbox", state=one.state, state_name=presenter.t(STATE_NAMES[one.state]), who=one.recipient,
        what="", error=reason(one.error, presenter.lang), when=presenter.moment(one.created_at), attempts=one.attempts,
        conversation_url=f"/inbox/{public_id}" if public_id else "", can_try=final, can_settle=final, raw_url="",
    )  # fmt: skip


def _of_inbox(one: Letter, presenter: Presenter) -> DeliveryLine:
    return DeliveryLine(
        id=one.id, queue="inbox", state="dead", state_name=presenter.t(STATE_NAMES["dead"]), who=str(one.channel),
        what=shorten(one.payload, 300), error=one.error, when=presenter.moment(one.received_at), attempts=one.attempts,
        conversation_url="", can_try=True, can_settle=False, raw_url="",
    )  # fmt: skip


def _of_mail(one: MailSummary, presenter: Presenter) -> DeliveryLine:
    return DeliveryLine(
        id=one.id, queue="mail", state=one.state, state_name=presenter.t(STATE_NAMES[one.state]), who=one.sender,
        what=one.subject, error=one.error, when=presenter.moment(one.received_at), attempts=one.attempts,
        conversation_url="", can_try=True, can_settle=one.state is MailState.QUARANTINED,
        raw_url=f"/inbox/mails/{one.id}",
    )  # fmt: skip


def _public_ids(session: Session, ids: list[int]) -> dict[int, str]:
    query = select(ConversationRow.id, ConversationRow.public_id).where(ConversationRow.id.in_(ids))
    return dict(session.execute(query).tuples().all())
