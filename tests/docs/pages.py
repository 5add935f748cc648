"""The project's pages and files as the documentation tests read them."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("base", "kb", "desk", "ingest", "bot", "channels", "web", "evals")

_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_SKIPPED = ("build", "dist", "node_modules", "firstline-data", "test-results", "vendor")
_TEXT = (
    ".py",
    ".md",
    ".toml",
    ".cfg",
    ".ini",
    ".html",
    ".css",
    ".js",
    ".json",
    ".txt",
    ".yaml",
    ".yml",
    ".sh",
    ".po",
    "",
)


def pages() -> list[Path]:
    """README, CHANGELOG and everything in docs/, in a fixed order."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def read(name: str) -> str:
    """A page by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    """A page's prose: no code blocks, no code spans."""
    return _SPAN.sub("", _BLOCK.sub("", text))


def code(text: str) -> str:
    """A page's code, one block line or span a line."""
    blocks = "\n".join(block.group() for block in _BLOCK.finditer(text))
    return blocks + "\n" + "\n".join(_SPAN.findall(_BLOCK.sub("", text)))


def headings(text: str) -> list[tuple[int, str]]:
    """(level, words) of each heading, in order."""
    found = re.findall(r"^(#{1,6}) +(.+?) *$", _BLOCK.sub("", text), re.MULTILINE)
    return [(len(marks), words) for marks, words in found]


def cells(text: str) -> list[list[str]]:
    """Every row of every table, its cells stripped; the lines under the headers are left out."""
    rows = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.lstrip().startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if not set("".join(row)) <= set("-: |")]


def modules() -> list[object]:
    """Every module of the project, imported."""
    found: list[object] = []
    for package in PACKAGES:
        top = importlib.import_module(package)
        found.append(top)
        for info in pkgutil.walk_packages(top.__path__, f"{package}."):
            if not info.name.endswith("__main__"):
                found.append(importlib.import_module(info.name))
    return found


def text_files() -> Iterator[Path]:
    """Every file of ours that people read: no vendored code, nothing that is built, no hidden folder but .ci."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part not in (".ci", ".pre-commit-config.yaml") for part in parts)
        made = any(part in _SKIPPED or part.endswith(".egg-info") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and not made and path.suffix in _TEXT:
            yield path
