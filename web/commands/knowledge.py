"""ingest, reindex, search."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from base.errors import AppError, InvalidInput
from base.i18n import N_, explain, terminal_locale
from base.log import set_up_logging
from base.settings import Settings
from ingest.applies import checked, day, names
from ingest.errors import MissingFile
from ingest.pipeline import FileResult, FileStatus, IngestOptions, IngestReport
from ingest.sources import Source, walk
from kb.models import ALL, Applies, Audience, Passage, Scope
from web.commands.jsonlines import emit, one_or_many, read_cases, writer
from web.wiring import Services, build, limits_of


class MissingSource(InvalidInput):
    code = "missing_source"
    message = N_("There is nothing at {file}. Check the path.")


class NoDocuments(InvalidInput):
    code = "no_documents"
    message = N_(
        "There are no documents in {folder}, or we may not open it. Put PDF, DOCX, XLSX, CSV, Markdown, HTML or TXT "
        "files there, or name another folder."
    )


def run_ingest(
    settings: Settings, sources: tuple[str, ...], *, collection: str, audience: str, lang: str, as_json: bool,
    applies: Applies = ALL,
) -> None:  # fmt: skip
    """Ingest and report; the exit code is 0 whenever the run itself succeeded, whatever single files did.

    A source that is not there is reported as failed and the others are read. Raises the reason (MissingSource,
    PageUnreachable ...) when not one of them could be found.
    """
    set_up_logging(settings)
    services = build(settings)
    results: list[FileResult] = []
    missing: list[AppError] = []
    locale, started = terminal_locale(), time.perf_counter()
    try:
        for given in sources:
            with tempfile.TemporaryDirectory(prefix="firstline-fetch-") as folder:
                try:
                    found = _sources(given, settings, Path(folder))
                except NoDocuments as error:
                    results.append(_told(given, FileStatus.SKIPPED, error, locale))
                    continue
                except AppError as error:
                    missing.append(error)
                    results.append(_told(given, FileStatus.FAILED, error, locale))
                    continue
                options = IngestOptions(
                    collection=collection or _collection_name(given), audience=Audience(audience), lang=lang,
                    applies=applies, author="cli", limits=limits_of(settings), locale=locale,
                )  # fmt: skip
                results += _run(services, found, options, quiet=as_json).files
    finally:
        services.close()
    report = IngestReport(tuple(results), time.perf_counter() - started)
    nothing = len(missing) == len(sources)
    if as_json:
        _print_json(report)
    elif not nothing or len(sources) > 1:
        _print(report)
    if nothing:
        raise missing[0]


def _told(given: str, status: FileStatus, error: AppError, locale: str) -> FileResult:
    return FileResult(given, status, explain(error, locale), error.code)


def applies_of(
    product: Sequence[str], version: Sequence[str], package: Sequence[str], valid_from: str, valid_until: str
) -> Applies:
    """What the documents of a run apply to. Raises NoDay, NeverValid, TooManyNames."""
    return checked(
        Applies(
            names(",".join(product)), names(",".join(version)), names(",".join(package)),
            day(valid_from, "--valid-from"), day(valid_until, "--valid-until"),
        )
    )  # fmt: skip


def scope_of(internal: bool, product: str, version: str, collection: Sequence[str], package: str) -> Scope:
    """What a search on the command line may see: what such a customer may, or with `internal` what staff may."""
    audiences = (Audience.PUBLIC, Audience.INTERNAL) if internal else (Audience.PUBLIC,)
    return Scope(audiences, tuple(collection), product=product, version=version, package=package)


def _sources(given: str, settings: Settings, folder: Path) -> list[Source]:
    """The files that a path or an address stands for. Raises MissingSource, NoDocuments, or what `fetch` raises."""
    if given.startswith(("http://", "https://")):
        from ingest.fetch import PageUnreachable, fetch

        limit, private = settings.upload_max_bytes, settings.ingest_url_private
        try:
            return [fetch(given, folder, max_bytes=limit, allow_private=private)]
        except (OSError, ValueError) as error:  # no room for it, or an address nobody foresaw
            raise PageUnreachable(url=given, reason=type(error).__name__) from error
    try:
        found = list(walk(Path(given)))
    except (MissingFile, OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise MissingSource(file=given) from error
    if not found:
        raise NoDocuments(folder=given)
    return found


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
    settings: Settings, question: str | None, cases: Path | None, out: Path | None, top_k: int, scope: Scope
) -> None:
    """Search for one question, or for each case of a file."""
    set_up_logging(settings)
    one_or_many("question", question, cases)
    services = build(settings)
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
