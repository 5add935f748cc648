"""migrate, staff, settings."""

from __future__ import annotations

import secrets

import click

from base.clock import SystemClock
from base.database import Database
from base.log import set_up_logging
from base.migrate import migrate
from base.settings import Settings, describe
from desk import audit, staff
from desk.models import Role
from web.wiring import make_data_dir


def run_migrate(settings: Settings) -> None:
    """Apply what is missing and say what was."""
    set_up_logging(settings)
    make_data_dir(settings.data_dir)
    database = Database(settings.url)
    try:
        applied = migrate(database)
    finally:
        database.close()
    click.echo(f"applied: {', '.join(applied)}" if applied else "the database is up to date")


def run_staff_add(settings: Settings, name: str, email: str, role: str, lang: str, password: str | None) -> None:
    """Add a member. Without a password (None) one is made and shown this once; an empty one is refused."""
    set_up_logging(settings)
    make_data_dir(settings.data_dir)
    database = Database(settings.url)
    try:
        migrate(database)
        given = secrets.token_urlsafe(12) if password is None else password
        now = SystemClock().now()
        with database.begin() as session:
            member = staff.add(session, name, email, given, Role(role), now, lang)
            audit.note(session, now, "cli", "staff_added", f"staff:{member.id}", role=role)
    finally:
        database.close()
    click.echo(f"added {member.name} <{member.email}> as {member.role}")
    if password is None:
        click.echo(f"password (shown once): {given}")


def run_settings(settings: Settings, markdown: bool) -> None:
    """Every knob."""
    rows = describe(settings)
    if not markdown:
        for row in rows:
            unit = f" {row['unit']}" if row["unit"] and row["value"] else ""
            mark = "" if row["value"] == row["default"] else f"  (default: {row['default'] or 'empty'})"
            click.echo(f"{row['env']}={row['value']}{unit}{mark}\n    {row['help']}")
        return
    for row in rows:
        default = f"`{row['default']}`" if row["default"] else "empty"
        unit = f" {row['unit']}" if row["unit"] else ""
        click.echo(f"### {row['name']}\n\n`{row['env']}`, default {default}{unit}. {row['help']}.\n")
