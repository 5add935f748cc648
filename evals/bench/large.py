"""A search over 100,000 passages on the embedded store, and what opening that store costs.

Each index is opened in a process of its own, without a model: the questions come embedded, so that time, memory and bytes
read are those of the store alone. Linux counts the bytes (/proc/self/io); elsewhere that figure is left out.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from base.log import set_up_logging
from base.settings import Settings
from base.text import detect_language
from evals.bench.figures import Figures, resident_bytes, spread_ms, timed
from evals.bench.installation import ROOT, clean_environment, settings_for, wait_for_index
from evals.bench.scaled import fill, seeds_of
from evals.cases import CASES, json_lines
from web.demo.setup import load_articles
from web.wiring import Services, build

CHUNKS = 100_000
QUESTIONS = 300
WARM_UP = 5
INDEXES = ("exact", "chroma")
INDEXING_SECONDS = 900.0
TIMEOUT_SECONDS = 1800
_QUESTIONS = "questions.npz"


def measure(chunks: int = CHUNKS, questions: int = QUESTIONS) -> Figures:
    """Per index: median and tail beyond embedding, seconds to the first answer, megabytes read and kept by opening."""
    found: Figures = {"large_chunks": chunks, "large_questions": questions}
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as given:
        folder = Path(given)
        prepare(folder, chunks, questions)
        found["large_database_mb"] = megabytes((folder / "firstline.db").stat().st_size)
        for index in INDEXES:
            found |= {f"large_{index}_{name}": value for name, value in _in_a_process(folder, index).items()}
    return found


def prepare(folder: Path, chunks: int, questions: int) -> None:
    """An installation of `chunks` passages made of the demo articles, and customers' questions with their vectors."""
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as given:
        small = build(settings_for(Path(given)))
        try:
            load_articles(small)
            spec, seeds = small.embedder.spec.digest, seeds_of(small.database, small.embedder.spec.digest)
            texts = _texts(WARM_UP + questions)
            vectors = np.stack([small.embedder.embed_query(text, detect_language(text)) for text in texts])
        finally:
            small.close()
    np.savez(folder / _QUESTIONS, texts=np.array(texts), vectors=vectors)
    large = build(settings_for(folder))
    try:
        fill(large.database, seeds, spec, chunks)
    finally:
        large.close()


def measure_here(folder: Path, index: str) -> Figures:
    """Open what `prepare` made, and ask every question once. Chroma's files are built first, by another opening."""
    settings = settings_for(folder).model_copy(update={"vector_index": index})
    with np.load(folder / _QUESTIONS, allow_pickle=False) as kept:
        texts, vectors = [str(text) for text in kept["texts"]], kept["vectors"]
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as given:
        build(settings_for(Path(given))).close()  # what every start loads is not the store's
    gc.collect()
    memory, read, started = resident_bytes(), _bytes_read(), time.perf_counter()
    services = build(settings, owner=index != "exact")
    try:
        answers = _opened(services, index)
        ready = time.perf_counter() - started
        _ask(services, texts[0], vectors[0])
        first = time.perf_counter() - started
        gc.collect()
        opening = {
            "open_s": round(ready, 3),
            "first_answer_s": round(first, 3),
            "open_memory_mb": megabytes(resident_bytes() - memory),
        }
        if read is not None and (now := _bytes_read()) is not None:
            opening["open_read_mb"] = megabytes(now - read)
        pairs = list(zip(texts, vectors, strict=True))[1:]
        taken = [timed(lambda t=text, v=vector: _ask(services, t, v)) for text, vector in pairs]  # type: ignore[misc]
        return {
            **spread_ms(taken[WARM_UP - 1 :]),
            "worst_ms": round(max(taken[WARM_UP - 1 :]) * 1000, 2),
            **opening,
            "memory_mb": megabytes(resident_bytes() - memory),
            "answered_by": answers,
        }
    finally:
        services.close()


def build_index(folder: Path, index: str) -> Figures:
    """Let the owner build the files of an index from the database; nothing for one that has none."""
    if index == "exact":
        return {}
    settings: Settings = settings_for(folder).model_copy(update={"vector_index": index})
    started = time.perf_counter()
    services = build(settings, owner=True)
    try:
        _opened(services, index)
        taken = time.perf_counter() - started
    finally:
        services.close()
    size = sum(path.stat().st_size for path in (folder / "index").rglob("*") if path.is_file())
    return {"build_s": round(taken, 1), "files_mb": megabytes(size)}


def megabytes(count: int) -> float:
    return round(count / 1e6, 1)


def _opened(services: Services, index: str) -> str:
    """What answers a search, once the index is up."""
    if index == "exact":
        return index
    from kb.store import count_live

    with services.database.read() as session:
        chunks = count_live(session)
    return wait_for_index(services, chunks, INDEXING_SECONDS)


def _ask(services: Services, text: str, vector: np.ndarray) -> None:
    services.searcher.search(text, lang=detect_language(text), vector=vector)


def _texts(count: int) -> list[str]:
    """Questions in customers' words, Chinese and English in turn; every one once."""
    rows = [fields for _, fields in json_lines(CASES / "answers" / "demo.jsonl")]
    by_lang = [[str(row["text"]) for row in rows if row["lang"] == lang] for lang in ("zh", "en")]
    in_turn = [text for pair in zip(*by_lang, strict=False) for text in pair]
    return list(dict.fromkeys(in_turn))[:count]


def _bytes_read() -> int | None:
    """What this process has read so far, from disk or the system's cache; None where nobody counts."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("rchar:")), None)


def _in_a_process(folder: Path, index: str) -> Figures:
    """Both steps, each in a process that has done nothing else. Raises CalledProcessError."""
    found: Figures = {}
    for step in ("build", "ask"):
        done = subprocess.run(
            [sys.executable, "-m", "evals.bench.large", str(folder), index, step], cwd=ROOT, env=clean_environment(),
            check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
        found |= json.loads(done.stdout)
    return found


if __name__ == "__main__":
    _folder, _index, _step = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    set_up_logging(settings_for(_folder))  # to stderr: what is printed here is read by a program
    made = build_index(_folder, _index) if _step == "build" else measure_here(_folder, _index)
    sys.stdout.write(json.dumps(made) + "\n")
