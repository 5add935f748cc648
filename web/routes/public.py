"""What customers open without signing in: the page with the widget, an article behind a citation, a ticket's status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse

from base.i18n import N_, translate
from base.metrics import render_metrics
from base.text import detect_language
from desk import access, conversations, sla_words, tickets
from desk.models import URGENCY_NAMES, Ticket, TicketState
from desk.timeline import EventKind as ClockKind
from kb import store
from kb.applies import within
from kb.models import Scope
from web.demo.setup import is_loaded
from web.demo_questions import DEMO_QUESTIONS
from web.deps import LocaleDep, RunningDep, requires
from web.markdown import article_html
from web.pages import render
from web.present import TICKET_STATE_NAMES, Presenter
from web.public_views import DemoView, PublicArticleView, StatusView, StepView

router = APIRouter(include_in_schema=False)
STATIC = __file__.rsplit("/routes/", 1)[0] + "/static"
CUSTOMERS = Scope()
REOPEN = N_("Is it back? Write in the same chat: the ticket opens again.")
STILL_NEEDED = N_("Do you need it after all? Write in the same chat, or answer our message: the ticket opens again.")
WRITE = N_("Has something changed, or do you want to talk to a person? Just write in the chat or answer our message.")
GOES_ON = N_("This ticket was merged with another one: it goes on as {ticket}.")
MERGED = N_("This ticket was merged with another one and is looked after there.")


@router.get("/")
def start() -> Response:
    return RedirectResponse("/demo", status_code=307)


@router.get("/demo")
def demo(request: Request, run: RunningDep, language: LocaleDep) -> Response:
    """The widget on a page: of the made-up company if its articles are here or on their way, else of this organisation."""
    setting_up = not run.opens.is_set()
    made_up = setting_up or is_loaded(run.services)
    view = DemoView(
        company="" if made_up else run.services.settings.organisation,
        questions=DEMO_QUESTIONS[language] if made_up else (),
        widget_url="/widget.js",
        widget_src=f"{run.services.settings.base_url}/widget.js",
        console_url="/inbox",
        setting_up=setting_up,
    )
    return render(request, "public/demo.html", view)


@router.get("/widget.js")
def widget() -> Response:
    return _script("widget.js")


@router.get("/widget-mail.js")
def widget_mail() -> Response:
    return _script("widget-mail.js")


@router.get("/widget-parts.js")
def widget_parts() -> Response:
    return _script("widget-parts.js")


@router.get("/favicon.ico")
def favicon() -> Response:
    return FileResponse(f"{STATIC}/icon.svg", media_type="image/svg+xml")


@router.get("/articles/{public_id}")
def article(request: Request, public_id: str, run: RunningDep, language: LocaleDep) -> Response:
    """A published article for customers. Drafts, archived and internal ones are not found, nor what is not valid today
    or written for some service packages only: this page asks nobody who they are."""
    scope = replace(CUSTOMERS, day=run.services.today())
    with run.services.database.read() as session:
        found = store.get_article(session, public_id, scope)
        version = store.get_version(session, found)
        twins = [twin for twin in store.translations_of(session, found) if within(twin.applies, scope)]
    view = PublicArticleView(
        title=version.title, lang=found.lang, body_html=article_html(version.body, version.title),
        updated=Presenter(run.services, language).moment(version.published_at or found.updated_at),
        translation_url=f"/articles/{twins[0].public_id}" if twins else "",
        translation_lang=twins[0].lang if twins else "",
    )  # fmt: skip
    return render(request, "public/article.html", view)


@router.get("/status/{public_id}")
def status(request: Request, public_id: str, run: RunningDep, language: LocaleDep) -> Response:
    """A ticket's status for whoever holds its link: promises and progress, no conversation, no contact data."""
    services = run.services
    presenter = Presenter(services, language)
    with services.database.read() as session:
        ticket = access.ticket_by_link(session, public_id)
        now = services.clock.now()
        state = tickets.sla_state(session, services.defaults, ticket, now)
        deadlines = presenter.deadlines(session, ticket, state)
        log = tickets.clock_events(session, ticket.id)
        merged = _merged(session, ticket)
    solved = ticket.state in (TicketState.RESOLVED, TicketState.CLOSED)
    next_text = (
        translate(N_("This ticket is solved."), language) if solved
        else translate(GOES_ON if merged else MERGED, language, ticket=merged) if merged is not None
        else sla_words.promise(state, language, services.settings.timezone)
    )  # fmt: skip
    withdrawn = ticket.state is TicketState.CANCELLED
    times = {event.kind: event.at for event in reversed(log)}  # of each the first
    times |= {event.kind: event.at for event in log if event.kind is ClockKind.CANCELLED}  # of this the last
    hint = REOPEN if solved else WRITE if merged is not None else STILL_NEEDED if withdrawn else ""
    view = StatusView(
        name=ticket.name, title=ticket.title, lang=detect_language(ticket.title, language), state=ticket.state,
        state_name=translate(TICKET_STATE_NAMES[ticket.state], language), urgency=ticket.urgency,
        urgency_name=translate(URGENCY_NAMES[ticket.urgency], language), opened=presenter.moment(ticket.opened_at),
        deadlines=deadlines, steps=_steps(presenter, ticket, times),
        next_text=next_text, updated=presenter.moment(log[-1].at) if log else "",
        reopen_hint=translate(hint, language) if hint else "",
    )  # fmt: skip
    return render(request, "public/status.html", view)


