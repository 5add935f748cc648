"""Who is signed in on the page writes from their own mail program: the window offers a link, and nobody else's does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from pydantic import SecretStr

from tests.browser.conftest import NewPage
from tests.browser.test_accessibility import every_look
from tests.browser.test_widget_mail import WORDS, asked
from tests.browser.test_widget_visitor import SECRET, token, visit
from tests.flows.test_mail_story import WANG, received
from tests.flows.test_mail_story import desk as desk
from tests.live import LOOPBACK, LiveDesk
from tests.mailserver.fixtures import _mail_daemons as _mail_daemons
from tests.mailserver.fixtures import mail_server as mail_server
from tests.mailserver.server import MailServer

pytestmark = pytest.mark.allow_hosts(LOOPBACK)
OWN = {"en": "Or write to us from your own mail program", "zh": "或者用您自己的邮件软件写信给我们"}


@pytest.fixture
def live(desk: LiveDesk, monkeypatch: pytest.MonkeyPatch) -> LiveDesk:
    """The server of this file's pages has a mailbox and trusts the site."""
    settings = desk.services.settings.model_copy(update={"widget_secret": SecretStr(SECRET)})
    monkeypatch.setattr(desk.app.state.running, "services", replace(desk.services, settings=settings))
    return desk


def signed_in(page: Page, lang: str = "en") -> Locator:
    """The window of somebody who is signed in, with a question and its answer."""
    visit(page, token("4711", name="Fang Wang"))
    return asked(page, lang)


def form_of(chat: Locator, lang: str) -> Locator:
    chat.get_by_role("button", name=WORDS[lang][0]).click()
    return chat.get_by_role("form", name=WORDS[lang][0])


def send(server: MailServer, mailto: str, sender: str, text: str) -> None:
    """What the customer's mail program opens, with a line of their own, sent through a server that vouches for them."""
    parts = urlsplit(mailto)
    fields = parse_qs(parts.query)
    mail = EmailMessage(policy=SMTP)
    domain = sender.rpartition("@")[2]
    mail["Authentication-Results"] = f"mx.shop.test; dmarc=pass header.from={domain}"
    mail["From"], mail["To"], mail["Subject"] = sender, unquote(parts.path), fields["subject"][0]
    mail["Message-ID"] = f"<{time.time_ns()}@{domain}>"
    mail.set_content(text + fields["body"][0].replace("\r\n", "\n"))
    server.deliver(mail.as_bytes(), sender, unquote(parts.path))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_signed_in_customer_goes_on_from_their_own_mail_program(
    new_page: NewPage, mail_server: MailServer, lang: str
) -> None:
    page = new_page(lang=lang)
    chat = signed_in(page, lang)
    link = form_of(chat, lang).get_by_role("link", name=OWN[lang])
    expect(link).to_be_visible()
    mailto = link.get_attribute("href") or ""
    assert re.match(r"mailto:support\+link-[a-z2-7]{26}@shop\.test\?subject=", mailto)
    send(mail_server, mailto, WANG, "What does VPN error 809 in a hotel mean?")
    expect(chat.locator(".me").filter(has_text="809")).to_have_text("What does VPN error 809 in a hotel mean?")
    expect(chat.locator(".sys").filter(has_text=WANG)).to_be_visible()
    assert "809" in received(mail_server, WANG)[0].as_string()
    chat.get_by_role("button", name=WORDS[lang][0]).click()
    chat.get_by_role("button", name=WORDS[lang][0]).click()
    expect(link).to_be_visible()
    assert link.get_attribute("href") != mailto  # the one before is used up


def test_nobody_else_is_offered_one(new_page: NewPage, mail_server: MailServer) -> None:
    page, calls = new_page("/demo"), list[str]()
    page.on("request", lambda request: calls.append(request.url) if request.url.endswith("/links") else None)
    form = form_of(asked(page, "en"), "en")
    expect(form.get_by_role("button", name="Send code")).to_be_visible()
    expect(form.get_by_role("link")).to_have_count(0)
    assert calls == []


def test_where_none_is_to_be_had_the_form_is_as_it_was(
    new_page: NewPage, live: LiveDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.chat_links._mailto", lambda *_: "")  # a mailbox that knows no senders
    page = new_page()
    chat = signed_in(page)
    with page.expect_response("**/chat/links") as answer:
        form = form_of(chat, "en")
    assert answer.value.status == 201
    page.evaluate("new Promise((done) => setTimeout(done))")
    expect(form.get_by_role("textbox", name="Your e-mail address")).to_be_focused()
    expect(form.get_by_role("link")).to_have_count(0)


@every_look
def test_axe_finds_nothing_in_the_form_with_its_link(
    new_page: NewPage, axe: Callable[[Page], list[str]], lang: str, scheme: str
) -> None:
    page = new_page(lang=lang, color_scheme=scheme)
    form = form_of(signed_in(page, lang), lang)
    expect(form.get_by_role("link", name=OWN[lang])).to_be_visible()
    assert axe(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(form.get_by_role("link", name=OWN[lang])).to_be_focused()
