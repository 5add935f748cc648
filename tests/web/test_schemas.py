"""What the API takes: only what it names. A field a client adds never reaches a column."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from desk.models import Role
from tests.live import LiveDesk
from web import schemas
from web.schemas import Body

BODIES = [
    kind for _, kind in inspect.getmembers(schemas, inspect.isclass) if issubclass(kind, Body) and kind is not Body
]
MEANT: dict[str, dict[str, Any]] = {
    "NewChatSession": {}, "SearchQuery": {"text": "VPN"}, "ReplyBody": {"text": "hi"}, "AssignBody": {}, "ResolveBody": {},
    "UrgencyBody": {"urgency": "low", "reason": "alone"}, "MailCode": {"code": "123456"},
    "MailWish": {"address": "wang@customers.example"},
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda kind: kind.__name__)
def test_a_body_takes_what_it_names_and_nothing_else(body: type[Body]) -> None:
    meant = MEANT[body.__name__]
    body.model_validate(meant)
    for added in ("id", "author", "staff_id", "role", "state", "ticket_id", "public_id", "__class__"):
        with pytest.raises(ValueError, match="Extra inputs are not permitted"):
            body.model_validate({**meant, added: "admin"})


@pytest.mark.parametrize("body", BODIES, ids=lambda kind: kind.__name__)
def test_every_text_has_an_upper_bound(body: type[Body]) -> None:
    for name, field in body.model_json_schema()["properties"].items():
        if field.get("type") == "string":
            assert "maxLength" in field or "enum" in field, (body.__name__, name)


def test_every_body_the_api_describes_is_closed(live: LiveDesk) -> None:
    described = live.browser().get("/api/v1/openapi.json").json()
    closed = {name: schema.get("additionalProperties") for name, schema in described["components"]["schemas"].items()}
    assert {kind.__name__ for kind in BODIES} <= closed.keys()
    assert [kind.__name__ for kind in BODIES if closed[kind.__name__] is not False] == []


def test_a_field_that_does_not_exist_is_refused_and_nothing_is_done(live: LiveDesk) -> None:
    chat = live.chat()
    chat.ask("I want to talk to a person")
    agent = live.browser(Role.AGENT, Accept="application/json")
    address = f"/api/v1/conversations/{chat.conversation_id()}"
    answer = agent.post(f"{address}/replies", json={"text": "hi", "author": "customer"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "author")
    assert agent.post(f"{address}/urgency", json={"urgency": "none", "reason": "x"}).status_code == 422
    assert [turn["author"] for turn in agent.get(address).json()["turns"]] == ["customer", "bot"]


def test_problems_are_described_for_every_documented_address(live: LiveDesk) -> None:
    described = live.browser().get("/api/v1/openapi.json").json()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert "4XX" in operation["responses"], path
            assert operation.get("summary"), path
