"""A folder becomes articles that are found, whatever happens to one of its files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from base.clock import FixedClock
from base.database import Database
from base.errors import StorageUnavailable
from ingest import pipeline as module
from ingest.models import Limits
from ingest.pipeline import FileResult, FileStatus, IngestOptions, IngestReport, Pipeline, draft_from, save_article
from ingest.sources import Source, walk
from kb import store
from kb.embed import CentredEmbedder
from kb.encoder import EmbedderUnavailable, TextKind, Vectors
from kb.hashed import HashEncoder, hashed_embedder
from kb.models import Audience
from tests.articles import write
from tests.ingest.make import docx_bytes, new_docx
from tests.kb.library import PUBLIC, STAFF, Library, draft

HELP = IngestOptions("help")


@pytest.fixture
def library(database: Database) -> Library:
    return Library(database)


@pytest.fixture
def run(library: Library, clock: FixedClock, tmp_path: Path) -> Callable[..., IngestReport]:
    """Ingests the folder "in"."""

    def ingest(options: IngestOptions = HELP, **more: object) -> IngestReport:
        pipeline = Pipeline(library.database, library.embedder, library.keywords, None, clock)
        return pipeline.run(walk(tmp_path / "in"), options, **more)  # type: ignore[arg-type]

    return ingest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def _many(folder: Path, count: int, words: str = "word") -> None:
    write(folder, {f"{i:03}.md": f"# Article {i}\n\nAbout {words}{i} and nothing else.\n" for i in range(count)})


def _outcome(report: IngestReport) -> dict[str, str]:
    return {result.source: result.code or result.status for result in report.files}


def test_a_folder_becomes_articles_that_are_found(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    write(folder, {"vpn.md": "# VPN\n\nUse TCP 443.\n", "zh/vpn.md": "# VPN 连接\n\n请使用 TCP 443 模式。\n"})
    report = run()
    assert (report.count(FileStatus.INDEXED), report.chunks) == (2, 2)
    assert library.found("TCP 443")[0] == "Use TCP 443."
    passage = library.passages("请使用什么模式")[0]
    assert (passage.title, passage.lang, passage.source, passage.translation_key) == (
        "VPN 连接",
        "zh",
        "zh/vpn.md",
        "vpn.md",
    )


def test_one_bad_file_never_stops_the_rest_and_says_why(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    document = new_docx()
    document.add_paragraph("")
    bad = {
        "empty.md": (b"", "empty_file"),
        "broken.pdf": (b"%PDF-1.7 and then nothing", "broken_file"),
        "lies.docx": (b"this is no Word file", "broken_file"),
        "blank.docx": (docx_bytes(document), "no_text"),
        "program.exe": (b"MZ\x90\x00" + b"\x00" * 100, "unsupported_type"),
        "archive.zip": (b"PK\x03\x04 broken", "broken_file"),
        "picture.png": (b"\x89PNG\r\n\x1a\n", "unsupported_type"),
        "style.css": (b"body {}", "unsupported_type"),
        "only-marks.md": (b"--- *** ...", "no_text"),
        "large.md": (b"words " * 20_000, "too_large"),
    }
    for name, (content, _) in bad.items():
        (folder / name).write_bytes(content)
    _many(folder, 5)
    report = run(IngestOptions("help", limits=Limits(max_bytes=100_000)))
    assert _outcome(report) == {name: code for name, (_, code) in bad.items()} | {
        f"{i:03}.md": "indexed" for i in range(5)
    }
    assert all(result.reason for result in report.files if result.status is not FileStatus.INDEXED)
    assert {result.status for result in report.files if result.code == "unsupported_type"} == {FileStatus.SKIPPED}
    assert library.counts() == (5, 5)


def test_reasons_are_in_the_language_asked_for(run: Callable[..., IngestReport], folder: Path) -> None:
    (folder / "empty.md").touch()
    english, chinese = (run(IngestOptions("help", locale=locale)).files[0].reason for locale in ("en", "zh"))
    assert english.isascii()
    assert not chinese.isascii()


def test_what_did_not_change_is_not_read_again(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    _many(folder, 6)
    run()
    before = library.generation()
    assert run().count(FileStatus.UNCHANGED) == 6
    assert library.generation() == before
    write(folder, {"003.md": "# Article 3\n\nAbout zebras.\n"})
    report = run()
    assert (report.count(FileStatus.INDEXED), report.count(FileStatus.UNCHANGED)) == (1, 5)
    assert library.found("zebras")[0] == "About zebras."
    assert library.counts() == (6, 6)


def test_another_audience_or_language_is_a_change(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    _many(folder, 1)
    run()
    assert run(IngestOptions("help", audience=Audience.INTERNAL)).count(FileStatus.INDEXED) == 1
    assert (library.found("word0", PUBLIC), len(library.found("word0", STAFF))) == ([], 1)
    assert run(IngestOptions("help", audience=Audience.INTERNAL, lang="zh")).count(FileStatus.INDEXED) == 1
    assert library.passages("word0", STAFF)[0].lang == "zh"


def test_a_new_embedding_model_is_a_change_and_embedding_anew_makes_it_none(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    from kb.audit import re_embed

    _many(folder, 3)
    run()
    library.embedder = hashed_embedder(64)
    re_embed(library.database, library.embedder)
    assert run().count(FileStatus.UNCHANGED) == 3
    library.embedder = hashed_embedder(32)
    assert run().count(FileStatus.INDEXED) == 3


def test_what_was_archived_stays_archived_until_somebody_publishes_it(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    _many(folder, 2)
    run()
    with library.database.read() as session:
        article = next(a for a in store.list_articles(session)[0] if a.source == "000.md")
    library.archive(article)
    write(folder, {"000.md": "# Article 0\n\nChanged meanwhile.\n"})
    assert _outcome(run()) == {"000.md": "archived", "001.md": "unchanged"}
    assert library.live_texts() == ["About word1 and nothing else."]
    library.publish(article)
    assert run().count(FileStatus.INDEXED) == 1
    assert library.found("changed meanwhile")[0] == "Changed meanwhile."


def test_collections_do_not_meet(run: Callable[..., IngestReport], folder: Path, library: Library) -> None:
    _many(folder, 2)
    assert run(IngestOptions("one")).count(FileStatus.INDEXED) == 2
    assert run(IngestOptions("two")).count(FileStatus.INDEXED) == 2
    assert library.rows("kb_articles") == 4


def test_every_file_is_reported_once_as_it_is_done(run: Callable[..., IngestReport], folder: Path) -> None:
    _many(folder, 70)
    (folder / "empty.md").touch()
    seen: list[FileResult] = []
    report = run(on_result=seen.append)
    assert seen == list(report.files)
    assert len({result.source for result in seen}) == len(seen) == 71


def test_a_document_larger_than_a_batch_is_visible_as_a_whole(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    body = "\n\n".join(
        f"## Section {i}\n\n" + f"Sentence about topic{i}. " * 60 for i in range(module.BATCH_CHUNKS + 20)
    )
    write(folder, {"long.md": f"# Long\n\n{body}\n"})
    report = run()
    assert report.chunks > module.BATCH_CHUNKS
    assert library.counts() == (report.chunks, report.chunks)


def test_a_file_that_surprises_us_is_recorded_and_the_rest_goes_on(
    run: Callable[..., IngestReport], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _many(folder, 4)
    real = module.load

    def load(path: Path, **more: object):  # type: ignore[no-untyped-def]
        if path.name == "002.md":
            raise ZeroDivisionError("a bug of ours")
        return real(path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "load", load)
    report = run()
    assert _outcome(report)["002.md"] == "unexpected_error"
    assert report.count(FileStatus.INDEXED) == 3
    assert "ZeroDivisionError" in next(r.reason for r in report.files if r.code)


def test_a_document_the_database_does_not_take_fails_alone(
    run: Callable[..., IngestReport], folder: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    _many(folder, 5)
    real = store.save_version

    def save(session, keywords, article, *rest, **more):  # type: ignore[no-untyped-def]
        if article.source == "003.md":
            raise ValueError("not to be stored")
        return real(session, keywords, article, *rest, **more)

    monkeypatch.setattr(store, "save_version", save)
    report = run()
    assert _outcome(report) == {f"{i:03}.md": "indexed" for i in (0, 1, 2, 4)} | {"003.md": "unexpected_error"}
    assert library.counts() == (4, 4)


class _Picky(HashEncoder):
    """An encoder that some text breaks, or that is gone."""

    error: Exception | None = None

    def encode(self, texts: list[str], kind: TextKind) -> Vectors:  # type: ignore[override]
        if self.error is not None and any("word3 " in one for one in texts):
            raise self.error
        return super().encode(texts, kind)


@pytest.fixture
def picky(library: Library) -> _Picky:
    encoder = _Picky(256)
    known = hashed_embedder(256)
    library.embedder = CentredEmbedder(encoder, known.spec, known._means)
    return encoder


def test_a_text_the_model_breaks_on_fails_alone(
    run: Callable[..., IngestReport], folder: Path, library: Library, picky: _Picky
) -> None:
    _many(folder, 5)
    picky.error = RuntimeError("tensor trouble")
    assert _outcome(run())["003.md"] == "unexpected_error"
    assert library.counts() == (4, 4)


def test_a_model_that_is_gone_ends_the_run_and_is_named(
    run: Callable[..., IngestReport], folder: Path, library: Library, picky: _Picky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_CHUNKS", 2)
    _many(folder, 6)
    picky.error = EmbedderUnavailable("gone")
    with pytest.raises(EmbedderUnavailable):
        run()
    assert library.counts() == (2, 2)  # what was done stays
    picky.error = None
    report = run()
    assert (report.count(FileStatus.UNCHANGED), report.count(FileStatus.INDEXED)) == (2, 4)


def test_a_full_disk_ends_the_run_and_is_named(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    _many(folder, 70, words="x" * 4_000 + " word")
    with library.database.begin() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count={pages + 4}"))
    with pytest.raises(StorageUnavailable):
        run()
    with library.database.begin() as session:
        session.execute(text("PRAGMA max_page_count=1000000"))
    assert run().count(FileStatus.INDEXED) == 70


def test_a_fault_of_the_list_of_files_reaches_the_caller(library: Library, clock: FixedClock, folder: Path) -> None:
    _many(folder, 3)

    def sources() -> Iterator[Source]:
        yield from walk(folder)
        raise PermissionError("the share went away")

    pipeline = Pipeline(library.database, library.embedder, library.keywords, None, clock)
    with pytest.raises(PermissionError):
        pipeline.run(sources(), HELP)


def test_reading_ahead_is_bounded_and_ends_with_the_run(
    library: Library, clock: FixedClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _many(folder, 200)
    read: list[str] = []
    monkeypatch.setattr(module, "BATCH_CHUNKS", 1)
    ahead: list[int] = []

    def sources() -> Iterator[Source]:
        for source in walk(folder):
            read.append(source.name)
            yield source

    def failing(result: FileResult) -> None:
        ahead.append(len(read))
        if len(ahead) == 3:
            raise RuntimeError("enough")

    pipeline = Pipeline(library.database, library.embedder, library.keywords, None, clock)
    with pytest.raises(RuntimeError, match="enough"):
        pipeline.run(sources(), HELP, failing)
    assert max(ahead) <= module.READ_AHEAD + 5
    for thread in threading.enumerate():
        if thread.name == "read-ahead":
            thread.join(10)
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())


class _Told:
    name = "told"
    times = 0

    def refresh(self) -> None:
        self.times += 1


def test_the_index_is_told_when_something_changed_and_only_then(
    library: Library, clock: FixedClock, folder: Path
) -> None:
    _many(folder, 2)
    index = _Told()
    pipeline = Pipeline(library.database, library.embedder, library.keywords, index, clock)  # type: ignore[arg-type]
    pipeline.run(walk(folder), HELP)
    pipeline.run(walk(folder), HELP)
    assert index.times == 1


def test_a_file_name_that_is_no_utf_8_is_indexed(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    Path(os.fsdecode(os.path.join(os.fsencode(folder), b"caf\xe9.md"))).write_text("# Coffee\n\nTurn the tap.\n")
    assert _outcome(run()) == {"caf\\xe9.md": "indexed"}
    assert library.found("tap") == ["Turn the tap."]


def test_the_same_name_twice_in_one_run_is_one_article(library: Library, clock: FixedClock, folder: Path) -> None:
    _many(folder, 1)
    source = next(iter(walk(folder)))
    pipeline = Pipeline(library.database, library.embedder, library.keywords, None, clock)
    pipeline.run([source, source], HELP)
    assert (library.rows("kb_articles"), library.counts()) == (1, (1, 1))


def test_an_article_written_by_hand_is_visible_at_once(library: Library, clock: FixedClock) -> None:
    parts = (library.database, library.embedder, library.keywords)
    assert save_article(parts, draft("hand.md", "# Hand\n\nWritten by hand.\n"), clock.now()) == 1
    assert library.found("written by hand") == ["Written by hand."]


def test_a_document_keeps_what_it_says_about_itself(folder: Path) -> None:
    write(folder, {"a.md": "# Title\n\nText of some length.\n"})
    made = draft_from(module.load(folder / "a.md"), "en/a.md", IngestOptions("help", author="Wang"))
    assert (made.title, made.author, made.translation_key, made.audience) == ("Title", "Wang", "a.md", Audience.PUBLIC)


def test_every_live_chunk_has_a_vector_of_the_spec_in_force(
    run: Callable[..., IngestReport], folder: Path, library: Library
) -> None:
    _many(folder, 10)
    run()
    with library.database.read() as session:
        rows = session.execute(text("SELECT spec, vector FROM kb_chunks")).all()
    assert {row.spec for row in rows} == {library.spec}
    assert all(np.isclose(np.linalg.norm(np.frombuffer(row.vector, "<f4")), 1.0) for row in rows)
