"""The keyword index: our own tokens, found whole, whatever is typed, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import sys
import threading
from functools import partial

import pytest

from base.text import query_tokens, tokens
from kb.keyword import Fts5Index, KeywordIndex, TokenWeights, TsvectorIndex, make_keyword_index
from kb.models import Audience, Scope
from tests.kb.library import PUBLIC, STAFF, Library, draft

ARTICLE = query_tokens("article")[0]  # its stem
HOSTILE = [
    "",
    '"',
    '""""',
    "'",
    "it's",
    "a AND b OR NOT c NEAR(d e, 2)",
    "vpn AND",
    "* ^ : - + ( ) { } [ ]",
    "tokens:vpn",
    "vpn*",
    '{tokens} : "vpn" + ^x',
    "a & b | !c <-> d",
    "vpn:*A",
    "\\",
    "\\'",
    "c:\\users\\wang",
    "\x00vpn\x00",
    "vpn\x00",
    "%_%",
    "'; DROP TABLE kb_chunks; --",
    "rank MATCH 1",
    ":match :limit :a0",
    "$1 %s %(x)s {0}",
    "😀 👩‍👩‍👧‍👦",
    "\ufdfa" * 200,
    "word " * 5_000,
    "x" * 100_000,
    "a-" * 5_000,
    "𠮷野家 𞤀𞤁 \u19b0 \u1cf3",
    "٣٤٥ ½ ² Ⅷ",
]


def _search(library: Library, question: str, scope: Scope = PUBLIC) -> list[int]:
    with library.database.read() as session:
        return [hit.chunk_id for hit in library.keywords.search(session, query_tokens(question), scope, 20)]


def test_each_database_has_the_index_that_fits_it(library: Library) -> None:
    expected = Fts5Index if library.database.is_sqlite else TsvectorIndex
    assert isinstance(make_keyword_index(library.database), expected)


def test_no_question_is_an_error(library: Library) -> None:
    library.save(draft(body="Connect to the VPN with C:\\Users and it's fine."))
    for question in HOSTILE:
        _search(library, question)
        library.found(question)


def test_any_text_can_be_indexed_and_every_token_of_it_is_counted(library: Library) -> None:
    for number, text in enumerate(HOSTILE[1:]):
        text = text.replace("\x00", " ")  # reading a document takes it out: PostgreSQL has no place for it
        library.save(draft(f"{number}.md", f"start {text} end"))
        wanted = sorted(set(tokens(text)))
        with library.database.read() as session:
            assert sorted(library.keywords.frequencies(session, wanted)) == wanted


ASKED = [
    ("退款", "七天内可以申请退款，请联系客服。"),
    ("怎么退款？", "七天内可以申请退款，请联系客服。"),
    ("密码", "忘记密码时用手机验证码重置。"),
    ("锁", "账号 锁 定后等待十五分钟。"),
    ("PRN-3F", "Fault PRN-3F means an empty tray."),
    ("prn-3f是什么", "Fault PRN-3F means an empty tray."),
    ("ＰＲＮ－３Ｆ", "Fault PRN-3F means an empty tray."),
    ("v2.1", "Install version v2.1 of the client."),
    ("C++", "The C++ runtime is missing."),
    ("C#", "The C# service does not start."),
    ("0x80070005", "Windows says 0x80070005: access denied."),
    ("don't", "The lights don't blink."),
    ("printers", "One printer for each floor."),
    ("𠮷野家", "午餐在𠮷野家。"),
    ("프린터", "프린터 고장 신고"),
    ("\u19b0x", "rare \u19b0x sign"),
]


def test_a_word_or_an_identifier_is_found_whole(library: Library) -> None:
    library.save(draft("other.md", "C and v2 and 3F and 809, v2.10 and PRN-4F: 说明 C, but nothing asked for."))
    texts = list(dict.fromkeys(text for _, text in ASKED))
    for number, text in enumerate(texts):
        library.save(draft(f"{number}.md", text))
    ids = dict(zip(texts, library.live_ids()[1:], strict=True))
    assert [question for question, text in ASKED if _search(library, question)[:1] != [ids[text]]] == []


