"""What routes ask for: the services, the reader's language, who is signed in and what they may do. Deny by default."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Query, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import parse

from base.errors import Forbidden, TooManyRequests, Unauthenticated
from base.i18n import known_locale
from base.settings import Settings
from desk import staff as staff_store
from desk.models import Staff
from web.live import Hub
from web.security import LANG_COOKIE
from web.visitor import Visitor
from web.wiring import Services
from web.worker import Worker

if TYPE_CHECKING:
    from web.mail.room import MailRoom
from web.mail_process import MailProcess

CHAT_SESSION_SECONDS = 60 * 60 * 24 * 60


@dataclass(slots=True)
class Running:
    """What one serving process holds besides its services."""

    services: Services
    hub: Hub
    worker: Worker
    limiter: Any
    templates: Any
    mail: MailRoom
    chat_tokens: URLSafeTimedSerializer
    on_warm: Callable[[], None]
    opens: threading.Event  # set once it is set up: what is asked before is stored, and answered then
    mail_process: MailProcess | None = None  # reads, answers and sends mail in our place


def running(request: Request) -> Running:
    found: Running = request.app.state.running
    return found


def services(request: Request) -> Services:
    return running(request).services


def locale(request: Request) -> str:
    """The reader's language: their choice, their profile, their browser, the default."""
    chosen = request.cookies.get(LANG_COOKIE)
    member = getattr(request.state, "staff", None)
    default = services(request).settings.default_locale
    if chosen in ("en", "zh"):
        return chosen
    return member.lang if member else known_locale(request.headers.get("accept-language"), default)


def asked_locale(request: Request) -> str:
    """For programs: the language the request asks for, else the reader's."""
    return known_locale(request.headers.get("accept-language"), "") or locale(request)


def current_staff(request: Request) -> Staff | None:
    """Who is signed in, if anybody."""
    if not hasattr(request.state, "staff"):
        found = services(request)
        token = request.cookies.get(session_cookie(found.settings), "")
        if not token:
            request.state.staff = None
        else:
            with found.database.read() as session:
                request.state.staff = staff_store.from_session(session, token, found.clock.now())
    member: Staff | None = request.state.staff
    return member


def session_cookie(settings: Settings) -> str:
    """The cookie of a staff session. With TLS its prefix makes browsers refuse it from subdomains."""
    return "__Host-firstline_staff" if settings.base_url.startswith("https://") else "firstline_staff"


def requires(permission: str, *, or_bearer: str = "") -> Any:
    """A dependency: a signed-in member of staff with a permission. Raises Unauthenticated or Forbidden.

    or_bearer: the setting that holds a token which does as well, for programs; an empty one opens nothing.
    """

    def check(request: Request) -> Staff | None:
        if or_bearer and _bears(request, getattr(services(request).settings, or_bearer).get_secret_value()):
            return None
        member = current_staff(request)
        if member is None:
            raise Unauthenticated()
        if not staff_store.may(member, permission):
            raise Forbidden(permission=permission)
        return member

    return Depends(check)


def _bears(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and secrets.compare_digest(given.encode(), token.encode())


@dataclass(frozen=True, slots=True)
class ChatSession:
    """A signed chat window: what it may reach is its own thread, nothing else."""

    thread_id: str
    lang: str
    visitor: Visitor | None = None  # whom the organisation's site vouched for when the window was opened

    @property
    def key(self) -> str:
        return f"webchat:{self.thread_id}"


def chat_session(request: Request) -> ChatSession:
    """The session in the Authorization header. Raises Unauthenticated when missing, forged or too old."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("no chat session")
    try:
        data = running(request).chat_tokens.loads(token, max_age=CHAT_SESSION_SECONDS)
        thread, lang = str(data["t"]), str(data["l"])
        return ChatSession(thread, lang, _visitor(data["u"]) if "u" in data else None)
    except (BadSignature, KeyError, TypeError) as error:
        raise Unauthenticated("chat session not valid") from error


def _visitor(known: str | list[str]) -> Visitor:
    """Who a session is of. One from before this version holds name and address, too; it is good until it ends."""
    return Visitor(known) if isinstance(known, str) else Visitor(*(str(part) for part in known))


def limit(request: Request, per: str, amount: int, *keys: str) -> None:
    """Count a hit. Raises TooManyRequests, with the seconds to wait, when there were `amount` within `per` already."""
    rule = parse(f"{amount}/{per}")
    limiter = running(request).limiter
    if not limiter.hit(rule, *keys):
        reset = limiter.get_window_stats(rule, *keys).reset_time
        raise TooManyRequests(retry_after_seconds=max(1, round(reset - time.time())))


def client_address(request: Request) -> str:
    """The client's address; a proxy's word for it is taken only when uvicorn was told to trust that proxy."""
    return request.client.host if request.client else "unknown"


def local_path(wish: str, default: str = "/inbox") -> str:
    """A path of this site to return to; anything else becomes the default (no open redirect)."""
    try:
        parts = urlsplit(wish)
    except ValueError:
        return default
    is_local = wish.startswith("/") and not wish.startswith("//") and not parts.scheme and not parts.netloc
    return wish if is_local and "\\" not in wish and wish.isprintable() else default


MAX_NUMBER = 2**53  # beyond any id or count of ours; every database takes it
Number = Annotated[int, Query(ge=0, le=MAX_NUMBER)]
RunningDep = Annotated[Running, Depends(running)]
ServicesDep = Annotated[Services, Depends(services)]
LocaleDep = Annotated[str, Depends(locale)]
AskedLocaleDep = Annotated[str, Depends(asked_locale)]
ChatDep = Annotated[ChatSession, Depends(chat_session)]
