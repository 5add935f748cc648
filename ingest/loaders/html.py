"""HTML reduced to what a reader of the page would call its content."""

from __future__ import annotations

import re
from collections import Counter

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingest.errors import TooMuchText
from ingest.loaders.markup import fenced, link, pipe_table, title_of, word_set
from ingest.loaders.text import decode
from ingest.models import Limits, Raw

_MAX_DEPTH = 120
_MAX_OPEN = 1_000  # elements of one name that are open at once; broken pages leave some open, bombs thousands
_NESTING_TAG = re.compile(r"<(/?)([a-z][a-z0-9-]*)", re.IGNORECASE)
_UNCLOSED = word_set("p li dt dd td th tr option br hr img input meta link col wbr source area base tbody thead")
_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]+)|<\?xml[^>]{0,100}?encoding=[\"']([\w-]+)", re.IGNORECASE
)
_DROPPED = word_set(
    "script style noscript template svg math canvas iframe object embed audio video nav aside footer form button input "
    "select textarea dialog menu head link meta map img picture -comment"
)
_BLOCKS = word_set(
    "address article body caption center dd details div dl dt fieldset figcaption figure header hgroup hr html legend "
    "main ol p section summary tbody td tfoot th thead tr ul"
)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|"
    r"font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)
_HIDDEN_CLASS = re.compile(
    r"(?:^|\s)(?:sr-only|visually-hidden|screen-reader-text|visuallyhidden|noprint)(?:\s|$)", re.IGNORECASE
)
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|gdpr|breadcrumbs?|sidebar|navbar|nav|navigation|pagination|pager|share|social|"
    r"newsletter|advert(?:isement)?|ads|banner|skip-?link|toc|footer|masthead|comments|related|"
    r"feedback|mw-editsection|navbox)"
    r"(?:$|[\s_-])",
    re.IGNORECASE,
)
_SITE_SUFFIX = re.compile(r"\s+[|–—·_»-]\s+[^|–—·_»]{1,40}$")
_BLANKS = re.compile(r"[ \t\r\n\f\u00a0]+")


def read(data: bytes, name: str, limits: Limits) -> Raw:
    """Main text of a page: headings, paragraphs, lists, tables and code; without navigation, forms and hidden parts."""
    declared = _CHARSET.search(data[:4096])
    charset = next(filter(None, declared.groups()), b"").decode("ascii", "ignore") if declared else ""
    markup = decode(data, charset)
    _check_nesting(markup)
    tree = LexborHTMLParser(markup)
    body = tree.body
    if body is None:
        return Raw("", "")
    facts = _facts(tree)
    text = _Writer(body_chars=len(body.text())).render(_main(tree, body))
    return Raw(title_of(text, facts.pop("title", "")), text, facts)


def _check_nesting(markup: str) -> None:
    """Raise TooMuchText for thousands of elements inside each other: parsing those takes the square of their number."""
    open_now: Counter[str] = Counter()
    for closing, name in _NESTING_TAG.findall(markup):
        name = name.lower()
        open_now[name] = max(0, open_now[name] + (-1 if closing else 1))
        if open_now[name] > _MAX_OPEN and name not in _UNCLOSED:
            raise TooMuchText("nesting")


def fragment_to_text(markup: str) -> str:
    """A piece of HTML inside another format, for instance a table in Markdown."""
    _check_nesting(markup)
    body = LexborHTMLParser(markup).body
    return _Writer(body_chars=0).render(body) if body is not None else ""


_LIMITS = ("product", "version", "package", "valid_from", "valid_until")  # see ingest/applies.py


def _facts(tree: LexborHTMLParser) -> dict[str, str]:
    facts: dict[str, str] = {}
    head = tree.css_first("title")
    if head is not None:
        title = " ".join(head.text().split())
        facts["title"] = _SITE_SUFFIX.sub("", title) or title
    for name in ("description", "keywords", *_LIMITS):
        node = tree.css_first(f'meta[name="{name}"]')
        content = node.attributes.get("content") if node is not None else None
        if content:
            facts[name] = content
    return facts


