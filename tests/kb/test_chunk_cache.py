"""What search remembers of chunks: never more than the rows say now."""

from __future__ import annotations

import pytest

from kb import chunk_cache, store
from kb.chunk_cache import ChunkCache, KnownChunk
from kb.models import Audience, Scope
from kb.tables import ArticleRow
from tests.kb.library import PUBLIC, STAFF, Library, draft


def remembered(library: Library, cache: ChunkCache, ids: list[int], scope: Scope = PUBLIC) -> dict[int, KnownChunk]:
    with library.database.read() as session:
        return cache.get(session, ids, scope, store.generation(session))


def ids_of(library: Library, version_id: int) -> list[int]:
    with library.database.read() as session:
        return [p.chunk_id for p in store.passages_of_version(session, version_id, STAFF)]


def test_a_chunk_comes_with_its_passage_tokens_and_vector(library: Library) -> None:
    _, version = library.save(draft(body="Choose TCP 443 mode.", title="VPN in a hotel"))
    [chunk_id] = ids_of(library, version.id)
    known = remembered(library, ChunkCache(), [chunk_id])[chunk_id]
    assert (known.passage.text, known.passage.title) == ("Choose TCP 443 mode.", "VPN in a hotel")
    assert {"tcp", "443", "vpn"} <= known.tokens
    assert known.vector @ known.vector == pytest.approx(1.0)
    assert known.spec == library.spec


def test_it_says_the_same_the_second_time(library: Library) -> None:
    _, version = library.save(draft(body="First.\n\nSecond."))
    ids, cache = ids_of(library, version.id), ChunkCache()
    first, second = remembered(library, cache, ids), remembered(library, cache, ids)
    assert list(first) == list(second)
    assert all(first[i] is second[i] for i in ids)


def test_an_archived_article_is_gone_although_it_was_remembered(library: Library) -> None:
    article, version = library.save(draft())
    ids, cache = ids_of(library, version.id), ChunkCache()
    assert remembered(library, cache, ids)
    library.archive(article)
    assert remembered(library, cache, ids) == {}


def test_a_row_that_changed_without_a_new_generation_is_believed_all_the_same(library: Library) -> None:
    article, version = library.save(draft())
    ids, cache = ids_of(library, version.id), ChunkCache()
    assert remembered(library, cache, ids)
    with library.database.begin() as session:
        session.query(ArticleRow).filter(ArticleRow.id == article.id).update({"audience": Audience.INTERNAL})
    assert remembered(library, cache, ids) == {}
    assert list(remembered(library, cache, ids, STAFF)) == ids


def test_another_collection_is_left_out(library: Library) -> None:
    _, version = library.save(draft(collection="help"))
    ids = ids_of(library, version.id)
    assert remembered(library, ChunkCache(), ids, Scope(collections=("other",))) == {}
    assert list(remembered(library, ChunkCache(), ids, Scope(collections=("other", "help")))) == ids


def test_the_chunks_of_a_version_come_in_order_while_it_is_visible(library: Library) -> None:
    article, version = library.save(draft(body="First.\n\nSecond.\n\nThird."))
    cache = ChunkCache()

    def texts(scope: Scope = PUBLIC) -> list[str]:
        with library.database.read() as session:
            found = cache.of_version(session, version.id, scope, store.generation(session), cache.get)
        return [passage.text for passage in found]

    assert texts() == texts() == ["First.", "Second.", "Third."]
    assert texts(Scope(audiences=(Audience.INTERNAL,))) == []
    library.archive(article)
    assert texts() == []


def test_nothing_asked_for_is_nothing_found(library: Library) -> None:
    assert remembered(library, ChunkCache(), []) == {}


def test_a_full_memory_forgets_and_goes_on(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_cache, "MAX_CHUNKS", 3)
    cache, all_ids = ChunkCache(), []
    for number in range(5):
        _, version = library.save(draft(f"{number}.md", f"Body {number}."))
        all_ids += ids_of(library, version.id)
    for _ in range(2):
        for chunk_id in all_ids:
            assert list(remembered(library, cache, [chunk_id])) == [chunk_id]


def test_twins_are_found_by_collection_key_and_language(library: Library) -> None:
    _, zh = library.save(draft("zh/vpn.md", "选择 TCP 443 模式。", lang="zh", key="vpn.md"))
    library.save(draft("en/vpn.md", "Choose TCP 443 mode.", lang="en", key="vpn.md"))
    library.save(draft("zh/vpn.md", "别的公司。", lang="zh", key="vpn.md", collection="other"))
    cache = ChunkCache()
    wanted = [("help", "vpn.md"), ("help", "printer.md")]
    for _ in range(2):
        with library.database.read() as session:
            found = cache.twins(session, wanted, "zh", store.generation(session))
        assert found == {("help", "vpn.md"): tuple(ids_of(library, zh.id)), ("help", "printer.md"): ()}
