"""What customers report as broken, message by message: kept for the week that tells a surge from an ordinary day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from desk.models import Category, Urgency
from desk.tables import SymptomRow, plain

KEPT = timedelta(days=7)
_SYMPTOMS = plain(SymptomRow)
_NEW = insert(_SYMPTOMS)


@dataclass(frozen=True, slots=True)
class Symptom:
    """One report. objects: keys of bot/topics.toml, the main one first."""

    lang: str
    category: Category
    urgency: Urgency
    objects: tuple[str, ...]
    vector: npt.NDArray[np.float32] | None  # (dim,), unit length


@dataclass(frozen=True, slots=True)
class Reported:
    """A stored symptom."""

    id: int
    at: datetime
    turn_id: int
    conversation_id: int
    customer_id: int
    symptom: Symptom


def put(
    session: Session, symptom: Symptom, turn_id: int, conversation_id: int, customer_id: int, now: datetime
) -> None:  # fmt: skip
    """Keep what a message reports, in the transaction of its turn."""
    vector = symptom.vector
    session.execute(
        _NEW,
        {
            "at": now, "turn_id": turn_id, "conversation_id": conversation_id, "customer_id": customer_id,
            "lang": symptom.lang, "category": symptom.category, "urgency": symptom.urgency,
            "objects": list(symptom.objects),
            "vector": vector.astype("<f2").tobytes() if vector is not None else None,
        },
    )  # fmt: skip


def after(session: Session, last_id: int, since: datetime, limit: int) -> list[Reported]:
    """The newest `limit` symptoms with a greater id, not older than `since`; oldest first."""
    query = (
        select(_SYMPTOMS)
        .where(_SYMPTOMS.c.id > last_id, _SYMPTOMS.c.at >= since)
        .order_by(_SYMPTOMS.c.id.desc())
        .limit(limit)
    )
    return [_reported(row) for row in reversed(session.execute(query).all())]


def forget(session: Session, now: datetime) -> int:
    """Delete what is older than KEPT; return how many."""
    result = session.execute(delete(_SYMPTOMS).where(_SYMPTOMS.c.at < now - KEPT))
    return int(result.rowcount)  # type: ignore[attr-defined]


def _reported(row: object) -> Reported:
    r: SymptomRow = row  # type: ignore[assignment]
    vector = np.frombuffer(r.vector, dtype="<f2").astype(np.float32) if r.vector else None
    symptom = Symptom(r.lang, Category(r.category), Urgency(r.urgency), tuple(r.objects), vector)
    return Reported(r.id, r.at, r.turn_id, r.conversation_id, r.customer_id, symptom)
