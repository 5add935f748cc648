"""Where the mail server cannot run: a developer sees a skip with its reason, a prepared machine a failure."""

from __future__ import annotations

import os

import pytest

from tests.mailserver import daemons
from tests.mailserver.fixtures import trouble


@pytest.mark.parametrize(
    ("user", "on_ci", "absent", "reason", "fails"),
    [
        (0, False, [], "", False),
        (0, False, ["dovecot"], "dovecot not installed: run tools/system-packages.sh", True),
        (1000, False, ["postfix", "dovecot"], "postfix, dovecot not installed: run tools/system-packages.sh", False),
        (1000, False, [], "the mail server changes users, which needs root: run these tests with sudo", False),
        (1000, True, [], "the mail server changes users, which needs root: run these tests with sudo", True),
    ],
)
def test_a_server_that_cannot_run_is_a_failure_only_where_it_should(
    user: int, on_ci: bool, absent: list[str], reason: str, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(daemons, "missing", lambda: absent)
    monkeypatch.delenv("CI", raising=False)
    if on_ci:
        monkeypatch.setenv("CI", "true")
    assert trouble() == (reason, fails)
