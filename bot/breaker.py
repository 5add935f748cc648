"""Stops asking a model that keeps failing, and remembers it across processes: `firstline doctor` can say so."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What was last written down about a breaker."""

    open_until: datetime
    failures: int
    last_error: str

    def is_open(self, now: datetime) -> bool:
        return now < self.open_until


class Breaker:
    """After `failures` within `window_seconds` the model rests for `rest_seconds`; then one try decides.

    state_file: where an opened breaker is noted for others to read; nothing is written while all is well.
    """

    def __init__(
        self,
        failures: int = 3,
        rest_seconds: float = 30.0,
        window_seconds: float = 120.0,
        state_file: Path | None = None,
    ) -> None:
        self._limit, self._rest, self._window, self._file = failures, rest_seconds, window_seconds, state_file
        self._failed: deque[float] = deque(maxlen=max(failures, 1))
        self._until = 0.0
        self._open = False
        self._lock = threading.Lock()

    def closed(self) -> bool:
        """Whether the model may be asked now."""
        with self._lock:
            if not self._open:
                return True
            if time.monotonic() < self._until:
                return False
            self._until = time.monotonic() + self._rest  # this one try; the others wait for what becomes of it
            return True

    def success(self) -> None:
        with self._lock:
            was_open, self._open = self._open, False
            if was_open:
                self._failed.clear()
        if was_open and self._file is not None:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)

    def failure(self, error: str = "") -> None:
        with self._lock:
            now = time.monotonic()
            self._failed.append(now)
            opened = self._open or (len(self._failed) == self._limit and now - self._failed[0] <= self._window)
            if opened:
                self._open, self._until = True, now + self._rest
            count = len(self._failed)
        if opened:
            self._note(count, error)

    def _note(self, count: int, error: str) -> None:
        if self._file is None:
            return
        until = datetime.now(UTC) + timedelta(seconds=self._rest)
        note = {"open_until": until.isoformat(), "failures": count, "last_error": error[:200]}
        with suppress(OSError):  # a note for people: without it everything works
            self._file.write_text(json.dumps(note, ensure_ascii=False), "utf-8")


def read_state(path: Path) -> BreakerState | None:
    """What a breaker noted last; None when it noted nothing, or nothing readable."""
    try:
        data = json.loads(path.read_text("utf-8"))
        return BreakerState(datetime.fromisoformat(data["open_until"]), int(data["failures"]), str(data["last_error"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
