"""Spreadsheets: a question-and-answer table becomes sections, one per row; any other table stays readable."""

from __future__ import annotations

import csv
import datetime
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.errors import TooManyRows
from ingest.loaders.markup import pipe_table, word_set
from ingest.loaders.text import decode
from ingest.models import Limits, Raw

QUESTION_NAMES = (
    "question", "questions", "q", "问题", "問題", "提问", "问", "标准问题", "标准问", "常见问题",
    "用户问题", "问题描述",
    "query", "faq", "title", "标题", "主题", "题目", "subject", "故障现象", "现象",
    "problem", "issue", "问题名称", "问题标题",
)  # fmt: skip
ANSWER_NAMES = (
    "answer", "answers", "a", "答案", "答", "回答", "回复", "答复", "标准答案", "标准回答", "解答", "response", "reply",
    "solution", "resolution", "解决方案", "解决办法", "解决方法", "处理方法", "处理办法",
    "处理方案", "content", "内容", "正文", "body",
    "答案内容", "回答内容",
)  # fmt: skip
_TITLE_NAMES = word_set(
    "name title subject term product model code error 名称 标题 主题 产品 型号 错误码 错误代码 编号 名字 项目"
)
_DEFAULT_SHEET = re.compile(r"(?:sheet|工作表|table)\s*\d*", re.IGNORECASE)
_HEADER_ROWS = 10  # how deep a header row is looked for
_MAX_COLUMNS = 200
_RECORD_CHARS = 160  # rows with more text than this read better as sections than as table rows

Row = list[str]


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    rows: list[Row]


def read_csv(data: bytes, name: str, limits: Limits) -> Raw:
    """A CSV or TSV file; charset and delimiter are found out."""
    text = decode(data).replace("\0", "")
    csv.field_size_limit(limits.max_text_chars)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, name), skipinitialspace=True)
    return _write([_Sheet("", _bounded(reader, limits.max_rows))], "")


