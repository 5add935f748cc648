"""A tree laid out as lines of text, each with the region it stands in.

Our own walk, because Inscriptis takes 42 s for 500 kB of nested tables, believes a margin of 100,000 em and drops empty
lines; this one visits every node once. What browsers do with `innerText`, with bullets, and a table's row on one line
as long as its cells are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from channels.email.html_regions import NO_REGION, Region, RegionKind, Regions

_BLOCKS = frozenset(
    "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form header "
    "hr html li main menu nav ol pre section summary table tbody tfoot thead tr ul caption includetail".split()
)
_APART = frozenset("p h1 h2 h3 h4 h5 h6".split())  # an empty line before and after
_UNNAMED_REGIONS = ("blockquote", "div", "includetail")  # they may begin one without id, class and style
_SPACES = re.compile(r"[ \t\r\n\f]+")
# Not "font-size: 0" (many frameworks set it around all of the text) and not "mso-hide" (hidden from Outlook only).
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?<![\w-])opacity\s*:\s*0(?![.\d])|"
    r"(?<![\w-])max-height\s*:\s*0(?:px)?\s*(?:;|$|!)",
    re.I,
)
_NO_MARGIN = re.compile(r"margin\s*:\s*0|margin-bottom\s*:\s*0", re.I)
_PRE = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.I)
_WITH_ADDRESS = re.compile(r"(?:https?://|mailto:)\S", re.I)
_MAX_ADDRESS = 2000
_NEWLINE, _EMPTY_LINE = 1, 2


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    region: Region = NO_REGION


@dataclass(slots=True)
class _Open:
    """An element we are inside of."""

    tag: str
    breaks: int = 0  # before and after it: _NEWLINE, _EMPTY_LINE
    region: Region | None = None  # it begins one
    pre: bool = False
    address: str = ""  # of a link
    start: int = 0  # characters laid out before it
    lines: int = 0  # lines laid out before it


@dataclass(slots=True)
class _Page:
    lines: list[Line] = field(default_factory=list)
    now: list[str] = field(default_factory=list)  # the line being written
    region: Region = NO_REGION  # of that line
    regions: list[Region] = field(default_factory=lambda: [NO_REGION])
    wanted: int = 0
    length: int = 0
    lists: list[int] = field(default_factory=list)  # numbers of the open lists; -1 for bullets
    bullet: str = ""
    pre: int = 0
    gap: str = ""  # between two cells of a row

    def write(self, text: str) -> None:
        if not text:
            return
        if not self.pre:
            text = _SPACES.sub(" ", text)
            if not text.strip(" "):
                if self.now and not self.wanted and not self.now[-1].endswith(" "):
                    self.now.append(" ")
                return
            if not self.now or self.wanted or self.now[-1].endswith(" "):
                text = text.lstrip(" ")
        for i, piece in enumerate(text.split("\n") if self.pre else [text]):
            if i:
                self.end_line(always=True)
            if piece:
                self._put(piece)

    def _put(self, text: str) -> None:
        if self.gap and self.now:
            text, self.wanted = self.gap + text, 0
        self.gap = ""
        self.settle()
        if not self.now:
            self.region = self.regions[-1]
            if self.bullet:
                text, self.bullet = self.bullet + text, ""
        self.now.append(text)
        self.length += len(text)

    def settle(self) -> None:
        """End the line, and leave an empty one, if what came before wants it."""
        if self.wanted:
            self.end_line()
            if self.wanted == _EMPTY_LINE and self.lines and self.lines[-1].text:
                self.lines.append(Line("", self.regions[-1]))
            self.wanted = 0

    def end_line(self, *, always: bool = False) -> None:
        if self.now or always:
            self.lines.append(Line("".join(self.now).rstrip(), self.region if self.now else self.regions[-1]))
            self.now = []

    def last(self) -> str:
        """The last line with words, also if it is not at its end."""
        if "".join(self.now).strip():
            return "".join(self.now)
        return next((line.text for line in reversed(self.lines[-6:]) if line.text), "")


def lay_out(root: LexborNode, regions: Regions, max_chars: int) -> list[Line]:
    """The lines of a tree, at most `max_chars` characters of them."""
    page = _Page()
    opened: list[_Open] = []
    for node, entering in _walk(root):
        if page.length > max_chars:
            break
        if not entering:
            _leave(page, opened.pop())
        elif node.tag == "-text":
            page.write(node.text_content or "")
        else:
            opened.append(_enter(page, node, regions))
    page.end_line()
    return page.lines


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Every node in order, elements twice: before and after what they hold. Hidden ones not at all."""
    node: LexborNode | None = root
    depth = 0
    while node is not None:
        is_element = not (node.tag or "-").startswith(("-", "!"))
        if is_element and not _is_hidden(node):
            yield node, True
            if node.child is not None:
                node, depth = node.child, depth + 1
                continue
            yield node, False
        elif node.tag == "-text":
            yield node, True
        while depth and node.next is None:
            if node.parent is None:
                return
            node, depth = node.parent, depth - 1
            yield node, False
        node = node.next if depth else None


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return bool(attributes) and ("hidden" in attributes or _HIDDEN.search(attributes.get("style") or "") is not None)


