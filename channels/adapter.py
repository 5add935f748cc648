"""The contract of a door: what comes in becomes Inbound, what goes out is Outbound. One file and one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from base.messages import Inbound, Outbound, Receipt


class ChannelAdapter(Protocol):
    def parse(self, payload: bytes, headers: Mapping[str, str]) -> list[Inbound]:
        """The messages in a payload, in order.

        Raises InvalidInput for a payload that is not of this channel, Forbidden for one whose proof of origin is wrong.
        Deterministic: the same bytes give the same message ids, so that a second delivery is recognised.
        """
        ...

    async def send(self, outbound: Outbound) -> Receipt:
        """Hand a reply over. Raises RetryLater for a passing fault, DeliveryError for a lasting one."""
        ...
