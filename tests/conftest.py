"""What every test may use: a real database, the real embedder (its graph built once), services put together as in life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_socket import disable_socket

from base.clock import FixedClock
from base.database import Database
from base.migrate import migrate
from base.settings import Settings
from tests.postgres import migrated_postgres_url, postgres_server, postgres_template, postgres_url
from web.wiring import Services, build

__all__ = ["migrated_postgres_url", "postgres_server", "postgres_template", "postgres_url"]
MONDAY_MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a working day


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> None:
    """Nothing beyond this machine: tests that need loopback ask for it with `@pytest.mark.allow_hosts(["127.0.0.1"])`."""
    if request.node.get_closest_marker("allow_hosts") is None:
        disable_socket(allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's machine reaches a test, and relative paths end in its own folder."""
    import os

    for name in list(os.environ):
        if name.startswith("FIRSTLINE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the built-in model's graph is built, once per test run."""
    import os

    given = os.environ.get("FIRSTLINE_TEST_MODEL_CACHE")
    return Path(given) if given else tmp_path_factory.getbasetemp().parent / "firstline-models"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(MONDAY_MORNING)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database of its own."""
    made = Database(f"sqlite:///{tmp_path / 'test.db'}")
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path, model_cache: Path) -> Settings:
    """An installation's settings; the model cache is shared by a link."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    model_cache.mkdir(parents=True, exist_ok=True)
    (data_dir / "models").symlink_to(model_cache, target_is_directory=True)
    return Settings(data_dir=data_dir, port=8000, log_level="error")


@pytest.fixture
def make_services(settings: Settings, clock: FixedClock) -> Iterator[Callable[..., Services]]:
    """Builds services as the app does, on this test's installation; keywords override settings."""
    made: list[Services] = []

    def make(**overrides: object) -> Services:
        made.append(build(settings.model_copy(update=overrides), clock=clock))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def services(make_services: Callable[..., Services]) -> Services:
    return make_services()
