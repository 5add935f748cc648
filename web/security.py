"""What every request and response goes through: headers, CSRF by Sec-Fetch-Site, a cap on bodies, HEAD. Plain ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from base.errors import AppError, Forbidden, TooLarge
from base.i18n import N_, format_bytes

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
)
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
TOKEN_PATHS = ("/api/v1/chat/",)  # a bearer token, no cookie: nothing a foreign page could borrow
LANG_COOKIE = "firstline_lang"

Refuse = Callable[[Scope, Receive, Send, AppError], Awaitable[None]]  # web/errors.py answers, as for every error


class CrossSite(Forbidden):
    code = "cross_site_request"
    message = N_("This request came from another site and was refused. Open the page itself and try again.")


class SecurityHeaders:
    """Adds the headers above unless the response set its own; pages of staff and customers are never cached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                headers += [(name, value) for name, value in HEADERS if name not in present]
                if b"cache-control" not in present:
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, with_headers)


class AnswersHead:
    """HEAD is GET without the body: the routes need not know. A stream is left as soon as its headers are out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        started = False

        async def without_body(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        async def until_started() -> Message:
            return {"type": "http.disconnect"} if started else await receive()

        await self.app({**scope, "method": "GET"}, until_started, without_body)


class SameOriginOnly:
    """Refuses changes that another site asked for. Browsers say so in Sec-Fetch-Site, older ones in Origin."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self.app, self._refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or scope["path"].startswith(TOKEN_PATHS):
            await self.app(scope, receive, send)
            return
        if _same_origin(headers_of(scope)):
            await self.app(scope, receive, send)
            return
        await self._refuse(scope, receive, send, CrossSite())


class BodyLimit:
    """Refuses bodies over a limit: by the declared length at once, by the bytes that arrive otherwise."""

    def __init__(
        self, app: ASGIApp, max_bytes: int, upload_bytes: int, upload_paths: tuple[str, ...], refuse: Refuse
    ) -> None:
        self.app, self._refuse = app, refuse
        self._max, self._upload, self._paths = max_bytes, upload_bytes, upload_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._upload if scope["path"].startswith(self._paths) else self._max
        declared = headers_of(scope).get("content-length", "0")
        if not (declared.isascii() and declared.isdigit()) or int(declared[:18]) > limit:
            await self._refuse(scope, receive, send, TooLarge(limit=format_bytes(limit)))
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, format_bytes(limit))  # web/errors.py answers; it reads the limit here
            return message

        await self.app(scope, counted, send)


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers by lower-case name; of a repeated one the last."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _same_origin(headers: Mapping[str, str]) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin") or headers.get("referer")
    # No browser header at all: a command-line client, which holds no cookie it did not mean to send.
    return origin is None or urlsplit(origin).netloc == headers.get("host")
