"""The web chat door: only what a signed window may say, in its own thread."""

from __future__ import annotations

import json

import pytest

from base.errors import InvalidInput
from channels.webchat import MAX_TEXT, THREAD_HEADER, WebchatAdapter


def parse(**fields: object) -> str:
    body = json.dumps({"client_id": "c", "text": "hi", **fields}).encode()
    return WebchatAdapter().parse(body, {THREAD_HEADER: "thread"})[0].thread_id


def test_the_thread_is_the_sessions_whatever_the_browser_says() -> None:
    assert parse() == "thread"
    for name in ("thread", "thread_id", "sender_id", "channel", "author", "message_id", "received_at"):
        with pytest.raises(InvalidInput):
            parse(**{name: "somebody else's"})


@pytest.mark.parametrize("action", ["", "human", "helped", "not_helped", "choose:abc"])
def test_the_buttons_the_assistant_offers_are_understood(action: str) -> None:
    parse(action=action)


@pytest.mark.parametrize("action", ["Human", "resolve", "choose", "drop table", "x" * 101, 7])
def test_no_other_button_exists(action: object) -> None:
    with pytest.raises(InvalidInput):
        parse(action=action)


@pytest.mark.parametrize("client_id", ["", "   ", "x" * 65, None, 7])
def test_a_message_needs_an_id_of_its_own_making(client_id: object) -> None:
    with pytest.raises(InvalidInput):
        parse(client_id=client_id)


def test_a_text_is_kept_up_to_its_limit() -> None:
    parse(text="x" * MAX_TEXT)
    with pytest.raises(InvalidInput):
        parse(text="x" * (MAX_TEXT + 1))
