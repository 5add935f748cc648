"""What an article applies to, asked in Python and inside the query of every ranker: both say the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from base.clock import FixedClock, local_day
from base.database import Database
from base.errors import NotFound
from kb import store
from kb.applies import columns, from_columns, from_json, scope_clause, to_json, within
from kb.chunk_cache import ChunkCache
from kb.models import ALL, Applies, ArticleDraft, Scope
from kb.search import Searcher
from kb.vector import ExactIndex
from tests.kb.library import DIM, MONDAY, PUBLIC, STAFF, Library, draft

ARTICLES = {
    "all": ALL,
    "tidb": Applies(products=("TiDB",)),
    "cloud or tiflash": Applies(products=("TiDB Cloud", "TiFlash")),
    "line 8": Applies(products=("TiDB",), versions=("8.x",)),
    "8.5": Applies(versions=("v8.5",)),
    "8.50": Applies(versions=("8.50",)),
    "2019 or 2022": Applies(versions=("2019", "2022")),
    "gold": Applies(packages=("Gold", "Platinum")),
    "per cent": Applies(products=("100%_sure!",)),
    "until monday": Applies(valid_until="2026-11-23"),
    "from tuesday": Applies(valid_from="2026-11-24"),
    "that week": Applies(products=("TiDB",), valid_from="2026-11-23", valid_until="2026-11-29"),
}
SCOPES = [
    replace(Scope(), product=name, version=version, package=package, day=day)
    for name, version, package, day in product(
        ("", "tidb", "TIDB  Cloud", "ＴｉＤＢ", "other", "100%_sure!", "100xxsure!"),
        ("", "8", "v8.5", "8.5.1", "8.50", "7", "2022", "2.x"),
        ("", "gold", "PLATINUM", "basic", "%"),
        ("", "2026-11-22", "2026-11-23", "2026-11-24", "2026-12-01"),
    )
] + [replace(STAFF, version="8.5"), replace(STAFF, day="2026-12-01"), replace(PUBLIC, collections=("other",))]


@pytest.fixture
def filled(database: Database) -> Library:
    library = Library(database)
    for name, applies in ARTICLES.items():
        library.save(about(name, applies))
    return library


def about(name: str, applies: Applies) -> ArticleDraft:
    return replace(draft(f"{name}.md", f"Treasure {name}."), applies=applies)


def _expected(scope: Scope) -> set[str]:
    if scope.collections:
        return set()
    return {f"Treasure {name}." for name, applies in ARTICLES.items() if within(applies, scope)}


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (Scope(), {"all", "tidb", "cloud or tiflash", "line 8", "8.5", "8.50", "2019 or 2022", "per cent",
                   "until monday", "from tuesday", "that week"}),
        (Scope(product="tidb cloud"), {"all", "cloud or tiflash", "8.5", "8.50", "2019 or 2022", "until monday",
                                       "from tuesday"}),
        (Scope(product="tidb", version="8.5.3", day="2026-11-23"), {"all", "tidb", "line 8", "8.5", "until monday",
                                                                    "that week"}),
        (Scope(product="nothing", package="platinum", day="2026-11-24"), {"all", "8.5", "8.50", "2019 or 2022", "gold",
                                                                          "from tuesday"}),
        (replace(STAFF, day="2027-01-01", product="x"), {"all", "8.5", "8.50", "2019 or 2022", "gold",
                                                             "from tuesday"}),
    ],
)  # fmt: skip
def test_an_article_is_seen_where_what_it_names_agrees(scope: Scope, seen: set[str]) -> None:
    assert {name for name, applies in ARTICLES.items() if within(applies, scope)} == seen


def test_every_way_to_a_chunk_asks_the_same(filled: Library) -> None:
    ids = filled.live_ids()
    vector = filled.embedder.embed_query("treasure", "en")
    exact, cache = filled.exact(), ChunkCache()
    with filled.database.read() as session:
        texts = {chunk_id: p.text for chunk_id, p in store.passages(session, ids, replace(STAFF, day="")).items()}
        for scope in SCOPES[:: 1 if filled.database.is_sqlite else 9]:
            expected = _expected(scope)
            assert {texts[h.chunk_id] for h in exact.search(vector, scope, 50)} == expected, scope
            by_word = filled.keywords.search(session, ["treasur"], scope, 50)
            assert {texts[h.chunk_id] for h in by_word} == expected, scope
            assert {p.text for p in store.passages(session, ids, scope).values()} == expected, scope
            assert {k.passage.text for k in cache.get(session, ids, scope, 1).values()} == expected, scope
            assert {k.passage.text for k in cache.recall(session, ids, scope, 1).values()} == expected, scope


def test_the_nearest_that_may_be_seen_are_found_behind_many_that_may_not(database: Database) -> None:
    library = Library(database)
    for i in range(60):
        library.save(about(f"hidden{i}", Applies(packages=("gold",))))
    library.save(draft("seen.md", "A treasure among many other words that make it less near."))
    assert library.found("treasure") == ["A treasure among many other words that make it less near."]


def test_an_article_runs_out_when_its_day_is_over_without_restart_or_index(filled: Library) -> None:
    clock = FixedClock(MONDAY)
    searcher = Searcher(
        filled.database, filled.embedder, filled.exact(), filled.keywords, local_day(clock, "Asia/Shanghai")
    )

    def found(word: str) -> bool:
        return any(p.source == f"{word}.md" for p in searcher.search(f"treasure {word}", top_k=20).passages)

    assert (found("until monday"), found("from tuesday")) == (True, False)
    clock.advance(hours=13)  # 23:00 in Shanghai
    assert (found("until monday"), found("from tuesday")) == (True, False)
    clock.advance(hours=2)  # Tuesday there, still Monday in UTC
    assert (found("until monday"), found("from tuesday")) == (False, True)


def test_what_it_applies_to_comes_with_the_passage_as_it_was_written(filled: Library) -> None:
    (found,) = [p for p in filled.passages("treasure tiflash") if p.source == "cloud or tiflash.md"]
    assert found.applies == Applies(products=("TiDB Cloud", "TiFlash"))


def test_other_limits_make_a_new_version_and_no_limits_keep_the_old_hash(database: Database) -> None:
    article = draft()
    assert store.content_hash(article) == store.content_hash(replace(article, meta={"date": "2026-01-01"}))
    assert store.content_hash(article) != store.content_hash(replace(article, applies=Applies(products=("X",))))


def test_going_back_to_an_older_version_never_widens_what_it_applies_to(database: Database) -> None:
    library = Library(database)
    library.save(draft("a.md", "Treasure one."))
    article, _ = library.save(replace(draft("a.md", "Treasure two."), applies=Applies(packages=("gold",))))
    library.publish(article, 1)
    assert library.found("treasure") == []
    assert library.found("treasure", Scope(package="gold")) == ["Treasure one."]


def test_a_draft_keeps_its_limits_for_the_day_it_is_published(database: Database) -> None:
    library = Library(database)
    library.save(draft("a.md", "Treasure one."))
    article, _ = library.save(
        replace(draft("a.md", "Treasure two."), applies=Applies(packages=("gold",))), publish=False
    )
    assert library.found("treasure") == ["Treasure one."]
    library.publish(article)
    assert library.found("treasure") == []
    assert library.found("treasure", Scope(package="gold")) == ["Treasure two."]


def test_the_page_of_a_limited_article_is_not_found_by_others(filled: Library) -> None:
    gold, _ = filled.save(about("gold", ARTICLES["gold"]))
    with filled.database.read() as session:
        assert store.get_article(session, gold.public_id, STAFF).applies == ARTICLES["gold"]
        with pytest.raises(NotFound):
            store.get_article(session, gold.public_id, PUBLIC)


def test_a_reloaded_index_knows_new_limits_of_old_chunks(filled: Library) -> None:
    index = filled.exact()
    vector = filled.embedder.embed_query("treasure", "en")
    before = len(index.search(vector, PUBLIC, 50))
    filled.save(replace(draft("new.md", "Treasure new."), applies=Applies(valid_until="2020-01-01")))
    assert len(index.search(vector, PUBLIC, 50)) == before + 1
    assert len(index.search(vector, replace(PUBLIC, day="2026-01-01"), 50)) == len(
        ExactIndex(filled.database, filled.spec, DIM).search(vector, replace(PUBLIC, day="2026-01-01"), 50)
    )


@pytest.mark.parametrize("applies", ARTICLES.values(), ids=ARTICLES)
def test_stored_limits_come_back(applies: Applies) -> None:
    assert from_json(to_json(applies)) == applies
    back = from_columns(*columns(applies).values())
    assert columns(back) == columns(applies)
    assert (back is ALL) == (applies == ALL)


def test_values_of_a_scope_never_become_part_of_the_statement() -> None:
    scope = Scope(product="x' OR 1=1 --", version="'; DROP TABLE", package="%", collections=("a'b",), day="2026-01-01")
    other = Scope(product="y", version="1.2", package="z", collections=("c",), day="2026-01-02")
    assert scope_clause(scope)[0] == scope_clause(replace(other, version="1"))[0]