def _main(tree: LexborHTMLParser, body: LexborNode) -> LexborNode:
    """The element that holds the page's content, when one says so and holds a fair share of the text."""
    total = len(body.text())
    for selector in ("main", '[role="main"]', "article"):
        found = tree.css(selector)
        if len(found) == 1 and len(found[0].text()) > max(100, total * 0.25):
            return found[0]
    return body


class _Writer:
    """Walks a tree and writes lines. Lists and quotes use a writer of their own, whose lines are then indented."""

    def __init__(self, body_chars: int, depth: int = 0) -> None:
        self.body_chars = body_chars
        self.depth = depth
        self.blocks: list[str] = []
        self.inline: list[str] = []

    def render(self, node: LexborNode) -> str:
        self._children(node)
        self._flush()
        return "\n\n".join(self.blocks)

    def _children(self, node: LexborNode) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise TooMuchText("nesting")
        for child in node.iter(include_text=True):
            self._node(child)
        self.depth -= 1

    def _node(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self.inline.append(_BLANKS.sub(" ", node.text(deep=False)))
            return
        if tag in _DROPPED or self._is_left_out(node, tag):
            return
        if tag in _INLINE:
            self._marked(node, tag)
        elif tag == "br":
            self.inline.append("\n")
        elif tag in _BLOCK_WRITERS:
            self._flush()
            _BLOCK_WRITERS[tag](self, node)
        elif tag in _BLOCKS:
            self._flush()
            self._children(node)
            self._flush()
        else:
            self._children(node)

    def _is_left_out(self, node: LexborNode, tag: str) -> bool:
        attributes = node.attributes
        if not attributes:
            return tag == "header" and node.css_first("h1") is None
        if "hidden" in attributes or attributes.get("aria-hidden") == "true":
            return True
        if _HIDDEN_STYLE.search(attributes.get("style") or "") or _HIDDEN_CLASS.search(attributes.get("class") or ""):
            return True
        if attributes.get("role") in ("navigation", "banner", "contentinfo", "search", "dialog", "alertdialog"):
            return True
        if tag == "header":
            return node.css_first("h1") is None
        words = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        if self.body_chars and tag in ("div", "section", "ul", "ol", "p", "span", "table") and _FURNITURE.search(words):
            return len(node.text()) < self.body_chars * 0.4
        return False

    def _marked(self, node: LexborNode, tag: str) -> None:
        """A link, code span or strong text: its words, with the mark when there are any and they are on one line."""
        before, self.inline = self.inline, []
        blocks_before = len(self.blocks)
        self._children(node)
        words = "".join(self.inline)
        self.inline = before
        core = words.strip()
        if core and len(self.blocks) == blocks_before and "\n" not in core:
            if tag == "a":
                core = link(core, (node.attributes.get("href") or "").strip())
            elif tag in ("code", "kbd", "samp", "tt"):
                core = f"`{core}`" if "`" not in core else core
            elif "**" not in core:
                core = f"**{core}**"
            words = words[: len(words) - len(words.lstrip())] + core + words[len(words.rstrip()) :]
        self.inline.append(words)

    def _flush(self) -> None:
        text = re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", "".join(self.inline))).strip()
        self.inline = []
        if text:
            self.blocks.append(text)

    def _inner(self, node: LexborNode) -> str:
        return _Writer(self.body_chars, self.depth).render(node)

    def _heading(self, node: LexborNode) -> None:
        words = " ".join(self._inner(node).split()).replace("**", "").strip("¶# ")
        if words:
            self.blocks.append(f"{'#' * int((node.tag or 'h2')[1])} {words}")

    def _code(self, node: LexborNode) -> None:
        code = node.text(deep=True).replace("\r", "")
        if code.strip():
            inner = node.css_first("code")
            classes = f"{node.attributes.get('class') or ''} {(inner.attributes.get('class') if inner else '') or ''}"
            language = re.search(r"\blang(?:uage)?-([\w+#.-]+)", classes)
            self.blocks.append(fenced(code, language.group(1) if language else ""))

    def _quote(self, node: LexborNode) -> None:
        inner = self._inner(node)
        if inner:
            self.blocks.append("\n".join(f"> {line}".rstrip() for line in inner.split("\n")))

    def _bold_line(self, node: LexborNode) -> None:
        words = " ".join(self._inner(node).split()).replace("**", "")
        if words:
            self.blocks.append(f"**{words}**")

    def _list(self, node: LexborNode) -> None:
        start = node.attributes.get("start") or "1"
        number = int(start) if re.fullmatch(r"\d{1,4}", start) else 1
        items: list[str] = []
        loose = False
        for child in node.iter(include_text=False):
            if child.tag in _DROPPED or self._is_left_out(child, child.tag or ""):
                continue
            inner = self._inner(child)
            if not inner:
                continue
            if child.tag in ("ul", "ol") and items:  # a list directly inside a list: written by old editors
                items[-1] += "\n" + _indent(self._nested(child), "   ")
                continue
            mark = f"{number}. " if node.tag == "ol" else "- "
            number += 1
            loose = loose or "\n\n" in inner
            items.append(mark + _indent(inner, " " * len(mark)).lstrip(" "))
        if items and not self._is_menu(node, items):
            self.blocks.append(("\n\n" if loose else "\n").join(items))

    def _is_menu(self, node: LexborNode, items: list[str]) -> bool:
        """Whether a list is ten or more links and hardly a word besides."""
        if len(items) < 10 or not self.body_chars:
            return False
        in_links = sum(len(anchor.text().strip()) for anchor in node.css("a"))
        return in_links > 0.9 * len("".join(node.text().split()))

    def _nested(self, node: LexborNode) -> str:
        writer = _Writer(self.body_chars, self.depth)
        writer._list(node)
        return "\n".join(writer.blocks)

    def _table(self, node: LexborNode) -> None:
        rows = [row for row in node.css("tr") if not self._is_left_out(row, "tr")]
        cells = [[cell for cell in row.iter(include_text=False) if cell.tag in ("td", "th")] for row in rows]
        is_layout = max((len(row) for row in cells), default=0) < 2 or node.css_first("table table, pre") is not None
        if is_layout:
            self._children(node)
            self._flush()
            return
        caption = node.css_first("caption")
        if caption is not None and caption.text().strip():
            self._bold_line(caption)
        table = pipe_table(self._grid(cells))
        if table:
            self.blocks.append(table)

    def _grid(self, rows: list[list[LexborNode]]) -> list[list[str]]:
        """Words by row and column. A cell across rows says the same in each, one across columns says it once."""
        grid: list[list[str]] = []
        below: dict[int, tuple[int, str]] = {}  # column -> how many more rows it covers, and its words
        for row in rows:
            line: list[str] = []
            waiting = list(row)
            while waiting or len(line) in below:
                if len(line) in below:
                    left, words = below.pop(len(line))
                    if left > 1:
                        below[len(line)] = (left - 1, words)
                    line.append(words)
                    continue
                cell = waiting.pop(0)
                if self._is_left_out(cell, "td"):
                    continue
                words, rows_down = " ".join(self._inner(cell).split()), _span(cell, "rowspan")
                for extra in range(_span(cell, "colspan")):
                    if rows_down > 1:
                        below[len(line)] = (rows_down - 1, "" if extra else words)
                    line.append("" if extra else words)
            grid.append(line)
        return grid


_INLINE = frozenset(("a", "b", "strong", "code", "kbd", "samp", "tt"))
_BLOCK_WRITERS = {
    **{f"h{level}": _Writer._heading for level in range(1, 7)},
    "pre": _Writer._code,
    "blockquote": _Writer._quote,
    "summary": _Writer._bold_line,
    "dt": _Writer._bold_line,
    "ul": _Writer._list,
    "ol": _Writer._list,
    "table": _Writer._table,
}


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or "1"
    return max(1, min(int(value), 50)) if re.fullmatch(r"\d{1,4}", value) else 1


def _indent(text: str, blanks: str) -> str:
    return "\n".join(blanks + line if line else "" for line in text.split("\n"))
