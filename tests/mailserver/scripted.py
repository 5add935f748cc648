"""Servers that do what Postfix and Dovecot cannot be made to do: stall, hang up at the worst moment, lie."""

from __future__ import annotations

import asyncio
import re
import socketserver
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
HANG_UP = "hang up"
STALL = "stall"


@dataclass
class ScriptedSmtp:
    """Takes every mail, except for what `answers` says: by command ("RCPT", "DATA", "." ...) a reply, HANG_UP or STALL."""

    answers: dict[str, str] = field(default_factory=dict)
    offers: Sequence[str] = ()
    commands: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)  # complete ones only
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if await self._say(writer, self.answers.get("connect", "220 scripted ESMTP")):
                while line := (await reader.readline()).decode().strip():
                    self.commands.append(line)
                    if not await self._obey(line, reader, writer):
                        break
        writer.close()

    async def _obey(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        verb = line.split(" ")[0].upper()
        usual = {
            "EHLO": "\r\n".join([f"250-{one}" for one in ("scripted", *self.offers)] + ["250 HELP"]),
            "QUIT": "221 bye",
        }
        if verb == "AUTH":
            usual["AUTH"] = "235 welcome"
        if verb != "DATA" or "DATA" in self.answers:
            said = self.answers.get(line) or self.answers.get(verb) or usual.get(verb, "250 fine")
            return await self._say(writer, said) and verb != "QUIT"
        await self._say(writer, "354 go ahead")
        if self.answers.get("body"):
            return await self._say(writer, self.answers["body"])
        mail = await reader.readuntil(b"\r\n.\r\n")
        self.mails.append(mail[:-3])
        return await self._say(writer, self.answers.get(".", "250 queued as 42"))

    async def _say(self, writer: asyncio.StreamWriter, what: str) -> bool:
        if what == HANG_UP:
            return False
        if what == STALL:
            await asyncio.sleep(3600)
        writer.write(f"{what}\r\n".encode())
        await writer.drain()
        return True


@asynccontextmanager
async def smtp_server(script: ScriptedSmtp) -> AsyncIterator[ScriptedSmtp]:
    server = await asyncio.start_server(script.serve, HOST, 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()  # not waiting for those it stalls


@dataclass
class ScriptedImap:
    """An IMAP server over a dict of mails by UID. Its faults are fields that a test sets, also while it runs."""

    mails: dict[int, bytes] = field(default_factory=dict)
    uidvalidity: int = 1
    uidnext: int = 0  # 0: the true one
    offers: str = "IMAP4rev1"
    refused: set[int] = field(default_factory=set)  # FETCH of the body answers NO
    dropped: Counter[int] = field(default_factory=Counter)  # how many times it hangs up in the middle of the body
    sizes: dict[int, int] = field(default_factory=dict)  # what it claims
    wants_id: bool = False  # as NetEase does
    login: str = "OK"
    during: Callable[[str], None] = lambda _line: None  # called with each command, before it is answered
    commands: list[str] = field(default_factory=list)
    port: int = 0
    arrived: threading.Event = field(default_factory=threading.Event)

    def answer(self, line: str, send: Callable[[bytes], None], receive: Callable[[], bytes]) -> bool:
        """Whether to go on."""
        tag, _, command = line.partition(" ")
        self.commands.append(command)
        self.during(command)
        verb = command.split(" ")[0].upper()
        kind = command.upper().split(" ")[1] if verb == "UID" else verb
        lines = getattr(self, f"_{kind.lower()}", lambda _command: (["OK"]))(command)
        if lines is None:
            return False
        if kind == "IDLE":
            send(b"+ idling\r\n")
            receive()  # DONE
        for one in lines[:-1]:
            send(one if isinstance(one, bytes) else f"* {one}\r\n".encode())
        send(f"{tag} {lines[-1]} done\r\n".encode())
        return verb != "LOGOUT"

    def _capability(self, _command: str) -> list[str | bytes]:
        return [f"CAPABILITY {self.offers}", "OK"]

    def _login(self, _command: str) -> list[str | bytes]:
        return [self.login]

    def _logout(self, _command: str) -> list[str | bytes]:
        return ["BYE", "OK"]

    def _examine(self, _command: str) -> list[str | bytes]:
        if self.wants_id and not any(one.startswith("ID (") for one in self.commands):
            return ["NO EXAMINE Unsafe Login. Please contact kefu@mail.example for help"]
        following = self.uidnext or max(self.mails, default=0) + 1
        return [f"{len(self.mails)} EXISTS", f"OK [UIDVALIDITY {self.uidvalidity}]", f"OK [UIDNEXT {following}]", "OK"]

    def _search(self, command: str) -> list[str | bytes]:
        wanted = re.search(r"UID (\d+)(:\*)?$", command)
        first = int(wanted[1]) if wanted else 1
        if wanted and not wanted[2]:
            found = [uid for uid in self.mails if uid == first]
        else:
            found = [uid for uid in sorted(self.mails) if uid >= first] or [*self.mails][-1:]  # n:* has the last one
        return [" ".join(["SEARCH", *map(str, found)]), "OK"]

    def _fetch(self, command: str) -> list[str | bytes] | None:
        uids = [int(one) for one in command.split(" ")[2].split(",")]
        if "BODY" not in command:
            return [
                f"{n} FETCH (UID {uid} RFC822.SIZE {self.sizes.get(uid, len(self.mails[uid]))} "
                'INTERNALDATE "22-Nov-2026 10:00:00 +0800")'
                for n, uid in enumerate(uids, 1)
                if uid in self.mails
            ] + ["OK"]
        uid = uids[0]
        if uid in self.refused:
            return ["NO [SERVERBUG] cannot read that"]
        raw = self.mails.get(uid)
        if raw is None:
            return ["OK"]
        if "HEADER" in command:
            raw = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        head = f"* 1 FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode()
        if self.dropped[uid]:
            self.dropped[uid] -= 1
            self._cut = head + raw[: len(raw) // 2]
            return None
        return [head + raw + b")\r\n", "OK"]

    _cut = b""


@contextmanager
def imap_server(script: ScriptedImap) -> Iterator[ScriptedImap]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.wfile.write(b"* OK scripted\r\n")
                while line := self.rfile.readline().decode().strip():
                    if not script.answer(line, self.wfile.write, self.rfile.readline):
                        self.wfile.write(script._cut)
                        break

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server((HOST, 0), Handler) as server:
        script.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield script
        server.shutdown()
