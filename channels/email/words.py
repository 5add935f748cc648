"""Encoded words (RFC 2047) as text, also the broken ones that real clients send."""

from __future__ import annotations

import binascii
import re

from channels.email.charset import decode, one_line

_HEAD = re.compile(rb"=\?([A-Za-z0-9_.:+\-()']{1,60})(?:\*[A-Za-z0-9-]{0,20})?\?([bBqQ])\?")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_BLANK = b" \t\r\n"
_ANY_BLANK = re.compile(rb"[ \t\r\n]")


def decode_words(raw: bytes, hint: str = "") -> str:
    """A header's value as one line of text.

    hint: the charset of the mail, for bytes that should have been encoded and are not. Neighbouring words of one
    charset are decoded together: some clients cut a character in half between them. A word without its end runs to the
    next blank, and where the charset is unknown the bytes decide.
    """
    if b"=?" not in raw:
        return one_line(decode(raw, hint=hint)[0])
    found: list[str] = []
    waiting: list[tuple[str, str, bytes]] = []  # (charset, encoding, content) of neighbouring words
    at = plain_from = 0
    while (start := raw.find(b"=?", at)) >= 0:
        head = _HEAD.match(raw, start)
        if head is None:
            at = start + 2
            continue
        between = raw[plain_from:start]
        if between.strip(_BLANK) or not waiting:
            found += [_together(waiting), decode(between, hint=hint)[0]]
            waiting = []
        content, at = _content(raw, head.end())
        plain_from = at
        waiting.append((head[1].decode("ascii"), head[2].decode("ascii").lower(), content))
    found += [_together(waiting), decode(raw[plain_from:], hint=hint)[0]]
    return one_line("".join(found))


def _content(raw: bytes, start: int) -> tuple[bytes, int]:
    """(the content of a word that begins at `start`, where the text goes on behind it)."""
    end = raw.find(b"?=", start)
    other = raw.find(b"=?", start)
    if end == start and other == start + 1:  # "?=?=": an empty word cannot be told; take the nearer end
        return b"", end + 2
    if end < 0 or 0 <= other < end - 1:
        limit = other if other >= 0 else len(raw)
        blank = _ANY_BLANK.search(raw, start, limit)
        stop = blank.start() if blank else limit
        return raw[start:stop], stop
    return raw[start:end], end + 2


def _together(words: list[tuple[str, str, bytes]]) -> str:
    """The text of neighbouring words."""
    found: list[str] = []
    gathered, charset = b"", ""
    for name, group in _grouped(words):
        data = _of_base64(group) if group[0][0] == "b" else b"".join(_of_q(content) for _, content in group)
        if name != charset and gathered:
            found.append(decode(gathered, charset)[0])
            gathered = b""
        gathered, charset = gathered + data, name
    found.append(decode(gathered, charset)[0])
    return "".join(found)


def _grouped(words: list[tuple[str, str, bytes]]) -> list[tuple[str, list[tuple[str, bytes]]]]:
    """The words by charset and encoding, as far as they stand side by side."""
    groups: list[tuple[str, list[tuple[str, bytes]]]] = []
    for charset, encoding, content in words:
        name = charset.lower()
        if groups and groups[-1][0] == name and groups[-1][1][0][0] == encoding:
            groups[-1][1].append((encoding, content))
        else:
            groups.append((name, [(encoding, content)]))
    return groups


def _of_base64(group: list[tuple[str, bytes]]) -> bytes:
    """The bytes of base64 words. One that stops within a group of four goes on in the next."""
    out, open_part = [], b""
    for _, content in group:
        letters = _NOT_BASE64.sub(b"", content)
        open_part += letters
        if len(open_part) % 4 == 0 or b"=" in content:
            out.append(_padded(open_part))
            open_part = b""
    return b"".join((*out, _padded(open_part)))


def _padded(letters: bytes) -> bytes:
    whole = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _of_q(content: bytes) -> bytes:
    return _HEX.sub(lambda found: bytes((int(found[1], 16),)), content.replace(b"_", b" "))
