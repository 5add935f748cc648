"""Both stories on PostgreSQL: the same code, the same answers, with pgvector for the vectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.models import Role
from tests import articles
from tests.live import LOOPBACK, LiveDesk, add_people, eventually, live_settings, running
from web.wiring import build

pytestmark = [pytest.mark.postgres, pytest.mark.allow_hosts(LOOPBACK)]


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path, model_cache: Path) -> Iterator[LiveDesk]:
    """A running Firstline whose database is a PostgreSQL server."""
    (tmp_path / "pg").mkdir()
    settings = live_settings(tmp_path / "pg", model_cache, database_url=postgres_url, vector_index="pgvector")
    services = build(settings, owner=True)
    articles.load(services, tmp_path / "articles")
    add_people(services)
    with running(services) as desk:
        yield desk


def test_question_answer_ticket_person_and_document(on_postgres: LiveDesk) -> None:
    chat = on_postgres.chat("zh")
    reply = chat.ask("在酒店连接 VPN 报错 809 怎么办？")
    assert reply["citations"][0]["title"] == "在酒店连接 VPN 报错 809"

    ticket = chat.ask("转人工", action="human")["ticket"]
    page = on_postgres.browser().get("/status/" + ticket["url"].rpartition("/")[2])
    assert ticket["name"] in page.text

    agent = on_postgres.browser(Role.AGENT)
    with chat.events(str(chat.last_event_id())) as events:
        assert next(events).name == "ready"
        agent.post(f"/inbox/{chat.conversation_id()}/reply", data={"text": "您好，我是梅。"})
        told = next(event for event in events if event.name == "turn" and event.json["author"] == "staff")
    assert told.json["text"] == "您好，我是梅。"

    editor = on_postgres.browser(Role.EDITOR)
    document = ("files", ("bike.md", b"# Bicycle leasing BIKE-77\n\nThe leasing BIKE-77 costs CNY 88 per month.\n"))
    assert "1 added or updated" in editor.post("/knowledge/upload", files=[document]).text
    assert "CNY 88" in on_postgres.chat().ask("How much is the bicycle leasing BIKE-77 per month?")["text"]


def test_a_text_no_column_can_hold_is_refused_politely(on_postgres: LiveDesk) -> None:
    answer = on_postgres.browser(Role.AGENT).get("/inbox/list?view=all&q=%00")
    assert answer.status_code in (200, 400)
    assert on_postgres.browser().get("/articles/%00").status_code in (400, 404)
    chat = on_postgres.chat()
    chat.post("a\x00b printer")
    assert eventually(chat.turns)[0]["text"] == "ab printer"
