"""The mail server as fixtures: one per test process, started when the first test asks for it, clean for every test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from channels.email.accounts import MailAccount
from tests.mailserver import daemons
from tests.mailserver.server import PASSWORD, MailServer, running

MakeAccount = Callable[..., MailAccount]


def trouble() -> tuple[str, bool]:
    """Why the mail server cannot run here ("" when it can), and whether that is a failure or a developer's choice."""
    is_root = os.geteuid() == 0
    if absent := daemons.missing():
        return f"{', '.join(absent)} not installed: run tools/system-packages.sh", is_root or "CI" in os.environ
    if not is_root:
        return "the mail server changes users, which needs root: run these tests with sudo", "CI" in os.environ
    return "", False


@pytest.fixture(scope="session")
def _mail_daemons() -> Iterator[MailServer]:
    reason, fails = trouble()
    if reason and fails:
        pytest.fail(reason, pytrace=False)
    if reason:
        pytest.skip(reason)
    with running() as server:
        yield server


@pytest.fixture
def mail_server(_mail_daemons: MailServer) -> MailServer:
    """Postfix and Dovecot, with empty mailboxes. The test needs `@pytest.mark.allow_hosts(["127.0.0.1"])`."""
    _mail_daemons.reset()
    return _mail_daemons


@pytest.fixture
def make_account(mail_server: MailServer) -> MakeAccount:
    """Makes the account of support@shop.test; keywords replace its fields."""

    def make(**fields: Any) -> MailAccount:
        address = fields.get("address", "support@shop.test")
        given = {
            "name": "support",
            "address": address,
            "imap": mail_server.imap_url,
            "smtp": mail_server.smtp_url,
            "user": address,
            "ca_file": mail_server.ca_file,
            **fields,
        }
        if "oauth" not in given:
            given.setdefault("password", PASSWORD)
        return MailAccount.model_validate(given)

    return make
