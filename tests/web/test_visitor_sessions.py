"""What lies open in a visitor's browser: ids, no name, no address. Those are looked up, and an older session still works."""

from __future__ import annotations

import base64
import secrets
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from pydantic import SecretStr

from base.messages import Channel
from desk import customers, identities
from desk.models import Customer
from tests.live import Chat, LiveDesk, eventually
from web.visitor import Visitor, remember

SECRET = "a secret that only the site and the desk know, 32+ bytes"
QUESTION = "What does PRN-21 mean?"


@pytest.fixture(autouse=True)
def _trusts_the_site(live: LiveDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = live.services.settings.model_copy(update={"widget_secret": SecretStr(SECRET)})
    monkeypatch.setattr(live.app.state.running, "services", replace(live.services, settings=settings))


def opened(live: LiveDesk, subject: str, **claims: Any) -> Chat:
    given = {"sub": subject, "aud": "firstline", "exp": time.time() + 600, "name": "Fang Wang 王", **claims}
    token = jwt.encode(given, SECRET, algorithm="HS256")
    client = httpx.Client(base_url=live.url, timeout=30)
    answer = client.post("/api/v1/chat/sessions", json={"lang": "en", "user_token": token})
    assert answer.status_code == 201, answer.text
    return Chat(live, client, answer.json())


def readable(session: str) -> str:
    """What anybody can read in a signed session."""
    payload = session.rsplit(".", 2)[0]
    raw = base64.urlsafe_b64decode(payload.lstrip(".") + "=" * (-len(payload.lstrip(".")) % 4))
    return (zlib.decompress(raw) if payload.startswith(".") else raw).decode()


def customer_of(live: LiveDesk, subject: str) -> Customer | None:
    with live.services.database.read() as session:
        return customers.find(session, Channel.WEBCHAT, f"user:{subject}")


def addresses(live: LiveDesk, customer: Customer | None) -> list[str]:
    assert customer is not None
    with live.services.database.read() as session:
        known = identities.of_customer(session, customer.id)
        return [one.external_id for one in known if one.channel == Channel.EMAIL and one.verified]


def test_a_session_holds_an_id_and_neither_name_nor_address(live: LiveDesk) -> None:
    subject, address = secrets.token_hex(8), f"{secrets.token_hex(8)}@customers.example"
    chat = opened(live, subject, email=address, email_verified=True)
    said = readable(chat.opened["session"])
    assert subject in said
    assert not [word for word in ("Wang", "王", "\\u738b", address, "customers.example") if word in said]
    assert chat.opened["name"] == "Fang Wang 王"  # to who has just said so
    chat.ask(QUESTION)
    customer = customer_of(live, subject)
    assert customer is not None
    assert (customer.name, addresses(live, customer)) == ("Fang Wang 王", [address])


def test_an_address_that_the_site_has_not_verified_is_kept_nowhere(live: LiveDesk) -> None:
    subject = secrets.token_hex(8)
    opened(live, subject, email="boss@customers.example")
    assert addresses(live, customer_of(live, subject)) == []


def test_a_session_from_before_still_speaks_for_whom_it_was_made(live: LiveDesk) -> None:
    subject, address = secrets.token_hex(8), f"{secrets.token_hex(8)}@customers.example"
    before = {"t": secrets.token_urlsafe(18), "l": "en", "u": [f"user:{subject}", "Li", address]}
    session = live.app.state.running.chat_tokens.dumps(before)
    client = httpx.Client(base_url=live.url, timeout=30)
    chat = Chat(live, client, {"session": session, "conversation": before["t"]})
    chat.ask(QUESTION)
    customer = eventually(lambda: customer_of(live, subject))
    assert customer is not None
    assert (customer.name, addresses(live, customer)) == ("Li", [address])
    assert opened(live, subject).ask(QUESTION)["author"] == "bot"
    assert customer_of(live, subject) == customer


def test_a_name_is_learned_later_and_one_that_is_known_stays(live: LiveDesk) -> None:
    subject = secrets.token_hex(8)
    for name, known in (("", ""), ("Fang", "Fang"), ("Somebody Else", "Fang")):
        opened(live, subject, name=name)
        customer = customer_of(live, subject)
        assert customer is not None
        assert customer.name == known


def test_windows_that_are_opened_at_once_are_of_one_customer(live: LiveDesk) -> None:
    subject = secrets.token_hex(8)
    with ThreadPoolExecutor(8) as pool:
        chats = list(pool.map(lambda _: opened(live, subject), range(8)))
    assert len({chat.opened["conversation"] for chat in chats}) == 8
    assert customer_of(live, subject) is not None


def test_who_was_remembered_twice_at_the_same_moment_is_known_once(
    live: LiveDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = secrets.token_hex(8)
    visitor, find = Visitor(f"user:{subject}", "Fang"), customers.find
    remember(live.services, visitor, "en")
    missed = iter([True])  # the other window's row is not visible yet
    monkeypatch.setattr(customers, "find", lambda *given: None if next(missed, False) else find(*given))
    remember(live.services, visitor, "en")
    assert next(missed, "used up") == "used up"
