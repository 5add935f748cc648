"""A watched mailbox in a test: its thread, what it stored, the states it told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from channels.email.accounts import MailAccount
from channels.email.imap import Cursor, Fetched, Mailbox, MailboxState, Pauses
from channels.email.imap_connection import MailboxStatus

QUICK = Pauses(first=0.02, longest=0.2, wrong_password_first=0.02, wrong_password_longest=0.2)


class Watched:
    """Keeps every mail and state; `fails` is called before a mail is kept and may raise."""

    def __init__(self, fails: Callable[[Fetched], None] | None = None) -> None:
        self.mails: list[Fetched] = []
        self.states: list[MailboxState] = []
        self.given = 0
        self.seconds_to_stop = 0.0
        self._fails = fails
        self._news = threading.Condition()

    @property
    def subjects(self) -> list[str]:
        return [subject(mail.raw) for mail in self.mails]

    @property
    def statuses(self) -> list[MailboxStatus]:
        return [state.status for state in self.states]

    def store(self, mail: Fetched) -> None:
        self.given += 1
        if self._fails is not None:
            self._fails(mail)
        with self._news:
            self.mails.append(mail)
            self._news.notify_all()

    def on_state(self, state: MailboxState) -> None:
        with self._news:
            self.states.append(state)
            self._news.notify_all()

    def wait_for(self, condition: Callable[[Watched], bool], seconds: float = 20) -> None:
        with self._news:
            reached = self._news.wait_for(lambda: condition(self), seconds)
        assert reached, f"stored {self.subjects}, states {self.states}"

    def wait_for_mails(self, count: int) -> None:
        self.wait_for(lambda watched: len(watched.mails) >= count)

    def wait_for_status(self, status: MailboxStatus) -> MailboxState:
        self.wait_for(lambda watched: bool(watched.states) and watched.states[-1].status is status)
        return self.states[-1]


@contextmanager
def watching(
    account: MailAccount,
    cursor: Cursor | None = None,
    fails: Callable[[Fetched], None] | None = None,
    pauses: Pauses = QUICK,
) -> Iterator[Watched]:
    """A mailbox watched in a thread of its own until the end of the block."""
    watched, stop = Watched(fails), threading.Event()
    arguments = (watched.store, cursor, stop, watched.on_state)
    thread = threading.Thread(target=Mailbox(account, pauses).watch, args=arguments, daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        started = time.monotonic()
        stop.set()
        thread.join(20)
        watched.seconds_to_stop = time.monotonic() - started
        assert not thread.is_alive(), "the mailbox did not stop"


def subject(raw: bytes) -> str:
    return next((line[9:].decode() for line in raw.splitlines() if line.startswith(b"Subject: ")), "")
