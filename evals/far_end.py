"""A mail server at the other end: it takes everything and keeps it. In a thread, or as a process of its own.

Run as: python -m evals.far_end. It prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class FarEnd:
    """A mail server that takes everything, in a thread of this process: what it says "250" to has arrived."""

    arrived: list[bytes] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 far end\r\n")
            while line := (await reader.readline()).strip().upper():
                if line == b"DATA":
                    writer.write(b"354 go ahead\r\n")
                    self.arrived.append((await reader.readuntil(b"\r\n.\r\n"))[:-5])
                writer.write(b"221 bye\r\n" if line == b"QUIT" else b"250 fine\r\n")
                if line == b"QUIT":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # its client was killed
        finally:
            writer.close()


@contextmanager
def far_end() -> Iterator[FarEnd]:
    """It, listening on a free port of loopback."""
    end, ready, over, loop = FarEnd(), threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(end.serve, "127.0.0.1", 0, limit=2**24)
        end.port = server.sockets[0].getsockname()[1]
        ready.set()
        await over.wait()
        server.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="far-end", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield end
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


if __name__ == "__main__":
    with far_end() as end:
        print(end.port, flush=True)
        sys.stdin.read()
