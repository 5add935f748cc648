"""Mail out: one mail to one server, and an honest word on whether it took it; a copy kept; both servers checked."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from enum import StrEnum

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponse,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from imap_tools import MailMessageFlags
from imap_tools.errors import ImapToolsError

from base.errors import AppError, DeliveryError, RetryLater
from base.log import get_logger
from base.messages import DeliveryState, Receipt
from channels.email.accounts import MailAccount, Security, is_address
from channels.email.imap_connection import MailboxDown, open_mailbox
from channels.email.tokens import TokenRefused

log = get_logger(__name__)

_WRONG_PASSWORD_SECONDS = 900.0  # many servers lock an account after a few wrong ones
_DETAIL_CHARS = 300
_LINE_END = re.compile(rb"\r\n|\r|\n")
_WAIT_FOR = re.compile(r"\b(?:in|after|for|wait)\s+(\d{1,5})\s*(s|sec|seconds?|m|min|minutes?)\b", re.I)
_OF_SENDER = re.compile(
    r"sender|send ?as|mail from|envelope[- ]from|return[- ]path|not owned|发件人|发信人|寄件人", re.IGNORECASE
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class Trouble(StrEnum):
    """Why a mail is not handed over now, as `fields["trouble"]` of RetryLater and first word of its detail."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a state, not a password
    NO_CONNECTION = "no_connection"
    TLS_FAILED = "tls_failed"
    NOT_NOW = "not_now"  # the server asks to come again: busy, greylisting


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. Shorter than RFC 5321, 4.5.3.2 allows servers to be, except for taking the mail: that must not be cut."""

    connect: float = 20.0
    answer: float = 60.0
    accept: float = 600.0


@dataclass(frozen=True, slots=True)
class Sent:
    """The server took the mail, or may have. `refused`: recipients it did not take, with its words: "550 5.1.1 ..."."""

    receipt: Receipt
    refused: dict[str, str] = field(default_factory=dict)
    reply: str = ""  # of the server to the whole mail, often with its own number for it


async def send_mail(
    account: MailAccount,
    message: bytes,
    sender: str,
    recipients: Sequence[str],
    timeouts: Timeouts | None = None,
) -> Sent:
    """Hand a mail to the account's server. sender: "" for mails nobody shall answer to.

    The receipt says MAYBE_SENT when the connection broke between the end of the mail and the server's answer to it.
    Raises DeliveryError when the server will never take it (`fields["refused"]`: by recipient, when it is for their sake),
    RetryLater when it may later: nothing was sent. `fields["trouble"]` says which Trouble.
    """
    wait = timeouts or Timeouts()
    payload = _on_the_wire(message)
    async with _signed_in(account, wait) as client:
        with_utf8 = client.supports_extension("smtputf8")
        options = _options(client, payload, [sender, *recipients])
        await _announce(client, sender, options, with_utf8=with_utf8)
        refused = await _address(client, recipients, with_utf8=with_utf8)
        state, reply = await _hand_over(client, payload, wait)
    message_id = str(BytesHeaderParser().parsebytes(message).get("Message-ID", "")).strip().strip("<>")
    log.info("mail_sent", mailbox=account.name, state=state.value, refused=len(refused))
    return Sent(Receipt(state, message_id), refused, reply)


@asynccontextmanager
async def _signed_in(account: MailAccount, wait: Timeouts) -> AsyncIterator[SMTP]:
    """A connection over which mail may be handed. Raises RetryLater for whatever prevents it, or breaks it."""
    server = account.smtp
    client = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.security is Security.TLS,
        start_tls=server.security is Security.STARTTLS,
        tls_context=None if server.security is Security.PLAIN else account.tls(),
        timeout=wait.answer,
        local_hostname=account.address.rpartition("@")[2].encode("idna").decode(),  # not this machine's name
    )
    try:
        await client.connect(timeout=wait.connect)
        await _sign_in(client, account)
        yield client
        _quit(client)
    except AppError:
        _quit(client)
        raise
    except (SMTPException, OSError, ssl.SSLError, TokenRefused, ValueError) as error:
        raise _come_again(error) from error
    finally:
        client.close()


def _quit(client: SMTP) -> None:
    """Say goodbye without waiting for an answer: whoever is stopped meanwhile would not know that the mail is out."""
    with suppress(SMTPException):
        if client.protocol is not None:
            client.protocol.write(b"QUIT\r\n")


async def _sign_in(client: SMTP, account: MailAccount) -> None:
    """One attempt, with the best way the server offers: every wrong one counts towards a locked account."""
    user, secret = account.smtp_sign_in
    await client.ehlo()
    if not user:
        return
    if secret is None:
        token = await asyncio.to_thread(account.access_token)
        try:
            await client.auth_xoauth2(user, token)
        except SMTPAuthenticationError:
            await client.auth_xoauth2(user, await asyncio.to_thread(account.access_token, renew=True))
        return
    password, offered = secret.get_secret_value(), client.server_auth_methods
    if "plain" in offered or not offered:
        await client.auth_plain(user, password)
    elif "login" in offered:
        await client.auth_login(user, password)
    elif "cram-md5" in offered:
        await client.auth_crammd5(user, password)
    else:
        raise SMTPAuthenticationError(504, f"the server wants one of {', '.join(offered)}")


def _come_again(error: Exception) -> RetryLater:
    """What broke the conversation before the mail was handed over, as a passing fault: it is not the mail's."""
    words = _one_line(str(getattr(error, "message", "") or error) or type(error).__name__)
    chain = [error, error.__cause__, error.__context__]
    if isinstance(error, SMTPAuthenticationError | TokenRefused) and not 400 <= getattr(error, "code", 0) < 500:
        return _later(Trouble.WRONG_PASSWORD, f"{getattr(error, 'code', '')} {words}", _WRONG_PASSWORD_SECONDS)
    if any(isinstance(one, ssl.SSLError) for one in chain) or "STARTTLS" in words:
        return _later(Trouble.TLS_FAILED, words)
    if isinstance(error, SMTPResponseException):
        return _later(Trouble.NOT_NOW, f"{error.code} {words}")
    return _later(Trouble.NO_CONNECTION, words)


