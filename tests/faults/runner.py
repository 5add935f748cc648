"""Strikes with one fault, restarts until nothing is left to do, and says what is wrong then."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from base.database import Database
from desk import outbox
from desk.outbox import OutboxState
from tests.faults import story
from tests.faults.points import CRASHED, UNCERTAIN, Fault, Kind, every_fault
from tests.faults.state import State, faults_of, open_work, state_of
from tests.mailserver.scripted import ScriptedSmtp, smtp_server

ROOT = Path(__file__).resolve().parents[2]
RESTARTS_MOST = 12
LATER = timedelta(minutes=10)  # longer than a lease, and than the wait after the first attempts
PATIENCE_SECONDS = 60.0
FIRST = "first"  # the desk of which each play gets a copy


@dataclass(frozen=True)
class Ended:
    stopped: bool
    code: int


class Children:
    """The nursery's children, from outside. One test process has one nursery."""

    def __init__(self, first: Path, smtp_port: int, log: IO[bytes]) -> None:
        """first: the data folder the desk is made in on which every story begins."""
        command = [sys.executable, "-m", "tests.faults.child", str(first), str(smtp_port)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1
        )
        self._out: set[int] = set()
        assert self._heard() == {}, "the nursery did not start"

    def play(self, data_dir: Path, fault: Fault | None = None) -> int:
        said = [fault.point, fault.when, fault.kind, fault.nth] if fault else None
        return self._start({"do": "play", "data_dir": str(data_dir), "fault": said})

    def wait(self, pid: int) -> Ended:
        """Until it has ended, or stands still."""
        ended = Ended(**self._ask({"do": "wait", "pid": pid}))
        if not ended.stopped:
            self._out.discard(pid)
        return ended

    def close(self) -> None:
        for pid in self._out:
            os.kill(pid, signal.SIGKILL)
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(PATIENCE_SECONDS)

    def _start(self, command: dict[str, Any]) -> int:
        pid = int(self._ask(command)["pid"])
        self._out.add(pid)
        return pid

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        timer = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        assert line, "the nursery has ended"
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def far_end() -> Iterator[ScriptedSmtp]:
    """A mail server that takes everything, in a thread: what is in its `mails` has arrived."""
    script, ready, over = ScriptedSmtp(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with smtp_server(script):
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    ready.wait(PATIENCE_SECONDS)
    try:
        yield script
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE_SECONDS)


@dataclass
class Verdict:
    """What is left of the story after a fault."""

    wrong: list[str]
    state: State
    maybe_sent: int
    restarts: int
    struck: bool


class Theatre:
    """Plays the story again and again, each time on a copy of the same desk."""

    def __init__(self, folder: Path, smtp: ScriptedSmtp, children: Children) -> None:
        self._first, self._desk = folder / FIRST, folder / "desk"
        self._smtp, self._children = smtp, children
        self._arrived_before = len(smtp.mails)
        self._database = Database(f"sqlite:///{self._desk / 'firstline.db'}")

    def play(self, fault: Fault | None) -> Verdict:
        """The whole story with this fault, to its end."""
        shutil.copytree(self._first, self._desk, symlinks=True, dirs_exist_ok=True)
        arrived_before = len(self._smtp.mails)
        try:
            self._first_run(fault)
            restarts = self._restart()
            arrived = [*self._smtp.mails[: self._arrived_before], *self._smtp.mails[arrived_before:]]
            with self._database.read() as session:
                maybe_sent = outbox.counts(session).get(OutboxState.MAYBE_SENT, 0)
            return Verdict(
                faults_of(self._database, arrived), state_of(self._database), maybe_sent, restarts,
                struck=(self._desk / "struck").exists(),
            )  # fmt: skip
        finally:
            self._database.close()  # its connections: the file is gone
            shutil.rmtree(self._desk)

    def _first_run(self, fault: Fault | None) -> None:
        """Run with the fault. A stalled one is overtaken by another, and wakes up then."""
        set_time(self._desk, story.NOW)
        pid = self._children.play(self._desk, fault)
        ended = self._children.wait(pid)
        if fault is None or not ended.stopped:
            crashed = fault is not None and fault.kind is Kind.CRASH
            assert ended.code in (0, CRASHED if crashed else 0), f"{fault}: ended with {ended.code}"
        elif fault.kind is Kind.STALL:
            set_time(self._desk, story.NOW + LATER)
            self._must_end(self._children.play(self._desk))
            os.kill(pid, signal.SIGCONT)
            self._must_end(pid)
        else:
            os.kill(pid, signal.SIGKILL)
            assert self._children.wait(pid).code == -signal.SIGKILL

    def _restart(self) -> int:
        """New processes, each later than a lease takes, until nothing is left to do; how many."""
        for number in range(1, RESTARTS_MOST + 1):
            set_time(self._desk, story.NOW + (number + 1) * LATER)
            self._must_end(self._children.play(self._desk))
            with self._database.read() as session:
                if not open_work(session):
                    return number
        return RESTARTS_MOST

    def _must_end(self, pid: int) -> None:
        assert self._children.wait(pid) == Ended(stopped=False, code=0)


@contextmanager
def theatre(folder: Path, model_cache: Path) -> Iterator[Theatre]:
    """All that is needed, for many plays."""
    first = folder / FIRST
    first.mkdir()
    (first / "models").symlink_to(model_cache, target_is_directory=True)
    set_time(first, story.BEFORE)
    with (folder / "children.log").open("wb") as log, far_end() as smtp:
        children = Children(first, smtp.port, log)
        try:
            yield Theatre(folder, smtp, children)
        finally:
            children.close()


def set_time(data_dir: Path, at: datetime) -> None:
    path = data_dir / "now"
    path.with_name("now.new").write_text(at.isoformat())
    path.with_name("now.new").replace(path)


def may_be_uncertain(fault: Fault) -> int:
    """How many replies may be left as "maybe sent": one, when the fault struck between hand-over and note."""
    return 1 if (fault.point, fault.when) in UNCERTAIN else 0


def main() -> int:
    """Play the whole matrix and print what is not as it should be. Returns 1 when there is any."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--nth", type=int, nargs="+", default=[1], help="strike at these calls of each point")
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--model-cache", type=Path, required=True, help="where the built-in model's graph is kept")
    given = parser.parse_args()
    wanted = [fault for nth in given.nth for fault in every_fault(nth) if given.only in str(fault)]
    with tempfile.TemporaryDirectory() as folder, theatre(Path(folder), given.model_cache) as stage:
        undisturbed, tally = stage.play(None), Counter[str]()
        for fault in wanted:
            verdict = stage.play(fault)
            wrong = list(verdict.wrong) if verdict.state == undisturbed.state else [*verdict.wrong, "another state"]
            if verdict.maybe_sent > may_be_uncertain(fault):
                wrong.append("maybe sent")
            tally["never called" if not verdict.struck else "wrong" if wrong else "right"] += 1
            if wrong:
                print(f"{fault}: {'; '.join(wrong)}", flush=True)
    print(", ".join(f"{count} {name}" for name, count in sorted(tally.items())))
    return 1 if tally["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
