"""The chat window in a real browser, through its shadow root: as a customer of ours, and on a page of somebody else's."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from desk.models import Role
from desk.tables import ConversationRow
from tests.browser.conftest import NewPage
from tests.live import LiveDesk


def open_chat(page: Page, lang: str = "en") -> Locator:
    page.get_by_role("button", name="打开客服窗口" if lang == "zh" else "Open the chat").click()
    return page.get_by_role("dialog")


def say(chat: Locator, text: str) -> None:
    box = chat.get_by_role("textbox")
    box.fill(text)
    box.press("Enter")


def test_a_question_is_answered_with_a_source_that_opens(new_page: NewPage) -> None:
    page = new_page("/demo")
    chat = open_chat(page)
    expect(chat.get_by_role("log")).to_contain_text("What can I do for you?")
    say(chat, "The printer shows PRN-21, what does it mean?")
    answer = chat.locator(".m:not(.me)").filter(has_text="tray 2 is empty")
    expect(answer).to_be_visible()
    source = answer.get_by_role("link", name=re.compile("Printer shows PRN-21"))
    page.context.route("**/articles/*", lambda route: route.continue_(url=same_host(page, route.request.url)))
    with page.context.expect_page() as opened:
        source.click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Printer shows PRN-21: paper tray empty")
    expect(chat.get_by_role("button", name="This helped")).to_be_visible()


def same_host(page: Page, url: str) -> str:
    """Citations carry the configured public address; the test server has a port of its own."""
    return page.url.split("/demo")[0] + "/articles/" + url.rpartition("/articles/")[2]


def test_a_chinese_customer_asks_and_reaches_a_person_in_one_turn(new_page: NewPage) -> None:
    chat = open_chat(new_page("/demo", lang="zh"), "zh")
    say(chat, "在酒店连接 VPN 报错 809")
    expect(chat.locator(".m:not(.me)").filter(has_text="809").last).to_be_visible()
    chat.get_by_role("button", name="转人工").first.click()
    card = chat.locator(".card")
    expect(card).to_contain_text(re.compile(r"工单 FL-\d+"))
    expect(card.get_by_role("link", name="查看进度")).to_have_attribute("href", re.compile("/status/"))
    expect(chat.locator(".names p")).to_have_text("已转人工，请稍候")


def test_the_receipt_is_said_once(new_page: NewPage) -> None:
    chat = open_chat(new_page("/demo"))
    chat.get_by_role("button", name="Talk to a person").first.click()
    expect(chat.locator(".card")).to_be_visible()
    assert chat.get_by_role("log").inner_text().count("FL-") == 1


def test_quick_replies_are_sent_and_then_gone(new_page: NewPage) -> None:
    chat = open_chat(new_page("/demo"))
    say(chat, "What does PRN-21 mean?")
    chat.get_by_role("button", name="This helped").click()
    expect(chat.locator(".me").last).to_have_text("This helped")
    expect(chat.get_by_role("button", name="This helped")).to_have_count(0)
    expect(chat.locator(".m:not(.me)")).to_have_count(3)  # greeting, answer, thanks


def test_a_reload_finds_the_conversation_where_it_was(new_page: NewPage) -> None:
    page = new_page("/demo")
    chat = open_chat(page)
    say(chat, "What does PRN-21 mean?")
    expect(chat.get_by_role("button", name="This helped")).to_be_visible()
    page.reload()
    chat = page.get_by_role("dialog")
    expect(chat.locator(".me")).to_have_text(["What does PRN-21 mean?"])
    expect(chat.locator(".m:not(.me)")).to_have_count(2)
    expect(chat.get_by_role("button", name="This helped")).to_be_visible()


def test_an_enter_that_ends_a_composition_sends_nothing(new_page: NewPage) -> None:
    page = new_page("/demo", lang="zh")
    chat = open_chat(page, "zh")
    box = chat.get_by_role("textbox")
    box.focus()
    input_method = page.context.new_cdp_session(page)
    input_method.send("Input.imeSetComposition", {"text": "da yin ji", "selectionStart": 9, "selectionEnd": 9})
    box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "keyCode": 229})
    expect(chat.locator(".me")).to_have_count(0)
    input_method.send("Input.insertText", {"text": "打印机"})
    expect(box).to_have_value("打印机")
    box.press("Shift+Enter")
    expect(chat.locator(".me")).to_have_count(0)
    box.press("Enter")
    expect(chat.locator(".me")).to_have_text("打印机")
    expect(box).to_have_value("")


def test_what_is_written_offline_is_sent_once_the_network_is_back(new_page: NewPage) -> None:
    page = new_page("/demo")
    chat = open_chat(page)
    say(chat, "What does PRN-21 mean?")
    expect(chat.get_by_role("button", name="This helped")).to_be_visible()
    page.context.set_offline(True)
    say(chat, "And where is tray 2?")
    expect(chat.get_by_text("Will be sent when you are back online")).to_be_visible()
    page.context.set_offline(False)
    expect(chat.locator(".me.pending")).to_have_count(0)
    expect(chat.locator(".me").filter(has_text="And where is tray 2?")).to_have_count(1)


def test_hostile_text_stays_text(new_page: NewPage) -> None:
    page = new_page("/demo")
    page.on("dialog", lambda dialog: dialog.dismiss())
    chat = open_chat(page)
    attack = "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1))"
    say(chat, attack)
    expect(chat.locator(".me")).to_have_text(attack)
    assert chat.locator("img, .me a, .me b").count() == 0


TEXT = """Hours *at your site* and **holidays**: 2 * 3 * 4 [1] [9]

| Site | Open |
|---|:-:|
| `Shanghai` | 9:00 |

