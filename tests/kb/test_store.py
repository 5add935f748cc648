"""Articles, versions and chunks: what is visible changes in one flip, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import threading

import pytest
from sqlalchemy import text

from base.database import Database
from base.errors import Conflict, NotFound
from kb import store
from kb.models import Audience, Scope, Status
from kb.store import content_hash
from tests.kb.library import PUBLIC, STAFF, Library, cut, draft


def test_a_saved_article_is_visible_with_its_number_and_its_chunks(library: Library) -> None:
    article, version = library.save(draft(body="One.\n\nTwo."))
    assert (article.status, version.status, version.number) == (Status.PUBLISHED, Status.PUBLISHED, 1)
    assert library.live_texts() == ["One.", "Two."]
    assert article.version_id == version.id


def test_a_new_version_takes_the_place_of_the_old_one(library: Library) -> None:
    library.save(draft(body="Old."))
    article, version = library.save(draft(body="New."))
    assert library.live_texts() == ["New."]
    assert version.number == 2
    with library.database.read() as session:
        versions = store.list_versions(session, article)
    assert [(v.number, v.status) for v in versions] == [(2, Status.PUBLISHED), (1, Status.ARCHIVED)]


def test_a_reader_sees_the_old_version_or_the_new_one_and_never_a_part(library: Library) -> None:
    library.save(draft(body="Old one.\n\nOld two."))
    new = draft(body="New one.\n\nNew two.\n\nNew three.")
    chunks = cut(new.body)
    vectors = library.embedder.embed_passages([c.text for c in chunks], ["en"] * 3)
    with library.database.begin() as session:
        store.save_version(session, library.keywords, new, chunks, vectors, library.spec, library.now)
        session.flush()
        assert library.live_texts() == ["Old one.", "Old two."]
        assert library.found("old two")[0] == "Old two."
    assert library.live_texts() == ["New one.", "New two.", "New three."]


def test_a_save_that_fails_half_way_changes_nothing(library: Library) -> None:
    library.save(draft(body="Old."))
    before = library.generation(), library.counts(), library.chunks()
    new = draft(body="New.")
    vectors = library.embedder.embed_passages(["New."], ["en"])

    def fail() -> None:
        with library.database.begin() as session:
            store.save_version(session, library.keywords, new, cut(new.body), vectors, library.spec, library.now)
            raise RuntimeError("the power goes")

    with pytest.raises(RuntimeError):
        fail()
    assert (library.generation(), library.counts(), library.chunks()) == before
    assert library.found("old") == ["Old."]


def test_a_draft_is_not_found_until_it_is_published(library: Library) -> None:
    article, _ = library.save(draft(body="Hidden treasure."), publish=False)
    assert (article.status, library.found("hidden treasure"), library.counts()) == (Status.DRAFT, [], (0, 0))
    library.publish(article)
    assert library.found("hidden treasure") == ["Hidden treasure."]


def test_a_draft_of_a_visible_article_leaves_all_of_it_as_it_is(library: Library) -> None:
    """Also its audience: saved for customers but not published, it would show the internal text (promise 7)."""
    before, _ = library.save(draft(body="Gateway secret.", title="Runbook", audience=Audience.INTERNAL))
    saved, _ = library.save(draft(body="Public text.", title="Guide", lang="zh"), publish=False)
    assert (saved.title, saved.lang, saved.audience) == (before.title, before.lang, before.audience)
    assert library.found("gateway secret") == []
    assert library.found("gateway secret", STAFF) == ["Gateway secret."]


def test_publishing_a_draft_brings_its_title_language_and_audience(library: Library) -> None:
    article, _ = library.save(draft(body="Runbook text.", title="Runbook", audience=Audience.INTERNAL))
    library.save(draft(body="公开的说明。", title="说明", lang="zh"), publish=False)
    published = library.publish(article)
    assert (published.title, published.lang, published.audience) == ("说明", "zh", Audience.PUBLIC)
    assert library.found("公开的说明") == ["公开的说明。"]


def test_going_back_to_an_older_version_never_widens_the_audience(library: Library) -> None:
    library.save(draft(body="Password is in the drawer."))
    article, _ = library.save(draft(body="Password moved.", audience=Audience.INTERNAL))
    again = library.publish(article, 1)
    assert again.audience is Audience.INTERNAL
    assert library.found("password drawer") == []
    assert library.found("password drawer", STAFF) == ["Password is in the drawer."]


def test_an_archived_article_leaves_search_at_once_and_comes_back(library: Library) -> None:
    article, _ = library.save(draft(body="Use TCP mode."))
    assert library.archive(article).status is Status.ARCHIVED
    assert (library.found("TCP mode"), library.counts()) == ([], (0, 0))
    library.publish(article)
    assert (library.found("TCP mode"), library.counts()) == (["Use TCP mode."], (1, 1))


def test_archiving_twice_and_publishing_twice_change_nothing_more(library: Library) -> None:
    article, _ = library.save(draft(body="Once."))
    library.publish(article)
    library.publish(article)
    assert library.counts() == (1, 1)
    library.archive(article)
    library.archive(article)
    assert library.counts() == (0, 0)


def test_an_older_version_can_be_restored_by_its_number(library: Library) -> None:
    library.save(draft(body="First text."))
    article, _ = library.save(draft(body="Second text."))
    library.publish(article, 1)
    assert library.live_texts() == ["First text."]
    with library.database.read() as session:
        assert store.get_version(session, article, 1).status is Status.PUBLISHED
        assert store.get_version(session, article, 2).status is Status.ARCHIVED


def test_only_the_chunks_of_the_last_versions_are_kept_but_every_text(library: Library) -> None:
    for number in range(1, 7):
        article, _ = library.save(draft(body=f"Text {number}."))
    assert library.chunks() == 3
    with library.database.read() as session:
        assert [v.body for v in store.list_versions(session, article)] == [f"Text {n}." for n in range(6, 0, -1)]
    with pytest.raises(Conflict):
        library.publish(article, 1)


def test_an_unknown_article_or_version_is_not_found(library: Library) -> None:
    article, _ = library.save(draft())
    for attempt in (
        lambda: library.publish(article, 9),
        lambda: library.archive(_with_id(article, "nothing")),
        lambda: library.publish(_with_id(article, "nothing")),
    ):
        with pytest.raises(NotFound):
            attempt()


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("audience", Audience)
def test_customers_see_published_public_articles_and_staff_see_all(
    library: Library, status: Status, audience: Audience
) -> None:
    article, _ = library.save(draft(audience=audience), publish=status is not Status.DRAFT)
    if status is Status.ARCHIVED:
        library.archive(article)

    def visible(scope: Scope) -> bool:
        with library.database.read() as session:
            try:
                return store.get_article(session, article.public_id, scope).id == article.id
            except NotFound:
                return False

    assert visible(STAFF)
    assert visible(PUBLIC) is (status is Status.PUBLISHED and audience is Audience.PUBLIC)


def test_passages_are_checked_against_their_rows_whatever_an_index_says(library: Library) -> None:
    """Promise 7: the ids come from an index that may be stale."""
    shown, _ = library.save(draft("shown.md", "Shown."))
    gone, _ = library.save(draft("gone.md", "Gone."))
    library.save(draft("internal.md", "Internal.", audience=Audience.INTERNAL))
    library.save(draft("elsewhere.md", "Elsewhere.", collection="other"))
    stale = library.live_ids()
    library.archive(gone)
    library.save(draft("shown.md", "Shown, second edition."))
    ids = sorted({*stale, *library.live_ids(), 987654})

    def texts(scope: Scope) -> set[str]:
        with library.database.read() as session:
            return {passage.text for passage in store.passages(session, ids, scope).values()}

    assert texts(PUBLIC) == {"Shown, second edition.", "Elsewhere."}
    assert texts(STAFF) == {"Shown, second edition.", "Elsewhere.", "Internal."}
    assert texts(Scope(collections=("other",))) == {"Elsewhere."}
    assert shown.collection == "help"


@pytest.mark.parametrize(
    "changed",
    [
        draft(body="Other."),
        draft(title="Other"),
        draft(lang="zh"),
        draft(audience=Audience.INTERNAL),
        draft(key="vpn.md"),
    ],
    ids=["body", "title", "language", "audience", "translation"],
)
def test_a_change_of_anything_that_is_indexed_changes_the_hash(changed: object) -> None:
    assert content_hash(changed) != content_hash(draft())  # type: ignore[arg-type]
    assert content_hash(draft()) == content_hash(draft())


def test_hashes_tell_which_files_need_no_indexing(library: Library) -> None:
    library.save(draft("a.md", "A."))
    gone, _ = library.save(draft("b.md", "B."))
    library.save(draft("c.md", "C."), publish=False)
    library.archive(gone)
    with library.database.read() as session:
        assert store.hashes(session, "help", library.spec) == {"a.md": content_hash(draft("a.md", "A."))}
        assert store.hashes(session, "help", "another spec") == {}
        assert store.hashes(session, "other", library.spec) == {}


def test_the_keyword_index_holds_exactly_what_is_live_after_many_changes(library: Library) -> None:
    dice = random.Random(7)
    articles = []
    for step in range(120):
        move = dice.random()
        if move < 0.5 or not articles:
            body = "\n\n".join(f"Word{dice.randrange(30)} step{step}." for _ in range(dice.randrange(1, 4)))
            articles.append(library.save(draft(f"{dice.randrange(8)}.md", body), publish=dice.random() < 0.8)[0])
        elif move < 0.75:
            library.archive(dice.choice(articles))
        else:
            library.publish(dice.choice(articles))
        live, indexed = library.counts()
        assert live == indexed
    with library.database.read() as session:
        for token in {f"word{i}" for i in range(30)}:
            expected = sum(token in body.lower().replace(".", " ").split() for body in library.live_texts())
            assert library.keywords.frequencies(session, [token]).get(token, 0) == expected


def test_every_change_of_what_is_live_is_a_new_generation(library: Library) -> None:
    seen = [library.generation()]
    article, _ = library.save(draft())
    seen.append(library.generation())
    library.archive(article)
    seen.append(library.generation())
    library.publish(article)
    seen.append(library.generation())
    assert seen == sorted(set(seen))
    library.save(draft("other.md"), publish=False)
    assert library.generation() == seen[-1]


def test_two_that_save_the_same_new_article_at_once_make_two_versions_of_it(library: Library) -> None:
    together, faults = threading.Barrier(4), []

    def save(number: int) -> None:
        own = Library(Database(library.database.url.render_as_string(hide_password=False)))
        together.wait()
        try:
            own.save(draft(body=f"Text {number}."))
        except Exception as error:
            faults.append(error)
        own.database.close()

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert (library.rows("kb_articles"), library.rows("kb_versions"), library.counts()) == (1, 4, (1, 1))


def test_the_id_of_a_chunk_that_is_gone_is_never_given_again(library: Library) -> None:
    """An index knows a chunk by its id alone."""
    library.save(draft("a.md"))
    last = max(library.live_ids())
    with library.database.begin() as session:
        library.keywords.clear(session)
        session.execute(text("DELETE FROM kb_chunks"))
    library.save(draft("b.md"))
    assert min(library.live_ids()) > last


@pytest.mark.parametrize(
    ("search", "sources"),
    [
        ("", ["100%.md", "a_b.md", "VPN.md", "axb.md"]),
        ("vpn", ["VPN.md"]),
        ("100%", ["100%.md"]),
        ("a_b", ["a_b.md"]),
        ("!", []),
    ],
)
def test_articles_are_listed_by_a_part_of_their_title_whatever_marks_it_holds(
    library: Library, search: str, sources: list[str]
) -> None:
    for source in ("VPN.md", "100%.md", "a_b.md", "axb.md"):
        library.save(draft(source))
    with library.database.read() as session:
        articles, total = store.list_articles(session, search=search)
        page, also_total = store.list_articles(session, search=search, limit=1, offset=1)
    assert {article.source for article in articles} == set(sources)
    assert total == also_total == len(sources)
    assert len(page) == min(1, max(0, len(sources) - 1))


def test_language_versions_know_each_other_by_their_key_and_audience(library: Library) -> None:
    english, _ = library.save(draft("en/vpn.md", lang="en", key="vpn.md"))
    library.save(draft("zh/vpn.md", lang="zh", key="vpn.md"))
    library.save(draft("zh/other.md", lang="zh", key="other.md"))
    library.save(draft("zh/x/vpn.md", lang="zh", key="vpn.md", audience=Audience.INTERNAL))
    alone, _ = library.save(draft("alone.md"))
    with library.database.read() as session:
        assert [a.source for a in store.translations_of(session, english)] == ["zh/vpn.md"]
        assert store.translations_of(session, alone) == []
        assert store.languages_by_key(session, "help", ["vpn.md", "", "x"]) == {"vpn.md": {"en", "zh"}}


def test_counts_tell_published_drafts_archived_and_live_chunks(library: Library) -> None:
    library.save(draft("a.md", "One.\n\nTwo."))
    library.save(draft("b.md"), publish=False)
    library.archive(library.save(draft("c.md"))[0])
    with library.database.read() as session:
        assert store.counts(session) == store.ArticleCounts(published=1, draft=1, archived=1, chunks=2)


def _with_id(article: object, public_id: str):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(article, public_id=public_id)  # type: ignore[type-var]
