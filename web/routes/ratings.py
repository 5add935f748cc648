"""Rating a solved ticket by the link in its mail. Opening a link changes nothing: mail scanners follow every one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, status

from base.errors import NotFound
from base.text import detect_language
from desk import access, csat, tickets
from desk.csat import Rating, RatingClosed
from desk.models import Ticket
from web.deps import LocaleDep, Running, RunningDep, limit
from web.mail.ratings import RatingLinks, Vote
from web.pages import render
from web.ticket_views import RateView, ScoreView

router = APIRouter(include_in_schema=False)
PER_HOUR = 20  # changes of one ticket's rating: each is a note that staff see


@router.get("/rate/{token}")
def ask(request: Request, token: str, run: RunningDep, language: LocaleDep) -> Response:
    """The five scores with the clicked one chosen, and a field for a word."""
    vote = _vote(run, token)
    with run.services.database.read() as session:
        ticket = access.ticket_by_link(session, vote.ticket)
        given = csat.of_conversation(session, ticket.conversation_id).get(ticket.id)
    over = given is not None and not given.is_open(ticket, run.services.clock.now())
    return render(
        request, "public/rate.html", _view(run, language, token, vote, ticket, given, "over" if over else "ask")
    )


@router.post("/rate/{token}")
def keep(
    request: Request, token: str, run: RunningDep, language: LocaleDep, score: Annotated[int, Form()] = 0,
    comment: Annotated[str, Form(max_length=4 * csat.COMMENT_CHARS)] = "",
) -> Response:  # fmt: skip
    """Keep the rating and say thank you."""
    services, vote = run.services, _vote(run, token)
    limit(request, "hour", PER_HOUR, "rate", vote.ticket)
    state = "done"
    with services.database.begin() as session:
        ticket = access.ticket_by_link(session, vote.ticket)
        try:
            given = csat.rate(session, ticket, score, comment, services.clock.now(), services.settings.default_locale)
        except RatingClosed:
            given, state = csat.of_conversation(session, ticket.conversation_id)[ticket.id], "over"
    run.hub.wake()
    view = _view(run, language, token, vote, ticket, given, state)
    code = status.HTTP_409_CONFLICT if state == "over" else status.HTTP_200_OK
    return render(request, "public/rate.html", view, status=code)


def _vote(run: Running, token: str) -> Vote:
    services = run.services
    vote = RatingLinks(services.secret_key, services.settings.base_url).read(token)
    if vote is None:
        raise NotFound("rating link")
    return vote


def _view(
    run: Running, language: str, token: str, vote: Vote, ticket: Ticket, given: Rating | None, state: str
) -> RateView:
    names = RatingLinks(run.services.secret_key, "").scale(vote.ticket, language)
    return RateView(
        token=token, ticket=ticket.name, title=ticket.title, lang=detect_language(ticket.title, language),
        scores=tuple(ScoreView(one.score, one.name, one.score == vote.score) for one in names),
        comment=given.comment if given else "", most=csat.COMMENT_CHARS, is_open=ticket.state in tickets.OPEN_STATES,
        state=state,
    )  # fmt: skip
