"""A calendar file (RFC 5545) as one line that a person can read."""

from __future__ import annotations

import re
from datetime import datetime

_MAX_BYTES_LOOKED_AT = 200_000
_MAX_PART_CHARS = 200
_PROPERTY = re.compile(r"([A-Za-z-]{1,40})((?:;[^:\"]{0,300}(?:\"[^\"]{0,300}\")?){0,20}):(.*)")
_ZONE = re.compile(r"TZID=\"?([^;:\"]{1,80})", re.IGNORECASE)
_NAME = re.compile(r"CN=(?:\"([^\"]{1,200})\"|([^;:\"]{1,200}))", re.IGNORECASE)


def line_of(calendar: str) -> str:
    """One line: `[REQUEST] Weekly sync · 2026-11-23 10:00 Asia/Shanghai · Room 2 · Alice <alice@...>`.

    "" if there is no event. The words are the file's own: which language its reader has is not known here.
    """
    found = _properties(re.sub(r"\r?\n[ \t]", "", calendar[:_MAX_BYTES_LOOKED_AT]))
    if not ("summary" in found or "dtstart" in found):
        return ""
    method = found.get("method", ("", ""))[1].upper()
    pieces = (
        _text(found.get("summary", ("", ""))[1]),
        _moment(*found.get("dtstart", ("", ""))),
        _text(found.get("location", ("", ""))[1]),
        _person(*found.get("organizer", ("", ""))),
    )
    line = " · ".join(piece for piece in pieces if piece)
    return f"[{method}] {line}" if re.fullmatch(r"[A-Z-]{1,20}", method) else line


def _properties(text: str) -> dict[str, tuple[str, str]]:
    """(parameters, value) by name in lower case: of the calendar itself and of its first event or task."""
    found: dict[str, tuple[str, str]] = {}
    inside: list[str] = []
    for line in text.splitlines():
        match = _PROPERTY.match(line)
        if match is None:
            continue
        name, value = match[1].lower(), match[3].strip()
        if name == "begin":
            inside.append(value.upper())
        elif name == "end":
            if inside and inside.pop() in ("VEVENT", "VTODO") and "dtstart" in found:
                break
        elif not inside or inside[-1] in ("VCALENDAR", "VEVENT", "VTODO"):
            found.setdefault(name, (match[2], value))
    return found


def _text(value: str) -> str:
    plain = re.sub(r"\\([nN,;\\])", lambda m: " " if m[1] in "nN" else m[1], value)
    return " ".join(plain.split())[:_MAX_PART_CHARS]


def _moment(parameters: str, value: str) -> str:
    """A time as written, with its zone; "" for what is none."""
    zone = _ZONE.search(parameters)
    for pattern, shown in (("%Y%m%dT%H%M%S", "%Y-%m-%d %H:%M"), ("%Y%m%d", "%Y-%m-%d")):
        try:
            moment = datetime.strptime(value.removesuffix("Z"), pattern)
        except ValueError:
            continue
        where = "UTC" if value.endswith("Z") else zone[1] if zone else ""
        return f"{moment.strftime(shown)} {where}".strip()
    return ""


def _person(parameters: str, value: str) -> str:
    named = _NAME.search(parameters)
    name = _text((named[1] or named[2]) if named else "")
    address = re.sub(r"^mailto:", "", value, flags=re.IGNORECASE)[:_MAX_PART_CHARS]
    return f"{name} <{address}>" if name and address and name != address else name or address
