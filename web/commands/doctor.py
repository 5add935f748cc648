"""doctor: what is configured, reachable, missing, in plain words."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import click

from base.errors import AppError
from base.i18n import explain, terminal_locale
from base.settings import Settings

SQLITE_FIXED = (3, 51, 3)  # sqlite.org/wal.html#walresetbug: older ones can damage a database two programs checkpoint
LOW_DISK_BYTES = 1_000_000_000
_STUCK = ("dead", "maybe_sent", "bounced", "quarantined")


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    what: str
    advice: str = ""


Check = Callable[[Settings], Iterator[Finding]]


def run_doctor(settings: Settings) -> int:
    """Print the findings; return 1 when something needs doing."""
    worst = 0
    for finding in examine(settings):
        mark = {Level.OK: "✓", Level.NOTE: "·", Level.BAD: "✗"}[finding.level]
        click.echo(f"{mark} {finding.what}" + (f"\n    → {finding.advice}" if finding.advice else ""))
        worst = max(worst, int(finding.level is Level.BAD))
    return worst


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check, one after the other; a failing one never stops the rest. The same advice is given once."""
    told: set[str] = set()
    for check, broken in _CHECKS.items():
        for finding in _guarded(check, broken, settings):
            again = finding.level is Level.BAD and finding.advice in told
            told.add(finding.advice)
            yield replace(finding, advice="The same trouble as above.") if again and finding.advice else finding


