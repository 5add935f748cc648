"""Who is signed in on the site that shows the window: told by a signed token, and gone with it on a shared computer."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from playwright.sync_api import Locator, Page, Route, expect
from pydantic import SecretStr

from desk.tables import ConversationRow, CustomerRow, IdentityRow
from tests.browser.conftest import NewPage
from tests.browser.test_widget import conversation_of, open_chat, say
from tests.live import LiveDesk

SECRET = "a secret that only the site and the desk know, 32+ bytes"
SEND = "**/api/v1/chat/messages"


def token(subject: str, secret: str = SECRET, **claims: Any) -> str:
    return jwt.encode(
        {"sub": subject, "aud": "firstline", "exp": time.time() + 600, **claims}, secret, algorithm="HS256"
    )


@pytest.fixture(autouse=True)
def _trusts_the_site(live: LiveDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = live.services.settings.model_copy(update={"widget_secret": SecretStr(SECRET)})
    monkeypatch.setattr(live.app.state.running, "services", replace(live.services, settings=settings))


def visit(page: Page, given: str) -> None:
    """Open the page as the site's server writes it for whoever is signed in: their token stands on the script."""
    page.unroute("**/demo")

    def serve(route: Route) -> None:
        html = route.fetch().text()
        attribute = f'data-user-token="{given}" ' if given else ""
        route.fulfill(
            body=html.replace('<script src="/widget.js" ', f'<script src="/widget.js" {attribute}'),
            content_type="text/html",
        )

    page.route("**/demo", serve)
    page.goto("/demo")


def stored(page: Page) -> dict[str, Any]:
    found = page.evaluate("Object.entries(localStorage).find(([key]) => key.startsWith('firstline.chat'))?.[1] ?? '{}'")
    store: dict[str, Any] = json.loads(found)
    return store


def thread_of(live: LiveDesk, page: Page) -> str:
    return str(live.app.state.running.chat_tokens.loads(stored(page)["session"])["t"])


def customer_of(live: LiveDesk, page: Page) -> tuple[str, str]:
    """Name and outer id of the customer whose conversation the window shows."""
    public_id = conversation_of(live, thread_of(live, page))
    with live.services.database.read() as session:
        talk = session.query(ConversationRow).filter_by(public_id=public_id).one()
        customer = session.get_one(CustomerRow, talk.customer_id)
        identity = session.query(IdentityRow).filter_by(customer_id=customer.id).one()
        return customer.name, identity.external_id


def answered(chat: Locator, text: str) -> None:
    say(chat, text)
    expect(chat.locator(".m:not(.me)").filter(has_text="tray 2 is empty")).to_be_visible()


def test_a_conversation_belongs_to_whom_the_token_names_and_a_new_token_of_theirs_keeps_it(
    live: LiveDesk, new_page: NewPage
) -> None:
    page = new_page()
    visit(page, token("4711", name="Wang Wei 王"))
    answered(open_chat(page), "What does PRN-21 mean?")
    assert customer_of(live, page) == ("Wang Wei 王", "user:4711")
    visit(page, token("4711", exp=time.time() + 1200))
    expect(page.get_by_role("dialog").locator(".me")).to_have_text(["What does PRN-21 mean?"])


@pytest.mark.parametrize("next_subject", ["", "4712"], ids=["signed out", "somebody else"])
def test_who_comes_next_on_a_shared_computer_finds_an_empty_window(
    live: LiveDesk, new_page: NewPage, next_subject: str
) -> None:
    page = new_page()
    visit(page, token("4711"))
    chat = open_chat(page)
    answered(chat, "What does PRN-21 mean?")
    page.route(SEND, lambda route: route.abort())
    say(chat, "My salary is 48213")  # waits for the network, and must not be sent in the next one's name
    expect(chat.locator(".pending")).to_have_count(1)
    visit(page, token(next_subject) if next_subject else "")
    page.unroute(SEND)
    assert (stored(page)["session"], stored(page)["queue"]) == ("", [])
    chat = open_chat(page)
    expect(chat.get_by_role("log")).to_contain_text("What can I do for you?")
    expect(chat.locator(".me")).to_have_count(0)
    answered(chat, "And what does PRN-21 mean to me?")
    expect(chat.locator(".me")).to_have_text(["And what does PRN-21 mean to me?"])
    assert customer_of(live, page)[1].removeprefix("user:") == (next_subject or thread_of(live, page))
    assert "48213" not in page.evaluate("JSON.stringify({...localStorage})")


def test_signing_out_without_a_reload_empties_the_open_window_at_once(new_page: NewPage) -> None:
    page = new_page()
    visit(page, token("4711"))
    chat = open_chat(page)
    answered(chat, "What does PRN-21 mean?")
    chat.get_by_role("textbox").fill("half a sen")
    before = stored(page)["session"]
    page.evaluate("document.querySelector('firstline-chat').userToken = null")
    expect(chat.locator(".me")).to_have_count(0)
    expect(chat.get_by_role("textbox")).to_have_value("")
    expect(chat.locator(".m")).to_have_count(1)  # greeted anew
    assert stored(page)["session"] not in ("", before)
    answered(chat, "PRN-21?")  # and its live connection stands


@pytest.mark.parametrize(
    ("lang", "said", "button"),
    [
        ("en", "Who you are could not be confirmed", "Go on without signing in"),
        ("zh", "无法确认您的身份", "不登录，继续咨询"),
    ],
)
def test_a_refused_token_is_said_and_the_customer_decides(
    live: LiveDesk, new_page: NewPage, lang: str, said: str, button: str
) -> None:
    page = new_page(lang=lang)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/sessions") else None)
    visit(page, token("4711", secret="not what the desk knows, but as long as it is"))
    chat = open_chat(page, lang)
    log = chat.get_by_role("log")
    expect(log).to_contain_text(said)
    say(chat, "What does PRN-21 mean?")
    expect(chat.locator(".me .state")).to_contain_text("已保留" if lang == "zh" else "Kept until you choose")
    page.wait_for_timeout(1500)
    assert (len(asked), stored(page)["session"]) == (1, "")
    chat.get_by_role("button", name=button).click()
    expect(chat.locator(".m:not(.me)").filter(has_text="tray 2 is empty")).to_be_visible()
    expect(log).not_to_contain_text(said)
    assert customer_of(live, page)[1] != "user:4711"


def test_a_good_token_after_a_refused_one_goes_on_by_itself(live: LiveDesk, new_page: NewPage) -> None:
    page = new_page()
    visit(page, token("4711", exp=time.time() - 600))
    chat = open_chat(page)
    expect(chat.get_by_role("button", name="Go on without signing in")).to_be_visible()
    say(chat, "What does PRN-21 mean?")
    page.evaluate("(token) => { document.querySelector('firstline-chat').userToken = token; }", token("4711"))
    expect(chat.locator(".m:not(.me)").filter(has_text="tray 2 is empty")).to_be_visible()
    assert customer_of(live, page)[1] == "user:4711"
