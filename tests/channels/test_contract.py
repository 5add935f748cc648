"""What every door must do, tried on each with payloads of its own: the folder `payloads/<channel>/`.

A new channel is one line in the registry, one folder of recorded payloads, and one entry in PROOF below.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from base.errors import AppError, Forbidden, InvalidInput
from base.messages import Channel, DeliveryState, Inbound, Outbound
from channels.adapter import ChannelAdapter
from channels.payload import MAX_BYTES
from channels.registry import ADAPTERS
from channels.webchat import THREAD_HEADER
from tests.live import LOOPBACK

PAYLOADS = Path(__file__).parent / "payloads"
# What a genuine payload of a channel comes with; None where the door is not open to strangers.
PROOF: dict[Channel, dict[str, str] | None] = {Channel.CONSOLE: None, Channel.WEBCHAT: {THREAD_HEADER: "thread-1"}}
RECORDED = sorted(PAYLOADS.glob("*/*.json"))
every_channel = pytest.mark.parametrize("channel", sorted(ADAPTERS))


def proof(channel: Channel) -> dict[str, str]:
    return PROOF[channel] or {}


def door(channel: str) -> ChannelAdapter:
    return ADAPTERS[Channel(channel)]()


def genuine(channel: Channel) -> tuple[bytes, dict[str, str]]:
    recorded = json.loads((PAYLOADS / channel / "question.json").read_text())
    return json.dumps(recorded["payload"]).encode(), recorded["headers"]


def comparable(messages: list[Inbound]) -> list[dict[str, Any]]:
    return [{name: value for name, value in asdict(one).items() if name != "received_at"} for one in messages]


def test_every_channel_has_its_payloads_and_its_proof() -> None:
    assert {path.name for path in PAYLOADS.iterdir()} == {str(channel) for channel in ADAPTERS}
    assert PROOF.keys() == ADAPTERS.keys()


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_payload_becomes_what_was_meant(path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    found = door(path.parent.name).parse(json.dumps(recorded["payload"]).encode(), recorded["headers"])
    assert len(found) == len(recorded["expected"])
    for message, expected in zip(found, recorded["expected"], strict=True):
        assert {name: getattr(message, name) for name in expected} == expected
        assert message.channel == path.parent.name


@every_channel
def test_a_second_delivery_is_recognised(channel: Channel) -> None:
    payload, headers = genuine(channel)
    first, second = (door(channel).parse(payload, headers) for _ in range(2))
    assert comparable(first) == comparable(second)
    assert all(message.message_id and message.thread_id and message.sender_id for message in first)


@every_channel
def test_messages_are_understood_in_whatever_order_they_come(channel: Channel) -> None:
    paths = sorted((PAYLOADS / channel).glob("*.json"))
    one_door = door(channel)

    def parse(path: Path) -> list[dict[str, Any]]:
        recorded = json.loads(path.read_text())
        return comparable(one_door.parse(json.dumps(recorded["payload"]).encode(), recorded["headers"]))

    assert [parse(path) for path in paths] == [parse(path) for path in reversed(paths)][::-1]


@every_channel
def test_moments_are_utc_and_aware(channel: Channel) -> None:
    payload, headers = genuine(channel)
    assert all(message.received_at.tzinfo is UTC for message in door(channel).parse(payload, headers))


@every_channel
def test_every_text_can_be_stored_and_sent_on(channel: Channel) -> None:
    payload = json.dumps({"client_id": "c", "text": "\x00\ud800\udfff ok"}).encode()
    if channel is Channel.CONSOLE:
        payload = payload.replace(b'"client_id"', b'"id"')
    for message in door(channel).parse(payload, proof(channel)):
        assert "\x00" not in message.text
        json.dumps(asdict(message), default=str, ensure_ascii=False).encode()


BROKEN: list[bytes] = [
    b"", b"{", b"null", b"[]", b'"text"', b"1", b"\xff\xfe\x00", b'{"text": 7}', b'{"text": ["a"]}', b'{"text": null}',
    b'{"text": "a", "id": {}, "client_id": {}}', b"[" * 50_000, b'{"a":' * 50_000, b'{"text": ' + b"9" * 5000 + b"}",
]  # fmt: skip


@every_channel
@pytest.mark.parametrize("payload", BROKEN, ids=lambda payload: repr(payload[:20]))
def test_what_is_no_message_is_refused_by_name(channel: Channel, payload: bytes) -> None:
    with pytest.raises(InvalidInput):
        door(channel).parse(payload, proof(channel))


@every_channel
def test_an_oversized_payload_is_refused_before_it_is_read(channel: Channel) -> None:
    with pytest.raises(AppError) as caught:
        door(channel).parse(b"{" + b" " * (4 * MAX_BYTES) + b"}", proof(channel))
    assert caught.value.status == 413
    assert caught.value.fields["limit"]


@pytest.mark.parametrize("channel", [channel for channel, given in PROOF.items() if given is not None])
def test_a_payload_without_proof_is_refused(channel: Channel) -> None:
    payload, _ = genuine(channel)
    with pytest.raises(Forbidden):
        door(channel).parse(payload, {})


@every_channel
@pytest.mark.allow_hosts(LOOPBACK)
@pytest.mark.parametrize("text", ["", "好" * 20_000, "**bold** `code` [1]\n\n- a\n- b", "\u202e\u0007"])
def test_a_reply_is_handed_over_with_a_receipt(channel: Channel, text: str) -> None:
    outbound = Outbound(key="turn-1", channel=channel, thread_id="t", text=text, lang="zh")
    receipt = asyncio.run(door(channel).send(outbound))
    assert receipt.state in (DeliveryState.SENT, DeliveryState.MAYBE_SENT)
    assert asyncio.run(door(channel).send(outbound)).channel_message_id == receipt.channel_message_id


@every_channel
def test_the_stand_in_is_made_without_settings_or_network(channel: Channel) -> None:
    make: Callable[[], ChannelAdapter] = ADAPTERS[channel]
    assert make() is not make()
