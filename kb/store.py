"""Articles, versions and chunks: saved, published, read. Rows stay here; dataclasses leave.

A version becomes visible in one flip: its chunks, their vectors and the keyword index are written in one transaction.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import func, insert, or_, select, text
from sqlalchemy.orm import Session, aliased

from base.errors import Conflict, NotFound
from base.text import tokens
from kb.applies import columns, from_json, scope_clause, to_json, within
from kb.generation import bump_generation as bump_generation
from kb.generation import generation as generation
from kb.generation import take_turn as take_turn
from kb.keyword import KeywordIndex
from kb.models import Article, ArticleDraft, Audience, ChunkDraft, Passage, Scope, Status, Version
from kb.tables import ArticleRow, ChunkRow, VersionRow
from kb.visibility import Limits, forget_old_chunks, hide, show

CHUNKER = "chunks/1"  # part of the content hash: a change of how text is cut re-indexes unchanged files


def content_hash(draft: ArticleDraft) -> str:
    """Tells whether a file needs indexing again: the same text, title, language, audience and limits, cut alike."""
    parts = [CHUNKER, draft.title, draft.body, draft.lang, draft.audience, draft.translation_key]
    if applies := to_json(draft.applies):  # what is not limited keeps the hash it always had
        parts.append(json.dumps(applies, sort_keys=True))
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()


def hashes(session: Session, collection: str, spec: str) -> dict[str, str]:
    """Content hash, by source, of the published articles of a collection that are embedded with `spec` throughout."""
    elsewise = select(ChunkRow.id).where(ChunkRow.version_id == ArticleRow.version_id, ChunkRow.spec != spec).exists()
    rows = session.execute(
        select(ArticleRow.source, VersionRow.content_hash)
        .join(VersionRow, VersionRow.id == ArticleRow.version_id)
        .where(ArticleRow.collection == collection, ArticleRow.status == Status.PUBLISHED, ~elsewise)
    )
    return dict(rows.tuples().all())


def save_version(
    session: Session,
    keywords: KeywordIndex,
    draft: ArticleDraft,
    chunks: Sequence[ChunkDraft],
    vectors: np.ndarray,
    spec: str,
    now: datetime,
    *,
    publish: bool = True,
) -> tuple[Article, Version]:
    """Write a new version of the article with (collection, source), with its chunks and vectors.

    publish: flip to it at once. Otherwise what is visible stays as it is, title, language and audience included.
    vectors: (len(chunks), dim) float32 unit rows of the embedding spec whose digest is `spec`.
    """
    take_turn(session)
    row = session.scalar(
        select(ArticleRow).where(ArticleRow.collection == draft.collection, ArticleRow.source == draft.source)
    )
    if row is None:
        row = ArticleRow(
            public_id=secrets.token_hex(8),
            collection=draft.collection,
            source=draft.source,
            status=Status.DRAFT,
            version_id=None,
            created_at=now,
        )
        session.add(row)
    if publish or row.version_id is None:
        row.title, row.lang, row.audience = draft.title, draft.lang, draft.audience
        row.translation_key, row.meta = draft.translation_key, dict(draft.meta)
        row.applies = to_json(draft.applies)
    row.updated_at = now
    session.flush()
    version = _add_version(session, row.id, draft, now)
    _add_chunks(session, version, draft, chunks, vectors, spec)
    if publish:
        show(session, keywords, row, version, Limits(draft.audience, to_json(draft.applies)), draft.lang, now)
        forget_old_chunks(session, row.id, keep=version.id)
    return _article(row), _version(version)


def _add_version(session: Session, article_id: int, draft: ArticleDraft, now: datetime) -> VersionRow:
    number = session.scalar(select(func.max(VersionRow.number)).where(VersionRow.article_id == article_id)) or 0
    version = VersionRow(
        article_id=article_id,
        number=number + 1,
        title=draft.title,
        body=draft.body,
        content_hash=content_hash(draft),
        status=Status.DRAFT,
        author=draft.author,
        created_at=now,
        applies=to_json(draft.applies),
    )
    session.add(version)
    session.flush()
    return version


def _add_chunks(
    session: Session,
    version: VersionRow,
    draft: ArticleDraft,
    chunks: Sequence[ChunkDraft],
    vectors: np.ndarray,
    spec: str,
) -> None:
    rows = [
        {
            "version_id": version.id,
            "article_id": version.article_id,
            "ordinal": chunk.ordinal,
            "collection": draft.collection,
            "audience": draft.audience,
            "lang": draft.lang,
            "breadcrumb": list(chunk.breadcrumb),
            "heading": chunk.heading,
            "text": chunk.text,
            "start": chunk.start,
            "end": chunk.end,
            "tokens": chunk_tokens(draft.title, chunk.breadcrumb, chunk.text),
            "live": False,
            "spec": spec,
            "vector": np.ascontiguousarray(vector, dtype="<f4").tobytes(),
            **columns(draft.applies),
        }
        for chunk, vector in zip(chunks, vectors, strict=True)
    ]
    if rows:
        session.execute(insert(ChunkRow.__table__), rows)  # type: ignore[arg-type]


def chunk_tokens(title: str, breadcrumb: Sequence[str], body: str) -> str:
    """What a chunk is found by in the keyword index, separated by blanks."""
    return " ".join(tokens("\n".join((title, *breadcrumb, body)), characters=True))


def publish(
    session: Session, keywords: KeywordIndex, public_id: str, now: datetime, number: int | None = None
) -> Article:
    """Make a version visible: the newest, or `number`. Raises NotFound; Conflict when its chunks are gone.

    A newer version brings the audience and the limits it was saved with; going back to an older one never widens them.
    """
    take_turn(session)
    row = _row(session, public_id)
    wanted = select(VersionRow).where(VersionRow.article_id == row.id).order_by(VersionRow.number.desc())
    version = session.scalar(wanted if number is None else wanted.where(VersionRow.number == number))
    if version is None:
        raise NotFound("version", number=number)
    saved = session.execute(
        select(ChunkRow.audience, ChunkRow.lang).where(ChunkRow.version_id == version.id).limit(1)
    ).one_or_none()
    if saved is None:
        raise Conflict("this version has no chunks any more; save it again", number=version.number)
    goes_back = row.version_id is not None and version.id <= row.version_id
    limits = Limits(row.audience, row.applies) if goes_back else Limits(saved.audience, version.applies)
    show(session, keywords, row, version, limits, saved.lang, now)
    return _article(row)


def archive(session: Session, keywords: KeywordIndex, public_id: str, now: datetime) -> Article:
    """Take an article out of every search and answer at once. Its versions stay; `publish` brings it back."""
    take_turn(session)
    row = _row(session, public_id)
    if row.version_id is not None:
        hide(session, keywords, row.version_id)
    row.status, row.updated_at = Status.ARCHIVED, now
    bump_generation(session)
    return _article(row)


def count_live(session: Session) -> int:
    return int(session.scalar(select(func.count()).select_from(ChunkRow).where(ChunkRow.live)) or 0)


@dataclass(frozen=True, slots=True)
class ArticleCounts:
    published: int
    draft: int
    archived: int
    chunks: int  # live ones


def counts(session: Session) -> ArticleCounts:
    by_status = dict(
        session.execute(select(ArticleRow.status, func.count()).group_by(ArticleRow.status)).tuples().all()
    )
    return ArticleCounts(
        by_status.get(Status.PUBLISHED, 0),
        by_status.get(Status.DRAFT, 0),
        by_status.get(Status.ARCHIVED, 0),
        count_live(session),
    )


def passages(session: Session, chunk_ids: Sequence[int], scope: Scope) -> dict[int, Passage]:
    """The chunks by id, checked against their rows now: live, published, for this audience. Others are left out.

    This is the second check of promise 7: an index may be stale, the rows are not.
    """
    if not chunk_ids:
        return {}
    clause, values = scope_clause(scope)
    chunk = aliased(ChunkRow, name="c")  # as the clause calls it
    query = (
        select(
            chunk.id, chunk.article_id, ArticleRow.public_id, chunk.version_id, VersionRow.number,
            chunk.collection, ArticleRow.source, VersionRow.title, chunk.breadcrumb, chunk.text, chunk.lang,
            chunk.audience, ArticleRow.translation_key, chunk.start, chunk.end, ArticleRow.applies,
        )
        .join(ArticleRow, ArticleRow.id == chunk.article_id)
        .join(VersionRow, VersionRow.id == chunk.version_id)
        .where(
            chunk.id.in_(list(chunk_ids)),
            chunk.live,
            ArticleRow.status == Status.PUBLISHED,
            ArticleRow.version_id == chunk.version_id,
            ArticleRow.audience.in_(scope.audiences),
            text(clause.removeprefix(" AND ")),
        )
    )  # fmt: skip
    return {
        row[0]: Passage(
            chunk_id=row[0], article_id=row[1], article_public_id=row[2], version_id=row[3], version_number=row[4],
            collection=row[5], source=row[6], title=row[7], breadcrumb=tuple(row[8]), text=row[9], lang=row[10],
            audience=Audience(row[11]), translation_key=row[12], score=0.0, similarity=0.0, keyword=0.0,
            start=row[13], end=row[14], applies=from_json(row[15]),
        )
        for row in session.execute(query, values)
    }  # fmt: skip


def passages_of_version(session: Session, version_id: int, scope: Scope) -> list[Passage]:
    """Every passage of a version that this scope may see now, in order."""
    query = select(ChunkRow.id).where(ChunkRow.version_id == version_id).order_by(ChunkRow.ordinal)
    ids = session.scalars(query).all()
    found = passages(session, ids, scope)
    return [found[chunk_id] for chunk_id in ids if chunk_id in found]


def get_article(session: Session, public_id: str, scope: Scope) -> Article:
    """An article this scope may see; staff see all. Raises NotFound for a wrong id and for one it may not see, alike."""
    row = _row(session, public_id)
    article = _article(row)
    if row.audience not in scope.audiences or (
        Audience.INTERNAL not in scope.audiences
        and (row.status != Status.PUBLISHED or not within(article.applies, scope))
    ):
        raise NotFound("article", public_id=public_id)
    return article


def get_version(session: Session, article: Article, number: int | None = None) -> Version:
    """The visible version, or `number`, or the newest when none was ever visible. Raises NotFound."""
    query = select(VersionRow).where(VersionRow.article_id == article.id).order_by(VersionRow.number.desc())
    if number is not None:
        query = query.where(VersionRow.number == number)
    elif article.version_id is not None:
        query = query.where(VersionRow.id == article.version_id)
    row = session.scalar(query)
    if row is None:
        raise NotFound("version", public_id=article.public_id, number=number)
    return _version(row)


def list_versions(session: Session, article: Article) -> list[Version]:
    """All versions of an article, newest first."""
    query = select(VersionRow).where(VersionRow.article_id == article.id).order_by(VersionRow.number.desc())
    return [_version(row) for row in session.scalars(query)]


def translations_of(session: Session, article: Article) -> list[Article]:
    """The same article in other languages, published, for the same audience."""
    if not article.translation_key:
        return []
    query = select(ArticleRow).where(
        ArticleRow.collection == article.collection,
        ArticleRow.translation_key == article.translation_key,
        ArticleRow.id != article.id,
        ArticleRow.audience == article.audience,
        ArticleRow.status == Status.PUBLISHED,
    )
    return [_article(row) for row in session.scalars(query)]


def list_articles(
    session: Session, *, search: str = "", lang: str = "", status: str = "", limit: int = 50, offset: int = 0
) -> tuple[list[Article], int]:
    """A page of articles by title, and how many match in all. `search` is part of a title or source, any case."""
    query = select(ArticleRow)
    if search:
        pattern = f"%{search.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        query = query.where(
            or_(ArticleRow.title.ilike(pattern, escape="!"), ArticleRow.source.ilike(pattern, escape="!"))
        )
    if lang:
        query = query.where(ArticleRow.lang == lang)
    if status:
        query = query.where(ArticleRow.status == status)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(ArticleRow.title, ArticleRow.id).limit(limit).offset(offset))
    return [_article(row) for row in rows], int(total)


def languages_by_key(session: Session, collection: str, keys: Sequence[str]) -> dict[str, set[str]]:
    """For each translation key: the languages in which a published article exists."""
    query = select(ArticleRow.translation_key, ArticleRow.lang).where(
        ArticleRow.collection == collection,
        ArticleRow.translation_key.in_([key for key in keys if key]),
        ArticleRow.status == Status.PUBLISHED,
    )
    found: dict[str, set[str]] = {}
    for key, lang in session.execute(query):
        found.setdefault(key, set()).add(lang)
    return found


def _row(session: Session, public_id: str) -> ArticleRow:
    row = session.scalar(select(ArticleRow).where(ArticleRow.public_id == public_id))
    if row is None:
        raise NotFound("article", public_id=public_id)
    return row


def _article(row: ArticleRow) -> Article:
    return Article(
        id=row.id, public_id=row.public_id, collection=row.collection, source=row.source, title=row.title,
        lang=row.lang, audience=Audience(row.audience), status=Status(row.status), translation_key=row.translation_key,
        version_id=row.version_id, updated_at=row.updated_at, applies=from_json(row.applies),
    )  # fmt: skip


def _version(row: VersionRow) -> Version:
    return Version(
        id=row.id, article_id=row.article_id, number=row.number, title=row.title, body=row.body,
        content_hash=row.content_hash, status=Status(row.status), created_at=row.created_at,
        published_at=row.published_at, author=row.author,
    )  # fmt: skip
