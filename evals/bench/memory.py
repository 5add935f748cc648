"""Memory that stays after a large ingest. In a process of its own: one that has worked before has memory to spare."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from evals.bench.figures import Figures, resident_bytes
from evals.bench.hashed import hashed_database, ingest_generated
from evals.bench.installation import ROOT, clean_environment

CHUNKS = 10_000
WARM_UP_CHUNKS = 300  # what every ingest loads once is not growth
TIMEOUT_SECONDS = 600


def measure(_quick: bool = False) -> Figures:
    """Resident memory before and after ingesting CHUNKS passages, without a model. Raises CalledProcessError."""
    done = subprocess.run(
        [sys.executable, "-m", "evals.bench.memory", str(CHUNKS)], cwd=ROOT, env=clean_environment(), check=True,
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
    )  # fmt: skip
    figures: Figures = json.loads(done.stdout)
    return figures


def measure_here(chunks: int) -> Figures:
    """The same in this process."""
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as given:
        folder = Path(given)
        with hashed_database(folder) as (database, embedder):
            ingest_generated(database, embedder, folder / "warm", WARM_UP_CHUNKS)
            gc.collect()
            before = resident_bytes()
            found = ingest_generated(database, embedder, folder / "documents", chunks)
            gc.collect()
            after = resident_bytes()
    return {
        "chunks": found,
        "before_mb": round(before / 1e6, 1),
        "after_mb": round(after / 1e6, 1),
        "growth_mb": round((after - before) / 1e6, 1),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_here(int(sys.argv[1]))) + "\n")
