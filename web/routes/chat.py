"""The widget's API: a signed session, messages in, events out. Stored before acknowledged; read again after any gap."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace

from fastapi import APIRouter, Request, status
from sqlalchemy.orm import Session
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from base.i18n import N_, translate
from base.messages import Channel, Inbound
from base.metrics import SSE_CLIENTS
from channels.registry import ADAPTERS
from channels.webchat import MAX_TEXT, THREAD_HEADER
from desk import access, conversations, events
from desk.access import ThreadActor
from desk.models import Conversation
from web import carry_on, chat_links
from web.chat_links import ChatLinkOut
from web.deps import ChatDep, ChatSession, Number, Running, RunningDep, client_address, limit
from web.live import CLOSE, Signal, chat_signal, event_id, event_stream, turn_json
from web.schemas import (
    ChatSessionOut,
    MailCode,
    MailConfirmedOut,
    MailWish,
    MailWishOut,
    MessageOut,
    NewChatSession,
    Problem,
    QuickReplyOut,
    TurnsOut,
)
from web.taking import take
from web.visitor import Visitor, read_visitor, remember

router = APIRouter(
    prefix="/api/v1/chat", tags=["chat"], responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}}
)
RETRY_MILLISECONDS = 2000
LINKS_PER_VISITOR = 20  # per hour
CODES_PER_WINDOW, CODES_PER_ADDRESS, CODES_PER_PLACE = 3, 4, 20  # per hour: nobody is bombed with codes


@router.post("/sessions", status_code=status.HTTP_201_CREATED)
def open_session(body: NewChatSession, request: Request, run: RunningDep) -> ChatSessionOut:
    """A new chat window. Nothing is stored until the customer writes, but who they are when the site says so."""
    settings = run.services.settings
    limit(request, "hour", settings.chat_sessions_per_hour, "chat-session", client_address(request))
    lang = body.lang or settings.default_locale
    secret = settings.widget_secret.get_secret_value()
    visitor = read_visitor(body.user_token, secret, time.time()) if body.user_token else None
    if visitor is not None:
        remember(run.services, visitor, lang)
    thread = secrets.token_urlsafe(18)
    greeting = translate(
        N_("Hello, this is the assistant of {organisation}. What can I do for you?"),
        lang,
        organisation=settings.organisation,
    )
    return ChatSessionOut(
        session=run.chat_tokens.dumps({"t": thread, "l": lang, **({"u": visitor.id} if visitor else {})}),
        conversation=thread,
        lang=lang,
        greeting=greeting,
        quick_replies=[QuickReplyOut(label=translate(N_("Talk to a person"), lang), action="human")],
        max_chars=MAX_TEXT,
        read_chars=settings.message_max_chars,
        mail=bool(run.services.office.accounts),
        name=visitor.name if visitor else "",
    )


@router.get("/turns")
def turns(run: RunningDep, chat: ChatDep, after: Number = 0) -> TurnsOut:
    """What was said after turn number `after`, and where to go on listening."""
    with run.services.database.read() as session:
        last = events.last_id(session)  # before the turns: what comes in between is told twice rather than never
        found = _conversation(session, chat)
        if found is None:
            return TurnsOut(turns=[], state="bot", last_event_id=last)
        said = conversations.turns_after(session, found.id, after, notes=False)
        return TurnsOut(turns=[turn_json(turn) for turn in said], state=found.state, last_event_id=last)


@router.post("/messages", status_code=status.HTTP_202_ACCEPTED)
async def send_message(request: Request, run: RunningDep, chat: ChatDep) -> MessageOut:
    """Take a message: {"client_id", "text", "action", "product"}. It is stored when this answers; the reply comes as an event."""
    settings = run.services.settings
    limit(request, "minute", settings.chat_messages_per_minute, "chat-message", chat.thread_id)
    adapter = ADAPTERS[Channel.WEBCHAT]()
    headers = {THREAD_HEADER: chat.thread_id, "x-firstline-locale": chat.lang}
    message = of_visitor(adapter.parse(await request.body(), headers)[0], chat.visitor)

    [put] = await run_in_threadpool(take, run.services, message)
    run.worker.wake()
    return MessageOut(message_id=put.id, duplicate=put.duplicate)


@router.post("/mail", status_code=status.HTTP_202_ACCEPTED)
async def wish_for_mail(body: MailWish, request: Request, run: RunningDep, chat: ChatDep) -> MailWishOut:
    """Carry the conversation on by mail: a one-time code goes to the address. The answer is the same for every address."""
    carry_on.check_address(body.address)  # a slip of the pen counts for nothing
    for key, amount in (
        (f"chat:{chat.thread_id}", CODES_PER_WINDOW), (f"address:{body.address.lower()}", CODES_PER_ADDRESS),
        (f"from:{client_address(request)}", CODES_PER_PLACE),
    ):  # fmt: skip
        limit(request, "hour", amount, "mail-code", key)
    await carry_on.send_code(run, chat, body.address)
    return MailWishOut(sent=True)


@router.post("/mail/confirm")
def confirm_mail(body: MailCode, run: RunningDep, chat: ChatDep) -> MailConfirmedOut:
    """The code that came by mail: the address is this customer's now, and answers go there, too."""
    address = carry_on.confirm(run.services, chat, body.code)
    run.worker.wake()
    run.hub.wake()
    return MailConfirmedOut(address=address)


