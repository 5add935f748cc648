"""The web chat door. The browser posts a message with an id of its own making; replies are read from the event log.

Sending is therefore done once the reply is stored: the widget asks for what came after the last event it saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from base.errors import Forbidden
from base.messages import Channel, DeliveryState, Inbound, Outbound, Receipt
from channels.payload import NotUnderstood, read_json, text_field

THREAD_HEADER = "x-firstline-thread"  # set by the app from the signed session, never taken from the browser
MAX_TEXT = 120_000  # characters stored; what is longer is refused with a reason
ACTIONS = ("human", "helped", "not_helped")
ABOUT = ("choose:", "same:", "other:")  # followed by the id of an article, or of an incident


class WebchatAdapter:
    """{"client_id", "text", "action", "product"} of a signed chat session."""

    def parse(self, payload: bytes, headers: Mapping[str, str]) -> list[Inbound]:
        thread = headers.get(THREAD_HEADER, "")
        if not thread:
            raise Forbidden("no chat session")
        data = read_json(payload, max_bytes=512 * 1024)
        unknown = data.keys() - {"client_id", "text", "action", "product"}
        if unknown:
            raise NotUnderstood(fields=",".join(sorted(unknown))[:100])
        action = text_field(data, "action", max_chars=100)
        if action and action not in ACTIONS and not action.startswith(ABOUT):
            raise NotUnderstood(field="action")
        product = text_field(data, "product", max_chars=100)  # of the page the window is on: it narrows, no more
        client_id = text_field(data, "client_id", required=True, max_chars=64)
        return [
            Inbound(
                channel=Channel.WEBCHAT,
                message_id=f"{thread}:{client_id}",  # a second try of the same message is recognised
                thread_id=thread,
                sender_id=thread,
                text=text_field(data, "text", max_chars=MAX_TEXT),
                received_at=datetime.now(UTC),
                locale=headers.get("x-firstline-locale", ""),
                action=action,
                extra={"product": product} if product else {},
            )
        ]

    async def send(self, outbound: Outbound) -> Receipt:
        return Receipt(DeliveryState.SENT, outbound.key)
