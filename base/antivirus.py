"""Asks a virus scanner (ClamAV's clamd, INSTREAM) about one file. Fails closed: no answer is no "clean"."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

from base.errors import InvalidInput, Unavailable
from base.i18n import N_
from base.settings_checks import clamd_address

_CHUNK_BYTES = 64 * 1024
_MOST_REPLY_BYTES = 4096
_FOUND = re.compile(r"(?:^|: )(?P<name>[^\s:][^:]{0,200}) FOUND$")


class NotScanned(Unavailable):
    """The scanner did not say whether the file is clean: it is down, too slow, or does not take it."""

    code = "not_scanned"
    message = N_("This file has not been checked for viruses yet. Please try again in a minute.")


class Infected(InvalidInput):
    """The scanner found something. `fields["found"]`: what, by its name for it."""

    code = "infected"
    message = N_("This file is not handed out: the virus scanner found {found} in it.")


@dataclass(frozen=True, slots=True)
class Scanner:
    """One clamd. Every question is a connection of its own, so threads may share it."""

    address: str  # "tcp://HOST:PORT" or "unix:/PATH"
    timeout_seconds: float = 10.0  # for one step; connecting, sending or waiting
    most_seconds: float = 30.0  # for one file
    max_bytes: int = 100 * 1024 * 1024  # more is not even sent; clamd's own StreamMaxLength may be less

    def check(self, content: bytes) -> None:
        """Return when the file is clean. Raises Infected, NotScanned."""
        if len(content) > self.max_bytes:
            raise NotScanned("too large for the scanner", size_bytes=len(content))
        reply = self._ask(content)
        if reply.endswith(" OK"):
            return
        found = _FOUND.search(reply)
        if found is None:
            raise NotScanned(reply[:200] or "no answer")
        raise Infected(found=found["name"])

    def version(self) -> str:
        """What the scanner says it is. Raises NotScanned when it does not answer."""
        return self._ask(None)

    def _ask(self, content: bytes | None) -> str:
        """The scanner's answer about a file; its version for None. Raises NotScanned."""
        until = time.monotonic() + self.most_seconds
        try:
            with self._connected() as connection:
                with suppress(BrokenPipeError, ConnectionResetError):  # it may have said why before it hung up
                    _send(connection, content, until)
                return _reply(connection, until)
        except OSError as error:
            raise NotScanned(error.strerror or type(error).__name__) from error

    def _connected(self) -> socket.socket:
        target = clamd_address(self.address)
        if isinstance(target, tuple):
            return socket.create_connection(target, timeout=self.timeout_seconds)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout_seconds)
            connection.connect(target)
        except OSError:
            connection.close()
            raise
        return connection


def make_scanner(address: str) -> Scanner | None:
    """The scanner of a setting; None where none is set."""
    return Scanner(address) if address else None


def _send(connection: socket.socket, content: bytes | None, until: float) -> None:
    if content is None:
        connection.sendall(b"zVERSION\0")
        return
    connection.sendall(b"zINSTREAM\0")
    view = memoryview(content)
    for start in range(0, len(content), _CHUNK_BYTES):
        chunk = view[start : start + _CHUNK_BYTES]
        connection.sendall(len(chunk).to_bytes(4, "big"))
        connection.sendall(chunk)
        _in_time(until)
    connection.sendall(bytes(4))


def _reply(connection: socket.socket, until: float) -> str:
    """Up to the NUL that ends it."""
    said = b""
    while b"\0" not in said and len(said) < _MOST_REPLY_BYTES:
        more = connection.recv(_MOST_REPLY_BYTES)
        if not more:
            break
        said += more
        _in_time(until)
    return said.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _in_time(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError("took too long")
