"""Who is the same person: customers are joined by proof, never by a claim, and every join can be undone (promise 8).

Proof is a one-time code that came back, a token signed by the organisation's own site, a one-time link from a page on
which the customer is signed in, or a colleague's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base.errors import Conflict, NotFound
from base.i18n import N_
from base.messages import Channel
from desk import audit, customers, doors
from desk.models import Customer
from desk.proof_tables import LinkRow
from desk.tables import ConversationRow, CustomerRow, IdentityRow, MergeRow, TicketRow


class Proof(StrEnum):
    CODE = "code"  # a one-time code that was sent to the address came back
    TOKEN = "signed_token"  # noqa: S105 - the organisation's own site says so, signed
    LINK = "signed_in_link"  # it came with a one-time link of a page on which the customer is signed in
    STAFF = "staff"


class AlreadyUndone(Conflict):
    code = "already_undone"
    message = N_("This was undone already.")


_MOVED: dict[str, type[IdentityRow] | type[ConversationRow] | type[TicketRow] | type[LinkRow]] = {
    "identities": IdentityRow,
    "conversations": ConversationRow,
    "tickets": TicketRow,
    "links": LinkRow,
}


@dataclass(frozen=True, slots=True)
class Identity:
    channel: str
    external_id: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Merge:
    id: int
    kept_id: int
    merged_id: int
    proof: Proof
    by: str
    at: datetime
    undone_at: datetime | None


def of_customer(session: Session, customer_id: int) -> list[Identity]:
    """How the channels know a customer, oldest first."""
    rows = session.scalars(select(IdentityRow).where(IdentityRow.customer_id == customer_id).order_by(IdentityRow.id))
    return [Identity(row.channel, row.external_id, row.verified) for row in rows]


def claim(
    session: Session, customer: Customer, channel: str, external_id: str, proof: Proof, by: str, now: datetime
) -> Customer:
    """Give a proven id to a customer. If it is another customer's, the two become one: the older one is kept."""
    owner = customers.find(session, channel, external_id)
    if owner is None:
        session.add(
            IdentityRow(
                customer_id=customer.id, channel=channel, external_id=external_id, verified=True, created_at=now
            )
        )  # fmt: skip
        session.flush()
        audit.note(session, now, by, "identity_proven", f"customer:{customer.id}", channel=channel, proof=str(proof))
        return customer
    customers.prove(session, channel, external_id)
    if owner.id == customer.id:
        return customer
    kept, other = sorted((owner, customer), key=lambda one: one.id)
    join(session, kept, other, proof, by, now)
    return kept


def join(session: Session, kept: Customer, other: Customer, proof: Proof, by: str, now: datetime) -> Merge:
    """Move everything of `other` to `kept`: ids, conversations, tickets, links. Raises Conflict for a customer with itself."""
    if kept.id == other.id:
        raise Conflict("a customer cannot be joined with itself", customer=kept.id)
    moved: dict[str, list[int]] = {}
    for name, row in _MOVED.items():
        moved[name] = list(session.scalars(select(row.id).where(row.customer_id == other.id)))
        session.execute(update(row).where(row.id.in_(moved[name])).values(customer_id=kept.id))
    if not kept.name and other.name:
        session.execute(update(CustomerRow).where(CustomerRow.id == kept.id).values(name=other.name))
    merge = MergeRow(kept_id=kept.id, merged_id=other.id, proof=proof, by=by, moved=moved, at=now, undone_at=None)
    session.add(merge)
    session.flush()
    audit.note(session, now, by, "customers_joined", f"customer:{kept.id}", other=other.id, proof=str(proof))
    return _to_merge(merge)


def undo(session: Session, merge_id: int, by: str, now: datetime) -> Merge:
    """Give back what was moved, as far as it is still there; answers no longer go to an address that was given back.

    Raises NotFound, AlreadyUndone.
    """
    merge = session.get(MergeRow, merge_id)
    if merge is None:
        raise NotFound("merge", id=merge_id)
    if merge.undone_at is not None:
        raise AlreadyUndone()
    for name, row in _MOVED.items():
        ids: list[Any] = merge.moved.get(name, [])
        session.execute(
            update(row).where(row.id.in_(ids), row.customer_id == merge.kept_id).values(customer_id=merge.merged_id)
        )
    merge.undone_at = now
    session.flush()
    for owner, other in ((merge.kept_id, merge.merged_id), (merge.merged_id, merge.kept_id)):
        doors.close_mail(session, owner, _addresses(session, other), now)
    audit.note(session, now, by, "customers_parted", f"customer:{merge.kept_id}", other=merge.merged_id)
    return _to_merge(merge)


def merges_of(session: Session, customer_id: int) -> list[Merge]:
    """Whom a customer was joined with and still is, newest first."""
    query = (
        select(MergeRow)
        .where(MergeRow.kept_id == customer_id, MergeRow.undone_at.is_(None))
        .order_by(MergeRow.id.desc())
    )
    return [_to_merge(row) for row in session.scalars(query)]


def _addresses(session: Session, customer_id: int) -> list[str]:
    return [one.external_id for one in of_customer(session, customer_id) if one.channel == Channel.EMAIL]


def _to_merge(row: MergeRow) -> Merge:
    return Merge(row.id, row.kept_id, row.merged_id, Proof(row.proof), row.by, row.at, row.undone_at)
