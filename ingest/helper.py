"""The inside of the sandbox: lock the door, read standard input, answer with one JSON object on standard output."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from ingest.errors import BrokenFile, CannotRead, FileTooLarge, TooMuchText
from ingest.loaders import Kind, read_as
from ingest.loaders.archive import check_archive
from ingest.models import Limits

_FORBIDDEN = (
    *("socket.", "ftplib.", "urllib.", "http.", "smtplib."),
    *("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty."),
    *("shutil.", "os.remove", "os.rename", "os.link", "os.symlink", "os.mkdir"),
)


def main() -> None:
    """Read the file on standard input as argv says: root, kind, name, limits."""
    kind, name, limits = Kind(sys.argv[2]), sys.argv[3], Limits(**json.loads(sys.argv[4]))
    _limit_resources(limits)
    answer = sys.stdout.buffer
    try:
        said = _read(kind, name, limits)
    except CannotRead as error:
        said = {"error": type(error).__name__, "detail": error.detail, "fields": error.fields}
    except (MemoryError, RecursionError) as error:
        said = {"error": TooMuchText.__name__, "detail": type(error).__name__}
    except Exception as error:  # a parser may fail in any way; its class name is all we keep
        said = {"error": BrokenFile.__name__, "detail": type(error).__name__}
    answer.write(json.dumps(said).encode())
    answer.flush()


def _read(kind: Kind, name: str, limits: Limits) -> dict[str, Any]:
    data = sys.stdin.buffer.read(limits.max_bytes + 1)
    if len(data) > limits.max_bytes:
        raise FileTooLarge("grew while it was read", limit=str(limits.max_bytes))
    if kind is Kind.ZIP:
        kind = check_archive(data, limits)
    _warm(kind)
    _lock()
    raw = read_as(kind, data, name, limits)
    if len(raw.text) > limits.max_text_chars:
        raise TooMuchText("characters")
    return {"kind": kind.value, "title": raw.title, "text": raw.text, "meta": raw.meta}


def _warm(kind: Kind) -> None:
    """Import the reader while imports may still write their bytecode. Without numpy and Pillow, which openpyxl would
    load for nothing: a third of a second."""
    if kind is Kind.XLSX:
        sys.modules["numpy"] = None  # type: ignore[assignment]
        sys.modules["PIL"] = None  # type: ignore[assignment]
    import_module(
        {Kind.XLSX: "ingest.loaders.table", Kind.CSV: "ingest.loaders.table"}.get(kind, f"ingest.loaders.{kind}")
    )


def _limit_resources(limits: Limits) -> None:
    """Memory, processor time, open files, no core dump. Where the system has no such limits, wall time remains."""
    try:
        import resource
    except ImportError:
        return
    seconds = int(limits.max_seconds) + 1
    wishes = (
        (resource.RLIMIT_AS, limits.max_memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    )
    for which, most in wishes:
        try:
            resource.setrlimit(which, (most, most))
        except (ValueError, OSError):
            continue


def _lock() -> None:
    """No network, no new processes, no writing: by the kernel where it lets us, and by Python's own audit events."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass
    _leave_network()
    sys.addaudithook(_refuse)


def _leave_network() -> None:
    import ctypes

    new_user, new_network = 0x10000000, 0x40000000
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
        if unshare(new_network) != 0:
            unshare(new_user | new_network)
    except (OSError, AttributeError, TypeError):
        return


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(event)
    if event == "open" and len(args) > 1 and isinstance(args[1], str) and any(flag in args[1] for flag in "wax+"):
        raise PermissionError(event)
