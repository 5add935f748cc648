"""pgvector on a real PostgreSQL: found as exactly as by comparing all, in step with the chunks, shared by processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from base.database import Database
from base.errors import MisconfiguredSetting
from kb import pgvector as module
from kb.hashed import hashed_embedder
from kb.models import Applies, Audience, Scope
from kb.pgvector import PgVectorIndex
from kb.vector import VectorHit
from tests.kb.library import DIM, PUBLIC, STAFF, Library, draft

pytestmark = pytest.mark.postgres
LIMITED = (
    Applies(products=("TiDB",), versions=("8.x",)), Applies(packages=("gold",)), Applies(valid_until="2026-01-31"),
)  # fmt: skip
SCOPES = (
    Scope(product="tidb"), Scope(product="other"), Scope(product="TiDB", version="7.5"), Scope(package="gold"),
    Scope(day="2026-01-31"), Scope(day="2026-02-01"), Scope((Audience.PUBLIC, Audience.INTERNAL)),
)  # fmt: skip
PATIENCE = 60.0


@pytest.fixture
def library(postgres_library: Library) -> Library:
    postgres_library.fill(30)
    return postgres_library


@pytest.fixture
def start(library: Library) -> Iterator[Callable[..., PgVectorIndex]]:
    made: list[PgVectorIndex] = []

    def begin(spec: str = "", dim: int = DIM) -> PgVectorIndex:
        made.append(PgVectorIndex(library.database, spec or library.spec, dim))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def _hits(
    library: Library, index: PgVectorIndex, question: str, scope: Scope = PUBLIC, limit: int = 10
) -> list[VectorHit]:
    return index.search(library.embedder.embed_query(question, "en"), scope, limit)


def _ids(library: Library, index: PgVectorIndex, question: str, scope: Scope = PUBLIC, limit: int = 10) -> list[int]:
    return [hit.chunk_id for hit in _hits(library, index, question, scope, limit)]


def _exact(library: Library, question: str, scope: Scope = PUBLIC, limit: int = 10) -> set[int]:
    return {hit.chunk_id for hit in library.exact().search(library.embedder.embed_query(question, "en"), scope, limit)}


@pytest.mark.parametrize("exact_rows", [5000, 5], ids=["compared exactly", "by HNSW"])
def test_every_chunk_is_found_by_its_own_words(
    library: Library, start: Callable[..., PgVectorIndex], exact_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT_ROWS", exact_rows)
    index = start()
    assert index.wait_until_current(PATIENCE)
    found = [_hits(library, index, f"Article word{i} about topic{i % 7}.")[0] for i in range(30)]
    assert [hit.chunk_id for hit in found] == library.live_ids()
    assert all(hit.similarity == pytest.approx(1.0, abs=2e-3) for hit in found)
    assert index.status() == {
        "index": "pgvector",
        "answers": "pgvector",
        "ready": True,
        "vectors": 30,
        "generation": 30,
    }


@pytest.mark.parametrize("exact_rows", [5000, 5], ids=["compared exactly", "by HNSW"])
def test_languages_audiences_and_collections_stay_apart(
    library: Library, start: Callable[..., PgVectorIndex], exact_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT_ROWS", exact_rows)
    library.save(draft("i.md", "Article word7 secret.", audience=Audience.INTERNAL))
    library.save(draft("z.md", "Article word7 中文。", lang="zh", collection="other"))
    index = start()
    assert index.wait_until_current(PATIENCE)
    for scope in (PUBLIC, STAFF, Scope(collections=("other",)), Scope((Audience.INTERNAL,), ("help",))):
        assert set(_ids(library, index, "article word7", scope, 50)) == _exact(library, "article word7", scope, 50)


@pytest.mark.parametrize("exact_rows", [5000, 5], ids=["compared exactly", "by HNSW"])
def test_what_an_article_applies_to_is_asked_inside_the_query(
    library: Library, start: Callable[..., PgVectorIndex], exact_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT_ROWS", exact_rows)
    for n, applies in enumerate(LIMITED):
        library.save(replace(draft(f"limited{n}.md", f"Article word7 limited{n}."), applies=applies))
    index = start()
    assert index.wait_until_current(PATIENCE)
    for scope in SCOPES:
        assert set(_ids(library, index, "article word7", scope, 50)) == _exact(library, "article word7", scope, 50)


def test_exact_search_answers_until_the_index_is_there(
    library: Library, start: Callable[..., PgVectorIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PgVectorIndex, "_bring_up", lambda self, condemned: -1)
    index = start()
    assert set(_ids(library, index, "article word7")) == _exact(library, "article word7")
    assert index.status()["ready"] is False


def test_what_is_added_changed_or_archived_follows(library: Library, start: Callable[..., PgVectorIndex]) -> None:
    index = start()
    article, _ = library.save(draft("0.md", "Zebra crossing.", collection="many"))
    assert _ids(library, index, "zebra crossing")[0] == library.live_ids()[-1]
    assert index.wait_until_current(PATIENCE)
    assert _ids(library, index, "zebra crossing")[0] == library.live_ids()[-1]
    library.archive(article)
    assert index.wait_until_current(PATIENCE)
    assert set(_ids(library, index, "zebra crossing", limit=100)) == set(library.live_ids())
    assert library.rows("kb_vectors") == 29


def test_a_chunk_that_changes_its_audience_is_found_by_the_new_one_only(
    library: Library, start: Callable[..., PgVectorIndex]
) -> None:
    article, _ = library.save(draft(body="Secret drawer."))
    library.save(draft(body="Nothing.", audience=Audience.INTERNAL))
    index = start()
    assert index.wait_until_current(PATIENCE)
    library.publish(article, 1)
    index.refresh()
    assert index.wait_until_current(PATIENCE)
    wanted = library.live_ids()
    assert _ids(library, index, "secret drawer", STAFF)[0] in wanted
    with library.database.read() as session:
        audiences = session.execute(text("SELECT audience FROM kb_vectors WHERE collection = 'help'")).scalars().all()
    assert audiences == ["internal"]


def test_two_processes_share_one_index(library: Library, start: Callable[..., PgVectorIndex]) -> None:
    one, two = start(), start()
    library.save(draft("new.md", "Zebra crossing."))
    assert one.wait_until_current(PATIENCE)
    assert two.wait_until_current(PATIENCE)
    assert library.rows("kb_vectors") == 31
    assert _ids(library, one, "zebra")[0] == _ids(library, two, "zebra")[0] == library.live_ids()[-1]


def test_a_lost_index_is_built_anew(library: Library, start: Callable[..., PgVectorIndex]) -> None:
    index = start()
    assert index.wait_until_current(PATIENCE)
    with library.database.begin() as session:
        session.execute(text("DELETE FROM kb_vectors"))
    assert _ids(library, index, "article word7") == []
    index.rebuild("canary_lost")
    assert _ids(library, index, "article word7")[0] == library.live_ids()[7]
    assert index.wait_until_current(PATIENCE)
    assert library.rows("kb_vectors") == 30
    assert _ids(library, index, "article word7")[0] == library.live_ids()[7]


def test_a_model_with_other_dimensions_gets_a_table_of_its_own(
    library: Library, start: Callable[..., PgVectorIndex]
) -> None:
    first = start()
    assert first.wait_until_current(PATIENCE)
    first.close()
    other = Library(library.database, hashed_embedder(64))
    assert start(other.spec, 64).wait_until_current(PATIENCE)
    assert library.rows("kb_vectors") == 0


def test_a_table_that_is_gone_answers_exactly_and_comes_back(
    library: Library, start: Callable[..., PgVectorIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.derived.RETRY_SECONDS", (0.05, 0.1))
    index = start()
    assert index.wait_until_current(PATIENCE)
    with library.database.begin() as session:
        session.execute(text("ALTER TABLE kb_vectors RENAME TO kb_vectors_away"))
    assert set(_ids(library, index, "article word7")) == _exact(library, "article word7")
    with library.database.begin() as session:
        session.execute(text("ALTER TABLE kb_vectors_away RENAME TO kb_vectors"))
    assert index.wait_until_current(PATIENCE)


def test_a_server_without_the_extension_is_said(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    class _NoExtension:
        def scalar_one(self) -> int:
            return 0

    class _Session:
        def execute(self, *args: object) -> _NoExtension:
            return _NoExtension()

    with pytest.raises(MisconfiguredSetting, match="pgvector"):
        module._make_extension(_Session())  # type: ignore[arg-type]


def test_sqlite_is_refused() -> None:
    with pytest.raises(MisconfiguredSetting, match="PostgreSQL"):
        PgVectorIndex(Database("sqlite:///x.db"), "spec", DIM)
