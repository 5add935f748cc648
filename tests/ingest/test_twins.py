"""Language versions that only one name of a pair tells: whichever is read first, they end as one article."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from base.clock import FixedClock
from base.database import Database
from ingest.pipeline import IngestOptions, IngestReport, Pipeline
from ingest.sources import Source, translation_key
from ingest.twins import key_of
from kb import store
from kb.tables import ArticleRow
from tests.articles import write
from tests.kb.library import Library

FAQ = {"faq.md": "# Opening hours\n\nWe open at nine.\n", "faq.zh.md": "# 营业时间\n\n我们九点开门。\n"}


@pytest.fixture
def library(database: Database) -> Library:
    return Library(database)


@pytest.fixture
def read(library: Library, clock: FixedClock, tmp_path: Path) -> Callable[..., IngestReport]:
    """Ingests files of the folder by their names, in one run."""
    write(tmp_path / "in", FAQ)

    def ingest(*names: str, collection: str = "help") -> IngestReport:
        pipeline = Pipeline(library.database, library.embedder, library.keywords, None, clock)
        return pipeline.run([Source(tmp_path / "in" / name, name) for name in names], IngestOptions(collection))

    return ingest


def keys(library: Library) -> dict[str, str]:
    with library.database.read() as session:
        return dict(session.execute(select(ArticleRow.source, ArticleRow.translation_key)).tuples().all())


@pytest.mark.parametrize(
    "runs",
    [
        [("faq.md", "faq.zh.md")],
        [("faq.zh.md", "faq.md")],
        [("faq.md",), ("faq.zh.md",)],
        [("faq.zh.md",), ("faq.md",)],
    ],
    ids=["together", "together, turned", "the plain one first", "the marked one first"],
)
def test_a_plain_name_and_a_marked_one_become_translations(
    runs: list[tuple[str, ...]], read: Callable[..., IngestReport], library: Library
) -> None:
    for names in runs:
        read(*names)
    assert keys(library) == {"faq.md": "faq.md", "faq.zh.md": "faq.md"}
    with library.database.read() as session:
        both, _ = store.list_articles(session)
        assert [[other.lang for other in store.translations_of(session, one)] for one in both] == [["zh"], ["en"]]
    again = read("faq.md", "faq.zh.md")
    assert [result.status for result in again.files] == ["unchanged", "unchanged"]


def test_a_plain_name_alone_has_no_translations(read: Callable[..., IngestReport], library: Library) -> None:
    read("faq.md")
    assert keys(library) == {"faq.md": ""}


def test_another_collection_is_another_matter(read: Callable[..., IngestReport], library: Library) -> None:
    read("faq.md", collection="one")
    read("faq.zh.md", collection="two")
    assert keys(library) == {"faq.md": "", "faq.zh.md": "faq.md"}


@pytest.mark.parametrize(
    ("name", "others", "key"),
    [
        ("faq.md", ["faq.zh.md"], "faq.md"),
        ("net/vpn.md", ["zh/net/vpn.md"], "net/vpn.md"),
        ("net/vpn.md", ["zh/vpn.md"], ""),
        ("faq.html", ["faq.zh.md"], ""),
        ("faq.zh.md", [], "faq.md"),
        ("other.md", ["faq.zh.md"], ""),
    ],
)
def test_the_key_is_the_name_without_its_language(name: str, others: list[str], key: str) -> None:
    assert key_of(name, {translation_key(other) for other in others}) == key
