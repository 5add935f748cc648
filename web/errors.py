"""Errors become answers here and nowhere else: problem+json for programs, a page for people, in their language."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from base.errors import AppError, Forbidden, InvalidInput, NotFound, TooLarge, TooManyRequests, Unauthenticated
from base.i18n import N_, explain, translate
from base.log import get_logger
from web.deps import local_path, locale
from web.pages import render
from web.views import ErrorView

log = get_logger(__name__)

_TITLES = {
    400: N_("Please check the input"),
    401: N_("Please sign in"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    405: N_("Not allowed"),
    409: N_("Changed meanwhile"),
    413: N_("Too large"),
    422: N_("Please check the input"),
    429: N_("Too many requests"),
    500: N_("Something went wrong"),
    503: N_("Not available right now"),
}
_FROM_STATUS: dict[int, type[AppError]] = {401: Unauthenticated, 403: Forbidden, 404: NotFound, 429: TooManyRequests}


_NEXT_STEPS = {TooLarge.code: N_("Nothing was taken. Go back, and send less at a time or split what is large.")}


class NotUnderstood(InvalidInput):
    status, code = 400, "request_not_understood"
    message = N_("This request could not be read. Please send it again.")


class MethodNotAllowed(InvalidInput):
    status, code = 405, "method_not_allowed"
    message = N_("This address does not take this kind of request.")


def install(app: FastAPI) -> None:
    """Register the handlers."""

    @app.exception_handler(AppError)
    async def on_app_error(request: Request, error: AppError) -> Response:
        if error.status >= 500:
            log.error("request_failed", code=error.code, detail=error.detail, path=request.url.path)
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        fields = [
            {"field": ".".join(str(part) for part in item["loc"][1:]), "message": item["msg"]}
            for item in error.errors()[:20]
        ]
        return answer(request, InvalidInput(), errors=fields)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return answer(request, _from_http(error), headers=error.headers)

    @app.exception_handler(DataError)
    async def on_unstorable(request: Request, error: DataError) -> Response:
        # A value no column can hold, such as a NUL in a search text: the sender's mistake, not ours.
        log.info("unstorable_value", path=request.url.path)
        return answer(request, NotUnderstood())

    app.add_middleware(Unexpected)


class Unexpected:
    """Answers for what nobody foresaw. Inside the other middleware, so that this answer has its headers too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except ClientDisconnect:
            return  # there is nobody to answer
        except Exception as error:
            request = Request(scope, receive)
            reference = secrets.token_hex(4)
            log.exception("unexpected_error", reference=reference, path=request.url.path, error=type(error).__name__)
            if not started:
                await answer(request, AppError(), reference=reference)(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send, error: AppError) -> None:
    """Answer in place of the app, before it has seen the request: a page only for who asks for one."""
    request = Request(scope, receive)
    for_people = "text/html" in request.headers.get("accept", "") and _wants_page(request)
    await answer(request, error, page=for_people)(scope, receive, send)


def answer(
    request: Request, error: AppError, *, reference: str = "", headers: Mapping[str, str] | None = None,
    page: bool | None = None, **extra: Any,
) -> Response:  # fmt: skip
    """The response for an error: JSON under /api and for fetches, the sign-in page for strangers, else a page."""
    if not hasattr(request.state, "staff"):
        request.state.staff = None  # do not ask a database that may be what failed
    language = locale(request)
    detail = explain(error, language)
    title = translate(_TITLES.get(error.status, _TITLES[500]), language)
    sent = {"Vary": "Accept-Language, Cookie", **(headers or {})}
    if "retry_after_seconds" in error.fields:
        sent["Retry-After"] = str(error.fields["retry_after_seconds"])
    if _wants_page(request) if page is None else page:
        stranger = isinstance(error, Unauthenticated)
        home = f"/signin?next={quote(local_path(_address(request)))}" if stranger else "/"
        if stranger and request.method == "GET":
            return RedirectResponse(home, status_code=303)
        back = "" if stranger else _form_page(request)
        step = translate(_NEXT_STEPS[error.code], language) if error.code in _NEXT_STEPS else ""
        view = ErrorView(
            status=error.status, title=title, detail=detail, next_step=step, reference=reference,
            home_url=back or home, home_label=translate(N_("Back to the form"), language) if back else "",
        )  # fmt: skip
        return render(request, "public/error.html", view, status=error.status, headers=sent)
    body = {
        "type": "about:blank",
        "title": title,
        "status": error.status,
        "detail": detail,
        "code": error.code,
        **extra,
    }
    if reference:
        body["reference"] = reference
    return JSONResponse(body, status_code=error.status, media_type="application/problem+json", headers=sent)


def _from_http(error: HTTPException) -> AppError:
    if error.status_code == TooLarge.status:
        return TooLarge(limit=error.detail)
    if error.status_code == MethodNotAllowed.status:
        return MethodNotAllowed()
    kind = _FROM_STATUS.get(error.status_code, NotUnderstood if error.status_code < 500 else AppError)
    return kind(str(error.detail))


def _address(request: Request) -> str:
    """Where to go on after signing in: this page, or the one whose form was sent."""
    if request.method == "GET":
        return request.url.path + (f"?{request.url.query}" if request.url.query else "")
    came_from = urlsplit(request.headers.get("referer", ""))
    return came_from.path or "/inbox"


def _form_page(request: Request) -> str:
    """The page of ours whose form was sent; "" where there is none to return to."""
    came_from = urlsplit(request.headers.get("referer", ""))
    ours = request.method == "POST" and came_from.netloc == request.headers.get("host")
    return local_path(came_from.path, "") if ours else ""


def _wants_page(request: Request) -> bool:
    """Whether a person is looking: not a program under /api, not a script's request."""
    if request.url.path.startswith("/api/") or "hx-request" in request.headers:
        return False
    accept = request.headers.get("accept", "*/*")
    return "text/html" in accept or accept == "*/*"
