"""One document's story: load > clean > chunk > embed > visible. A folder's story: that, for each, whatever happens to one.

Reading runs ahead in a thread while the embedder, which is what costs, is kept busy with whole batches of chunks.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select

from base.clock import Clock
from base.database import Database
from base.errors import AppError
from base.i18n import N_, explain, translate
from base.log import get_logger
from base.metrics import CHUNKS_INDEXED
from ingest.chunk import chunk
from ingest.load import DEFAULT_LIMITS, SUPPORTED, Limits, load
from ingest.models import Loaded
from ingest.sources import Source, translation_key
from kb import store
from kb.audit import passage_text
from kb.embed import Embedder
from kb.keyword import KeywordIndex
from kb.models import ArticleDraft, Audience, ChunkDraft, Status
from kb.tables import ArticleRow
from kb.vector import VectorIndex

log = get_logger(__name__)
BATCH_CHUNKS = 64  # embedded at a time: enough to keep every worker busy, little to lose when killed
READ_AHEAD = 16  # documents


class FileStatus(StrEnum):
    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileResult:
    source: str
    status: FileStatus
    reason: str = ""  # for a person, in the language asked for
    code: str = ""  # for a program
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class IngestReport:
    files: tuple[FileResult, ...]
    elapsed_s: float

    def count(self, status: FileStatus) -> int:
        return sum(result.status is status for result in self.files)

    @property
    def chunks(self) -> int:
        return sum(result.chunks for result in self.files)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    collection: str
    audience: Audience = Audience.PUBLIC
    lang: str = ""  # told from each document when empty
    author: str = ""
    locale: str = "en"  # of the reasons in the report
    limits: Limits = DEFAULT_LIMITS
    names: frozenset[str] = field(default=frozenset())  # not used when empty


@dataclass(frozen=True, slots=True)
class _Read:
    source: str
    draft: ArticleDraft | None = None
    chunks: tuple[ChunkDraft, ...] = ()
    result: FileResult | None = None


class Pipeline:
    """Turns files into articles that can be found. One instance may run many times, one run at a time."""

    def __init__(
        self, database: Database, embedder: Embedder, keywords: KeywordIndex, vectors: VectorIndex | None, clock: Clock
    ) -> None:
        self._database, self._embedder, self._keywords = database, embedder, keywords
        self._vectors, self._clock = vectors, clock

    def run(
        self, sources: Iterable[Source], options: IngestOptions, on_result: Callable[[FileResult], None] | None = None
    ) -> IngestReport:
        """Index what changed. One bad file is recorded with its reason and the rest goes on; only a fault of the whole
        run raises (StorageUnavailable, MisconfiguredSetting)."""
        started = time.perf_counter()
        results: list[FileResult] = []

        def record(result: FileResult) -> None:
            results.append(result)
            if on_result is not None:
                on_result(result)

        with self._database.read() as session:
            known = store.hashes(session, options.collection)
            archived = _archived(session, options.collection)
        waiting: list[_Read] = []
        for read in _ahead(self._read_all(sources, options, known, archived)):
            if read.result is not None:
                record(read.result)
                continue
            waiting.append(read)
            if sum(len(one.chunks) for one in waiting) >= BATCH_CHUNKS:
                self._index(waiting, record)
                waiting = []
        self._index(waiting, record)
        if self._vectors is not None and any(result.status is FileStatus.INDEXED for result in results):
            self._vectors.refresh()
        return IngestReport(tuple(results), time.perf_counter() - started)

    def _read_all(
        self, sources: Iterable[Source], options: IngestOptions, known: dict[str, str], archived: frozenset[str]
    ) -> Iterator[_Read]:
        for source in sources:
            try:
                yield self._read(source, options, known, archived)
            except AppError as error:
                status = FileStatus.SKIPPED if error.code == "unsupported_type" else FileStatus.FAILED
                yield _Read(source.name, result=FileResult(source.name, status, explain(error, options.locale), error.code))
            except Exception as error:  # one file's surprise must not end the batch
                log.warning("document_failed", source=source.name, error=type(error).__name__)
                reason = translate(N_("This file could not be read ({error})."), options.locale, error=type(error).__name__)
                yield _Read(source.name, result=FileResult(source.name, FileStatus.FAILED, reason, "unexpected_error"))

    def _read(
        self, source: Source, options: IngestOptions, known: dict[str, str], archived: frozenset[str]
    ) -> _Read:
        if source.path.suffix.lower() not in SUPPORTED and _is_resource(source.path):
            reason = translate(N_("Not a document: left out."), options.locale)
            return _Read(source.name, result=FileResult(source.name, FileStatus.SKIPPED, reason, "unsupported_type"))
        if source.name in archived:
            reason = translate(N_("This article was archived. Publish it again in the article list to bring it back."), options.locale)
            return _Read(source.name, result=FileResult(source.name, FileStatus.SKIPPED, reason, "archived"))
        draft = draft_from(load(source.path, limits=options.limits), source.name, options)
        if known.get(source.name) == store.content_hash(draft, self._embedder.spec.digest):
            return _Read(source.name, result=FileResult(source.name, FileStatus.UNCHANGED))
        chunks = cut(draft)
        if not chunks:
            reason = translate(N_("There is no text in this file."), options.locale)
            return _Read(source.name, result=FileResult(source.name, FileStatus.FAILED, reason, "no_text"))
        return _Read(source.name, draft, chunks)

    def _index(self, waiting: list[_Read], record: Callable[[FileResult], None]) -> None:
        """Embed the batch, then make each of its documents visible in a flip of its own, all in one commit."""
        drafts = [(read, read.draft) for read in waiting if read.draft is not None]
        if not drafts:
            return
        texts, langs = [], []
        for read, draft in drafts:
            texts += [passage_text(draft.title, piece.breadcrumb, piece.text) for piece in read.chunks]
            langs += [draft.lang] * len(read.chunks)
        vectors = self._embedder.embed_passages(texts, langs)
        spec, now, at = self._embedder.spec.digest, self._clock.now(), 0
        with self._database.begin() as session:
            for read, draft in drafts:
                part = vectors[at : at + len(read.chunks)]
                store.save_version(session, self._keywords, draft, read.chunks, part, spec, now)
                at += len(read.chunks)
        for read, _ in drafts:
            CHUNKS_INDEXED.inc(len(read.chunks))
            record(FileResult(read.source, FileStatus.INDEXED, chunks=len(read.chunks)))


def draft_from(loaded: Loaded, name: str, options: IngestOptions) -> ArticleDraft:
    """The article a loaded document becomes."""
    return ArticleDraft(
        collection=options.collection,
        source=name,
        title=loaded.title,
        body=loaded.text,
        lang=options.lang or loaded.lang,
        audience=options.audience,
        translation_key=translation_key(name),
        author=options.author,
        meta=dict(loaded.meta),
    )


def cut(draft: ArticleDraft) -> tuple[ChunkDraft, ...]:
    """The chunks of an article's body."""
    loaded = Loaded(title=draft.title, text=draft.body, lang=draft.lang, media_type="text/markdown", meta=dict(draft.meta))
    return tuple(chunk(loaded))


