"""A chat is carried on by e-mail from the window itself: address, code, done. The codes come through a real mail server."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage
from tests.browser.test_accessibility import every_look
from tests.browser.test_widget import open_chat
from tests.flows.test_mail_story import ALICE, WANG, received, text_of
from tests.flows.test_mail_story import desk as desk
from tests.live import LOOPBACK, LiveDesk
from tests.mailserver.fixtures import _mail_daemons as _mail_daemons
from tests.mailserver.fixtures import mail_server as mail_server
from tests.mailserver.server import MailServer

pytestmark = pytest.mark.allow_hosts(LOOPBACK)
WORDS = {
    "en": ("Continue by e-mail", "Type your question…", "Your e-mail address", "Six-digit code"),
    "zh": ("转到邮件继续", "输入您的问题…", "您的邮箱地址", "六位验证码"),
}


@pytest.fixture
def live(desk: LiveDesk) -> LiveDesk:
    """The server of this file's pages has a mailbox."""
    return desk


def asked(page: Page, lang: str) -> Locator:
    """The window with a question and its answer."""
    chat = open_chat(page, lang)
    expect(chat.locator(".m")).to_have_count(1)
    expect(chat.get_by_role("button", name=WORDS[lang][0])).to_be_hidden()  # nothing to carry on yet
    box = chat.get_by_role("textbox", name=WORDS[lang][1])
    box.fill("The printer shows PRN-21, what does it mean?")
    box.press("Enter")
    expect(chat.locator(".m:not(.me)").filter(has_text="tray 2 is empty")).to_be_visible()
    return chat


def code_for(server: MailServer, who: str, count: int = 1) -> str:
    found = re.search(r"\d{6}", str(received(server, who, count)[count - 1]["Subject"]))
    assert found is not None
    return found[0]


def test_a_chinese_customer_goes_on_by_mail_with_the_keyboard_alone(new_page: NewPage, mail_server: MailServer) -> None:
    page = new_page("/demo", lang="zh", color_scheme="dark")
    chat = asked(page, "zh")
    button = chat.get_by_role("button", name="转到邮件继续")
    button.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    address = chat.get_by_role("textbox", name="您的邮箱地址")
    expect(address).to_be_focused()
    page.keyboard.type(ALICE.replace("@", "＠"))  # as a Chinese keyboard writes it
    address.dispatch_event("keydown", {"key": "Escape", "isComposing": True, "keyCode": 229})
    page.keyboard.press("Enter")

    code = chat.get_by_role("textbox", name="六位验证码")
    expect(code).to_be_focused()
    expect(code).to_have_accessible_description(re.compile(f"验证码已发往 {ALICE}"))
    assert (code.get_attribute("inputmode"), code.get_attribute("autocomplete")) == ("numeric", "one-time-code")
    digits = code_for(mail_server, ALICE)
    page.keyboard.insert_text(f"{digits[:3]} {digits[3:]}")
    page.keyboard.press("Enter")

    expect(chat.locator(".sys").filter(has_text=ALICE)).to_be_visible()
    expect(chat.get_by_role("form", name="转到邮件继续")).to_be_hidden()
    expect(chat.get_by_role("textbox", name="输入您的问题…")).to_be_focused()
    assert "tray 2 is empty" in text_of(received(mail_server, ALICE, 2)[1])
    assert ALICE not in page.evaluate("JSON.stringify({...localStorage})")


