"""What an operator has turned off, for every process: the outbox, while a restored backup is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from desk import audit
from desk.tables import SwitchRow, plain

_SWITCHES = plain(SwitchRow)
_OFF = select(_SWITCHES.c.name).where(_SWITCHES.c.name == bindparam("name"))


@dataclass(frozen=True, slots=True)
class Switch:
    name: str
    by: str
    at: datetime


def is_off(session: Session, name: str) -> bool:
    """Whether this was turned off."""
    return session.execute(_OFF, {"name": name}).first() is not None


def turn_off(session: Session, name: str, by: str, now: datetime) -> None:
    """Turn it off; nothing changes when it is off already. by: an actor as the audit writes them."""
    if session.get(SwitchRow, name) is None:
        session.add(SwitchRow(name=name, by=by, at=now))
        session.flush()
        audit.note(session, now, by, "turned_off", f"switch:{name}")


def turn_on(session: Session, name: str, by: str, now: datetime) -> None:
    """Turn it on again."""
    if session.get(SwitchRow, name) is not None:
        session.execute(delete(SwitchRow).where(SwitchRow.name == name))
        audit.note(session, now, by, "turned_on", f"switch:{name}")


def off(session: Session) -> list[Switch]:
    """Everything that is off, by whom and since when."""
    return [Switch(row.name, row.by, row.at) for row in session.scalars(select(SwitchRow).order_by(SwitchRow.name))]
