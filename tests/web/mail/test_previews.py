"""The page that shows what our mails look like."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from base.i18n import LOCALES
from desk.models import Role
from tests.live import PASSWORD
from tests.web.mail.made import MailDesk
from web.app import create_app
from web.mail.previews import KIND_NAMES, LetterKind, preview
from web.pages import make_environments


@pytest.fixture
def admin(desk: MailDesk) -> TestClient:
    browser = TestClient(create_app(desk.services), headers={"Accept-Language": "en", "Accept": "text/html"})
    browser.post("/signin", data={"email": desk.member(Role.ADMIN).email, "password": PASSWORD})
    return browser


def test_every_kind_is_shown_in_both_languages_as_html_and_as_text(admin: TestClient) -> None:
    page = admin.get("/deliveries/letters").text
    frames = re.findall(r'<iframe class="letter" sandbox loading="lazy" src="([^"]+)"', page)
    assert frames == [f"/deliveries/letters/{kind}/{lang}" for kind in KIND_NAMES for lang in LOCALES]
    assert page.count("<pre ") == len(frames)
    assert "/deliveries/letters" in admin.get("/deliveries").text


def test_a_mail_may_carry_its_styles_and_do_nothing_else(admin: TestClient) -> None:
    shown = admin.get("/deliveries/letters/answer/en")
    rules = shown.headers["Content-Security-Policy"]
    assert "style-src 'unsafe-inline'" in rules
    assert "default-src 'none'" in rules
    assert "script-src" not in rules
    assert rules.endswith("sandbox")
    assert shown.headers["X-Frame-Options"] == "SAMEORIGIN"
    page = admin.get("/deliveries/letters").headers["Content-Security-Policy"]
    assert "frame-src 'self'" in page
    assert "unsafe-inline" not in page


@pytest.mark.parametrize("path", ["none/en", "answer/fr", "ANSWER/en"])
def test_there_is_no_other_kind_and_no_other_language(admin: TestClient, path: str) -> None:
    assert admin.get(f"/deliveries/letters/{path}").status_code == 404


PARTS = {
    LetterKind.ANSWER: ("[1]", "/mail/"),
    LetterKind.CHOICES: ("2. ", "/mail/"),
    LetterKind.TICKET: ("FL-1042", "/status/"),
    LetterKind.REPLY: ("/status/",),
    LetterKind.SOLVED: ("/rate/",),
    LetterKind.STAFF: ("FL-1042", "/inbox/"),
}


@pytest.mark.parametrize("kind", LetterKind)
@pytest.mark.parametrize("lang", LOCALES)
def test_each_has_what_makes_its_kind(desk: MailDesk, kind: LetterKind, lang: str) -> None:
    for body in preview(desk.services, make_environments(), kind, lang):
        for part in PARTS[kind]:
            assert part in body, part


def test_the_links_of_made_up_mails_lead_nowhere(desk: MailDesk, admin: TestClient) -> None:
    base = desk.services.settings.base_url
    for kind in LetterKind:
        text, _ = preview(desk.services, make_environments(), kind, "en")
        for path in re.findall(rf"{re.escape(base)}(/\S+)", text):
            assert admin.get(path).status_code == 404, path
