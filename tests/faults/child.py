"""A process on a data folder that works off the whole story, with at most one fault; and the nursery it comes from.

The nursery is a process of its own (`python -m tests.faults.child DATA_DIR SMTP_PORT`). It makes the desk on which the
story begins, has loaded the packages, the vocabularies and the model by that, and forks a child for each run: 0.1 s
instead of 2, with real parts. It has no second thread when it forks. Each child builds its services anew, from the data
folder, as a restarted Firstline does; only the model's weights are its parent's.

Commands are lines of JSON on standard input, each answered by one on standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import kb.e5.engine as e5
from base.errors import StorageUnavailable
from base.log import set_up_logging
from base.messages import Channel
from base.settings import Settings
from channels.email.mime import read_mail
from channels.email.models import Mail
from desk import mails, staff
from desk.models import Role
from kb import ahead
from tests import articles
from tests.faults import story
from tests.faults.points import POINTS, Fault, Kind, When, arm
from web import taking
from web.mail.mailboxes import Mailboxes
from web.mail.reading import IsolatedReader
from web.mail.sending import MailDoor
from web.mail.sorting import Sorter
from web.pages import make_environments
from web.wiring import build, settle
from web.worker import Worker

LEASE_SECONDS = 60
TEMPLATES = make_environments()


class SharedClock:
    """The time that stands in a file of the data folder: the parent moves it for all its children, also for one that sleeps."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "now"

    def now(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())


class Desk:
    """One process's Firstline, worked by hand: one thread, so that a fault strikes the same call in every run."""

    def __init__(self, data_dir: Path, *, helper: bool) -> None:
        settings = Settings(
            data_dir=data_dir, vector_index="exact", log_level="error", lease_seconds=LEASE_SECONDS, embedder_workers=1
        )  # fmt: skip
        set_up_logging(settings)
        self.services = build(settings, clock=SharedClock(data_dir))
        office = self.services.office
        self.reader = IsolatedReader() if helper else ReaderHere()
        self.sorter = Sorter(self.services, office, self.reader)
        self.boxes = Mailboxes(self.services, office, lambda: None)
        door = MailDoor(self.services, office, TEMPLATES, self.reader)
        self.worker = Worker(self.services, {Channel.EMAIL: door})

    def fetch(self, mailbox: dict[int, bytes]) -> None:
        """Store what lies beyond the cursor, as the connection to the mailbox does."""
        [account] = self.services.office.accounts
        with self.services.database.read() as session:
            at = mails.cursor(session, account.name)
        for uid, raw in mailbox.items():
            if at is None or uid > at.last_uid:
                self.boxes.store(account, story.fetched(uid, raw))

    def work(self) -> None:
        """Sort, answer and send whatever is due. An error ends one piece of work and nothing else, as in the threads."""
        until_idle(self.sorter.sort_one)
        until_idle(self.worker.answer_one)
        until_idle(lambda: asyncio.run(self.worker.send_one()))

    def close(self) -> None:
        self.reader.close()
        self.services.close()


class ReaderHere:
    """Reads mails in this process: starting the helper costs half a second, and only its own points need it."""

    def read(self, raw: bytes) -> Mail:
        return read_mail(raw)

    def close(self) -> None:
        """Nothing to end."""


def until_idle(work: Callable[[], bool]) -> None:
    """As a worker's thread does, but for the rest after an error: a fault strikes once."""
    faults = 0
    while faults < 3:
        try:
            if not work():
                return
        except Exception as error:
            if isinstance(error, StorageUnavailable):
                raise
            faults += 1


def play(data_dir: Path, fault: Fault | None) -> None:
    """The story, or what is left of it: what was stored is not fetched again, what was acknowledged not sent again."""
    if fault is not None:
        arm(fault, data_dir / "struck")
    desk = Desk(data_dir, helper=fault is not None and POINTS[fault.point].by_helper)
    with suppress(Exception):  # the connection ends, and is made anew: here with the next child
        desk.fetch(story.read_mails(data_dir / "mails"))
    with suppress(Exception):  # the window tries again until it is acknowledged
        taking.take(desk.services, story.chat_message())
    desk.work()
    desk.close()


def make_desk(data_dir: Path, smtp_port: int) -> None:
    """The desk on which the story begins: articles, a colleague, two customers who wrote two hours ago."""
    (data_dir / "mailboxes.toml").write_text(story.mailboxes_toml(smtp_port), encoding="utf-8")
    desk = Desk(data_dir, helper=False)
    articles.load(desk.services, data_dir / "articles")
    with desk.services.database.begin() as session:
        staff.add(session, "Mei Chen", story.MEI, "a long enough password", Role.AGENT, desk.services.clock.now())
    for raw in story.opening():
        with desk.services.database.begin() as session:
            mails.put(session, "support", raw, "hook", desk.services.clock.now())
    desk.work()
    with desk.services.database.read() as session:
        story.write_mails(data_dir / "mails", story.mails_of(session, desk.services.office.signer))
    desk.close()


class Nursery:
    """Forks children that have the packages, the model and what SQLAlchemy remembers of its statements already."""

    def __init__(self, data_dir: Path, smtp_port: int) -> None:
        """data_dir: where the desk is made on which every story begins."""
        make_desk(data_dir, smtp_port)
        [encoder] = e5._encoders
        self._model = encoder._loaded
        ahead._threads.shutdown()  # a child makes its own
        settle()
        assert threading.active_count() == 1, "a fork would lose the other threads"

    def start(self, work: Callable[[], None]) -> int:
        """A child that does this and ends with 0; with 1 and a traceback when it fails."""
        pid = os.fork()
        if pid:
            return pid
        try:
            e5._load = lambda *_: self._model  # type: ignore[assignment]
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        data_dir = Path(command.get("data_dir", ""))
        match command["do"]:
            case "play":
                fault = to_fault(command["fault"])
                return {"pid": self.start(lambda: play(data_dir, fault))}
            case "wait":
                _, status = os.waitpid(command["pid"], os.WUNTRACED)
                stopped = os.WIFSTOPPED(status)
                return {"stopped": stopped, "code": -1 if stopped else os.waitstatus_to_exitcode(status)}
        raise ValueError(command)


def to_fault(said: list[Any] | None) -> Fault | None:
    return Fault(said[0], When(said[1]), Kind(said[2]), said[3]) if said else None


def main() -> None:
    nursery = Nursery(Path(sys.argv[1]), int(sys.argv[2]))
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(nursery.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
