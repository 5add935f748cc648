"""Markdown to sanitised HTML: articles with ids on their headings, chat texts with a small subset. Trusts no input."""

from __future__ import annotations

import re
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

_ARTICLE_TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "strong", "em", "del", "code", "pre",
    "blockquote", "table", "thead", "tbody", "tr", "th", "td", "a", "kbd", "span",
}  # fmt: skip
_TEXT_TAGS = {
    "p",
    "br",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "code",
    "pre",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "sup",
    "span",
}
_WHOLE = {name: {"class"} for name in ("span", "th", "td")}  # raw HTML is off: their only class is ours
_TEXT_ATTRIBUTES = {"ol": {"start"}, "table": {"tabindex"}, **_WHOLE}
_ATTRIBUTES = {
    **_TEXT_ATTRIBUTES, "a": {"href", "title"}, "code": {"class"}, **{f"h{n}": {"id"} for n in range(1, 7)},
}  # fmt: skip
_CODE = re.compile(r"[A-Za-z0-9]+(?:[-/][A-Za-z0-9]+)+")
_LONGEST_CODE = 24
_SHORT_CELL = 16  # columns; a Chinese sign takes two


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": False})
    return parser.enable(["table", "strikethrough"]).disable("image")


def article_html(body: str, title: str = "") -> Markup:
    """An article's body. Its title is left out when it opens the body: the page shows it already."""
    tokens = _parser().parse(body)
    if title and len(tokens) > 2 and tokens[0].type == "heading_open" and tokens[1].content.strip() == title.strip():
        tokens = tokens[3:]
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", heading_id(tokens[place + 1].content))
    html = _parser().renderer.render(_in_one_piece(tokens), _parser().options, {})
    clean = nh3.clean(
        html, tags=_ARTICLE_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )  # fmt: skip
    return Markup(clean)  # noqa: S704 - nh3 has cleaned it


def text_html(text: str) -> Markup:
    """A turn's text: bold, code, lists, tables; no links, no images, markers [1] raised."""
    html = _parser().renderer.render(_in_one_piece(_parser().parse(text)), _parser().options, {})
    clean = nh3.clean(html, tags=_TEXT_TAGS, attributes=_TEXT_ATTRIBUTES, link_rel=None)
    return Markup(re.sub(r"\s?\[(\d{1,2})\]", r"<sup>\1</sup>", clean))  # noqa: S704 - as above


def plain_html(text: str) -> Markup:
    """What a person typed: shown as typed, line breaks kept."""
    return Markup("<br>").join(escape(line) for line in text.split("\n"))


def heading_id(heading: str) -> str:
    """The id a heading gets in a page: its words joined by "-"; letters of every script stay."""
    return re.sub(r"[^\w]+", "-", heading.casefold()).strip("-") or "section"


def _in_one_piece(tokens: list[Token]) -> list[Token]:
    """The tokens with class "nb" on what is never broken: codes (PRN-21), after whose hyphen browsers would, short cells."""
    for place, token in enumerate(tokens):
        if token.type in ("th_open", "td_open") and _columns(tokens[place + 1].content) <= _SHORT_CELL:
            token.attrSet("class", "nb")
        if token.type == "table_open":
            token.attrSet("tabindex", "0")  # a wide one scrolls: also by keyboard
        if token.children:
            token.children = [piece for child in token.children for piece in _pieces(child)]
    return tokens


def _pieces(token: Token) -> list[Token]:
    if token.type != "text":
        return [token]
    pieces: list[Token] = []
    end = 0
    for match in _CODE.finditer(token.content):
        code = match.group()
        if len(code) <= _LONGEST_CODE and re.search(r"\d|.[A-Z]", code):  # "month-end" may be broken, "Wi-Fi" not
            before = Token("text", "", 0, content=token.content[end : match.start()])
            pieces += [before, Token("html_inline", "", 0, content=f'<span class="nb">{code}</span>')]
            end = match.end()
    return [*pieces, Token("text", "", 0, content=token.content[end:])]


def _columns(text: str) -> int:
    return sum(2 if sign > "\u2e80" else 1 for sign in text)
