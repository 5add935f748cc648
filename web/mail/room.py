"""All there is about mail in one process: the connections, the sorter, the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2 import Environment

from base.antivirus import make_scanner
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
        self._scanner = make_scanner(services.settings.clamd)
        self.sorter = Sorter(services, office, self._reader, self._scanner)
        self.door = MailDoor(services, office, templates, self._reader, self._scanner)
        self._services = services
        self.boxes: Mailboxes | None = None

    def start(self, on_mail: Callable[[], None]) -> None:
        """Connect. on_mail: called after each stored mail."""
        self.boxes = Mailboxes(self._services, self.office, on_mail)
        self.boxes.start()

    def read(self, raw: bytes) -> Mail:
        """A stored mail, read again. Raises MailRefused, ReaderFailed."""
        return self._reader.read(raw)

    def check(self, content: bytes) -> None:
        """Return when this may be handed out. Raises Infected, NotScanned; never where no scanner is set."""
        if self._scanner is not None:
            self._scanner.check(content)

    def stop(self) -> None:
        if self.boxes is not None:
            self.boxes.stop()
        self._reader.close()
