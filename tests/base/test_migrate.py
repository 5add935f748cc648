"""A database is brought to the present version once, whoever asks, or not touched at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from base import migrate as module
from base.database import Database
from base.errors import DatabaseTooNew
from base.migrate import current_revision, migrate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'new.db'}")


def test_a_new_database_gets_every_revision_in_order(empty: Database) -> None:
    assert current_revision(empty) == ""
    applied = migrate(empty)
    assert applied == sorted(applied)
    assert current_revision(empty) == applied[-1]


def test_migrating_again_does_nothing(empty: Database) -> None:
    migrate(empty)
    assert migrate(empty) == []


def test_two_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    code = "import sys; from base import database, migrate; print(migrate.migrate(database.Database(sys.argv[1])))"
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'shared.db'}"]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = [process.communicate()[0].strip() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert printed.count("[]") == 2


def test_a_database_of_a_newer_version_is_refused_untouched(empty: Database) -> None:
    with empty.begin() as session:
        session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        session.execute(text("INSERT INTO alembic_version VALUES ('9001')"))
    with pytest.raises(DatabaseTooNew) as caught:
        migrate(empty)
    assert caught.value.fields == {"found": "9001"}
    with empty.read() as session:
        assert inspect(session.connection()).get_table_names() == ["alembic_version"]


def test_a_migration_that_fails_leaves_the_version_before(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(empty)
    head = current_revision(empty)
    _next_revision(
        tmp_path, head, monkeypatch, "op.execute('CREATE TABLE half (x INTEGER)')\n    raise RuntimeError('no')"
    )
    with pytest.raises(RuntimeError):
        migrate(empty)
    assert current_revision(empty) == head
    with empty.read() as session:
        assert not inspect(session.connection()).has_table("half")


def test_altering_a_table_keeps_the_rows_that_point_to_it(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite makes an altered table anew and drops the old one: with foreign keys on, every version would go too."""
    migrate(empty)
    with empty.begin() as session:
        session.execute(
            text(
                "INSERT INTO kb_articles VALUES "
                "(1, 'p', 'c', 's', 't', 'en', 'public', 'draft', '', NULL, '{}', '2026', '2026', '{}')"
            )
        )
        session.execute(
            text("INSERT INTO kb_versions VALUES (1, 1, 1, 't', 'b', 'h', 'draft', 'a', '2026', NULL, '{}')")
        )
    _next_revision(
        tmp_path,
        current_revision(empty),
        monkeypatch,
        "with op.batch_alter_table('kb_articles', recreate='always') as batch:\n"
        "        batch.add_column(sa.Column('note', sa.Text(), server_default='', nullable=False))",
    )
    assert migrate(empty) == ["9001"]
    with empty.read() as session:
        assert session.execute(text("SELECT count(*) FROM kb_versions")).scalar_one() == 1
        assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    with empty.begin() as session:
        assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def _next_revision(folder: Path, head: str, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """The real migrations with one more at the end."""
    import shutil

    copied = folder / "migrations"
    shutil.copytree(module.MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    (copied / "versions" / "9001_next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f"revision = '9001'\ndown_revision = '{head}'\nbranch_labels = None\ndepends_on = None\n\n\n"
        f"def upgrade():\n    {body}\n"
    )
    monkeypatch.setattr(module, "MIGRATIONS", copied)
