"""ask, triage, chat."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from base.log import set_up_logging
from base.messages import Channel, Inbound
from base.settings import Settings
from bot.models import Outcome, OutcomeKind, Triage
from web.commands.jsonlines import emit, read_cases, writer
from web.wiring import Services, build

# What the batch interface calls what the policy decided; a greeting is an answer that needs no source.
_OUTCOMES = {OutcomeKind.GREETING: "answer", OutcomeKind.SILENT: "ticket"}


def run_ask(
    settings: Settings, question: str | None, cases: Path | None, out: Path | None, as_json: bool, live: bool
) -> None:
    """Ask one question, or each case of a file as a new customer. The desk is touched only with `live`."""
    set_up_logging(settings)
    if not question and cases is None:
        raise click.UsageError("Give a question, or --cases FILE.")
    services = build(settings)
    try:
        services.embedder.warm()
        services.triager.warm()
        if cases is None:
            _ask_one(services, question or "", as_json, live)
            return
        given = list(read_cases(cases))
        with writer(out) as sink:
            for case_id, text in given:
                outcome, elapsed = _ask(services, text, live)
                emit(sink, outcome_json(case_id, outcome, elapsed))
    finally:
        services.close()


def _ask(services: Services, text: str, live: bool) -> tuple[Outcome, float]:
    unique = uuid.uuid4().hex
    message = Inbound(Channel.CONSOLE, unique, f"ask-{unique}", f"ask-{unique}", _storable(text), datetime.now(UTC))
    started = time.perf_counter()
    outcome = services.engine.receive(message) if live else services.engine.ask(message)
    return outcome, (time.perf_counter() - started) * 1000


def _ask_one(services: Services, question: str, as_json: bool, live: bool) -> None:
    outcome, elapsed = _ask(services, question, live)
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


def outcome_json(case_id: str, outcome: Outcome, elapsed_ms: float) -> dict[str, Any]:
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
    if not message and cases is None:
        raise click.UsageError("Give a message, or --cases FILE.")
    services = build(settings)
    try:
        services.embedder.warm()
        services.triager.warm()
        given = list(read_cases(cases)) if cases is not None else [("1", message or "")]
        with writer(out) as sink:
            for case_id, text in given:
                started = time.perf_counter()
                found = services.thinker.triage_alone(_storable(text))
                elapsed = round((time.perf_counter() - started) * 1000, 2)
                emit(sink, {"id": case_id, "lang": found.lang, **triage_json(found), "elapsed_ms": elapsed})
    finally:
        services.close()


def run_chat(settings: Settings) -> None:
    """A conversation in the terminal; a pipe speaks JSON Lines both ways."""
    from channels.console import ConsoleAdapter
    from web.worker import Worker

    set_up_logging(settings)
    services = build(settings)
    talking = sys.stdin.isatty()
    door = ConsoleAdapter(None if talking else sys.stdout)
    worker = Worker(services, {Channel.CONSOLE: door})
    thread = f"terminal-{uuid.uuid4().hex[:12]}"
    try:
        services.embedder.warm()
        services.triager.warm()
        for number, line in enumerate(_lines(talking)):
            payload = json.dumps({"text": line, "thread": thread}) if talking else line
            for message in door.parse(payload.encode(), {"line": f"{thread}:{number}"}):
                outcome = services.engine.receive(message)
                if talking:
                    click.echo(f"\n{outcome.text}\n")
            while asyncio.run(worker.send_one()):
                pass
    finally:
        services.close()


def _lines(talking: bool) -> Any:
    if not talking:
        yield from (line for line in sys.stdin if line.strip())
        return
    click.echo("Ask in Chinese or English; an empty line ends. 用中文或英文提问，空行结束。\n")
    while text := click.prompt("你 / you", default="", show_default=False, prompt_suffix=" > "):
        yield text


def _storable(text: str) -> str:
    """Text that JSON and every database can hold: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
