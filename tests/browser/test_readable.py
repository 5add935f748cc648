"""What was said stays readable in a narrow window: tables scroll instead of breaking words, lists keep their levels."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from desk.models import Role
from tests.browser.conftest import NewPage
from tests.browser.test_widget import open_chat
from tests.live import LiveDesk

TABLE = """From our article:

| Code | Meaning | What to do |
|---|---|---|
| PRN-21 | Device cannot reach the HS-Print server in the other building | Use another device; report this one with HSC-4xx |
| 809 | 当前网络拦截了 VPN | 换手机热点；改用 TCP 443 模式，住酒店要先完成酒店自己的上网认证 |
| `ERR_QUEUE-LOCKED_17` | Queue locked | Wait |"""
WORDS = [
    "Code",
    "Meaning",
    "PRN-21",
    "809",
    "HS-Print",
    "HS-Print-2",
    "HSC-4xx",
    "ERR_QUEUE-LOCKED_17",
    "server",
    "443",
]
LINES = """(bubble, word) => {
  const walker = document.createTreeWalker(bubble, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const at = node.data.indexOf(word);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + word.length);
    return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
  }
  return 0;
}"""
NESTED = """Make sure:

- You may reset it.
- The licence fits:
    - one licence at least
    - one of these
      1. Basic
      2. Premium
- Done.

1. Open it.

   - On Windows
   - On a Mac

2. Close it."""
NESTED_MARKUP = (
    "<p>Make sure:</p><ul><li>You may reset it.</li><li>The licence fits:<ul><li>one licence at least</li><li>one of these"
    '<ol start="1"><li>Basic</li><li>Premium</li></ol></li></ul></li><li>Done.</li></ul>'
    '<ol start="1"><li>Open it.<ul><li>On Windows</li><li>On a Mac</li></ul></li><li>Close it.</li></ol>'
)


def told(page: Page, text: str) -> Locator:
    """The bubble of this answer in an open chat window."""
    chat = open_chat(page)
    expect(chat.get_by_role("log")).to_contain_text("What can I do for you?")
    page.evaluate(
        "(text) => document.querySelector('firstline-chat').showTurn("
        "{id: 'x', seq: 1, author: 'bot', text, lang: 'en', citations: []})",
        text,
    )
    return chat.locator(".bub").last


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1200, "light"), (1200, "dark")])
def test_no_word_of_a_table_is_broken_and_a_wide_one_scrolls_inside_its_bubble(
    new_page: NewPage, width: int, scheme: str
) -> None:
    page = new_page("/demo", viewport={"width": width, "height": 844}, color_scheme=scheme)
    bubble = told(page, TABLE.replace("reach the HS-Print server", "reach any HS-Print and HS-Print-2 server"))
    assert {word: bubble.evaluate(LINES, word) for word in WORDS} == dict.fromkeys(WORDS, 1)
    assert bubble.evaluate("(bubble) => bubble.scrollWidth <= bubble.clientWidth + 1")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert bubble.locator("td").filter(has_text="Device cannot").evaluate("(cell) => cell.offsetWidth") >= 100


def test_lists_within_lists_stay_within(new_page: NewPage) -> None:
    page = new_page("/demo")
    page.wait_for_function("Boolean(window.FirstlineChatParts)")
    show = "(text) => FirstlineChatParts.rich(text).map((element) => element.outerHTML).join('')"
    assert page.evaluate(show, NESTED) == NESTED_MARKUP


def test_what_is_too_large_to_upload_is_left_out_and_said_before_anything_is_sent(
    new_page: NewPage, live: LiveDesk, tmp_path: Path
) -> None:
    page = new_page("/knowledge/upload", role=Role.EDITOR)
    limit = live.services.settings.upload_max_bytes
    sizes = {"fits.md": 30, "large.md": limit + 1, **{f"part{n}.md": limit for n in range(5)}}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    page.locator("input[type=file]").set_input_files([tmp_path / name for name in sizes])
    lines = page.locator(".chosen li")
    expect(lines.filter(has_text="large.md")).to_contain_text("too large, not sent; the limit is 50 MB")
    expect(lines.filter(has_text="part4.md")).to_contain_text("together the files may have 200 MB")
    assert page.locator("input[type=file]").evaluate("(input) => [...input.files].map((file) => file.name)") == [
        "fits.md", "part0.md", "part1.md", "part2.md",
    ]  # fmt: skip
    expect(page.locator(".drop b")).to_have_text("4 files chosen")


def test_a_bar_within_a_cell_is_no_border(new_page: NewPage) -> None:
    page = new_page("/demo")
    page.wait_for_function("Boolean(window.FirstlineChatParts)")
    cells = "(text) => [...FirstlineChatParts.rich(text)[0].querySelectorAll('th')].map((cell) => cell.textContent)"
    assert page.evaluate(cells, r"| a\|b | c |") == ["a|b", "c"]
