"""The process that `evals.deliveries` kills: it fetches, sorts, answers and sends, each in a thread, until nothing is left.

Run as: python -m evals.deliveries_worker FOLDER ANSWERS UIDVALIDITY. It continues where the last one was killed.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from base.errors import StorageUnavailable
from base.log import get_logger, set_up_logging
from base.settings import Settings
from channels.email.imap import Fetched
from desk import inbox, mails, outbox
from evals.mail_corpus import MAILBOXES, Delivery
from web.mail.mailboxes import Mailboxes
from web.mail.room import MailRoom, doors
from web.pages import make_environments
from web.wiring import Services, build
from web.worker import Worker

log = get_logger(__name__)
LEASE_SECONDS = 2
MOST_AUTOMATIC = 1000  # an address may have: it is not the rule against machines that is measured
REST_SECONDS = 0.02


def settings_of(folder: Path) -> Settings:
    return Settings(
        data_dir=folder, database_url="", llm="", vector_index="exact", log_level="error", lease_seconds=LEASE_SECONDS,
        mail_replies_per_hour=MOST_AUTOMATIC,
    )  # fmt: skip


class Run:
    """One process's work."""

    def __init__(self, folder: Path, answers: int, uidvalidity: int) -> None:
        self._answers, self._uidvalidity = answers, uidvalidity
        with (folder / "deliveries.bin").open("rb") as file:
            self._deliveries: list[Delivery] = pickle.load(file)
        settings = settings_of(folder)
        set_up_logging(settings)
        self._services: Services = build(settings)
        self._room = MailRoom(self._services, self._services.office, make_environments())
        self._worker = Worker(self._services, doors(self._room))
        self._fetched, self._over = threading.Event(), threading.Event()

    def __call__(self) -> None:
        works: list[Callable[[], bool]] = [self._room.sorter.sort_one, self._answer, self._send]
        threads = [threading.Thread(target=self._repeat, args=(work,)) for work in works]
        threads += [threading.Thread(target=self._fetch), threading.Thread(target=self._keep)]
        for thread in threads:
            thread.start()
        while not (self._fetched.is_set() and self._is_done()):
            time.sleep(0.2)
        self._over.set()
        for thread in threads:
            thread.join()
        self._room.stop()
        self._services.close()

    def _repeat(self, work: Callable[[], bool]) -> None:
        """As the worker's threads do."""
        while not self._over.is_set():
            try:
                busy = work()
            except Exception as error:
                log.error("worker_fault", error=type(error).__name__)
                busy = False
            if not busy:
                self._over.wait(REST_SECONDS)

    def _fetch(self) -> None:
        """Store what lies beyond each mailbox's cursor, a mail of each in turn, as their connections do."""
        boxes = Mailboxes(self._services, self._services.office, lambda: None)
        waiting = []
        for account in self._services.office.accounts:
            own = [one for one in self._deliveries if one.mailbox == account.name]
            validity = self._uidvalidity if account.name == MAILBOXES[0] else 1
            with self._services.database.read() as session:
                at = mails.cursor(session, account.name)
            seen = at.last_uid if at is not None and at.uidvalidity == validity else 0
            waiting += [
                (uid / len(own), account, validity, uid, own[uid - 1].raw) for uid in range(seen + 1, len(own) + 1)
            ]
        for _, account, validity, uid, raw in sorted(waiting, key=lambda one: one[0]):
            mail = Fetched(validity, uid, raw, self._services.clock.now(), len(raw))
            while True:
                try:
                    boxes.store(account, mail)
                    break
                except StorageUnavailable:
                    time.sleep(1)
        self._fetched.set()

    def _answer(self) -> bool:
        with self._services.database.read() as session:
            done = inbox.counts(session).get("done", 0)
        return done < self._answers and self._worker.answer_one()

    def _send(self) -> bool:
        return asyncio.run(self._worker.send_one())

    def _keep(self) -> None:
        while not self._over.wait(LEASE_SECONDS / 3):
            self._worker.keep()

    def _is_done(self) -> bool:
        with self._services.database.read() as session:
            unsorted = {"received", "claimed"} & mails.counts(session).keys()
            unsent = {"queued", "claimed", "deferred"} & outbox.counts(session).keys()
            answering = inbox.counts(session)
        unanswered = answering.get("claimed", 0) or (
            answering.get("queued", 0) and answering.get("done", 0) < self._answers
        )
        return not (unsorted or unsent or unanswered)


if __name__ == "__main__":
    Run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))()
