"""A mail as the tree of its parts. Own code, for two reasons that were measured with Python's parser:

30 MB of plain text takes it 262 MB, and it cannot stop at a cap: parts within 200 parts, or many short lines, take
seconds before they can be counted. Here the raw bytes stay one object, and a part is where it begins and ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.email.headers import Headers, parameters, read_headers
from channels.email.limits import MailLimits, MailRefused, Refusal
from channels.email.transfer import undo

_TYPE = re.compile(r"[a-z0-9.+_-]{1,80}/[a-z0-9.+_-]{1,120}")
_FIRST_DELIMITER = re.compile(rb"^--([^\s][^\r\n]{0,200}?)[ \t]*\r?\n(?=content-)", re.IGNORECASE | re.MULTILINE)
_INK = re.compile(rb"\S")
_PLAIN = "text/plain"
_ENCODED = frozenset({"base64", "quoted-printable"})


@dataclass(slots=True)
class Part:
    """One part: a leaf with a body, a multipart with `parts`, or a mail in the mail with its root as the only one."""

    headers: Headers
    media_type: str
    params: dict[str, str]
    source: bytes
    start: int  # of the body in `source`
    end: int
    parts: list[Part] = field(default_factory=list)
    disposition: str = ""
    filename: str = ""
    is_cut: bool = False  # its end never came

    @property
    def is_multipart(self) -> bool:
        return self.media_type.startswith("multipart/")

    @property
    def is_message(self) -> bool:
        """A mail in the mail that could be read; `parts` is its root."""
        return bool(self.parts) and not self.is_multipart

    @property
    def charset(self) -> str:
        return self.params.get("charset", "")

    @property
    def content_id(self) -> str:
        return self.headers.text("content-id").strip("<> ")[:500]

    def raw(self, max_bytes: int | None = None) -> bytes:
        return self.source[self.start : self.end if max_bytes is None else min(self.end, self.start + max_bytes)]

    def content(self, max_bytes: int | None = None) -> tuple[bytes, str]:
        """(decoded body, flaw). max_bytes: of the encoded body, for text of which only the beginning is wanted."""
        return undo(self.raw(max_bytes), self.headers.word("content-transfer-encoding").strip("\"'"))

    def walk(self) -> Iterator[Part]:
        """This part and all below, in the order of the mail, also those of mails in the mail."""
        yield self
        for one in self.parts:
            yield from one.walk()


class Splitter:
    """Splits one mail. `flaws` says what had to be mended."""

    def __init__(self, limits: MailLimits) -> None:
        self.limits = limits
        self.flaws: set[str] = set()
        self._count = 0

    def split(
        self, source: bytes, start: int = 0, end: int | None = None, depth: int = 1, default: str = _PLAIN
    ) -> Part:
        """The part that stands in `source` between `start` and `end`.

        default: its type if it names none. Raises MailRefused over the caps of parts, depth and headers.
        """
        self._count += 1
        if self._count > self.limits.parts:
            raise MailRefused(Refusal.TOO_MANY_PARTS, f"more than {self.limits.parts} parts")
        if depth > self.limits.depth:
            raise MailRefused(Refusal.TOO_DEEP, f"parts within more than {self.limits.depth} parts")
        end = len(source) if end is None else end
        headers = read_headers(source, start, end, self.limits)
        self.flaws.update(headers.flaws)
        part = _part(headers, source, end, default)
        if part.is_multipart:
            self._split_multipart(part, depth)
        elif part.media_type in ("message/rfc822", "message/global", "message/news"):
            self._open_message(part, depth)
        return part

    def _split_multipart(self, part: Part, depth: int) -> None:
        boundary = part.params.get("boundary", "").rstrip().encode("latin-1", "replace")
        if part.headers.word("content-transfer-encoding") in _ENCODED:  # not allowed, and it happens
            part.source, _ = part.content()
            part.start, part.end = 0, len(part.source)
        spans, closed = _spans(part, boundary, self.limits.parts, exact=True)
        if not spans and boundary:
            spans, closed = _spans(part, boundary, self.limits.parts, exact=False)
        if not spans and (
            found := _FIRST_DELIMITER.search(part.source, part.start, min(part.end, part.start + 20_000))
        ):
            spans, closed = _spans(part, found[1], self.limits.parts, exact=True)
        if not spans:
            self.flaws.add("no_parts")
            part.media_type, part.params = _PLAIN, {}
            return
        if not closed:
            self.flaws.add("cut_off")
        default = "message/rfc822" if part.media_type == "multipart/digest" else _PLAIN
        for start, end in spans:
            part.parts.append(self.split(part.source, start, end, depth + 1, default))
        if not closed:
            part.parts[-1].is_cut = True

    def _open_message(self, part: Part, depth: int) -> None:
        """Reads the mail in `part`, if there is one: what has no header stays a file."""
        source, start, end = part.source, part.start, part.end
        if part.headers.word("content-transfer-encoding") in _ENCODED:
            source, flaw = part.content()
            start, end = 0, len(source)
            self.flaws.update({flaw} - {""})
        while source[start : start + 1] in (b"\r", b"\n") and start < end:
            start += 1
        if not read_headers(source, start, end, self.limits).pairs:
            self.flaws.add("enclosed")
            return
        part.parts.append(self.split(source, start, end, depth + 1))


def _part(headers: Headers, source: bytes, end: int, default: str) -> Part:
    raw_type = headers.first("content-type")
    media_type, params = parameters(raw_type)
    if raw_type and any(byte > 127 for byte in raw_type):
        params = parameters(raw_type, params.get("charset", ""))[1]
    if not _TYPE.fullmatch(media_type):
        media_type = default if not media_type or "/" not in media_type else "application/octet-stream"
    disposition, more = parameters(headers.first("content-disposition"), params.get("charset", ""))
    name = more.get("filename") or params.get("name") or params.get("filename") or more.get("name") or ""
    return Part(headers, media_type, params, source, headers.end, end, [], disposition, name)


def _spans(part: Part, boundary: bytes, max_parts: int, *, exact: bool) -> tuple[list[tuple[int, int]], bool]:
    """(where the parts of a multipart stand, whether the end was marked).

    exact: a delimiter is the whole line, as it should be; otherwise its beginning is enough.
    """
    if not boundary:
        return [], False
    tail = rb"(--)?[ \t]*(?:\r*\n|\Z)" if exact else rb"(?:(--)[ \t]*\r*|[^\r\n]*\r*)(?:\n|\Z)"
    first = part.start - 1 if part.start and part.source[part.start - 1 : part.start] == b"\n" else part.start
    delimiter = re.compile((rb"\n--" if first < part.start else rb"(?:\A|\n)--") + re.escape(boundary) + tail)
    spans: list[tuple[int, int]] = []
    begin: int | None = None
    at = first
    # Plain search is many times faster than a pattern, and says that there is none in most of what is searched.
    while (near := part.source.find(b"--" + boundary, at, part.end)) >= 0:
        found = delimiter.search(part.source, max(at, near - 1), part.end)
        if found is None:
            break
        if begin is not None:
            spans.append((begin, max(begin, _without_line_end(part.source, begin, found.start()))))
        begin = found.end()
        if found[1]:
            return spans, True
        if len(spans) > max_parts:
            return spans, True
        at = found.end() - 1 if part.source[found.end() - 1 : found.end()] == b"\n" else found.end()
    if begin is not None and _INK.search(part.source, begin, part.end):
        spans.append((begin, part.end))
    return spans, False


def _without_line_end(source: bytes, begin: int, line_end: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    while line_end > begin and source[line_end - 1 : line_end] == b"\r":
        line_end -= 1
    return line_end
