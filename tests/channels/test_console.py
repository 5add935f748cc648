"""The console door: JSON Lines in, JSON Lines out."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from base.messages import Channel, Link, Outbound, QuickReply
from channels.console import ConsoleAdapter
from tests.live import LOOPBACK


def test_a_line_without_an_id_is_known_by_its_words_and_its_place() -> None:
    def message_id(text: str, line: str) -> str:
        return ConsoleAdapter().parse(json.dumps({"text": text}).encode(), {"line": line})[0].message_id

    assert message_id("hi", "1") == message_id("hi", "1")
    assert message_id("hi", "1") != message_id("hi", "2")
    assert message_id("hi", "1") != message_id("ho", "1")


@pytest.mark.allow_hosts(LOOPBACK)
def test_a_reply_is_one_line_of_json() -> None:
    out = io.StringIO()
    outbound = Outbound(
        "turn-1",
        Channel.CONSOLE,
        "t",
        "第一行\n第二行",
        "zh",
        (Link(1, "VPN", "", ""),),
        (QuickReply("转人工", "human"),),
    )
    asyncio.run(ConsoleAdapter(out).send(outbound))
    assert out.getvalue().count("\n") == 1
    said = json.loads(out.getvalue())
    assert (said["text"], said["thread_id"]) == ("第一行\n第二行", "t")
    assert said["quick_replies"] == [{"label": "转人工", "action": "human"}]
