"""The console door: JSON Lines in, JSON Lines out. Drives Firstline from a terminal, a pipe or a test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TextIO

from base.messages import Channel, DeliveryState, Inbound, Outbound, Receipt
from channels.payload import read_json, text_field


class ConsoleAdapter:
    """One line, one message: {"text", "thread", "id", "sender", "name", "action"}; only "text" is needed."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def parse(self, payload: bytes, headers: Mapping[str, str]) -> list[Inbound]:
        data = read_json(payload)
        thread = text_field(data, "thread") or "console"
        # Without an id of its own a line is known by its content and place: the caller numbers repeated lines.
        digest = hashlib.sha256(payload + headers.get("line", "").encode()).hexdigest()[:24]
        return [
            Inbound(
                channel=Channel.CONSOLE,
                message_id=text_field(data, "id") or digest,
                thread_id=thread,
                sender_id=text_field(data, "sender") or thread,
                text=text_field(data, "text"),
                received_at=datetime.now(UTC),
                sender_name=text_field(data, "name", max_chars=200),
                locale=text_field(data, "lang", max_chars=8),
                action=text_field(data, "action", max_chars=200),
            )
        ]

    async def send(self, outbound: Outbound) -> Receipt:
        if self._out is not None:
            self._out.write(json.dumps(asdict(outbound), ensure_ascii=False) + "\n")
            self._out.flush()
        return Receipt(DeliveryState.SENT, outbound.key)