def save_article(pipeline_parts: tuple[Database, Embedder, KeywordIndex], draft: ArticleDraft, now: datetime) -> int:
    """Save and publish one article written by hand; return its number of chunks."""
    database, embedder, keywords = pipeline_parts
    chunks = cut(draft)
    texts = [passage_text(draft.title, piece.breadcrumb, piece.text) for piece in chunks]
    vectors = embedder.embed_passages(texts, [draft.lang] * len(texts))
    with database.begin() as session:
        store.save_version(session, keywords, draft, chunks, vectors, embedder.spec.digest, now)
    return len(chunks)


def _archived(session, collection: str) -> frozenset[str]:  # type: ignore[no-untyped-def]
    query = select(ArticleRow.source).where(ArticleRow.collection == collection, ArticleRow.status == Status.ARCHIVED)
    return frozenset(session.scalars(query))


def _is_resource(path: Path) -> bool:
    return path.suffix.lower() in {".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".css", ".js", ".json", ".yml", ".yaml"}


def _ahead(reads: Iterator[_Read]) -> Iterator[_Read]:
    """The same items, read by a thread of its own up to READ_AHEAD before they are needed."""
    ready: queue.Queue[_Read | BaseException | None] = queue.Queue(maxsize=READ_AHEAD)
    stop = threading.Event()

    def fill() -> None:
        try:
            for read in reads:
                while not stop.is_set():
                    try:
                        ready.put(read, timeout=0.2)
                        break
                    except queue.Full:
                        continue
                if stop.is_set():
                    return
            ready.put(None)
        except BaseException as error:  # handed over to the caller's thread
            ready.put(error)

    thread = threading.Thread(target=fill, name="read-ahead", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()


__all__ = ["FileResult", "FileStatus", "IngestOptions", "IngestReport", "Pipeline", "cut", "draft_from", "replace", "save_article"]
