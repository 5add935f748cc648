"""The flip by which a version becomes visible, and another one hidden, with all that is derived from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from kb.applies import columns, from_json
from kb.generation import bump_generation
from kb.keyword import KeywordIndex
from kb.models import Status
from kb.tables import ArticleRow, ChunkRow, VersionRow


@dataclass(frozen=True, slots=True)
class Limits:
    """Who may see a version once it is shown."""

    audience: str
    applies: dict[str, Any]  # as stored


def show(
    session: Session,
    keywords: KeywordIndex,
    row: ArticleRow,
    version: VersionRow,
    limits: Limits,
    lang: str,
    now: datetime,
) -> None:
    """Make `version` the visible one of its article, with these limits."""
    if row.version_id is not None:
        hide(session, keywords, row.version_id)
    session.execute(
        update(VersionRow)
        .where(VersionRow.article_id == row.id, VersionRow.status == Status.PUBLISHED, VersionRow.id != version.id)
        .values(status=Status.ARCHIVED)
    )
    version.status, version.published_at = Status.PUBLISHED, now
    row.status, row.version_id, row.title, row.updated_at = Status.PUBLISHED, version.id, version.title, now
    row.audience, row.applies, row.lang = limits.audience, limits.applies, lang
    compared = columns(from_json(limits.applies))
    session.execute(
        update(ChunkRow)
        .where(ChunkRow.version_id == version.id)
        .values(live=True, audience=limits.audience, **compared)
    )
    keywords.add(session, session.scalars(select(ChunkRow.id).where(ChunkRow.version_id == version.id)).all())
    bump_generation(session)


def hide(session: Session, keywords: KeywordIndex, version_id: int) -> None:
    """Take a version's chunks out of every search."""
    ids = session.scalars(select(ChunkRow.id).where(ChunkRow.version_id == version_id, ChunkRow.live)).all()
    keywords.remove(session, ids)
    session.execute(update(ChunkRow).where(ChunkRow.version_id == version_id).values(live=False))


def forget_old_chunks(session: Session, article_id: int, keep: int, versions: int = 3) -> None:
    """Chunks of versions older than the last few go; the text of every version stays in kb_versions."""
    known = session.scalars(
        select(VersionRow.id).where(VersionRow.article_id == article_id).order_by(VersionRow.number.desc())
    ).all()
    old = set(known[versions:]) - {keep}
    if old:  # by version, which has an index; by article it would read the whole table at every save
        session.execute(delete(ChunkRow).where(ChunkRow.version_id.in_(old)))
