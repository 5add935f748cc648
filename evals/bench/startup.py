"""How soon the command line says something and the server is up."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from evals.bench.figures import Figures, percentile, timed
from evals.bench.installation import clean_environment, running_server

RUNS, QUICK_RUNS = 5, 3


def measure(quick: bool) -> Figures:
    """Seconds to `firstline --help`, to a healthy server in an empty folder, and to one in a folder used before."""
    runs = QUICK_RUNS if quick else RUNS
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as given:
        folder = Path(given)
        help_s = [timed(lambda: _help(folder)) for _ in range(runs)]
        with running_server(folder) as server:
            first = server.ready_seconds
        ready = []
        for _ in range(1 if quick else 3):
            with running_server(folder) as server:
                ready.append(server.ready_seconds)
    return {
        "help_s": round(percentile(help_s, 0.5), 3),
        "ready_s": round(percentile(ready, 0.5), 3),
        "first_ready_s": round(first, 3),
    }


def _help(folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "web.cli", "--help"], cwd=folder, env=clean_environment(), check=True, timeout=60,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
