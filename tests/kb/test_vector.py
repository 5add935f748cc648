"""Exact search: every live vector, compared; it follows the database by itself and never mixes two states of it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from sqlalchemy import update

from kb import vector as module
from kb.models import Audience, Scope
from kb.tables import ChunkRow
from kb.vector import ExactIndex, Partition, VectorHit, count_stale, live_ids, load_vectors, merge_by_language
from tests.kb.library import DIM, PUBLIC, STAFF, Library, draft


def _ask(library: Library, index: ExactIndex, question: str, scope: Scope = PUBLIC, limit: int = 10) -> list[int]:
    return [hit.chunk_id for hit in index.search(library.embedder.embed_query(question, "en"), scope, limit)]


def test_the_nearest_chunk_comes_first_with_its_cosine(library: Library) -> None:
    library.fill(20)
    index, wanted = library.exact(), library.live_ids()[7]
    vector = library.embedder.embed_passages(["Article word7 about topic0."], ["en"])[0]
    hits = index.search(vector, PUBLIC, 5)
    assert hits[0].chunk_id == wanted
    assert hits[0].similarity == pytest.approx(1.0, abs=1e-5)
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)


def test_the_order_is_that_of_all_cosines(library: Library) -> None:
    library.fill(50)
    vector = library.embedder.embed_query("article about topic3", "en")
    with library.database.read() as session:
        ids = live_ids(session, library.spec)[Partition("many", "public", "en")]
        cosines = load_vectors(session, ids, DIM) @ vector
    expected = [int(i) for i in ids[np.lexsort((ids, -cosines))][:10]]
    assert _ask(library, library.exact(), "article about topic3") == expected


def test_an_empty_knowledge_base_finds_nothing(library: Library) -> None:
    assert _ask(library, library.exact(), "anything") == []


def test_only_audiences_and_collections_in_scope_are_compared(library: Library) -> None:
    library.save(draft("a.md", "treasure map"))
    library.save(draft("b.md", "treasure map", audience=Audience.INTERNAL))
    library.save(draft("c.md", "treasure map", collection="other"))
    public, internal, elsewhere = library.live_ids()
    index = library.exact()
    assert set(_ask(library, index, "treasure map")) == {public, elsewhere}
    assert set(_ask(library, index, "treasure map", STAFF)) == {public, internal, elsewhere}
    assert _ask(library, index, "treasure map", Scope((Audience.INTERNAL,), ("help",))) == [internal]
    assert _ask(library, index, "treasure map", Scope(collections=("nothing",))) == []


def test_each_language_gets_its_own_places(library: Library) -> None:
    for number in range(6):
        library.save(draft(f"en{number}.md", f"printer {number}", lang="en"))
        library.save(draft(f"zh{number}.md", f"打印机 {number}", lang="zh"))
    vector = library.embedder.embed_query("printer", "en")
    hits = library.exact().search(vector, PUBLIC, 3)
    assert sorted(hit.lang for hit in hits) == ["en"] * 3 + ["zh"] * 3


def test_a_change_is_found_by_the_next_search_and_only_what_is_new_is_loaded(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[int] = []

    def load(session, ids, dim):  # type: ignore[no-untyped-def]
        loaded.append(len(ids))
        return load_vectors(session, ids, dim)

    monkeypatch.setattr(module, "load_vectors", load)
    library.fill(10)
    index = library.exact()
    _ask(library, index, "article")
    library.save(draft("new.md", "A zebra crossing.", collection="many"))
    assert _ask(library, index, "zebra crossing")[0] == library.live_ids()[-1]
    article, _ = library.save(draft("0.md", "A giraffe instead.", collection="many"))
    library.archive(article)
    assert set(_ask(library, index, "giraffe", limit=100)) == set(library.live_ids())
    assert sum(loaded) == 11
    assert index.status()["vectors"] == 10


def test_a_chunk_that_changes_its_audience_changes_its_partition(library: Library) -> None:
    article, _ = library.save(draft(body="Secret drawer."))
    library.save(draft(body="Nothing.", audience=Audience.INTERNAL))
    index = library.exact()
    assert _ask(library, index, "secret drawer") == []
    library.publish(article, 1)
    assert _ask(library, index, "secret drawer") == []
    assert _ask(library, index, "secret drawer", STAFF) == library.live_ids()


def test_between_two_looks_the_database_is_left_alone_unless_told(library: Library) -> None:
    index = ExactIndex(library.database, library.spec, DIM, min_refresh_seconds=3600)
    library.fill(1)
    _ask(library, index, "article")
    library.save(draft(body="Zebra."))
    assert len(_ask(library, index, "zebra")) == 1
    index.refresh()
    assert len(_ask(library, index, "zebra")) == 2


@pytest.mark.parametrize("forget", ["release", "rebuild", "close"])
def test_what_was_forgotten_is_loaded_again(library: Library, forget: str) -> None:
    library.fill(3)
    index = library.exact()
    before = _ask(library, index, "article")
    index.rebuild("test") if forget == "rebuild" else getattr(index, forget)()
    assert index.status()["vectors"] == 0
    assert _ask(library, index, "article") == before


def test_vectors_of_another_spec_are_counted_and_left_out(library: Library) -> None:
    library.fill(3)
    first = library.live_ids()[0]
    with library.database.begin() as session:
        session.execute(update(ChunkRow).where(ChunkRow.id == first).values(spec="older"))
    assert first not in _ask(library, library.exact(), "article")
    with library.database.read() as session:
        assert count_stale(session, library.spec) == 1


def test_searches_during_changes_and_releases_are_never_wrong(sqlite_library: Library) -> None:
    """Ids and vectors must be of the same state: a hit's cosine belongs to its id."""
    library = sqlite_library
    library.fill(30)
    index, faults, stop = library.exact(), [], threading.Event()
    question = library.embedder.embed_query("article word5 topic5", "en")
    with library.database.read() as session:
        known = dict(zip(library.live_ids(), load_vectors(session, np.array(library.live_ids()), DIM), strict=True))

    def search() -> None:
        while not stop.is_set():
            hits = index.search(question, PUBLIC, 40)
            if len(hits) < 30 or any(
                abs(float(known[hit.chunk_id] @ question) - hit.similarity) > 1e-4
                for hit in hits
                if hit.chunk_id in known
            ):
                faults.append(hits)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(15):
        library.save(draft(f"new{number}.md", f"Another word{number}.", collection="many"))
        index.release()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []


def test_merging_keeps_the_best_of_each_language_and_breaks_ties_by_id() -> None:
    hits = {
        "en": [VectorHit(3, 0.5, "en"), VectorHit(1, 0.5, "en"), VectorHit(2, 0.9, "en")],
        "zh": [VectorHit(4, 0.1, "zh")],
    }
    assert [hit.chunk_id for hit in merge_by_language(hits, 2)] == [2, 1, 4]
