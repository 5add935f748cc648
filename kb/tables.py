"""Rows of the knowledge base. The keyword index (FTS5 or tsvector) is made by the migration: it is derived."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Json, Table, UtcDateTime


class ArticleRow(Table):
    __tablename__ = "kb_articles"
    __table_args__ = (
        UniqueConstraint("collection", "source"),
        Index("ix_kb_articles_translation", "collection", "translation_key"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    collection: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    lang: Mapped[str] = mapped_column(String(8))
    audience: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16), index=True)
    translation_key: Mapped[str] = mapped_column(Text, default="")
    version_id: Mapped[int | None] = mapped_column(Integer)
    meta: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    applies: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # as written; see kb/applies.py
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VersionRow(Table):
    __tablename__ = "kb_versions"
    __table_args__ = (UniqueConstraint("article_id", "number"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("kb_articles.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    applies: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # as this version was saved with


class ChunkRow(Table):
    """A chunk and its vector, written together. `live`: of the visible version of a published article."""

    __tablename__ = "kb_chunks"
    __table_args__ = (
        Index("ix_kb_chunks_version", "version_id"),
        # All that tells which chunks an index holds, so that none of the wide rows is read for it.
        Index(
            "ix_kb_chunks_live",
            "live",
            "spec",
            "collection",
            "audience",
            "lang",
            "products",
            "versions",
            "packages",
            "valid_from",
            "valid_until",
        ),
        {"sqlite_autoincrement": True},  # an index knows a chunk by its id: one that is gone must never come back
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("kb_versions.id", ondelete="CASCADE"))
    article_id: Mapped[int] = mapped_column(Integer)
    ordinal: Mapped[int] = mapped_column(Integer)
    collection: Mapped[str] = mapped_column(String(100))
    audience: Mapped[str] = mapped_column(String(16))
    lang: Mapped[str] = mapped_column(String(8))
    breadcrumb: Mapped[list[str]] = mapped_column(Json)
    heading: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    start: Mapped[int] = mapped_column(Integer)
    end: Mapped[int] = mapped_column(Integer)
    tokens: Mapped[str] = mapped_column(Text)  # of title, headings and text, separated by blanks
    live: Mapped[bool] = mapped_column(Boolean, default=False)
    spec: Mapped[str] = mapped_column(String(64))  # digest of the embedding spec the vector belongs to
    vector: Mapped[bytes] = mapped_column(LargeBinary)  # float32, little endian, unit length, centred
    products: Mapped[str] = mapped_column(Text, default="")  # what its article applies to, folded, to be compared
    versions: Mapped[str] = mapped_column(Text, default="")
    packages: Mapped[str] = mapped_column(Text, default="")
    valid_from: Mapped[str] = mapped_column(String(10), default="")  # days, as text
    valid_until: Mapped[str] = mapped_column(String(10), default="9999-12-31")


class SpecRow(Table):
    """An embedding spec that vectors were made with."""

    __tablename__ = "kb_specs"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    spec: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GenerationRow(Table):
    """One row, id 1: `number` grows by one with every change of what is live. Indexes compare it with their own.

    tokenizer: the one (base/text.py: TOKENIZER) that cut the tokens of all chunks; empty when that is not known.
    """

    __tablename__ = "kb_generation"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    tokenizer: Mapped[str] = mapped_column(String(40), default="")
