"""What a model is told: one file for each task and version. A changed prompt is a new file with the next number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its version, as the record of an answer names it: "answer.v1"."""

    version: str
    text: str

    @property
    def number(self) -> int:
        return int(self.version.rpartition(".v")[2])


@cache
def prompt(task: str) -> Prompt:
    """The newest version of a task's prompt. Raises LookupError for a task that has none."""
    found = sorted(FOLDER.glob(f"{task}.v*.md"), key=lambda path: int(path.stem.rpartition(".v")[2]))
    if not found:
        raise LookupError(f"no prompt for {task}")
    return Prompt(found[-1].stem, found[-1].read_text(encoding="utf-8"))
