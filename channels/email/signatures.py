"""Where the sender's words end and the signature begins: "-- ", "sent from my phone", closings, cards, legal footers.

A card is cut only if it looks like one: short lines, a name or a company first, telephone numbers or addresses after.
Details that the sender was asked for ("电话：…" after a colon, or nothing else in the mail) are words, not a card.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from channels.email.phrases import ASKED_FOR, CLOSING_LATIN, CLOSING_ZH, CONTACT, LEGAL, SENT_FROM, TITLE

_MAX_SIGNATURE = 160  # lines from the end of a mail that may be signature, footer and the like together
_MAX_TAIL = 60  # lines of one of them
_MAX_LINE = 400

_DELIMITER = re.compile(r"\s{0,3}(?:--|—|–|――)\s?$")
_LINE_DELIMITER = re.compile(r"\s{0,3}(?:_{5,}|~{5,}|={5,}|\*{5,}|-{4,}|—{4,}|─{4,})\s*$")
_NO_WORDS = re.compile(r"[\W_ᐧ]*$")

_HAN = re.compile(r"[\u3400-\u9fff]")
_LABELLED = re.compile(r"\s{0,3}[\w（）() ]{1,16}[:：]")
_SENTENCE_END = re.compile(r"[。！？!?；;…]\s*$|[a-z]{3,}\.\s*$")
_BARS = re.compile(r"[\s|]*\|[\s|]*$")
_DASH_NAME = re.compile(
    r"\s{0,3}(?:-{1,3}|[–—]{1,3}\s?)(?:[A-Z][\w.]{0,20}(?: [A-Z][\w.]{0,20}){0,2}|[\u4e00-\u9fff·]{2,5})\s*$"
)


def cut_signature(lines: Sequence[str], *, followed: bool) -> tuple[list[str], list[str]]:
    """The sender's lines without, and then the lines of, the signature. Either may be empty.

    followed: quoted history comes next, so that an address standing alone at the end is a program's work.
    """
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    far = max(0, end - _MAX_SIGNATURE)
    body = list(lines[far:end])
    while body:
        cut = _start(body, followed=followed)
        if cut is None:
            break
        body = body[:cut]
    cut = far + len(body)
    return list(lines[:cut]), list(lines[cut:])


def _start(lines: Sequence[str], *, followed: bool) -> int | None:
    """Where the outermost signature of these lines begins; None without one. Less than len(lines)."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    if not end:
        return 0 if lines else None
    low = max(0, end - _MAX_TAIL)
    last = lines[end - 1][:_MAX_LINE]
    if SENT_FROM.match(last) or (_NO_WORDS.match(last) and not _has_symbol(last)) or _is_signed(lines, end):
        return end - 1
    for find in (_delimiter, _legal, _closing):
        cut = find(lines, low, end)
        if cut is not None:
            return cut
    return _card(lines, low, end, followed=followed)


def _has_symbol(line: str) -> bool:
    """An emoji or "👍" alone is an answer; ":+1:", ":)" and "+" or "?" too. Rules of dashes are not."""
    return any(char not in "-_=*#~+.|—–─― ᐧ\t" for char in line) or line.strip() in ("+", "+1")


def _is_signed(lines: Sequence[str], end: int) -> bool:
    """A name after a dash, and not the last point of a list."""
    if end < 2 or not _DASH_NAME.match(lines[end - 1][:_MAX_LINE]):
        return False
    above = next((line for line in reversed(lines[max(0, end - 4) : end - 1]) if line.strip()), "")
    return bool(above) and not above.lstrip().startswith(("-", "–", "—")) and not above.rstrip().endswith((":", "："))


def _delimiter(lines: Sequence[str], low: int, end: int) -> int | None:
    """A line of two dashes, or of many with a few lines below that look like a signature."""
    for i in range(low, end):
        tail = [line[:_MAX_LINE] for line in lines[i + 1 : end] if line.strip()]
        if lines[i] == "-- " or (_DELIMITER.match(lines[i]) and not _reads_on(tail) and sum(map(len, tail)) <= 3000):
            return i
        if not _LINE_DELIMITER.match(lines[i]) or not _is_short(tail, 10) or _is_list(tail):
            continue
        if any(CONTACT.search(line) or TITLE.search(line) for line in tail) or (lines[i][:1] == "_" and len(tail) <= 2):
            return i
    return None


def _is_short(tail: Sequence[str], most: int) -> bool:
    return len(tail) <= most and all(len(line) <= 90 for line in tail) and not _reads_on(tail)