def _later(trouble: Trouble, words: str, seconds: float = 0) -> RetryLater:
    """seconds: before which there is no use in coming again; the server's own wish, if it has one."""
    wish = _WAIT_FOR.search(words)
    if wish and not seconds:
        seconds = float(wish[1]) * (60 if wish[2].lower().startswith("m") else 1)
    return RetryLater(f"{trouble.value}: {words.strip()}", seconds, trouble=trouble.value)


def _refusal(code: int, words: str) -> DeliveryError:
    """4xx: later; anything else that is not success: never, unless it is for our signing in."""
    text = f"{code} {_one_line(words)}"
    if code in (530, 534, 535, 538):
        return _later(Trouble.WRONG_PASSWORD, text, _WRONG_PASSWORD_SECONDS)
    return _later(Trouble.NOT_NOW, text) if 400 <= code < 500 else DeliveryError(text, smtp_code=code)


def refuses_sender(error: DeliveryError) -> bool:
    """Whether a refusal is for the envelope sender's sake: another one may be taken. Some servers say so at the recipient
    or at the end of the mail only, so their words count."""
    if isinstance(error, RetryLater) and error.fields.get("trouble") != Trouble.NOT_NOW:
        return False
    return bool(error.fields.get("sender")) or _OF_SENDER.search(error.detail) is not None


