"""Every door of Firstline: one line each."""

from __future__ import annotations

from base.messages import Channel
from channels.adapter import ChannelAdapter
from channels.console import ConsoleAdapter
from channels.webchat import WebchatAdapter

ADAPTERS: dict[Channel, type[ChannelAdapter]] = {
    Channel.CONSOLE: ConsoleAdapter,
    Channel.WEBCHAT: WebchatAdapter,
}
