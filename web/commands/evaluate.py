"""eval: how good search, answers, silence and triage are, in figures."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from base.settings import Settings


def run_eval(settings: Settings, suites: tuple[str, ...], data_dir: Path | None, options: dict[str, Any]) -> int:
    """Run the suites; the exit code. `data_dir`: the installation when one was named.

    evals stands above web: it is found by name when asked for, never imported.
    """
    evals = importlib.import_module("evals.run")
    code: int = evals.run(settings, evals.Wish(suites=suites, installation=data_dir, **options))
    return code
