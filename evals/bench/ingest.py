"""Documents per second through the whole pipeline, beside the bare embedder on exactly the same passages."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from langchain_core.embeddings import Embeddings

from base.clock import SystemClock
from evals.bench.documents import write_documents
from evals.bench.figures import Figures, timed
from evals.bench.installation import temporary_services
from ingest.pipeline import IngestOptions, IngestReport, Pipeline
from ingest.sources import walk
from kb.embed import EmbeddedLater, Embedder, EmbeddingSpec
from kb.encoder import Vectors

ROUNDS, QUICK_ROUNDS = 3, 2
DOCUMENTS, QUICK_DOCUMENTS = 60, 20  # in each round


@dataclass(slots=True)
class NotingEmbedder:
    """Passes everything on and keeps what it was asked to embed, so that exactly that can be embedded again, bare."""

    inner: Embedder
    texts: list[str] = field(default_factory=list)
    langs: list[str] = field(default_factory=list)

    @property
    def spec(self) -> EmbeddingSpec:
        return self.inner.spec

    def embed_passages(self, texts: Sequence[str], langs: Sequence[str]) -> Vectors:
        self.texts += texts
        self.langs += langs
        return self.inner.embed_passages(texts, langs)

    def embed_query(self, text: str, lang: str) -> Vectors:
        return self.inner.embed_query(text, lang)

    def meaning(self, text: str, lang: str) -> Vectors:
        return self.inner.meaning(text, lang)

    def question(self, text: str, lang: str) -> EmbeddedLater:
        return self.inner.question(text, lang)

    def warm(self) -> None:
        self.inner.warm()

    def langchain(self) -> Embeddings:
        return self.inner.langchain()


def measure(quick: bool) -> Figures:
    """Passages per second, and the share of the bare embedder's throughput that is left.

    In rounds, the pipeline and the bare embedder in turn: what else the machine does meanwhile meets both.
    """
    rounds, documents = (QUICK_ROUNDS, QUICK_DOCUMENTS) if quick else (ROUNDS, DOCUMENTS)
    whole = bare = 0.0
    chunks = indexed = 0
    with temporary_services() as services, tempfile.TemporaryDirectory(prefix="firstline-bench-") as given:
        for number in range(rounds):
            folder = Path(given) / str(number)
            write_documents(folder, documents, seed=number)
            noting = NotingEmbedder(services.embedder)
            pipeline = Pipeline(services.database, noting, services.keywords, services.vectors, SystemClock())
            report = _run(pipeline, folder)
            whole += report.elapsed_s
            chunks, indexed = chunks + report.chunks, indexed + len(report.files)
            bare += timed(lambda noting=noting: noting.inner.embed_passages(noting.texts, noting.langs))  # type: ignore[misc]
    return {
        "chunks_per_s": round(chunks / whole, 1),
        "throughput_ratio_to_embedder": round(bare / whole, 3),
        "embedder_chunks_per_s": round(chunks / bare, 1),
        "chunks": chunks,
        "documents": indexed,
    }


def _run(pipeline: Pipeline, folder: Path) -> IngestReport:
    return pipeline.run(walk(folder), IngestOptions(collection=f"bench-{folder.name}", author="bench"))
