"""Mail in: one thread per mailbox fetches every new mail once, in order, and hands its bytes to a store."""

from __future__ import annotations

import imaplib
import random
import re
import select
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from imap_tools import AND, BaseMailBox
from imap_tools.errors import ImapToolsError

from base.errors import AppError
from base.log import get_logger
from channels.email.accounts import MailAccount
from channels.email.imap_connection import TIMEOUT_SECONDS, MailboxDown, MailboxStatus, open_mailbox, words_of

log = get_logger(__name__)

_LOOK_UP_SECONDS = 0.5  # how long a stop may go unseen while the server is silent
_SETTLED_SECONDS = 30.0  # a session that held as long is followed by the shortest pause
_BATCH = 100  # mails whose sizes are asked for at once
_TRIES = 3  # of a mail that the server cannot serve


@dataclass(frozen=True, slots=True)
class MailboxState:
    status: MailboxStatus
    since: datetime  # UTC; since when it is so
    detail: str = ""  # for operators: what the server or the system said, one line, no secrets


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to where a mailbox has been stored."""

    uidvalidity: int  # of another one, UIDs mean other mails
    uid: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail as the server has it. Storing it moves the cursor to (uidvalidity, uid)."""

    uidvalidity: int
    uid: int
    raw: bytes  # only the headers when it is too large, nothing when it is unreadable
    internal_date: datetime  # UTC; when the server got it
    size_bytes: int  # as the server says
    too_large: bool = False
    unreadable: bool = False  # the server has it and cannot serve it

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.uidvalidity, self.uid)


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between attempts: they double from the first to the longest, and each is jittered by a half."""

    first: float = 2.0
    longest: float = 300.0
    wrong_password_first: float = 300.0  # many servers lock an account after a few wrong ones
    wrong_password_longest: float = 3600.0

    def after(self, status: MailboxStatus, failures: int) -> float:
        """failures: how many attempts in a row have failed, at least 1."""
        first, longest = self.first, self.longest
        if status is MailboxStatus.WRONG_PASSWORD:
            first, longest = self.wrong_password_first, self.wrong_password_longest
        return min(longest, first * 2.0 ** min(failures - 1, 30)) * random.uniform(0.5, 1.0)


class Mailbox:
    """One account's folder, followed until told to stop. Good for one `watch` at a time."""

    def __init__(self, account: MailAccount, pauses: Pauses | None = None, since: date | None = None) -> None:
        """since: mail that arrived before this day is left alone, unless the account says otherwise."""
        self.account = account
        self.since = account.since or since
        self.pauses = pauses or Pauses()
        self.upto = 0  # the last UID dealt with in this session; beyond the cursor's when mails have vanished
        self.failed_tries: dict[int, int] = {}
        self.state: MailboxState | None = None
        self.not_moved = ""

    def watch(
        self,
        store: Callable[[Fetched], None],
        cursor: Cursor | None,
        stop: threading.Event,
        on_state: Callable[[MailboxState], None],
    ) -> None:
        """Give every mail beyond `cursor` to `store`, in UID order, until `stop` is set. Blocks: a thread's whole work.

        store: keeps the mail and `mail.cursor` in one transaction; while it raises, the mail is given to it again.
        After a change of UIDVALIDITY every mail of the folder is given again: the store knows those by their content.
        """
        self.store, self.cursor, self.stop, self.on_state = store, cursor, stop, on_state
        failures = 0
        self._tell(MailboxStatus.CONNECTING)
        while not stop.is_set():
            started = time.monotonic()
            try:
                self._session()
                continue  # told to stop
            except MailboxDown as down:
                status, detail = down.status, down.detail
            except Exception as error:  # a fault of ours: the mailbox goes on, and the log says where
                log.exception("mail_watch_failed", mailbox=self.account.name)
                status, detail = MailboxStatus.NO_CONNECTION, f"{type(error).__name__}: {words_of(error)}"
            was_fine = self.state is not None and self.state.status is MailboxStatus.OK
            failures = 1 if was_fine and time.monotonic() - started > _SETTLED_SECONDS else failures + 1
            self._tell(status, detail)
            stop.wait(self.pauses.after(status, failures))

    def _session(self) -> None:
        with open_mailbox(self.account, self.account.folder, writes=bool(self.account.processed_folder)) as box:
            self._find_place(box)
            while not self.stop.is_set():
                self._fetch_new(box)
                self._tell(MailboxStatus.OK, self.not_moved)
                if self.account.idle and "IDLE" in box.client.capabilities:
                    _idle(box.client, self.account.poll_seconds, self.stop)
                else:
                    self.stop.wait(self.account.poll_seconds)

    def _tell(self, status: MailboxStatus, detail: str = "") -> None:
        """Report a change; the moment is kept while only the words change."""
        old = self.state
        now = MailboxState(status, old.since if old and old.status is status else datetime.now(UTC), detail)
        if now == old:
            return
        self.state = now
        log.info("mailbox_state", mailbox=self.account.name, status=status.value, detail=detail)
        try:
            self.on_state(now)
        except Exception:
            log.exception("mailbox_state_not_told", mailbox=self.account.name)

    def _find_place(self, box: BaseMailBox) -> None:
        """Where to go on: at the cursor, or at the beginning when the server has numbered its mails anew."""
        validity, next_uid = _number(box, "UIDVALIDITY"), _number(box, "UIDNEXT")
        cursor = self.cursor
        if cursor is None or cursor.uidvalidity != validity or 0 < next_uid <= cursor.uid:
            cursor = Cursor(validity, 0)
            self.failed_tries.clear()
        self.cursor, self.upto = cursor, cursor.uid

    def _fetch_new(self, box: BaseMailBox) -> None:
        assert self.cursor is not None
        while uids := self._new_uids(box):
            for mail in _listed(box, self.cursor.uidvalidity, uids[:_BATCH]):
                if self.stop.is_set():
                    return
                self._take(box, mail)
            self.upto = max(self.upto, uids[:_BATCH][-1])

    def _new_uids(self, box: BaseMailBox) -> list[int]:
        """UIDs beyond the last one, in order. Asks again when mail came while the server was searching."""
        since = f" {AND(date_gte=self.since)}" if self.since else ""
        while True:
            box.client.response("EXISTS")  # what earlier commands announced
            found = box.uids(f"UID {self.upto + 1}:*{since}", charset=None)
            new = sorted(int(uid) for uid in found if int(uid) > self.upto)  # n:* has the last mail in any case
            if new or box.client.response("EXISTS")[1] == [None]:
                return new

    def _take(self, box: BaseMailBox, mail: Fetched) -> None:
        """Fetch a listed mail and store it; after too many tries without success, only that it is there."""
        fetched: Fetched | None = replace(mail, unreadable=True)
        if (tries := self.failed_tries.get(mail.uid, 0)) < _TRIES:
            self.failed_tries[mail.uid] = tries + 1
            fetched = _with_content(box, mail, self.account.max_bytes)
        self.failed_tries.pop(mail.uid, None)
        if fetched is None:
            return
        try:
            self.store(fetched)
        except Exception as error:
            why = words_of(error) if isinstance(error, AppError) else type(error).__name__  # others may quote the mail
            log.warning("mail_not_stored", mailbox=self.account.name, uid=mail.uid, error=why)
            raise MailboxDown(MailboxStatus.STORAGE, why) from error
        self.cursor, self.upto = fetched.cursor, mail.uid
        if self.account.processed_folder and not fetched.unreadable:
            self._put_away(box, mail.uid)

    def _put_away(self, box: BaseMailBox, uid: int) -> None:
        """Move a stored mail. It is stored: when it cannot be moved it stays, and operators are told."""
        folder = self.account.processed_folder
        try:
            try:
                box.move(str(uid), folder)
            except ImapToolsError:
                if box.folder.exists(folder):
                    raise
                box.folder.create(folder)
                box.move(str(uid), folder)
            self.not_moved = ""
        except (ImapToolsError, imaplib.IMAP4.error) as error:
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            self.not_moved = f"mails are not moved to {folder}: {words_of(error)}"[:300]


