"""What does not fit, or cannot begin, is said in the chat window: nothing is cut, nothing stays blank."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from channels.webchat import MAX_TEXT
from tests.browser.conftest import NewPage
from tests.browser.test_widget import open_chat, say
from tests.live import LiveDesk


def test_a_long_message_is_sent_whole_and_it_is_said_how_much_the_assistant_reads(new_page: NewPage) -> None:
    chat = open_chat(new_page("/demo"))
    expect(chat.get_by_role("log")).to_contain_text("What can I do for you?")
    text = "The printer shows PRN-21. " + "It is on floor 3. " * 620
    chat.get_by_role("textbox").fill(text)
    expect(chat.locator(".count")).to_contain_text("it is sent whole, the assistant reads the first 4,000 characters")
    chat.get_by_role("textbox").press("Enter")
    expect(chat.locator(".me:not(.pending)")).to_have_text(text.strip())
    expect(chat.locator(".m:not(.me)")).to_have_count(2)
    expect(chat.locator(".count")).to_be_hidden()


@pytest.mark.parametrize(("lang", "said"), [("en", "5 characters too many"), ("zh", "超出单条消息上限 5 个字")])
def test_what_is_too_long_stays_in_the_box_and_is_said(new_page: NewPage, lang: str, said: str) -> None:
    page = new_page("/demo", lang=lang)
    chat = open_chat(page, lang)
    expect(chat.locator(".m")).to_have_count(1)
    page.evaluate("(count) => document.querySelector('firstline-chat').ask('好'.repeat(count))", MAX_TEXT + 5)
    expect(chat.locator(".count")).to_contain_text(said)
    assert chat.get_by_role("textbox").evaluate("(box) => box.value.length") == MAX_TEXT + 5
    chat.get_by_role("textbox").press("Enter")
    expect(chat.locator(".me")).to_have_count(0)
    expect(chat.locator(".count")).to_contain_text(said)


LIMITED = [
    ("en", "Too many chats were started from your network", "It works again at ", "You can also reach us here: 8000"),
    ("zh", "您所在网络新开的会话过多", " 起恢复", "也可以这样联系我们：8000"),
]


@pytest.mark.parametrize(("lang", "what", "when", "instead"), LIMITED, ids=["en", "zh"])
def test_one_chat_too_many_from_a_network_is_told_when_it_works_again_and_another_way(
    live: LiveDesk, new_page: NewPage, monkeypatch: pytest.MonkeyPatch, lang: str, what: str, when: str, instead: str
) -> None:
    few = live.services.settings.model_copy(update={"chat_sessions_per_hour": 1})
    running = live.app.state.running
    monkeypatch.setattr(running, "services", replace(live.services, settings=few))
    monkeypatch.setattr("web.routes.public.is_loaded", lambda services: True)  # the made-up company names a hotline
    live.browser().post("/api/v1/chat/sessions", json={"lang": "en"})  # the one there may be
    page = new_page("/demo", lang=lang)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/sessions") else None)
    chat = open_chat(page, lang)
    log = chat.get_by_role("log")
    for words in (what, when, instead):
        expect(log).to_contain_text(words)
    say(chat, "What does PRN-21 mean?")
    expect(chat.locator(".me .state")).to_contain_text("将于" if lang == "zh" else "Kept, will be sent at")
    expect(chat.locator(".note")).to_be_hidden()
    page.wait_for_timeout(2500)
    expect(chat.locator(".note")).to_be_hidden()
    assert len(asked) == 1
    monkeypatch.setattr(running, "services", live.services)
    page.evaluate("document.querySelector('firstline-chat').until = 0")
    page.evaluate("document.querySelector('firstline-chat').wake()")
    expect(chat.locator(".m:not(.me)").filter(has_text="tray 2")).to_be_visible()
    expect(log).not_to_contain_text(what)
