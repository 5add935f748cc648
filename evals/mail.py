"""`python -m evals.mail FOLDER`: is every mail in a folder read, how long does it take, and is it what was in it?

Every file below the folder that is no .json, .jsonl or .md is taken for a mail and read in a process of its own, so that time
and memory are its own. Where `<name>.expected.json` lies beside it, a complete parse by stalwart's mail-parser, the two are
compared (`evals/mail_expected.py` says how). Ends with 1 when a mail is in no definite state, over 2 s or 200 MB, or differs from
its expected parse in a way that is not accounted for.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from channels.email.mime import MailRefused, read_mail
from channels.email.models import Mail
from evals.mail_bombs import BOMBS, Bomb
from evals.mail_expected import DECIDED, differences

MAX_SECONDS, MAX_MEGABYTES = 2.0, 200.0
EXPECTED = ".expected.json"
_NO_MAILS = (".json", ".jsonl", ".md")


@dataclass(frozen=True, slots=True)
class Reading:
    """One mail read in a process of its own."""

    name: str  # path below the folder
    mail: Mail | None
    refused: str  # "" or the code of the refusal
    error: str  # what should not have been raised, or how the process ended
    seconds: float
    megabytes: float  # the most the process held, Python itself included

    @property
    def is_definite(self) -> bool:
        return self.mail is not None or bool(self.refused)


# A process that has loaded the reader and read nothing, in kilobytes.
BARE_KILOBYTES = 25_000


def read_alone(path: Path | Bomb, name: str) -> Reading:
    """Reads one mail, from a file or made on the spot, in a forked process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "wb") as out:
            pickle.dump(_read(path, name), out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        data = answer.read()
    _, status = os.waitpid(child, 0)
    if not data:
        return Reading(name, None, "", f"the process ended with {status}", 0.0, 0.0)
    found = pickle.loads(data)
    assert isinstance(found, Reading)
    return found


def _read(path: Path | Bomb, name: str) -> Reading:
    raw = path.read_bytes() if isinstance(path, Path) else path(1.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    mail, refused, error = None, "", ""
    try:
        mail = read_mail(raw)
    except MailRefused as refusal:
        refused = str(refusal.reason)
    except Exception as wrong:
        error = f"{type(wrong).__name__}: {wrong}"
    seconds = time.perf_counter() - started
    # What the process had when it was forked is its parent's: a test run of a gigabyte, say.
    grown = max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    return Reading(name, mail, refused, error, seconds, (grown + BARE_KILOBYTES) / 1024)


def mails_in(folder: Path) -> list[Path]:
    """The files that are taken for mails, in order."""
    return sorted(one for one in folder.rglob("*") if one.is_file() and one.suffix not in _NO_MAILS)


def report_states(readings: Sequence[Reading]) -> list[str]:
    """Lines on states, time and memory; a line beginning with "!" is a fault."""
    refused = Counter(one.refused for one in readings if one.refused)
    flaws = Counter(flaw for one in readings if one.mail for flaw in one.mail.flaws)
    kinds = Counter(str(one.mail.kind) for one in readings if one.mail)
    slowest, largest = max(readings, key=lambda one: one.seconds), max(readings, key=lambda one: one.megabytes)
    lines = [
        f"{len(readings)} messages, {sum(one.is_definite for one in readings)} in a definite state",
        f"read {sum(kinds.values())}: " + ", ".join(f"{kind} {n}" for kind, n in kinds.most_common()),
        f"refused {sum(refused.values())}: " + ", ".join(f"{code} {n}" for code, n in refused.most_common()),
        "mended or cut: " + (", ".join(f"{flaw} {n}" for flaw, n in flaws.most_common()) or "nothing"),
        f"slowest {slowest.seconds:.3f} s ({slowest.name}), largest {largest.megabytes:.0f} MB ({largest.name})",
    ]
    lines += [f"! {one.name}: {one.error}" for one in readings if one.error]
    lines += [f"! {one.name}: {one.seconds:.2f} s" for one in readings if one.seconds > MAX_SECONDS]
    lines += [f"! {one.name}: {one.megabytes:.0f} MB" for one in readings if one.megabytes > MAX_MEGABYTES]
    return lines


def report_expected(readings: Sequence[Reading], folder: Path) -> list[str]:
    """Lines on the expected parses; a line beginning with "!" is a difference that nobody decided on."""
    met, decided, lines = 0, 0, []
    beside = [(one, (folder / one.name).with_suffix(EXPECTED)) for one in readings]
    compared = [(one, path) for one, path in beside if path.exists()]
    for one, path in compared:
        found = differences(one.mail, json.loads(path.read_text(encoding="utf-8"))) if one.mail else ["not read"]
        key = "/".join(Path(one.name).with_suffix("").parts[-3:])
        reasons = DECIDED.get(key, {})
        open_ones = [line for line in found if line.split(":")[0] not in reasons]
        met += not found
        decided += bool(found) and not open_ones
        lines += [f"! {one.name}: {line}" for line in open_ones]
        lines += [
            f"  {one.name}: {line.split(':')[0]}: {reasons[line.split(':')[0]]}"
            for line in found
            if line not in open_ones
        ]
    if not compared:
        return []
    summary = f"{len(compared)} expected parses: {met} met in full, {decided} differ only where ours is meant to"
    return [f"{summary}, {len(compared) - met - decided} open", *lines]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.mail", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where the mails are")
    parser.add_argument("--bombs", action="store_true", help="mails made to take time and memory (evals/mail_bombs.py)")
    given = parser.parse_args(arguments)
    folder: Path | None = given.folder
    readings = [read_alone(path, str(path.relative_to(folder))) for path in mails_in(folder)] if folder else []
    readings += [read_alone(bomb, name) for name, bomb in BOMBS.items()] if given.bombs else []
    if not readings:
        parser.error(f"there is no mail in {folder}" if folder else "name a folder, or --bombs")
    lines = report_states(readings) + (report_expected(readings, folder) if folder else [])
    if given.bombs:
        lines += [
            f"{r.seconds:6.2f} s {r.megabytes:4.0f} MB  {r.name}: {r.refused or r.error or 'read'}" for r in readings
        ]
    print("\n".join(lines))
    return int(any(line.startswith("!") for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
