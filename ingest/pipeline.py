"""One document's story: load > clean > chunk > embed > visible. A folder's story: that for each, whatever befalls one.

Reading runs ahead in a thread while the embedder, which is what costs, is kept busy with whole batches of chunks.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from base.clock import Clock
from base.database import Database
from base.errors import AppError
from base.i18n import N_, explain, translate
from base.log import get_logger
from base.metrics import CHUNKS_INDEXED
from ingest import twins
from ingest.applies import applies_from
from ingest.chunk import chunk
from ingest.load import DEFAULT_LIMITS, Limits, load
from ingest.models import Loaded
from ingest.sources import Source
from kb import store
from kb.audit import passage_text
from kb.embed import Embedder
from kb.keyword import KeywordIndex
from kb.models import ALL, Applies, ArticleDraft, Audience, ChunkDraft, Status
from kb.tables import ArticleRow
from kb.vector import VectorIndex

log = get_logger(__name__)
BATCH_CHUNKS = 64  # embedded at a time: enough to keep every worker busy, little to lose when killed
READ_AHEAD = 16  # documents
RESOURCES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".css", ".js", ".json", ".yml", ".yaml"})


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
    applies: Applies = ALL  # of documents that do not say it themselves
    author: str = ""
    locale: str = "en"  # of the reasons in the report
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class _Read:
    source: str
    draft: ArticleDraft | None = None
    chunks: tuple[ChunkDraft, ...] = ()
    result: FileResult | None = None


@dataclass(frozen=True, slots=True)
class _There:
    """What a collection holds already."""

    hashes: dict[str, str]
    archived: frozenset[str]
    keys: set[str]  # translation keys; those of the files read in this run are added


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
            known = store.hashes(session, options.collection, self._embedder.spec.digest)
            archived = _archived(session, options.collection)
            keys = twins.known_keys(session, options.collection)
        there = _There(known, archived, keys)
        waiting: list[_Read] = []
        for read in _ahead(self._read_all(sources, options, there)):
            if read.result is not None:
                record(read.result)
                continue
            waiting.append(read)
            if sum(len(one.chunks) for one in waiting) >= BATCH_CHUNKS:
                self._index(waiting, options, record)
                waiting = []
        self._index(waiting, options, record)
        if self._vectors is not None and any(result.status is FileStatus.INDEXED for result in results):
            self._vectors.refresh()
        return IngestReport(tuple(results), time.perf_counter() - started)

    def _read_all(self, sources: Iterable[Source], options: IngestOptions, there: _There) -> Iterator[_Read]:
        for source in sources:
            try:
                yield self._read(source, options, there)
            except AppError as error:
                status = FileStatus.SKIPPED if error.code == "unsupported_type" else FileStatus.FAILED
                yield _result(source.name, status, explain(error, options.locale), error.code)
            except Exception as error:  # one file's surprise must not end the batch
                yield _Read(source.name, result=_surprise(source.name, error, options.locale))

    def _read(self, source: Source, options: IngestOptions, there: _There) -> _Read:
        name, locale = source.name, options.locale
        if source.path.suffix.lower() in RESOURCES:
            return _result(
                name, FileStatus.SKIPPED, translate(N_("Not a document: left out."), locale), "unsupported_type"
            )
        if name in there.archived:
            reason = N_("This article was archived. Publish it again in the article list to bring it back.")
            return _result(name, FileStatus.SKIPPED, translate(reason, locale), "archived")
        draft = draft_from(load(source.path, limits=options.limits), name, options, there.keys)
        there.keys.update({draft.translation_key} - {""})
        if there.hashes.get(name) == store.content_hash(draft):
            return _result(name, FileStatus.UNCHANGED)
        chunks = cut(draft)
        if not chunks:
            return _result(name, FileStatus.FAILED, translate(N_("There is no text in this file."), locale), "no_text")
        return _Read(name, draft, chunks)

    def _index(self, waiting: Sequence[_Read], options: IngestOptions, record: Callable[[FileResult], None]) -> None:
        """Make the documents of a batch visible, all in one commit; when that goes wrong, each by itself."""
        if not waiting:
            return
        try:
            self._write(waiting)
        except AppError:
            raise  # the database or the embedder cannot serve anybody now
        except Exception as error:
            if len(waiting) > 1:
                for read in waiting:
                    self._index([read], options, record)
            else:
                record(_surprise(waiting[0].source, error, options.locale))
            return
        for read in waiting:
            CHUNKS_INDEXED.inc(len(read.chunks))
            record(FileResult(read.source, FileStatus.INDEXED, chunks=len(read.chunks)))

    def _write(self, waiting: Sequence[_Read]) -> None:
        drafts = [(read.draft, read.chunks) for read in waiting if read.draft is not None]
        vectors = embed(self._embedder, drafts)
        spec, now, at = self._embedder.spec.digest, self._clock.now(), 0
        with self._database.begin() as session:
            for draft, chunks in drafts:
                part = vectors[at : at + len(chunks)]
                store.save_version(session, self._keywords, draft, chunks, part, spec, now)
                at += len(chunks)
            twins.join(session, drafts[0][0].collection, [draft.translation_key for draft, _ in drafts])


def draft_from(loaded: Loaded, name: str, options: IngestOptions, keys: Collection[str] = ()) -> ArticleDraft:
    """The article a loaded document becomes. keys: the translation keys of the other documents, see ingest/twins.py."""
    return ArticleDraft(
        collection=options.collection,
        source=name,
        title=loaded.title,
        body=loaded.text,
        lang=options.lang or loaded.lang,
        audience=options.audience,
        translation_key=twins.key_of(name, keys),
        author=options.author,
        meta=dict(loaded.meta),
        applies=applies_from(loaded.meta, options.applies),
    )


def cut(draft: ArticleDraft) -> tuple[ChunkDraft, ...]:
    """The chunks of an article's body."""
    loaded = Loaded(
        title=draft.title, text=draft.body, lang=draft.lang, media_type="text/markdown", meta=dict(draft.meta)
    )
    return tuple(chunk(loaded))