def test_an_identifier_is_not_found_by_a_longer_one(library: Library) -> None:
    library.save(draft(body="Error 8090 is new."))
    assert _search(library, "809") == []


def test_customers_find_nothing_internal_and_other_collections_stay_apart(library: Library) -> None:
    library.save(draft("a.md", "treasure public"))
    library.save(draft("b.md", "treasure internal", audience=Audience.INTERNAL))
    library.save(draft("c.md", "treasure elsewhere", collection="other"))
    public, internal, elsewhere = library.live_ids()
    assert set(_search(library, "treasure")) == {public, elsewhere}
    assert set(_search(library, "treasure", STAFF)) == {public, internal, elsewhere}
    assert _search(library, "treasure", Scope(collections=("help",))) == [public]


def test_a_rare_word_counts_more_and_the_best_comes_first(sqlite_library: Library) -> None:
    sqlite_library.fill(30)
    sqlite_library.save(draft("wanted.md", "Article about topic1 and the zebra."))
    assert _search(sqlite_library, "article topic1 zebra")[0] == sqlite_library.live_ids()[-1]


def test_no_more_hits_than_asked_for(library: Library) -> None:
    library.fill(30)
    assert len(_search(library, "article")) == 20


def test_clearing_and_adding_again_gives_the_same_index(library: Library) -> None:
    library.fill(12)
    before = _search(library, "topic3"), library.counts()
    with library.database.begin() as session:
        library.keywords.clear(session)
        assert library.keywords.count(session) == 0
        library.keywords.add(session, library.live_ids())
    assert (_search(library, "topic3"), library.counts()) == before


def test_removing_takes_the_words_away(library: Library) -> None:
    library.fill(3)
    with library.database.begin() as session:
        library.keywords.remove(session, library.live_ids()[:2])
    with library.database.read() as session:
        assert library.keywords.frequencies(session, ["word0", "word1", "word2", ARTICLE]) == {
            "word2": 1,
            ARTICLE: 1,
        }
    assert library.counts() == (3, 1)


def test_weights_are_high_for_rare_words_and_highest_for_unknown_ones(library: Library) -> None:
    library.fill(20)
    with library.database.read() as session:
        weighed = TokenWeights(library.keywords).weigh(session, [ARTICLE, "word3", "unknown"], 1, 20)
    assert weighed.weights[ARTICLE] < weighed.weights["word3"] < weighed.weights["unknown"]


def test_common_words_are_searched_for_only_when_nothing_better_is_left(library: Library) -> None:
    library.fill(20)

    def selective(*asked: str) -> list[str]:
        with library.database.read() as session:
            return TokenWeights(library.keywords).weigh(session, asked, 1, 20).selective

    assert selective(ARTICLE, "word3", "word4", "unknown") == ["word3", "word4"]
    assert selective(ARTICLE, "unknown") == [ARTICLE]
    assert selective(ARTICLE, "word3") == [ARTICLE, "word3"]
    assert selective("unknown") == []


def test_weights_follow_the_generation(library: Library) -> None:
    library.fill(4)
    weights = TokenWeights(library.keywords)
    with library.database.read() as session:
        before = weights.weigh(session, ["zebra"], 1, 4)
    library.save(draft("zebra.md", "A zebra."))
    with library.database.read() as session:
        assert weights.weigh(session, ["zebra"], 1, 4) == before
        assert weights.weigh(session, ["zebra"], 2, 5).selective == ["zebra"]


class _Counting(Fts5Index):
    """Frequencies that give other threads time to get in between."""

    def frequencies(self, session, tokens):  # type: ignore[no-untyped-def]
        return dict.fromkeys(tokens, 1)


def test_threads_of_different_generations_do_not_lose_each_others_weights(request: pytest.FixtureRequest) -> None:
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-6)
    index: KeywordIndex = _Counting()
    weights, faults = TokenWeights(index), []

    def ask(generation: int) -> None:
        for number in range(300):
            asked = [f"t{number}-{i}" for i in range(20)]
            try:
                assert weights.weigh(None, asked, generation + number % 2, 100).selective == asked  # type: ignore[arg-type]
            except Exception as error:
                faults.append(error)
                return

    threads = [threading.Thread(target=ask, args=(generation,)) for generation in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
