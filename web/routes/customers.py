"""One person at several doors: a colleague joins two customers, or parts them again."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Form, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse

from base.errors import InvalidInput, NotFound
from base.i18n import N_
from base.messages import Channel
from base.text import normalise
from desk import access, customers, identities
from desk.access import StaffActor
from desk.identities import Proof
from desk.models import Customer, Staff
from desk.tables import MergeRow, TicketRow
from web.deps import MAX_NUMBER, RunningDep, requires

router = APIRouter(include_in_schema=False)
Member = Annotated[Staff, requires("inbox")]
_TICKET = re.compile(r"(?:fl-)?(\d{1,9})")


class NobodyLikeThat(InvalidInput):
    code = "nobody_like_that"
    message = N_("No other customer was found by this. Give an e-mail address or the number of one of their tickets.")


@router.post("/inbox/{public_id}/customer/join")
def join(
    public_id: str, run: RunningDep, member: Member, other: Annotated[str, Form(max_length=300)] = ""
) -> Response:  # fmt: skip
    """This conversation's customer and the one with this address or ticket are the same person."""
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        one, two = customers.get(session, talk.customer_id), _found(session, other)
        if two is None or two.id == one.id:
            raise NobodyLikeThat()
        kept, merged = sorted((one, two), key=lambda customer: customer.id)
        identities.join(session, kept, merged, Proof.STAFF, f"staff:{member.id}", now)
    run.hub.wake()
    return RedirectResponse(f"/inbox/{public_id}", status_code=303)


@router.post("/inbox/{public_id}/customer/part/{merge_id}")
def part(public_id: str, merge_id: int, run: RunningDep, member: Member) -> Response:
    """Undo a join of this conversation's customer."""
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        merge = session.get(MergeRow, merge_id) if 0 < merge_id < MAX_NUMBER else None
        if merge is None or talk.customer_id not in (merge.kept_id, merge.merged_id):
            raise NotFound("merge")
        identities.undo(session, merge_id, f"staff:{member.id}", now)
    run.hub.wake()
    return RedirectResponse(f"/inbox/{public_id}", status_code=303)


def _found(session: Session, other: str) -> Customer | None:
    """The customer with this address or ticket number; None when there is none."""
    wanted = normalise(other).strip()
    if "@" in wanted:
        return customers.find(session, Channel.EMAIL, wanted)
    number = _TICKET.fullmatch(wanted)
    if number is None:
        return None
    owner = session.scalar(select(TicketRow.customer_id).where(TicketRow.number == int(number[1])))
    return customers.get(session, owner) if owner is not None else None
