"""The same doors on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from base.database import Database
from base.errors import DatabaseTooNew, StorageFault, StorageUnavailable
from base.migrate import current_revision, migrate

pytestmark = pytest.mark.postgres
ROOT = Path(__file__).resolve().parents[2]
INSERT = text("INSERT INTO kb_specs (digest, spec, created_at) VALUES (:d, '{}', now())")


@pytest.fixture
def database(migrated_postgres_url: str) -> Iterator[Database]:
    made = Database(migrated_postgres_url)
    yield made
    made.close()


def _rows(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT count(*) FROM kb_specs")).scalar_one())


def test_a_reader_keeps_one_snapshot_to_its_end(database: Database) -> None:
    with database.read() as session:
        before = session.execute(text("SELECT count(*) FROM kb_specs")).scalar_one()
        with database.begin() as writing:
            writing.execute(INSERT, {"d": "a"})
        assert session.execute(text("SELECT count(*) FROM kb_specs")).scalar_one() == before
    assert _rows(database) == before + 1


def test_the_reading_door_does_not_write_and_the_writing_one_does_afterwards(database: Database) -> None:
    for _ in range(3):  # the two doors share their connections
        with pytest.raises(StorageUnavailable), database.read() as session:
            session.execute(text("DELETE FROM kb_generation"))
        with database.begin() as session:
            session.execute(text("UPDATE kb_generation SET number = number + 1"))


def test_a_lock_held_too_long_is_named(migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("base.database.BUSY_SECONDS", 1)
    database = Database(migrated_postgres_url)
    with database.begin() as first:
        first.execute(text("UPDATE kb_generation SET number = number + 1"))
        with pytest.raises(StorageUnavailable, match="lock") as caught, database.begin() as second:
            second.execute(text("UPDATE kb_generation SET number = number + 1"))
    assert caught.value.fault is StorageFault.BUSY
    database.close()


def test_a_connection_that_was_cut_is_named_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(StorageUnavailable) as caught, database.begin() as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert caught.value.fault is StorageFault.NO_CONNECTION
    assert _rows(database) == 0


def test_a_time_comes_back_in_utc(database: Database) -> None:
    from kb.tables import SpecRow

    noon = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    with database.begin() as session:
        session.add(SpecRow(digest="a", spec={}, created_at=noon))
    with database.read() as session:
        row = session.get(SpecRow, "a")
        assert row is not None
        assert (row.created_at, row.created_at.tzinfo) == (noon, UTC)


def test_a_new_database_is_migrated_once(postgres_url: str) -> None:
    database = Database(postgres_url)
    assert current_revision(database) == ""
    applied = migrate(database)
    assert current_revision(database) == applied[-1]
    assert migrate(database) == []
    database.close()


def test_two_processes_that_start_at_once_migrate_once(postgres_url: str) -> None:
    code = "import sys; from base import database, migrate; print(migrate.migrate(database.Database(sys.argv[1])))"
    command = [sys.executable, "-c", code, postgres_url]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = [process.communicate()[0].strip() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert printed.count("[]") == 2


def test_a_database_of_a_newer_version_is_refused_untouched(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.begin() as session:
        session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        session.execute(text("INSERT INTO alembic_version VALUES ('9001')"))
    with pytest.raises(DatabaseTooNew):
        migrate(database)
    with database.read() as session:
        assert inspect(session.connection()).get_table_names() == ["alembic_version"]
    database.close()


def test_the_migration_lock_is_given_back(postgres_url: str) -> None:
    database = Database(postgres_url)
    migrate(database)
    done = threading.Event()
    other = Database(postgres_url)
    thread = threading.Thread(target=lambda: (migrate(other), done.set()))
    thread.start()
    assert done.wait(30)
    thread.join()
    other.close()
    database.close()
