"""The inside of the mail reader: a process that reads mails one after the other and can do nothing else.

Each is a length (8 bytes, big endian) and so many bytes on standard input; each answer is a length and one JSON object.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from dataclasses import asdict
from typing import Any

from base.frames import receive, send
from channels.email.limits import MailRefused
from channels.email.mime import read_mail
from channels.email.models import Mail

NICE = 5  # of 19: it holds no lock, so everything else may go before it
_FORBIDDEN = (
    *("socket.", "ftplib.", "urllib.", "http.", "smtplib."),
    *("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty."),
    *("shutil.", "os.remove", "os.rename", "os.link", "os.symlink", "os.mkdir"),
)


def main() -> None:
    """Read until there is nothing more. argv: root, largest memory in bytes."""
    _limit_memory(int(sys.argv[2]))
    os.nice(NICE)
    read_mail(b"Subject: warm\n\n<p>warm</p>\n")  # what is loaded lazily is loaded before the door is locked
    sys.addaudithook(_refuse)
    source, answers = sys.stdin.buffer, sys.stdout.buffer
    while (raw := receive(source)) is not None:
        send(answers, json.dumps(_answer(raw)).encode())


def _answer(raw: bytes) -> dict[str, Any]:
    try:
        return {"mail": to_json(read_mail(raw))}
    except MailRefused as error:
        return {"refused": str(error.reason), "detail": error.detail}
    except Exception as error:  # a reader may fail in any way; its class name is all we keep
        return {"failed": type(error).__name__}


def to_json(mail: Mail) -> dict[str, Any]:
    """A mail as plain JSON: what its files contain in base64."""
    said = asdict(mail)
    for file in said["files"]:
        file["content"] = base64.b64encode(file["content"]).decode()
    said["date"] = mail.date.isoformat() if mail.date else None
    for one, enclosed in zip(said["enclosed"], mail.enclosed, strict=True):
        one["date"] = enclosed.date.isoformat() if enclosed.date else None
    return said


def _limit_memory(most_bytes: int) -> None:
    """Memory and no core dump. Where the system has no such limits, wall time remains."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, most_bytes), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(event)
    if event == "open" and len(args) > 1 and isinstance(args[1], str) and any(flag in args[1] for flag in "wax+"):
        raise PermissionError(event)
