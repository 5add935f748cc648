"""Long pipe tables in parts that each repeat the header: a row that is found alone still says what its cells mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.blocks import weigh

_PART_TOKENS = 300
_SEPARATOR = re.compile(r"[ >]*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?$")
_FENCE = re.compile(r"[ >]*(`{3,}|~{3,})")


def repeat_headers(text: str, part_tokens: int = _PART_TOKENS) -> str:
    """`text` with every table over `part_tokens` divided between rows. Code blocks are left alone."""
    return "\n".join(_lines(text.split("\n"), part_tokens))


def _lines(lines: list[str], part_tokens: int) -> Iterator[str]:
    at, fence = 0, ""
    while at < len(lines):
        line = lines[at]
        mark = _FENCE.match(line)
        if fence:
            if mark and mark.group(1).startswith(fence):
                fence = ""
        elif mark:
            fence = mark.group(1)
        elif _is_row(line) and at + 1 < len(lines) and _SEPARATOR.match(lines[at + 1]):
            end = at + 2
            while end < len(lines) and _is_row(lines[end]):
                end += 1
            yield from _parts(lines[at : at + 2], lines[at + 2 : end], part_tokens)
            at = end
            continue
        yield line
        at += 1


def _is_row(line: str) -> bool:
    return line.lstrip(" >").startswith("|")


def _parts(header: list[str], rows: list[str], part_tokens: int) -> Iterator[str]:
    yield from header
    fixed = weight = weigh("\n".join(header))
    for row in rows:
        more = weigh(row)
        if weight > fixed and weight + more > part_tokens:
            yield ""
            yield from header
            weight = fixed
        yield row
        weight += more
