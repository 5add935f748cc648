"""The staff's inbox: the list, a conversation with everything beside it, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from base.messages import Channel
from desk import access, conversations, customers, events, replies
from desk.access import StaffActor
from desk.models import Conversation, Staff, Urgency, Withdrawal
from web.deps import LocaleDep, Running, RunningDep, requires
from web.pages import render, render_text
from web.present import Presenter
from web.present_incidents import IncidentPresenter
from web.views import ConversationView, InboxView

router = APIRouter(include_in_schema=False)
Member = Annotated[Staff, requires("inbox")]
VIEWS = ("mine", "unassigned", "all")


@router.get("/inbox")
def inbox_page(
    request: Request, run: RunningDep, member: Member, language: LocaleDep, view: str = "", q: str = ""
) -> Response:
    with run.services.database.read() as session:
        shown = inbox_view(run, session, member, language, view, q)
    return render(request, "staff/inbox.html", shown, section="inbox")


@router.get("/inbox/list")
def list_partial(
    request: Request, run: RunningDep, member: Member, language: LocaleDep, view: str = "", q: str = ""
) -> Response:
    with run.services.database.read() as session:
        shown = inbox_view(run, session, member, language, view, q)
    return render(request, "staff/_list.html", shown, section="inbox")


@router.get("/inbox/{public_id}")
def conversation_page(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep, view: str = "", q: str = ""
) -> Response:  # fmt: skip
    """One conversation beside the list. Opening it marks it as read."""
    services = run.services
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        if talk.channel == Channel.INCIDENT:  # its page says who is in it, and reaches them all
            return RedirectResponse(f"/incidents/{talk.thread_id}", status_code=303)
        replies.mark_read(session, talk, services.clock.now())
    run.hub.wake()
    with services.database.read() as session:
        shown = inbox_view(run, session, member, language, view, q, talk)
    shown = replace(shown, active=with_suggestion(run, member, language, talk, shown.active))
    if "hx-request" in request.headers:
        return _workspace(request, shown)
    return render(request, "staff/inbox.html", shown, section="inbox")


@router.post("/inbox/{public_id}/reply")
def send_reply(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep,
    text: Annotated[str, Form(max_length=8000)] = "", kind: Annotated[str, Form(pattern="^(reply|note)$")] = "reply",
) -> Response:  # fmt: skip
    """Send a reply, or save an internal note; the new turn is returned."""
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        if kind == "reply":
            turn = replies.reply(session, services.defaults, talk, member, text, now)
        else:
            turn = replies.note(session, talk, member, text, now)
        customer = customers.get(session, talk.customer_id)
    _announce(run)
    if "hx-request" not in request.headers:
        return RedirectResponse(f"/inbox/{public_id}", status_code=303)
    shown = Presenter(services, language, member).turn(turn, customer, talk=public_id)
    return render(request, "staff/_turn.html", None, section="inbox", turn=shown)


@router.post("/inbox/{public_id}/assign")
def assign(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep,
    staff: Annotated[str, Form(max_length=40)] = "me",
) -> Response:  # fmt: skip
    def work(session: Session, talk: Conversation) -> None:
        services, now = run.services, run.services.clock.now()
        if staff == "me":
            replies.take_over(session, services.defaults, talk, member, now)
        else:
            colleague = replies.assign(session, services.defaults, talk, member, staff, now)
            services.notices.assigned(session, talk, colleague, member, now)

    return _act(request, run, member, language, public_id, work)


@router.post("/inbox/{public_id}/release")
def release(request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep) -> Response:
    def work(session: Session, talk: Conversation) -> None:
        replies.release(session, talk, member, run.services.clock.now())

    return _act(request, run, member, language, public_id, work)


@router.post("/inbox/{public_id}/resolve")
def resolve(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep,
    root_cause: Annotated[str, Form(max_length=300)] = "", solution: Annotated[str, Form(max_length=2000)] = "",
) -> Response:  # fmt: skip
    def work(session: Session, talk: Conversation) -> None:
        now = run.services.clock.now()
        replies.resolve(session, run.services.defaults, talk, member, root_cause, solution, now)

    return _act(request, run, member, language, public_id, work)


@router.post("/inbox/{public_id}/withdraw")
def withdraw(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep,
    why: Annotated[Literal["mistake", "customer"], Form()] = "mistake",
) -> Response:  # fmt: skip
    def work(session: Session, talk: Conversation) -> None:
        services, now = run.services, run.services.clock.now()
        lang = services.settings.default_locale
        replies.withdraw(session, services.defaults, talk, member, Withdrawal(why), now, lang)

    return _act(request, run, member, language, public_id, work)


@router.post("/inbox/{public_id}/urgency")
def set_urgency(
    request: Request, public_id: str, run: RunningDep, member: Member, language: LocaleDep,
    urgency: Annotated[Urgency, Form()], reason: Annotated[str, Form(min_length=1, max_length=300)],
) -> Response:  # fmt: skip
    def work(session: Session, talk: Conversation) -> None:
        replies.set_urgency(session, run.services.defaults, talk, member, urgency, reason, run.services.clock.now())

    return _act(request, run, member, language, public_id, work)


def _act(
    request: Request,
    run: Running,
    member: Staff,
    language: str,
    public_id: str,
    work: Callable[[Session, Conversation], None],
) -> Response:
    """Do something about a conversation, then show it as it is now."""
    with run.services.database.begin() as session:
        work(session, access.conversation(session, StaffActor(member), public_id))
    _announce(run)
    if "hx-request" not in request.headers:
        return RedirectResponse(f"/inbox/{public_id}", status_code=303)
    view, q = _open_list(request)
    with run.services.database.read() as session:
        talk = access.conversation(session, StaffActor(member), public_id)
        shown = inbox_view(run, session, member, language, view, q, talk)
    return _workspace(request, replace(shown, active=with_suggestion(run, member, language, talk, shown.active)))


def _workspace(request: Request, shown: InboxView) -> Response:
    """The conversation for the open page, and what changes around it: the list and its counts."""
    html = render_text(request, "staff/_workspace.html", shown, section="inbox", active=shown.active)
    return HTMLResponse(html + list_partials(request, shown))


def list_partials(request: Request, shown: InboxView) -> str:
    """The list and its counts as partials that find their places in the open page."""
    return "".join(
        partial(target, "outerHTML", render_text(request, template, shown, section="inbox"))
        for target, template in (("#rows", "staff/_list.html"), ("#chips", "staff/_chips.html"))
    )


def partial(target: str, swap: str, html: str) -> str:
    """A piece of a response that htmx puts in a place of its own."""
    return f'<hx-partial hx-target="{target}" hx-swap="{swap}">{html}</hx-partial>'


def _open_list(request: Request) -> tuple[str, str]:
    """Which view and search the page shows that sent this request."""
    shown = parse_qs(urlsplit(request.headers.get("hx-current-url", "")).query)
    return shown.get("view", [""])[0], shown.get("q", [""])[0]


def _announce(run: Running) -> None:
    run.worker.wake()
    run.hub.wake()


def inbox_view(
    run: Running, session: Session, member: Staff, language: str, view: str, q: str, active: Conversation | None = None
) -> InboxView:
    """The list in one of its views, with the open conversation if there is one."""
    counts = conversations.count_for_staff(session, member.id)
    chosen = view if view in VIEWS else ("mine" if counts["mine"] else "unassigned" if counts["unassigned"] else "all")
    listed = conversations.list_for_staff(
        session,
        assignee_id=member.id if chosen == "mine" else None,
        unassigned=chosen == "unassigned",
        search=q.strip()[:100],
    )
    presenter = Presenter(run.services, language, member)
    return InboxView(
        view=chosen, q=q, mine=counts["mine"], unassigned=counts["unassigned"], all=counts["all"],
        rows=presenter.rows(session, listed, active.public_id if active else ""),
        active=presenter.conversation(session, active) if active else None, last_event_id=str(events.last_id(session)),
        proposals=IncidentPresenter(run.services, language, member).proposals(session),
    )  # fmt: skip


def with_suggestion(
    run: Running, member: Staff, language: str, talk: Conversation, shown: ConversationView | None
) -> ConversationView | None:
    """The same with a drafted answer. Searches, so call it outside any transaction."""
    if shown is None:
        return None
    with run.services.database.read() as session:
        turns = conversations.latest_turns(session, talk.id, 12)
    return replace(shown, suggestion=Presenter(run.services, language, member).suggestion(turns))
