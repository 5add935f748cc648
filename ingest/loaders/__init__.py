"""One reader per format, each `read(data, name, limits) -> Raw`: bytes in, Markdown-like text out, no files touched.

`read_as` picks the module by `Kind` and imports only that one, because a helper process pays for every import.
"""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module

from ingest.models import Limits, Raw


class Kind(StrEnum):
    MARKDOWN = "markdown"
    HTML = "html"
    TEXT = "text"
    CSV = "csv"
    DOCX = "docx"
    XLSX = "xlsx"
    PDF = "pdf"
    ZIP = "zip"  # an office file of a sort that only its parts list tells


_MODULES = {
    Kind.MARKDOWN: ("markdown", "read"),
    Kind.HTML: ("html", "read"),
    Kind.TEXT: ("text", "read"),
    Kind.CSV: ("table", "read_csv"),
    Kind.DOCX: ("docx", "read"),
    Kind.XLSX: ("table", "read_xlsx"),
    Kind.PDF: ("pdf", "read"),
}

MEDIA_TYPES = {
    Kind.MARKDOWN: "text/markdown",
    Kind.HTML: "text/html",
    Kind.TEXT: "text/plain",
    Kind.CSV: "text/csv",
    Kind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.PDF: "application/pdf",
}


def read_as(kind: Kind, data: bytes, name: str, limits: Limits) -> Raw:
    """The text of `data` read as `kind`; `name` is the file name, for titles. Raises CannotRead."""
    module, function = _MODULES[kind]
    raw: Raw = getattr(import_module(f"ingest.loaders.{module}"), function)(data, name, limits)
    return raw
