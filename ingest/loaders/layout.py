"""Lines of pages put together again: paragraphs, headings told by size, weight or outline, tables told by gaps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from ingest.loaders.markup import pipe_table

_CJK = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_BULLET = re.compile(r"^[•·●▪■◆◦‣○\uf0b7\uf06c\uf0a7\uf0d8➢✓]\s*|^[–—-]\s+")
_ITEM = re.compile(
    r"^(?:\d{1,2}[.)、．]\s*(?!\d)|[(（]\d{1,2}[)）]|[a-z][.)]\s|[①-⑳]|"
    r"[一二三四五六七八九十]{1,3}[、.．]|第[一二三四五六七八九十百\d]+[条章节]"
    r"|[Qq问答Aa][:：])"
)
_SENTENCE_END = re.compile(r"[.!?。！？：:；;…][\"'”’)）]*$")
_PAGE_NUMBER = re.compile(
    r"(?:page|页|第)?\s*[-–—~]*\s*(?:\d{1,4}|[ivxlc]{1,6})\s*"
    r"(?:(?:/|of|共)\s*\d{1,4})?\s*页?\s*(?:[,，/]?\s*共\s*\d+\s*页)?\s*[-–—~]*",
    re.IGNORECASE,
)
_DOTS = re.compile(r"(?:[.…·．]\s?){4,}\s*[\d\s]+$")
_HYPHENS = ("\ufffe", "\x02", "\u00ad")
_MAX_HEADING_CHARS = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; lengths in points, from the bottom left."""

    text: str
    size: float
    left: float
    right: float
    bottom: float
    page: int
    page_height: float
    is_bold: bool = False
    cells: tuple[tuple[float, str], ...] = ()  # (left, text) of parts that wide gaps divide; empty when there are none


def without_furniture(lines: list[Line], pages: int) -> list[Line]:
    """Without what stands at the same edge of most pages, and without page numbers."""

    def edge(line: Line) -> str:
        if line.bottom > line.page_height * 0.88:
            return "top"
        return "bottom" if line.bottom < line.page_height * 0.1 else ""

    def key(line: Line) -> tuple[str, str]:
        return edge(line), re.sub(r"\d+|\b[ivxlc]+\b", "#", line.text.lower())

    seen = Counter(k for k in {(line.page, *key(line)) for line in lines if edge(line)})
    repeated = Counter((where, words) for _, where, words in seen)
    often = max(3, pages * 0.5)
    return [
        line
        for line in lines
        if not edge(line)
        or not (repeated[key(line)] >= often or (pages > 1 and _PAGE_NUMBER.fullmatch(line.text.strip())))
    ]


def assemble(lines: list[Line], pages: int, outline: dict[str, int]) -> str:
    """Paragraphs and headings; a form feed where a page ends, inside a paragraph if it goes on."""
    if not lines:
        return ""
    sizes = _heading_levels(lines)
    bold_level = _bold_level(lines, sizes)
    widths = sorted(line.right - line.left for line in lines)
    usual_width = widths[int(len(widths) * 0.75)]
    steps = [a.bottom - b.bottom for a, b in pairwise(lines) if 0 < a.bottom - b.bottom < 4 * a.size]
    leading = median(steps) if steps else 0.0
    parts: list[str] = []
    page, previous, was_heading = 0, None, 0
    for line in _with_bullets(_with_tables(lines)):
        marks = "\f" * (line.page - page)
        page = line.page
        level = _level(line, outline, sizes, bold_level)
        if line.cells and line.text.startswith("|"):
            parts.append(f"\n\n{marks}{line.text}")
        elif (
            level and was_heading == level and previous and not marks and _rounded(previous.size) == _rounded(line.size)
        ):
            parts.append(_joint(parts, line.text) + line.text)
        elif level:
            parts.append(f"\n\n{marks}{'#' * level} {line.text}")
        elif previous and not was_heading and _goes_on(previous, line, usual_width, leading):
            joint = _joint(parts, line.text)
            parts.append(f"{joint}{marks}{line.text}")
        else:
            is_item = bool(re.match(r"- |\d{1,2}\. ", line.text))
            near = previous and is_item and re.match(r"- |\d{1,2}\. ", previous.text)
            parts.append(f"{chr(10) if near else chr(10) * 2}{marks}{line.text}")
        previous, was_heading = line, level
    text = "".join(parts).strip("\n")
    if text.startswith("##") and not re.search(
        r"^# ", text, re.MULTILINE
    ):  # the words a document opens with are its title
        text = "# " + text.lstrip("# ")
    return text + "\f" * (pages - 1 - page)


