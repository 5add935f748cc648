"""Mail has a process of its own: it answers mail and nothing else, comes back when it dies, and ends when its parent does."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from base.settings import Settings
from tests.live import eventually
from web.mail_process import MailProcess, when_closed

_CHILD = """
import os, sys
with open(sys.argv[1], "a") as notes:
    print(os.getpid(), os.environ["FIRSTLINE_PORT"], file=notes)
sys.stdin.read()
"""

_COUNTING_CHILD = """
import pathlib, sys
from base.frames import send
send(sys.stdout.buffer, b"counted 1")
began = pathlib.Path(sys.argv[1])
if began.exists():
    sys.stdin.read()
began.touch()
"""


def _told(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, port=8123)


def test_it_is_started_again_when_it_dies_and_ends_when_told(settings: Settings, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    ended = list[int]()
    process = MailProcess(settings, [sys.executable, "-c", _CHILD, str(notes)], ended.append)
    process.start()
    eventually(lambda: len(_told(notes)) == 1)
    os.kill(int(_told(notes)[0][0]), signal.SIGKILL)
    eventually(lambda: len(_told(notes)) == 2)
    process.stop()
    first, second = _told(notes)
    assert first[0] != second[0]
    assert ended == [int(first[0]), int(second[0])]
    assert {first[1], second[1]} == {"8123"}
    with pytest.raises(ProcessLookupError):
        os.kill(int(second[0]), 0)


def test_what_it_counts_is_told_and_outlives_it(settings: Settings, tmp_path: Path) -> None:
    process = MailProcess(settings, [sys.executable, "-c", _COUNTING_CHILD, str(tmp_path / "began")])
    process.start()
    eventually(lambda: process.metrics() == [b"counted 1", b"counted 1"])
    process.stop()
    assert process.metrics() == [b"counted 1", b"counted 1"]


def test_a_closed_pipe_is_noticed() -> None:
    closed = threading.Event()
    when_closed(io.BytesIO(b"words before the end"), closed.set)
    assert closed.wait(5)


def test_it_waits_until_there_is_something_to_answer_from(settings: Settings, tmp_path: Path) -> None:
    notes, opens = tmp_path / "notes", threading.Event()
    process = MailProcess(settings, [sys.executable, "-c", _CHILD, str(notes)])
    process.start(opens)
    time.sleep(0.3)
    assert _told(notes) == []
    opens.set()
    eventually(lambda: len(_told(notes)) == 1)
    process.stop()
    never = MailProcess(settings, [sys.executable, "-c", _CHILD, str(notes)])
    never.start(threading.Event())
    never.stop()
    assert len(_told(notes)) == 1
