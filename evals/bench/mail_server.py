"""A server as `firstline serve` runs it, into whose mailbox mails arrive at a fixed rate.

Run as: python -m evals.bench.mail_server FOLDER. While there is a file FOLDER/mail-arrives, MAILS_PER_SECOND are handed to
`Mailboxes.store` in this process, as its own connection would; how soon each was stored stands in FOLDER/stored afterwards.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn

from base.log import set_up_logging
from channels.email.imap import Fetched
from evals.bench.figures import timed
from evals.bench.installation import settings_for
from evals.mail_corpus import deliveries
from web.app import create_app
from web.commands.serve import SWITCH_SECONDS, make_server
from web.mail.mailboxes import Mailboxes
from web.mail_process import MailProcess
from web.wiring import Services, build, settle
from web.worker import Worker

MAILS_PER_SECOND = 5  # 300 a minute
SIGNAL, STORED = "mail-arrives", "stored"


class Post(threading.Thread):
    """Brings the mails, whether or not the earlier ones have been dealt with."""

    def __init__(self, folder: Path, services: Services, worker: Worker) -> None:
        super().__init__(name="post", daemon=True)
        self._folder, self._services = folder, services
        self._boxes = Mailboxes(services, services.office, worker.wake)
        self._mails = [one.raw for one in deliveries(4000, seed=3)]
        self._seconds: list[float] = []
        self._dice = random.Random(1)

    def run(self) -> None:
        while True:
            if (self._folder / SIGNAL).exists():
                self._bring()
                (self._folder / STORED).write_text(json.dumps(self._seconds))
            time.sleep(0.02)

    def _bring(self) -> None:
        """At the rate, until the signal is gone."""
        [account] = self._services.office.accounts
        began, number = time.monotonic(), 0
        while (self._folder / SIGNAL).exists():
            uid = len(self._seconds) + 1
            raw = f"X-Number: {uid}\r\n".encode() + self._mails[uid % len(self._mails)]
            mail = Fetched(1, uid, raw, self._services.clock.now(), len(raw))
            self._seconds.append(timed(lambda mail=mail: self._boxes.store(account, mail)))  # type: ignore[misc]
            number += 1
            at = (number + self._dice.random()) / MAILS_PER_SECOND  # not in step with the beat of the chat messages
            time.sleep(max(0.0, began + at - time.monotonic()))


def main(folder: Path) -> None:
    """Serve until told to stop."""
    sys.setswitchinterval(SWITCH_SECONDS)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(2048)
    port = listening.getsockname()[1]
    many = {"chat_sessions_per_hour": 100_000, "chat_messages_per_minute": 100_000, "port": port}
    settings = settings_for(folder).model_copy(update=many)
    set_up_logging(settings)
    services = build(settings, owner=True)
    apart = None if os.environ.get("FIRSTLINE_MAIL_APART") == "false" else MailProcess(settings)
    if apart is not None:
        apart.start()
    app = create_app(services, on_warm=settle, mail_process=apart)
    Post(folder, services, app.state.running.worker).start()
    print(f"http://127.0.0.1:{port}", file=sys.stderr, flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
    make_server(config, app.state.running.hub).run(sockets=[listening])
    if apart is not None:
        apart.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
