"""The number that grows with every change of what is live, and the turn every writer of the knowledge base takes."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from kb.tables import GenerationRow

_GENERATION = select(GenerationRow.__table__.c.number).where(GenerationRow.__table__.c.id == 1)  # asked at every search


def generation(session: Session) -> int:
    """A number that grows with every change of what is live."""
    return int(session.execute(_GENERATION).scalar_one())


def bump_generation(session: Session) -> None:
    """Tell every index and memory that what is live has changed."""
    session.execute(update(GenerationRow).where(GenerationRow.id == 1).values(number=GenerationRow.number + 1))


def take_turn(session: Session) -> None:
    """One writer of the knowledge base at a time: PostgreSQL would let two write the same version number."""
    session.execute(_GENERATION.with_for_update())


def tokenizer(session: Session) -> str:
    """The rule that the tokens of all chunks were cut by; empty in a database from before it was noted."""
    return str(session.scalar(select(GenerationRow.tokenizer).where(GenerationRow.id == 1)) or "")


def note_tokenizer(session: Session, rule: str) -> None:
    session.execute(update(GenerationRow).where(GenerationRow.id == 1).values(tokenizer=rule))
