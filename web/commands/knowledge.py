"""ingest, reindex, search."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from base.errors import InvalidInput
from base.i18n import N_
from base.log import set_up_logging
from base.settings import Settings
from ingest.pipeline import FileResult, FileStatus, IngestOptions, IngestReport
from ingest.sources import Source, walk
from kb.models import Audience, Passage, Scope
from web.commands.jsonlines import emit, read_cases, writer
from web.wiring import Services, build, limits_of


class MissingSource(InvalidInput):
    code = "missing_source"
    message = N_("There is nothing at {file}. Check the path.")


def run_ingest(
    settings: Settings, sources: tuple[str, ...], *, collection: str, audience: str, lang: str, as_json: bool
) -> None:
    """Ingest and report; the exit code is 0 whenever the run itself succeeded, whatever single files did."""
    set_up_logging(settings)
    services = build(settings)
    results: list[FileResult] = []
    started = time.perf_counter()
    try:
        for given in sources:
            with tempfile.TemporaryDirectory(prefix="firstline-fetch-") as folder:
                found = list(_sources(given, settings, Path(folder)))
                options = IngestOptions(
                    collection=collection or _collection_name(given), audience=Audience(audience), lang=lang,
                    author="cli", limits=limits_of(settings),
                )  # fmt: skip
                results += _run(services, found, options, quiet=as_json).files
    finally:
        services.close()
    report = IngestReport(tuple(results), time.perf_counter() - started)
    _print_json(report) if as_json else _print(report)


def _sources(given: str, settings: Settings, folder: Path) -> Iterator[Source]:
    if given.startswith(("http://", "https://")):
        from ingest.fetch import fetch

        yield fetch(given, folder, max_bytes=settings.upload_max_bytes, allow_private=settings.ingest_url_private)
        return
    if not Path(given).exists():
        raise MissingSource(file=given)
    yield from walk(Path(given))


def _collection_name(given: str) -> str:
    if given.startswith(("http://", "https://")):
        return given.split("/")[2]
    path = Path(given).resolve()
    return path.name if path.is_dir() else "general"


def _run(services: Services, found: list[Source], options: IngestOptions, *, quiet: bool) -> IngestReport:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = not quiet and sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task(options.collection, total=len(found))
        return services.pipeline.run(found, options, lambda result: progress.advance(task))


def _print_json(report: IngestReport) -> None:
    click.echo(
        json.dumps(
            {
                "indexed": report.count(FileStatus.INDEXED),
                "unchanged": report.count(FileStatus.UNCHANGED),
                "files": [
                    {"source": r.source, "status": r.status, "reason": r.reason, "chunks": r.chunks}
                    for r in report.files
                ],
                "elapsed_s": round(report.elapsed_s, 3),
            },
            ensure_ascii=False,
        )
    )


def _print(report: IngestReport) -> None:
    for result in report.files:
        if result.status in (FileStatus.SKIPPED, FileStatus.FAILED):
            click.echo(f"  {result.status:9} {result.source}: {result.reason}")
    counts = ", ".join(f"{report.count(status)} {status}" for status in FileStatus if report.count(status))
    click.echo(f"{counts or 'nothing to read'}; {report.chunks} passages in {report.elapsed_s:.1f} s")


def run_reindex(settings: Settings) -> None:
    """Check and repair, in plain words."""
    from kb.audit import repair

    set_up_logging(settings)
    services = build(settings)
    try:
        report = repair(services.database, services.embedder, services.vectors, services.keywords)
    finally:
        services.close()
    verdict = "index and database agree" if report.ok else "still not in agreement: run `firstline doctor`"
    click.echo(f"{report.live_chunks} passages, {report.keyword_chunks} in the keyword index: {verdict}")
    if not report.ok:
        sys.exit(1)


def run_search(
    settings: Settings, question: str | None, cases: Path | None, out: Path | None, top_k: int, internal: bool
) -> None:
    """Search for one question, or for each case of a file."""
    set_up_logging(settings)
    if not question and cases is None:
        raise click.UsageError("Give a question, or --cases FILE.")
    services = build(settings)
    scope = Scope(audiences=(Audience.PUBLIC, Audience.INTERNAL)) if internal else Scope()
    try:
        services.embedder.warm()
        if cases is None:
            _print_hits(services.searcher.search(question or "", scope=scope, top_k=top_k).passages)
            return
        given = list(read_cases(cases))
        with writer(out) as sink:
            for case_id, text in given:
                started = time.perf_counter()
                found = services.searcher.search(text[: settings.message_max_chars], scope=scope, top_k=top_k)
                elapsed = (time.perf_counter() - started) * 1000
                hits = [hit_json(passage) for passage in found.passages]
                emit(sink, {"id": case_id, "hits": hits, "elapsed_ms": round(elapsed, 2)})
    finally:
        services.close()


def hit_json(passage: Passage) -> dict[str, Any]:
    """A passage as the batch search prints it."""
    return {
        "article_id": passage.article_public_id,
        "source": passage.source,
        "title": passage.title,
        "section": passage.section,
        "lang": passage.lang,
        "score": passage.score,
        "quote": passage.text,
    }


def _print_hits(passages: tuple[Passage, ...]) -> None:
    if not passages:
        click.echo("nothing found")
    for place, passage in enumerate(passages, start=1):
        section = f" › {passage.section}" if passage.section else ""
        click.echo(f"{place:2}. {passage.score:.3f} [{passage.lang}] {passage.title}{section}  ({passage.source})")
        click.echo("      " + " ".join(passage.text.split())[:160])
