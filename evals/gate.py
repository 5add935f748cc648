"""Floors and ceilings that a run must keep: a TOML file, checked in a build."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.errors import InvalidInput
from base.i18n import N_
from evals.measures import Measure, SuiteName

_TABLES = {"run", "floors", "ceilings"}


class BadGate(InvalidInput):
    code = "bad_gate"
    message = N_("The gate file {file} cannot be used: {reason}.")


@dataclass(frozen=True, slots=True)
class Gate:
    """Limits by `suite.name.group`, and which suites with how many cases the file was written for."""

    suites: tuple[SuiteName, ...]
    limit: int
    floors: dict[str, float]
    ceilings: dict[str, float]


def read_gate(path: Path) -> Gate:
    """Raises BadGate: no file, no TOML, an unknown table or suite, a limit that is no number, no limit at all."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadGate(file=str(path), reason=error.strerror or "it cannot be read") from error
    except ValueError as error:
        raise BadGate(file=str(path), reason=str(error)) from error
    if unknown := data.keys() - _TABLES:
        raise BadGate(file=str(path), reason=f"unknown table {', '.join(sorted(unknown))}")
    run: dict[str, Any] = data.get("run", {})
    try:
        suites = tuple(SuiteName(name) for name in run.get("suites", []))
        limit = int(run.get("limit", 0))
        floors, ceilings = (_limits(data.get(name, {})) for name in ("floors", "ceilings"))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadGate(file=str(path), reason=str(error)) from error
    if not floors and not ceilings:
        raise BadGate(file=str(path), reason="it has no floors and no ceilings")
    return Gate(suites, limit, floors, ceilings)


def broken(gate: Gate, measures: Sequence[Measure], suites: Sequence[str]) -> list[str]:
    """A line per limit that is not kept, or was not measured although its suite ran."""
    values = {measure.key: measure.value for measure in measures}
    found = []
    for key, limit, sign in (
        *((key, limit, ">=") for key, limit in gate.floors.items()),
        *((key, limit, "<=") for key, limit in gate.ceilings.items()),
    ):
        if key.partition(".")[0] not in suites:
            continue
        value = values.get(key)
        if value is None:
            found.append(f"{key} was not measured (wanted {sign} {limit:g})")
        elif (value < limit) if sign == ">=" else (value > limit):
            found.append(f"{key} is {value:.4g}, wanted {sign} {limit:g}")
    return found


def _limits(table: dict[str, Any]) -> dict[str, float]:
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f'"{key}" is no number (write names with dots in quotation marks)')
        SuiteName(key.partition(".")[0])
    return {key: float(value) for key, value in table.items()}
