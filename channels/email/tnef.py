"""winmail.dat, the box in which Outlook hides attachments (TNEF): what is in it, with every read inside bounds.

Source: [MS-OXTNEF], the layout of the stream and of the property lists in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.email.charset import decode, one_line, tidy
from channels.email.rtf import text_of_compressed

SIGNATURE = b"\x78\x9f\x3e\x22"
_MAX_ATTRIBUTES = 5_000
_MAX_PROPERTIES = 5_000
_MAX_FILES = 100
_MAX_DEPTH = 5  # of mails in mails
_MAX_TEXT_BYTES = 2_000_000
# attributes
_BODY, _MESSAGE_PROPERTIES, _CODEPAGE = 0x0002800C, 0x00069003, 0x00069007
_NEW_FILE, _FILE_DATA, _FILE_TITLE, _FILE_PROPERTIES = 0x00069002, 0x0006800F, 0x00018010, 0x00069005
# properties
_TEXT, _RTF, _HTML = 0x1000, 0x1009, 0x1013
_CONTENT, _SHORT_NAME, _LONG_NAME, _MIME_TYPE, _CONTENT_ID, _SHOWN_NAME = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712, 0x3001
_SIZES = {0: 4, 1: 4, 2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
_OBJECT, _STRING, _UNICODE, _BINARY = 0x0D, 0x1E, 0x1F, 0x102


class Damaged(ValueError):
    """The stream ends too early or does not follow the layout."""


@dataclass(slots=True)
class TnefFile:
    name: str = ""
    media_type: str = ""
    content_id: str = ""
    content: bytes = b""


@dataclass(slots=True)
class Tnef:
    """What was in the box. `is_cut`: it ended in the middle; what came before is here."""

    text: str = ""
    html: str = ""
    rtf_text: str = ""
    files: list[TnefFile] = field(default_factory=list)
    is_cut: bool = False


def read_tnef(data: bytes, depth: int = 0) -> Tnef:
    """Text and files of a TNEF stream. A damaged one gives what could be read. Raises Damaged where it is no such stream."""
    if not data.startswith(SIGNATURE):
        raise Damaged("no TNEF signature")
    found = Tnef()
    codepage = ""
    try:
        for attribute, value in _attributes(data):
            if attribute == _CODEPAGE:
                codepage = f"cp{int.from_bytes(value[:4], 'little')}"
            elif attribute == _BODY:
                found.text = found.text or _text(value[:_MAX_TEXT_BYTES], codepage)
            elif attribute == _MESSAGE_PROPERTIES:
                _read_message(found, value, codepage)
            elif attribute == _NEW_FILE and len(found.files) < _MAX_FILES:
                found.files.append(TnefFile())
            elif attribute in (_FILE_DATA, _FILE_TITLE, _FILE_PROPERTIES) and found.files:
                _read_file(found, attribute, value, codepage, depth)
    except Damaged:
        found.is_cut = True
    found.files = [one for one in found.files if one.content or one.name]
    return found


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(id, value) of each attribute: level, id, length, value, checksum."""
    at = 6  # behind signature and key
    for _ in range(_MAX_ATTRIBUTES):
        if at >= len(data):
            return
        head = _slice(data, at, 9)
        attribute, length = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:9], "little")
        yield attribute, _slice(data, at + 9, length)
        at += 9 + length + 2
    raise Damaged("too many attributes")


def _read_message(found: Tnef, data: bytes, codepage: str) -> None:
    for number, value in _properties(data):
        if number == _TEXT:
            found.text = found.text or _string(value, codepage)
        elif number == _HTML:
            found.html = found.html or _string(value, codepage)
        elif number == _RTF:
            found.rtf_text = found.rtf_text or text_of_compressed(value[1])


def _read_file(found: Tnef, attribute: int, value: bytes, codepage: str, depth: int) -> None:
    one = found.files[-1]
    if attribute == _FILE_DATA:
        one.content = value
    elif attribute == _FILE_TITLE:
        one.name = one.name or _text(value, codepage)
    else:
        names = {}
        for number, content in _properties(value):
            if number in (_LONG_NAME, _SHOWN_NAME, _SHORT_NAME):
                names[number] = _string(content, codepage)
            elif number == _MIME_TYPE:
                one.media_type = _string(content, codepage).lower()
            elif number == _CONTENT_ID:
                one.content_id = _string(content, codepage).strip("<>")
            elif number == _CONTENT:
                _read_content(found, one, content, depth)
        one.name = names.get(_LONG_NAME) or one.name or names.get(_SHOWN_NAME) or names.get(_SHORT_NAME) or ""


def _read_content(found: Tnef, one: TnefFile, value: tuple[int, bytes], depth: int) -> None:
    """A file's content in its properties. An object is a mail in the box or an embedded document behind a 16-byte id."""
    kind, data = value
    data = data[16:] if kind == _OBJECT else data
    if kind != _OBJECT or not data.startswith(SIGNATURE):
        one.content = one.content or data
    elif depth < _MAX_DEPTH:
        inner = read_tnef(data, depth + 1)
        found.files += inner.files[: max(0, _MAX_FILES - len(found.files))]
        found.is_cut = found.is_cut or inner.is_cut
        text = inner.text or inner.rtf_text
        one.content, one.media_type = text.encode(), "text/plain"


def _properties(data: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """(number, (type, first value)) of each property in a list."""
    count = int.from_bytes(_slice(data, 0, 4), "little")
    at = 4
    for _ in range(min(count, _MAX_PROPERTIES)):
        kind, number = int.from_bytes(_slice(data, at, 2), "little"), int.from_bytes(_slice(data, at + 2, 2), "little")
        at += 4
        if number >= 0x8000:  # a named property: its id, and a number or a name
            named = int.from_bytes(_slice(data, at + 16, 4), "little")
            length = int.from_bytes(_slice(data, at + 20, 4), "little")
            at += 24 + (_padded(length) if named else 0)
        values, base = 1, kind & 0x0FFF
        is_long = base in (_OBJECT, _STRING, _UNICODE, _BINARY)
        if is_long or kind & 0x1000:
            values = int.from_bytes(_slice(data, at, 4), "little")
            at += 4
        first = None
        for _ in range(min(values, _MAX_PROPERTIES)):
            length = int.from_bytes(_slice(data, at, 4), "little") if is_long else _SIZES.get(base, -1)
            if length < 0:
                raise Damaged(f"unknown property type {kind:#x}")
            at += 4 if is_long else 0
            first = _slice(data, at, length) if first is None else first
            at += _padded(length)
        yield number, (base, first or b"")


def _padded(length: int) -> int:
    return length + (-length % 4)


def _slice(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise Damaged("ends too early")
    return data[at : at + length]


def _string(value: tuple[int, bytes], codepage: str) -> str:
    kind, data = value
    if kind == _UNICODE:
        return tidy(data[:_MAX_TEXT_BYTES].decode("utf-16-le", "replace"))
    return _text(data[:_MAX_TEXT_BYTES], codepage)


def _text(data: bytes, codepage: str) -> str:
    text = decode(data.rstrip(b"\x00"), codepage)[0]
    return text if "\n" in text else one_line(text)
