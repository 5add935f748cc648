"""Who is signed in on the page may write from their own mail program: a one-time link says that it is them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy.orm import Session

from base.errors import Forbidden
from base.i18n import N_
from base.messages import Channel
from channels.email.links import mailto
from desk import access, customers, links
from desk.access import ThreadActor
from desk.links import Link
from desk.models import Conversation
from web.deps import ChatSession
from web.visitor import Visitor
from web.wiring import Services


class NotSignedIn(Forbidden):
    code = "not_signed_in"
    message = N_("Sign in on our page first: then what you write by another channel is known to be yours.")


class ChatLinkOut(BaseModel):
    token: str
    expires_at: datetime
    mailto: str  # "" where no mailbox knows its senders


def make(services: Services, chat: ChatSession) -> ChatLinkOut:
    """A link of the signed-in customer of this window. Raises NotSignedIn."""
    visitor = chat.visitor
    if visitor is None:
        raise NotSignedIn()
    with services.database.begin() as session:
        link, talk = _make(session, services, chat, visitor)
    return ChatLinkOut(token=link.token, expires_at=link.expires_at, mailto=_mailto(services, link, talk, chat.lang))


def _make(
    session: Session, services: Services, chat: ChatSession, visitor: Visitor
) -> tuple[Link, Conversation | None]:  # fmt: skip
    now = services.clock.now()
    customer = customers.meet(session, Channel.WEBCHAT, visitor.id, visitor.name, chat.lang, now)
    talk = access.conversation_of_thread(session, ThreadActor(Channel.WEBCHAT, chat.thread_id))
    if talk is not None and talk.customer_id != customer.id:
        talk = None  # staff have parted the two
    return links.make(session, customer, talk, now), talk


def _mailto(services: Services, link: Link, talk: Conversation | None, lang: str) -> str:
    """By the first mailbox whose server says who wrote a mail: by another one no link would ever be believed."""
    account = next((one for one in services.office.accounts if one.authserv_id), None)
    if account is None:
        return ""
    subject = talk.subject if talk is not None else ""
    return mailto(account.address, link.token, subject, lang, plus_addresses=account.plus_addresses)
