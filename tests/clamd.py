"""A scanner that speaks clamd's own protocol (zINSTREAM, zVERSION) on loopback, finds EICAR, and misbehaves on wish."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# In two pieces, so that no scanner takes this file for one. https://www.eicar.org/download-anti-malware-testfile/
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
VERSION = "ClamAV 1.4.3/27800/Mon Nov 23 08:00:00 2026"


@dataclass
class FakeClamd:
    """What a test sees and sets."""

    address: str = ""
    answer: str = ""  # instead of a verdict
    max_bytes: int = 25 * 1024 * 1024  # StreamMaxLength
    hang_up: bool = False
    seen: list[bytes] = field(default_factory=list)  # complete streams

    def verdict(self, stream: bytes) -> str:
        self.seen.append(stream)
        return self.answer or f"stream: {'Eicar-Signature FOUND' if EICAR in stream else 'OK'}"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        fake: FakeClamd = self.server.fake  # type: ignore[attr-defined]
        command = self._until_nul()
        if fake.hang_up:
            return
        if command == b"zVERSION":
            self._say(VERSION)
        elif command == b"zINSTREAM":
            self._say(self._scan(fake))
        else:
            self._say("UNKNOWN COMMAND")

    def _scan(self, fake: FakeClamd) -> str:
        stream = b""
        while size := int.from_bytes(self.rfile.read(4), "big"):
            stream += self.rfile.read(size)
            if len(stream) > fake.max_bytes:
                return "INSTREAM size limit exceeded. ERROR"
        return fake.verdict(stream)

    def _until_nul(self) -> bytes:
        said = b""
        while (char := self.rfile.read(1)) not in (b"", b"\0"):
            said += char
        return said

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\0")


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def clamd(path: Path | None = None) -> Iterator[FakeClamd]:
    """One on a free port of this machine; on a socket, if a path is given."""
    server = _Unix(str(path), _Handler) if path else _Tcp(("127.0.0.1", 0), _Handler)
    fake = FakeClamd(f"unix:{path}" if path else f"tcp://127.0.0.1:{server.server_address[1]}")
    server.fake = fake  # type: ignore[union-attr]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
