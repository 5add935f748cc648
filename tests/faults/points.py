"""The named points of the way of a message: where a fault may strike, as data.

A point is a function, wrapped in the child process alone: nothing in the program knows of it. A fault strikes before the
function does its work or after it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

CRASHED = 9  # exit code of a process that ended by a fault


class Kind(StrEnum):
    """What goes wrong."""

    CRASH = "crash"  # the process is gone, as by a SIGKILL or a power cut
    RAISE = "raise"  # an error nobody expected
    HANG = "hang"  # the whole process stands still, is taken for dead, and is killed
    STALL = "stall"  # the same, but it wakes up when others have done its work, and goes on as if nothing had been
    DUPLICATE = "duplicate"  # the same work is asked for twice


class When(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class Broken(Exception):
    """The unexpected error."""


@dataclass(frozen=True)
class Point:
    """A step. `at`: "module:name" or "module:Class.name", as its caller looks it up."""

    name: str
    at: str
    holds_lock: bool = False  # it runs in a write transaction: nobody else writes while it stands still
    again: bool = False  # whoever calls it may do so twice: a second delivery, a second worker
    by_helper: bool = False  # it needs the real reading process


@dataclass(frozen=True)
class Fault:
    point: str
    when: When
    kind: Kind
    nth: int = 1  # it strikes at this call of the point

    def __str__(self) -> str:
        return f"{self.kind} {self.when} {self.point}" + (f" #{self.nth}" if self.nth > 1 else "")


POINTS = {
    point.name: point
    for point in (
        # A mail arrives: stored with the cursor, in one transaction.
        Point("mail.store", "web.mail.mailboxes:Mailboxes.store", again=True),
        Point("mails.put", "desk.mails:put", holds_lock=True, again=True),
        Point("cursor moved", "desk.mails:move_cursor", holds_lock=True, again=True),
        # It is sorted: read by the helper, placed, put into the inbox.
        Point("mails.claim", "desk.mails:claim", holds_lock=True, again=True),
        Point("sort", "web.mail.sorting:Sorter.sort_one"),
        Point("reader.read", "web.mail.reading:IsolatedReader.read", again=True, by_helper=True),
        Point("settle", "web.mail.sorting:Sorter._settle", holds_lock=True),
        Point("place", "desk.mail_threads:place", holds_lock=True, again=True),
        Point("open thread", "desk.mail_threads:open_thread", holds_lock=True),
        Point("colleague", "web.mail.colleagues:take", holds_lock=True),
        Point("bounce", "web.mail.returned:note", holds_lock=True, again=True),
        Point("kept note", "web.mail.notes:keep", holds_lock=True),
        Point("inbox.put", "desk.inbox:put", holds_lock=True, again=True),
        Point("mails.finish", "desk.mails:finish", holds_lock=True, again=True),
        # A chat message arrives.
        Point("chat.take", "web.taking:take", again=True),
        # Either is answered: load, think, save.
        Point("inbox.claim", "desk.inbox:claim", holds_lock=True, again=True),
        Point("receive", "bot.engine:Engine.receive", again=True),
        Point("prepare", "bot.think:Thinker.prepare", again=True),
        Point("conclude", "bot.think:Thinker.conclude"),
        Point("save", "bot.engine:Engine._save", holds_lock=True),
        Point("inbox.done", "desk.inbox:done", holds_lock=True),
        Point("open conversation", "desk.conversations:open_for", holds_lock=True, again=True),
        Point("add turns", "desk.conversations:add_turns", holds_lock=True),
        Point("open ticket", "desk.tickets:open_ticket", holds_lock=True),
        Point("remember", "bot.engine:Engine._remember", holds_lock=True),
        Point("outbox.put", "desk.outbox:put", holds_lock=True),
        # The reply leaves.
        Point("outbox.claim", "desk.outbox:claim", holds_lock=True, again=True),
        Point("door", "web.mail.sending:MailDoor.send"),
        Point("door.prepare", "web.mail.sending:MailDoor.prepare"),
        Point("letter", "web.mail.sending:MailDoor._letter", again=True),
        Point("outbox.addressed", "desk.outbox:addressed", holds_lock=True),
        Point("compose", "web.mail.sending:compose", again=True),
        Point("send_mail", "web.mail.sending:send_mail"),
        Point("outbox.sent", "desk.outbox:sent", holds_lock=True, again=True),
    )
}
# From the note of where a mail goes to the note that it went, nobody can know afterwards whether it went.
UNCERTAIN = {
    ("door.prepare", When.AFTER), ("send_mail", When.BEFORE), ("send_mail", When.AFTER), ("door", When.AFTER),
    ("outbox.sent", When.BEFORE), ("outbox.sent", When.AFTER),
}  # fmt: skip


def every_fault(nth: int = 1) -> Iterator[Fault]:
    """The matrix, for the nth call of each point."""
    for point in POINTS.values():
        kinds = [Kind.CRASH, Kind.RAISE, Kind.HANG] if point.holds_lock else list(Kind)[:4]
        yield from (Fault(point.name, when, kind, nth) for kind in kinds for when in When)
        if point.again:
            yield Fault(point.name, When.AFTER, Kind.DUPLICATE, nth)


def tells_most(fault: Fault) -> bool:
    """Whether no other fault leaves quite the same behind.

    Within a transaction nothing is kept: a crash there leaves what one before it leaves, and only an error may be caught.
    """
    if POINTS[fault.point].holds_lock:
        return fault.kind is Kind.DUPLICATE or (fault.kind is Kind.RAISE and fault.when is When.AFTER)
    return fault.kind is not Kind.HANG  # once it is killed, it has crashed


def tells_more(fault: Fault) -> bool:
    """Whether it leaves the same as another one, but by way of the system: a killed process, a transaction cut off."""
    if POINTS[fault.point].holds_lock:
        return fault.kind is Kind.CRASH and fault.when is When.AFTER
    return fault.kind is Kind.HANG


def arm(fault: Fault, struck: Path) -> None:
    """Wrap the fault's point in this process. struck: a file that is there once the fault has struck."""
    module, _, path = POINTS[fault.point].at.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    setattr(owner, name, _armed(getattr(owner, name), fault, struck))


def _armed(real: Callable[..., Any], fault: Fault, struck: Path) -> Callable[..., Any]:
    calls = count(1)

    @wraps(real)
    def work(*args: Any, **named: Any) -> Any:
        now = next(calls) == fault.nth
        if now and fault.when is When.BEFORE:
            strike(fault.kind, struck)
        found = real(*args, **named)
        if now and fault.when is When.AFTER:
            strike(fault.kind, struck)
            if fault.kind is Kind.DUPLICATE:
                real(*args, **named)
        return found

    @wraps(real)
    async def work_async(*args: Any, **named: Any) -> Any:
        now = next(calls) == fault.nth
        if now and fault.when is When.BEFORE:
            strike(fault.kind, struck)
        found = await real(*args, **named)
        if now and fault.when is When.AFTER:
            strike(fault.kind, struck)
        return found

    return work_async if asyncio.iscoroutinefunction(real) else work


def strike(kind: Kind, struck: Path) -> None:
    """Let it happen."""
    struck.touch()
    if kind is Kind.CRASH:
        os._exit(CRASHED)
    if kind is Kind.RAISE:
        raise Broken
    if kind in (Kind.HANG, Kind.STALL):
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # to this thread: it must not get one step further
