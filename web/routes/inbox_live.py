"""The live connection of the staff's inbox: what happened becomes partials for the page that is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from base.metrics import SSE_CLIENTS
from desk import access, conversations, customers, events, staff
from desk.access import StaffActor
from desk.events import Event, EventKind
from desk.models import Conversation, Staff
from web.answer_record import choices_of, chosen_after
from web.deps import LocaleDep, Number, Running, RunningDep, session_cookie
from web.live import CLOSE, EVERYTHING, event_id, event_stream
from web.pages import render_text
from web.present import Presenter
from web.routes.inbox import Member, inbox_view, list_partials, partial, with_suggestion
from web.views import InboxView

router = APIRouter(include_in_schema=False)
LOOK_BACK = 4  # turns before the new ones that they may change
GATHER_SECONDS = 0.15  # a burst of events becomes one redraw
HEAD_CHANGES = frozenset(EventKind) - {EventKind.TURN_ADDED, EventKind.READ}


@dataclass(frozen=True, slots=True)
class _Open:
    """What one open page shows."""

    request: Request
    run: Running
    member: Staff
    lang: str
    conversation: str
    view: str


@router.get("/inbox/events", response_class=EventSourceResponse)
def live(
    request: Request, run: RunningDep, member: Member, language: LocaleDep, conversation: str = "", view: str = "",
    after: Number | None = None,
) -> Response:  # fmt: skip
    """Server-sent events: each is a redraw of what changed, with the id to resume after."""
    with run.services.database.read() as session:
        newest = events.last_id(session)
        if conversation:
            access.conversation(session, StaffActor(member), conversation)  # not found: said now, not in the stream
    resumed = event_id(request.headers.get("last-event-id"))
    seen = after if resumed is None else resumed
    page = _Open(request, run, member, language, conversation, view)
    return event_stream(_events(page, newest if seen is None else min(seen, newest)))


async def _events(page: _Open, at: int) -> AsyncIterator[ServerSentEvent]:
    hub = page.run.hub
    with hub.subscribe(EVERYTHING) as subscriber, SSE_CLIENTS.labels(kind="staff").track_inprogress():
        yield ServerSentEvent(comment="ready", retry=2000)
        while not subscriber.lost and not hub.closing.is_set():
            html, at = await run_in_threadpool(_redraw, page, at)
            if html is None:
                return  # signed out meanwhile: nothing more is shown
            if html:
                yield ServerSentEvent(data=html, id=str(at))
            if (await subscriber.queue.get()).name == CLOSE:
                return
            await asyncio.sleep(GATHER_SECONDS)
            while not subscriber.queue.empty():
                subscriber.queue.get_nowait()


def _redraw(page: _Open, seen: int) -> tuple[str | None, int]:
    """What changed since `seen` as partials, and the id they are true up to; None once the session has ended."""
    run = page.run
    with run.services.database.read() as session:
        token = page.request.cookies.get(session_cookie(run.services.settings), "")
        member = staff.from_session(session, token, run.services.clock.now())
        if member is None or not staff.may(member, "inbox"):
            return None, seen
        happened = events.after(session, seen)
        if not happened:
            return "", seen
        talk = access.conversation(session, StaffActor(member), page.conversation) if page.conversation else None
        shown = inbox_view(run, session, member, page.lang, page.view, "", talk)
        parts = [list_partials(page.request, shown)]
        mine = [event for event in happened if talk is not None and event.conversation_id == talk.id]
        if talk is not None and mine:
            parts += _transcript(page, session, talk, mine)
    if talk is not None and mine:
        parts += _surroundings(page, shown, talk, mine)
    return "".join(parts), happened[-1].id


def _transcript(page: _Open, session: Session, talk: Conversation, mine: list[Event]) -> list[str]:
    said = conversations.turns_by_id(session, [event.turn_id for event in mine if event.turn_id])
    customer = customers.get(session, talk.customer_id)
    presenter = Presenter(page.run.services, page.lang, page.member)
    first = min((turn.seq for turn in said.values()), default=1)
    near = conversations.turns_after(session, talk.id, max(0, first - LOOK_BACK), notes=True)
    parts = []
    for place, turn in enumerate(near, start=1):
        later = near[place:]
        chosen_now = turn.id not in said and choices_of(turn) and chosen_after(later)
        if turn.id in said or chosen_now:  # a choice shows on the question that offered it
            shown = presenter.turn(turn, customer, talk=talk.public_id, later=later)
            html = render_text(page.request, "staff/_turn.html", None, turn=shown)
            place_of = ("#log", "beforeend") if turn.id in said else (f"#turn-{turn.id}", "outerHTML")
            parts.append(partial(*place_of, html))
    return parts


def _surroundings(page: _Open, shown: InboxView, talk: Conversation, mine: list[Event]) -> list[str]:
    """The head, when what it shows may have changed, and everything beside the transcript."""
    active = with_suggestion(page.run, page.member, page.lang, talk, shown.active)
    targets = [("#side", "staff/_side.html")]
    if any(event.kind in HEAD_CHANGES for event in mine):
        targets.append(("#head", "staff/_head.html"))
    return [
        partial(target, "outerHTML", render_text(page.request, template, shown, active=active))
        for target, template in targets
    ]
