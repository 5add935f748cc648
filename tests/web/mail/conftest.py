"""One installation with articles and mailboxes for a whole file of tests; every test writes from addresses of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from base.clock import FixedClock
from base.settings import Settings
from tests import articles
from tests.conftest import MONDAY_MORNING
from tests.live import LOOPBACK
from tests.web.mail.made import MAILBOXES, MailDesk, open_desk, without_sending
from web.wiring import build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The event loop that sends asks for a socket pair."""
    for item in items:
        if "desk" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[MailDesk]:
    folder = tmp_path_factory.mktemp("mail")
    data_dir = folder / "data"
    data_dir.mkdir()
    model_cache.mkdir(parents=True, exist_ok=True)
    (data_dir / "models").symlink_to(model_cache, target_is_directory=True)
    (data_dir / "mailboxes.toml").write_text(MAILBOXES)
    settings = Settings(data_dir=data_dir, port=8000, log_level="error", vector_index="exact")
    services = build(settings, clock=FixedClock(MONDAY_MORNING))
    articles.load(services, folder / "articles")
    desk = open_desk(services)
    yield desk
    desk.room.stop()
    services.close()


@pytest.fixture
def desk(installation: MailDesk, monkeypatch: pytest.MonkeyPatch) -> MailDesk:
    """The desk, with nothing sent yet."""
    installation.sent.clear()
    installation.faults.clear()
    installation.reader.faults.clear()
    without_sending(installation, monkeypatch)
    return installation
