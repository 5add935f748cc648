"""Mails are read by a process of their own: what a hostile one breaks, hangs or fills up is that process, and no mailbox.

It stays for many mails (starting one takes half a second), is ended when a mail takes too long, and started anew.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from base.frames import receive, send
from channels.email.limits import MailRefused, Refusal
from channels.email.models import Mail

MAX_SECONDS = 20.0
MAX_MEMORY_BYTES = 1_500_000_000  # of addresses, libraries included
MAX_MAILS = 500  # then a new process: what a library leaks is given back
_ROOT = str(Path(__file__).resolve().parents[2])
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from channels.email.helper import main; main()"
_MAIL: TypeAdapter[Mail] = TypeAdapter(Mail)


class ReaderFailed(Exception):
    """The reading process died or took too long: tried again, then set aside."""


class MailReader(Protocol):
    def read(self, raw: bytes) -> Mail:
        """Raises MailRefused for a mail that cannot be taken, ReaderFailed when the reader broke over it."""
        ...

    def close(self) -> None: ...


class IsolatedReader:
    """One helper process, started at the first mail. Safe to share between threads; they take turns."""

    def __init__(self, max_seconds: float = MAX_SECONDS) -> None:
        self._max_seconds = max_seconds
        self._helper: subprocess.Popen[bytes] | None = None
        self._read = 0
        self._turn = threading.Lock()

    def read(self, raw: bytes) -> Mail:
        with self._turn:
            said = self._ask(raw)
        if "refused" in said:
            raise MailRefused(Refusal(said["refused"]), str(said.get("detail", ""))[:200])
        if "mail" not in said:
            raise ReaderFailed(str(said.get("failed", "?"))[:60])
        return from_json(said["mail"])

    def close(self) -> None:
        with self._turn:
            self._end()

    def _ask(self, raw: bytes) -> dict[str, Any]:
        if self._read >= MAX_MAILS:
            self._end()
        helper = self._helper or self._start()
        self._read += 1
        expired = threading.Event()
        timer = threading.Timer(self._max_seconds, _stop, (helper, expired))
        timer.daemon = True
        timer.start()
        answer = None
        try:
            assert helper.stdin is not None
            assert helper.stdout is not None
            send(helper.stdin, raw)
            answer = receive(helper.stdout)
            said: dict[str, Any] = json.loads(answer) if answer is not None else {}
        except (OSError, ValueError) as error:
            self._end()
            raise ReaderFailed(type(error).__name__) from error
        finally:
            timer.cancel()
        if not said:
            code = self._end()
            raise ReaderFailed("took too long" if expired.is_set() else f"ended with {code}")
        return said

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-c", _BOOT, _ROOT, str(MAX_MEMORY_BYTES)]
        self._helper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, close_fds=True, cwd="/",
            env={"LC_ALL": "C.UTF-8"}, start_new_session=True,
        )  # fmt: skip
        self._read = 0
        return self._helper

    def _end(self) -> int | None:
        helper, self._helper = self._helper, None
        if helper is None:
            return None
        helper.kill()
        for pipe in (helper.stdin, helper.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return helper.wait()


def from_json(said: dict[str, Any]) -> Mail:
    """A mail from what the helper says of it; nothing in it is trusted beyond its types. Raises ReaderFailed."""
    try:
        for file in said["files"]:
            file["content"] = base64.b64decode(file["content"])
        return _MAIL.validate_python(said)
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise ReaderFailed(f"not understood: {type(error).__name__}") from error


def _stop(helper: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    helper.kill()
