"""A large knowledge base in seconds: passages embedded by hashing their words, which costs next to nothing.

For what does not depend on the vectors' meaning: how long a search takes beyond embedding, how much memory stays.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from base.clock import SystemClock
from base.database import Database
from base.migrate import migrate
from evals.bench.documents import write_documents
from ingest.pipeline import IngestOptions, Pipeline
from ingest.sources import walk
from kb.audit import remember_spec
from kb.embed import CentredEmbedder
from kb.hashed import hashed_embedder
from kb.keyword import make_keyword_index
from kb.search import Searcher
from kb.vector import ExactIndex

DIM = 384  # as the built-in model
CHUNKS_PER_DOCUMENT = 3  # about what write_documents gives


@contextlib.contextmanager
def hashed_database(folder: Path) -> Iterator[tuple[Database, CentredEmbedder]]:
    """A migrated SQLite database in `folder` and the embedder for it."""
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    try:
        migrate(database)
        embedder = hashed_embedder(DIM)
        remember_spec(database, embedder)
        yield database, embedder
    finally:
        database.close()


def ingest_generated(database: Database, embedder: CentredEmbedder, folder: Path, chunks: int) -> int:
    """Write documents until they make about `chunks` passages, ingest them; return how many passages there are."""
    write_documents(folder, -(-chunks // CHUNKS_PER_DOCUMENT))
    pipeline = Pipeline(database, embedder, make_keyword_index(database), None, SystemClock())
    return pipeline.run(walk(folder), IngestOptions(collection="bench", author="bench")).chunks


def searcher_over(database: Database, embedder: CentredEmbedder) -> Searcher:
    """Search as the server does it for this many passages: exactly."""
    index = ExactIndex(database, embedder.spec.digest, DIM)
    index.refresh()
    return Searcher(database, embedder, index, make_keyword_index(database))
