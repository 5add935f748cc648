"""Kill -9 while documents come in: nothing is lost, nothing is there twice, and every index agrees."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from base.settings import Settings
from kb import store
from kb.audit import check
from kb.models import Audience, Scope
from tests.articles import write
from web.wiring import build

ROOT = Path(__file__).resolve().parents[2]
FILES, KILLS = 60, 12

# `firstline ingest` itself, with small batches so that it commits often, and killed a while after it began to read.
INGEST = """
import os, signal, sys, threading
from ingest import pipeline
from web.cli import main

pipeline.BATCH_CHUNKS = 4
run, wait = pipeline.Pipeline.run, float(sys.argv.pop())

def killed(self, *args, **named):
    if wait >= 0:
        threading.Timer(wait, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return run(self, *args, **named)

pipeline.Pipeline.run = killed
main()
"""


def _ingest(data_dir: Path, folder: Path, wait: float) -> int:
    command = [sys.executable, "-c", INGEST, "--data-dir", str(data_dir), "ingest", str(folder), "--collection", "help"]
    done = subprocess.run([*command, str(wait)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def _edit(folder: Path, dice: random.Random, edition: int, count: int) -> None:
    """Give some files a new text, as an editor would meanwhile."""
    for i in dice.sample(range(FILES), count):
        text = f"Fault PRN-{i}, edition {edition}: open lid {i} and wait {edition} seconds."
        write(folder, {f"{i:02}.md": f"# Fault PRN-{i}\n\n{text}\n"})


@pytest.mark.slow
def test_twelve_kills_at_random_moments_lose_nothing_and_leave_nothing_twice(
    settings: Settings, tmp_path: Path
) -> None:
    folder, dice = tmp_path / "in", random.Random(20261123)
    folder.mkdir()
    _edit(folder, dice, 0, FILES)
    codes = []
    for edition in range(1, KILLS + 1):
        codes.append(_ingest(settings.data_dir, folder, dice.uniform(0.0, 0.6)))
        _edit(folder, dice, edition, 12)
    assert codes.count(-signal.SIGKILL) >= KILLS // 2
    assert _ingest(settings.data_dir, folder, -1) == 0

    services = build(settings)
    try:
        with services.database.read() as session:
            articles = session.execute(text("SELECT source, count(*) FROM kb_articles GROUP BY source")).all()
            live = session.execute(
                text(
                    "SELECT a.source, c.text FROM kb_chunks c JOIN kb_articles a ON a.id = c.article_id "
                    "AND a.version_id = c.version_id WHERE c.live AND c.spec = :spec AND length(c.vector) = :bytes"
                ),
                {"spec": services.embedder.spec.digest, "bytes": 4 * services.embedder.spec.dim},
            )
            texts = dict(live.tuples().all())
            live_chunks, indexed = store.count_live(session), services.keywords.count(session)
            integrity = session.execute(text("PRAGMA integrity_check")).scalar_one()
            orphans = session.execute(text("PRAGMA foreign_key_check")).all()
        assert sorted(articles) == [(f"{i:02}.md", 1) for i in range(FILES)]
        assert texts == {path.name: path.read_text().split("\n\n")[1].strip() for path in folder.iterdir()}
        assert len(texts) == live_chunks == indexed == FILES
        assert (integrity, orphans) == ("ok", [])
        assert check(services.database, services.embedder, services.vectors, services.keywords).ok
        found = services.searcher.search("PRN-33", scope=Scope(audiences=(Audience.PUBLIC,))).passages
        assert found[0].source == "33.md"
    finally:
        services.close()
