"""The text of HTML mails: everything somebody sees, and what of it is new."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.html import MAX_TEXT_CHARS, new_reply, new_text, to_text


@pytest.fixture(autouse=True)
def _hangs_are_reported() -> Iterator[None]:
    faulthandler.dump_traceback_later(120, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


SHOWN = {
    "paragraphs": ("<p>one</p><p>two</p>", "one\n\ntwo"),
    "divs and breaks": (
        "<div>one</div><div>two<br>three</div><div><br></div><div>four</div>",
        "one\ntwo\nthree\n\nfour",
    ),
    "Outlook's paragraphs": (
        "<p class=MsoNormal>one</p><p class=MsoNormal>two</p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p>three</p>",
        "one\ntwo\n\nthree",
    ),
    "white space": ("<p>  one \n\t two  <b> three</b></p>", "one two three"),
    "entities": ("caf&eacute; &lt;b&gt; &amp; &#20320;&nbsp;&#x597d;", "café <b> & 你 好"),
    "a list": ("<ul><li>one<ul><li>a<li>b</ul><li>two</ul>", "- one\n  - a\n  - b\n- two"),
    "numbers": ("<ol><li>one<li>two</ol>", "1. one\n2. two"),
    "a table": (
        "<table><tr><td>Order</td><td>A-1</td></tr><tr><th>Sum</th><td>5</td></tr></table>",
        "Order  A-1\nSum  5",
    ),
    "a table of paragraphs": (
        "<table><tr><td><p class=MsoNormal>a</p></td><td><p class=MsoNormal>b</p></td></tr></table>",
        "a  b",
    ),
    "a table for layout": (
        "<table><tr><td><div>one</div><div>two</div></td><td>side</td></tr></table>",
        "one\ntwo\nside",
    ),
    "pre": ("<pre>one\n  two</pre>", "one\n  two"),
    "a link": ('see <a href="https://a.example/x">the page</a>.', "see the page (https://a.example/x)."),
    "a link that shows its address": ('<a href="https://www.a.example/">a.example</a>', "a.example"),
    "an address": ('<a href="mailto:a@b.example?subject=x">a@b.example</a>', "a@b.example"),
    "a name with an address": ('<a href="mailto:a@b.example">Ann</a>', "Ann (a@b.example)"),
    "a script as a link": ('<a href="javascript:alert(1)">Click</a>', "Click"),
    "an image": ('<img src="cid:1" alt="Screenshot">', "[Screenshot]"),
    "an image without words": ('a<img src="cid:1">b', "ab"),
    "a counting pixel": ('hi<img src="http://t.example/p" width="1" height="1" alt="pixel">', "hi"),
    "what is for programs": (
        "<head><title>t</title><style>p{}</style></head><body><script>x()</script>hi<!-- c --></body>",
        "hi",
    ),
    "a preheader": ('<div style="display:none;max-height:0">Preview</div><p>hi</p>', "hi"),
    "hidden in hidden": ("<div hidden><div style='visibility:hidden'>x<p>y</p></div></div>hi", "hi"),
    "a framework's outer font size": ('<td style="font-size:0px"><div style="font-size:14px">hi</div></td>', "hi"),
    "an address nobody escaped": ("Ann <ann@a.example> wrote", "Ann <ann@a.example> wrote"),
    "a lone bracket": ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    "never closed": ("<div><b>one<p>two<table><tr><td>three", "one\n\ntwo\nthree"),
    "cut off in a tag": ("<p>one</p><a href='http", "one"),
    "Outlook's conditions": ("<!--[if mso]><p>for Word</p><![endif]--><p>one</p>", "one"),
    "conditions for the others": (
        "<!--[if !mso]><!--><p>one</p><!--<![endif]--><![if !mso]>two<![endif]>",
        "one\n\ntwo",
    ),
    "a head nobody closed": ("<head><title>t</title><body><header>one</header>two", "one\ntwo"),
    "a mark of our own": ("one\ue0f0two", "onetwo"),
    "nothing": ("<div><br></div>", ""),
}


@pytest.mark.parametrize(("markup", "text"), SHOWN.values(), ids=SHOWN.keys())
def test_the_text_is_what_a_reader_sees(markup: str, text: str) -> None:
    assert to_text(markup) == text


ATTRIBUTION = "On Tue, Mar 5, 2024 at 10:12 AM Support &lt;support@firstline.example&gt; wrote:"
HEADER = "<b>From:</b> Support<br><b>Sent:</b> Tuesday, March 5, 2024 10:12<br><b>To:</b> Ann<br><b>Subject:</b> Re: x"
QUOTES = {
    "Gmail": (
        f'<br><div class="gmail_quote"><div class="gmail_attr">{ATTRIBUTION}'
        '</div><blockquote class="gmail_quote">old</blockquote></div>'
    ),
    "Gmail of old": (
        f'<div class="gmail_extra"><div class="gmail_quote">{ATTRIBUTION}'
        '<br><blockquote class="gmail_quote">old</blockquote></div></div>'
    ),
    "Outlook on the web": (f'<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">{HEADER}</div><div>old</div>'),
    "Outlook, passed through Outlook": f'<div id="x_divRplyFwdMsg">{HEADER}</div><div class="x_old">old</div>',
    "Outlook": (
        "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'>"
        f"<p class=MsoNormal>{HEADER}</p></div><p>old</p>"
    ),
    "Outlook 2007": (
        f"<div style='border:none;border-top:solid #B5C4DF 1.0pt'><p class=MsoNormal>{HEADER}</p></div><p>old</p>"
    ),
    "Outlook for Mac": f'<span id="OLK_SRC_BODY_SECTION"><div>{HEADER}</div><div>old</div></span>',
    "Outlook's mobile app": (
        f'<div id="mail-editor-reference-message-container"><div>{HEADER}</div><div>old</div></div>'
    ),
    "Hotmail": (
        '<hr id="stopSpelling">Date: Tue, 5 Mar 2024 10:12<br>Subject: x<br>From: support@firstline.example'
        "<br>To: a@a.example<br><br>old"
    ),
    "Thunderbird": (
        '<div class="moz-cite-prefix">Den 5/3 skrev någon<br></div><blockquote type="cite" cite="mid:1@a.example">old'
        "</blockquote>"
    ),
    "Apple Mail": f'<div><br><blockquote type="cite"><div>{ATTRIBUTION}</div><div>old</div></blockquote></div>',
    "Yahoo": f'<div id="yahoo_quoted_1" class="yahoo_quoted"><div>{ATTRIBUTION}</div><div>old</div></div>',
    "Proton": (
        f'<div class="protonmail_quote">{ATTRIBUTION}<br><blockquote class="protonmail_quote">old</blockquote></div>'
    ),
    "Zimbra": (f'<hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__">{HEADER}</div><div>old</div>'),
    "Roundcube": (
        '<p id="reply-intro">Am 2024-03-05 10:12, schrieb Support:</p><blockquote type="cite" style="padding: 0 0.4em">old'
        "</blockquote>"
    ),
    "Yandex": (
        '<div>05.03.2024, 10:12, "Support" &lt;support@firstline.example&gt;:</div><blockquote>old</blockquote>'
    ),
    "HubSpot": '<div class="hs_reply"><div>old</div></div>',
    "NetEase": (
        '<p>At 2024-03-05 10:12:00, "S" &lt;s@a.example&gt; wrote:</p><blockquote id="isReplyContent">old</blockquote>'
    ),
    "NetEase Mail Master": (
        '<div class="J-reply ntes-mailmaster-quote"><div>---- 回复的原邮件 ----'
        "</div><table><tr><td>发件人</td><td>S</td></tr></table>old</div>"
    ),
    "QQ": (
        "<div>------------------&nbsp;原始邮件&nbsp;------------------"
        '</div><div><b>发件人:</b>&nbsp;"S"</div><div>old</div>'
    ),
    "WeCom": (
        "<includetail><div>------------------&nbsp;Original&nbsp;------------------"
        "</div><div><b>From: </b>S</div>old</includetail>"
    ),
    "139": '<hr id="replySplit"><div id="reply139content">old</div>',
    "Alibaba": '<div class="alimail-quote"><div>发件人：S</div><div>old</div></div>',
    "Feishu": '<div class="history-quote-wrapper" id="lark-mail-quote-1"><div>发件人: S</div><div>old</div></div>',
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES.keys())
def test_quoted_history_is_cut_where_the_program_put_it(quote: str) -> None:
    reply = new_reply(f"<html><body><div>It works now.</div>{quote}</body></html>")

    assert reply.text == "It works now."
    assert "old" in reply.quoted


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES.keys())
def test_a_page_of_nothing_but_a_quote_is_given_whole(quote: str) -> None:
    markup = f"<html><body>{quote}</body></html>"

    assert new_text(markup) == to_text(markup)
    assert "old" in new_text(markup)


@pytest.mark.parametrize(
    "signature",
    [
        '<div class="gmail_signature"><div>Ann</div><div>old hand</div></div>',
        '<div id="Signature"><p>Ann</p></div>',
        '<div class="x_moz-signature">-- <br>Ann</div>',
        '<div id="imail_signature" class="ntes-signature">Ann</div>',
        '<hr style="width: 210px; height: 1px;" color="#b5c4df" size="1" align="left"><div><span>Ann</span></div>',
        '<div id="ms-outlook-mobile-signature">Get <a href="https://aka.example/o">Outlook for iOS</a></div>',
        '<div data-signatureblock="true">Ann</div>',
    ],
)
def test_a_signature_the_program_names_is_no_text(signature: str) -> None:
    reply = new_reply(f"<div>It works now.</div>{signature}{QUOTES['Gmail']}")

    assert reply.text == "It works now."
    assert "Ann" in reply.signature or "Outlook" in reply.signature


def test_answers_between_quotes_are_kept_with_what_they_answer() -> None:
    markup = (
        '<div>See below</div><div class="gmail_quote"><div class="gmail_attr">' + ATTRIBUTION + "</div>"
        '<blockquote class="gmail_quote">Which version?</blockquote><div>5.2</div>'
        '<blockquote class="gmail_quote">Which system?</blockquote><div>Windows</div></div>'
    )

    assert new_text(markup) == "See below\n> Which version?\n5.2\n> Which system?\nWindows"


def test_an_answer_below_the_quote_is_found() -> None:
    quote = f'<div class="moz-cite-prefix">{ATTRIBUTION}</div><blockquote type="cite"><p>Which?</p></blockquote>'
    markup = f"{quote}<p>The red one.</p>"

    assert new_text(markup) == "The red one."


def test_an_indented_paragraph_is_no_quote() -> None:
    markup = '<div>Steps:</div><blockquote style="margin:0 0 0 40px;border:none;padding:0px"><div>Open it.</div></blockquote>'

    assert new_text(markup) == "Steps:\nOpen it."


def test_a_forwarded_page_is_the_content() -> None:
    markup = (
        '<div>FYI</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>'
        "From: Bank &lt;b@bank.example&gt;<br>Subject: x<br></div><br><div>Payment failed.</div></div>"
    )

    assert new_text(markup) == to_text(markup)
    assert new_text(markup).endswith("Payment failed.")


def test_a_word_about_forms_is_no_header() -> None:
    markup = '<div style="border-top:solid #E1E1E1 1.0pt">Total: 5 items</div><div>Please confirm.</div>'

    assert new_text(markup) == "Total: 5 items\nPlease confirm."


def _many(piece: str, chars: int = 500_000) -> str:
    return (piece * (chars // len(piece) + 1))[:chars]


HOSTILE = {
    "deep": "<div>" * 10_000 + "word" + "</div>" * 10_000,
    "very deep": _many("<div>x"),
    "deep with wrong ends": _many("<div>x</span>"),
    "deep behind comments": _many("<div>x<!--</div>-->"),
    "nested tables": _many("<table><tr><td>x"),
    "rows": "<table>" + _many("<tr><td>x</td><td>y</td></tr>"),
    "columns": "<table><tr>" + _many("<td>x"),
    "unclosed formatting": "".join(f"<font color={i}><p>x" for i in range(20_000)),
    "links": _many("<a href=http://x.example>y"),
    "lists": _many("<ul><li>x"),
    "quotes": _many("<blockquote type=cite>x"),
    "names": _many("<span class=gmail_attr>x"),
    "svg": "x" + _many("<svg><td>"),
    "styles nobody closed": "x" + _many("<style>"),
    "comments nobody closed": "x" + _many("<!--"),
    "tags nobody closed": "x" + _many("<a "),
    "attributes": "<div " + " ".join(f"a{i}=1" for i in range(60_000)) + ">x",
    "a great image": '<img src="data:image/png;base64,' + "A" * 2_000_000 + '">x',
    "great margins": '<p style="margin-top:99999em;padding-left:99999em">x' * 10_000,
    "great columns": "<table>" + "<tr><td colspan=100000>x" * 5_000,
    "breaks": "x" + _many("<br>"),
    "bytes that are no text": "x\x00\ud800\ufffe<p\x01>y",
}


@pytest.mark.parametrize("markup", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_page_gives_its_text(markup: str) -> None:
    text = new_text(markup)

    assert text.strip()
    assert len(text) <= 2 * MAX_TEXT_CHARS


_TAGS = [
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<b>",
    "<table>",
    "<tr>",
    "<td>",
    "</td>",
    "</table>",
    "<blockquote type=cite>",
]
_TAGS += [
    "</blockquote>",
    '<div class="gmail_signature">',
    '<div id="divRplyFwdMsg">',
    "<br>",
    "<li>",
    "<ul>",
    "</ul>",
    "<pre>",
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*_TAGS, "word", "two words", "<", "&amp;", "\n", "wrote:", "From: a"]), max_size=30).map(
        "".join
    )
)
def test_any_page_has_a_new_text_if_it_has_text(markup: str) -> None:
    assert bool(new_text(markup).strip()) is bool(to_text(markup).strip())


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_characters_are_read_without_an_error(markup: str) -> None:
    assert isinstance(new_text(markup), str)
