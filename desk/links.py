"""One-time links from a page on which a customer is signed in: who brings one by another channel is that customer.

For any channel that says by itself who writes: a mail whose sender is vouched for, a Telegram start parameter. Kept as a
digest, for half an hour, used up by the first who proves an id with it; what is joined by one can be undone.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from desk import conversations, customers, identities
from desk.identities import Proof
from desk.models import Conversation, Customer
from desk.proof_tables import LinkRow

VALID = timedelta(minutes=30)
TOKEN = "[a-z2-7]{26}"  # noqa: S105 - its form: letters that survive addresses, subjects and start parameters in any case
_TOKEN_BYTES = 16  # 128 bits: nobody guesses one
_WHOLE = re.compile(TOKEN)


@dataclass(frozen=True, slots=True)
class Link:
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """Whose link it was, now the owner of the id, and the conversation it goes on with, if it was made in one."""

    customer: Customer
    conversation: Conversation | None


def make(session: Session, customer: Customer, conversation: Conversation | None, now: datetime) -> Link:
    """A new link of this customer. What is too old is thrown away on the way."""
    session.execute(delete(LinkRow).where(LinkRow.expires_at <= now))
    token = b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode().rstrip("=").lower()
    talk_id = conversation.id if conversation is not None else None
    row = LinkRow(
        digest=_digest(token), customer_id=customer.id, conversation_id=talk_id, expires_at=now + VALID
    )  # fmt: skip
    session.add(row)
    session.flush()
    return Link(token, row.expires_at)


def take(session: Session, token: str, channel: str, external_id: str, now: datetime) -> Taken | None:
    """Use a link up: this id of a channel is its customer's. None for one that is wrong, used or too old.

    Only for an id that its channel vouches for: the link says who somebody is, not what address they write from.
    """
    token = token.strip().lower()
    row = _row(session, token) if _WHOLE.fullmatch(token) else None
    if row is None or row.expires_at <= now:
        return None
    customer, talk_id = customers.get(session, row.customer_id), row.conversation_id
    session.delete(row)
    session.flush()
    # An id that nobody has gets a customer of its own first, so that this, too, is a join that can be undone.
    customers.meet(session, channel, external_id, "", customer.lang, now)
    kept = identities.claim(session, customer, channel, external_id, Proof.LINK, "customer", now)
    talk = conversations.get(session, talk_id, to_write=True) if talk_id is not None else None
    return Taken(kept, talk if talk is not None and talk.customer_id == kept.id else None)


def _row(session: Session, token: str) -> LinkRow | None:
    """The row of a token, locked: of two who bring the same one, the second finds nothing."""
    return session.scalar(select(LinkRow).where(LinkRow.digest == _digest(token)).with_for_update())


def _digest(token: str) -> str:
    return hashlib.sha256(f"link\x00{token}".encode()).hexdigest()
