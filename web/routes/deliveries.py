"""What could not be answered, read or delivered: for administrators, with what to do about each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from base.errors import NotFound
from desk import audit, switches
from desk.models import Staff
from desk.outbox import PAUSED
from web.deliveries import Deed, deliveries, do
from web.deps import MAX_NUMBER, LocaleDep, RunningDep, requires
from web.pages import render
from web.present import Presenter

router = APIRouter(include_in_schema=False)
Administrator = Annotated[Staff, requires("admin")]


@router.get("/deliveries")
def show(request: Request, run: RunningDep, member: Administrator, language: LocaleDep) -> Response:
    with run.services.database.read() as session:
        view = deliveries(session, run.services, Presenter(run.services, language, member))
    return render(request, "staff/deliveries.html", view, section="deliveries")


@router.post("/deliveries/pause")
def pause(run: RunningDep, member: Administrator, paused: Annotated[str, Form()] = "") -> Response:
    """Hold back everything that would leave, or let it go again."""
    now, by = run.services.clock.now(), f"staff:{member.id}"
    with run.services.database.begin() as session:
        if paused:
            switches.turn_off(session, PAUSED, by, now)
        else:
            switches.turn_on(session, PAUSED, by, now)
    run.worker.wake()
    return RedirectResponse("/deliveries", status_code=303)


@router.post("/deliveries/{queue}/{item_id}")
def act(
    run: RunningDep, member: Administrator, queue: str, item_id: int, deed: Annotated[Deed, Form()]
) -> Response:  # fmt: skip
    """Try one again, or settle it."""
    now = run.services.clock.now()
    if not 0 < item_id < MAX_NUMBER:
        raise NotFound("delivery")
    with run.services.database.begin() as session:
        if not do(session, queue, item_id, deed, now):
            raise NotFound("delivery")
        audit.note(session, now, f"staff:{member.id}", str(deed), f"{queue}:{item_id}")
    run.worker.wake()
    return RedirectResponse("/deliveries", status_code=303)
