"""All there is about mail in one process: the connections, the sorter, the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2 import Environment

from base.messages import Channel
from channels.adapter import ChannelAdapter
from channels.email.models import Mail
from channels.registry import ADAPTERS
from web.mail.mailboxes import Mailboxes
from web.mail.office import Office
from web.mail.reading import IsolatedReader
from web.mail.sending import MailDoor
from web.mail.sorting import Sorter
from web.wiring import Services


def doors(mail: MailRoom) -> dict[Channel, ChannelAdapter]:
    """Every door this process sends by. What came in by a terminal is answered there."""
    found: dict[Channel, ChannelAdapter] = {
        channel: ADAPTERS[channel]() for channel in ADAPTERS if channel is not Channel.CONSOLE
    }
    return {**found, Channel.EMAIL: mail.door}


class MailRoom:
    """Made with the app or the worker; started and stopped with it."""

    def __init__(self, services: Services, office: Office, templates: Mapping[str, Environment]) -> None:
        self.office = office
        self._reader = IsolatedReader()
        self.sorter = Sorter(services, office, self._reader)
        self.door = MailDoor(services, office, templates, self._reader)
        self._services = services
        self.boxes: Mailboxes | None = None

    def start(self, on_mail: Callable[[], None]) -> None:
        """Connect. on_mail: called after each stored mail."""
        self.boxes = Mailboxes(self._services, self.office, on_mail)
        self.boxes.start()

    def read(self, raw: bytes) -> Mail:
        """A stored mail, read again. Raises MailRefused, ReaderFailed."""
        return self._reader.read(raw)

    def stop(self) -> None:
        if self.boxes is not None:
            self.boxes.stop()
        self._reader.close()
