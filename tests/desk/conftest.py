"""The desk's tests run on both databases: what holds on one holds on the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from base.database import Database
from base.migrate import migrate


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of this test's own, of either kind."""
    if request.param == "postgres":
        made = Database(request.getfixturevalue("migrated_postgres_url"))
    else:
        made = Database(f"sqlite:///{tmp_path / 'test.db'}")
        migrate(made)
    yield made
    made.close()
