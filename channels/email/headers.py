"""The header lines of a mail or of one of its parts, and what stands in them. Every read is guarded.

Written for what arrives: Python's own `email.policy.default` raises on real headers such as `Message-ID: <[x]@[y]>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from channels.email.charset import decode, one_line
from channels.email.limits import MailLimits, MailRefused, Refusal
from channels.email.words import decode_words

MAX_ID_CHARS = 500  # of a message id; one that is longer is none
_MAX_IDS = 100
_NAME = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_KNOWN = re.compile(
    rb"(?:subject|from|to|cc|date|message-id|mime-version|content-[a-z-]+|received|reply-to|x-[a-z-]+)[ \t]*:", re.I
)
_ID = re.compile(r"<([^<>]{1,2000})>")
_BETWEEN_IDS = re.compile(r"[\s<>,;\"]+")
_PARAMETER = re.compile(r"[;\s]*([A-Za-z0-9!#$%&'*+.^_`|{}~-]{1,80})\s*=\s*")
_QUOTE_END = re.compile(r"\s*(?:;|$)|\s+[\w*-]{1,40}\s*=")
_SECTION = re.compile(r"(.+?)(?:\*(\d{1,3}))?(\*)?")
_DATE_BEGINNING = re.compile(r"\d{1,2} [A-Za-z]{3} \d{4} \d{1,2}:\d{2}(?::\d{2}(?: [+-]\d{4})?)?")
_TZ_WORDS = re.compile(r"\s*\([^()]*\)\s*$")


@dataclass(frozen=True, slots=True)
class Headers:
    """Names in lower case with their raw values, unfolded, in the order they came."""

    pairs: tuple[tuple[str, bytes], ...] = ()
    end: int = 0  # where the body begins
    flaws: tuple[str, ...] = ()  # "headers": a line that is none was left out; "headers_cut": one was too long

    def all(self, name: str) -> list[bytes]:
        return [value for one, value in self.pairs if one == name]

    def first(self, name: str) -> bytes:
        """The first value of that name, b"" without one. Where a header may stand once, the first is meant."""
        return next((value for one, value in self.pairs if one == name), b"")

    def has(self, name: str) -> bool:
        return any(one == name for one, _ in self.pairs)

    def text(self, name: str, hint: str = "") -> str:
        return decode_words(self.first(name), hint)

    def word(self, name: str) -> str:
        """The first word of a value, in lower case, without what a ";" or "(" adds: "auto-replied"."""
        return re.split(r"[;(\s]", one_line(self.first(name).decode("latin-1")).lower(), maxsplit=1)[0]


def read_headers(data: bytes, start: int, end: int, limits: MailLimits) -> Headers:
    """The headers between `start` and `end` and where the body begins. A value over `limits.header_bytes` is cut.

    A line that is no header ends them, unless one follows that every mail has: then it is left out.
    Raises MailRefused when all of them are over `limits.all_headers_bytes`.
    """
    max_line_bytes = limits.header_bytes
    pairs: list[tuple[str, list[bytes]]] = []
    flaws: set[str] = set()
    at = start
    while at < end:
        if at - start > limits.all_headers_bytes:
            raise MailRefused(Refusal.HEADERS_TOO_LARGE, f"more than {limits.all_headers_bytes} bytes of headers")
        stop = data.find(b"\n", at, end)
        following = end if stop < 0 else stop + 1
        line = data[at : min(following, at + max_line_bytes + 2)].rstrip(b"\r\n")
        if following - at > max_line_bytes + 2:
            flaws.add("headers_cut")
        if not line:
            return _headers(pairs, following, flaws, max_line_bytes)
        if line[:1] in b" \t" and pairs:
            pairs[-1][1].append(line)
        elif found := _NAME.match(line):
            pairs.append((found[1].decode("ascii").lower(), [line[found.end() :]]))
        elif at == start and line.startswith((b"From ", b">From ")):
            pass  # the envelope line of an mbox file
        elif (more := _more_headers(data, following, end)) >= 0:
            flaws.add("headers")
            following = more
        else:
            return _headers(pairs, at, flaws | {"headers"}, max_line_bytes)
        at = following
    return _headers(pairs, at, flaws, max_line_bytes)


def _more_headers(data: bytes, start: int, end: int) -> int:
    """Where one of the next ten lines, before an empty one, is a header that every mail has; -1 without one."""
    at = start
    for line in data[start : min(end, start + 4000)].split(b"\n")[:10]:
        if not line.strip(b"\r"):
            return -1
        if _KNOWN.match(line):
            return at
        at += len(line) + 1
    return -1


def _headers(pairs: list[tuple[str, list[bytes]]], end: int, flaws: set[str], max_line_bytes: int) -> Headers:
    values = [(name, b"".join(lines).strip()) for name, lines in pairs]
    if any(len(value) > max_line_bytes for _, value in values):
        flaws.add("headers_cut")
    return Headers(tuple((name, value[:max_line_bytes]) for name, value in values), end, tuple(sorted(flaws)))


def parameters(raw: bytes, hint: str = "") -> tuple[str, dict[str, str]]:
    """(value in lower case, its parameters) of a header such as Content-Type. Names and values are decoded text.

    RFC 2231 with continuations, encoded words where they should not be, missing semicolons and quotes.
    """
    text = raw.decode("latin-1")
    head = re.match(r"\s*([^;\s]*)", text)
    value = head[1].lower() if head else ""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, content in _raw_parameters(text, head.end() if head else 0):
        section = _SECTION.fullmatch(name)
        if section is None or not (section[2] or section[3]):
            plain.setdefault(name, content)
        else:
            pieces.setdefault(section[1], {}).setdefault(int(section[2] or 0), (content, bool(section[3])))
    found = {name: decode_words(content.encode("latin-1"), hint) for name, content in plain.items()}
    if "boundary" in plain:  # compared byte for byte, blanks and all
        found["boundary"] = plain["boundary"]
    found.update({name: _joined(parts, hint) for name, parts in pieces.items()})
    return value, found


def _raw_parameters(text: str, at: int) -> list[tuple[str, str]]:
    """(lower-case name, raw value) of each parameter, at most 100."""
    found: list[tuple[str, str]] = []
    while at < len(text) and len(found) < 100:
        name = _PARAMETER.match(text, at)
        if name is None:
            at = text.find(";", at) + 1 or len(text)
            continue
        key, at = name[1].lower(), name.end()
        if text[at : at + 1] == '"':
            content, at = _quoted(text, at + 1)
        else:
            stop = text.find(";", at)
            content = text[at : stop if stop >= 0 else len(text)]
            if not key.startswith(("name", "filename")):  # a blank may stand in a name, elsewhere a ";" is missing
                content = (content.split() or [""])[0]
            at += len(content)
        found.append((key, content if key == "boundary" else content.strip()))
    return found


def _quoted(text: str, at: int) -> tuple[str, int]:
    """(content, where it ends) of a quoted string. A quote in the middle of a name does not end it."""
    stop = at
    while (stop := text.find('"', stop)) >= 0:
        if text[stop - 1] != "\\" and _QUOTE_END.match(text, stop + 1):
            break
        stop += 1
    stop = len(text) if stop < 0 else stop
    return re.sub(r'\\(["\\])', r"\1", text[at:stop]), stop + 1


def _joined(parts: dict[int, tuple[str, bool]], hint: str) -> str:
    """The value of a parameter in RFC 2231 pieces: name*0*=utf-8''%E4%B8, name*1*=%AD, name*2=x."""
    charset, data, encoded = "", b"", False
    for number, (content, is_encoded) in sorted(parts.items()):
        if is_encoded and not data and content.count("'") >= 2 and number == min(parts):
            charset, _, content = content.split("'", 2)
        encoded = encoded or is_encoded
        raw = content.encode("latin-1", "replace")
        data += unquote_to_bytes(raw) if is_encoded else raw
    return one_line(decode(data, charset, hint)[0]) if encoded else decode_words(data, hint)


def date_of(raw: bytes) -> datetime | None:
    """The moment in UTC, None where it cannot be told. A time without a zone counts as UTC."""
    text = one_line(raw.decode("latin-1"))[:200]
    beginning = _DATE_BEGINNING.search(text)
    for attempt in (text, _TZ_WORDS.sub("", text), beginning[0] if beginning else ""):
        for parse in (parsedate_to_datetime, datetime.fromisoformat):
            try:
                found = parse(attempt)
                moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
            except Exception:  # noqa: S112 - the standard parsers raise a dozen kinds of errors on such text
                continue
            if 1970 <= moment.year < 2200:
                return moment
    return None


def ids_of(raw: bytes) -> tuple[str, ...]:
    """The message ids in a value, without <>, at most 100: the first and the last ones."""
    text = raw.decode("utf-8", "replace")
    found = ["".join(one.split()) for one in _ID.findall(text)]
    found = found or [one for one in _BETWEEN_IDS.split(text) if "@" in one]
    kept = [one for one in dict.fromkeys(one_line(one) for one in found) if 0 < len(one) <= MAX_ID_CHARS]
    return tuple(kept if len(kept) <= _MAX_IDS else kept[:1] + kept[1 - _MAX_IDS :])
