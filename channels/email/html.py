"""The text of an HTML mail: all of it, or what its sender wrote now.

Three steps, each linear: html_guard makes any page small, shallow and free of what is no text; html_layout lays the
tree out as lines and html_regions says which lines a mail program quoted or signed; quotes.py tells the rest apart,
by the same rules as in a mail of plain text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from selectolax.lexbor import LexborHTMLParser

from channels.email import quote_marks as marks
from channels.email.html_guard import guarded
from channels.email.html_layout import Line, lay_out
from channels.email.html_regions import RegionKind, Regions
from channels.email.quotes import Reply, split

MAX_HTML_CHARS = 3_000_000  # of the page as sent; the rest is not read
MAX_TEXT_CHARS = 1_000_000


def to_text(html: str) -> str:
    """The whole text: lists and tables kept, a link's address after its words, images by "[alt]".

    Never raises; what is broken, hidden or only for programs is left out. At most MAX_TEXT_CHARS characters.
    """
    return _tidy("\n".join(line.text for line in _lines(html)))


def new_text(html: str) -> str:
    """What the sender wrote now, without quoted history and signature; all of the text if nothing would be left."""
    return new_reply(html).text


def new_reply(html: str) -> Reply:
    """As `quotes.split_reply`, of an HTML mail."""
    lines = _lines(html)
    reply, is_whole = split("\n".join(_marked(lines)))
    if is_whole:
        return Reply(_tidy("\n".join(line.text for line in lines)))
    return Reply(_tidy(reply.text), _tidy(reply.quoted), _tidy(reply.signature))


def _lines(html: str) -> list[Line]:
    page = guarded(marks.OWN_MARKS.sub("", html[:MAX_HTML_CHARS].replace("\x00", "")))
    root = LexborHTMLParser(page).root if page.strip() else None
    return [] if root is None else lay_out(root, Regions(), MAX_TEXT_CHARS)


def _marked(lines: Sequence[Line]) -> list[str]:
    """The lines as quotes.py reads them: "> " before quoted ones, a mark of its own before the others."""
    out: list[str] = []
    in_history = False
    for line in lines:
        kind = line.region.kind
        if kind is RegionKind.HISTORY and not in_history:
            out.append(marks.HISTORY)
            in_history = True
        if kind is RegionKind.QUOTE:
            out.append("> " * min(line.region.depth, 10) + line.text)
        elif kind is RegionKind.SIGNATURE and line.text:
            out.append(marks.SIGNATURE + line.text)
        elif kind is RegionKind.ATTRIBUTION and line.text:
            out.append(marks.ATTRIBUTION + line.text)
        else:
            out.append(line.text)
    return out


def _tidy(text: str) -> str:
    text = text.replace("\u00a0", " ")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")
