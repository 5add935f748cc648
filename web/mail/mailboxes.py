"""Keeps a connection to every mailbox: one thread each, in one process at a time, whoever dies or hangs."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from base.errors import StorageUnavailable
from base.log import get_logger
from channels.email import imap
from channels.email.accounts import MailAccount
from desk import mails
from desk.mails import Cursor
from web.mail.office import Office
from web.wiring import Services

log = get_logger(__name__)
HOLD_SECONDS = 45.0
RENEW_SECONDS = 15.0
SKEW = timedelta(minutes=10)  # between the mail server's clock and ours
DAY = timedelta(days=1)  # servers search by days, in a zone of their own
UNUSABLE = {
    "too_large": "too_large: larger than this mailbox takes",
    "unreadable": "unreadable: the server does not give it",
}


def holders_of(pid: int) -> str:
    """How the names of those begin who hold mailboxes in this process of this machine."""
    return f"{socket.gethostname()[:40]}:{pid}:"


class Mailboxes:
    """The watching threads of one process. `on_mail` is called after a mail is stored."""

    def __init__(self, services: Services, office: Office, on_mail: Callable[[], None]) -> None:
        self._services, self._office, self._on_mail = services, office, on_mail
        self._holder = holders_of(os.getpid()) + secrets.token_hex(4)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._since: dict[str, datetime] = {}  # by mailbox: what arrived before is left alone

    def start(self) -> None:
        for account in self._office.accounts:
            thread = threading.Thread(target=self._keep, args=(account,), name=f"mailbox-{account.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _keep(self, account: MailAccount) -> None:
        """Watch while this process holds the mailbox; wait while another one does."""
        while not self._stop.is_set():
            try:
                if self._hold(account):
                    self._watch(account)
            except StorageUnavailable as error:
                log.error("database_unavailable", detail=error.detail)
            except Exception as error:  # the thread must live
                log.error("mailbox_fault", mailbox=account.name, error=type(error).__name__)
            self._stop.wait(RENEW_SECONDS)

    def _watch(self, account: MailAccount) -> None:
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(account, ended), name="mailbox-hold", daemon=True)
        renewing.start()
        with self._services.database.begin() as session:
            at = mails.cursor(session, account.name)
            self._since[account.name] = mails.started_at(session, account.name, self._services.clock.now()) - SKEW
        cursor = imap.Cursor(at.uidvalidity, at.last_uid) if at else None
        try:
            imap.Mailbox(account, since=self._since[account.name].date() - DAY).watch(
                lambda mail: self.store(account, mail), cursor, ended, lambda state: self._report(account, state)
            )
        finally:
            ended.set()
            renewing.join(RENEW_SECONDS)
            with self._services.database.begin() as session:
                mails.let_go(session, account.name, self._holder)

    def _renew(self, account: MailAccount, ended: threading.Event) -> None:
        """Keep holding; end the watching when told to stop, or when the mailbox is somebody else's by now."""
        since = 0.0
        while not ended.wait(0.5):
            if self._stop.is_set():
                ended.set()
                return
            since += 0.5
            if since < RENEW_SECONDS:
                continue
            since = 0.0
            try:
                if not self._hold(account):
                    ended.set()
            except (
                Exception
            ) as error:  # a database that is away for a moment: what is stored twice is known by its content
                log.error("mailbox_hold", mailbox=account.name, error=type(error).__name__)

    def _hold(self, account: MailAccount) -> bool:
        services = self._services
        with services.database.begin() as session:
            return mails.hold(session, account.name, self._holder, services.clock.now(), HOLD_SECONDS)

    def store(self, account: MailAccount, mail: imap.Fetched) -> None:
        """Keep one mail and how far we are, in one transaction (promise 1). Raises StorageUnavailable.

        What lay in the mailbox before it was first connected is passed over: nobody waits for an answer to it, and the
        server may number its mails anew at any time.
        """
        now = self._services.clock.now()
        is_old = account.since is None and mail.internal_date < self._since.get(account.name, mail.internal_date)
        unusable = "too_large" if mail.too_large else "unreadable" if mail.unreadable else ""
        source = f"imap:{mail.uidvalidity}:{mail.uid}"
        raw = mail.raw or f"X-Firstline-Unreadable: {source}\n\n".encode()
        with self._services.database.begin() as session:
            if not is_old:
                mails.put(session, account.name, raw, source, now, UNUSABLE.get(unusable, ""))
            mails.move_cursor(session, account.name, Cursor(mail.uidvalidity, mail.uid), now)
        self._on_mail()

    def _report(self, account: MailAccount, state: imap.MailboxState) -> None:
        log.info("mailbox_state", mailbox=account.name, status=str(state.status))
        with self._services.database.begin() as session:
            mails.report(session, account.name, str(state.status), state.detail, self._services.clock.now())
