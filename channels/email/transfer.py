"""Transfer encodings undone: base64 and quoted-printable, also where they are damaged."""

from __future__ import annotations

import binascii
import re

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_WHITE = b" \t\r\n\x0b\x0c"
_LEGAL = re.compile(rb"[A-Za-z0-9+/=\s]*+")
_SOFT_BREAK = re.compile(rb"=[ \t]++(?=\r?\n)")
_MAX_JOINED = 1000  # base64 blocks that stand one behind the other, each with its own padding


def undo(data: bytes, encoding: str) -> tuple[bytes, str]:
    """(content, flaw) of a body with a Content-Transfer-Encoding in lower case; the flaw is "" or "base64".

    An unknown encoding leaves the bytes as they are.
    """
    if encoding == "base64":
        return _base64(data)
    if encoding in ("quoted-printable", "quotedprintable", "q"):
        if b"= " in data or b"=\t" in data:
            data = _SOFT_BREAK.sub(b"=", data)
        return binascii.a2b_qp(data), ""
    return data, ""


def _base64(data: bytes) -> tuple[bytes, str]:
    """A few stray bytes are left out, a foreign tail (a scanner's footer) is cut; what is no base64 stays as it is."""
    letters = data.translate(None, _WHITE)
    illegal = letters.translate(None, _ALPHABET)
    if len(illegal) > 2 or (illegal and b" " in data.strip()):
        legal = _LEGAL.match(data)
        line = data.rfind(b"\n", 0, legal.end() if legal else 0) + 1
        if len(illegal) * 100 > len(data) - line:  # they come together: from here on it is something else
            letters = data[:line].translate(None, _WHITE)
            if len(letters) < 40:
                return data, "base64"
    letters = letters.translate(None, illegal)
    content, is_whole = _joined(letters)
    return content, "" if is_whole and not illegal else "base64"


def _joined(letters: bytes) -> tuple[bytes, bool]:
    """(content, whether nothing was missing) of base64 letters, in which padding may stand between two blocks."""
    body = letters.rstrip(b"=")
    if b"=" not in body:
        return _block(body), len(body) % 4 != 1
    blocks = [block for block in body.split(b"=", _MAX_JOINED) if block]
    if len(blocks) > _MAX_JOINED or b"=" in blocks[-1]:
        blocks[-1] = blocks[-1].split(b"=", 1)[0]
    return b"".join(_block(block) for block in blocks), False


def _block(letters: bytes) -> bytes:
    whole = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
