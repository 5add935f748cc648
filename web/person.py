"""The card of a conversation's customer: their doors, what else they wrote, with whom they were joined."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from base.i18n import N_, translate
from base.messages import Channel
from base.text import detect_language
from desk import conversations, customers, identities
from desk.identities import Identity, Proof
from desk.models import Conversation, Customer
from web.pages import initials, tint
from web.person_views import CustomerView, Fact, IdentityLine, MergeLine, TalkLine

if TYPE_CHECKING:
    from web.present import Presenter

PACKAGE_NAMES = {
    "basic": N_("Basic package"),
    "proactive": N_("Proactive package"),
    "dedicated": N_("Dedicated package"),
}
_PROOFS = {
    Proof.CODE: N_("joined by a code sent to the address"),
    Proof.TOKEN: N_("joined by your own site"),
    Proof.LINK: N_("joined by a link from a page of yours where they are signed in"),
    Proof.STAFF: N_("joined by a colleague"),
}
MOST_TALKS = 6


def customer_view(session: Session, presenter: Presenter, talk: Conversation, customer: Customer) -> CustomerView:
    """Everything about the person, in the reader's language."""
    name, t = presenter.customer_name(customer), presenter.t
    facts = (
        Fact(t(N_("Language")), "中文" if customer.lang == "zh" else "English"),
        Fact(t(N_("Service package")), t(PACKAGE_NAMES.get(customer.package, customer.package))),
        Fact(t(N_("Open tickets")), str(customers.count_open_tickets(session, customer.id))),
    )
    since = customer.created_at.astimezone(ZoneInfo(presenter.services.settings.timezone))
    others = [one for one in conversations.of_customer(session, customer.id) if one.id != talk.id][:MOST_TALKS]
    return CustomerView(
        name, initials(customer.name or name), tint(customer.public_id),
        t(N_("Customer since {date}"), date=f"{since:%Y-%m-%d}"), facts,
        identities=tuple(_identity(one, presenter) for one in identities.of_customer(session, customer.id)),
        talks=tuple(
            TalkLine(
                f"/inbox/{one.public_id}?view=all", one.subject or t(N_("New conversation")),
                detect_language(one.subject, one.lang), one.channel, presenter.moment(one.updated_at),
            )
            for one in others
        ),
        merges=tuple(
            MergeLine(f"/inbox/{talk.public_id}/customer/part/{one.id}", f"{presenter.moment(one.at)} {t(_PROOFS[one.proof])}")
            for one in identities.merges_of(session, customer.id)
        ),
        join_url=f"/inbox/{talk.public_id}/customer/join" if talk.channel != Channel.INCIDENT else "",
    )  # fmt: skip


def _identity(one: Identity, presenter: Presenter) -> IdentityLine:
    from web.present import CHANNEL_NAMES

    readable = one.external_id if one.channel == Channel.EMAIL else one.external_id.removeprefix("user:")
    if one.channel == Channel.WEBCHAT and not one.verified:
        readable = translate(N_("a visitor"), presenter.lang)  # the id of a window says nothing to anybody
    return IdentityLine(one.channel, presenter.t(CHANNEL_NAMES[Channel(one.channel)]), readable, one.verified)
