"""The small Markdown that all readers write: headings, pipe tables, fenced code, links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

_URL = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_MAX_ADDRESS = 300  # longer ones carry tracking, not a place
_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?^[ \t]*\1", re.DOTALL | re.MULTILINE)
_TOP = re.compile(r"^# (.+)$", re.MULTILINE)


def word_set(text: str) -> frozenset[str]:
    """The words of a literal, as a set."""
    return frozenset(text.split())


def link(label: str, target: str) -> str:
    """The label; with the address only when it leads somewhere from outside the site that the file belongs to."""
    if not _URL.match(target) or not label.strip():
        return label
    address = re.sub(r"^mailto:", "", target, flags=re.IGNORECASE)
    if label.strip() in (target, address) or len(target) > _MAX_ADDRESS or re.search(r"[\s()<>]", target):
        return label
    return f"[{label}]({target})"


def pipe_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a pipe table, the first one as its header; columns empty throughout are left out. "" for none."""
    width = max((len(row) for row in rows), default=0)
    cells = [[_cell(value) for value in row] + [""] * (width - len(row)) for row in rows]
    used = [i for i in range(width) if any(row[i] for row in cells)]
    lines = [f"| {' | '.join(row[i] for i in used)} |".replace("  ", " ") for row in cells if any(row)]
    if not used or not lines:
        return ""
    return "\n".join([lines[0], f"|{'---|' * len(used)}", *lines[1:]])


def fenced(code: str, language: str = "") -> str:
    """A code block whose fence is longer than any fence inside it."""
    longest = max((len(run) for run in re.findall(r"^\s*(`{3,})", code, re.MULTILINE)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def title_of(text: str, declared: str) -> str:
    """The first `# ` heading. Among several it is the title only when nothing but the next heading follows it, since
    otherwise they are chapters of something that `declared` (front matter, file properties) or the file name names."""
    prose = _FENCED.sub("", text)
    tops = list(_TOP.finditer(prose))
    if len(tops) == 1:
        return tops[0].group(1)
    if tops and not declared and not prose[tops[0].end() : tops[1].start()].strip():
        return tops[0].group(1)
    return declared


def _cell(value: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(value.split()))
