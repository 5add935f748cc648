"""`python -m evals.deliveries`: is a mail ever lost, or taken twice? Thousands of deliveries, the process killed on the way.

Recorded deliveries (`evals/mail_corpus.py`) in a random order, a fifth of them second ones, are stored, sorted and partly
answered by a process that is killed (SIGKILL) at random moments and started again; one mailbox is renumbered by its server
half way. Then every delivery is looked for. Exit code 1 when one is lost, took effect twice, or is in a wrong state.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from base.database import Database
from base.log import set_up_logging
from evals.bench.installation import ROOT, clean_environment
from evals.deliveries_check import look
from evals.deliveries_worker import settings_of
from evals.far_end import far_end
from evals.mail_corpus import AUTHSERV, DOMAIN, MAILBOXES, SEED, Delivery, deliveries
from web.demo.setup import load_articles
from web.wiring import build

ANSWERS = 2_000
SECONDS_A_DELIVERY, SECONDS_AN_ANSWER = 0.012, 0.05  # about: the kills are spread over the run
PATIENCE_SECONDS = 3600.0


def main(argv: Sequence[str] | None = None) -> int:
    """Deliver, kill, look, print. Returns 1 when anything is not as it must be."""
    given = _parser().parse_args(argv)
    given.answers = min(given.answers, given.count) if given.answer else 0
    with tempfile.TemporaryDirectory(prefix="firstline-deliveries-") as name, far_end() as end:
        folder = Path(name)
        every = deliveries(given.count, given.seed)
        prepare(folder, every, end.port, with_articles=given.answers > 0)
        started = time.perf_counter()
        kills = deliver(folder, given.answers, given.kills, given.count, random.Random(given.seed))
        seconds = time.perf_counter() - started
        database = Database(settings_of(folder).url)
        try:
            found = look(database, every, end.arrived)
        finally:
            database.close()
    said = {
        "deliveries": given.count, "different": len({one.key for one in every}), "kills": kills, "seconds": round(seconds),
        **found.as_dict(),
    }  # fmt: skip
    print(json.dumps(said, ensure_ascii=False, indent=2) if given.json else for_people(said))
    return 0 if found.is_right else 1


def prepare(folder: Path, every: Sequence[Delivery], smtp_port: int, *, with_articles: bool) -> None:
    """An installation with three mailboxes, its database and knowledge base, and the deliveries that wait for it."""
    (folder / "deliveries.bin").write_bytes(pickle.dumps(every))
    (folder / "mailboxes.toml").write_text(
        "".join(
            f'[[mailbox]]\nname = "{name}"\naddress = "{name}@{DOMAIN}"\nuser = "{name}"\npassword = "unused"\nsmtp_user = ""\n'
            f'authserv_id = "{AUTHSERV}"\nimap = "imap://127.0.0.1:1"\nsmtp = "smtp://127.0.0.1:{smtp_port}"\n'
            for name in MAILBOXES
        ),
        encoding="utf-8",
    )
    settings = settings_of(folder)
    set_up_logging(settings)
    services = build(settings)
    try:
        if with_articles:
            load_articles(services)
            services.warm()
    finally:
        services.close()


def deliver(folder: Path, answers: int, kills: int, count: int, dice: random.Random) -> int:
    """Run the worker to its end, killing it on the way; how many were killed. Raises RuntimeError when it fails."""
    most = 2 * (count * SECONDS_A_DELIVERY + answers * SECONDS_AN_ANSWER) / max(1, kills)
    killed = 0
    for number in range(kills):
        uidvalidity = 1 if number < kills / 2 else 2
        process = _worker(folder, answers, uidvalidity)
        try:
            process.wait(1.0 + dice.uniform(0.0, most))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            continue
        _must_have_ended_well(process, folder)
    process = _worker(folder, answers, 2)
    process.wait(PATIENCE_SECONDS)
    _must_have_ended_well(process, folder)
    return killed


def _worker(folder: Path, answers: int, uidvalidity: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "evals.deliveries_worker", str(folder), str(answers), str(uidvalidity)]
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=log)


def _must_have_ended_well(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.returncode != 0:
        said = (folder / "worker.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"the worker ended with {process.returncode}: {said}")


def for_people(said: dict[str, object]) -> str:
    lines = []
    for name, value in said.items():
        shown = ", ".join(f"{n} {key}" for key, n in value.items()) if isinstance(value, dict) else value
        lines.append(f"{name:14} {shown}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.deliveries", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="deliveries (default %(default)s)")
    parser.add_argument("--kills", type=int, default=20, help="times the process is killed (default %(default)s)")
    parser.add_argument(
        "--answer", action=argparse.BooleanOptionalAction, default=True, help="answer some of them, too"
    )
    parser.add_argument("--answers", type=int, default=ANSWERS, help="messages that are answered (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
