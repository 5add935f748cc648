"""Signing in and out, and the choice of language."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from base.errors import TooManyRequests
from base.i18n import LOCALES, explain
from desk import audit, staff
from desk.staff import WrongPassword
from web.deps import (
    LocaleDep,
    RunningDep,
    client_address,
    current_staff,
    limit,
    local_path,
    session_cookie,
)
from web.pages import render
from web.security import LANG_COOKIE
from web.views import SigninView

router = APIRouter(include_in_schema=False)


@router.get("/signin")
def signin_page(request: Request, next: str = "/inbox") -> Response:
    if current_staff(request) is not None:
        return RedirectResponse(local_path(next), status_code=303)
    return render(request, "staff/signin.html", SigninView(next=local_path(next)))


@router.post("/signin")
def sign_in(
    request: Request, run: RunningDep, language: LocaleDep,
    email: Annotated[str, Form(max_length=300)] = "", password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/inbox",
) -> Response:  # fmt: skip
    """A new session with a new token; the old one, if any, is ended (no session fixation)."""
    services, cookie = run.services, session_cookie(run.services.settings)
    attempts = services.settings.signin_attempts_per_minute
    try:
        account, address = email.strip().lower(), client_address(request)
        limit(request, "minute", attempts, "signin", account, address)
        limit(request, "minute", attempts * 4, "signin-address", address)
        # Higher, so that a stranger's guesses from elsewhere do not keep the owner out.
        limit(request, "minute", attempts * 10, "signin-account", account)
        with services.database.read() as session:
            member = staff.check_password(session, email, password)
    except (WrongPassword, TooManyRequests) as error:
        view = SigninView(email=email, error=explain(error, language), next=local_path(next))
        wait = error.fields.get("retry_after_seconds")
        headers = {"Retry-After": str(wait)} if wait else None
        return render(request, "staff/signin.html", view, status=error.status, headers=headers)
    now = services.clock.now()
    with services.database.begin() as session:
        staff.close_session(session, request.cookies.get(cookie, ""))
        token = staff.open_session(session, member, now, services.settings.staff_session_hours)
        audit.note(session, now, f"staff:{member.id}", "signed_in", f"staff:{member.id}")
    response = RedirectResponse(local_path(next), status_code=303)
    response.set_cookie(
        cookie, token, max_age=services.settings.staff_session_hours * 3600, httponly=True, samesite="lax",
        secure=services.settings.base_url.startswith("https://"), path="/",
    )  # fmt: skip
    return response


@router.post("/signout")
def sign_out(request: Request, run: RunningDep) -> Response:
    """End the session here and on the server."""
    cookie = session_cookie(run.services.settings)
    with run.services.database.begin() as session:
        staff.close_session(session, request.cookies.get(cookie, ""))
    response = RedirectResponse("/signin", status_code=303)
    secure = run.services.settings.base_url.startswith("https://")
    response.delete_cookie(cookie, path="/", httponly=True, samesite="lax", secure=secure)
    return response


@router.get("/lang/{language}", response_class=HTMLResponse)
def choose_language(request: Request, language: str, next: str = "/") -> Response:
    """Remember a language and go back to the page one is on: scripts may have moved it on since its links were made."""
    came_from = urlsplit(request.headers.get("referer", ""))
    here = f"{came_from.path}?{came_from.query}" if came_from.netloc == request.headers.get("host") else next
    response = RedirectResponse(local_path(here, "/"), status_code=303)
    if language in LOCALES:
        response.set_cookie(LANG_COOKIE, language, max_age=31_536_000, samesite="lax", path="/", httponly=True)
    return response
