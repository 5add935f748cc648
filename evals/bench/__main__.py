"""`firstline bench`: run the measurements, print them for people or, with --json, for programs.

`firstline bench peers` is a measurement of its own kind, with its own options: evals/peers/compare.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from base.log import set_up_logging
from evals.bench.figures import Figures, machine
from evals.bench.installation import settings_for

ALWAYS = ("startup", "turn", "ingest", "search", "sse", "surge", "mail")
ONLY_FULL = ("memory",)
PEERS = "peers"
GOALS = {
    ("turn", "p50_ratio_to_embedding"): ("<=", 2.0),
    ("turn", "p95_ratio_to_embedding"): ("<=", 4.0),
    ("ingest", "throughput_ratio_to_embedder"): (">=", 0.8),
    ("sse", "ack_p95_ms"): ("<=", 100.0),
    ("surge", "p50_ratio_many_to_few"): ("<=", 1.5),
    ("mail", "ack_p95_ratio"): ("<=", 1.2),
    ("search", "large_exact_p95_ms"): ("<=", 60.0),
    ("search", "large_chroma_p95_ms"): ("<=", 60.0),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, or 1 when a measurement could not be made (the others are printed all the same)."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments[:1] == [PEERS]:
        return int(import_module("evals.peers.compare").main(arguments[1:]))
    given = _parser().parse_args(arguments)
    set_up_logging(settings_for(Path()))  # to stderr, errors only
    wanted = given.only or [*ALWAYS, *(() if given.quick else ONLY_FULL)]
    report: dict[str, Figures] = {}
    failed = False
    for name in wanted:
        if not given.json:
            print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            report[name] = _measurement(name)(given.quick)
        except Exception as error:  # one figure that cannot be had must not cost the others
            report[name] = {"error": f"{type(error).__name__}: {error}"}
            failed = True
    report["machine"] = machine()
    print(json.dumps(report, ensure_ascii=False, indent=2) if given.json else _for_people(report))
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="firstline bench",
        description="Measure Firstline on this machine.",
        epilog="firstline bench peers: beside other frameworks (docs/evals.md).",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer questions, documents and seconds; no memory test")
    parser.add_argument("--only", type=_names, metavar="NAME,...", help=f"of {', '.join((*ALWAYS, *ONLY_FULL))}")
    return parser


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in (*ALWAYS, *ONLY_FULL)]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown) or 'nothing given'}")
    return names


def _measurement(name: str) -> Callable[[bool], Figures]:
    """The `measure` of a module, imported when its turn comes: what one loads must not weigh on the others."""
    measure: Callable[[bool], Figures] = import_module(f"evals.bench.{name}").measure
    return measure


def _for_people(report: dict[str, Figures]) -> str:
    lines = []
    for section, figures in report.items():
        lines.append(f"\n{section}")
        lines += [f"  {name:32}{value!s:>14}{_verdict(section, name, value)}" for name, value in figures.items()]
    return "\n".join(lines).lstrip("\n")


def _verdict(section: str, name: str, value: object) -> str:
    if (section, name) not in GOALS or not isinstance(value, int | float):
        return ""
    sign, limit = GOALS[section, name]
    reached = value <= limit if sign == "<=" else value >= limit
    return f"   goal {sign} {limit:g}: {'reached' if reached else 'missed'}"


if __name__ == "__main__":
    sys.exit(main())