2. second
3. third"""
MARKUP = (
    "<p>Hours <em>at your site</em> and <b>holidays</b>: 2 * 3 * 4 <sup>1</sup> [9]</p>"
    '<div class="tbl" tabindex="0"><table><tr><th class="nb">Site</th><th class="nb">Open</th></tr>'
    '<tr><td class="nb"><code>Shanghai</code></td><td class="nb">9:00</td></tr></table></div>'
    '<ol start="2"><li>second</li><li>third</li></ol>'
)


def test_answers_keep_their_emphasis_lists_tables_and_sources(new_page: NewPage) -> None:
    page = new_page("/demo")
    page.wait_for_function("Boolean(window.FirstlineChatParts)")
    source = "{n: 1, title: 't', url: 'javascript:alert(1)'}"
    show = f"(text) => FirstlineChatParts.rich(text, [{source}]).map((element) => element.outerHTML).join('')"
    assert page.evaluate(show, TEXT) == MARKUP


def test_a_colleagues_reply_arrives_and_is_counted_while_closed(live: LiveDesk, new_page: NewPage) -> None:
    page = new_page("/demo")
    chat = open_chat(page)
    chat.get_by_role("button", name="Talk to a person").first.click()
    expect(chat.locator(".card")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chat).to_be_hidden()
    token = page.evaluate("JSON.parse(Object.values(localStorage).find((v) => v.includes('session'))).session")
    thread = live.app.state.running.chat_tokens.loads(token)["t"]
    agent = live.browser(Role.AGENT)
    agent.post(f"/inbox/{conversation_of(live, thread)}/reply", data={"text": "Hello, **Mei** here."})
    expect(page.locator(".badge")).to_contain_text("2")  # "has joined", and the reply
    page.get_by_role("button", name=re.compile("Open the chat")).click()
    expect(chat.locator(".m").last).to_contain_text("Hello, Mei here.")
    expect(chat.locator(".names p")).to_have_text("You are with a person")
    expect(page.locator(".badge")).to_be_hidden()


def conversation_of(live: LiveDesk, thread: str) -> str:
    with live.services.database.read() as session:
        found = session.scalar(select(ConversationRow.public_id).where(ConversationRow.thread_id == thread))
    assert found is not None
    return found


FOREIGN = """<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>shop</title>
<link rel="icon" href="data:,"><style>* {{ font-size: 40px !important; color: red; }} button {{ display: none; }}</style>
<script src="{url}/widget.js" data-lang="auto" defer></script></head><body><h1>A shop</h1></body></html>"""


@contextmanager
def shop(desk: str) -> Iterator[str]:
    """Another site, with a strict policy of its own, that carries our widget; its address."""
    policy = f"default-src 'none'; script-src {desk}; connect-src {desk}; style-src 'unsafe-inline'; img-src data:"

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(FOREIGN.format(url=desk).encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_it_works_on_somebody_elses_page_with_a_policy_of_its_own(live: LiveDesk, new_page: NewPage) -> None:
    with shop(live.url) as address:
        page = new_page(address)
        chat = open_chat(page, "zh")
        say(chat, "What does PRN-21 mean?")
        expect(chat.locator(".m:not(.me)").filter(has_text="tray 2 is empty")).to_be_visible()
        expect(chat.locator(".bub").last).to_have_css("font-size", "15px")


def test_it_fits_a_phone(new_page: NewPage) -> None:
    page = new_page("/demo", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    chat = open_chat(page)
    say(chat, "What does PRN-21 mean? " + "averyveryverylongwordwithoutanyspace" * 5)
    expect(chat.locator(".me")).to_be_visible()
    expect(chat.locator(".m:not(.me)")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = chat.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] <= 844
    for button in (chat.get_by_role("button", name="Talk to a person").first, chat.get_by_role("button", name="Send")):
        expect(button).to_be_in_viewport()


def test_everything_is_reached_by_keyboard(new_page: NewPage) -> None:
    page = new_page("/demo")
    page.get_by_role("button", name="Open the chat").focus()
    page.keyboard.press("Enter")
    chat = page.get_by_role("dialog")
    expect(chat.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("What does PRN-21 mean?")
    page.keyboard.press("Enter")
    expect(chat.get_by_role("button", name="This helped")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chat).to_be_hidden()
    expect(page.get_by_role("button", name="Open the chat")).to_be_focused()


def test_a_suggested_question_is_asked_by_one_click(new_page: NewPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.routes.public.is_loaded", lambda services: True)  # as where the demo's articles are
    page = new_page("/demo")
    page.locator("main").get_by_role("button", name=re.compile("PRN-21")).click()
    expect(page.get_by_role("dialog").locator(".m:not(.me)").filter(has_text="tray 2 is empty")).to_be_visible()


def test_nothing_pretends_to_think_when_a_colleague_has_the_conversation(live: LiveDesk, new_page: NewPage) -> None:
    page = new_page("/demo")
    chat = open_chat(page)
    chat.get_by_role("button", name="Talk to a person").first.click()
    expect(chat.locator(".card")).to_be_visible()
    token = page.evaluate("JSON.parse(Object.values(localStorage).find((v) => v.includes('session'))).session")
    thread = live.app.state.running.chat_tokens.loads(token)["t"]
    live.browser(Role.AGENT).post(f"/inbox/{conversation_of(live, thread)}/assign", data={"staff": "me"})
    expect(chat.locator(".names p")).to_have_text("You are with a person")
    say(chat, "Are you there?")
    expect(chat.locator(".me:not(.pending)").filter(has_text="Are you there?")).to_be_visible()
    expect(chat.locator(".dots")).to_have_count(0)
