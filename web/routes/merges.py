"""Two conversations that are one matter: asked first, then merged, and parted again."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse

from base.errors import InvalidInput, NotFound
from base.i18n import N_
from base.text import normalise
from desk import access, conversations, merges
from desk.access import StaffActor
from desk.models import Conversation, Staff
from desk.tables import TicketRow
from web.deps import MAX_NUMBER, LocaleDep, RunningDep, requires
from web.merging import question
from web.pages import render
from web.present import Presenter

router = APIRouter(include_in_schema=False)
Member = Annotated[Staff, requires("inbox")]
_TICKET = re.compile(r"(?:fl-)?(\d{1,9})")


class NoSuchConversation(InvalidInput):
    code = "no_such_conversation"
    message = N_("No conversation was found by this. Give the number of its ticket, as FL-1042.")


@router.get("/inbox/{public_id}/merge")
def ask(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep,
    into: Annotated[str, Query(max_length=64)] = "",
) -> Response:  # fmt: skip
    """What would happen. Changes nothing."""
    with run.services.database.read() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        view = question(session, Presenter(run.services, language, member), talk, _target(session, member, into))
    return render(request, "staff/merge.html", view, section="inbox")


@router.post("/inbox/{public_id}/merge")
def merge(
    public_id: str, run: RunningDep, member: Member, into: Annotated[str, Form(max_length=64)] = ""
) -> Response:  # fmt: skip
    """This conversation ends, the other one goes on."""
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        target = _target(session, member, into)
        merges.merge(session, services.defaults, talk, target, member, now, services.settings.default_locale)
    run.hub.wake()
    return RedirectResponse(f"/inbox/{target.public_id}?view=all", status_code=303)


@router.post("/inbox/{public_id}/merge/{merge_id}/undo")
def part(public_id: str, merge_id: int, run: RunningDep, member: Member) -> Response:
    """Undo a merge that this conversation is part of."""
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        found = merges.get(session, merge_id) if 0 < merge_id < MAX_NUMBER else None
        if found is None or talk.id not in (found.source_id, found.target_id):
            raise NotFound("merge")
        merges.undo(session, services.defaults, merge_id, member, now, services.settings.default_locale)
    run.hub.wake()
    return RedirectResponse(f"/inbox/{public_id}?view=all", status_code=303)


def _target(session: Session, member: Staff, into: str) -> Conversation:
    """The conversation with this ticket number or public id, or where it goes on. Raises NoSuchConversation."""
    wanted = normalise(into).strip()
    number = _TICKET.fullmatch(wanted)
    if number is None:
        try:
            found = access.conversation(session, StaffActor(member), into.strip())
        except NotFound as error:
            raise NoSuchConversation() from error
        return conversations.end_of(session, found)
    talk_id = session.scalar(select(TicketRow.conversation_id).where(TicketRow.number == int(number[1])))
    if talk_id is None:
        raise NoSuchConversation()
    return conversations.end_of(session, conversations.get(session, talk_id))