def _merged(session: Session, ticket: Ticket) -> str | None:
    """The name of the ticket by which a merged one is owed; "" where that is another customer's, None if not merged."""
    talk = conversations.get(session, ticket.conversation_id)
    if ticket.state is not TicketState.CANCELLED or talk.merged_into is None:
        return None
    end = conversations.end_of(session, talk)
    if end.customer_id != ticket.customer_id or end.ticket_id is None:
        return ""
    return tickets.get(session, end.ticket_id).name


@router.get("/healthz")
def health(run: RunningDep) -> Response:
    """200 while the database answers; says whether questions still wait for the articles, and what is behind the index."""
    with run.services.database.read() as session:
        session.execute(text("SELECT 1"))
    return JSONResponse({"status": "ok", "setting_up": not run.opens.is_set(), "index": run.services.vectors.status()})


@router.get("/metrics", dependencies=[requires("admin", or_bearer="metrics_token")])
def metrics(run: RunningDep) -> Response:
    """What this process counted, and the one that deals with mail."""
    others = run.mail_process.metrics() if run.mail_process else ()
    return PlainTextResponse(render_metrics(others), media_type="text/plain; version=0.0.4")


def _steps(presenter: Presenter, ticket: Ticket, at: Mapping[ClockKind, datetime]) -> tuple[StepView, ...]:
    done = ticket.state in (TicketState.RESOLVED, TicketState.CLOSED)
    if ticket.state is TicketState.CANCELLED:
        return tuple(
            StepView(presenter.t(label), "done", presenter.moment(moment))
            for label, moment in (
                (N_("Received"), ticket.opened_at),
                (N_("A colleague has it"), at.get(ClockKind.DISPATCHED)),
                (N_("First reply from a person"), ticket.first_responded_at),
                (N_("Withdrawn"), at.get(ClockKind.CANCELLED)),
            )
            if moment is not None
        )
    assigned = ticket.assignee_id is not None or ticket.first_responded_at is not None or done
    answered = ticket.first_responded_at is not None or done
    waits = ticket.state is TicketState.WAITING
    solving = N_("Waiting for your answer") if waits else N_("A colleague is working on it")
    names = (  # as it is called once it is reached, and while it is waited for
        (N_("Received"), "", True, ticket.opened_at),
        (N_("A colleague has it"), N_("Waiting for a colleague to take it"), assigned, at.get(ClockKind.DISPATCHED)),
        (N_("First reply from a person"), N_("A colleague has it and will reply"), answered, ticket.first_responded_at),
        (N_("Solved"), solving, done, ticket.resolved_at),
    )
    steps, current_given = [], False
    for label, while_waiting, is_done, moment in names:
        state = "done" if is_done else "todo" if current_given else "current"
        current_given = current_given or not is_done
        shown = presenter.moment(moment) if is_done and moment else ""
        steps.append(StepView(presenter.t(while_waiting if state == "current" else label), state, shown))
    return tuple(steps)


def _script(name: str) -> Response:
    # Other sites load the widget; their pages may import its parts.
    headers = {
        "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "max-age=300",
    }  # fmt: skip
    return FileResponse(f"{STATIC}/{name}", media_type="text/javascript", headers=headers)
