"""Turns at writing one file for several processes, first come first served.

SQLite lets a process that finds the database locked look ever more rarely, every 100 ms in the end, while one that writes all
the time locks it anew after a fraction of one: beside a busy worker an acknowledgement waited 250 ms, or failed after 15 s
as "locked". Here whoever has written stands behind whoever waits.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

LOOK_SECONDS = 0.0003  # a look costs 2 microseconds


class Turns:
    """For one writer. Politeness only: the database's own lock decides, also beside those who know nothing of turns."""

    def __init__(self, path: str, wait_seconds: float) -> None:
        self._path, self._wait_seconds = path, wait_seconds
        self._next = self._now = -1

    def take(self) -> None:
        """Wait for our turn, `wait_seconds` at the most. Where there can be no such files, nobody waits."""
        if self._now < 0:
            self._open()
        if self._now < 0:
            return
        with suppress(OSError):
            end = time.monotonic() + self._wait_seconds
            # The one who waits for "now" holds "next": who has just written cannot pass by.
            if _lock(self._next, end):
                _lock(self._now, end)
                fcntl.flock(self._next, fcntl.LOCK_UN)

    def give(self) -> None:
        """Our turn is over, if it was ours."""
        if self._now >= 0:
            with suppress(OSError):
                fcntl.flock(self._now, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._next, self._now):
            if file >= 0:
                os.close(file)
        self._next = self._now = -1

    def _open(self) -> None:
        with suppress(OSError):
            self._next = os.open(f"{self._path}-next", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._now = os.open(f"{self._path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(file: int, end: float) -> bool:
    """Whether it is ours before `end`. Asked for again and again: a wait inside the system has no end."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(LOOK_SECONDS)
        else:
            return True
