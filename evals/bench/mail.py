"""Chat while mails arrive: how much later a message is acknowledged, and what reading and sorting a mail costs.

300 mails a minute and none, in turn within one run, so that what slows the machine down slows both. Chat messages come at
a rate of their own all the while, whether or not the earlier ones are dealt with, and not in step. Everything is answered
and sent as in life: the mails over SMTP, to a process that takes them.
`python -m evals.bench.mail --seconds 600` measures for longer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from base.database import Database
from base.settings import Settings
from channels.email.imap import Fetched
from desk import inbox, mails
from evals.bench.figures import Figures, percentile, resident_bytes, spread_ms, timed
from evals.bench.installation import ROOT, clean_environment, running_server, settings_for
from evals.bench.mail_server import SIGNAL, STORED
from evals.bench.questions import demo_questions
from evals.mail_corpus import AUTHSERV, deliveries
from web.demo.setup import load_articles
from web.mail.mailboxes import Mailboxes
from web.mail.room import MailRoom
from web.pages import make_environments
from web.wiring import Services, build

SECONDS, QUICK_SECONDS = 60.0, 10.0  # with mail; as many without
BLOCK_SECONDS = 5.0
MESSAGES_PER_SECOND = 10
WINDOWS = 40
SETTLING_SECONDS = 1.0  # at the beginning of each block, not counted
SORTED, QUICK_SORTED = 600, 150
DRAIN_SECONDS = 60.0


@dataclass(slots=True)
class _Acks:
    """Seconds to the acknowledgement, without mail and with it."""

    idle: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    failed: int = 0
    reader_bytes: int = 0
    mail_process_bytes: int = 0


def measure(quick: bool, seconds: float | None = None, *, apart: bool = True) -> Figures:
    """Ratios of acknowledgement times with and without mail; mails sorted a second; memory of the reading process.

    apart: mail has a process of its own, as it has unless `mail_apart` is off.
    """
    seconds = seconds or (QUICK_SECONDS if quick else SECONDS)
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as given, _far_end() as smtp_port:
        folder = Path(given)
        services = _prepare(folder, smtp_port)
        services.close()
        told = {"FIRSTLINE_MAIL_APART": str(apart).lower()}
        with running_server(folder, module="evals.bench.mail_server", **told) as server:
            acks = asyncio.run(_drive(server.base_url, folder, server.process.pid, seconds))
        counts = _counts(settings_for(folder))
        stored = json.loads((folder / STORED).read_text())
        sorting = _sorting(folder / "sorting", smtp_port, QUICK_SORTED if quick else SORTED)
    return {
        "mails_per_minute": round(60 * len(stored) / seconds),
        "ack_p50_ratio": _ratio(acks, 0.5), "ack_p95_ratio": _ratio(acks, 0.95),
        **spread_ms(acks.idle, "ack_idle_"), **spread_ms(acks.busy, "ack_mail_"), **spread_ms(stored, "store_"),
        "messages": len(acks.idle) + len(acks.busy), "failed": acks.failed, **counts, **sorting,
        "reader_mb": round(acks.reader_bytes / 1e6), "mail_process_mb": round(acks.mail_process_bytes / 1e6),
    }  # fmt: skip


def _ratio(acks: _Acks, share: float) -> float:
    return round(percentile(acks.busy, share) / max(1e-9, percentile(acks.idle, share)), 3)


def _prepare(folder: Path, smtp_port: int) -> Services:
    """An installation with a mailbox, the demo articles and the model's graph."""
    folder.mkdir(exist_ok=True)
    (folder / "mailboxes.toml").write_text(
        '[[mailbox]]\nname = "support"\naddress = "support@shop.test"\nuser = "support"\npassword = "unused"\nsmtp_user = ""\n'
        f'authserv_id = "{AUTHSERV}"\nimap = "imap://127.0.0.1:1"\nsmtp = "smtp://127.0.0.1:{smtp_port}"\n',
        encoding="utf-8",
    )
    services = build(settings_for(folder))
    load_articles(services)
    services.warm()
    return services


@contextmanager
def _far_end() -> Iterator[int]:
    """The port of a mail server in a process of its own: its work must not slow down the one that measures."""
    command = [sys.executable, "-m", "evals.far_end"]
    with subprocess.Popen(
        command, cwd=ROOT, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate()


async def _drive(base_url: str, folder: Path, server_pid: int, seconds: float) -> _Acks:
    acks = _Acks()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=base_url, timeout=30, limits=limits, trust_env=False) as client:
        sessions = [await _open_session(client) for _ in range(WINDOWS)]
        await _block(client, sessions, [], acks, 2 * BLOCK_SECONDS)  # warm
        for number in range(round(seconds / BLOCK_SECONDS)):
            for busy in (False, True) if number % 2 else (True, False):
                _let_arrive(folder, busy)
                await _block(client, sessions, acks.busy if busy else acks.idle, acks, BLOCK_SECONDS)
                if busy:
                    acks.reader_bytes = max(acks.reader_bytes, _bytes_of(b"channels.email.helper", server_pid))
                    acks.mail_process_bytes = max(acks.mail_process_bytes, _bytes_of(b"--mail", server_pid))
                    _let_arrive(folder, False)
                    await _until_sorted(folder)
    return acks


