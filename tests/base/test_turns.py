"""Processes that write one file take turns, whatever each of them has to write."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from base.turns import Turns

_GREEDY = """
import sys
from base.turns import Turns
turns = Turns(sys.argv[1], 15)
print("on", flush=True)
while True:
    turns.take()
    sum(range(30_000))
    turns.give()
"""


def test_who_waits_comes_before_who_has_just_written(tmp_path: Path) -> None:
    mine, theirs, order = Turns(str(tmp_path / "db"), 15), Turns(str(tmp_path / "db"), 15), list[str]()
    mine.take()

    def wait() -> None:
        theirs.take()
        order.append("theirs")
        theirs.give()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while _is_free(tmp_path / "db-next"):
        pass
    mine.give()
    mine.take()
    order.append("mine")
    mine.give()
    waiting.join()
    assert order == ["theirs", "mine"]


def test_a_process_that_writes_all_the_time_lets_others_in(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    with subprocess.Popen([sys.executable, "-c", _GREEDY, path], stdout=subprocess.PIPE, text=True) as greedy:
        assert greedy.stdout is not None
        greedy.stdout.readline()
        turns, mine = Turns(path, 60), 0
        for _ in range(50):
            turns.take()
            mine += not _is_free(tmp_path / "db-turn")
            turns.give()
        greedy.kill()
    assert mine == 50


def test_the_turn_of_a_process_that_died_is_over(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    dying = "import os, sys; from base.turns import Turns; Turns(sys.argv[1], 15).take(); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", dying, path], check=False).returncode == 9
    assert _is_free(tmp_path / "db-turn")
    assert _is_free(tmp_path / "db-next")


def test_nobody_waits_for_ever_for_one_who_is_stuck(tmp_path: Path) -> None:
    stuck, mine = Turns(str(tmp_path / "db"), 15), Turns(str(tmp_path / "db"), 0.01)
    stuck.take()
    mine.take()
    mine.give()
    assert not _is_free(tmp_path / "db-turn")
    assert _is_free(tmp_path / "db-next")


def test_where_no_file_can_be_made_nobody_waits(tmp_path: Path) -> None:
    turns = Turns(str(tmp_path / "nowhere" / "db"), 15)
    turns.take()
    turns.give()
    turns.close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_closed_is_opened_again_when_it_is_needed(tmp_path: Path) -> None:
    turns = Turns(str(tmp_path / "db"), 15)
    turns.take()
    turns.close()
    assert _is_free(tmp_path / "db-turn")
    turns.take()
    assert not _is_free(tmp_path / "db-turn")


def _is_free(path: Path) -> bool:
    """Whether nobody holds this lock at the moment."""
    import fcntl

    if not path.exists():
        return True
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
