"""The files of a mail: names that are safe to show and to offer, types by content, and the caps."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from dataclasses import dataclass, field

from channels.email.limits import MailLimits
from channels.email.models import MailFile
from channels.email.sniff import EXECUTABLE, HTML, SCRIPT, SVG, media_type_of

MAX_NAME_CHARS = 150
_MAX_LISTED = 100  # of refused files, too: a list of ten thousand helps nobody
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\..*)?", re.IGNORECASE | re.DOTALL
)
_EXTENSIONS = {
    "image/jpeg": ".jpg", "text/plain": ".txt", "application/octet-stream": ".bin", "message/rfc822": ".eml",
    "text/calendar": ".ics", "image/webp": ".webp", "image/heic": ".heic", "audio/ogg": ".ogg", "audio/mpeg": ".mp3",
    "application/vnd.rar": ".rar", "application/ms-tnef": ".dat", EXECUTABLE: "", SCRIPT: "",
}  # fmt: skip
_TYPES = mimetypes.MimeTypes()  # Python's own table, not the machine's: the same mail gives the same names everywhere


def safe_name(name: str) -> str:
    """A file name that is safe to show and to offer, at most MAX_NAME_CHARS; "" when nothing of it is left.

    NFKC first, so that what looks like a "/" is one; then without folders, control and invisible characters (also those
    that turn the direction: "gpj.exe" must not read as "exe.jpg"), leading dots, and names that Windows keeps for itself.
    """
    text = unicodedata.normalize("NFKC", name[:2000])
    text = "".join(char for char in text if unicodedata.category(char)[0] != "C" and char not in "\u2028\u2029")
    text = re.split(r"[/\\]", text.rstrip("/\\ "))[-1]
    text = re.sub(r"\s+", " ", _FORBIDDEN.sub("_", text)).strip().lstrip(". ").rstrip(". ")
    if _RESERVED.fullmatch(text):
        text = f"_{text}"
    return _cut(text)


def _cut(text: str) -> str:
    """At most MAX_NAME_CHARS, the extension kept."""
    if len(text) <= MAX_NAME_CHARS:
        return text
    stem, dot, extension = text.rpartition(".")
    if not dot or len(extension) > 10:
        return text[:MAX_NAME_CHARS].rstrip(". ")
    return f"{stem[: MAX_NAME_CHARS - len(extension) - 1].rstrip('. ')}.{extension}"


def extension_of(media_type: str) -> str:
    """The usual extension of a media type with its dot, ".bin" for one nobody knows."""
    return _EXTENSIONS[media_type] if media_type in _EXTENSIONS else _TYPES.guess_extension(media_type) or ".bin"


@dataclass(slots=True)
class FileList:
    """The files of one mail while it is read."""

    limits: MailLimits
    files: list[MailFile] = field(default_factory=list)
    left_out: bool = False  # there were more than can be listed

    def add(
        self, name: str, declared: str, content: bytes, content_id: str = "", *, inline: bool = False, refused: str = ""
    ) -> None:
        """Puts one file on the list.

        Content is dropped for programs and scripts and over the caps. HTML and SVG are marked as well, and kept: they
        may be offered as a download, and must never be shown.
        """
        if len(self.files) >= _MAX_LISTED:
            self.left_out = True
            return
        shown = safe_name(name)
        media_type = media_type_of(content, declared, shown)
        shown = shown or f"attachment-{len(self.files) + 1}{extension_of(media_type)}"
        refused = refused or self._refusal(media_type, len(content))
        keep = not refused or (refused == "forbidden_type" and media_type in (HTML, SVG))
        kept = content if keep else b""
        self.files.append(MailFile(shown, media_type, kept, len(content), content_id, inline, refused))

    def _refusal(self, media_type: str, size_bytes: int) -> str:
        if media_type in (EXECUTABLE, SCRIPT):
            return "forbidden_type"
        if sum(1 for one in self.files if one.refused in ("", "forbidden_type") and one.content) >= self.limits.files:
            return "too_many"
        if size_bytes > self.limits.file_bytes:
            return "too_large"
        return "forbidden_type" if media_type in (HTML, SVG) else ""
