"""Every test that asks for `library` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from base.database import Database
from base.migrate import migrate
from tests.kb.library import Library


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "migrated.db"
    made = Database(f"sqlite:///{path}")
    migrate(made)
    made.close()
    return path


@pytest.fixture
def database(tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """A migrated SQLite database of its own, copied: there are many tests here."""
    path = tmp_path / "test.db"
    shutil.copyfile(migrated_file, path)
    made = Database(f"sqlite:///{path}")
    yield made
    made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database, once of each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("database")
        return
    made = Database(request.getfixturevalue("migrated_postgres_url"))
    yield made
    made.close()


@pytest.fixture
def library(any_database: Database) -> Library:
    return Library(any_database)


@pytest.fixture
def sqlite_library(database: Database) -> Library:
    return Library(database)


@pytest.fixture
def postgres_library(migrated_postgres_url: str) -> Iterator[Library]:
    made = Database(migrated_postgres_url)
    yield Library(made)
    made.close()