def embed(embedder: Embedder, documents: Sequence[tuple[ArticleDraft, Sequence[ChunkDraft]]]) -> np.ndarray:
    """(chunks of all documents, dim) float32 unit rows, in order."""
    texts, langs = [], []
    for draft, chunks in documents:
        texts += [passage_text(draft.title, piece.breadcrumb, piece.text) for piece in chunks]
        langs += [draft.lang] * len(chunks)
    return embedder.embed_passages(texts, langs)


def save_article(pipeline_parts: tuple[Database, Embedder, KeywordIndex], draft: ArticleDraft, now: datetime) -> int:
    """Save and publish one article written by hand; return its number of chunks."""
    database, embedder, keywords = pipeline_parts
    chunks = cut(draft)
    vectors = embed(embedder, [(draft, chunks)])
    with database.begin() as session:
        store.save_version(session, keywords, draft, chunks, vectors, embedder.spec.digest, now)
    return len(chunks)


def _archived(session: Session, collection: str) -> frozenset[str]:
    query = select(ArticleRow.source).where(ArticleRow.collection == collection, ArticleRow.status == Status.ARCHIVED)
    return frozenset(session.scalars(query))


def _result(name: str, status: FileStatus, reason: str = "", code: str = "") -> _Read:
    return _Read(name, result=FileResult(name, status, reason, code))


def _surprise(name: str, error: Exception, locale: str) -> FileResult:
    log.warning("document_failed", source=name, error=type(error).__name__)
    reason = translate(N_("This file could not be read ({error})."), locale, error=type(error).__name__)
    return FileResult(name, FileStatus.FAILED, reason, "unexpected_error")


def _ahead(reads: Iterator[_Read]) -> Iterator[_Read]:
    """The same items, read by a thread of its own up to READ_AHEAD before they are needed."""
    ready: queue.Queue[_Read | BaseException | None] = queue.Queue(maxsize=READ_AHEAD)
    stop = threading.Event()

    def hand_over(item: _Read | BaseException | None) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.2)
                return

    def fill() -> None:
        try:
            for read in reads:
                hand_over(read)
                if stop.is_set():
                    return
            hand_over(None)
        except BaseException as error:  # raised again in the caller's thread
            hand_over(error)

    threading.Thread(target=fill, name="read-ahead", daemon=True).start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
