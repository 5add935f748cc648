"""Installations to measure on: fresh, in a temporary folder, gone afterwards; no setting of this machine reaches one."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from base.log import set_up_logging
from base.settings import Settings
from web.wiring import Services, build, settle

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class ServerNotReady(RuntimeError):
    """The measured server did not come up; its last lines are in the message."""


def settings_for(folder: Path) -> Settings:
    """Settings of an installation in `folder`: SQLite, the built-in embedder, no model; whatever is configured here."""
    return Settings(
        data_dir=folder, database_url="", llm="", embedder="builtin", vector_index="chroma", service_defaults="",
        log_level="error", public_url="", host="127.0.0.1",
    )  # fmt: skip


@contextlib.contextmanager
def temporary_services() -> Iterator[Services]:
    """Services as the server builds them, the model loaded, on an empty database of their own."""
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
        settings = settings_for(Path(folder))
        set_up_logging(settings)
        services = build(settings, owner=True)
        try:
            services.warm()
            settle()  # as `serve` does
            yield services
        finally:
            services.close()


def wait_for_index(services: Services, chunks: int, seconds: float = 30.0) -> str:
    """Wait until the index on disk holds the chunks; return what answers a search then: "chroma" or "exact"."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = services.vectors.status()
        if status.get("ready", True) and status["vectors"] == chunks:
            return str(status.get("answers", status["index"]))
        time.sleep(0.05)
    return "exact"


@dataclass(frozen=True, slots=True)
class Server:
    """A running `firstline serve`."""

    process: subprocess.Popen[str]
    base_url: str
    ready_seconds: float  # from the start of the process to the first healthy answer


@contextlib.contextmanager
def running_server(folder: Path, *, module: str = "", **environment: str) -> Iterator[Server]:
    """`firstline serve` on a free port of loopback, stopped at the end. Raises ServerNotReady.

    module: one that serves FOLDER instead, and prints its address.
    """
    started = time.perf_counter()
    serve = ["web.cli", "--data-dir", str(folder), "serve", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", *([module, str(folder)] if module else serve)],
        cwd=folder, env=clean_environment(FIRSTLINE_LOG_LEVEL="error", **environment), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        address, said = _address_of(process)
        _wait_until_healthy(process, address, said)
        yield Server(process, address, time.perf_counter() - started)
    finally:
        _stop(process)


def clean_environment(**extra: str) -> dict[str, str]:
    """This process's environment without our settings, with the packages importable from any folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
    paths = os.pathsep.join(filter(None, (str(ROOT), inherited.get("PYTHONPATH", ""))))
    return {**inherited, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", **extra}


def _address_of(process: subprocess.Popen[str]) -> tuple[str, list[str]]:
    """The address the server prints, and a list that keeps growing with its latest lines."""
    said: list[str] = []
    found = threading.Event()

    def read(stream: IO[str]) -> None:
        for line in stream:
            said.append(line.rstrip())
            del said[:-50]
            if _ADDRESS.search(line):
                found.set()
        found.set()

    assert process.stderr is not None
    threading.Thread(target=read, args=(process.stderr,), name="server-output", daemon=True).start()
    found.wait(READY_SECONDS)
    matches = [match for line in said if (match := _ADDRESS.search(line))]
    if not matches:
        raise ServerNotReady("\n".join(said[-10:]) or "the server said nothing")
    return matches[0].group(0), said


def _wait_until_healthy(process: subprocess.Popen[str], address: str, said: list[str]) -> None:
    import httpx

    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{address}/healthz").status_code == httpx.codes.OK:
                    return
            time.sleep(0.01)
    raise ServerNotReady("\n".join(said[-10:]) or "the server does not answer")


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
    if process.stderr is not None:
        process.stderr.close()