def _number(box: BaseMailBox, name: str) -> int:
    """A number that the server told with the folder, 0 when it did not."""
    value = box.client.response(name)[1][0] or b""
    return int(value) if value.isdigit() else 0


def _ask(box: BaseMailBox, uids: list[int], what: str) -> list[Any] | None:
    """The parts of a FETCH; None when the server refuses it."""
    try:
        answer, data = box.client.uid("FETCH", ",".join(map(str, uids)), what)
    except imaplib.IMAP4.error as error:
        if isinstance(error, imaplib.IMAP4.abort):
            raise
        return None
    return data if answer == "OK" else None


def _listed(box: BaseMailBox, uidvalidity: int, uids: list[int]) -> list[Fetched]:
    """Sizes and dates in UID order, without mails that are gone. One that cannot even be listed hides no other."""
    data = _ask(box, uids, "(UID RFC822.SIZE INTERNALDATE)")
    if data is None and len(uids) > 1:
        return [mail for uid in uids for mail in _listed(box, uidvalidity, [uid])]
    if data is None:
        return [Fetched(uidvalidity, uids[0], b"", datetime.now(UTC), 0)]
    found = {}
    for part in data:
        text = (part[0] if isinstance(part, tuple) else part) or b""
        uid, size = re.search(rb"UID (\d+)", text), re.search(rb"RFC822\.SIZE (\d+)", text)
        if uid and size and int(uid[1]) in uids:
            when = imaplib.Internaldate2tuple(text)
            moment = datetime.fromtimestamp(time.mktime(when), UTC) if when else datetime.now(UTC)
            found[int(uid[1])] = Fetched(uidvalidity, int(uid[1]), b"", moment, int(size[1]))
    return [found[uid] for uid in sorted(found)]


