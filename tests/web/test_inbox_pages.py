"""The staff's inbox: the list and its views, a conversation with everything beside it, and each button."""

from __future__ import annotations

import re

import httpx
import pytest

from desk.models import Role
from tests.live import Chat, LiveDesk, eventually


@pytest.fixture
def chat(live: LiveDesk) -> Chat:
    """A customer who waits for a person."""
    chat = live.chat()
    chat.ask("The printer on floor 4 shows PRN-21")
    chat.ask("I want to talk to a person")
    return chat


@pytest.fixture
def agent(live: LiveDesk) -> httpx.Client:
    return live.browser(Role.AGENT)


@pytest.fixture
def htmx(live: LiveDesk) -> httpx.Client:
    """The agent's page talking to the server."""
    return live.browser(Role.AGENT, **{"HX-Request": "true", "HX-Current-URL": f"{live.url}/inbox?view=all"})


def test_who_waits_for_a_person_is_unassigned(agent: httpx.Client, chat: Chat) -> None:
    html = agent.get("/inbox?view=unassigned").text
    assert f'id="row-{chat.conversation_id()}"' in html
    assert "I want to talk to a person" in agent.get(f"/inbox/{chat.conversation_id()}").text


def test_a_conversation_shows_suggestion_customer_ticket_and_deadlines(agent: httpx.Client, chat: Chat) -> None:
    html = agent.get(f"/inbox/{chat.conversation_id()}").text
    for words in ("Suggested answer", "Customer since", "First response", "How this was computed", "confidence"):
        assert words in html
    assert re.search(r"FL-\d+", html)
    assert 'data-controller="sla"' in html


def test_opening_a_conversation_marks_it_as_read(agent: httpx.Client, htmx: httpx.Client, chat: Chat) -> None:
    row = re.compile(rf'<li id="row-{chat.conversation_id()}">.*?</li>', re.S)
    before = row.search(agent.get("/inbox?view=all").text)
    assert before is not None
    assert "Unread messages" in before.group()
    opened = htmx.get(f"/inbox/{chat.conversation_id()}?view=all").text
    after = row.search(opened)
    assert after is not None
    assert "Unread messages" not in after.group()


def test_a_page_of_its_own_and_a_piece_for_the_open_page(agent: httpx.Client, htmx: httpx.Client, chat: Chat) -> None:
    address = f"/inbox/{chat.conversation_id()}"
    assert agent.get(address).text.startswith("<!doctype html>")
    piece = htmx.get(address).text
    assert "<!doctype" not in piece
    assert 'id="conversation"' in piece


def test_a_search_finds_by_words_of_the_conversation(agent: httpx.Client, chat: Chat) -> None:
    assert f'id="row-{chat.conversation_id()}"' in agent.get("/inbox/list?view=all&q=floor 4").text
    assert "Nothing matches this search." in agent.get("/inbox/list?view=all&q=no such words").text


def test_what_is_typed_into_the_search_stays_text(agent: httpx.Client) -> None:
    html = agent.get('/inbox?q="><script>alert(1)</script>').text
    assert "<script>alert(1)" not in html
    assert "%_!'" not in agent.get("/inbox/list?q=%25_!'").text.replace("&#39;", "'").split("<ul")[0]


def test_a_reply_without_scripts_leads_back_to_the_conversation(agent: httpx.Client, chat: Chat) -> None:
    address = f"/inbox/{chat.conversation_id()}"
    answer = agent.post(f"{address}/reply", data={"text": "We are on it."})
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert chat.turns()[-1]["text"] == "We are on it."


def test_a_reply_of_the_open_page_gives_the_new_turn(htmx: httpx.Client, chat: Chat) -> None:
    answer = htmx.post(f"/inbox/{chat.conversation_id()}/reply", data={"text": "We are <b>on</b> it."})
    assert answer.status_code == 200
    assert "m-staff" in answer.text
    assert "<b>on</b>" not in answer.text


def test_an_empty_reply_says_what_to_do(htmx: httpx.Client, chat: Chat) -> None:
    answer = htmx.post(f"/inbox/{chat.conversation_id()}/reply", data={"text": "  "})
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "There is nothing to send yet. Write your reply first.",
    )


def test_a_kind_of_message_that_does_not_exist_is_refused(htmx: httpx.Client, chat: Chat) -> None:
    answer = htmx.post(f"/inbox/{chat.conversation_id()}/reply", data={"text": "hi", "kind": "system"})
    assert answer.status_code == 422


def test_taking_over_keeps_the_list_one_was_looking_at(htmx: httpx.Client, chat: Chat) -> None:
    html = htmx.post(f"/inbox/{chat.conversation_id()}/assign", data={"staff": "me"}).text
    assert "assigned to you" in html
    assert re.search(r'class="chip on" href="/inbox\?view=all"', html)
    assert "view=all" in html.split("hx-sse:connect", 1)[1].split(">")[0]
    eventually(lambda: [turn for turn in chat.turns() if "Mei Chen has joined" in turn["text"]])


def test_a_conversation_is_given_to_a_colleague_and_back_to_the_assistant(
    live: LiveDesk, htmx: httpx.Client, chat: Chat
) -> None:
    address = f"/inbox/{chat.conversation_id()}"
    html = htmx.get(address).text
    found = re.search(r'name="staff" value="(\w+)"><button type="submit">.{0,200}?Jonas Weber', html, re.S)
    assert found is not None
    given = htmx.post(f"{address}/assign", data={"staff": found.group(1)}).text
    assert "with Jonas Weber" in given
    assert "assigned to you" in live.browser(Role.EDITOR).get(address).text
    released = htmx.post(f"{address}/release").text
    assert "The assistant is back" in released


def test_urgency_is_changed_with_a_reason_that_colleagues_see(htmx: httpx.Client, chat: Chat) -> None:
    address = f"/inbox/{chat.conversation_id()}"
    html = htmx.post(f"{address}/urgency", data={"urgency": "urgent", "reason": "the whole floor"}).text
    assert "Mei Chen: the whole floor" in html
    assert "u-urgent" in html
    assert "How the urgency changed" in html
    assert "by a person" in html
    assert htmx.post(f"{address}/urgency", data={"urgency": "urgent", "reason": ""}).status_code == 422
    assert htmx.post(f"{address}/urgency", data={"urgency": "mild", "reason": "x"}).status_code == 422


def test_solving_tells_the_customer_and_leaves_nobodys_list_full(htmx: httpx.Client, chat: Chat) -> None:
    address = f"/inbox/{chat.conversation_id()}"
    htmx.post(f"{address}/assign", data={"staff": "me"})
    html = htmx.post(f"{address}/resolve", data={"root_cause": "tray", "solution": "paper"}).text
    assert "Solved" in html
    assert "This is marked as solved" in chat.turns()[-1]["text"]
    assert chat.conversation_id() not in htmx.get("/inbox/list?view=mine").text


def test_a_customer_who_comes_back_opens_the_matter_again(htmx: httpx.Client, chat: Chat) -> None:
    htmx.post(f"/inbox/{chat.conversation_id()}/resolve", data={})
    chat.ask("I want to talk to a person")
    assert f'id="row-{chat.conversation_id()}"' in htmx.get("/inbox/list?view=unassigned").text


def test_nothing_is_offered_for_a_conversation_that_does_not_exist(agent: httpx.Client) -> None:
    for act in ("reply", "assign", "release", "resolve"):
        assert agent.post(f"/inbox/{'0' * 24}/{act}", data={"text": "x"}).status_code == 404
