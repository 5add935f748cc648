""" "Why this answer?": the record of one of the assistant's turns, for whoever of the staff may read its conversation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from base.errors import NotFound
from base.log import get_logger
from bot.replay import Replayed, Replayer
from desk import access
from desk.access import StaffActor
from web.answer_record import AnswerRecord, answer_record
from web.deps import MAX_NUMBER, LocaleDep, RunningDep
from web.pages import render
from web.present import Presenter
from web.routes.inbox import Member
from web.why import why_view
from web.wiring import Services

router = APIRouter(include_in_schema=False)
log = get_logger(__name__)
Seq = Annotated[int, Path(ge=1, le=MAX_NUMBER)]


@router.get("/inbox/{public_id}/answers/{seq}")
def why_page(
    request: Request, public_id: str, seq: Seq, run: RunningDep, member: Member, language: LocaleDep
) -> Response:
    services = run.services
    with services.database.read() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        found = answer_record(services, session, talk, seq)
    view = why_view(Presenter(services, language, member), talk, found, rebuilt(services, found))
    return render(request, "staff/why.html", view, section="inbox")


def rebuilt(services: Services, found: AnswerRecord) -> Replayed | None:
    """What the record leads to today; None for one that is too old to be followed."""
    settings = services.settings
    replayer = Replayer(services.database, services.thinker.answering(), settings.clarify_confidence)
    try:
        return replayer.replay(found.reply, found.asked, settings.message_max_chars)
    except (NotFound, KeyError, ValueError) as error:
        log.info("not_replayed", turn_id=found.reply.id, error=type(error).__name__)
        return None
