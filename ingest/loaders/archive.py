"""What must be true of an office file before a parser sees it: a sane ZIP whose XML defines no entities."""

from __future__ import annotations

import io
import zipfile
import zlib

from ingest.errors import ArchiveBomb, BrokenFile, EncryptedFile, UnsupportedType
from ingest.loaders import Kind
from ingest.models import MEGABYTE, Limits

_CHUNK = 256 * 1024
_DECLARATIONS = tuple(
    word.encode(charset) for word in ("<!DOCTYPE", "<!ENTITY") for charset in ("ascii", "utf-16-le", "utf-16-be")
)
_OVERLAP = max(map(len, _DECLARATIONS))


def check_archive(data: bytes, limits: Limits) -> Kind:
    """DOCX or XLSX. Unpacks every part once, throwing the bytes away, because declared sizes can lie.

    Raises ArchiveBomb (too many parts, too large, packed too well, entity definitions), EncryptedFile, BrokenFile,
    UnsupportedType (another office file or a plain ZIP).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            _check_list(parts, limits)
            kind = _office_kind({part.filename for part in parts})
            total = 0
            for part in parts:
                total += _check_part(archive, part, limits, limits.max_unpacked_bytes - total)
            return kind
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise BrokenFile(type(error).__name__) from error


def _check_list(parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(parts) > limits.max_entries:
        raise ArchiveBomb("entries", entries=len(parts))
    if sum(part.file_size for part in parts) > limits.max_unpacked_bytes:
        raise ArchiveBomb("declared size")
    if any(part.flag_bits & 0x1 for part in parts):
        raise EncryptedFile("zip")
    names = [part.filename for part in parts]
    if any(name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") for name in names):
        raise BrokenFile("path names")
    if len(set(names)) != len(names):
        raise BrokenFile("two parts of one name")


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, limits: Limits, left: int) -> int:
    """The real size of a part in bytes."""
    is_xml = part.filename.lower().endswith((".xml", ".rels", ".vml"))
    size, tail = 0, b""
    with archive.open(part) as stream:
        while block := stream.read(_CHUNK):
            size += len(block)
            if size > left or (size > MEGABYTE and size > limits.max_ratio * max(1, part.compress_size)):
                raise ArchiveBomb("size or ratio")
            if is_xml:
                window = tail + block
                if any(word in window for word in _DECLARATIONS):
                    raise ArchiveBomb("document type or entities")
                tail = block[-_OVERLAP:]
    return size


def _office_kind(names: set[str]) -> Kind:
    """By the main part; some writers use backslashes or other case."""
    folded = {name.replace("\\", "/").lower() for name in names}
    if any(name.startswith("word/") and name.endswith(".xml") for name in folded):
        return Kind.DOCX
    if any(name.startswith("xl/") for name in folded):
        return Kind.XLSX
    if "[content_types].xml" in folded and not any(name.startswith(("ppt/", "visio/")) for name in folded):
        raise BrokenFile("no main part")
    raise UnsupportedType("zip")
