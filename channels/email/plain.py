"""Plain text of a mail as its writer meant it: flowed lines joined, PGP's frame taken off, line ends "\\n"."""

from __future__ import annotations

import re

_QUOTES = re.compile(r">*")
_SIGNED = re.compile(
    r"\A\s*-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z-]+:[^\n]*\n)*[ \t]*\n(.*?)\n-----BEGIN PGP SIGNATURE-----"
    r".*?-----END PGP SIGNATURE-----(.*)\Z",
    re.DOTALL,
)
_ARMOUR = "-----BEGIN PGP MESSAGE-----"
_ARMOUR_END = "-----END PGP MESSAGE-----"


def line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unflow(text: str, *, delsp: bool = False) -> str:
    """`text` in format=flowed as paragraphs (RFC 3676). delsp: the blank that marks a soft break is no part of the text.

    A line that ends in a blank goes on in the next one of the same quote depth; the signature mark "-- " never does.
    """
    done: list[str] = []
    open_line: list[str] = []
    open_depth = 0
    for line in text.split("\n"):
        quotes = _QUOTES.match(line)
        depth = quotes.end() if quotes else 0
        content = line[depth:].removeprefix(" ") if depth or line.startswith(" ") else line
        if open_line and (depth != open_depth or content == "-- "):
            done.append(_closed(open_line, open_depth))
            open_line = []
        open_depth = depth
        if content.endswith(" ") and content != "-- ":
            open_line.append(content[:-1] if delsp else content)
            continue
        open_line.append(content)
        done.append(_closed(open_line, depth))
        open_line = []
    if open_line:
        done.append(_closed(open_line, open_depth))
    return "\n".join(done)


def _closed(lines: list[str], depth: int) -> str:
    text = "".join(lines)
    return f"{'>' * depth} {text}" if depth else text


def without_signature_frame(text: str) -> str:
    """The text within a PGP signature, dashes unescaped; text without one as it is."""
    if "-----BEGIN PGP SIGNED MESSAGE-----" not in text[:200]:
        return text
    found = _SIGNED.match(text)
    return re.sub(r"^- ", "", found[1], flags=re.MULTILINE) + found[2].rstrip() if found else text


def is_armoured(text: str) -> bool:
    """Whether the text is nothing but a PGP message: encrypted, nobody here can read it."""
    text = text.strip()
    return text.startswith(_ARMOUR) and text.endswith(_ARMOUR_END)
