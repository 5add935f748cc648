"""The database: SQLite (WAL, synchronous=FULL, one writer with BEGIN IMMEDIATE) or PostgreSQL, behind the same doors.

`begin()` writes: all or nothing, committed durably when the block ends. `read()` only reads, never waits for a writer.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from base.errors import MisconfiguredSetting, StorageFault, StorageUnavailable
from base.turns import Turns

BUSY_SECONDS = 15
_SQLITE_FAULTS = {
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL), StorageFault.BUSY),
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM), StorageFault.NOT_WRITABLE),
    **dict.fromkeys((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB), StorageFault.NOT_A_DATABASE),
    **dict.fromkeys((sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM), StorageFault.OTHER),
    sqlite3.SQLITE_FULL: StorageFault.FULL,
}
_READ_ONLY_TRANSACTION = "25006"
_POSTGRES_FAULTS = {  # by SQLSTATE
    _READ_ONLY_TRANSACTION: StorageFault.NOT_WRITABLE,
    "28000": StorageFault.NO_CONNECTION,  # no such user
    "28P01": StorageFault.NO_CONNECTION,  # wrong password
    "3D000": StorageFault.NO_CONNECTION,  # no such database
    "53100": StorageFault.FULL,
    "53300": StorageFault.BUSY,  # too many connections
    "55P03": StorageFault.BUSY,  # waited too long for a lock
}
Json = JSON().with_variant(JSONB(), "postgresql")


class Table(DeclarativeBase):
    """Base class of every row."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment; naive values are refused. SQLite keeps microseconds too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime must not reach the database")
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Session(Session):
    """A session that hands statements on plain tables straight to its connection.

    The ORM has nothing to add to them, and looking for it costs a third of what a small statement costs.
    """

    def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        orm = getattr(statement, "_propagate_attrs", {}).get("compile_state_plugin") == "orm"
        if orm or options:
            return super().execute(statement, params, **options)
        return self.connection().execute(statement, params)


class Database:
    """One installation's database. Cheap to make: connects on first use."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self._turns: Turns | None = None
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if not self.is_sqlite and self.url.get_backend_name() != "postgresql":
            raise MisconfiguredSetting(name="database_url", reason="sqlite:/// or postgresql+psycopg:// is expected")
        if self.is_sqlite:
            _make_folder(Path(self.url.database or ""))
            # One connection writes; waiting for it is the queue of writers. Readers see the last commit (WAL).
            self._writer = create_engine(self.url, pool_size=1, max_overflow=0, pool_timeout=BUSY_SECONDS)
            self._reader = create_engine(self.url, pool_size=8, max_overflow=24, pool_timeout=BUSY_SECONDS)
            _tune_sqlite(self._writer)
            _tune_sqlite(self._reader, read_only=True)
            if _is_file(self.url.database):
                self._turns = Turns(str(self.url.database), BUSY_SECONDS)
                _take_turns(self._writer, self._turns)
        else:
            self._writer = create_engine(
                self.url.set(drivername="postgresql+psycopg"),
                pool_size=8,
                max_overflow=24,
                pool_timeout=BUSY_SECONDS,
                pool_pre_ping=True,
                connect_args={"options": f"-c lock_timeout={BUSY_SECONDS}s", "connect_timeout": BUSY_SECONDS},
            )
            # The same connections. Repeatable read: all statements of one `read()` see one snapshot, as on SQLite.
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._write_session = sessionmaker(self._writer, class_=_Session, expire_on_commit=False, autoflush=False)
        self._read_session = sessionmaker(self._reader, class_=_Session, expire_on_commit=False, autoflush=False)

    @property
    def place(self) -> str:
        """Where it is, for a person: the file, or the server and the database's name; never the password."""
        if self.is_sqlite:
            return self.url.database or ""
        host = self.url.host or str(self.url.query.get("host", ""))
        return "/".join((f"{host}:{self.url.port}" if self.url.port else host, self.url.database or ""))

    @property
    def engine(self) -> Engine:
        return self._writer

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A write transaction. Commits when the block ends, rolls back when it raises.

        Raises StorageUnavailable: disk full, folder read-only, server gone, lock held too long, file damaged.
        """
        with storage_errors(self.place), self._write_session.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot, for reading only. Raises StorageUnavailable as `begin` does."""
        with storage_errors(self.place), self._read_session() as session:
            yield session

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()
        if self._turns is not None:
            self._turns.close()


