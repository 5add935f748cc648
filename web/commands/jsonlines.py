"""JSON Lines in and out, so that anything can drive the commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

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


def read_cases(path: Path) -> Iterator[tuple[str, str]]:
    """(id, text) per line. Raises MissingCases, or BadCases naming the line; empty lines are passed over."""
    try:
        source = path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MissingCases(file=str(path)) from error
    with source:
        for number, line in enumerate(source, start=1):
            if not line.strip():
                continue
            try:
                case = json.loads(line)
                text = case["text"]
                if not isinstance(text, str):
                    raise TypeError
            except (ValueError, TypeError, KeyError) as error:
                raise BadCases(line=number, file=str(path)) from error
            yield str(case.get("id", number)), text


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