@router.post("/links", status_code=status.HTTP_201_CREATED)
def make_link(request: Request, run: RunningDep, chat: ChatDep) -> ChatLinkOut:
    """For who is signed in on the page: a one-time link by which another channel knows them, good for half an hour."""
    who = chat.visitor.id if chat.visitor is not None else chat.thread_id
    limit(request, "hour", LINKS_PER_VISITOR, "chat-link", who)
    return chat_links.make(run.services, chat)


@router.get("/events", response_class=EventSourceResponse)
async def listen(request: Request, run: RunningDep, chat: ChatDep) -> EventSourceResponse:
    """Server-sent events of this window: `turn`, `state`, and the passing `delta` and `typing`.

    With a Last-Event-ID, what happened since is told first; an id that is none of ours tells the whole conversation.
    """
    seen = event_id(request.headers.get("last-event-id"))
    return event_stream(_events(run, chat, seen))


def of_visitor(message: Inbound, visitor: Visitor | None) -> Inbound:
    """A message of somebody the site vouched for is filed under them, wherever they write from."""
    if visitor is None:
        return message
    known = [[Channel.EMAIL, visitor.email]] if visitor.email else []
    extra = {**message.extra, "verified": True, **({"identities": known} if known else {})}
    return replace(message, sender_id=visitor.id, sender_name=visitor.name, extra=extra)


async def _events(run: Running, chat: ChatSession, seen: int | None) -> AsyncIterator[ServerSentEvent]:
    with run.hub.subscribe(chat.key) as subscriber, SSE_CLIENTS.labels(kind="chat").track_inprogress():
        yield ServerSentEvent(comment="ready", retry=RETRY_MILLISECONDS)
        told = 0
        for signal in await run_in_threadpool(_replay, run, chat, seen):
            told = signal.id
            yield ServerSentEvent(data=signal.data, event=signal.name, id=str(signal.id))
        while not subscriber.lost and not run.hub.closing.is_set():
            signal = await subscriber.queue.get()
            if signal.name == CLOSE:
                return
            if not signal.name or 0 < signal.id <= told:
                continue  # nothing for customers, or told by the replay already
            yield ServerSentEvent(data=signal.data, event=signal.name, id=str(signal.id) if signal.id else None)


def _replay(run: Running, chat: ChatSession, seen: int | None) -> list[Signal]:
    """What this window's client has missed. Ids beyond the newest are from another database: all of it is told."""
    if seen is None:
        return []
    with run.services.database.read() as session:
        found = _conversation(session, chat)
        if found is None:
            return []
        at = seen if seen <= events.last_id(session) else 0
        signals: list[Signal] = []
        while missed := events.after(session, at, conversation_id=found.id):
            said = conversations.turns_by_id(session, [event.turn_id for event in missed if event.turn_id])
            signals += [signal for event in missed if (signal := chat_signal(event, said))]
            at = missed[-1].id
    return signals


def _conversation(session: Session, chat: ChatSession) -> Conversation | None:
    return access.conversation_of_thread(session, ThreadActor(Channel.WEBCHAT, chat.thread_id))
