"""Customers and how channels know them. A claimed name or address joins nothing: only proof does (promise 8)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from base.errors import NotFound
from base.messages import Inbound
from desk.models import Customer
from desk.tables import CustomerRow, IdentityRow, TicketRow, plain
from desk.tickets import OPEN_STATES

_CUSTOMERS, _IDENTITIES = plain(CustomerRow), plain(IdentityRow)
_BY_IDENTITY = (
    select(_CUSTOMERS)
    .join(_IDENTITIES, _IDENTITIES.c.customer_id == _CUSTOMERS.c.id)
    .where(_IDENTITIES.c.channel == bindparam("channel"), _IDENTITIES.c.external_id == bindparam("external_id"))
)
_BY_ID = select(_CUSTOMERS).where(_CUSTOMERS.c.id == bindparam("id"))
_NEW = insert(_CUSTOMERS).returning(_CUSTOMERS.c.id)
_NEW_IDENTITY = insert(_IDENTITIES)


def find(session: Session, channel: str, external_id: str) -> Customer | None:
    """The customer a channel's id belongs to, if we met it before."""
    row = session.execute(_BY_IDENTITY, {"channel": channel, "external_id": external_id}).one_or_none()
    return to_customer(row) if row else None


def find_or_create(session: Session, inbound: Inbound, lang: str, now: datetime) -> Customer:
    """The sender's customer; a new one, known by this channel's id alone, at the first message."""
    verified = bool(inbound.extra.get("verified"))
    known = find(session, inbound.channel, inbound.sender_id)
    if known is None:
        return _add(session, inbound.channel, inbound.sender_id, inbound.sender_name, lang, verified, now)
    if verified:
        prove(session, inbound.channel, inbound.sender_id)
    return known


def meet(session: Session, channel: str, external_id: str, name: str, lang: str, now: datetime) -> Customer:
    """The customer of an id that was proven just now, before they have written anything: a new one if nobody has it."""
    known = find(session, channel, external_id)
    if known is None:
        return _add(session, channel, external_id, name, lang, True, now)
    prove(session, channel, external_id)
    return known


def _add(
    session: Session, channel: str, external_id: str, name: str, lang: str, verified: bool, now: datetime
) -> Customer:  # fmt: skip
    values: dict[str, Any] = {
        "public_id": secrets.token_hex(12), "name": name[:200], "lang": lang, "package": "basic", "created_at": now,
    }  # fmt: skip
    customer = Customer(id=session.execute(_NEW, values).scalar_one(), **values)
    known_by = {"customer_id": customer.id, "channel": channel, "external_id": external_id}
    session.execute(_NEW_IDENTITY, {**known_by, "verified": verified, "created_at": now})
    return customer


def name(session: Session, customer_id: int, name: str) -> None:
    """Call a customer by this name from now on."""
    session.execute(update(CustomerRow).where(CustomerRow.id == customer_id).values(name=name[:200]))


def prove(session: Session, channel: str, external_id: str) -> None:
    """Note that somebody has proven that this id of a channel is theirs. One that is not known yet stays unknown."""
    session.execute(
        update(IdentityRow)
        .where(IdentityRow.channel == channel, IdentityRow.external_id == external_id)
        .values(verified=True)
    )


def is_verified(session: Session, channel: str, external_id: str) -> bool:
    """Whether somebody has proven that this id of a channel is theirs."""
    query = select(IdentityRow.verified).where(IdentityRow.channel == channel, IdentityRow.external_id == external_id)
    return bool(session.scalar(query))


def unreachable(session: Session, channel: str, external_id: str, since: datetime | None) -> None:
    """Note that what we sent there came back; None: its owner has written, so it can be reached again."""
    session.execute(
        update(IdentityRow)
        .where(IdentityRow.channel == channel, IdentityRow.external_id == external_id)
        .values(unreachable_at=since)
    )


def is_unreachable(session: Session, channel: str, external_id: str) -> bool:
    """Whether what we sent to this id came back and nothing was heard from it since."""
    query = select(IdentityRow.unreachable_at).where(
        IdentityRow.channel == channel, IdentityRow.external_id == external_id
    )
    return session.scalar(query) is not None


def get(session: Session, customer_id: int) -> Customer:
    """Raises NotFound."""
    row = session.execute(_BY_ID, {"id": customer_id}).one_or_none()
    if row is None:
        raise NotFound("customer", id=customer_id)
    return to_customer(row)


def by_ids(session: Session, ids: Sequence[int]) -> dict[int, Customer]:
    """Those with these ids; unknown ones are left out."""
    found = session.execute(select(_CUSTOMERS).where(_CUSTOMERS.c.id.in_(list(ids))))
    return {row.id: to_customer(row) for row in found}


def count_open_tickets(session: Session, customer_id: int) -> int:
    query = select(func.count()).where(TicketRow.customer_id == customer_id, TicketRow.state.in_(OPEN_STATES))
    return int(session.scalar(query) or 0)


def to_customer(row: Any) -> Customer:
    """The dataclass of a row, whether it came as an object or as columns."""
    return Customer(row.id, row.public_id, row.name, row.lang, row.package, row.created_at)