def fold(text: str) -> str:
    """Letters only, without a number in front: how an outline and the page agree on a title."""
    return re.sub(r"[\W_]+", "", re.sub(r"^\s*(?:[\dA-Z]{1,2}(?:\.\d+)*\.?|第.{1,4}[章节])\s+", "", text)).casefold()


def _heading_levels(lines: list[Line]) -> dict[float, int]:
    """The heading level of every size, in half points, that is clearly larger than that of the body text."""
    weights: Counter[float] = Counter()
    for line in lines:
        weights[_rounded(line.size)] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    larger = sorted((size for size in weights if size >= body * 1.15 + 0.4), reverse=True)
    if sum(weights[size] for size in larger) > 0.25 * weights.total():
        return {}
    return {size: min(i + 1, 4) for i, size in enumerate(larger)}


def _bold_level(lines: list[Line], sizes: dict[float, int]) -> int:
    """The heading level of lines that are bold throughout; 0 when so much is bold that it means nothing."""
    bold = sum(len(line.text) for line in lines if line.is_bold)
    return min(len(sizes), 4) + 1 if 0 < bold < 0.2 * sum(len(line.text) for line in lines) else 0


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _with_tables(lines: list[Line]) -> Iterator[Line]:
    """Rows in a row as one line that holds a pipe table; cells go to the column that starts nearest."""
    for is_row, group in groupby(lines, key=lambda line: (line.page, len(line.cells) > 1)):
        rows = list(group)
        if not is_row[1] or len(rows) < 2 or max(len(row.cells) for row in rows) < 2:
            yield from (replace(row, cells=()) for row in rows)
            continue
        starts = [left for left, _ in max(rows, key=lambda row: len(row.cells)).cells]
        table = []
        for row in rows:
            cells = [""] * len(starts)
            for left, words in row.cells:
                nearest = min(range(len(starts)), key=lambda i: abs(starts[i] - left))
                cells[nearest] = f"{cells[nearest]} {words}".strip()
            table.append(cells)
        yield replace(rows[-1], text=pipe_table(table))


def _with_bullets(lines: Iterable[Line]) -> Iterator[Line]:
    """Bullets as "- "; a bullet that is a line of its own belongs to the next line."""
    waiting = False
    for line in lines:
        text = _BULLET.sub("- ", line.text, count=1)
        if text.strip() == "-":
            waiting = True
            continue
        if waiting and not text.startswith("- "):
            text = f"- {text}"
        waiting = False
        if re.match(r"#{1,6} ", text):
            text = "\\" + text
        yield line if text == line.text else replace(line, text=text)


def _level(line: Line, outline: dict[str, int], sizes: dict[float, int], bold_level: int) -> int:
    """1 to 6 for a heading, 0 for text."""
    if len(line.text) > _MAX_HEADING_CHARS or not re.search(r"[^\W\d_]", line.text) or _DOTS.search(line.text):
        return 0
    if outline:
        return min(6, outline.get(fold(line.text), 0))
    if line.text.startswith("- ") or re.search(r"[.,。，;；]$", line.text):
        return 0
    return sizes.get(_rounded(line.size), 0) or (bold_level if line.is_bold else 0)


def _goes_on(previous: Line, line: Line, usual_width: float, leading: float) -> bool:
    """Whether a line continues the paragraph of the one before it."""
    if line.text.startswith("- ") or _ITEM.match(line.text) or _DOTS.search(previous.text) or previous.cells:
        return False
    if abs(previous.size - line.size) > 0.2 * previous.size:
        return False
    if previous.text.endswith(_HYPHENS):
        return True
    ended = bool(_SENTENCE_END.search(previous.text))
    starts_low = line.text[:1].islower()
    if previous.page != line.page or line.bottom >= previous.bottom:  # a new page or column
        is_cjk = bool(re.match(f"[{_CJK}]", line.text))
        return not ended and (starts_low or (is_cjk and previous.right - previous.left >= 0.9 * usual_width))
    if leading and previous.bottom - line.bottom > 1.4 * leading:
        return False
    is_full = previous.right - previous.left >= 0.72 * usual_width
    return is_full or (starts_low and not ended)


def _joint(parts: list[str], text: str) -> str:
    """What goes between two lines of a paragraph: nothing in Chinese and inside a divided word, else a space."""
    before = parts[-1]
    if before.endswith(_HYPHENS):
        parts[-1] = before[:-1]
        return ""
    if re.search(r"[^\W\d_]-$", before) and text[:1].islower():
        parts[-1] = before[:-1]
        return ""
    return "" if re.search(f"[{_CJK}]$", before) or re.match(f"[{_CJK}]", text) else " "
