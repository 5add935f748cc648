"""ask, triage, chat."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from base.errors import AppError, StorageUnavailable
from base.i18n import N_, explain, terminal_locale, translate
from base.log import get_logger, set_up_logging
from base.messages import Channel, Inbound
from base.settings import Settings
from bot.models import Outcome, OutcomeKind, Triage
from channels.payload import NotUnderstood
from web.commands.jsonlines import CaseId, emit, one_or_many, read_cases, writer
from web.wiring import Services, build
from web.worker import Worker, blame

log = get_logger(__name__)
# What the batch interface calls what the policy decided; a greeting is an answer that needs no source.
_OUTCOMES = {OutcomeKind.GREETING: "answer", OutcomeKind.SILENT: "ticket"}


def run_ask(
    settings: Settings, question: str | None, cases: Path | None, out: Path | None, as_json: bool, live: bool,
    about: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Ask one question, or each case of a file as a new customer. The desk is touched only with `live`.

    about: "product", "version" and "collection" that the questions are about, as the channel would tell them.
    """
    extra = {name: list(value) if isinstance(value, tuple) else value for name, value in (about or {}).items() if value}
    set_up_logging(settings)
    one_or_many("question", question, cases)
    services = build(settings)
    try:
        services.warm()
        if cases is None:
            _ask_one(services, question or "", as_json, live, extra)
            return
        given = list(read_cases(cases))
        with writer(out) as sink:
            for case_id, text in given:
                outcome, elapsed = _ask(services, text, live, extra)
                emit(sink, outcome_json(case_id, outcome, elapsed))
    finally:
        services.close()


def _ask(services: Services, text: str, live: bool, extra: dict[str, Any]) -> tuple[Outcome, float]:
    unique = uuid.uuid4().hex
    message = Inbound(
        Channel.CONSOLE, unique, f"ask-{unique}", f"ask-{unique}", _storable(text), datetime.now(UTC), extra=extra
    )
    started = time.perf_counter()
    outcome = services.engine.receive(message) if live else services.engine.ask(message)
    return outcome, (time.perf_counter() - started) * 1000


def _ask_one(services: Services, question: str, as_json: bool, live: bool, extra: dict[str, Any]) -> None:
    outcome, elapsed = _ask(services, question, live, extra)
    if as_json:
        emit(sys.stdout, outcome_json("1", outcome, elapsed))
        return
    click.echo(outcome.text)
    for choice in outcome.choices:
        click.echo(f"  - {choice.title}")
    for citation in outcome.citations:
        section = f" › {citation.section}" if citation.section else ""
        click.echo(f"\n[{citation.n}] {citation.title}{section} ({citation.source})")
    click.echo(f"\n{outcome.kind}, confidence {outcome.confidence:.2f}, urgency {outcome.triage.urgency}", err=True)


def outcome_json(case_id: CaseId, outcome: Outcome, elapsed_ms: float) -> dict[str, Any]:
    """An outcome as the batch interface prints it; a clarifying question also has its `choices`."""
    choices = [{"article_id": choice.article_id, "title": choice.title} for choice in outcome.choices]
    return {
        "id": case_id,
        "outcome": _OUTCOMES.get(outcome.kind, str(outcome.kind)),
        "text": outcome.text,
        "lang": outcome.lang,
        "confidence": outcome.confidence,
        "citations": [
            {
                "n": c.n, "article_id": c.article_id, "source": c.source, "title": c.title, "section": c.section,
                "quote": c.quote,
            }
            for c in outcome.citations
        ],
        **({"choices": choices} if choices else {}),
        **triage_json(outcome.triage),
        "elapsed_ms": round(elapsed_ms, 2),
    }  # fmt: skip


def triage_json(found: Triage) -> dict[str, Any]:
    """The triage fields; reasons in the message's language."""
    return {
        "urgency": found.urgency,
        "urgency_reasons": [reason.render(found.lang) for reason in found.urgency_reasons],
        "category": found.category,
        "sentiment": found.sentiment,
        "wants_human": found.wants_human,
    }


def run_triage(settings: Settings, message: str | None, cases: Path | None, out: Path | None) -> None:
    """Triage one message, or each case of a file."""
    set_up_logging(settings)
    one_or_many("message", message, cases)
    services = build(settings)
    try:
        services.warm()
        given = list(read_cases(cases)) if cases is not None else [("1", message or "")]
        with writer(out) as sink:
            for case_id, text in given:
                started = time.perf_counter()
                found = services.thinker.triage_alone(_storable(text))
                elapsed = round((time.perf_counter() - started) * 1000, 2)
                about = {"subcategory": found.subcategory, "things": [key for key, _ in found.things]}
                emit(sink, {"id": case_id, "lang": found.lang, **triage_json(found), **about, "elapsed_ms": elapsed})
    finally:
        services.close()


_LINE = N_("Line {line} is not a message. Write one JSON object on each line, such as {example}")


def run_chat(settings: Settings) -> None:
    """A conversation in the terminal; a pipe speaks JSON Lines both ways.

    A line of a pipe that cannot be read or answered gets {"error", "message", "line"} and the next one its turn.
    """
    from channels.console import ConsoleAdapter

    set_up_logging(settings)
    services = build(settings)
    talking = sys.stdin.isatty()
    door = ConsoleAdapter(None if talking else sys.stdout)
    worker = Worker(services, {Channel.CONSOLE: door})
    thread = f"terminal-{uuid.uuid4().hex[:12]}"
    try:
        services.warm()
        for number, payload in enumerate(_lines(talking, thread), start=1):
            if not payload.strip():
                continue
            try:
                for message in door.parse(payload, {"line": f"{thread}:{number}"}):
                    outcome = services.engine.receive(message)
                    if talking:
                        click.echo(f"\n{outcome.text}\n")
            except StorageUnavailable:
                raise  # no line would fare better
            except Exception as error:  # this line's own trouble
                _tell_of_line(number, error, talking)
            while asyncio.run(worker.send_one()):
                pass
    finally:
        services.close()


def _tell_of_line(number: int, error: Exception, talking: bool) -> None:
    locale = terminal_locale()
    known = error if isinstance(error, AppError) else AppError()
    log.warning("line_not_answered", line=number, error=blame(error))
    reason = explain(known, locale)
    if isinstance(error, NotUnderstood):
        reason = translate(_LINE, locale, line=number, example='{"text": "VPN error 809"}')
    if talking:
        click.echo(f"\n{reason}\n", err=True)
    else:
        emit(sys.stdout, {"error": known.code, "message": reason, "line": number})
        sys.stdout.flush()  # whoever drives the pipe waits for it


def _lines(talking: bool, thread: str) -> Iterator[bytes]:
    """What the console door reads. Bytes: a pipe may hold anything, also what is no text."""
    if not talking:
        yield from sys.stdin.buffer
        return
    click.echo("Ask in Chinese or English; an empty line ends. 用中文或英文提问，空行结束。\n")
    while text := click.prompt("你 / you", default="", show_default=False, prompt_suffix=" > "):
        yield json.dumps({"text": text, "thread": thread}).encode()


def _storable(text: str) -> str:
    """Text that JSON and every database can hold: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
