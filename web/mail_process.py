"""The process apart in which mail is read, answered and sent, so that an acknowledgement in a chat never waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

from base.frames import receive, send
from base.log import get_logger
from base.metrics import render_metrics
from base.settings import Settings
from web.worker import OPENS_AT_LATEST_SECONDS

log = get_logger(__name__)
COMMAND = (sys.executable, "-m", "web.cli", "worker", "--mail")
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
STEADY_SECONDS = 60.0  # one that ran so long was well: the next pause is a short one again
STOP_SECONDS = 15.0
TELL_SECONDS = 5.0
MOST_BEFORE = 100  # processes whose figures are still counted


class MailProcess:
    """Started again whenever it ends, until `stop()`. It ends by itself when this process does: its input closes.

    on_end: called with the id of each process that has ended.
    """

    def __init__(
        self, settings: Settings, command: Sequence[str] = COMMAND, on_end: Callable[[int], None] = lambda pid: None
    ) -> None:
        self._settings, self._command, self._on_end = settings, tuple(command), on_end
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        # What this process, and those before it, last told of what they counted.
        self._counted, self._counted_before = b"", deque[bytes](maxlen=MOST_BEFORE)
        self._opens: threading.Event | None = None
        self._thread = threading.Thread(target=self._keep, name="mail-process", daemon=True)

    def start(self, opens: threading.Event | None = None) -> None:
        """opens: set once there is something to answer from; mail waits in its mailbox until then, for a while."""
        self._opens = opens
        self._thread.start()

    def stop(self) -> None:
        """End it; what it has in hand is finished first."""
        self._stop.set()
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
        self._thread.join(STOP_SECONDS + 5)

    def metrics(self) -> list[bytes]:
        """What every process so far has counted, as `render_metrics` gives it."""
        return [told for told in (*self._counted_before, self._counted) if told]

    def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        waits_until = time.monotonic() + OPENS_AT_LATEST_SECONDS
        while self._opens is not None and not self._opens.wait(0.2) and time.monotonic() < waits_until:
            if self._stop.is_set():
                return
        while not self._stop.is_set():
            code, steady = self._run()
            self._clear_up()
            if self._stop.is_set():
                return
            pause = FIRST_PAUSE_SECONDS if steady else pause
            log.error("mail_process_ended", code=code, again_in_seconds=pause)
            self._stop.wait(pause)
            pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)

    def _clear_up(self) -> None:
        """Let what the dead process held go to the next one at once."""
        assert self._process is not None
        try:
            self._on_end(self._process.pid)
        except Exception as error:  # then it waits until the hold ends by itself
            log.error("mail_process_not_cleared", error=type(error).__name__)

    def _run(self) -> tuple[int, bool]:
        """Its exit code, and whether it had run for a while."""
        # A session of its own: Ctrl+C is for us, and we end it.
        process = self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(self._settings),
            start_new_session=True,
        )  # fmt: skip
        self._counted_before.append(self._counted)
        self._counted = b""
        threading.Thread(target=self._listen, args=(process,), name="mail-process-tells", daemon=True).start()
        began, told_at = time.monotonic(), 0.0
        while True:
            try:
                return process.wait(1.0), time.monotonic() - began >= STEADY_SECONDS
            except subprocess.TimeoutExpired:
                if self._stop.is_set():
                    told_at = told_at or time.monotonic()
                    if time.monotonic() - told_at > STOP_SECONDS:
                        process.kill()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as source:
            while (told := receive(source)) is not None:
                self._counted = told


def tell_metrics(target: IO[bytes]) -> None:
    """Tell the parent every few seconds, in a thread, what was counted here."""

    def tell() -> None:
        with suppress(OSError):  # it is gone, and so are we in a moment
            while True:
                send(target, render_metrics())
                time.sleep(TELL_SECONDS)

    threading.Thread(target=tell, name="metrics", daemon=True).start()


def when_closed(source: IO[bytes], then: Callable[[], None]) -> None:
    """Call `then` once, in a thread, when the other end of this pipe is closed or gone."""

    def read() -> None:
        while source.read(1024):
            pass
        then()

    threading.Thread(target=read, name="parent", daemon=True).start()


def _environment(settings: Settings) -> dict[str, str]:
    """What this process was told by its command line, told by the environment."""
    told = {"data_dir": settings.data_dir, "host": settings.host, "port": settings.port}
    return {**os.environ, **{f"FIRSTLINE_{name.upper()}": str(value) for name, value in told.items()}}
