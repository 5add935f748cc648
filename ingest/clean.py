"""A document's text made safe and plain: no invisible characters, no page furniture, no walls of blank lines."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

# Controls, zero-width and direction marks, soft hyphens, variation selectors, fillers and the "tags" block: nobody sees
# them, but a search does, and hidden instructions travel in them. The form feed stays: it divides pages.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SPACES = re.compile(
    r"(?<=\S)(?: [ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+|[\t\u00a0\u2000-\u200a\u202f\u205f\u3000]+ *)"
)
_ODD_INDENT = re.compile(r"^[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})")
_FURNITURE = re.compile(
    r"^(?:©.*|\(c\) ?\d{4}.*|copyright .{0,80}|.{0,60}all rights reserved\.?|版权所有.{0,60}|"
    r"back to top|返回顶部|回到顶部|"
    r"上一[篇页].{0,60}|下一[篇页].{0,60}|was this (?:page|article|helpful).{0,40}|"
    r"(?:本文|此页|该文章)(?:是否)?对[您你]有帮助.{0,20}|share this (?:page|article).{0,20}|分享到.{0,30}|"
    r"skip to (?:main )?content|跳[转到至].{0,4}主要?内容|table of contents|on this page)$",
    re.IGNORECASE,
)
_REPEATED = 5  # a line alone on its paragraph that often is a watermark or a menu


def clean_document(text: str, *, repeated_lines: bool = True) -> str:
    """Text without what nobody sees or nobody meant to say. NFC; line ends "\\n"; code blocks keep their spaces.

    repeated_lines: also drop a short unpunctuated line that stands alone five times or more, except the first time
    (watermarks, menus). Lone surrogates become replacement characters.
    """
    text = text.encode("utf-8", "replace").decode("utf-8", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text.replace("\x0b", "\n").replace("\x85", "\n")))
    lines, code = _tidy_lines(text.split("\n"))
    if repeated_lines:
        lines = _without_repeats(lines, code)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(" \n")


def one_line(text: str) -> str:
    """`text` on one line, cleaned: for titles and facts about a file."""
    return " ".join(clean_document(text, repeated_lines=False).replace("\f", " ").split())


def _tidy_lines(lines: list[str]) -> tuple[list[str], set[int]]:
    """Spaces reduced outside code, furniture dropped; and the numbers of the lines that are code."""
    tidy: list[str] = []
    code: set[int] = set()
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if fence:
            code.add(len(tidy))
            tidy.append(line.rstrip())
            if mark and mark.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if mark:
            fence = mark.group(1)
        line = _SPACES.sub(" ", _ODD_INDENT.sub(_plain_indent, line)).rstrip(" \t")
        if not _FURNITURE.match(line.strip()):
            tidy.append(line)
    return tidy, code


def _plain_indent(match: re.Match[str]) -> str:
    blanks = match.group().replace("\t", "    ")
    return " " * len(blanks) if blanks.isascii() else ""


def _without_repeats(lines: list[str], code: set[int]) -> list[str]:
    alone = [
        i
        for i, line in enumerate(lines)
        if line
        and i not in code
        and len(line) <= 80
        and (i == 0 or not lines[i - 1].strip())
        and (i + 1 == len(lines) or not lines[i + 1].strip())
        and not line.startswith(("#", "-", "*", "|", "`", "~", ">", " "))
        and line[-1] not in ".。:：!！?？;；,，"
        and not re.match(r"\d+\.", line)
    ]
    counts = Counter(lines[i] for i in alone)
    drop: set[int] = set()
    seen: set[str] = set()
    for i in alone:
        if counts[lines[i]] >= _REPEATED and lines[i] in seen:
            drop.add(i)
        seen.add(lines[i])
    return [line for i, line in enumerate(lines) if i not in drop]
