"""A page made safe to parse: small, shallow, without scripts, styles, comments and formatting.

HTML parsers take quadratic time, or worse, on deep nesting, on unclosed formatting and on tags of many attributes; a
mail can have any of them. This pass reads the tags once, in order, and drops what would make the tree deep.
"""

from __future__ import annotations

import re

MAX_TAGS = 30_000  # more are dropped, their text stays
MAX_CHARS = 1_000_000  # of the page that is left
MAX_DEPTH = 100  # lxml gives up at 256, and a table takes four
_MAX_TAG_CHARS = 4_000

_WITH_CONTENT = frozenset(
    "style script title xmp iframe noembed noframes textarea template svg math object select audio video canvas".split()
)
_RAW = frozenset("style script title xmp iframe noembed noframes textarea".split())  # unclosed, they swallow the page
# They say nothing about the text, and unclosed ones are copied into every paragraph that follows.
_FORMATTING = frozenset("b big code em font i nobr s small strike strong tt u wbr o:p v:shape".split())
_VOID = frozenset("area base br col embed hr img input link meta param source track keygen".split())
_IMPLIED_END = frozenset("p li td th tr dt dd tbody thead tfoot option colgroup caption html body".split())
_WEIGHT = {"table": 4, "ul": 2, "ol": 2, "dl": 2}
_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9:-]{0,30})")
_DATA = re.compile(r"data:[\w/+.;=-]{0,60},[A-Za-z0-9+/=%_-]{200,}")


def guarded(html: str) -> str:
    """The page with at most MAX_TAGS tags, none deeper than MAX_DEPTH, in at most MAX_CHARS characters."""
    html = _DATA.sub("data:,", html)
    low = html.lower()
    if len(low) != len(html):  # a letter whose small form is longer; places must agree
        low = "".join(char if len(char.lower()) > 1 else char.lower() for char in html)
    return _Guard(html, low).read()[:MAX_CHARS]


class _Guard:
    def __init__(self, html: str, low: str) -> None:
        self.html, self.low = html, low
        self.out: list[str] = []
        self.open: dict[str, int] = {}
        self.dropped: dict[str, int] = {}
        self.depth = 0
        self.tags = 0
        self.unclosed: set[str] = set()  # no end tag from here on: looked for once

    def read(self) -> str:
        at = 0
        while (start := self.html.find("<", at)) >= 0:
            self.out.append(self.html[at:start])
            at = self._tag(start)
        self.out.append(self.html[at:])
        return "".join(self.out)

    def _tag(self, start: int) -> int:
        """Keep or drop what begins with the "<" at `start`; returns where to go on."""
        if self.low.startswith("<!--", start):
            return self._after("-->", start + 2)
        if self.low.startswith(("<!", "<?"), start):
            return self._after(">", start)
        match = _NAME.match(self.html, start + 1)
        if match is None:
            self.out.append("&lt;")
            return start + 1
        end = self.html.find(">", match.end())
        if end < 0:
            return len(self.html)
        if (
            "@" in self.html[start : min(end, start + 120)] and "=" not in self.html[start:end]
        ):  # an address nobody escaped
            self.out.append(f"&lt;{self.html[start + 1 : end]}&gt;")
            return end + 1
        name, closing = match[1].lower(), self.html[start + 1] == "/"
        if name in _WITH_CONTENT:
            return end + 1 if closing or self.html[end - 1] == "/" else self._after_element(name, end + 1)
        if name not in _FORMATTING and self._fits(name, closing):
            self.out.append(self.html[start : end + 1] if end - start < _MAX_TAG_CHARS else f"<{name}>")
        return end + 1

    def _after(self, mark: str, start: int) -> int:
        found = self.low.find(mark, start)
        return len(self.low) if found < 0 else found + len(mark)

    def _after_element(self, name: str, start: int) -> int:
        found = -1 if name in self.unclosed else self.low.find(f"</{name}", start)
        if found < 0:
            self.unclosed.add(name)
            return len(self.low) if name in _RAW else start
        return self._after(">", found)

    def _fits(self, name: str, closing: bool) -> bool:
        """Whether the tag may stay; counts what is open."""
        self.tags += not closing
        if self.tags > MAX_TAGS:
            self.out.append(" ")
            return False
        if name in _VOID:
            return not closing or name == "br"
        if name in _IMPLIED_END:
            return True
        weight = _WEIGHT.get(name, 1)
        if not closing:
            if self.depth + weight > MAX_DEPTH:
                self.dropped[name] = self.dropped.get(name, 0) + 1
                self.out.append(" ")
                return False
            self.open[name] = self.open.get(name, 0) + 1
            self.depth += weight
            return True
        if self.dropped.get(name, 0):
            self.dropped[name] -= 1
            return False
        if not self.open.get(name, 0):
            return False
        self.open[name] -= 1
        self.depth -= weight
        return True
