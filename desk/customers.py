"""Customers and how channels know them. A claimed name or address joins nothing: only proof does (promise 8)."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base.errors import NotFound
from base.messages import Inbound
from desk.models import Customer, TicketState
from desk.tables import CustomerRow, IdentityRow, TicketRow


def find(session: Session, channel: str, external_id: str) -> Customer | None:
    """The customer a channel's id belongs to, if we met it before."""
    row = session.scalar(
        select(CustomerRow)
        .join(IdentityRow, IdentityRow.customer_id == CustomerRow.id)
        .where(IdentityRow.channel == channel, IdentityRow.external_id == external_id)
    )
    return to_customer(row) if row else None


def find_or_create(session: Session, inbound: Inbound, lang: str, now: datetime) -> Customer:
    """The sender's customer; a new one, known by this channel's id alone, at the first message."""
    known = find(session, inbound.channel, inbound.sender_id)
    if known is not None:
        return known
    row = CustomerRow(
        public_id=secrets.token_hex(12), name=inbound.sender_name[:200], lang=lang, package="basic", created_at=now
    )
    session.add(row)
    session.flush()
    session.add(
        IdentityRow(
            customer_id=row.id, channel=inbound.channel, external_id=inbound.sender_id,
            verified=bool(inbound.extra.get("verified")), created_at=now,
        )
    )  # fmt: skip
    session.flush()
    return to_customer(row)


def get(session: Session, customer_id: int) -> Customer:
    """Raises NotFound."""
    row = session.get(CustomerRow, customer_id)
    if row is None:
        raise NotFound("customer", id=customer_id)
    return to_customer(row)


def count_open_tickets(session: Session, customer_id: int) -> int:
    query = select(func.count()).where(
        TicketRow.customer_id == customer_id, TicketRow.state.not_in([TicketState.RESOLVED, TicketState.CLOSED])
    )
    return int(session.scalar(query) or 0)


def to_customer(row: CustomerRow) -> Customer:
    return Customer(row.id, row.public_id, row.name, row.lang, row.package, row.created_at)
