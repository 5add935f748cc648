"""Alembic's entry. `base.migrate` hands over a connection; the `alembic` command line opens the configured database."""

from __future__ import annotations

from alembic import context

import desk.mail_tables
import desk.merge_tables
import desk.tables  # noqa: F401 - fills the metadata
import kb.tables  # noqa: F401 - fills the metadata
from base.database import Database, Table
from base.settings import load_settings

if context.is_offline_mode():
    raise SystemExit("Firstline's migrations need a database to look at; offline SQL scripts are not supported.")

database = Database(load_settings().url)
with database.engine.connect() as connection, connection.begin():
    context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=True)
    context.run_migrations()
