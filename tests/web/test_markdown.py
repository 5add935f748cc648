"""Markdown becomes HTML that cannot run anything, whoever wrote it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.markdown import article_html, heading_id, plain_html, text_html

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](vbscript:x)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](https://tracker.example/pixel.gif)",
    "![x](javascript:alert(1))",
    "![][r]\n\n[r]: https://tracker.example/pixel.gif",
    '<https://example.com" onmouseover="alert(1)>',
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    "<style>body{display:none}</style>",
    "<iframe src=https://evil.example></iframe>",
    "<form action=https://evil.example><input name=password></form>",
    "| a |\n| - |\n| <img src=x onerror=alert(1)> |",
    "# <img src=x onerror=alert(1)>",
    "<!--><script>alert(1)</script>-->",
    "<math><mtext></p><mglyph><style><img src=x onerror=alert(1)>",
    "\x00<script>alert(1)</script>",
]
TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "strong", "em", "del", "code", "pre",
    "blockquote", "table", "thead", "tbody", "tr", "th", "td", "a", "kbd", "sup",
    "span",
}  # fmt: skip
ATTRIBUTES = {"id", "href", "title", "start", "class", "rel", "tabindex"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    reader = _Tags()
    reader.feed(html)
    for tag, attributes in reader.found:
        assert tag in TAGS, tag
        assert attributes.keys() <= ATTRIBUTES, attributes
        href = attributes.get("href")
        assert href is None or re.match(r"(https?|mailto|tel):|[/#]|[^:]*$", href), href


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_that_runs_or_calls_home_survives(text: str) -> None:
    assert_harmless(article_html(text))
    assert_harmless(text_html(text))
    assert_harmless(plain_html(text))


@given(st.text(alphabet=st.sampled_from("<>/=\"'()[]!`#*|:&;\n\\ abjscriptonerhefdt13"), max_size=60))
def test_whatever_is_written_it_is_harmless(text: str) -> None:
    assert_harmless(article_html(text))
    assert_harmless(text_html(text))
    assert_harmless(plain_html(text))


def test_images_are_not_loaded_in_articles_either() -> None:
    assert "<img" not in article_html("![diagram](https://example.com/a.png)")


def test_links_of_articles_open_safely() -> None:
    html = article_html("[portal](https://portal.example) and [mail](mailto:it@haisong.example)")
    assert 'href="https://portal.example"' in html
    assert 'rel="noopener noreferrer"' in html
    assert 'href="mailto:it@haisong.example"' in html


def test_an_answer_shows_no_links_but_raised_sources() -> None:
    html = text_html("Load paper. [1] See [the page](https://evil.example). Item [12], not [123] or [x].")
    assert "<sup>1</sup>" in html
    assert "<sup>12</sup>" in html
    assert "[123]" in html
    assert "<a" not in html


def test_the_title_is_not_shown_twice() -> None:
    assert "<h1" not in article_html("# VPN error 809\n\nText.", "VPN error 809")
    assert "<h1" in article_html("# Something else\n\nText.", "VPN error 809")


def test_headings_can_be_linked_to_in_every_script() -> None:
    html = article_html("## 处理办法\n\n## What to do!\n\n## ---")
    assert 'id="处理办法"' in html
    assert 'id="what-to-do"' in html
    assert heading_id("!!!") == "section"


def test_tables_and_lists_are_kept() -> None:
    html = article_html("| code | meaning |\n| - | - |\n| 809 | blocked |\n\n3. third\n4. fourth")
    assert re.search(r"<td[^>]*>809</td>", html)
    assert '<ol start="3">' in html


def test_what_a_customer_typed_is_shown_as_typed() -> None:
    assert plain_html("**not bold**\n<b>x</b> & y") == "**not bold**<br>&lt;b&gt;x&lt;/b&gt; &amp; y"


def test_codes_and_short_cells_are_marked_to_stay_in_one_piece() -> None:
    html = text_html(
        "See PRN-21, Wi-Fi, month-end\n\n| Code | What |\n|---|---|\n| HSC-4xx | Reset the queue of the printer |"
    )
    assert 'See <span class="nb">PRN-21</span>, <span class="nb">Wi-Fi</span>, month-end' in html
    assert '<th class="nb">Code</th>' in html
    assert '<td class="nb"><span class="nb">HSC-4xx</span></td>' in html
    assert "<td>Reset the queue of the printer</td>" in html


def test_a_code_in_an_address_or_a_tag_is_left_alone() -> None:
    html = article_html('[the page](https://x.example/PRN-21 "A > PRN-21") `PRN-22` <b class="nb">no</b>')
    assert 'href="https://x.example/PRN-21"' in html
    assert "<code>PRN-22</code>" in html
    assert "<b" not in html
    assert html.count("<span") == 0
