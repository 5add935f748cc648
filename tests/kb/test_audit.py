"""The index is derived (promise 10): divergence is noticed and repaired, and search answers throughout."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text, update

from kb import audit
from kb.audit import AuditReport, check, re_embed, rebuild_keywords, remember_spec, repair
from kb.chroma import SealedChroma
from kb.embed import CentredEmbedder
from kb.hashed import HashEncoder, hashed_embedder
from kb.tables import ChunkRow, SpecRow
from kb.vector import ExactIndex, VectorIndex
from tests.kb.library import DIM, Library, draft

PATIENCE = 60.0


def _check(library: Library, vectors: VectorIndex | None = None) -> AuditReport:
    return check(library.database, library.embedder, vectors or library.exact(), library.keywords)


def _repair(library: Library, vectors: VectorIndex | None = None) -> AuditReport:
    return repair(library.database, library.embedder, vectors or library.exact(), library.keywords)


@pytest.fixture
def chroma(sqlite_library: Library, tmp_path: Path) -> Iterator[SealedChroma]:
    sqlite_library.fill(40)
    made = SealedChroma(tmp_path / "index", sqlite_library.database, sqlite_library.spec, DIM, exact_up_to=-1)
    made.start()
    assert made.wait_until_current(PATIENCE)
    yield made
    made.close()


def test_what_agrees_is_reported_so(library: Library) -> None:
    library.fill(30)
    assert _check(library) == AuditReport(30, 30, 0)
    assert _check(library).ok


def test_an_empty_knowledge_base_agrees(library: Library) -> None:
    assert _check(library).ok


def test_texts_that_repeat_hundreds_of_times_are_no_false_alarm(sqlite_library: Library) -> None:
    sqlite_library.save(draft(body="\n\n".join(["The same notice on every page."] * 260)))
    assert _check(sqlite_library).ok


def test_words_of_any_kind_are_no_false_alarm(library: Library) -> None:
    for number, body in enumerate(["𠮷野家 \u19b0 𞤀𞤁", "x" * 5_000, "it's C++ & C#", "😀", "ﬁle ½ ²"]):
        library.save(draft(f"{number}.md", body))
    assert _check(library).ok


def test_a_chunk_missing_in_the_keyword_index_is_noticed_and_put_back(library: Library) -> None:
    library.fill(10)
    with library.database.begin() as session:
        library.keywords.remove(session, library.live_ids()[:1])
    report = _check(library)
    assert (report.live_chunks, report.keyword_chunks, report.keywords_ok) == (10, 9, False)
    assert library.live_ids()[0] in report.lost_by_keyword
    assert _repair(library).ok
    assert library.found("word0")[0] == "Article word0 about topic0."


def test_a_keyword_index_that_counts_right_and_finds_nothing_is_noticed(sqlite_library: Library) -> None:
    sqlite_library.fill(10)
    with sqlite_library.database.begin() as session:
        ids = sqlite_library.live_ids()
        sqlite_library.keywords.clear(session)
        for chunk_id in ids:
            session.execute(text("INSERT INTO kb_keywords(rowid, tokens) VALUES (:i, 'nothing')"), {"i": chunk_id})
    report = _check(sqlite_library)
    assert (report.live_chunks, report.keyword_chunks) == (10, 10)
    assert len(report.lost_by_keyword) == 10
    # External content: FTS5 must be rebuilt from the rows, not row by row, as it no longer knows what it holds.
    assert _repair(sqlite_library).ok


def test_vectors_of_an_older_model_are_noticed_and_made_anew(library: Library) -> None:
    library.fill(10)
    library.save(draft("draft.md", "Not visible yet."), publish=False)
    with library.database.begin() as session:
        session.execute(update(ChunkRow).where(ChunkRow.id <= 4).values(spec="older", vector=b"\x00" * 4 * DIM))
    vectors = library.exact()
    report = _check(library, vectors)
    assert (report.stale_vectors, report.ok, report.vectors_ok) == (4, False, True)
    assert "Article word2 about topic2." in library.found("word2", vectors=vectors)  # by its words
    assert _repair(library, vectors).ok
    assert vectors.status()["vectors"] == 10


class _Failing(CentredEmbedder):
    """An embedder whose process is killed after a number of batches."""

    left = 0

    def embed_passages(self, texts, langs):  # type: ignore[no-untyped-def]
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return super().embed_passages(texts, langs)


def test_embedding_anew_goes_on_where_it_was_interrupted(library: Library) -> None:
    library.fill(20)
    new = hashed_embedder(64)
    failing = _Failing(HashEncoder(64), new.spec, new._means)
    failing.left = 2
    with pytest.raises(KeyboardInterrupt):
        re_embed(library.database, failing, batch=5)
    assert re_embed(library.database, new, batch=5) == 10
    assert re_embed(library.database, new) == 0
    changed = Library(library.database, new)
    exact = ExactIndex(library.database, new.spec.digest, 64)
    assert check(library.database, new, exact, library.keywords).ok
    assert changed.found("word7", vectors=exact)[0] == "Article word7 about topic0."


def test_what_is_visible_is_embedded_first(library: Library) -> None:
    library.save(draft("draft.md", "A draft."), publish=False)
    library.save(draft("live.md", "Visible."))
    new = hashed_embedder(64)
    failing = _Failing(HashEncoder(64), new.spec, new._means)
    failing.left = 1
    with pytest.raises(KeyboardInterrupt):
        re_embed(library.database, failing, batch=1)
    with library.database.read() as session:
        done = (
            session.execute(text("SELECT text FROM kb_chunks WHERE spec = :s"), {"s": new.spec.digest}).scalars().all()
        )
    assert done == ["Visible."]


def test_rebuilding_the_keywords_says_how_many_and_starts_a_new_generation(library: Library) -> None:
    library.fill(5)
    before = library.generation()
    assert rebuild_keywords(library.database, library.keywords) == 5
    assert (library.counts(), library.generation()) == ((5, 5), before + 1)


def test_searches_answer_while_everything_is_rebuilt(library: Library) -> None:
    library.fill(20)
    searcher, empty, stop = library.searcher(), [], threading.Event()

    def search() -> None:
        while not stop.is_set():
            if not any("word3" in p.text for p in searcher.search("article word3").passages):
                empty.append(1)

    thread = threading.Thread(target=search)
    thread.start()
    for _ in range(5):
        rebuild_keywords(library.database, library.keywords)
    stop.set()
    thread.join()
    assert empty == []


def test_the_spec_in_force_is_remembered_once(library: Library) -> None:
    remember_spec(library.database, library.embedder)
    remember_spec(library.database, library.embedder)
    with library.database.read() as session:
        row = session.get(SpecRow, library.spec)
        assert row is not None
        assert row.spec["provider"] == "hashed"
    assert library.rows("kb_specs") == 1


def test_a_gutted_index_is_noticed_by_its_canaries_and_built_anew(
    sqlite_library: Library, chroma: SealedChroma, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind our back the collections lose their vectors: counts may stay right, the chunks do not find themselves."""
    library = sqlite_library
    for part in chroma._parts:
        part.collection.delete(ids=[str(i) for i in library.live_ids()[5:]])
    report = _check(library, chroma)
    assert len(report.lost_by_vector) >= audit.CANARIES - 2
    assert library.found("article word20", vectors=chroma)[0] == "Article word20 about topic6."
    assert _repair(library, chroma).ok
    assert chroma.wait_until_current(PATIENCE)
    assert _check(library, chroma).ok
    assert chroma.status()["ready"] is True