def test_what_goes_wrong_is_said_in_the_form_and_can_be_put_right(new_page: NewPage, mail_server: MailServer) -> None:
    page = new_page("/demo")
    chat = asked(page, "en")
    chat.get_by_role("button", name="Continue by e-mail").click()
    form = chat.get_by_role("form", name="Continue by e-mail")
    said, address = form.get_by_role("status"), form.get_by_role("textbox", name="Your e-mail address")
    address.press("Enter")
    expect(said).to_have_text("Please enter your e-mail address.")
    expect(address).to_have_attribute("aria-invalid", "true")
    address.fill("alice@customers..test")
    address.press("Enter")
    expect(said).to_have_text("This is not an e-mail address. Please check it.")
    expect(address).to_be_focused()
    address.fill(WANG)
    form.get_by_role("button", name="Send code").click()

    code = form.get_by_role("textbox", name="Six-digit code")
    code.fill("12345")
    code.press("Enter")
    expect(said).to_have_text("The code has six digits.")
    first = code_for(mail_server, WANG)
    code.fill(f"{(int(first) + 1) % 10**6:06}")
    code.press("Enter")
    expect(said).to_have_text(re.compile("This code is not right, or too old."))
    page.context.set_offline(True)
    code.fill(first)
    code.press("Enter")
    expect(said).to_have_text("That did not get through. Please try again.")
    page.context.set_offline(False)
    form.get_by_role("button", name="Send a new code").click()
    expect(said).to_have_text("A new code is on its way. The one before is not valid any more.")
    expect(code).to_have_value("")
    code_for(mail_server, WANG, 2)
    form.get_by_role("button", name="Send a new code").click()
    second = code_for(mail_server, WANG, 3)  # a mistyped address counted for nothing
    form.get_by_role("button", name="Send a new code").click()
    expect(said).to_have_text(re.compile(r"^Too many codes were asked for\. It works again at \d\d:\d\d\.$"))

    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    expect(chat).to_be_visible()
    expect(chat.get_by_role("button", name="Continue by e-mail")).to_be_focused()
    page.keyboard.press("Escape")
    expect(chat).to_be_hidden()
    confirm = (
        "(code) => document.querySelector('firstline-chat').api('mail/confirm', {code}).then((answer) => answer.json())"
    )
    assert page.evaluate(confirm, second) == {"address": WANG}  # the codes were real: only the tries were wrong


def test_a_form_that_is_closed_stays_closed_whatever_comes_back(new_page: NewPage) -> None:
    page = new_page("/demo")
    chat = asked(page, "en")
    chat.get_by_role("button", name="Continue by e-mail").click()
    address = chat.get_by_role("textbox", name="Your e-mail address")
    address.fill(ALICE)
    with page.expect_response("**/chat/mail") as answer:
        address.press("Enter")
        chat.get_by_role("button", name="Cancel").click()
    assert answer.value.status == 202
    page.evaluate("new Promise((done) => setTimeout(done))")  # what waits for the answer has had its turn
    expect(chat.get_by_role("form", name="Continue by e-mail")).to_be_hidden()
    chat.get_by_role("button", name="Continue by e-mail").click()
    expect(address).to_have_value(ALICE)
    page.reload()
    page.get_by_role("dialog").get_by_role("button", name="Continue by e-mail").click()
    expect(page.get_by_role("textbox", name="Your e-mail address")).to_have_value("")


@every_look
def test_axe_finds_nothing_in_the_form(
    new_page: NewPage, axe: Callable[[Page], list[str]], mail_server: MailServer, lang: str, scheme: str
) -> None:
    button, _, address, code = WORDS[lang]
    page = new_page("/demo", lang=lang, color_scheme=scheme)
    chat = asked(page, lang)
    chat.get_by_role("button", name=button).click()
    chat.get_by_role("textbox", name=address).press("Enter")
    expect(chat.get_by_role("form").get_by_role("status")).not_to_be_empty()
    assert axe(page) == []
    chat.get_by_role("textbox", name=address).fill(ALICE)
    page.keyboard.press("Enter")
    expect(chat.get_by_role("textbox", name=code)).to_be_visible()
    assert axe(page) == []


def test_it_fits_a_phone_that_lies_on_its_side(new_page: NewPage) -> None:
    page = new_page("/demo", viewport={"width": 667, "height": 375}, has_touch=True, is_mobile=True)
    chat = asked(page, "en")
    chat.get_by_role("button", name="Continue by e-mail").click()
    expect(chat.get_by_role("textbox", name="Your e-mail address")).to_be_in_viewport()
    for name in ("Send code", "Cancel", "Close the chat"):
        expect(chat.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == 667
