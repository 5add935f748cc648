"""A file without a language in its name, beside one that has it: "faq.md" and "faq.zh.md" are one article in two languages.

Which comes first does not matter: what is read later joins what is there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.sources import translation_key
from kb.applies import from_json
from kb.models import ArticleDraft, Audience
from kb.store import content_hash
from kb.tables import ArticleRow, VersionRow


def known_keys(session: Session, collection: str) -> set[str]:
    """The translation keys in use in a collection."""
    query = select(ArticleRow.translation_key).where(
        ArticleRow.collection == collection, ArticleRow.translation_key != ""
    )
    return set(session.scalars(query.distinct()))


def key_of(name: str, keys: Collection[str]) -> str:
    """A file's translation key: by its language mark, or its plain name where a translation has that one as its key."""
    return translation_key(name) or (name if name in keys else "")


def join(session: Session, collection: str, keys: Collection[str]) -> None:
    """Give the articles that were read without a key, and whose name is one of `keys`, that key.

    In the transaction that makes their translations visible. Their content hash follows, so that they stay unchanged.
    """
    wanted = {key for key in keys if key}
    if not wanted:
        return
    query = (
        select(ArticleRow, VersionRow)
        .join(VersionRow, VersionRow.id == ArticleRow.version_id)
        .where(ArticleRow.collection == collection, ArticleRow.source.in_(wanted), ArticleRow.translation_key == "")
    )
    for article, version in session.execute(query).tuples().all():
        before = ArticleDraft(
            collection=collection, source=article.source, title=version.title, body=version.body, lang=article.lang,
            audience=Audience(article.audience), translation_key="", author=version.author,
            applies=from_json(version.applies),
        )  # fmt: skip
        article.translation_key = article.source
        if version.content_hash == content_hash(before):  # else it is due to be read again anyway
            version.content_hash = content_hash(replace(before, translation_key=article.source))
