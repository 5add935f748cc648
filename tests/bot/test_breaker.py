"""The circuit breaker: what opens it, what closes it, and what it leaves for others to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import breaker as module
from bot.breaker import Breaker, read_state


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr(module, "time", made)
    return made


def test_faults_within_the_window_open_it_and_one_success_closes_it(watch: Watch) -> None:
    breaker = Breaker(failures=3, rest_seconds=30, window_seconds=60)
    for _ in range(3):
        assert breaker.closed()
        breaker.failure()
    assert not breaker.closed()
    watch.now += 31
    assert breaker.closed()
    assert not breaker.closed()  # one try; the others wait for what becomes of it
    breaker.success()
    assert breaker.closed()


def test_faults_far_apart_do_not_add_up(watch: Watch) -> None:
    breaker = Breaker(failures=3, rest_seconds=30, window_seconds=60)
    for _ in range(9):
        breaker.failure()
        watch.now += 40
        breaker.success()
        assert breaker.closed()


def test_successes_between_do_not_hide_many_faults(watch: Watch) -> None:
    breaker = Breaker(failures=3, rest_seconds=30, window_seconds=60)
    for _ in range(3):
        breaker.failure()
        watch.now += 1
        breaker.closed()
    assert not breaker.closed()


def test_a_failed_try_lets_it_rest_again(watch: Watch) -> None:
    breaker = Breaker(failures=1, rest_seconds=30)
    breaker.failure()
    watch.now += 31
    assert breaker.closed()
    breaker.failure()
    assert not breaker.closed()
    watch.now += 31
    assert breaker.closed()


def test_its_state_can_be_read_by_others(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    breaker = Breaker(failures=2, rest_seconds=30, state_file=path)
    breaker.failure("connection refused")
    assert read_state(path) is None
    breaker.failure("connection refused")
    state = read_state(path)
    assert state is not None
    assert (state.failures, state.last_error) == (2, "connection refused")
    assert state.is_open(datetime.now(UTC))
    assert not state.is_open(datetime.now(UTC) + timedelta(minutes=5))
    breaker.success()
    assert read_state(path) is None


def test_a_state_that_cannot_be_written_or_read_disturbs_nobody(tmp_path: Path) -> None:
    breaker = Breaker(failures=1, state_file=tmp_path / "missing" / "state.json")
    breaker.failure()
    assert not breaker.closed()
    (tmp_path / "broken.json").write_text("{")
    assert read_state(tmp_path / "broken.json") is None
