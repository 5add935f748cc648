"""PDF text: characters read into lines with their places; `layout.py` makes paragraphs of them."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from itertools import pairwise

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]

from ingest.errors import BrokenFile, EncryptedFile, NoText, TooManyPages, TooMuchText
from ingest.loaders.layout import Line, assemble, fold, without_furniture
from ingest.loaders.markup import title_of
from ingest.models import Limits, Raw

_SCANNER_STAMP = re.compile(r"camscanner|扫描全能王", re.IGNORECASE)
_DIVIDED = re.compile(r"[\x02\ufffe](?=\w)")  # where PDFium joined a word that was divided at a line's end
_SPACED_HAN = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")


def read(data: bytes, name: str, limits: Limits) -> Raw:
    """Text with a form feed between pages. Raises EncryptedFile, BrokenFile, TooManyPages, or NoText for a scan."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", 0) == pdfium_c.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise EncryptedFile("pdf") from error
        raise BrokenFile("pdf") from error
    count = len(document)
    if count == 0:
        raise BrokenFile("no pages")
    if count > limits.max_pages:
        raise TooManyPages(limit=limits.max_pages)
    lines, pictures = _all_lines(document, count, limits)
    if sum(len(re.findall(r"\w", line.text)) for line in lines) < 4 * pictures:
        raise NoText("pictures only", pages=count)
    text = assemble(without_furniture(lines, count), count, _outline(document))
    facts = document.get_metadata_dict(skip_empty=True)
    meta = {"pages": str(count), "date": _date(facts.get("ModDate", "") or facts.get("CreationDate", ""))}
    declared = _useful_title(facts.get("Title", ""))
    return Raw(title_of(text.replace("\f", ""), declared), text, meta)


def _all_lines(document: pdfium.PdfDocument, count: int, limits: Limits) -> tuple[list[Line], int]:
    """Lines of all pages, and how many pages hold a picture."""
    lines: list[Line] = []
    pictures, chars = 0, 0
    for number in range(count):
        try:
            page = document[number]
            text_page = page.get_textpage()
        except pdfium.PdfiumError:
            continue  # one bad page does not spoil the others
        found = list(_page_lines(text_page.raw, number, page.get_height()))
        if sum(len(line.text) for line in found) < 40:
            pictures += any(True for _ in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        lines.extend(found)
        chars += sum(len(line.text) for line in found)
        if chars > limits.max_text_chars:
            raise TooMuchText("characters")
        text_page.close()
        page.close()
    return lines, pictures


def _page_lines(text_page: ctypes.c_void_p, number: int, height: float) -> Iterator[Line]:
    get = pdfium_c.FPDFText_GetUnicode
    units = [get(text_page, i) for i in range(pdfium_c.FPDFText_CountChars(text_page))]
    start = 0
    for i in range(len(units) + 1):
        if i < len(units) and units[i] not in (10, 13):
            continue
        seen = [k for k in range(start, i) if units[k] > 32 and units[k] != 160]
        text = _characters(units[start:i])
        if seen and not _SCANNER_STAMP.search(text):
            first, middle, last = (_box(text_page, k) for k in (seen[0], seen[len(seen) // 2], seen[-1]))
            size = max(middle.top - middle.bottom, 0.1)
            is_bold = all(_is_bold(text_page, k) for k in (seen[0], seen[len(seen) // 2], seen[-1]))
            cells = _cells(text_page, units, seen, size)
            yield Line(text, size, first.left, last.right, middle.bottom, number, height, is_bold, cells)
        start = i + 1


def _characters(units: list[int]) -> str:
    """UTF-16 units as text, spaces in a row as one; glyphs that were set one by one with spaces between are joined."""
    raw = b"".join(
        unit.to_bytes(2, "little") if unit < 0x10000 else chr(unit).encode("utf-16-le", "replace") for unit in units
    )
    text = " ".join(raw.decode("utf-16-le", "replace").replace("\0", "").split())
    text = _DIVIDED.sub("", text)
    han = len(re.findall(r"[\u4e00-\u9fff]", text))
    if han > 3 and len(_SPACED_HAN.findall(text)) > han * 0.4:
        text = _SPACED_HAN.sub("", text)
    return text


def _is_bold(text_page: ctypes.c_void_p, index: int) -> bool:
    """By the weight the font declares, else by its name."""
    if pdfium_c.FPDFText_GetFontWeight(text_page, index) >= 600:
        return True
    name = ctypes.create_string_buffer(100)
    length = pdfium_c.FPDFText_GetFontInfo(text_page, index, name, 100, ctypes.c_int())
    return bool(length) and re.search(rb"bold|black|heavy|-B\b|simhei", name.value, re.IGNORECASE) is not None


def _cells(text_page: ctypes.c_void_p, units: list[int], seen: list[int], size: float) -> tuple[tuple[float, str], ...]:
    """Parts of a line that gaps wider than one and a half characters divide: a row of a table without lines."""
    cells: list[tuple[float, str]] = []
    begin = seen[0]
    for a, b in pairwise(seen):
        if b - a > 1 and _box(text_page, b).left - _box(text_page, a).right > 1.5 * size:
            cells.append((_box(text_page, begin).left, _characters(units[begin : a + 1])))
            begin = b
    if not cells:
        return ()
    return (*cells, (_box(text_page, begin).left, _characters(units[begin : seen[-1] + 1])))


def _box(text_page: ctypes.c_void_p, index: int) -> pdfium_c.FS_RECTF:
    box = pdfium_c.FS_RECTF()
    pdfium_c.FPDFText_GetLooseCharBox(text_page, index, box)
    return box


def _outline(document: pdfium.PdfDocument) -> dict[str, int]:
    """Levels (from 1) of the titles in the document's outline, folded."""
    levels: dict[str, int] = {}
    try:
        for entry in document.get_toc(max_depth=6):
            title = fold(entry.get_title() or "")
            if len(title) > 2:
                levels.setdefault(title, entry.level + 1)
            if len(levels) > 2000:
                break
    except (pdfium.PdfiumError, ValueError):
        return {}
    return levels


def _useful_title(title: str) -> str:
    """A title from the file's properties, unless it names a file or a program."""
    title = " ".join(title.split())
    is_name = re.search(
        r"\.\w{2,4}$|^(?:microsoft |untitled|无标题|slide \d|document\d*$|幻灯片|powerpoint)", title, re.IGNORECASE
    )
    return "" if is_name or len(title) < 3 or "\ufffd" in title else title


def _date(value: str) -> str:
    match = re.match(r"(?:D:)?(\d{4})(\d\d)(\d\d)", value)
    return "-".join(match.groups()) if match else ""
