"""axe-core finds nothing on any page, in both languages, in light and dark. It finds a part only; it never finds less."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from desk import incident_work
from desk.models import Role
from desk.tables import ConversationRow
from tests.browser.conftest import NewPage
from tests.live import Chat, LiveDesk

LOOKS = [("en", "light"), ("zh", "light"), ("en", "dark"), ("zh", "dark")]
every_look = pytest.mark.parametrize(("lang", "scheme"), LOOKS)
Axe = Callable[[Page], list[str]]


@pytest.fixture(scope="module")
def chat(live: LiveDesk) -> Chat:
    """A conversation with an answer, a ticket, a note, a reply and an urgent level."""
    chat = live.chat()
    chat.ask("The printer on floor 4 shows PRN-21")
    chat.ask("I want to talk to a person")
    agent = live.browser(Role.AGENT)
    for kind in ("note", "reply"):
        agent.post(f"/inbox/{chat.conversation_id()}/reply", data={"text": f"a {kind}", "kind": kind})
    agent.post(f"/inbox/{chat.conversation_id()}/urgency", data={"urgency": "urgent", "reason": "many people"})
    return chat


@every_look
def test_pages_for_staff(new_page: NewPage, axe: Axe, chat: Chat, lang: str, scheme: str) -> None:
    page = new_page(f"/inbox/{chat.conversation_id()}?view=all", lang=lang, role=Role.EDITOR, color_scheme=scheme)
    expect(page.locator("#conversation")).to_be_visible()
    assert axe(page) == []
    page.locator("#log .ask-why").first.click()
    expect(page.locator(".record")).to_be_visible()
    for more in page.locator(".record details > summary").all():
        more.click()
    assert axe(page) == []
    page.goto("/knowledge")
    assert axe(page) == []
    page.locator("tbody a").first.click()
    expect(page.locator(".leaf.two")).to_be_visible()
    assert axe(page) == []
    page.goto("/knowledge/upload")
    assert axe(page) == []


@every_look
def test_reports(live: LiveDesk, new_page: NewPage, axe: Axe, chat: Chat, lang: str, scheme: str) -> None:
    form = {"urgency": "high", "reason": "a whole team"}
    live.browser(Role.MANAGER).post(f"/inbox/{chat.conversation_id()}/urgency", data=form)
    page = new_page("/reports/triage", lang=lang, role=Role.MANAGER, color_scheme=scheme)
    expect(page.locator(".report tbody tr").first).to_be_visible()
    assert axe(page) == []


@every_look
def test_incidents(live: LiveDesk, new_page: NewPage, axe: Axe, chat: Chat, lang: str, scheme: str) -> None:
    services, now = live.services, live.services.clock.now()
    other = live.chat()
    other.ask("PRN-21 on every printer, I want to talk to a person")
    words = {"en": "Printers", "zh": "打印机"}
    with services.database.begin() as session:
        query = select(ConversationRow.id).where(
            ConversationRow.public_id.in_([chat.conversation_id(), other.conversation_id()])
        )
        ids = list(session.scalars(query))
        found = incident_work.propose(session, words, words, [], ids, now, now)
        incident_work.propose(session, words, words, [], ids[:1], now, now)
    page = new_page("/incidents", lang=lang, role=Role.AGENT, color_scheme=scheme)
    expect(page.locator("tbody tr").first).to_be_visible()
    assert axe(page) == []
    page.goto(f"/incidents/{found.public_id}")
    expect(page.locator("input[name=chosen]")).to_have_count(2)
    assert axe(page) == []
    page.locator("form button.btn-primary").first.click()
    expect(page.locator("form[action$='/tell']")).to_have_count(2)
    page.locator("details > summary h2").click()
    expect(page.locator("details .btn-success")).to_be_visible()
    assert axe(page) == []
    page.goto(f"/inbox/{other.conversation_id()}")
    expect(page.locator(f"#side a[href='/incidents/{found.public_id}']")).to_be_visible()
    assert axe(page) == []


@every_look
def test_pages_for_customers(new_page: NewPage, axe: Axe, chat: Chat, lang: str, scheme: str) -> None:
    page = new_page("/demo", lang=lang, color_scheme=scheme)
    page.locator("firstline-chat .fab").click()
    for text in ("What does PRN-21 mean?", "I want to talk to a person"):
        page.locator("firstline-chat textarea").fill(text)
        page.keyboard.press("Enter")
        expect(page.locator("firstline-chat .m:not(.me)").last).to_be_visible()
    expect(page.locator("firstline-chat .card")).to_be_visible()
    assert axe(page) == []
    ticket = next(turn["ticket"] for turn in chat.turns() if turn["ticket"])
    page.goto("/status/" + ticket["url"].rpartition("/")[2])
    page.locator("details.how").first.click()
    assert axe(page) == []
    page.goto("/signin")
    assert axe(page) == []
    page.goto("/nothing-here")
    assert axe(page) == []


def test_narrow_pages_scroll_in_one_direction_only(new_page: NewPage, chat: Chat) -> None:
    page = new_page(role=Role.EDITOR, viewport={"width": 390, "height": 844})
    ticket = next(turn["ticket"] for turn in chat.turns() if turn["ticket"])
    status = "/status/" + ticket["url"].rpartition("/")[2]
    why = f"/inbox/{chat.conversation_id()}/answers/2"
    for path in ("/demo", "/signin", status, why, "/inbox", "/knowledge", "/knowledge/upload", "/nothing-here"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page = new_page("/reports/triage", role=Role.MANAGER, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
