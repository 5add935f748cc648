"""The FastAPI app: routes, middleware, and what starts and stops with it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from itsdangerous import URLSafeTimedSerializer
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from base.log import get_logger
from base.messages import Channel
from desk.inbox import InboxItem
from kb.audit import repair
from web import errors
from web.deps import Running
from web.live import Hub
from web.mail.room import MailRoom, doors
from web.mail_process import MailProcess
from web.pages import make_environments
from web.routes import (
    api,
    chat,
    customers,
    deliveries,
    inbox,
    inbox_live,
    incidents,
    knowledge,
    letters,
    mail,
    merges,
    public,
    ratings,
    reports,
    signin,
    why,
)
from web.security import AnswersHead, BodyLimit, SameOriginOnly, SecurityHeaders
from web.wiring import Services
from web.worker import MAIL_ONLY, Worker, opened

log = get_logger(__name__)
STATIC = Path(__file__).parent / "static"
BODY_BYTES = 1024 * 1024
UPLOAD_PATHS = ("/knowledge/upload", "/hooks/mail/")
CHAT_PREFIX = "/api/v1/chat/"
ROUTES = (
    chat, api, public, ratings, signin, mail, inbox_live, inbox, why, knowledge, reports, incidents, letters,
    deliveries, customers, merges,
)  # fmt: skip


def create_app(
    services: Services, *, on_warm: Callable[[], None] = lambda: None, opens: threading.Event | None = None,
    mail_process: MailProcess | None = None,
) -> FastAPI:  # fmt: skip
    """The app over these services. Its lifespan starts the hub and, unless told otherwise, the worker.

    on_warm: called when the models are loaded and the index is checked.
    opens: set by whoever is still setting it up; until then messages are taken and wait.
    mail_process: reads, answers and sends mail in place of this one.
    """
    opens = opens or opened()
    app = FastAPI(
        title="Firstline", version="1", description="The support desk's API. Errors are problem+json (RFC 9457).",
        docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json", lifespan=_lifespan,
    )  # fmt: skip
    hub = Hub(services.database)
    templates = make_environments()
    room = MailRoom(services, services.office, templates)
    channels = frozenset(Channel) - (MAIL_ONLY if mail_process else frozenset())
    worker = Worker(
        services, {channel: door for channel, door in doors(room).items() if channel in channels}, channels=channels,
        chores={} if mail_process else {"sort-mail": room.sorter.sort_one}, on_change=hub.wake,
        on_start=lambda item: _typing(hub, item),
        on_draft=lambda item, text: hub.whisper(_thread(item), "delta", {"draft": item.id, "text": text}),
        opens=opens,
    )  # fmt: skip
    app.state.running = Running(
        services=services, hub=hub, worker=worker, limiter=MovingWindowRateLimiter(MemoryStorage()),
        templates=templates, mail=room, chat_tokens=URLSafeTimedSerializer(services.secret_key, salt="chat-session"),
        on_warm=on_warm, opens=opens, mail_process=mail_process,
    )  # fmt: skip
    for module in ROUTES:
        app.include_router(module.router)
    app.mount("/static", CachedFiles(directory=STATIC), name="static")
    errors.install(app)
    form_bytes = 64 * 1024  # beside the files: names, borders, the other fields
    upload_bytes = services.settings.upload_max_bytes * knowledge.FILES_AT_ONCE + form_bytes
    app.add_middleware(
        BodyLimit, max_bytes=BODY_BYTES, upload_bytes=upload_bytes, upload_paths=UPLOAD_PATHS, refuse=errors.refuse
    )
    app.add_middleware(SameOriginOnly, refuse=errors.refuse)
    app.add_middleware(AnswersHead)
    app.add_middleware(ChatCors, origins=services.settings.allowed_origins)
    app.add_middleware(SecurityHeaders)
    return app


class CachedFiles(StaticFiles):
    """Static files, kept by browsers for a while and revalidated by their ETag."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "max-age=3600" if path.startswith("vendor") else "max-age=60"
        return response


class ChatCors:
    """Lets the configured sites call the chat API, without credentials; nothing else is open to other sites."""

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app, allow_origins=origins, allow_methods=["GET", "POST"], expose_headers=["Retry-After"], max_age=600,
            allow_headers=["authorization", "content-type", "last-event-id"],
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chat_call = scope["type"] == "http" and scope["path"].startswith(CHAT_PREFIX)
        await (self._cors if chat_call else self._app)(scope, receive, send)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    run: Running = app.state.running
    services = run.services
    await run.hub.start()
    if services.settings.worker == "inline":
        run.worker.start()
        if run.mail_process is None:
            run.mail.start(run.worker.wake)
    threading.Thread(target=_warm_up, args=(run,), name="warm-up", daemon=True).start()
    log.info("serving", url=services.settings.base_url)
    try:
        yield
    finally:
        await run.hub.stop()
        await run_in_threadpool(run.mail.stop)
        await run_in_threadpool(run.worker.stop)
        await run_in_threadpool(services.close)


def _warm_up(run: Running) -> None:
    """Load the model and check the index before the first customer needs them; the pages are up meanwhile."""
    services = run.services
    try:
        services.warm()
        report = repair(services.database, services.embedder, services.vectors, services.keywords)
        log.info("index_checked", ok=report.ok, live=report.live_chunks)
        run.on_warm()
    except Exception as error:  # the first question will say it again; the server stays up
        log.error("warm_up_failed", error=f"{type(error).__name__}: {error}"[:300])


def _thread(item: InboxItem) -> str:
    return f"{item.inbound.channel}:{item.inbound.thread_id}"


def _typing(hub: Hub, item: InboxItem) -> None:
    hub.whisper(_thread(item), "typing", {"who": "bot"})
