"""What customers open: the page with the widget, an article behind a citation, a ticket's status; and for operators, health."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from html import escape

import httpx
import pytest
from pydantic import SecretStr

from desk.models import Role
from tests.live import LiveDesk
from web.demo_questions import DEMO_QUESTIONS


def status_path(reply: dict[str, dict[str, str]]) -> str:
    return "/status/" + reply["ticket"]["url"].rpartition("/")[2]


def test_the_start_page_leads_to_the_demo(live: LiveDesk) -> None:
    assert live.browser().get("/").headers["location"] == "/demo"


@pytest.mark.parametrize(("lang", "question"), [("en", "Start a chat"), ("zh", "开始")])
def test_the_demo_page_carries_the_widget_in_its_language(live: LiveDesk, lang: str, question: str) -> None:
    html = live.browser(**{"Accept-Language": lang}).get("/demo").text
    assert f'<script src="/widget.js" data-lang="{lang}" defer></script>' in html
    assert question in html


def test_the_made_up_company_appears_only_where_its_articles_are(
    live: LiveDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = live.browser(**{"Accept-Language": "en"}).get("/demo").text
    assert "haisong.example" not in own
    assert DEMO_QUESTIONS["en"][0][1] not in own
    assert f"{live.services.settings.base_url}/widget.js" in own
    monkeypatch.setattr("web.routes.public.is_loaded", lambda services: True)
    made_up = live.browser(**{"Accept-Language": "en"}).get("/demo").text
    assert "haisong.example" in made_up
    assert DEMO_QUESTIONS["en"][0][1] in made_up


def test_a_citation_opens_its_article(live: LiveDesk) -> None:
    reply = live.chat().ask("What does the printer code PRN-21 mean?")
    address = reply["citations"][0]["url"].replace(live.services.settings.base_url, "")
    html = live.browser().get(address).text
    assert "tray 2 is empty" in html
    assert "Printer shows PRN-21" in html


def test_a_ticket_without_an_account_shows_promises_and_progress(live: LiveDesk) -> None:
    reply = live.chat().ask("I want to talk to a person")
    html = live.browser().get(status_path(reply)).text
    for words in (reply["ticket"]["name"], "What happens next", "First response", "Received", "How this was computed"):
        assert words in html
    assert reply["ticket"]["promise"] in html


def test_the_status_page_shows_no_conversation(live: LiveDesk) -> None:
    chat = live.chat()
    chat.ask("What does PRN-21 mean?")
    reply = chat.ask("I want to talk to a person")
    chat.ask("my phone is 13812345678")
    assert "13812345678" not in live.browser().get(status_path(reply)).text


def test_progress_follows_what_staff_do(live: LiveDesk) -> None:
    chat = live.chat()
    page = status_path(chat.ask("I want to talk to a person"))
    browser, agent = live.browser(), live.browser(Role.AGENT)

    def steps() -> list[str]:
        return re.findall(r'<li class="is-(\w+)"', browser.get(page).text)

    def current() -> str:
        return re.findall(r'<li class="is-current" aria-current="step"><b>([^<]*)', browser.get(page).text)[0]

    assert steps() == ["done", "current", "todo", "todo"]
    assert current() == "Waiting for a colleague to take it"
    agent.post(f"/inbox/{chat.conversation_id()}/assign")
    assert current() == "A colleague has it and will reply"
    agent.post(f"/inbox/{chat.conversation_id()}/reply", data={"text": "We are on it."})
    assert steps() == ["done", "done", "done", "current"]
    assert current() == "A colleague is working on it"
    agent.post(f"/inbox/{chat.conversation_id()}/resolve", data={})
    assert steps() == ["done"] * 4
    assert "the ticket opens again" in browser.get(page).text


def test_the_status_page_speaks_the_readers_language(live: LiveDesk) -> None:
    page = status_path(live.chat("zh").ask("我要转人工"))
    html = live.browser(**{"Accept-Language": "zh"}).get(page).text
    assert '<html lang="zh-CN"' in html
    assert re.search(r"\d+月\d+日 周. \d\d:\d\d", html)


@pytest.mark.parametrize(("lang", "said"), [("en", "Ask already"), ("zh", "现在就可以提问")])
def test_while_the_demo_is_set_up_its_page_and_health_say_so(
    live: LiveDesk, monkeypatch: pytest.MonkeyPatch, lang: str, said: str
) -> None:
    def page() -> str:
        return live.browser(**{"Accept-Language": lang}).get("/demo").text

    assert said not in page()
    monkeypatch.setattr(live.app.state.running, "opens", threading.Event())
    html = page()
    assert said in html
    assert escape(DEMO_QUESTIONS[lang][0][1]) in html  # it will be answered
    assert httpx.get(f"{live.url}/healthz").json()["setting_up"] is True


def test_health_says_that_it_serves_and_what_searches(live: LiveDesk) -> None:
    answer = httpx.get(f"{live.url}/healthz")
    assert answer.json()["status"] == "ok"
    assert answer.json()["index"]["index"]
    assert answer.json()["setting_up"] is False


def test_figures_are_for_whoever_bears_the_token(live: LiveDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(authorization: str) -> int:
        return httpx.get(f"{live.url}/metrics", headers={"Authorization": authorization}).status_code

    assert status("Bearer x") == 303  # to the sign-in page
    with_token = live.services.settings.model_copy(update={"metrics_token": SecretStr("s3cret")})
    monkeypatch.setattr("web.deps.services", lambda request: replace(live.services, settings=with_token))
    assert status("Bearer s3cret") == 200
    assert [status(wrong) for wrong in ("Bearer", "Bearer s3cre", "Basic s3cret", "")] == [303] * 4


def test_figures_are_for_administrators(live: LiveDesk) -> None:
    text = live.browser(Role.ADMIN).get("/metrics").text
    assert "firstline" in text or "turn_seconds" in text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_customers_and_staff_read_the_same_minute_for_a_deadline(live: LiveDesk, lang: str) -> None:
    chat = live.chat(lang)
    reply = chat.ask(
        "Nobody can log in to the ERP, all of finance is down" if lang == "en" else "ERP 全公司都登不上，生产停了"
    )
    promised = re.findall(r"\d\d:\d\d", reply["ticket"]["promise"])[0]
    page = live.browser(**{"Accept-Language": lang}).get(status_path(reply)).text
    when = re.findall(r'<p class="when"><time[^>]*>([^<]+)</time>', page)[0]
    due = re.findall(r"<li>(?:Due|截止|到期)[^<]*</li>", page)[0]
    console = live.browser(Role.AGENT, **{"Accept-Language": lang}).get(f"/inbox/{chat.conversation_id()}").text
    clocks = set(re.findall(r'class="sla" [^>]*title="[^"]*(\d\d:\d\d)"', console))
    assert promised in when
    assert promised in due
    assert promised in clocks
    assert promised in reply["text"]