def read_xlsx(data: bytes, name: str, limits: Limits) -> Raw:
    """All visible sheets of a workbook, with the values saved in it; formulas are never evaluated."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    sheets: list[_Sheet] = []
    left = limits.max_rows
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        sheet.reset_dimensions()  # what a sheet declares as its size may be a million rows
        values = ([_value(cell) for cell in row[:_MAX_COLUMNS]] for row in sheet.iter_rows())
        rows = _bounded(values, left)
        left -= len(rows)
        if rows:
            sheets.append(_Sheet(str(sheet.title), rows))
    title = (book.properties.title or "") if book.properties else ""
    return _write(sheets, title)


def qa_columns(header: Sequence[str]) -> tuple[int, int] | None:
    """The numbers of the question and the answer column, when a header names both."""
    names = [_folded(name) for name in header]
    question = next((names.index(wish) for wish in QUESTION_NAMES if wish in names), None)
    answer = next((names.index(wish) for wish in ANSWER_NAMES if wish in names), None)
    return None if question is None or answer is None else (question, answer)


def qa_sections(header: Sequence[str], rows: Iterable[Row], columns: tuple[int, int], level: int = 2) -> list[str]:
    """A section per row: the question as heading, the answer, then what the other columns say. A row without a question
    continues the answer above it (merged cells)."""
    question, answer = columns
    sections: list[str] = []
    for row in rows:
        asked = " ".join(row[question].split()) if question < len(row) else ""
        said = _body(row[answer]) if answer < len(row) else ""
        others = [
            f"{name.strip()}: {' '.join(value.split())}"
            for i, (name, value) in enumerate(zip(header, row, strict=False))
            if i not in columns and name.strip() and value.strip()
        ]
        body = "\n\n".join(part for part in (said, "\n".join(others)) if part)
        if asked and body:
            sections.append(f"{'#' * level} {asked}\n\n{body}")
        elif body and sections:
            sections[-1] += f"\n\n{body}"
    return sections


def _write(sheets: list[_Sheet], title: str) -> Raw:
    named = len(sheets) > 1
    parts: list[str] = []
    shapes: set[str] = set()
    for sheet in sheets:
        text, shape = _sheet_text(sheet.rows)
        if not text:
            continue
        shapes.add(shape)
        if named or (sheet.name and not _DEFAULT_SHEET.fullmatch(sheet.name)):
            parts.append(f"# {sheet.name}")
        parts.append(text)
    rows = "qa" if "qa" in shapes else "records" if "records" in shapes else ""
    return Raw(title, "\n\n".join(parts), {"rows": rows})


def _sheet_text(rows: list[Row]) -> tuple[str, str]:
    """Text of one sheet, and its shape: "qa", "records" or "table"."""
    for i, row in enumerate(rows[:_HEADER_ROWS]):
        columns = qa_columns(row)
        if columns:
            above = [" ".join(filter(None, (" ".join(cell.split()) for cell in line))) for line in rows[:i]]
            return "\n\n".join([*filter(None, above), *qa_sections(row, rows[i + 1 :], columns)]), "qa"
    blocks = _blocks(rows)
    written = [_record_text(block) if _is_records(block) else _plain_table(block) for block in blocks]
    shape = "records" if any(map(_is_records, blocks)) else "table"
    return "\n\n".join(filter(None, written)), shape


def _blocks(rows: list[Row]) -> list[list[Row]]:
    """Tables of a sheet that empty rows divide."""
    blocks: list[list[Row]] = [[]]
    for row in rows:
        if any(row):
            blocks[-1].append(row)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _title_column(block: list[Row]) -> int | None:
    """The column whose words name each row: a usual name, or the first with distinct texts that are no numbers."""
    header, rows = block[0], block[1:]
    for i, name in enumerate(header):
        if _folded(name) in _TITLE_NAMES and all(i < len(row) and row[i] for row in rows):
            return i
    for i in range(min(3, len(header))):
        values = [row[i] for row in rows if i < len(row) and row[i]]
        texts = [value for value in values if re.search(r"[^\W\d_]", value) and len(value) <= 120]
        if len(values) == len(rows) == len(texts) == len(set(texts)):
            return i
    return None


def _is_records(block: list[Row]) -> bool:
    if len(block) < 2 or sum(map(bool, block[0])) < 2 or _title_column(block) is None:
        return False
    return sum(len("".join(row)) for row in block[1:]) / (len(block) - 1) > _RECORD_CHARS


def _record_text(block: list[Row]) -> str:
    header, title = block[0], _title_column(block)
    assert title is not None
    sections = []
    for row in block[1:]:
        facts = [
            f"{' '.join(name.split())}: {_body(value)}" if name else _body(value)
            for i, (name, value) in enumerate(zip(header, row, strict=False))
            if i != title and value
        ]
        if facts:
            sections.append(f"## {' '.join(row[title].split())}\n\n" + "\n".join(facts))
    return "\n\n".join(sections)


def _plain_table(block: list[Row]) -> str:
    """A pipe table; a block of single cells is a list of remarks."""
    if max(sum(map(bool, row)) for row in block) < 2:
        return "\n\n".join(_body(next(filter(None, row))) for row in block)
    return pipe_table(block)


def _bounded(rows: Iterable[Sequence[str]], most: int) -> list[Row]:
    """Rows with cells stripped and empty ends cut; runs of empty rows become one. Raises TooManyRows."""
    kept: list[Row] = []
    for row in rows:
        cells = [cell.strip() for cell in row[:_MAX_COLUMNS]]
        while cells and not cells[-1]:
            cells.pop()
        if not cells and (not kept or not kept[-1]):
            continue
        if len(kept) >= most:
            raise TooManyRows(limit=most)
        kept.append(cells)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _value(cell: Any) -> str:
    """A cell as a person would read it: whole numbers without ".0", percentages, ISO dates."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if "%" in str(cell.number_format):
            return f"{value * 100:.10g}%"
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    return str(value).replace("_x000D_", "")


def _delimiter(text: str, name: str) -> str:
    """The mark that divides most first lines into the same number of cells."""
    lines = [line for line in text.split("\n", 40)[:40] if line.strip()]
    if name.lower().endswith(".tsv"):
        return "\t"

    def score(mark: str) -> tuple[int, int]:
        counts = list(_counts(lines, mark))
        header = counts[0] if counts else 0
        return (sum(count == header for count in counts) if header else 0, header)

    return max((",", "\t", ";", "|"), key=score)


def _counts(lines: list[str], mark: str) -> Iterator[int]:
    for line in lines:
        yield re.sub(r'"[^"]*"', "", line).count(mark)


def _body(value: str) -> str:
    """A cell with lines of its own; a line that looks like a heading must not become one."""
    lines = [re.sub(r"^(\s*)(#+\s)", r"\1\\\2", line.strip()) for line in value.replace("\r", "").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _folded(name: str) -> str:
    return re.sub(r"[\s:：*（(].*$", "", name.strip().casefold()) or name.strip().casefold()
