"""The mail that says a ticket is solved asks how it went; its links open a page, and only sending it counts."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from desk import csat
from desk.csat import Rating
from desk.models import Role
from tests.live import PASSWORD
from tests.web.mail.made import PERSON, MailDesk, Writer, forged
from web.app import create_app
from web.mail.ratings import RatingLinks, Vote

LINK = re.compile(r"(?<=http://127\.0\.0\.1:8000)/rate/[\w.-]+")
EN, ZH = {"Accept-Language": "en", "Accept": "text/html"}, {"Accept-Language": "zh-CN", "Accept": "text/html"}


@pytest.fixture
def browser(desk: MailDesk) -> TestClient:
    return TestClient(create_app(desk.services), headers=EN)


@pytest.fixture
def wang(desk: MailDesk) -> Writer:
    """A customer whose ticket was just solved."""
    wang = desk.customer()
    wang.write(PERSON)
    desk.solve(wang.thread)
    return wang


def links(wang: Writer) -> list[str]:
    return LINK.findall(wang.got[-1].body())


def rating(desk: MailDesk, of: Writer) -> Rating | None:
    with desk.services.database.read() as session:
        return csat.of_conversation(session, desk.talk(of.thread).id).get(desk.ticket(of.thread).id)


def test_the_mail_that_says_it_is_solved_has_five_links_in_text_and_html(desk: MailDesk, wang: Writer) -> None:
    assert len(set(links(wang))) == 5
    assert set(LINK.findall(wang.got[-1].body("html"))) == set(links(wang))
    assert "How did we do?" in wang.got[-1].body()
    assert all("/rate/" not in mail.everything for mail in wang.got[:-1])


def test_a_link_opens_a_page_with_its_score_chosen_and_changes_nothing(
    desk: MailDesk, browser: TestClient, wang: Writer
) -> None:
    for n, link in enumerate(links(wang), start=1):
        page = browser.get(link)
        assert page.status_code == 200
        assert re.findall(r'value="(\d)" required checked', page.text) == [str(n)]
    assert rating(desk, wang) is None
    assert desk.notes(wang.thread) == []


def test_a_rating_that_is_sent_is_kept_and_staff_see_it(desk: MailDesk, browser: TestClient, wang: Writer) -> None:
    done = browser.post(links(wang)[1], data={"score": "2", "comment": "Three days <script>"})
    assert (done.status_code, "Thank you" in done.text) == (200, True)
    found = rating(desk, wang)
    assert found is not None
    assert (found.score, found.comment) == (2, "Three days <script>")
    [note] = desk.notes(wang.thread)
    assert "2 of 5" in note
    desk.clock.advance(minutes=1)
    browser.post("/signin", data={"email": desk.member(Role.AGENT).email, "password": PASSWORD})
    page = browser.get(f"/inbox/{desk.talk(wang.thread).public_id}").text
    assert "Rated 2 of 5: bad" in page
    assert "Three days &lt;script&gt;" in page


def test_another_score_may_be_chosen_on_the_page_and_the_word_is_still_there_later(
    desk: MailDesk, browser: TestClient, wang: Writer
) -> None:
    browser.post(links(wang)[0], data={"score": "5", "comment": "slipped"})
    assert ">slipped</textarea>" in browser.get(links(wang)[0]).text
    found = rating(desk, wang)
    assert found is not None
    assert found.score == 5


def test_a_ticket_that_is_open_again_says_so_and_still_takes_it(
    desk: MailDesk, browser: TestClient, wang: Writer
) -> None:
    link = links(wang)[0]
    assert "open again" not in browser.get(link).text
    wang.reply("It is back, the same as before")
    assert "open again" in browser.get(link).text
    assert browser.post(link, data={"score": "1"}).status_code == 200
    assert rating(desk, wang) is not None


def test_after_a_week_the_page_says_that_it_stays(desk: MailDesk, browser: TestClient, wang: Writer) -> None:
    link = links(wang)[4]
    browser.post(link, data={"score": "5"})
    desk.clock.advance(days=8)
    page = browser.get(link)
    assert (page.status_code, "stays as it is" in page.text, "<textarea" in page.text) == (200, True, False)
    assert browser.post(link, data={"score": "1"}).status_code == 409
    found = rating(desk, wang)
    assert found is not None
    assert found.score == 5


def test_a_link_nobody_signed_or_signed_for_something_else_is_not_found(
    desk: MailDesk, browser: TestClient, wang: Writer
) -> None:
    good = links(wang)[0]
    other = re.findall(r"/mail/([\w.-]+)", wang.got[0].body("html"))
    foreign = RatingLinks("another secret", "").url(Vote(desk.ticket(wang.thread).public_id, 1))
    unknown = RatingLinks(desk.services.secret_key, "").url(Vote("0" * 32, 1))
    for link in (
        forged(good),
        "/rate/x",
        foreign,
        unknown,
        *(f"/rate/{t}" for t in other),
    ):
        assert browser.get(link).status_code == 404
        assert browser.post(link, data={"score": "1"}).status_code == 404
    assert rating(desk, wang) is None


@pytest.mark.parametrize("score", ["0", "6", "", "five"])
def test_what_is_no_score_is_refused(desk: MailDesk, browser: TestClient, wang: Writer, score: str) -> None:
    assert browser.post(links(wang)[0], data={"score": score}).status_code in (400, 422)
    assert rating(desk, wang) is None


def test_a_link_pressed_again_and_again_fills_no_conversation(
    desk: MailDesk, browser: TestClient, wang: Writer
) -> None:
    codes = [browser.post(links(wang)[n % 5], data={"score": str(n % 5 + 1)}).status_code for n in range(25)]
    assert codes[-1] == 429
    assert len(desk.notes(wang.thread)) == 20


def test_where_there_is_no_ticket_nothing_is_asked(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    desk.solve(wang.thread)
    assert "/rate/" not in wang.got[-1].everything


def test_a_customer_who_writes_chinese_gets_links_and_a_page(desk: MailDesk, browser: TestClient) -> None:
    wang = desk.customer("王芳")
    wang.write("我要找人工客服", "求助")
    desk.solve(wang.thread)
    assert wang.got[-1]["Content-Language"] == "zh"
    assert browser.get(links(wang)[0], headers=ZH).status_code == 200