def _reads_on(tail: Sequence[str]) -> bool:
    """Whether this is prose: two lines end as sentences do, or one asks."""
    ends = [line for line in tail if _SENTENCE_END.search(line)]
    return len(ends) > 1 or any(line.rstrip().endswith(("?", "？")) for line in ends)


def _is_list(tail: Sequence[str]) -> bool:
    return any(re.match(r"\s{0,3}(?:[-*•]|\d{1,2}[.、)])\s?\S", line) for line in tail)


def _legal(lines: Sequence[str], low: int, end: int) -> int | None:
    """The paragraph at the end, or the first of several, that speaks of confidence, recipients, viruses or paper."""
    cut = None
    bottom = end
    for _ in range(8):
        top = bottom
        while top > low and lines[top - 1].strip():
            top -= 1
        found = next((i for i in range(top, bottom) if LEGAL.search(" ".join(lines[i:bottom])[:2000])), None)
        if top == bottom or found is None:
            break
        cut = _first_legal(lines, top, bottom)
        bottom = top
        while bottom > low and not lines[bottom - 1].strip():
            bottom -= 1
    while cut and cut > low and (not lines[cut - 1].strip() or _LINE_DELIMITER.match(lines[cut - 1][:_MAX_LINE])):
        cut -= 1
    return cut


def _first_legal(lines: Sequence[str], top: int, bottom: int) -> int:
    """The first line of a paragraph whose own words are legal; the paragraph's first when it is all one text."""
    for i in range(top, bottom):
        if LEGAL.search(" ".join(lines[i : i + 3])[:2000]) and (i == top or LEGAL.search(lines[i][:2000])):
            return i
    return top


def _closing(lines: Sequence[str], low: int, end: int) -> int | None:
    """A Chinese closing with at most a name, a card and a date; one in Latin script only with a card.

    "Best regards, Jef" is typed as often as not, and the published sets of replies count it as said; "此致 敬礼" is form.
    """
    written_in_chinese = any(_HAN.search(line[:_MAX_LINE]) for line in lines[max(0, end - 30) : end])
    for i in range(max(low, end - 16), end):
        line = lines[i][:_MAX_LINE]
        tail = [one for one in lines[i + 1 : end] if one.strip() and not _BARS.match(one)]
        if CLOSING_ZH.match(line) and written_in_chinese and _is_short(tail, 12) and (tail or _HAN.search(line)):
            return i
        details = [one for one in tail if CONTACT.search(one[:_MAX_LINE]) or TITLE.search(one[:_MAX_LINE])]
        if CLOSING_LATIN.match(line) and details and _is_short(tail, 14):
            return i
    return None


def _card(lines: Sequence[str], low: int, end: int, *, followed: bool) -> int | None:
    """A name, then at least two lines of company, telephone, address; set apart by a blank line."""
    top = _block_start(lines, low, end)
    block = [line[:_MAX_LINE].strip(" |") for line in lines[top:end] if line.strip(" |\t")]
    above = next((line for line in reversed(lines[low:top]) if line.strip()), "")
    if not block or not above or ASKED_FOR.search(above[-40:]):
        return None
    if len(block) > 10 or any(len(line) > 100 or _SENTENCE_END.search(line) for line in block):
        return None
    contacts = sum(1 for line in block if CONTACT.search(line))
    titles = sum(1 for line in block if TITLE.search(line) and len(line) <= 60)
    barred = _BARS.match(lines[top][:_MAX_LINE]) is not None
    alone = len(block) <= 2 and contacts == 1 and followed and _is_address(block[-1])
    named = not _LABELLED.match(block[0]) and not CONTACT.search(block[0]) and len(block[0]) <= 40
    enough = contacts >= 2 or (contacts and titles) or (barred and contacts)
    return top if alone or (named and enough and len(block) >= 2) else None


def _block_start(lines: Sequence[str], low: int, end: int) -> int:
    """Where the last block begins: after a blank line, or with the first "|" of a card that NetEase draws with bars."""
    if _BARS.match(lines[end - 1][:_MAX_LINE]):
        return next(i for i in range(max(low, end - 20), end) if _BARS.match(lines[i][:_MAX_LINE]))
    top = end
    while top > low and lines[top - 1].strip():
        top -= 1
    return top


def _is_address(line: str) -> bool:
    return re.fullmatch(r"[<(]?[\w.+\-]{1,64}@[\w\-.]{3,120}[>)]?", line.strip()) is not None
