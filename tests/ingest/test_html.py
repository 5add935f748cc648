"""A page gives its content, not its frame, and nothing that its reader would not see."""

from __future__ import annotations

import pytest

from ingest.errors import TooMuchText
from ingest.loaders import html
from ingest.loaders.html import fragment_to_text
from tests.ingest.make import read

FRAME = """<html><head><title>Refunds | Contoso Help</title><meta name="description" content="About refunds">
<style>p{{}}</style></head><body>
<header><a href="/">Contoso</a></header><nav><a href="/a">Products</a></nav>
<div class="cookie-banner">We use cookies</div>
<main><h1>Refunds</h1>{body}</main>
<aside>Related</aside><footer>Imprint</footer><script>alert(1)</script></body></html>"""


def page(body: str) -> str:
    return read(html, FRAME.format(body=body)).text.removeprefix("# Refunds\n\n")


def test_the_frame_of_a_page_is_left_out() -> None:
    raw = read(html, FRAME.format(body="<p>In five days.</p>"))
    assert raw.text == "# Refunds\n\nIn five days."
    assert (raw.title, raw.meta) == ("Refunds", {"description": "About refunds"})


def test_a_page_without_heading_is_called_by_its_title_without_the_site() -> None:
    assert read(html, "<title>Refunds - Contoso</title><p>In five days.</p>").title == "Refunds"


@pytest.mark.parametrize(
    "hidden",
    [
        '<p style="display: none">x</p>',
        '<p style="visibility:hidden">x</p>',
        '<span style="font-size:0px">x</span>',
        '<span style="opacity:0">x</span>',
        '<p aria-hidden="true">x</p>',
        "<p hidden>x</p>",
        '<span class="sr-only">x</span>',
        "<template>x</template>",
        "<noscript>x</noscript>",
        "<form><label>x</label></form>",
        "<!-- x -->",
    ],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    assert page(f"<p>seen</p>{hidden}") == "seen"


@pytest.mark.parametrize("style", ["font-size:0.9em", "opacity:0.5", "display:block"])
def test_what_a_reader_sees_stays(style: str) -> None:
    assert page(f'<p style="{style}">seen</p>') == "seen"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<h2>Why <em>so</em></h2><p>Because.</p>", "## Why so\n\nBecause."),
        ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n\n- b\n\n  - c"),
        ("<ol start=3><li>a<li>b</ol>", "3. a\n4. b"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n   - b"),
        ("<table><tr><th>A<th>B<tr><td>1<td>x|y</table>", "| A | B |\n|---|---|\n| 1 | x\\|y |"),
        ("<table><tr><td rowspan=2>A<td>1<tr><td>2</table>", "| A | 1 |\n|---|---|\n| A | 2 |"),
        ("<table><tr><td colspan=2>A<td>B<tr><td>1<td>2<td>3</table>", "| A | | B |\n|---|---|---|\n| 1 | 2 | 3 |"),
        ("<table><tr><td><p>a</p><p>b</p></td></tr></table>", "a\n\nb"),
        ('<pre><code class="language-sh">ls  -l\n  x</code></pre>', "```sh\nls  -l\n  x\n```"),
        ("<pre>a ``` b\n```\n</pre>", "````\na ``` b\n```\n````"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        (
            '<p>See <a href="/x">here</a> or <a href="https://a.example/">there</a></p>',
            "See here or [there](https://a.example/)",
        ),
        ("<p>Run <code>ls</code> <b>now</b><br>please</p>", "Run `ls` **now**\nplease"),
        ("<details><summary>More</summary><p>Text</p></details>", "**More**\n\nText"),
        ("<dl><dt>Port</dt><dd>809</dd></dl>", "**Port**\n\n809"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ('<p>点击<a href="#x">设置</a>，再保存</p>', "点击设置，再保存"),
    ],
)
def test_structure_is_kept_as_markdown(body: str, text: str) -> None:
    written = page(body)
    assert [line for line in written.split("\n") if line.strip()] == [line for line in text.split("\n") if line.strip()]


def test_a_list_of_nothing_but_links_is_a_menu() -> None:
    items = "".join(f'<li><a href="/{i}">Entry {i}</a></li>' for i in range(12))
    assert page(f"<p>seen</p><ul>{items}</ul>") == "seen"


@pytest.mark.parametrize(
    ("head", "charset"),
    [('<meta charset="gb2312">', "gb18030"), ("", "gb18030"), ('<meta charset="big5">', "big5"), ("", "utf-16")],
)
def test_the_charset_is_declared_or_found(head: str, charset: str) -> None:
    markup = f"<html><head>{head}</head><body><p>密碼重置，請聯繫客服</p></body></html>"
    assert read(html, markup.encode(charset)).text == "密碼重置，請聯繫客服"


@pytest.mark.parametrize("piece", ["<div>", "<ul><li>", "<table><tr><td>", "<b><i>", "<x-y>"])
def test_elements_thousands_deep_are_refused_and_not_parsed(piece: str) -> None:
    with pytest.raises(TooMuchText):
        read(html, "<p>x</p>" + piece * 20_000)


def test_a_thousand_list_items_without_end_tags_are_fine() -> None:
    assert read(html, "<ul>" + "<li>a b" * 3000).text.count("- a b") == 3000


def test_a_page_without_body_or_words_is_empty() -> None:
    assert read(html, "<html></html>").text == ""
    assert fragment_to_text("") == ""
