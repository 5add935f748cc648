"""Logs: constant event names with fields. Ids, never objects; what customers wrote only with `log_content`."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from base.settings import Settings

_CONTENT_FIELDS = frozenset({"text", "question", "answer", "body", "content"})


def set_up_logging(settings: Settings) -> None:
    """Send structlog and the standard library's loggers to stderr, as text on a terminal, as JSON Lines elsewhere."""
    level = getattr(logging, settings.log_level.upper())
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        # The default formatter prints local variables too: what a customer wrote is among them.
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if as_json else _keep,
    ]
    if not settings.log_content:
        processors.insert(0, _hide_content)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream of the moment: it may be replaced
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )


def get_logger(name: str) -> Any:
    """A logger bound to the module's name."""
    return structlog.get_logger(module=name)


def _keep(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    return event


def _hide_content(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    for name in _CONTENT_FIELDS & event.keys():
        event[name] = f"({len(str(event[name]))} characters)"
    return event
