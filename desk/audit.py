"""Who did what to which thing: written in the transaction of the deed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.tables import AuditRow


@dataclass(frozen=True, slots=True)
class AuditEntry:
    at: datetime
    actor: str
    action: str
    target: str
    detail: dict[str, Any]


def note(session: Session, now: datetime, actor: str, action: str, target: str, **detail: Any) -> None:
    """actor: "staff:<id>", "system" or "cli"; target: "ticket:<id>", "article:<public id>" ..."""
    session.add(AuditRow(at=now, actor=actor, action=action, target=target, detail=detail))


def latest(session: Session, limit: int = 100) -> list[AuditEntry]:
    """The newest entries, newest first."""
    rows = session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit))
    return [AuditEntry(row.at, row.actor, row.action, row.target, dict(row.detail)) for row in rows]
