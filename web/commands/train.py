"""triage train: the learned part of triage, fitted anew."""

from __future__ import annotations

import importlib
from pathlib import Path

from base.settings import Settings


def run_train(settings: Settings, *, bundled: bool, write: bool, out: Path | None) -> None:
    """Fit, measure, say, write. evals stands above web: it is found by name when asked for, never imported."""
    evals = importlib.import_module("evals.train_triage")
    evals.run(settings, evals.Wish(bundled=bundled, write=write, out=out))
