"""Hostile texts on every way into a page: chat, staff replies, notes, articles, file names, search boxes."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx
import pytest

from desk.models import Role
from tests.live import LiveDesk, eventually
from tests.web.test_markdown import ATTACKS


class _Dangers(HTMLParser):
    """Collects markup that none of our pages has of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("iframe", "style", "img", "object", "embed", "math", "base") or (
            tag == "script" and "src" not in given
        ):
            self.found.append(tag)
        self.found += [name for name in given if name.startswith("on") or name == "style"]
        addresses = [given.get(name, "") for name in ("href", "src", "action", "formaction")]
        self.found += [
            address for address in addresses if re.match(r"\s*(javascript|data|vbscript):|https?://evil", address, re.I)
        ]


def assert_dead(html: str) -> None:
    """None of the attacks is markup: what is left of them is escaped text."""
    reader = _Dangers()
    reader.feed(html)
    assert reader.found == []


@pytest.fixture(scope="module")
def attacked(live: LiveDesk) -> str:
    """A conversation whose every text is an attack; its id."""
    chat = live.chat()
    for attack in ATTACKS:
        assert chat.post(attack).status_code == 202
    chat.ask("I want to talk to a person <img src=x onerror=alert(1)>")
    eventually(lambda: len([turn for turn in chat.turns() if turn["author"] == "customer"]) == len(ATTACKS) + 1)
    chat.post("I want to talk to a person", action="human")
    eventually(lambda: any(turn["ticket"] for turn in chat.turns()))
    agent = live.browser(Role.AGENT)
    for kind in ("note", "reply"):
        for attack in ATTACKS:
            agent.post(f"/inbox/{chat.conversation_id()}/reply", data={"text": attack, "kind": kind})
    agent.post(f"/inbox/{chat.conversation_id()}/urgency", data={"urgency": "high", "reason": ATTACKS[1]})
    return chat.conversation_id()


@pytest.mark.parametrize("path", ["/inbox?view=all", "/inbox/list?view=all", "/inbox/{}"])
def test_staff_pages_show_attacks_as_text(live: LiveDesk, attacked: str, path: str) -> None:
    html = live.browser(Role.AGENT).get(path.format(attacked)).text
    assert_dead(html)
    assert "&lt;script&gt;alert(1)" in html or path != "/inbox/{}"


def test_the_status_page_shows_the_title_as_text(live: LiveDesk, attacked: str) -> None:
    api = live.browser(Role.AGENT, Accept="application/json").get(f"/api/v1/conversations/{attacked}").json()
    page = "/status/" + api["ticket"]["status_url"].rpartition("/")[2]
    assert_dead(live.browser().get(page).text)


def test_the_api_sends_texts_as_they_are_for_the_widget_to_show_as_text(live: LiveDesk, attacked: str) -> None:
    answer = live.browser(Role.AGENT, Accept="application/json").get(f"/api/v1/conversations/{attacked}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>alert(1)</script>" in {turn["text"] for turn in answer.json()["turns"]}


@pytest.fixture(scope="module")
def hostile(live: LiveDesk) -> httpx.Response:
    body = "# <img src=x onerror=alert(1)>\n\n" + "\n\n".join(ATTACKS)
    name = "<img src=x onerror=alert(1)>.md"
    editor = live.browser(Role.EDITOR)
    form = {"collection": "<script>alert(1)</script>"}
    return editor.post("/knowledge/upload", files={"files": (name, body.encode())}, data=form)


def test_a_hostile_document_is_shown_as_text_everywhere(live: LiveDesk, hostile: httpx.Response) -> None:
    editor = live.browser(Role.EDITOR)
    assert_dead(hostile.text)
    assert "1 added or updated" in hostile.text
    listed = editor.get("/knowledge").text
    assert_dead(listed)
    public_id = hostile.text.split('<a href="/knowledge/')[-1].split('"')[0]
    assert_dead(editor.get(f"/knowledge/{public_id}").text)
    assert_dead(live.browser().get(f"/articles/{public_id}").text)
