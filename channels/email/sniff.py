"""What a file is, by its first bytes. The sender's word counts only where they do not tell."""

from __future__ import annotations

import re

EXECUTABLE = "application/x-executable"
SCRIPT = "application/x-script"
HTML, SVG, XML = "text/html", "image/svg+xml", "application/xml"
PLAIN, BINARY = "text/plain", "application/octet-stream"
OUTLOOK = "application/vnd.ms-outlook"
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"\x7fELF", EXECUTABLE),
    (0, b"\xfe\xed\xfa\xce", EXECUTABLE),
    (0, b"\xfe\xed\xfa\xcf", EXECUTABLE),
    (0, b"\xce\xfa\xed\xfe", EXECUTABLE),
    (0, b"\xcf\xfa\xed\xfe", EXECUTABLE),
    (0, b"\xca\xfe\xba\xbe", EXECUTABLE),  # Mach-O for several processors, and Java classes
    (0, b"dex\n03", EXECUTABLE),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", EXECUTABLE),  # a Windows shortcut: it runs what it points at
    (0, b"MSCF", "application/vnd.ms-cab-compressed"),
)
_BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"heif": "image/heif", b"avif": "image/avif",
    b"M4A ": "audio/mp4", b"qt  ": "video/quicktime",
}  # fmt: skip
_IN_ZIP = (
    (b"word/document.xml", _OPEN_XML + "wordprocessingml.document"),
    (b"xl/workbook", _OPEN_XML + "spreadsheetml.sheet"),
    (b"ppt/presentation.xml", _OPEN_XML + "presentationml.presentation"),
    (b"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (b"application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
    (b"application/epub+zip", "application/epub+zip"),
    (b"AndroidManifest.xml", EXECUTABLE),
    (b"META-INF/MANIFEST.MF", EXECUTABLE),
)
_IN_OLE = (
    ("__properties_version1.0", OUTLOOK),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
)
# By their names, as Windows takes them: what runs when it is opened.
_RUNS = frozenset(
    "exe dll scr com pif cpl msi msp msix appx jar apk bat cmd ps1 psm1 vbs vbe vb js jse wsf wsh hta lnk reg inf scf "
    "url chm gadget application sct ws xll msc vhd vhdx iso img command workflow desktop".split()
)
_SCRIPTS = frozenset("bat cmd ps1 psm1 vbs vbe vb js jse wsf wsh hta sct ws reg inf scf url command desktop".split())
_TAG = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,500}?-->\s*)*<(!doctype\s+html|!doctype\s+svg|[a-z]+)", re.I | re.S
)
_HTML_TAGS = frozenset(
    b"html head body script iframe title div p table meta style a h1 img form link base object embed span br".split()
)
_CONTROLS = bytes(set(range(32)) - {7, 8, 9, 10, 12, 13, 27})


def media_type_of(content: bytes, declared: str, name: str) -> str:
    """The media type of a file in lower case; EXECUTABLE and SCRIPT stand for everything that runs."""
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension in _RUNS:
        return SCRIPT if extension in _SCRIPTS else EXECUTABLE
    return _by_bytes(content) or _by_text(content, declared) or _claimed(content, declared)


def is_ole(content: bytes) -> bool:
    """Whether it is a file of old Office or of Outlook (.doc, .xls, .msg)."""
    return content.startswith(_OLE)


def _by_bytes(content: bytes) -> str:
    head = content[:64]
    for offset, magic, media_type in _MAGIC:
        if head.startswith(magic, offset) and (offset == 0 or head.startswith(b"RIFF")):
            return media_type
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4) and head[1] != 0xFF:
        return "audio/mpeg"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        ends = content[:65_536] + content[-65_536:]
        return next((kind for mark, kind in _IN_ZIP if mark in ends), "application/zip")
    if is_ole(content):
        kinds = (kind for mark, kind in _IN_OLE if mark.encode("utf-16-le") in content)
        return next(kinds, "application/x-ole-storage")
    if head.startswith(b"MZ") and _is_windows_program(content):
        return EXECUTABLE
    return SCRIPT if head.startswith(b"#!") and b"/" in head.split(b"\n")[0] else ""


def _is_windows_program(content: bytes) -> bool:
    at = int.from_bytes(content[60:64], "little")
    is_text = not content[:512].translate(None, bytes(range(9, 127)))
    return content[at : at + 2] in (b"PE", b"NE", b"LE") or not is_text


def _by_text(content: bytes, declared: str) -> str:
    """HTML, SVG and XML, also where they are called something else: a browser would go by their content."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = content[:2000].decode("utf-16", "replace").encode()
    found = _TAG.match(content.removeprefix(b"\xef\xbb\xbf")[:2000])
    tag = found[1].lower() if found else b""
    if tag == b"svg" or tag.endswith(b"svg"):
        return SVG
    if tag.startswith(b"!doctype") or tag in _HTML_TAGS:
        return HTML
    if content.lstrip()[:5].lower() == b"<?xml":
        return XML
    return declared if declared in (HTML, SVG) else ""


def _claimed(content: bytes, declared: str) -> str:
    """The sender's word, unless the first bytes contradict it: text is no image, and binary data no text."""
    is_text = not content[:4096].translate(None, bytes(set(range(256)) - set(_CONTROLS)))
    kind = declared.partition("/")[0]
    if is_text:
        is_known_text = kind in ("text", "message") or declared in _TEXTUAL or declared.endswith(_TEXT_ENDINGS)
        return declared if declared and (is_known_text or not content) else PLAIN
    if kind == "image" and content.startswith(b"BM"):
        return "image/bmp"
    return BINARY if kind in ("text", "image", "message", "multipart", "") or declared in (SVG, XML) else declared


_TEXT_ENDINGS = ("json", "+xml", "/xml", "yaml", "/pgp-signature")
_TEXTUAL = frozenset({
    "application/pgp-encrypted", "application/pgp-keys", "application/x-pem-file", "application/sql", "application/ics",
    "application/x-ndjson", "application/toml", "application/csv",
})  # fmt: skip