def _options(client: SMTP, payload: bytes, addresses: Sequence[str]) -> list[str]:
    """What is announced with the mail. Raises DeliveryError when it is larger than the server says it takes."""
    options = []
    limit = client.esmtp_extensions.get("size")
    if limit is not None:
        options.append(f"SIZE={len(payload)}")
        if limit.isdigit() and 0 < int(limit) < len(payload):
            raise DeliveryError("the mail is too large for the server", size_bytes=len(payload), limit_bytes=int(limit))
    head = payload.partition(b"\r\n\r\n")[0]
    needs_utf8 = bool(_NOT_ASCII.search(head)) or not all(_local_part(one).isascii() for one in addresses)
    if needs_utf8 and client.supports_extension("smtputf8"):
        options.append("SMTPUTF8")
    if _NOT_ASCII.search(payload) and client.supports_extension("8bitmime"):
        options.append("BODY=8BITMIME")
    return options


def _local_part(address: str) -> str:
    return address.rpartition("@")[0]


def _wire_address(address: str, *, with_utf8: bool) -> str:
    """The address as the server reads it, its domain in ASCII. Raises ValueError when there is no such form."""
    local, _, domain = address.rpartition("@")
    if not is_address(address):
        raise ValueError("this is no address")
    if not local.isascii() and not with_utf8:
        raise ValueError("the server takes no addresses beyond ASCII")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"


async def _announce(client: SMTP, sender: str, options: list[str], *, with_utf8: bool) -> None:
    try:
        envelope = _wire_address(sender, with_utf8=with_utf8) if sender else ""
        await client.mail(envelope, options=options, encoding="utf-8")
    except SMTPSenderRefused as error:
        refusal = _refusal(error.code, error.message)
        refusal.fields["sender"] = True
        raise refusal from error
    except ValueError as error:
        raise DeliveryError(f"the sender's address: {error}") from error


async def _address(client: SMTP, recipients: Sequence[str], *, with_utf8: bool) -> dict[str, str]:
    """The recipients that are refused. Raises when all are: RetryLater if one may be taken later."""
    refused: dict[str, str] = {}
    wanted = list(dict.fromkeys(recipients))
    for recipient in wanted:
        try:
            await client.rcpt(_wire_address(recipient, with_utf8=with_utf8), encoding="utf-8")
        except SMTPRecipientRefused as error:
            refused[recipient] = f"{error.code} {_one_line(error.message)}"
        except ValueError as error:
            refused[recipient] = f"553 {_one_line(str(error))}"
    if len(refused) < len(wanted):
        return refused
    detail = "; ".join(f"{recipient}: {words}" for recipient, words in refused.items()) or "no recipients"
    if any(words.startswith("4") for words in refused.values()):
        raise _later(Trouble.NOT_NOW, detail)
    raise DeliveryError(detail, refused=refused)


async def _hand_over(client: SMTP, payload: bytes, wait: Timeouts) -> tuple[DeliveryState, str]:
    """The mail itself. Up to its last line nothing can have been sent; after it, only the server's answer tells."""
    answer = await client.execute_command(b"DATA")
    if answer.code != 354:
        raise _refusal(answer.code, answer.message)
    if client.protocol is None:
        raise SMTPServerDisconnected("Connection lost")
    client.protocol.write(re.sub(rb"(?m)^\.", b"..", payload))
    await _written(client, wait.answer)
    try:
        answer = await client.execute_command(b".", timeout=wait.accept)
    except (SMTPException, OSError) as error:
        log.warning("mail_maybe_sent", error=_one_line(str(error)))
        return DeliveryState.MAYBE_SENT, ""
    if not 200 <= answer.code < 300:
        raise _refusal(answer.code, answer.message)
    return DeliveryState.SENT, _said(answer)


async def _written(client: SMTP, seconds: float) -> None:
    """Return when everything has left; raise when nothing moves for `seconds`: the last line must not go after a gap."""
    left, since = -1, time.monotonic()
    while client.is_connected and isinstance(client.transport, asyncio.WriteTransport):
        now = client.transport.get_write_buffer_size()
        if now == 0:
            return
        if now != left:
            left, since = now, time.monotonic()
        if time.monotonic() - since > seconds:
            client.close()  # or a QUIT would become a part of the mail
            raise SMTPServerDisconnected("the server stopped reading")
        await asyncio.sleep(0.01)
    raise SMTPServerDisconnected("Connection lost")


