"""Markdown to sanitised HTML: articles with ids on their headings, chat texts with a small subset. Trusts no input."""

from __future__ import annotations

import re
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

_ARTICLE_TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "strong", "em", "del", "code", "pre",
    "blockquote", "table", "thead", "tbody", "tr", "th", "td", "a", "kbd",
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
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}, **{f"h{n}": {"id"} for n in range(1, 7)}}


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
    html = _parser().renderer.render(tokens, _parser().options, {})
    clean = nh3.clean(
        html, tags=_ARTICLE_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )  # fmt: skip
    return Markup(clean)  # noqa: S704 - nh3 has cleaned it


def text_html(text: str) -> Markup:
    """A turn's text: bold, code, lists, tables; no links, no images, markers [1] raised."""
    html = _parser().render(text)
    clean = nh3.clean(html, tags=_TEXT_TAGS, attributes={"ol": {"start"}}, link_rel=None)
    return Markup(re.sub(r"\s?\[(\d{1,2})\]", r"<sup>\1</sup>", clean))  # noqa: S704 - as above


def plain_html(text: str) -> Markup:
    """What a person typed: shown as typed, line breaks kept."""
    return Markup("<br>").join(escape(line) for line in text.split("\n"))


def heading_id(heading: str) -> str:
    """The id a heading gets in a page: its words joined by "-"; letters of every script stay."""
    return re.sub(r"[^\w]+", "-", heading.casefold()).strip("-") or "section"