def test_segment_files_deleted_while_the_server_was_down_are_noticed_at_its_start(
    sqlite_library: Library, chroma: SealedChroma, tmp_path: Path
) -> None:
    chroma.close()
    for path in (tmp_path / "index" / "store").glob("*/*"):
        path.unlink()
    again = SealedChroma(tmp_path / "index", sqlite_library.database, sqlite_library.spec, DIM, exact_up_to=-1)
    again.start()
    try:
        assert _check(sqlite_library, again).ok
        assert again.wait_until_current(PATIENCE)
        assert _check(sqlite_library, again).ok
    finally:
        again.close()


@pytest.mark.postgres
def test_a_gutted_pgvector_table_is_filled_again(postgres_library: Library) -> None:
    from kb.pgvector import PgVectorIndex

    library = postgres_library
    library.fill(20)
    vectors = PgVectorIndex(library.database, library.spec, DIM)
    try:
        assert vectors.wait_until_current(PATIENCE)
        with library.database.begin() as session:
            session.execute(text("DELETE FROM kb_vectors"))
        vectors._wake.clear()
        lost = [i for i in library.live_ids() if not audit._found_by_vector(vectors, i, _vector(library, i))]
        assert len(lost) == 20
        _repair(library, vectors)
        vectors.rebuild("again, so that there is something to wait for")
        assert vectors.wait_until_current(PATIENCE)
        assert _check(library, vectors).ok
        assert library.rows("kb_vectors") == 20
    finally:
        vectors.close()


def _vector(library: Library, chunk_id: int) -> bytes:
    with library.database.read() as session:
        return bytes(session.execute(text("SELECT vector FROM kb_chunks WHERE id = :i"), {"i": chunk_id}).scalar_one())
