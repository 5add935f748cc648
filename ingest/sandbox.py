"""Risky files are parsed by a helper process that may use little memory, little time, no network and no other files.

The helper gets the opened file as its standard input and answers with one JSON object; what it may not do is set by
itself before it looks at the first byte (`ingest/helper.py`), and its time and the size of its answer by us.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from ingest import errors
from ingest.errors import BrokenFile, CannotRead, TimedOut, TooMuchText
from ingest.loaders import Kind
from ingest.models import Limits, Raw

_ROOT = str(Path(__file__).resolve().parent.parent)
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from ingest.helper import main; main()"
_ERRORS = {kind.__name__: kind for kind in errors.ALL}


def read_isolated(kind: Kind, file: BinaryIO, name: str, limits: Limits) -> tuple[Kind, Raw]:
    """The text of an opened file, and what it turned out to be. Costs about 0.1 s more than reading it here.

    Raises CannotRead: what the reader said, TimedOut when the helper was stopped, BrokenFile when it crashed.
    """
    command = [sys.executable, "-I", "-c", _BOOT, _ROOT, kind.value, name, json.dumps(asdict(limits))]
    with subprocess.Popen(
        command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        close_fds=True, cwd="/", env={"LC_ALL": "C.UTF-8"}, start_new_session=True,
    ) as helper:  # fmt: skip
        expired = threading.Event()
        timer = threading.Timer(limits.max_seconds, _stop, (helper, expired))
        timer.daemon = True
        timer.start()
        assert helper.stdout is not None
        try:
            cap = limits.max_text_chars * 6 + 4096  # an escaped character takes up to six bytes
            answer = helper.stdout.read(cap + 1)
        finally:
            timer.cancel()
            helper.kill()
    if expired.is_set():
        raise TimedOut(seconds=limits.max_seconds)
    if len(answer) > cap:
        raise TooMuchText("answer")
    return _understand(answer, helper.returncode)


def _stop(helper: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    helper.kill()


def _understand(answer: bytes, return_code: int) -> tuple[Kind, Raw]:
    """The helper's answer; nothing in it is trusted beyond being text."""
    try:
        said: dict[str, Any] = json.loads(answer)
        if "error" in said:
            raise _error(said)
        meta = {str(key): str(value) for key, value in said["meta"].items()}
        return Kind(said["kind"]), Raw(str(said["title"]), str(said["text"]), meta)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if return_code == -24:  # SIGXCPU
            raise TimedOut("cpu") from error
        raise BrokenFile("the reader stopped without an answer", return_code=return_code) from error


def _error(said: dict[str, Any]) -> CannotRead:
    kind = _ERRORS.get(str(said["error"]), BrokenFile)
    return kind(str(said.get("detail", ""))[:200], **{str(k): str(v) for k, v in said.get("fields", {}).items()})
