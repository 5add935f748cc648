"""One ranking from several: laws that hold whatever the weights are tuned to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.models import Audience, Passage
from kb.rank import PER_ARTICLE, Candidate, Ranked, collapse, coverage, fuse

WEIGHTS = {"vpn": 1.0, "809": 3.0, "连接": 1.0}


def _candidate(
    chunk_id: int, lang: str = "en", similarity: float = 0.5, bm25: float = 0.0, tokens: tuple[str, ...] = ()
) -> Candidate:
    return Candidate(chunk_id, lang, similarity, bm25, frozenset(tokens))


def _ranked(
    chunk_id: int, score: float = 0.5, *, lang: str = "en", text: str = "", article: int = 0, key: str = "",
    collection: str = "help",
) -> Ranked:  # fmt: skip
    passage = Passage(
        chunk_id, article or chunk_id, "p", 1, 1, collection, "s", "t", (), text or f"Text {chunk_id}.", lang,
        Audience.PUBLIC, key, 0.0, 0.0, 0.0,
    )  # fmt: skip
    return Ranked(passage, score, 0.0, 0.0)


def _ids(found: list[Passage]) -> list[int]:
    return [passage.chunk_id for passage in found]


candidates = st.lists(
    st.builds(
        Candidate,
        st.integers(1, 10_000),
        st.sampled_from(["zh", "en"]),
        st.floats(-1, 1),
        st.floats(0, 50),
        st.frozensets(st.sampled_from(list(WEIGHTS))),
    ),
    max_size=40,
    unique_by=lambda candidate: candidate.chunk_id,
)


@given(candidates, st.sampled_from(["zh", "en"]))
def test_every_candidate_gets_a_score_and_a_coverage_between_0_and_1(found: list[Candidate], lang: str) -> None:
    fused = fuse(found, lang, WEIGHTS)
    assert set(fused) == {candidate.chunk_id for candidate in found}
    for score, covered in fused.values():
        assert -1e-9 <= score <= 1 + 1e-9
        assert 0 <= covered <= 1 + 1e-9


@given(candidates, st.sampled_from(["zh", "en"]))
def test_the_order_of_the_candidates_does_not_matter(found: list[Candidate], lang: str) -> None:
    assert fuse(found, lang, WEIGHTS) == fuse(found[::-1], lang, WEIGHTS)


def test_nearer_is_better_and_more_of_the_words_is_better() -> None:
    fused = fuse([_candidate(1, similarity=0.9), _candidate(2, similarity=0.2)], "en", WEIGHTS)
    assert fused[1] > fused[2]
    word = tuple(WEIGHTS)[:1]
    fused = fuse([_candidate(1, bm25=9.0, tokens=word), _candidate(2, bm25=1.0, tokens=word)], "en", WEIGHTS)
    assert fused[1] > fused[2]


def test_words_of_an_article_in_another_language_say_nothing_but_names_do() -> None:
    plain = fuse([_candidate(1, "zh", bm25=9.0), _candidate(2, "zh"), _candidate(3, similarity=0.1)], "en", WEIGHTS)
    assert plain[1] == plain[2]
    named = fuse(
        [_candidate(1, "zh", tokens=("809",)), _candidate(2, "zh"), _candidate(3, similarity=0.1)], "en", WEIGHTS
    )
    assert named[1] > named[2]


def test_the_customers_own_language_wins_a_tie() -> None:
    fused = fuse(
        [_candidate(1, "zh", 0.8, 1.0, ("vpn",)), _candidate(2, "en", 0.8, 1.0, ("vpn",)), _candidate(3, "en", 0.1)],
        "en",
        {"vpn": 1.0},
    )
    assert fused[2] > fused[1]


@pytest.mark.parametrize(
    ("tokens", "share"), [((), 0.0), (("809",), 0.6), (("vpn", "连接"), 0.4), (("vpn", "809", "连接", "x"), 1.0)]
)
def test_coverage_is_the_share_of_the_questions_weight(tokens: tuple[str, ...], share: float) -> None:
    assert coverage(WEIGHTS, frozenset(tokens), sum(WEIGHTS.values())) == pytest.approx(share)


def test_a_question_without_tokens_is_covered_by_nothing() -> None:
    assert coverage({}, frozenset({"vpn"}), 0.0) == 0.0


def test_the_best_come_first_and_no_more_than_asked_for() -> None:
    found = [_ranked(i, score=i / 10) for i in range(1, 9)]
    assert _ids(collapse(found, "en", 3)) == [8, 7, 6]


def test_ties_are_broken_by_language_and_then_by_id() -> None:
    found = [_ranked(3), _ranked(1, lang="zh"), _ranked(2)]
    assert _ids(collapse(found, "en", 9)) == [2, 3, 1]
    assert _ids(collapse(found, "zh", 9)) == [1, 2, 3]


def test_of_two_language_versions_only_the_customers_is_kept_even_if_it_scored_less() -> None:
    found = [_ranked(1, 0.9, lang="en", key="vpn.md"), _ranked(2, 0.4, lang="zh", key="vpn.md")]
    assert _ids(collapse(found, "zh", 9)) == [2]
    assert _ids(collapse(found, "en", 9)) == [1]


def test_the_same_key_in_another_collection_is_another_article() -> None:
    found = [_ranked(1, lang="en", key="vpn.md"), _ranked(2, lang="zh", key="vpn.md", collection="other")]
    assert len(collapse(found, "zh", 9)) == 2


def test_equal_texts_are_shown_once_whatever_their_blanks_and_case() -> None:
    found = [_ranked(1, 0.9, text="Call 8000."), _ranked(2, 0.8, text="call  8000.\n")]
    assert _ids(collapse(found, "en", 9)) == [1]


def test_one_article_gets_only_so_many_places() -> None:
    found = [_ranked(i, article=7) for i in range(1, 9)] + [_ranked(20, 0.1)]
    assert _ids(collapse(found, "en", 9)) == [*range(1, PER_ARTICLE + 1), 20]


def test_figures_are_rounded_so_that_equal_runs_print_equal_bytes() -> None:
    ranked = Ranked(_ranked(1).passage, 1 / 3, 2 / 3, 0.1 + 0.2)
    kept = ranked.scored()
    assert (kept.score, kept.similarity, kept.keyword) == (0.333333, 0.666667, 0.3)
