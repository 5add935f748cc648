"""The text of the rich text that Outlook puts into winmail.dat: unpacked ([MS-OXRTFCP]) and without its formatting."""

from __future__ import annotations

import re

from channels.email.charset import decode, tidy

_MAX_CHARS = 500_000  # unpacked; more is cut
_PACKED, _PLAIN = b"LZFu", b"MELA"
_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans "
    b"SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4096
_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\",
    re.DOTALL,
)
_LINES = {b"par": "\n", b"line": "\n", b"row": "\n", b"tab": "\t", b"cell": "\t", b"emdash": "—", b"endash": "–",
          b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•"}  # fmt: skip
_NOT_TEXT = frozenset(b"fonttbl colortbl stylesheet info pict object header footer themedata".split())


def text_of_compressed(data: bytes) -> str:
    """The text of a PR_RTF_COMPRESSED value, "" where it is damaged."""
    return text_of_rtf(unpack(data))


def unpack(data: bytes) -> bytes:
    """The RTF in a compressed one, at most _MAX_CHARS bytes; b"" for what is none."""
    kind = data[8:12]
    if kind == _PLAIN:
        return data[16 : 16 + _MAX_CHARS]
    return bytes(_unpacked(data)) if kind == _PACKED else b""


def _unpacked(data: bytes) -> bytearray:
    """Eight items per control byte: a byte as it is, or place and length of what was seen in the last 4,096."""
    window = bytearray(_START.ljust(_WINDOW, b"\x00"))
    out = bytearray()
    write, at = len(_START), 16
    while at < len(data) and len(out) < _MAX_CHARS:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                return out
            if not control >> bit & 1:
                piece, at = data[at : at + 1], at + 1
            else:
                word = int.from_bytes(data[at : at + 2], "big")
                at += 2
                place, length = word >> 4, (word & 15) + 2
                if place == write % _WINDOW:
                    return out
                piece = b""
            for i in range(len(piece) or length):
                byte = piece[0] if piece else window[(place + i) % _WINDOW]
                out.append(byte)
                window[write % _WINDOW] = byte
                write += 1
    return out


def text_of_rtf(data: bytes) -> str:
    """The visible text of RTF, formatting left out."""
    found: list[str] = []
    raw = bytearray()  # bytes in the document's code page, decoded together: a character may be two of them
    codepage = "cp1252"
    hidden: list[bool] = [False]  # per open group
    skip, per_unicode = 0, 1
    for token in _TOKEN.finditer(data):
        byte, word, number, symbol, brace, plain = token.groups()
        if brace == b"{":
            hidden.append(hidden[-1])
        elif brace == b"}":
            hidden.pop() if len(hidden) > 1 else None
        elif symbol == b"*" or word in _NOT_TEXT:
            hidden[-1] = True
        elif word == b"ansicpg" and number:
            codepage = f"cp{int(number)}"
        elif word == b"uc" and number:
            per_unicode = min(10, max(0, int(number)))
        elif hidden[-1]:
            continue
        elif word == b"u" and number:
            found += [_decoded(raw, codepage), chr(int(number) % 65536)]
            skip = per_unicode
        elif byte:
            if skip:
                skip -= 1
            else:
                raw.append(int(byte, 16))
        elif plain or symbol in (b"\\", b"{", b"}"):
            content = plain or symbol
            raw += content[skip:]
            skip = max(0, skip - len(content))
        elif word in _LINES or symbol == b"~":
            found += [_decoded(raw, codepage), _LINES.get(word, " ")]
    found.append(_decoded(raw, codepage))
    return tidy("".join(found).encode("utf-16", "surrogatepass").decode("utf-16", "replace")).strip()


def _decoded(raw: bytearray, codepage: str) -> str:
    """The text of the waiting bytes, which are taken away."""
    text = decode(bytes(raw), codepage)[0] if raw else ""
    raw.clear()
    return text
