"""Brings a database to the version this Firstline writes: Alembic under a lock, so that two processes do it once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from base.database import Database, storage_errors
from base.errors import DatabaseTooNew, StorageUnavailable

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
_LOCK_NUMBER = 0x46697273  # any constant: PostgreSQL's advisory lock of this program


def migrate(database: Database) -> list[str]:
    """Apply what is missing; return the ids of the revisions applied, oldest first.

    Raises DatabaseTooNew, before anything is touched, when the database knows a revision this version does not.
    """
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    with _locked(database) as connection:
        context = MigrationContext.configure(connection)
        found = context.get_current_heads()
        known = {revision.revision for revision in script.walk_revisions()}
        for revision in found:
            if revision not in known:
                raise DatabaseTooNew(found=revision)
        heads = tuple(script.get_heads())
        if found == heads:
            return []
        before = {r.revision for head in found for r in script.iterate_revisions(head, "base")}
        with EnvironmentContext(config, script, fn=lambda rev, _ctx: script._upgrade_revs("heads", rev)) as environment:
            environment.configure(connection=connection, target_metadata=None, transaction_per_migration=False)
            environment.run_migrations()
        _check_references(connection)
        return [
            r.revision for r in reversed(list(script.iterate_revisions("heads", "base"))) if r.revision not in before
        ]


def current_revision(database: Database) -> str:
    """The revision the database is at; empty when it has none yet."""
    with database.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return ""
        return str(session.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


@contextmanager
def _locked(database: Database) -> Iterator[Connection]:
    """A connection in a transaction that nobody else migrates in."""
    with _locked_file(database) if database.is_sqlite else _locked_server(database) as connection:
        yield connection


@contextmanager
def _locked_server(database: Database) -> Iterator[Connection]:
    with storage_errors(database.place), database.engine.connect() as connection:
        connection.execute(text("SET lock_timeout = 0"))  # somebody else's migration may take its time
        connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": _LOCK_NUMBER})
        connection.commit()
        try:
            with connection.begin():
                yield connection
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": _LOCK_NUMBER})
            connection.commit()
            connection.invalidate()  # its lock_timeout is not everybody's


@contextmanager
def _locked_file(database: Database) -> Iterator[Connection]:
    path = Path(database.url.database or "").with_suffix(".migrate.lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageUnavailable.at(path.parent, error, "cannot write in") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with storage_errors(database.place), database.engine.connect() as connection:
            # Altering a table makes it anew and drops the old one; with foreign keys on, the drop would delete every
            # row that points to it. They can only be switched off outside a transaction, and are checked at the end.
            _say(connection, "PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    yield connection
            finally:
                _say(connection, "PRAGMA foreign_keys=ON")
    finally:
        os.close(handle)


def _check_references(connection: Connection) -> None:
    """After a migration, not at every start: it reads the whole database (360 MB of one with 100,000 chunks)."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise RuntimeError(f"a migration left a row of {broken[0]} that points to nothing")


def _say(connection: Connection, pragma: str) -> None:
    """Outside any transaction, which SQLAlchemy would begin by itself."""
    raw: Any = connection.connection.driver_connection
    raw.execute(pragma)
