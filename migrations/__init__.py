"""Alembic revisions. `base.migrate` applies them at start; `alembic revision` makes new ones."""