def _enter(page: _Page, node: LexborNode, regions: Regions) -> _Open:
    tag = node.tag or ""
    attributes = node.attributes
    opened = _Open(tag, _breaks(tag, attributes), start=page.length, lines=len(page.lines))
    region = regions.begins(node, page.regions[-1], page.last) if attributes or tag in _UNNAMED_REGIONS else None
    if opened.breaks or region is not None:
        page.wanted = max(page.wanted, opened.breaks, _NEWLINE)
    if region is not None:
        page.gap = ""
        page.settle()
        opened.region = region
        if region.kind is RegionKind.HISTORY:  # it may be an empty element
            page.end_line()
            page.lines.append(Line("", region))
        page.regions.append(region)
    if tag == "tr":
        page.settle()
    elif tag == "br":
        page.settle()
        page.end_line(always=True)
    elif tag == "img":
        page.write(_image(attributes))
    elif tag in ("ul", "ol", "menu"):
        page.lists.append(0 if tag == "ol" else -1)
    elif tag == "li":
        page.bullet = _bullet(page)
    elif tag == "a" and _WITH_ADDRESS.match(attributes.get("href") or ""):
        opened.address = (attributes.get("href") or "").strip()
    if tag == "pre" or _PRE.search(attributes.get("style") or ""):
        opened.pre = True
        page.pre += 1
    return opened


def _breaks(tag: str, attributes: dict[str, str | None]) -> int:
    if tag in _APART:
        close = "MsoNormal" in (attributes.get("class") or "") or _NO_MARGIN.search(attributes.get("style") or "")
        return _NEWLINE if close else _EMPTY_LINE
    return _NEWLINE if tag in _BLOCKS else 0


def _leave(page: _Page, opened: _Open) -> None:
    page.pre -= opened.pre
    if opened.address:
        page.write(_address(opened, page))
    if opened.tag in ("ul", "ol", "menu") and page.lists:
        page.lists.pop()
    elif opened.tag == "li":
        page.bullet = ""
    elif opened.tag in ("td", "th") and page.now and len(page.lines) == opened.lines:
        page.gap = "  "  # a cell of one line: the next one goes beside it
    if opened.tag in ("tr", "table"):
        page.gap = ""
    page.wanted = max(page.wanted, opened.breaks)
    if opened.region is not None:
        page.wanted = max(page.wanted, _NEWLINE)
        page.settle()
        page.regions.pop()


def _bullet(page: _Page) -> str:
    if not page.lists:
        return "- "
    indent = "  " * (min(len(page.lists), 10) - 1)
    if page.lists[-1] < 0:
        return f"{indent}- "
    page.lists[-1] += 1
    return f"{indent}{page.lists[-1]}. "


def _image(attributes: dict[str, str | None]) -> str:
    """Its words in brackets; nothing for pixels that count readers, and for images without words."""
    alt = " ".join((attributes.get("alt") or "").split())[:200]
    sides = [(attributes.get(side) or "").strip().removesuffix("px") for side in ("width", "height")]
    return f"[{alt}]" if alt and not any(side in ("0", "1", "2") for side in sides) else ""


def _address(opened: _Open, page: _Page) -> str:
    """ " (address)" after a link whose words do not say where it goes."""
    said = page.length - opened.start
    if not said or len(opened.address) > _MAX_ADDRESS:
        return ""
    words = " ".join("".join(page.now)[-min(said, _MAX_ADDRESS) :].split()).casefold()
    address = opened.address
    if address[:7].casefold() == "mailto:":
        address = address[7:].split("?", 1)[0]
    bare = re.sub(r"^https?://(?:www\.)?", "", address.casefold()).rstrip("/")
    plain = re.sub(r"^https?://", "", words).removeprefix("www.").rstrip("/")
    return "" if not words or bare in words or plain == bare else f" ({address})"