def _let_arrive(folder: Path, mail: bool) -> None:
    if mail:
        (folder / SIGNAL).touch()
    else:
        (folder / SIGNAL).unlink(missing_ok=True)


async def _open_session(client: httpx.AsyncClient) -> str:
    made = await client.post("/api/v1/chat/sessions", json={"lang": "en"})
    made.raise_for_status()
    return str(made.json()["session"])


async def _block(
    client: httpx.AsyncClient, sessions: Sequence[str], into: list[float], acks: _Acks, seconds: float
) -> None:
    """Send at this rate for so long; note the acknowledgements after the first second."""
    questions, dice = demo_questions(400), random.Random(len(acks.idle))
    started, tasks = time.perf_counter(), []
    for number in range(round(seconds * MESSAGES_PER_SECOND)):
        at = (number + dice.random()) / MESSAGES_PER_SECOND  # in step, none would meet the answer to the one before
        await asyncio.sleep(max(0.0, started + at - time.perf_counter()))
        text = questions[(len(acks.idle) + len(acks.busy) + number) % len(questions)].text
        kept = into if at >= SETTLING_SECONDS else []
        tasks.append(asyncio.create_task(_say(client, sessions[number % len(sessions)], text, kept, acks)))
    await asyncio.gather(*tasks)


async def _say(client: httpx.AsyncClient, session: str, text: str, into: list[float], acks: _Acks) -> None:
    body = {"client_id": os.urandom(8).hex(), "text": text}
    started = time.perf_counter()
    try:
        answer = await client.post("/api/v1/chat/messages", json=body, headers={"Authorization": f"Bearer {session}"})
    except httpx.HTTPError:
        acks.failed += 1
        return
    if answer.status_code == httpx.codes.ACCEPTED:
        into.append(time.perf_counter() - started)
    else:
        acks.failed += 1


async def _until_sorted(folder: Path) -> None:
    """What came in one block must not be worked on in the next."""
    database, end = Database(settings_for(folder).url), time.monotonic() + DRAIN_SECONDS
    try:
        while time.monotonic() < end:
            with database.read() as session:
                waiting = {"received", "claimed"} & mails.counts(session).keys()
                waiting |= {"queued", "claimed"} & inbox.counts(session).keys()
            if not waiting:
                return
            await asyncio.sleep(0.1)
    finally:
        database.close()


def _counts(settings: Settings) -> Figures:
    database = Database(settings.url)
    try:
        with database.read() as session:
            return {f"mails_{state}": count for state, count in sorted(mails.counts(session).items())}
    finally:
        database.close()


def _sorting(folder: Path, smtp_port: int, count: int) -> Figures:
    """How fast a pile of mails is sorted by one process that does nothing else."""
    services = _prepare(folder, smtp_port)
    room = MailRoom(services, services.office, make_environments())
    try:
        boxes = Mailboxes(services, services.office, lambda: None)
        for uid, one in enumerate(deliveries(count + 1, seed=5), 1):
            boxes.store(services.office.accounts[0], Fetched(1, uid, one.raw, services.clock.now(), len(one.raw)))
        room.sorter.sort_one()  # starts the reader
        began, each = time.perf_counter(), list[float]()
        while (took := timed(lambda: each.append(float(room.sorter.sort_one())))) and each[-1]:
            each[-1] = took
        return {"sorted_per_s": round((len(each) - 1) / (time.perf_counter() - began)), **spread_ms(each[:-1], "sort_")}
    finally:
        room.stop()
        services.close()


def _bytes_of(name: bytes, parent: int) -> int:
    """Memory of the process under `parent` with this in its command line (Linux); 0 when there is none."""
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in map(int, path.read_text().split()):
            if name in Path(f"/proc/{pid}/cmdline").read_bytes():
                return resident_bytes(pid)
            if found := _bytes_of(name, pid):
                return found
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="with mail; as long again without")
    parser.add_argument("--inline", action="store_true", help="with mail in the serving process")
    given = parser.parse_args()
    print(json.dumps(measure(False, given.seconds, apart=not given.inline), indent=2))
