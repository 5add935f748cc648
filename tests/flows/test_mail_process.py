"""`firstline serve` with a mailbox: mail has a process of its own, which comes back when it dies and ends with its parent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from tests.live import LOOPBACK, eventually
from tests.mailserver.fixtures import _mail_daemons as _mail_daemons
from tests.mailserver.fixtures import mail_server as mail_server
from tests.mailserver.server import PASSWORD, MailServer

pytestmark = [pytest.mark.allow_hosts(LOOPBACK), pytest.mark.slow]
ROOT = Path(__file__).parents[2]
SUPPORT, ALICE = "support@shop.test", "alice@customers.test"


@pytest.fixture
def server(mail_server: MailServer, tmp_path: Path, model_cache: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A serving process with one mailbox, up and connected."""
    data = tmp_path / "data"
    data.mkdir()
    model_cache.mkdir(parents=True, exist_ok=True)
    (data / "models").symlink_to(model_cache, target_is_directory=True)
    (data / "mailboxes.toml").write_text(
        f'[[mailbox]]\nname = "support"\naddress = "{SUPPORT}"\nuser = "{SUPPORT}"\npassword = "{PASSWORD}"\n'
        f'imap = "{mail_server.imap_url}"\nsmtp = "{mail_server.smtp_url}"\nca_file = "{mail_server.ca_file}"\n',
        encoding="utf-8",
    )
    told = {"FIRSTLINE_DATA_DIR": str(data), "FIRSTLINE_VECTOR_INDEX": "exact", "PYTHONPATH": str(ROOT), "LANG": "C"}
    errors = tmp_path / "errors"
    with errors.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "web.cli", "serve", "--port", "0"], env={**os.environ, **told}, stderr=out
        )
    try:
        said = eventually(lambda: re.search(r"Health +(http://\S+)/healthz", errors.read_text()), seconds=60)
        assert said is not None
        eventually(lambda: _mail_processes(process.pid))
        yield process
    finally:
        process.kill()
        process.wait()


def test_it_answers_mail_comes_back_when_it_dies_and_ends_with_its_parent(
    server: subprocess.Popen[bytes], mail_server: MailServer
) -> None:
    _write(mail_server, "A first question about nothing in particular")
    assert len(mail_server.mails(ALICE, 1)) == 1
    [mail_process] = _mail_processes(server.pid)

    os.kill(mail_process, signal.SIGKILL)
    _write(mail_server, "A second one, while nobody reads")
    assert len(mail_server.mails(ALICE, 2)) == 2
    [another] = _mail_processes(server.pid)
    assert another != mail_process

    server.kill()  # without a chance to say so
    server.wait()
    eventually(lambda: _is_gone(another), seconds=20)


def _write(server: MailServer, text: str) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = (
        ALICE,
        SUPPORT,
        text[:14],
        f"<{len(text)}@customers.test>",
    )
    mail.set_content(text)
    server.deliver(mail.as_bytes(), ALICE, SUPPORT)


def _mail_processes(parent: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in path.read_text().split():
            if "--mail" in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                found.append(int(pid))
    return found


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
