"""The REST API for programs: search, articles, and everything staff can do in a conversation."""

from __future__ import annotations

import httpx
import pytest

from desk.models import Role
from tests.live import Chat, LiveDesk


@pytest.fixture
def agent(live: LiveDesk) -> httpx.Client:
    return live.browser(Role.AGENT, Accept="application/json")


@pytest.fixture
def chat(live: LiveDesk) -> Chat:
    chat = live.chat()
    chat.ask("I want to talk to a person")
    return chat


def test_search_gives_passages_best_first(agent: httpx.Client) -> None:
    hits = agent.post("/api/v1/search", json={"text": "PRN-21", "top_k": 3}).json()["hits"]
    assert hits[0]["source"] == "en/printer.md"
    assert hits[0].keys() == {"article_id", "source", "title", "section", "lang", "score", "quote"}
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


def test_what_only_staff_may_read_is_searched_when_asked_for(agent: httpx.Client) -> None:
    question = {"text": "break-glass account of the VPN gateway"}
    public = agent.post("/api/v1/search", json=question).json()["hits"]
    internal = agent.post("/api/v1/search", json={**question, "internal": True}).json()["hits"]
    assert not [hit for hit in public if "HSGATE" in hit["quote"]]
    assert [hit for hit in internal if "HSGATE-7741" in hit["quote"]]


def test_articles_come_in_pages(agent: httpx.Client) -> None:
    first = agent.get("/api/v1/articles", params={"limit": 2}).json()
    second = agent.get("/api/v1/articles", params={"limit": 2, "offset": 2}).json()
    assert len(first["articles"]) == 2
    assert first["total"] == second["total"] >= 6
    assert not {one["id"] for one in first["articles"]} & {one["id"] for one in second["articles"]}


def test_a_conversation_shows_turns_notes_and_its_ticket(agent: httpx.Client, chat: Chat) -> None:
    address = f"/api/v1/conversations/{chat.conversation_id()}"
    agent.post(f"{address}/replies", json={"text": "look at tray 2", "kind": "note"})
    shown = agent.get(address).json()
    assert [turn["author"] for turn in shown["turns"]] == ["customer", "bot", "note"]
    assert shown["ticket"]["name"].startswith("FL-")
    assert shown["ticket"]["first_response_due"]
    assert shown["id"] in {one["id"] for one in agent.get("/api/v1/conversations").json()}


def test_a_reply_reaches_the_customer_and_takes_over(agent: httpx.Client, chat: Chat) -> None:
    address = f"/api/v1/conversations/{chat.conversation_id()}"
    answer = agent.post(f"{address}/replies", json={"text": "Hello from **Mei**"})
    assert (answer.status_code, answer.json()["state"]) == (201, "staff")
    assert [turn["author"] for turn in chat.turns()[-2:]] == ["system", "staff"]
    assert chat.turns()[-1]["author_name"] == "Mei Chen"


def test_a_conversation_goes_through_all_hands(live: LiveDesk, agent: httpx.Client, chat: Chat) -> None:
    address = f"/api/v1/conversations/{chat.conversation_id()}"
    assert agent.post(f"{address}/assign", json={}).json()["state"] == "staff"
    raised = agent.post(f"{address}/urgency", json={"urgency": "urgent", "reason": "the whole floor"}).json()
    assert raised["ticket"]["urgency"] == "urgent"
    solved = agent.post(f"{address}/resolve", json={"root_cause": "tray", "solution": "paper"}).json()
    assert (solved["state"], solved["ticket"]["state"]) == ("bot", "resolved")
    mine = agent.get("/api/v1/conversations", params={"view": "mine"}).json()
    assert solved["id"] not in {one["id"] for one in mine}
    status_page = live.browser().get(solved["ticket"]["status_url"].replace("http://127.0.0.1:8000", ""))
    assert "Solved" in status_page.text


def test_an_empty_reply_is_refused(agent: httpx.Client, chat: Chat) -> None:
    address = f"/api/v1/conversations/{chat.conversation_id()}/replies"
    assert agent.post(address, json={"text": "   "}).status_code == 422
    assert agent.post(address, json={"text": "\u200b"}).json()["code"] == "empty_reply"


def test_an_unknown_colleague_is_not_found(agent: httpx.Client, chat: Chat) -> None:
    answer = agent.post(f"/api/v1/conversations/{chat.conversation_id()}/assign", json={"staff": "nobody"})
    assert answer.status_code == 404


def test_a_search_for_nothing_is_refused(agent: httpx.Client) -> None:
    assert agent.post("/api/v1/search", json={"text": " "}).status_code == 422
    assert agent.post("/api/v1/search", json={"text": "x", "top_k": 1000}).status_code == 422
