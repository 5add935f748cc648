"""Mail over HTTP: the hook for mail servers, the links in our mails, and a whole mail for staff."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from base.errors import NotFound, TooLarge
from base.i18n import format_bytes
from base.messages import Channel, Inbound
from channels.email.accounts import is_address
from channels.email.limits import MailRefused
from channels.email.links import take_out
from channels.email.models import Address, Mail
from desk import mail_threads, mails
from desk.models import Staff
from web.carry_on import NotAnAddress
from web.deps import MAX_NUMBER, LocaleDep, RunningDep, requires
from web.mail.letters import Click, Links
from web.mail.reading import ReaderFailed
from web.mail_views import ClickView, FileLine, WholeMail
from web.pages import render
from web.present import Presenter
from web.schemas import Problem
from web.taking import take

router = APIRouter()
Member = Annotated[Staff, requires("inbox")]
SAVE_HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


class MailStored(BaseModel):
    stored: bool  # False: this very mail had been stored before


@router.post(
    "/hooks/mail/{mailbox}", status_code=status.HTTP_202_ACCEPTED, tags=["mail"],
    dependencies=[requires("admin", or_bearer="mail_hook_token")],
    responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
)  # fmt: skip
async def receive_mail(
    request: Request, mailbox: str, run: RunningDep,
    recipient: Annotated[str, Query(max_length=320)] = "", sender: Annotated[str | None, Query(max_length=320)] = None,
) -> MailStored:  # fmt: skip
    """Take one mail, byte by byte as it came (message/rfc822). It is stored when this answers; anything else: try again.

    recipient, sender: of the envelope, where the mail itself does not name them; an empty sender is that of a bounce.
    """
    services = run.services
    account = services.office.account(mailbox)
    if account is None:
        raise NotFound("mailbox")
    body = await request.body()
    if len(body) > account.max_bytes:
        raise TooLarge(limit=format_bytes(account.max_bytes))
    raw = _delivered(recipient, sender) + body

    def store() -> bool:
        with services.database.begin() as session:
            return mails.put(session, mailbox, raw, "hook", services.clock.now()) is not None

    stored = await run_in_threadpool(store)
    run.worker.wake()
    return MailStored(stored=stored)


def _delivered(recipient: str, sender: str | None) -> bytes:
    """The lines that a mail server puts on top when it delivers. Raises NotAnAddress."""
    if not all(one in ("", None) or is_address(one) for one in (recipient, sender)):
        raise NotAnAddress()
    lines = [f"Return-Path: <{sender}>"] if sender is not None else []
    lines += [f"Delivered-To: {recipient}"] if recipient else []
    return "".join(f"{line}\r\n" for line in lines).encode()


@router.get("/mail/{token}", include_in_schema=False)
def follow_link(request: Request, token: str, run: RunningDep, language: LocaleDep) -> Response:
    """What a link in a mail would do. It does it when the button is pressed: mail scanners follow every link."""
    click = _click(run, token)
    return render(request, "public/click.html", _click_view(run, token, click, done=False))


@router.post("/mail/{token}", include_in_schema=False)
def press_link(request: Request, token: str, run: RunningDep, language: LocaleDep) -> Response:
    """Do it, once however often it is pressed."""
    click = _click(run, token)
    with run.services.database.read() as session:
        thread = mail_threads.get(session, click.thread)
    if thread is None:
        raise NotFound("mail link")
    message = Inbound(
        channel=Channel.EMAIL, message_id=f"click:{click.key}:{click.action}", thread_id=click.thread,
        sender_id=thread.address, text="", received_at=run.services.clock.now(), sender_name=thread.name,
        locale=language, action=click.action,
    )  # fmt: skip
    take(run.services, message)
    run.worker.wake()
    return render(request, "public/click.html", _click_view(run, token, click, done=True))


def _click(run: RunningDep, token: str) -> Click:
    services = run.services
    click = Links(services.secret_key, services.settings.base_url).read(token)
    if click is None:
        raise NotFound("mail link")
    return click


def _click_view(run: RunningDep, token: str, click: Click, *, done: bool) -> ClickView:
    with run.services.database.read() as session:
        thread = mail_threads.get(session, click.thread)
    if thread is None:
        raise NotFound("mail link")
    return ClickView(token, click.action.partition(":")[0], thread.subject, done)


@router.get("/inbox/mails/{mail_id}", include_in_schema=False)
def whole_mail(request: Request, mail_id: int, run: RunningDep, member: Member, language: LocaleDep) -> Response:
    """A mail with everything that was cut off for the transcript."""
    presenter = Presenter(run.services, language, member)
    raw, received = _stored(run, mail_id)
    try:
        _, mail = take_out(run.mail.read(raw))  # a link that was not used yet is nobody's to see
    except (MailRefused, ReaderFailed) as error:
        view = WholeMail(mail_id, "", "", "", "", presenter.moment(received), "", "", (), str(error))
    else:
        view = WholeMail(
            mail_id, mail.subject, _people(mail.senders), _people(mail.to), _people(mail.cc), presenter.moment(received),
            mail.text, mail.new_text, tuple(_file_line(mail_id, n, mail) for n in range(len(mail.files))), "",
        )  # fmt: skip
    return render(request, "staff/mail.html", view, section="inbox")


@router.get("/inbox/mails/{mail_id}/raw", include_in_schema=False)
def raw_mail(mail_id: int, run: RunningDep, member: Member) -> Response:
    """The bytes, to be looked at elsewhere."""
    raw, _ = _stored(run, mail_id)
    run.mail.check(raw)
    return Response(raw, media_type="message/rfc822", headers={**SAVE_HEADERS, **_save_as(f"mail-{mail_id}.eml")})


@router.get("/inbox/mails/{mail_id}/files/{number}", include_in_schema=False)
def mail_file(mail_id: int, number: int, run: RunningDep, member: Member) -> Response:
    """One attachment. Always saved, never shown by the browser, and looked at by the virus scanner each time."""
    raw, _ = _stored(run, mail_id)
    try:
        files = run.mail.read(raw).files
    except (MailRefused, ReaderFailed) as error:
        raise NotFound("mail file") from error
    if not 0 <= number < len(files) or files[number].refused:
        raise NotFound("mail file")
    file = files[number]
    run.mail.check(file.content)
    return Response(
        file.content, media_type="application/octet-stream", headers={**SAVE_HEADERS, **_save_as(file.name)}
    )


def _stored(run: RunningDep, mail_id: int) -> tuple[bytes, datetime]:
    with run.services.database.read() as session:
        found = mails.raw(session, mail_id) if mail_id < MAX_NUMBER else None
    if found is None:
        raise NotFound("mail")
    return found


def _file_line(mail_id: int, number: int, mail: Mail) -> FileLine:
    file = mail.files[number]
    url = "" if file.refused else f"/inbox/mails/{mail_id}/files/{number}"
    return FileLine(file.name, format_bytes(file.size_bytes), url, file.media_type)


def _people(people: Sequence[Address]) -> str:
    return ", ".join(f"{one.name} <{one.address}>" if one.name else one.address for one in people[:50])


def _save_as(name: str) -> dict[str, str]:
    """A header by which browsers save under this name. RFC 6266, RFC 8187."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}