def _with_content(box: BaseMailBox, mail: Fetched, max_bytes: int) -> Fetched | None:
    """The mail with its bytes, of one that is too large only the headers; None when it is gone. Leaves it unread."""
    section = "BODY.PEEK[HEADER]" if mail.size_bytes > max_bytes else "BODY.PEEK[]"
    for part in _ask(box, [mail.uid], f"(UID {section})") or []:
        if isinstance(part, tuple) and b"BODY[" in part[0].upper() and (part[1] or not mail.size_bytes):
            raw = bytes(part[1])
            is_large = max(mail.size_bytes, len(raw)) > max_bytes  # what servers say of sizes is not always true
            return replace(mail, raw=b"".join(raw.partition(b"\r\n\r\n")[:2]) if is_large else raw, too_large=is_large)
    if not box.uids(f"UID {mail.uid}", charset=None):
        return None
    raise MailboxDown(MailboxStatus.NO_CONNECTION, f"the server does not give out mail {mail.uid}")


def _idle(client: Any, seconds: float, stop: threading.Event) -> None:
    """Return when the server says anything, after `seconds`, or soon after a stop. imap-tools' own overlooks what comes
    together with the go-ahead, and cannot be stopped."""
    tag = client._command("IDLE")
    while client._get_response() is not None:  # None: the go-ahead; before it may come news
        if client.tagged_commands[tag]:
            stop.wait(seconds)  # refused in spite of its promise
            return
    until = time.monotonic() + seconds
    while not stop.is_set() and (left := until - time.monotonic()) > 0:
        if _speaks(client, min(left, _LOOK_UP_SECONDS)):
            break
    client.send(b"DONE\r\n")
    while not client.tagged_commands[tag]:
        client._get_response()
    del client.tagged_commands[tag]


def _speaks(client: Any, seconds: float) -> bool:
    """Whether something can be read now or within `seconds`, be it read ahead and buffered already."""
    client.sock.settimeout(0)
    try:
        with suppress(BlockingIOError, ssl.SSLWantReadError):
            if client.file.peek(1):
                return True
    finally:
        client.sock.settimeout(TIMEOUT_SECONDS)
    poller = select.poll()
    poller.register(client.sock, select.POLLIN)
    return bool(poller.poll(seconds * 1000))
