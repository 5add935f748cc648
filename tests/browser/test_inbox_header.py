"""The head of a conversation: what it is about has room beside what can be done, on every screen and in both languages."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from base.messages import Channel, Inbound
from desk import inbox, mail_threads
from desk.models import Role
from desk.tables import ConversationRow
from tests.browser.conftest import NewPage
from tests.live import LiveDesk, eventually

SUBJECT = {
    "en": "Scanners in the northern warehouse lose their connection after every update of the till software",
    "zh": "北区仓库的扫码枪在收银软件每次升级之后都会断开连接，重启也不行，已经影响发货了",
}
SIZES = [(1440, 900), (1280, 800), (1024, 768), (390, 844)]


def by_mail(live: LiveDesk, lang: str) -> str:
    """The public id of a conversation that came by mail and wants a person: it has a ticket and a deadline."""
    services, now = live.services, live.services.clock.now()
    address = f"{secrets.token_hex(4)}@customers.example"
    wish = "请转人工，我要找人处理。" if lang == "zh" else "I want to talk to a person, please."
    with services.database.begin() as session:
        thread = mail_threads.open_thread(session, "support", address, "Fang Wang", SUBJECT[lang], now)
        said = Inbound(
            channel=Channel.EMAIL, message_id=secrets.token_hex(8), thread_id=thread, sender_id=address,
            text=f"{SUBJECT[lang]}\n\n{wish}", received_at=now, sender_name="Fang Wang",
        )  # fmt: skip
        inbox.put(session, said)
    live.app.state.running.worker.wake()

    def look() -> str | None:
        query = select(ConversationRow.public_id).where(
            ConversationRow.thread_id == thread, ConversationRow.ticket_id.is_not(None)
        )
        with services.database.read() as session:
            return session.scalar(query)

    return eventually(look) or ""


def opened(new_page: NewPage, live: LiveDesk, lang: str, width: int, height: int, **options: object) -> Page:
    size = {"width": width, "height": height}
    return new_page(f"/inbox/{by_mail(live, lang)}?view=all", lang=lang, role=Role.AGENT, viewport=size, **options)


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).bounding_box()
    assert found is not None
    return dict(found)  # type: ignore[call-overload]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_subject_has_room_and_nothing_that_can_be_done_is_lost(
    new_page: NewPage, live: LiveDesk, lang: str, width: int, height: int
) -> None:
    page = opened(new_page, live, lang, width, height)
    subject, deeds = box(page, "#subject"), box(page, ".acts")
    assert subject["width"] >= 320
    assert subject["y"] + subject["height"] <= deeds["y"]
    if width > 1000:
        cut = "(title) => title.scrollHeight > title.clientHeight || title.scrollWidth > title.clientWidth"
        assert page.locator("#subject").evaluate(cut) is False
    expect(page.locator("#subject")).to_have_attribute("title", page.locator("#subject").inner_text())
    for deed in page.locator(".acts > *:visible").all():
        expect(deed).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.locator("#reply")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_menu_opens_where_it_can_be_read(new_page: NewPage, live: LiveDesk, width: int, height: int) -> None:
    page = opened(new_page, live, "en", width, height)
    for menu in page.locator(".acts details.menu").all():
        menu.locator("summary").click()
        pop = menu.locator(".pop")
        expect(pop).to_be_in_viewport(ratio=1)
        inside = "(pop) => pop.getBoundingClientRect().left >= document.getElementById('workspace').getBoundingClientRect().left"
        assert pop.evaluate(inside)  # else it is cut off there
        page.keyboard.press("Escape")


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (390, 844)])
def test_the_drawer_begins_below_the_head(new_page: NewPage, live: LiveDesk, width: int, height: int) -> None:
    page = opened(new_page, live, "en", width, height, reduced_motion="reduce")
    button = page.get_by_role("button", name="Suggestion, customer, ticket")
    button.click()
    expect(page.locator("#side")).to_be_visible()
    head = box(page, "#head")
    assert box(page, "#side")["y"] == pytest.approx(head["y"] + head["height"], abs=1)
    button.click()
    expect(page.locator("#side")).to_be_hidden()


def test_on_a_wide_screen_both_stand_side_by_side(new_page: NewPage, live: LiveDesk) -> None:
    page = opened(new_page, live, "en", 1920, 1080)
    subject, deeds = box(page, "#subject"), box(page, ".acts")
    assert subject["x"] + subject["width"] <= deeds["x"]
    assert subject["y"] < deeds["y"] + deeds["height"]
