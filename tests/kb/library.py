"""A knowledge base for tests: articles in, passages out. The embedder hashes words, so that nothing is loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text

from base.database import Database
from kb import store
from kb.embed import Embedder
from kb.hashed import hashed_embedder
from kb.keyword import make_keyword_index
from kb.models import Article, ArticleDraft, Audience, ChunkDraft, Passage, Scope, Version
from kb.search import Searcher
from kb.tables import ChunkRow
from kb.vector import ExactIndex, VectorIndex

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PUBLIC = Scope()
STAFF = Scope(audiences=(Audience.PUBLIC, Audience.INTERNAL))
DIM = 256


def draft(
    source: str = "vpn.md",
    body: str = "Choose TCP 443 mode.",
    *,
    title: str = "",
    lang: str = "en",
    audience: Audience = Audience.PUBLIC,
    collection: str = "help",
    key: str = "",
) -> ArticleDraft:
    return ArticleDraft(collection, source, title or source, body, lang, audience, key, "Wang")


def cut(body: str) -> list[ChunkDraft]:
    """One chunk for each paragraph."""
    pieces, at = [], 0
    for ordinal, paragraph in enumerate(body.split("\n\n")):
        start = body.index(paragraph, at)
        at = start + len(paragraph)
        pieces.append(ChunkDraft(ordinal, (), "", paragraph, start, at))
    return pieces


class Library:
    """Store, indexes and search over one database."""

    def __init__(self, database: Database, embedder: Embedder | None = None) -> None:
        self.database = database
        self.embedder = embedder or hashed_embedder(DIM)
        self.keywords = make_keyword_index(database)
        self.now = MONDAY

    @property
    def spec(self) -> str:
        return self.embedder.spec.digest

    def save(self, article: ArticleDraft, *, publish: bool = True) -> tuple[Article, Version]:
        chunks = cut(article.body)
        vectors = self.embedder.embed_passages([chunk.text for chunk in chunks], [article.lang] * len(chunks))
        self.now += timedelta(minutes=1)
        with self.database.begin() as session:
            return store.save_version(
                session, self.keywords, article, chunks, vectors, self.spec, self.now, publish=publish
            )

    def fill(self, count: int, *, collection: str = "many") -> None:
        """`count` one-chunk articles, each with a word of its own: "word0", "word1" ..."""
        for i in range(count):
            self.save(draft(f"{i}.md", f"Article word{i} about topic{i % 7}.", collection=collection))

    def publish(self, article: Article, number: int | None = None) -> Article:
        with self.database.begin() as session:
            return store.publish(session, self.keywords, article.public_id, self.now, number)

    def archive(self, article: Article) -> Article:
        with self.database.begin() as session:
            return store.archive(session, self.keywords, article.public_id, self.now)

    def exact(self) -> ExactIndex:
        return ExactIndex(self.database, self.spec, DIM, min_refresh_seconds=0)

    def searcher(self, vectors: VectorIndex | None = None) -> Searcher:
        return Searcher(self.database, self.embedder, vectors or self.exact(), self.keywords)

    def found(self, question: str, scope: Scope = PUBLIC, vectors: VectorIndex | None = None) -> list[str]:
        """The texts of the passages, best first."""
        return [passage.text for passage in self.passages(question, scope, vectors)]

    def passages(self, question: str, scope: Scope = PUBLIC, vectors: VectorIndex | None = None) -> list[Passage]:
        return list(self.searcher(vectors).search(question, scope=scope).passages)

    def live_texts(self) -> list[str]:
        with self.database.read() as session:
            return list(session.scalars(select(ChunkRow.text).where(ChunkRow.live).order_by(ChunkRow.id)))

    def live_ids(self) -> list[int]:
        with self.database.read() as session:
            return list(session.scalars(select(ChunkRow.id).where(ChunkRow.live).order_by(ChunkRow.id)))

    def counts(self) -> tuple[int, int]:
        """Live chunks, and chunks in the keyword index."""
        with self.database.read() as session:
            return store.count_live(session), self.keywords.count(session)

    def rows(self, table: str) -> int:
        with self.database.read() as session:
            return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    def generation(self) -> int:
        with self.database.read() as session:
            return store.generation(session)

    def chunks(self) -> int:
        with self.database.read() as session:
            return int(session.scalar(select(func.count()).select_from(ChunkRow)) or 0)
