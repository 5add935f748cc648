"""The two doors to the database, on the real thing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from base.clock import FixedClock
from base.database import Database, UtcDateTime
from base.errors import MisconfiguredSetting, StorageFault, StorageUnavailable
from base.i18n import explain
from base.migrate import migrate
from desk.tables import CustomerRow  # any table with a time in it

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _rows(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT count(*) FROM kb_specs")).scalar_one())


def _add(database: Database, digest: str) -> None:
    with database.begin() as session:
        session.execute(
            text("INSERT INTO kb_specs (digest, spec, created_at) VALUES (:d, '{}', '2026-11-23')"), {"d": digest}
        )


@pytest.mark.parametrize("door", ["begin", "read"])
def test_every_connection_is_durable_waits_for_its_turn_and_checks_foreign_keys(database: Database, door: str) -> None:
    with getattr(database, door)() as session:
        found = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15_000}


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    def fail() -> None:
        with database.begin() as session:
            session.execute(text("INSERT INTO kb_specs (digest, spec, created_at) VALUES ('a', '{}', '2026-11-23')"))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        fail()
    assert _rows(database) == 0


def test_two_writers_of_one_process_take_turns(database: Database) -> None:
    threads = [threading.Thread(target=_add, args=(database, f"{i}")) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _rows(database) == 8


def test_a_second_process_that_writes_waits_instead_of_failing(database: Database) -> None:
    other = Database(str(database.url))
    begun, done = threading.Event(), threading.Event()

    def write_later() -> None:
        begun.set()
        _add(other, "second")
        done.set()

    with database.begin() as session:
        session.execute(text("INSERT INTO kb_specs (digest, spec, created_at) VALUES ('first', '{}', '2026-11-23')"))
        thread = threading.Thread(target=write_later)
        thread.start()
        begun.wait()
        assert not done.wait(0.3)
    thread.join()
    other.close()
    assert _rows(database) == 2


def test_the_write_lock_is_taken_before_the_first_read(database: Database) -> None:
    """Two read-then-write blocks at once must not both read the old value."""
    together = threading.Barrier(4)

    def add_one() -> None:
        together.wait()
        for _ in range(10):
            with database.begin() as session:
                number = session.execute(text("SELECT number FROM kb_generation")).scalar_one()
                session.execute(text("UPDATE kb_generation SET number = :n"), {"n": number + 1})

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.execute(text("SELECT number FROM kb_generation")).scalar_one() == 40


def test_a_reader_sees_the_last_commit_and_does_not_wait_for_a_writer(database: Database) -> None:
    with database.begin() as session:
        session.execute(text("INSERT INTO kb_specs (digest, spec, created_at) VALUES ('a', '{}', '2026-11-23')"))
        assert _rows(database) == 0  # would stand still here if it waited
    assert _rows(database) == 1


def test_a_reader_keeps_one_snapshot_to_its_end(database: Database) -> None:
    with database.read() as session:
        before = session.execute(text("SELECT count(*) FROM kb_specs")).scalar_one()
        _add(database, "a")
        assert session.execute(text("SELECT count(*) FROM kb_specs")).scalar_one() == before
    assert _rows(database) == before + 1


def test_the_reading_door_does_not_write(database: Database) -> None:
    with pytest.raises(StorageUnavailable), database.read() as session:
        session.execute(text("DELETE FROM kb_generation"))


def test_a_full_disk_is_named_and_what_was_there_stays_readable(database: Database) -> None:
    _add(database, "before")
    with database.begin() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count={pages + 2}"))
    with pytest.raises(StorageUnavailable, match="full") as caught, database.begin() as session:
        session.execute(
            text("INSERT INTO kb_specs (digest, spec, created_at) VALUES ('big', :blob, '2026-11-23')"),
            {"blob": "x" * 1_000_000},
        )
    assert caught.value.fault is StorageFault.FULL
    assert _rows(database) == 1
    with database.begin() as session:
        session.execute(text("PRAGMA max_page_count=1000000"))
    _add(database, "after there is room again")
    assert _rows(database) == 2


def test_a_read_only_database_is_named(database: Database) -> None:
    with database.begin() as session:
        session.execute(text("PRAGMA query_only=ON"))  # root may write any file: this is what read-only means here
    with pytest.raises(StorageUnavailable, match="readonly") as caught:
        _add(database, "a")
    assert caught.value.fault is StorageFault.NOT_WRITABLE


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnavailable) as caught:
        Database(f"sqlite:///{tmp_path}/file/firstline.db")
    assert caught.value.fields["path"] == str(tmp_path / "file")
    assert caught.value.fault is StorageFault.NOT_A_FOLDER


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "firstline.db").write_bytes(b"a letter to my aunt" * 100)
    database = Database(f"sqlite:///{tmp_path}/firstline.db")
    with pytest.raises(StorageUnavailable, match="not a database") as caught, database.read() as session:
        session.execute(text("SELECT 1 FROM sqlite_master"))
    assert caught.value.fault is StorageFault.NOT_A_DATABASE
    assert caught.value.fields["path"] == str(tmp_path / "firstline.db")


def test_who_runs_it_is_told_where_and_what_to_do_and_a_customer_is_not(tmp_path: Path) -> None:
    (tmp_path / "firstline.db").write_bytes(b"a letter to my aunt" * 100)
    with (
        pytest.raises(StorageUnavailable) as caught,
        Database(f"sqlite:///{tmp_path}/firstline.db").read() as session,
    ):
        session.execute(text("SELECT 1 FROM sqlite_master"))
    told = explain(caught.value, "en", to_operator=True)
    assert str(tmp_path / "firstline.db") in told
    assert "restore a backup" in told
    assert str(tmp_path) not in explain(caught.value, "en")


def test_what_customers_wrote_is_for_the_owner_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/firstline.db")
    migrate(database)
    _add(database, "a")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "new").iterdir()}
    database.close()
    assert {"firstline.db", "firstline.db-wal"} <= set(modes)
    assert set(modes.values()) == {"0o600"}
    assert oct((tmp_path / "new").stat().st_mode & 0o777) == "0o700"


def test_a_file_that_was_there_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "firstline.db").touch(0o640)
    (tmp_path / "firstline.db").chmod(0o640)
    database = Database(f"sqlite:///{tmp_path}/firstline.db")
    migrate(database)
    database.close()
    assert (tmp_path / "firstline.db").stat().st_mode & 0o777 == 0o640


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    database = Database(f"postgresql://nobody@/nothing?host={tmp_path}")
    with pytest.raises(StorageUnavailable) as caught, database.read() as session:
        session.execute(text("SELECT 1"))
    assert caught.value.fault is StorageFault.NO_CONNECTION
    assert "FIRSTLINE_DATABASE_URL" in explain(caught.value, "en", to_operator=True)


def test_a_password_is_no_part_of_where_a_database_is() -> None:
    assert Database("postgresql://desk:secret@db.example:5433/firstline").place == "db.example:5433/firstline"


def test_our_own_mistake_in_a_statement_is_not_called_a_full_disk(database: Database) -> None:
    with pytest.raises(OperationalError), database.read() as session:
        session.execute(text("SELECT nothing FROM nowhere"))


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(MisconfiguredSetting):
        Database("mysql://localhost/firstline")


def test_a_naive_time_never_reaches_the_database(database: Database) -> None:
    row = CustomerRow(public_id="c", name="", lang="", created_at=datetime(2026, 11, 23))
    with pytest.raises(Exception, match="naive"), database.begin() as session:
        session.add(row)


def test_a_time_comes_back_in_utc_whatever_zone_it_had() -> None:
    kept = UtcDateTime().process_bind_param(NOON.astimezone(timezone(timedelta(hours=8))), _dialect())
    assert kept == datetime(2026, 11, 23, 12, 0)
    assert UtcDateTime().process_result_value(kept, _dialect()) == NOON


def test_a_clock_stands_still_until_it_is_moved() -> None:
    clock = FixedClock(NOON)
    clock.advance(minutes=5)
    assert clock.now() == NOON + timedelta(minutes=5)
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 11, 23))


def _dialect():  # type: ignore[no-untyped-def]
    from sqlalchemy.dialects import sqlite

    return sqlite.dialect()
