"""Incidents for staff: what the surge proposes, what is open, who is in it, and what everybody is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import InvalidInput
from base.i18n import N_, explain
from desk import access, conversations, incident_updates, incident_work, incidents
from desk.access import StaffActor
from desk.incidents import Incident
from desk.models import Staff, Urgency
from desk.tables import TicketRow
from web.deps import LocaleDep, Running, RunningDep, requires
from web.incident_views import Texts
from web.pages import render
from web.present_incidents import IncidentPresenter

router = APIRouter(include_in_schema=False)
Member = Annotated[Staff, requires("inbox")]
Line = Annotated[str, Form(max_length=300)]
Text = Annotated[str, Form(max_length=6000)]
_TICKET = re.compile(r"\s*(?:FL-?)?(\d{1,9})\s*", re.IGNORECASE)


class NoSuchTicket(InvalidInput):
    code = "no_such_ticket"
    message = N_("There is no ticket “{number}”. Write its number as FL-1042.")


@router.get("/incidents")
def incidents_page(request: Request, run: RunningDep, member: Member, language: LocaleDep) -> Response:
    with run.services.database.read() as session:
        shown = IncidentPresenter(run.services, language, member).listing(session)
    return render(request, "staff/incidents.html", shown, section="incidents")


@router.get("/incidents/{public_id}")
def incident_page(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep
) -> Response:  # fmt: skip
    with run.services.database.read() as session:
        found = incidents.get(session, public_id)
        shown = IncidentPresenter(run.services, language, member).incident(session, found)
    return render(request, "staff/incident.html", shown, section="incidents")


@router.post("/incidents/{public_id}/open")
def open_incident(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep,
    urgency: Annotated[Urgency, Form()], title_en: Line = "", title_zh: Line = "", notice_en: Text = "",
    notice_zh: Text = "", chosen: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Confirm a proposal with the chosen conversations."""
    titles, notice = Texts(title_en, title_zh), Texts(notice_en, notice_zh)

    def work(session: Session, incident: Incident) -> None:
        ids = [access.conversation(session, StaffActor(member), one).id for one in (chosen or [])[:2000]]
        incident_work.open_incident(
            session, run.services.defaults, incident, member, _both(titles), _both(notice), urgency, ids,
            run.services.clock.now(),
        )  # fmt: skip

    return _act(request, run, member, language, public_id, work, titles=titles, notice=notice)


@router.post("/incidents/{public_id}/text")
def rewrite(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep, title_en: Line = "",
    title_zh: Line = "", notice_en: Text = "", notice_zh: Text = "",
) -> Response:  # fmt: skip
    titles, notice = Texts(title_en, title_zh), Texts(notice_en, notice_zh)

    def work(session: Session, incident: Incident) -> None:
        incident_work.rewrite(session, incident, member, _both(titles), _both(notice), run.services.clock.now())

    return _act(request, run, member, language, public_id, work, titles=titles, notice=notice)


@router.post("/incidents/{public_id}/dismiss")
def dismiss(request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep) -> Response:
    def work(session: Session, incident: Incident) -> None:
        incident_work.dismiss(session, incident, member, run.services.clock.now())

    return _act(request, run, member, language, public_id, work)


@router.post("/incidents/{public_id}/again")
def again(request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep) -> Response:
    """Take a dismissal, or a merge, back."""

    def work(session: Session, incident: Incident) -> None:
        undo = incident_work.unmerge if incident.state is incidents.IncidentState.MERGED else incident_work.undismiss
        undo(session, incident, member, run.services.clock.now())

    return _act(request, run, member, language, public_id, work)


@router.post("/incidents/{public_id}/tell")
def tell(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep, text_en: Text = "",
    text_zh: Text = "", resolves: bool = Form(False),
) -> Response:  # fmt: skip
    """Tell everybody in it; `resolves`: that it is over."""
    written = Texts(text_en, text_zh)

    def work(session: Session, incident: Incident) -> None:
        services = run.services
        incident_updates.write(
            session, services.defaults, incident, member, _both(written), services.clock.now(), resolves=resolves
        )

    return _act(request, run, member, language, public_id, work, **{"solved" if resolves else "draft": written})


@router.post("/incidents/{public_id}/members")
def add_member(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep, conversation: Line = "",
    ticket: Line = "",
) -> Response:  # fmt: skip
    """A conversation, or the one of a ticket with this number, belongs to it."""

    def work(session: Session, incident: Incident) -> None:
        talk_id = _of_ticket(session, ticket) if ticket else _talk(session, member, conversation)
        incident_work.join(session, incident, talk_id, f"staff:{member.id}", run.services.clock.now())

    return _act(request, run, member, language, public_id, work)


@router.post("/incidents/{public_id}/members/remove")
def remove_member(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep, conversation: Line
) -> Response:  # fmt: skip
    def work(session: Session, incident: Incident) -> None:
        talk_id = _talk(session, member, conversation)
        incident_work.leave(session, incident, talk_id, f"staff:{member.id}", run.services.clock.now())

    return _act(request, run, member, language, public_id, work)


@router.post("/incidents/{public_id}/merge")
def merge(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep, into: Line
) -> Response:  # fmt: skip
    def work(session: Session, incident: Incident) -> None:
        incident_work.merge(session, incident, incidents.get(session, into), member, run.services.clock.now())

    return _act(request, run, member, language, public_id, work)


def _act(
    request: Request, run: Running, member: Staff, language: str, public_id: str,
    work: Callable[[Session, Incident], None], **typed: Texts,
) -> Response:  # fmt: skip
    """Do something about an incident, then show it. What was typed and not accepted stands in the form again."""
    try:
        with run.services.database.begin() as session:
            work(session, incidents.get(session, public_id))
    except InvalidInput as error:
        with run.services.database.read() as session:
            presenter = IncidentPresenter(run.services, language, member)
            shown = presenter.incident(session, incidents.get(session, public_id))
        shown = replace(
            shown, error=explain(error, language), titles=typed.get("titles", shown.titles),
            notice=typed.get("notice", shown.notice), draft=typed.get("draft", shown.draft),
            solved=typed.get("solved", shown.solved),
        )  # fmt: skip
        return render(request, "staff/incident.html", shown, section="incidents", status=error.status)
    run.worker.wake()
    run.hub.wake()
    return RedirectResponse(f"/incidents/{public_id}", status_code=303)


def _both(texts: Texts) -> dict[str, str]:
    return {"en": texts.en, "zh": texts.zh}


def _talk(session: Session, member: Staff, public_id: str) -> int:
    return access.conversation(session, StaffActor(member), public_id).id


def _of_ticket(session: Session, number: str) -> int:
    match = _TICKET.fullmatch(number)
    talk_id = (
        session.scalar(select(TicketRow.conversation_id).where(TicketRow.number == int(match.group(1))))
        if match
        else None
    )
    if talk_id is None or conversations.get(session, talk_id).channel == "incident":
        raise NoSuchTicket(number=number.strip()[:20])
    return talk_id