@contextmanager
def storage_errors(place: str = "") -> Iterator[None]:
    """Turns "disk full", "read-only", "locked", "damaged" and "gone" into StorageUnavailable; other errors pass.

    place: the database's file or server, for the error.
    """
    try:
        yield
    except (DatabaseError, InterfaceError, PoolTimeout) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not _is_storage_fault(error, cause):
            raise
        detail = str(cause).splitlines()[0] if str(cause) else type(error).__name__
        raise StorageUnavailable(detail, _fault(error, cause), path=place) from error


def _is_storage_fault(error: Exception, cause: BaseException | None) -> bool:
    """Whether the database cannot serve us at the moment. A statement it does not understand is our own mistake."""
    if isinstance(cause, sqlite3.Error):
        primary = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return primary in _SQLITE_FAULTS
    if getattr(cause, "sqlstate", None) == _READ_ONLY_TRANSACTION:  # a standby that took over only half
        return True
    return isinstance(error, PoolTimeout | OperationalError | InterfaceError)


def _fault(error: Exception, cause: BaseException | None) -> StorageFault:
    """Which kind of fault a driver's error tells of."""
    if isinstance(error, PoolTimeout):
        return StorageFault.BUSY
    if isinstance(cause, sqlite3.Error):
        return _SQLITE_FAULTS.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, StorageFault.OTHER)
    state = getattr(cause, "sqlstate", None) or ""
    if not state or state[:2] in ("08", "57"):  # nobody answered, the line broke, or the server is going down
        return StorageFault.NO_CONNECTION
    return _POSTGRES_FAULTS.get(state, StorageFault.OTHER)


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable.at(path.parent, error, "cannot create") from error


def _is_file(path: str | None) -> bool:
    return bool(path) and path != ":memory:" and not str(path).startswith("file:")


def _make_file(path: str) -> None:
    """A new database's file, for its owner only: SQLite would let everybody read it, and it gives its journal the same."""
    if _is_file(path):
        with suppress(OSError):  # it is there, or SQLite will say why it cannot be made
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _tune_sqlite(engine: Engine, *, read_only: bool = False) -> None:
    @event.listens_for(engine, "do_connect")
    def before_connect(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
        _make_file(str(arguments[0]))

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would come too late
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA cache_size=-32000")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    def do_begin(connection: Any) -> None:
        connection.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")

    # Instead of a "begin" event: one listener on an engine makes every statement look for others (0.1 ms each).
    engine.dialect.do_begin = do_begin  # type: ignore[method-assign, assignment]


def _take_turns(engine: Engine, turns: Turns) -> None:
    """Every write transaction waits for its turn among the processes, and gives it on when it ends."""
    begin, ends = engine.dialect.do_begin, (engine.dialect.do_commit, engine.dialect.do_rollback)

    def do_begin(connection: Any) -> None:
        turns.take()
        try:
            begin(connection)
        except BaseException:
            turns.give()
            raise

    def then_give(end: Callable[[Any], None]) -> Callable[[Any], None]:
        def ended(connection: Any) -> None:
            try:
                end(connection)
            finally:
                turns.give()

        return ended

    engine.dialect.do_begin = do_begin  # type: ignore[method-assign, assignment]
    engine.dialect.do_commit, engine.dialect.do_rollback = map(then_give, ends)  # type: ignore[method-assign, assignment]
