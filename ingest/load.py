"""A file becomes a `Loaded`, or a `CannotRead` that says why not and what to do next."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from base.i18n import format_bytes
from base.text import detect_language
from ingest import sandbox
from ingest.clean import clean_document, one_line
from ingest.errors import (
    BrokenFile,
    EmptyFile,
    EncryptedFile,
    FileTooLarge,
    MissingFile,
    NoText,
    NoWords,
    TooMuchText,
    UnsupportedType,
)
from ingest.loaders import MEDIA_TYPES, Kind, read_as
from ingest.loaders.text import looks_wide, readable_stem
from ingest.long_tables import repeat_headers
from ingest.models import DEFAULT_LIMITS, Limits, Loaded, Raw

__all__ = ["DEFAULT_LIMITS", "SUPPORTED", "Limits", "load"]

SUFFIXES: dict[str, Kind] = {
    ".md": Kind.MARKDOWN, ".markdown": Kind.MARKDOWN, ".mdx": Kind.MARKDOWN,
    ".html": Kind.HTML, ".htm": Kind.HTML, ".xhtml": Kind.HTML,
    ".txt": Kind.TEXT, ".text": Kind.TEXT, "": Kind.TEXT,
    ".csv": Kind.CSV, ".tsv": Kind.CSV,
    ".docx": Kind.DOCX, ".docm": Kind.DOCX,
    ".xlsx": Kind.XLSX, ".xlsm": Kind.XLSX,
    ".pdf": Kind.PDF,
}  # fmt: skip
SUPPORTED: frozenset[str] = frozenset(SUFFIXES) - {""}

_HEAD_BYTES = 4096
_BINARY = (Kind.PDF, Kind.DOCX, Kind.XLSX)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = (
    b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF",
    b"II*\0", b"MM\0*", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"ID3", b"OggS", b"SQLite format",
    b"{\\rtf", b"%!PS", b"\x28\xb5\x2f\xfd",
)  # fmt: skip
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_WORD = re.compile(r"\w")
_FENCE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)


def load(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the text of a file. What it is, its first bytes say; the suffix only tells kinds of text apart.

    PDF and office files, and everything large, are parsed in a helper process with limits on memory and time.
    Raises a CannotRead: MissingFile, EmptyFile, FileTooLarge, EncryptedFile, BrokenFile, UnsupportedType, ArchiveBomb,
    NoText or TimedOut.
    """
    with _open(path, limits) as file:
        size = os.fstat(file.fileno()).st_size
        kind = _recognise(file, path.suffix.lower())
        file.seek(0)
        if kind in (Kind.MARKDOWN, Kind.TEXT, Kind.CSV, Kind.HTML) and size <= limits.fast_lane_bytes:
            try:
                raw = read_as(kind, file.read(limits.max_bytes + 1), path.name, limits)
            except RecursionError as error:
                raise TooMuchText("nesting") from error
        else:
            kind, raw = sandbox.read_isolated(kind, file, path.name, limits)
    return _finish(raw, kind, path, limits)


def _open(path: Path, limits: Limits) -> BinaryIO:
    """The opened file: a regular one, not empty, not over the limit. A pipe or a device must not hang us."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise MissingFile(type(error).__name__) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise MissingFile("not a regular file")
        if status.st_size == 0:
            raise EmptyFile()
        if status.st_size > limits.max_bytes:
            raise FileTooLarge(limit=format_bytes(limits.max_bytes), size_bytes=status.st_size)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _recognise(file: BinaryIO, suffix: str) -> Kind:
    """What the bytes are. Raises when it is nothing we read, or when the name promises what the bytes are not."""
    head = file.read(_HEAD_BYTES)
    named = SUFFIXES.get(suffix)
    if head.startswith(_OLE):
        raise _ole_error(head + file.read())
    if head.lstrip().startswith(b"%PDF-") or (named is Kind.PDF and b"%PDF-" in head[:1024]):
        return Kind.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.ZIP
    if head.startswith(_FOREIGN) and _has_controls(head):
        raise UnsupportedType("binary")
    if head.startswith((b"{\\rtf", b"%!PS")):
        raise UnsupportedType("rtf or postscript")
    if _has_controls(head):
        raise BrokenFile("not what its name says") if named in _BINARY else UnsupportedType("binary")
    if named in _BINARY:
        raise BrokenFile("text under the name of a binary format")
    if _HTML_START.match(head.removeprefix(b"\xef\xbb\xbf")) and named in (Kind.TEXT, Kind.MARKDOWN, Kind.HTML):
        return Kind.HTML
    if named is None:
        raise UnsupportedType("suffix")
    return named


def _ole_error(data: bytes) -> EncryptedFile | UnsupportedType:
    """Word 97 and its kind share a container with password-protected DOCX and XLSX; a stream name tells them apart."""
    for stream in ("EncryptedPackage", "EncryptedSummary"):
        if stream.encode("utf-16-le") in data:
            return EncryptedFile("office")
    return UnsupportedType("office 97-2003")


def _has_controls(head: bytes) -> bool:
    """Whether bytes hold more control characters than any text does. Marked or regular UTF-16 and UTF-32 pass."""
    if head.startswith(_BOMS) or looks_wide(head):
        return False
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return controls > max(1, len(head) * 0.02)


def _finish(raw: Raw, kind: Kind, path: Path, limits: Limits) -> Loaded:
    """Clean text, its title and language, and the offsets of its pages."""
    if len(raw.text) > limits.max_text_chars:
        raise TooMuchText("characters")
    cleaned = clean_document(raw.text, repeated_lines=kind is not Kind.MARKDOWN)
    text, page_starts = _without_page_marks(repeat_headers(cleaned))
    if not _WORD.search(text):
        raise NoWords() if kind in (Kind.TEXT, Kind.CSV, Kind.MARKDOWN) else NoText()
    meta = {key: one_line(value) for key, value in raw.meta.items() if value}
    if len(page_starts) > 1:
        meta["page_starts"] = ",".join(map(str, page_starts))
    title = one_line(raw.title)[:200].strip() or one_line(readable_stem(path.name))
    prose = _FENCE.sub("", text[:20_000])
    return Loaded(title, text, detect_language(f"{title}\n{prose}"), MEDIA_TYPES[kind], meta)


def _without_page_marks(text: str) -> tuple[str, list[int]]:
    pages = text.split("\f")
    starts, length = [], 0
    for page in pages:
        starts.append(length)
        length += len(page)
    return "".join(pages), starts
