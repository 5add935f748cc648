"""The widget's API: sessions, messages stored before they are acknowledged, turns and events."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer

from tests.live import LiveDesk, eventually


def test_a_new_window_is_greeted_in_its_language(live: LiveDesk) -> None:
    chinese, english = live.chat("zh").opened, live.chat("en").opened
    assert chinese["lang"] == "zh"
    assert "智能助手" in chinese["greeting"]
    assert english["greeting"].startswith("Hello")
    assert [reply["action"] for reply in english["quick_replies"]] == ["human"]


def test_nothing_is_stored_before_the_customer_writes(live: LiveDesk) -> None:
    chat = live.chat()
    assert chat.client.get("/api/v1/chat/turns", headers=chat.bearer).json()["turns"] == []


def test_a_question_is_answered_with_its_source(live: LiveDesk) -> None:
    reply = live.chat("zh").ask("在酒店连接 VPN 报错 809 怎么办？")
    assert reply["author"] == "bot"
    assert "809" in reply["text"]
    assert [cited["title"] for cited in reply["citations"]] == ["在酒店连接 VPN 报错 809"]
    assert [button["action"] for button in reply["quick_replies"]] == ["helped", "not_helped"]


def test_the_same_message_five_times_at_once_is_one_message(live: LiveDesk) -> None:
    chat = live.chat()
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: chat.post("What does PRN-21 mean?", client_id="same"), range(5)))
    assert [answer.status_code for answer in answers] == [202] * 5
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False, True, True, True, True]
    assert len({answer.json()["message_id"] for answer in answers}) == 1
    eventually(lambda: [turn for turn in chat.turns() if turn["author"] == "bot"])
    assert [turn["client_id"] for turn in chat.turns() if turn["author"] == "customer"] == ["same"]


def test_the_same_id_in_two_windows_is_two_messages(live: LiveDesk) -> None:
    answers = [live.chat().post("hello", client_id="one").json() for _ in range(2)]
    assert [answer["duplicate"] for answer in answers] == [False, False]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\x00b printer", "ab printer"),
        ("\ud800 printer", "? printer"),
        ("\x07bell\x1b[31m printer", "\x07bell\x1b[31m printer"),
        ("  spaces  ", "  spaces  "),
        ("<script>alert(1)</script> printer", "<script>alert(1)</script> printer"),
        ("‮gnp.exe printer", "‮gnp.exe printer"),
    ],
)
def test_odd_characters_are_stored_as_valid_text(live: LiveDesk, text: str, kept: str) -> None:
    chat = live.chat()
    body = json.dumps({"client_id": "odd", "text": text}).encode()  # escapes: lone surrogates travel as \udxxx
    assert chat.client.post("/api/v1/chat/messages", content=body, headers=chat.bearer).status_code == 202
    said = eventually(chat.turns)
    assert [turn["text"] for turn in said if turn["author"] == "customer"] == [kept]


def test_a_hundred_kilobytes_are_kept_and_answered(live: LiveDesk) -> None:
    chat = live.chat()
    long = "The printer shows PRN-21. " * 4000
    reply = chat.ask(long)
    assert reply["author"] == "bot"
    assert len(chat.turns()[0]["text"]) == 100_000


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 422, "payload_not_understood"),
        (b"[]", 422, "payload_not_understood"),
        (b"null", 422, "payload_not_understood"),
        (b'{"text": "hi"}', 422, "payload_not_understood"),
        (b'{"client_id": "  ", "text": "hi"}', 422, "payload_not_understood"),
        (b'{"client_id": 7, "text": "hi"}', 422, "payload_not_understood"),
        (b'{"client_id": "a", "text": ["hi"]}', 422, "payload_not_understood"),
        (b'{"client_id": "a", "text": "hi", "action": "drop_table"}', 422, "payload_not_understood"),
        (b'{"client_id": "a", "text": "hi", "author": "staff"}', 422, "payload_not_understood"),
        (b'{"client_id": "' + b"a" * 65 + b'", "text": "hi"}', 422, "payload_not_understood"),
        (b"[" * 100_000, 422, "payload_not_understood"),
        (b'{"client_id": "a", "text": "' + b"x" * 120_001 + b'"}', 413, "message_too_long"),
        (b'{"client_id": "a", "text": "' + b"x" * 530_000 + b'"}', 413, "too_large"),
        (b"x" * 1_048_577, 413, "too_large"),
    ],
    ids=lambda value: repr(value[:50]) if isinstance(value, bytes) else str(value),
)
def test_bad_payloads_are_refused_in_the_readers_language(live: LiveDesk, body: bytes, status: int, code: str) -> None:
    chat = live.chat()
    headers = {**chat.bearer, "Accept-Language": "zh-CN"}
    answer = chat.client.post("/api/v1/chat/messages", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "请" in answer.json()["detail"] or "过大" in answer.json()["detail"] or "太大" in answer.json()["detail"]
    assert chat.turns() == []


def test_a_message_that_is_too_long_is_told_the_limit(live: LiveDesk) -> None:
    chat = live.chat()
    body = {"client_id": "a", "text": "x" * 130_000}
    answer = chat.client.post("/api/v1/chat/messages", json=body, headers=chat.bearer)
    assert answer.status_code == 413
    assert "120,000" in answer.json()["detail"]
    assert "again" not in answer.json()["detail"]


def test_a_body_that_does_not_say_its_length_is_cut_off(live: LiveDesk) -> None:
    chat = live.chat()
    answer = chat.client.post("/api/v1/chat/messages", content=(b"x" * 65536 for _ in range(32)), headers=chat.bearer)
    assert answer.status_code == 413
    assert "1 MB" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["turns", "events"])
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic abc", "Bearer " + "a" * 5000])
def test_without_a_signed_session_there_is_nothing_to_see(live: LiveDesk, path: str, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    answer = httpx.get(f"{live.url}/api/v1/chat/{path}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_session_signed_for_another_purpose_is_refused(live: LiveDesk) -> None:
    forged = URLSafeTimedSerializer(live.services.secret_key, salt="something-else").dumps({"t": "thread", "l": "en"})
    strange = URLSafeTimedSerializer(live.services.secret_key, salt="chat-session").dumps(["t", "l"])
    for token in (forged, strange):
        answer = httpx.get(f"{live.url}/api/v1/chat/turns", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


def test_another_customers_turns_are_out_of_reach(live: LiveDesk) -> None:
    theirs, mine = live.chat(), live.chat()
    theirs.ask("my secret is PRN-21")
    public_id = theirs.conversation_id()
    assert mine.turns() == []
    for address in (f"/api/v1/chat/turns?thread={theirs.opened['conversation']}", f"/api/v1/conversations/{public_id}"):
        answer = mine.client.get(address, headers=mine.bearer)
        assert "secret" not in answer.text


@pytest.mark.parametrize("after", ["-1", "1e3", "9" * 30, "abc", "' OR 1=1"])
def test_a_strange_place_to_go_on_from_is_refused(live: LiveDesk, after: str) -> None:
    chat = live.chat()
    answer = chat.client.get("/api/v1/chat/turns", params={"after": after}, headers=chat.bearer)
    assert answer.status_code == 422


def test_other_sites_may_call_the_chat_api_without_cookies(live: LiveDesk) -> None:
    asked = {
        "Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }  # fmt: skip
    preflight = httpx.options(f"{live.url}/api/v1/chat/messages", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    opened = httpx.post(f"{live.url}/api/v1/chat/sessions", json={}, headers={"Origin": "https://shop.example"})
    assert opened.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in opened.headers
    elsewhere = httpx.options(f"{live.url}/api/v1/search", headers=asked)
    assert "access-control-allow-origin" not in elsewhere.headers
