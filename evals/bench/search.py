"""How long a search takes once the question is embedded: at CHUNKS passages and, in a full run, at `large.CHUNKS`."""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path

from base.text import detect_language
from evals.bench import large
from evals.bench.figures import Figures, spread_ms, timed
from evals.bench.hashed import hashed_database, ingest_generated, searcher_over

CHUNKS, QUICK_CHUNKS = 10_000, 2_000
QUESTIONS, QUICK_QUESTIONS = 200, 60
WARM_UP = 5


def measure(quick: bool) -> Figures:
    """Median and tail beyond embedding, over generated documents; each question is a sentence of one of them.

    What begins with "large_" is told in `large.py`.
    """
    chunks, questions = (QUICK_CHUNKS, QUICK_QUESTIONS) if quick else (CHUNKS, QUESTIONS)
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as given:
        folder = Path(given)
        with hashed_database(folder) as (database, embedder):
            found = ingest_generated(database, embedder, folder / "documents", chunks)
            searcher = searcher_over(database, embedder)
            taken = []
            for text in _sentences(folder / "documents", WARM_UP + questions):
                lang = detect_language(text)
                vector = embedder.embed_query(text, lang)
                taken.append(timed(lambda t=text, v=vector, g=lang: searcher.search(t, lang=g, vector=v)))  # type: ignore[misc]
    return {
        **spread_ms(taken[WARM_UP:], "beyond_embedding_"),
        "chunks": found,
        "questions": questions,
        "index": "exact",
        **({} if quick else large.measure()),
    }


def _sentences(folder: Path, count: int) -> list[str]:
    """`count` distinct sentences, from all over the documents, the same in every run."""
    chance = random.Random(11)
    paths = sorted(folder.glob("**/*.md"))
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        text = chance.choice(paths).read_text(encoding="utf-8")
        sentences = [line for line in re.split(r"(?<=[.。])\s*", text) if 10 < len(line) < 160 and "\n" not in line]
        chosen.setdefault(chance.choice(sentences))
    return list(chosen)
