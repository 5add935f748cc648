"""Small documents made on the spot: Word, Excel, PDF and ZIP files, good ones and bad ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import docx
import openpyxl

from ingest.models import DEFAULT_LIMITS, Raw

LIMITS = DEFAULT_LIMITS


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(module: Any, content: str | bytes, name: str = "file") -> Raw:
    """What a format's reader makes of some bytes."""
    raw: Raw = module.read(content.encode() if isinstance(content, str) else content, name, LIMITS)
    return raw


def docx_bytes(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def new_docx() -> Any:
    return docx.Document()


def xlsx_bytes(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zip_bytes(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def repacked(data: bytes, changes: dict[str, bytes]) -> bytes:
    """The same ZIP with some parts replaced or added."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zip_bytes(parts | changes)


Text = tuple[float, float, float, str]  # left, bottom, size, words; "b:" in front makes them bold, "z:" Chinese


def pdf_bytes(pages: Sequence[Sequence[Text]], trailer: str = "", picture: bool = False, title: str = "") -> bytes:
    """A PDF of text at places (points from the bottom left of a page of 600 x 800)."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    fonts = (
        b"<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
        b" /F2 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>"
        b" /F3 << /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [<<"
        b" /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >>"
        b" /FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light /Flags 4 /ItalicAngle 0 /Ascent 880"
        b" /Descent -120 /CapHeight 700 /StemV 80 /FontBBox [0 -120 1000 880] >> >>] >> >>"
    )
    image = (
        b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>"
    )
    kids = []
    for page in pages:
        body = b"".join(_shown(text) for text in page) + (b"q 500 0 0 700 50 50 cm /Im Do Q\n" if picture else b"")
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R /Resources << /Font %s %s >> >>"
            % (number + 1, fonts, b"/XObject << /Im %d 0 R >>" % (number + 2) if picture else b"")
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body))
        if picture:
            objects.append(image + b"\nstream\n\x80\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(pages)} >>".encode()
    if title:
        objects.append(f"<< /Title ({title}) >>".encode())
        trailer += f" /Info {len(objects)} 0 R"
    out, places = b"%PDF-1.4\n", []
    for i, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (i, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        trailer.encode(),
        start,
    )
    return out


def _shown(text: Text) -> bytes:
    left, bottom, size, words = text
    font = {"b:": b"F2", "z:": b"F3"}.get(words[:2], b"F1")
    if font != b"F1":
        words = words[2:]
    escaped = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode("latin-1", "replace")
    shown = b"<%s>" % words.encode("utf-16-be").hex().encode() if font == b"F3" else b"(%s)" % escaped
    return b"BT /%s %g Tf %g %g Td %s Tj ET\n" % (font, size, left, bottom, shown)


ENCRYPTED = " /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + "41" * 32 + "> /U <" + "42" * 32 + "> >>"
ENCRYPTED += " /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"
OFFICE_97 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504


def paragraph(left: float, top: float, lines: Sequence[str], size: float = 10) -> list[Text]:
    """Lines of text below each other."""
    return [(left, top - i * size * 1.2, size, line) for i, line in enumerate(lines)]
