"""A signed-in IMAP connection, whatever the server and the way to sign in; every fault on the wire has a name."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError, MailboxStarttlsError

from channels.email.accounts import MailAccount, Security
from channels.email.tokens import TokenRefused

TIMEOUT_SECONDS = 30.0  # for a connection, and for each answer of the server
_NOT_NOW = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]|too many (simultaneous )?connections|try again", re.I)
_ID = '("name" "Firstline" "vendor" "Firstline")'
imaplib.Commands["ID"] = ("NONAUTH", "AUTH", "SELECTED")


class MailboxStatus(StrEnum):
    CONNECTING = "connecting"
    OK = "ok"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a state, not a password
    NO_CONNECTION = "no_connection"
    TLS_FAILED = "tls_failed"
    FOLDER_MISSING = "folder_missing"
    STORAGE = "storage"  # what is fetched cannot be kept: nothing is lost, it stays on the server


@dataclass(eq=False)
class MailboxDown(Exception):
    """The mailbox cannot be used just now: the state that it is in."""

    status: MailboxStatus
    detail: str


@contextmanager
def open_mailbox(account: MailAccount, folder: str | None = None, *, writes: bool = False) -> Iterator[BaseMailBox]:
    """A signed-in connection, with a folder selected if one is named. Raises MailboxDown, also for what fails inside."""
    with _named_faults(), ExitStack() as at_the_end:
        box = _connect(account)
        at_the_end.callback(_leave, box)
        _sign_in(box, account)
        _, data = box.client.capability()  # most servers can do more for whom they know
        box.client.capabilities = tuple(data[-1].decode("ascii", "replace").upper().split())
        if "ID" in box.client.capabilities:
            box.client.xatom("ID", _ID)  # NetEase opens no folder for clients that do not say who they are
        if folder is not None:
            box.folder.set(folder, readonly=not writes)
        yield box


def _connect(account: MailAccount) -> BaseMailBox:
    server = account.imap
    if server.security is Security.PLAIN:
        return MailBoxUnencrypted(server.host, server.port, timeout=TIMEOUT_SECONDS)
    kind = MailBox if server.security is Security.TLS else MailBoxStartTls
    return kind(server.host, server.port, timeout=TIMEOUT_SECONDS, ssl_context=account.tls())


def _sign_in(box: BaseMailBox, account: MailAccount) -> None:
    try:
        if account.oauth is not None:
            _sign_in_with_token(box, account)
        elif "LOGINDISABLED" in box.client.capabilities:
            raise MailboxDown(MailboxStatus.TLS_FAILED, "the server takes no password without TLS")
        elif (account.user + (password := account.password.get_secret_value())).isascii():
            box.login(account.user, password, initial_folder=None)
        else:
            box.login_utf8(account.user, password, initial_folder=None)
    except imaplib.IMAP4.abort:
        raise  # the connection broke
    except (MailboxLoginError, imaplib.IMAP4.error, TokenRefused) as error:
        raise _down(MailboxStatus.WRONG_PASSWORD, error) from error


def _sign_in_with_token(box: BaseMailBox, account: MailAccount, *, renew: bool = False) -> None:
    """XOAUTH2; a token the server does not take is renewed once. A refusal comes with a challenge, answered by nothing."""
    said = f"user={account.user}\1auth=Bearer {account.access_token(renew=renew)}\1\1".encode()
    try:
        box.client.authenticate("XOAUTH2", lambda challenge: b"" if challenge else said)
    except imaplib.IMAP4.error as error:
        if renew or isinstance(error, imaplib.IMAP4.abort):
            raise
        _sign_in_with_token(box, account, renew=True)


@contextmanager
def _named_faults() -> Iterator[None]:
    """Whatever goes wrong on the wire becomes a MailboxDown."""
    try:
        yield
    except (ssl.SSLError, MailboxStarttlsError) as error:
        raise _down(MailboxStatus.TLS_FAILED, error) from error
    except MailboxFolderSelectError as error:
        raise _down(MailboxStatus.FOLDER_MISSING, error) from error
    except (OSError, EOFError, imaplib.IMAP4.error, ImapToolsError, ValueError, IndexError) as error:
        is_tls = "TLS not supported" in str(error)
        raise _down(MailboxStatus.TLS_FAILED if is_tls else MailboxStatus.NO_CONNECTION, error) from error


def _down(status: MailboxStatus, error: BaseException) -> MailboxDown:
    """The state an error means; a server that says "not now" is not one that says "no"."""
    words = words_of(error)
    return MailboxDown(MailboxStatus.NO_CONNECTION if _NOT_NOW.search(words) else status, words)


def _leave(box: BaseMailBox) -> None:
    """Say goodbye without waiting for long: the server may be gone."""
    with suppress(Exception):
        box.client.sock.settimeout(2)
        box.client.logout()
    with suppress(Exception):
        box.client.shutdown()


def words_of(error: BaseException) -> str:
    """What the server or the system said, one line."""
    result = getattr(error, "command_result", None)
    said = result[1][-1] if result and result[1] else error.args[-1] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join((text or type(error).__name__).split())[:300]