def _on_the_wire(message: bytes) -> bytes:
    """Every line ends as SMTP wants it, the last one too."""
    lines = _LINE_END.sub(b"\r\n", message)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _said(answer: SMTPResponse) -> str:
    return f"{answer.code} {_one_line(answer.message)}"


def _one_line(words: str) -> str:
    return " ".join(words.split())[:_DETAIL_CHARS]


async def keep_copy(account: MailAccount, message: bytes) -> bool:
    """Put a copy of a sent mail into the account's `sent_folder`, made if need be; whether it is there now. Never raises:
    the mail is out, and a missing copy is only logged."""
    return bool(account.sent_folder) and await asyncio.to_thread(_append, account, message)


def _append(account: MailAccount, message: bytes) -> bool:
    folder = account.sent_folder
    try:
        with open_mailbox(account) as box:
            try:
                box.append(message, folder, flag_set=[MailMessageFlags.SEEN])
            except ImapToolsError:
                if box.folder.exists(folder):
                    raise
                box.folder.create(folder)
                box.append(message, folder, flag_set=[MailMessageFlags.SEEN])
    except MailboxDown as down:
        log.warning("mail_copy_not_kept", mailbox=account.name, status=down.status.value, detail=down.detail)
        return False
    return True


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `firstline mail check`."""

    ok: bool
    what: str
    advice: str = ""


_ADVICE = {
    "wrong_password": "Check user and password. Gmail, Outlook, QQ and NetEase want an app password or OAuth.",
    "no_connection": "Check host and port, and that a firewall lets this machine through.",
    "tls_failed": "Check scheme (imaps, imap+starttls, smtps ...) and host name; ca_file for a private authority.",
    "folder_missing": "Check the folder's name: the server knows it under another one.",
}


def check(account: MailAccount) -> list[Finding]:
    """What works and what does not: both servers are signed in to, nothing is fetched or sent. Not for an event loop."""
    return [*_check_imap(account), asyncio.run(_check_smtp(account))]


def _check_imap(account: MailAccount) -> list[Finding]:
    try:
        with open_mailbox(account, account.folder) as box:
            count = int(box.client.response("EXISTS")[1][0] or 0)
            news = "tells of new mail at once" if "IDLE" in box.client.capabilities else "does not tell of new mail"
            found = [
                Finding(True, f"IMAP {account.imap}: {account.user} is let in, {account.folder} holds {count}, {news}")
            ]
            for folder in filter(None, (account.processed_folder, account.sent_folder)):
                there = box.folder.exists(folder)
                found.append(Finding(True, f'folder "{folder}" {"is there" if there else "is made when it is needed"}'))
            return found
    except MailboxDown as down:
        return [_bad(f"IMAP {account.imap}", down.status.value, down.detail)]


async def _check_smtp(account: MailAccount) -> Finding:
    try:
        async with _signed_in(account, Timeouts()) as client:
            limit = client.esmtp_extensions.get("size") or "0"
            size = f", takes mails of up to {int(limit) / 1e6:.0f} MB" if limit.isdigit() and int(limit) else ""
            who = account.smtp_sign_in[0] or "we, without signing in,"
            return Finding(True, f"SMTP {account.smtp}: {who} is let in{size}")
    except RetryLater as error:
        return _bad(f"SMTP {account.smtp}", error.fields["trouble"], error.detail)


def _bad(server: str, trouble: str, detail: str) -> Finding:
    words = detail if detail.startswith(trouble) else f"{trouble}: {detail}"
    return Finding(False, f"{server}: {words}", _ADVICE.get(trouble, ""))
