"""The two daemons as child processes of the test run: their folder, ports, certificate and configuration; start and stop."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

HOST = "127.0.0.1"
MAX_MESSAGE_BYTES = 26_214_400
NEEDED = ("postfix", "dovecot", "openssl")
_TEMPLATES = Path(__file__).parent
_PREFIX = "fl-mail-"
_LONGEST_SOCKET = len("/run/auth-token-secret.dat.tmp12345678")  # below the folder; a socket's path has 107 bytes
_PORTS = range(20_000, 32_000)  # below the ports that outgoing connections are given


class MailServerBroken(RuntimeError):
    """The daemons did not start, or did not do what they were asked; says what their logs say."""


@dataclass(frozen=True, slots=True)
class Ports:
    smtp_port: int
    submission_port: int
    smtps_port: int
    imap_port: int
    imaps_port: int
    lmtp_port: int
    auth_port: int


def missing() -> list[str]:
    """The programs that are not installed."""
    return [name for name in NEEDED if _program(name) is None]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def make_folder() -> Path:
    """A folder of our own, its path short enough for sockets; what runs of the past left behind is cleared away."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if left.stat().st_uid == os.geteuid():
            _clear_away(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    if len(str(folder)) + _LONGEST_SOCKET > 107:
        folder.rmdir()
        raise MailServerBroken(f"{folder} is too long a path for sockets: set TMPDIR to a shorter one")
    folder.chmod(0o755)  # both daemons go on as other users
    (folder / "owner.pid").write_text(str(os.getpid()))
    return folder


def _clear_away(folder: Path) -> None:
    """Stop the daemons of a run that was killed before it could, and remove their folder."""
    try:
        owner = int((folder / "owner.pid").read_text())
    except (OSError, ValueError):
        return
    if Path(f"/proc/{owner}").exists():
        return
    for pid_file in (folder / "run/master.pid", folder / "spool/pid/master.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(pid_file.read_text())
            if str(folder) in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGTERM)
    shutil.rmtree(folder, ignore_errors=True)


def free_ports() -> Ports:
    """Ports nobody listens on, all different."""
    names = list(Ports.__dataclass_fields__)
    with contextlib.ExitStack() as held:
        found: list[int] = []
        for port in random.sample(_PORTS, len(_PORTS)):
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                found.append(port)
            if len(found) == len(names):
                return Ports(*found)
    raise MailServerBroken("no free ports")


def write_configuration(folder: Path, ports: Ports) -> None:
    """Everything the daemons read, from the templates beside this file."""
    values = {
        **asdict(ports),
        "folder": folder,
        "owner": "mail",
        "owner_group": "mail",
        "max_message_bytes": MAX_MESSAGE_BYTES,
        "postfix_daemons": _ask_postfix("daemon_directory"),
    }
    for part in ("run", "home", "postfix", "spool", "data", "keys", "users"):
        (folder / part).mkdir(exist_ok=True)
    shutil.chown(folder / "home", "mail", "mail")
    shutil.chown(folder / "data", "postfix")
    for name in ("dovecot.conf", "oauth2.conf", "postfix/main.cf", "postfix/master.cf"):
        template = Template((_TEMPLATES / Path(name).name).read_text())
        (folder / name).write_text(template.substitute(values))
    (folder / "master").symlink_to(f"{values['postfix_daemons']}/master")


def _ask_postfix(parameter: str) -> str:
    asked = [_program("postconf") or "postconf", "-dh", parameter]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def prepare_queue(folder: Path) -> None:
    """The folders of Postfix's queue, with the owners it wants. Raises MailServerBroken."""
    command = [_program("postfix") or "postfix", "-c", str(folder / "postfix"), "check"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise MailServerBroken(f"postfix check: {done.stderr}\n{Daemon([], [], folder / 'postfix.log').last_words()}")


def make_certificates(folder: Path) -> None:
    """A certificate authority of our own and the server's certificate, good for `HOST` only."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    config = ["-config", str(_TEMPLATES / "tls.cnf")]
    signed = ["-extfile", str(_TEMPLATES / "tls.cnf"), "-extensions", "server", "-CAcreateserial"]
    for command in (
        [
            "req",
            "-x509",
            *key,
            *config,
            "-extensions",
            "ca",
            "-subj",
            "/CN=Tests",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ],
        ["req", *key, *config, "-subj", "/CN=mail.shop.test", "-keyout", "server.key", "-out", "server.csr"],
        ["x509", "-req", *signed, "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-out", "server.pem"],
    ):
        subprocess.run(["openssl", *command, "-days", "30"], cwd=folder, check=True, capture_output=True)


class Daemon:
    """One of the two, run in the foreground as a child. It keeps none of our pipes open: a caller's would never end."""

    def __init__(self, command: Sequence[str], ports: Sequence[int], log: Path) -> None:
        self._command = [_program(command[0]) or command[0], *command[1:]]
        self._ports = ports
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, seconds: float = 20) -> None:
        """Return once every port answers. Raises MailServerBroken."""
        if self.running:
            return
        with self._log.open("ab") as words:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True
            )
        until = time.monotonic() + seconds
        while not all(_listens(port) for port in self._ports):
            if not self.running or time.monotonic() > until:
                self.stop()
                raise MailServerBroken(f"{self._command[0]} did not start:\n{self.last_words()}")
            time.sleep(0.02)

    def stop(self, seconds: float = 10) -> None:
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # its children would hold their connections for a while
        self._process.wait()
        self._process = None
        until = time.monotonic() + seconds
        while any(_listens(port) for port in self._ports) and time.monotonic() < until:
            time.sleep(0.02)

    def last_words(self, lines: int = 20) -> str:
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@contextlib.contextmanager
def removed_at_the_end(folder: Path) -> Iterator[Path]:
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
