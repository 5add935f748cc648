"""The mail server as a test sees it: mails go in and are looked at, accounts, refusals, full mailboxes, outages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import imaplib
import json
import os
import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mailserver import daemons
from tests.mailserver.daemons import HOST, Daemon, MailServerBroken, Ports

PASSWORD = "secret word"
USERS = ("support@shop.test", "alice@customers.test", "wang@customers.test")
_TOKEN_KEY = b"the key that signs the tests' access tokens"
_SPARE_STARTS = 3  # a port may be taken between looking and listening


@dataclass(frozen=True, slots=True)
class _User:
    password: str
    quota_bytes: int = 0  # 0: no limit


class MailServer:
    """Postfix and Dovecot on this machine. Domains: shop.test (ours) and customers.test. Make it with `running()`."""

    host = HOST

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.folder = folder
        self.ports = ports
        self.ca_file = folder / "ca.pem"
        self._dovecot = Daemon(
            ["dovecot", "-F", "-c", str(folder / "dovecot.conf")],
            [ports.imap_port, ports.imaps_port, ports.lmtp_port, ports.auth_port],
            folder / "dovecot.log",
        )
        self._postfix = Daemon(
            [str(folder / "master"), "-c", str(folder / "postfix"), "-s"],
            [ports.smtp_port, ports.submission_port, ports.smtps_port],
            folder / "postfix.log",
        )
        self._users: dict[str, _User] = {}
        self._refused: dict[str, str] = {}
        self._written = 0
        self._yesterday = int(time.time()) - 86_400

    def start(self) -> None:
        self._write_users(dict.fromkeys(USERS, _User(PASSWORD)))
        self._write_refused({})
        self._dovecot.start()
        self._postfix.start()

    def stop(self) -> None:
        self._postfix.stop()
        self._dovecot.stop()

    def reset(self) -> None:
        """As after the start: both daemons run, no mail anywhere, the first users, nothing refused."""
        self._write_users(dict.fromkeys(USERS, _User(PASSWORD)))
        self._write_refused({})
        if any(one.is_file() for queue in self._queues() for one in queue.rglob("*")):
            self._postsuper("-d", "ALL")
        for home in (self.folder / "home").iterdir():
            shutil.rmtree(home, ignore_errors=True)
        self.start_imap()
        self.start_smtp()

    def stop_imap(self) -> None:
        """Cuts every connection; new ones are refused. Mail on its way waits in Postfix."""
        self._dovecot.stop()

    def start_imap(self) -> None:
        self._dovecot.start()

    def stop_smtp(self) -> None:
        self._postfix.stop()

    def start_smtp(self) -> None:
        self._postfix.start()

    def deliver(self, raw: bytes, sender: str, recipient: str) -> None:
        """Hand a mail to Postfix, as another mail server does. It arrives a moment later: see `mails(count=)`."""
        with smtplib.SMTP(HOST, self.ports.smtp_port, "mx.customers.test", timeout=20) as client:
            client.sendmail(sender, [recipient], raw, mail_options=["BODY=8BITMIME"])

    def mails(self, user: str, count: int = 0, folder: str = "INBOX", seconds: float = 15) -> list[bytes]:
        """The mails of a user, oldest first, read by IMAP; waits until there are at least `count`."""
        until = time.monotonic() + seconds
        while len(found := self._read(user, folder)) < count:
            if time.monotonic() > until:
                raise MailServerBroken(f"{user} has {len(found)} mails, not {count}:\n{self._postfix.last_words()}")
            time.sleep(0.05)
        return found

    def add_user(self, address: str, password: str = PASSWORD) -> None:
        """`address` in one of the two domains; takes effect at once. Also changes a password."""
        self._write_users({**self._users, address: _User(password)})

    def set_quota(self, user: str, max_bytes: int) -> None:
        """What the user's mailbox holds at most; a mail beyond that comes back to its sender."""
        self._write_users({**self._users, user: _User(self._users[user].password, max_bytes)})

    def refuse(self, address: str, answer: str) -> None:
        """What Postfix answers to RCPT for an address, such as "450 4.2.0 Greylisted" or "550 5.7.1 Not wanted"."""
        self._write_refused({**self._refused, address: answer})

    def renumber(self, user: str) -> None:
        """Give the user's INBOX a new UIDVALIDITY, as a server does that was restored or moved."""
        maildir = self.folder / "home" / user / "Maildir"
        for one in [*maildir.glob("dovecot-uidlist*"), *maildir.glob("dovecot.*"), *maildir.glob("dovecot-uidval*")]:
            one.unlink()
        (maildir / "dovecot-uidlist").write_text(f"3 V{int(time.time()) + 1000} N1\n")
        shutil.chown(maildir / "dovecot-uidlist", "mail", "mail")

    def access_token(self, user: str, seconds: float = 3600) -> str:
        """A token that XOAUTH2 takes: a JWT that Dovecot checks by itself. Negative seconds: one that has expired."""
        now = int(time.time())
        claims = {"sub": user, "email": user, "active": "true", "iat": now - 7200, "exp": int(now + seconds)}
        head = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return f"{head}.{_base64url(hmac.digest(_TOKEN_KEY, head.encode(), hashlib.sha256))}"

    @property
    def imap_url(self) -> str:
        return f"imaps://{HOST}:{self.ports.imaps_port}"

    @property
    def smtp_url(self) -> str:
        return f"smtp+starttls://{HOST}:{self.ports.submission_port}"

    def write_token_key(self) -> None:
        folder = self.folder / "keys/default/HS256"
        folder.mkdir(parents=True)
        (folder / "default").write_bytes(base64.b64encode(_TOKEN_KEY))

    def _read(self, user: str, folder: str) -> list[bytes]:
        with imaplib.IMAP4(HOST, self.ports.imap_port, timeout=20) as client:
            client.login(user, self._users[user].password)
            _, (count,) = client.select(folder, readonly=True)
            if not count or not count.isdigit() or int(count) == 0:  # no such folder, or nothing in it
                return []
            _, data = client.fetch("1:*", "(BODY.PEEK[])")
            return [part[1] for part in data if isinstance(part, tuple)]

    def _write_users(self, users: dict[str, _User]) -> None:
        changed = [address for address in self._users if users.get(address) != self._users[address]]
        for address in changed:
            (self.folder / "users" / address).unlink()
        for address, user in users.items():
            if user != self._users.get(address):
                limit = f" userdb_quota_rule=*:bytes={user.quota_bytes}" if user.quota_bytes else ""
                self._write(f"users/{address}", [f"{address}:{{PLAIN}}{user.password}::::::{limit}"])
        self._users = users
        self._write("postfix/mailboxes", [f"{address} x" for address in users])
        if changed and self._dovecot.running:
            time.sleep(1.1)  # Dovecot looks at most once a second whether a file it knows has changed

    def _write_refused(self, refused: dict[str, str]) -> None:
        self._refused = refused
        self._write("postfix/refused", [f"{address} {answer}" for address, answer in refused.items()])

    def _write(self, name: str, lines: Sequence[str]) -> None:
        """Each time with another second of yesterday: Dovecot reads what has another time, Postfix waits for new files."""
        self._written += 1
        new = self.folder / f"{name}.new"
        new.write_text("".join(f"{line}\n" for line in lines))
        os.utime(new, (self._yesterday + self._written,) * 2)
        new.replace(self.folder / name)

    def _queues(self) -> Iterator[Path]:
        yield from (self.folder / "spool" / name for name in ("incoming", "active", "deferred", "hold", "maildrop"))

    def _postsuper(self, *arguments: str) -> None:
        command = ["/usr/sbin/postsuper", "-c", str(self.folder / "postfix"), *arguments]
        subprocess.run(command, check=True, capture_output=True)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def running() -> Iterator[MailServer]:
    """A server that runs until the end of the block; its folder is gone afterwards. Raises MailServerBroken."""
    for left in reversed(range(_SPARE_STARTS)):
        with daemons.removed_at_the_end(daemons.make_folder()) as folder:
            server = MailServer(folder, daemons.free_ports())
            daemons.write_configuration(folder, server.ports)
            daemons.prepare_queue(folder)
            daemons.make_certificates(folder)
            server.write_token_key()
            try:
                server.start()
            except MailServerBroken:
                server.stop()
                if not left:
                    raise
                continue
            try:
                yield server
            finally:
                server.stop()
            return
