"""JSON Lines in and out, so that anything can drive the commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from base.errors import InvalidInput
from base.i18n import N_


class BadCases(InvalidInput):
    code = "bad_cases"
    message = N_('Line {line} of {file} is not right: each line must be a JSON object with "id" and "text".')


class MissingCases(InvalidInput):
    code = "missing_cases"
    message = N_("{file} cannot be read. Check the path.")


class CannotWrite(InvalidInput):
    code = "cannot_write"
    message = N_("{file} cannot be written. Check the folder and its permissions.")


CaseId = str | int | float | bool | None  # as it stands in the file, so that it can be joined with it again


def one_or_many(what: str, text: str | None, cases: Path | None) -> None:
    """Raises UsageError unless there is either a text or a file of cases: neither is passed over in silence."""
    if not text and cases is None:
        raise click.UsageError(f"Give a {what}, or --cases FILE.")
    if text and cases is not None:
        raise click.UsageError(f"Give a {what} or --cases FILE, not both.")


def read_cases(path: Path) -> Iterator[tuple[CaseId, str]]:
    """(id, text) per line; a case without an id is called by its line's number.

    Raises MissingCases, or BadCases naming the line; empty lines and a byte order mark are passed over.
    """
    try:
        source = path.open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise MissingCases(file=str(path)) from error
    with source:
        for number, line in enumerate(source, start=1):
            if not line.strip():
                continue
            try:
                case = json.loads(line)
                text, case_id = case["text"], case.get("id", str(number))
                if not isinstance(text, str) or not isinstance(case_id, CaseId):
                    raise TypeError
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                raise BadCases(line=number, file=str(path)) from error
            yield case_id, text


@contextmanager
def writer(path: Path | None) -> Iterator[TextIO]:
    """Where results go: a file, or standard output."""
    if path is None:
        yield sys.stdout
        return
    try:
        out = path.open("w", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(file=str(path)) from error
    with out:
        yield out


def emit(out: TextIO, record: dict[str, Any]) -> None:
    """One record, one line; whatever a text holds, the line is valid UTF-8."""
    line = json.dumps(record, ensure_ascii=False)
    out.write(line.encode("utf-8", "replace").decode("utf-8") + "\n")