def _guarded(check: Check, broken: str, settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except AppError as error:
        yield Finding(Level.BAD, broken, explain(error, terminal_locale(), to_operator=True))
    except Exception as error:  # a broken part must not hide the others
        if settings.log_level == "debug":
            raise
        words = (str(error) or type(error).__name__).splitlines()[0]
        yield Finding(Level.BAD, f"{broken} ({words})", "FIRSTLINE_LOG_LEVEL=debug shows where that comes from.")


def _data_dir(settings: Settings) -> Iterator[Finding]:
    from web.wiring import make_data_dir

    make_data_dir(settings.data_dir)
    free = shutil.disk_usage(settings.data_dir).free
    yield Finding(Level.OK, f"data folder {settings.data_dir} is writable, {free // 10**9} GB free")
    if free < LOW_DISK_BYTES:
        yield Finding(
            Level.BAD, "less than 1 GB of disk is left", "Make room: nothing can be accepted once it is full."
        )


def _sqlite(settings: Settings) -> Iterator[Finding]:
    if not settings.url.startswith("sqlite"):
        return
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < SQLITE_FIXED:
        yield Finding(
            Level.NOTE,
            f"SQLite {version} has a rare fault when two programs write at once (fixed in 3.51.3)",
            "Fine for one server. For several processes use PostgreSQL (FIRSTLINE_DATABASE_URL).",
        )
    else:
        yield Finding(Level.OK, f"SQLite {version}")


def _database(settings: Settings) -> Iterator[Finding]:
    from base.database import Database
    from base.migrate import current_revision, migrate
    from desk import inbox, mails, outbox

    database = Database(settings.url)
    try:
        migrate(database)
        kind = "SQLite" if database.is_sqlite else "PostgreSQL"
        yield Finding(Level.OK, f"database ({kind}) answers, at revision {current_revision(database)}")
        with database.read() as session:
            queues = {
                "inbox": inbox.counts(session), "outbox": outbox.counts(session), "mail": mails.counts(session),
            }  # fmt: skip
        for name, counts in queues.items():
            stuck = [f"{count} {state}" for state, count in counts.items() if state in _STUCK]
            if stuck:
                advice = "A person should look at them: `firstline queue` lists them."
                yield Finding(Level.BAD, f"{name}: {', '.join(stuck)}", advice)
    finally:
        database.close()


def _embedder(settings: Settings) -> Iterator[Finding]:
    from kb.embed import make_embedder

    embedder = make_embedder(
        settings.embedder, settings.data_dir / "models", base_url=settings.embedder_base_url,
        api_key=settings.embedder_api_key.get_secret_value(), workers=settings.embedder_workers,
    )  # fmt: skip
    embedder.embed_query("hello", "en")
    languages = ", ".join(embedder.spec.languages) or "none of ours"
    yield Finding(Level.OK, f"embedding model {embedder.spec.model} works, languages: {languages}")


def _index(settings: Settings) -> Iterator[Finding]:
    from kb import store
    from kb.audit import check
    from web.wiring import build

    services = build(settings.model_copy(update={"llm": ""}))  # the chat model has a check of its own
    try:
        with services.database.read() as session:
            counts = store.counts(session)
        if counts.published == 0:
            yield Finding(Level.NOTE, "the knowledge base is empty", "Add documents: firstline ingest FOLDER")
            return
        report = check(services.database, services.embedder, services.vectors, services.keywords)
        text = f"{counts.published} articles published, {counts.chunks} passages"
        if report.ok:
            yield Finding(Level.OK, f"{text}; index and database agree")
        else:
            yield Finding(Level.BAD, f"{text}; index and database differ", "Run: firstline reindex")
    finally:
        services.close()


def _model(settings: Settings) -> Iterator[Finding]:
    if not settings.llm:
        yield Finding(
            Level.NOTE, "no chat model: answers are quotations with their source (set FIRSTLINE_LLM for smoother ones)"
        )
        return
    from bot.breaker import read_state
    from bot.model_writer import make_chat_model
    from web.wiring import BREAKER_FILE

    rests = read_state(settings.data_dir / BREAKER_FILE)
    if rests is not None and rests.is_open(datetime.now(UTC)):
        yield Finding(
            Level.NOTE, f"the chat model failed {rests.failures} times and rests: answers are quotations meanwhile",
            f"Last error: {rests.last_error}" if rests.last_error else "",
        )  # fmt: skip
    model = make_chat_model(
        settings.llm, base_url=settings.llm_base_url, api_key=settings.llm_api_key.get_secret_value(),
        timeout_seconds=min(10.0, settings.llm_timeout_seconds), max_tokens=16,
    )  # fmt: skip
    try:
        model.invoke("Say OK")
    except Exception as error:  # providers raise what they like
        yield Finding(
            Level.BAD, f"chat model {settings.llm} does not answer ({type(error).__name__})",
            "Check FIRSTLINE_LLM, FIRSTLINE_LLM_BASE_URL and FIRSTLINE_LLM_API_KEY. Until then answers are quotations.",
        )  # fmt: skip
    else:
        yield Finding(Level.OK, f"chat model {settings.llm} answers")


def _scanner(settings: Settings) -> Iterator[Finding]:
    from base.antivirus import NotScanned, make_scanner

    scanner = make_scanner(settings.clamd)
    if scanner is None:
        yield Finding(Level.NOTE, "no virus scanner: files of mails are handed out as they came (FIRSTLINE_CLAMD)")
        return
    try:
        yield Finding(Level.OK, f"virus scanner {settings.clamd} answers: {scanner.version()[:80]}")
    except NotScanned as error:
        yield Finding(
            Level.BAD, f"virus scanner {settings.clamd} does not answer ({error.detail})",
            "Start clamd, or mend FIRSTLINE_CLAMD. Until then no file of a mail is handed out.",
        )  # fmt: skip


def _staff(settings: Settings) -> Iterator[Finding]:
    from base.database import Database
    from desk import staff

    database = Database(settings.url)
    try:
        with database.read() as session:
            count = staff.count(session)
    finally:
        database.close()
    if count:
        yield Finding(Level.OK, f"{count} member(s) of staff")
    else:
        advice = "Run: firstline staff add --name NAME --email ADDRESS --role admin"
        yield Finding(Level.BAD, "nobody is on the staff: tickets would wait for ever", advice)


def _calendar(settings: Settings) -> Iterator[Finding]:
    from desk.service import load

    defaults = load(Path(settings.service_defaults) if settings.service_defaults else None)
    missing = defaults.unpublished_years(datetime.now(UTC).date())
    for calendar, year in missing.items():
        yield Finding(
            Level.NOTE, f"calendar {calendar}: the official days of {year} are not known yet",
            "Deadlines in that year are marked provisional. Update Firstline once they are published.",
        )  # fmt: skip
    if not missing:
        yield Finding(Level.OK, "working-time calendars are complete for the next 60 days")


def _browser_side(settings: Settings) -> Iterator[Finding]:
    yield Finding(Level.OK, f"customers reach Firstline at {settings.base_url}")
    if settings.base_url.startswith("http://") and settings.host not in ("127.0.0.1", "localhost", "::1"):
        yield Finding(
            Level.NOTE, "it is served without TLS to other machines",
            "Put it behind a reverse proxy with HTTPS and set FIRSTLINE_PUBLIC_URL and FIRSTLINE_TRUSTED_PROXIES.",
        )  # fmt: skip
    if importlib.util.find_spec("sentence_transformers") is None:
        yield Finding(
            Level.NOTE, "the extra firstline[sentence-transformers] is not installed (only needed for hub models)"
        )


# Each check, and what its failing means in plain words.
_CHECKS: dict[Check, str] = {
    _data_dir: "the data folder cannot be used",
    _sqlite: "SQLite cannot be used",
    _database: "the database cannot be used",
    _embedder: "the embedding model does not work, so nothing is found by its meaning",
    _index: "the knowledge base could not be checked",
    _model: "the chat model cannot be used",
    _scanner: "the virus scanner could not be asked",
    _staff: "the staff could not be looked up",
    _calendar: "the service levels and calendars cannot be read",
    _browser_side: "the address for customers could not be checked",
}
