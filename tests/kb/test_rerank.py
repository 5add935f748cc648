"""The second look at what was found: laws of the scores, and what each figure is there for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import MisconfiguredSetting
from kb.models import Audience, Passage
from kb.rerank import (
    FEATURES,
    BadRanker,
    Contender,
    FusedOrder,
    LearnedReranker,
    Question,
    Reranker,
    features,
    make_reranker,
    read_ranker,
    shipped_ranker,
)
from kb.search import Searcher
from tests.kb.library import PUBLIC, Library, draft

WEIGHTS = {"wifi": 2.0, "connect": 1.0, "contact": 2.0, "ap-17": 4.0}
QUESTION = Question("connect to wifi", "en", WEIGHTS)


def _contender(
    chunk_id: int, *, similarity: float = 0.5, bm25: float = 0.0, tokens: tuple[str, ...] = (), size: int = 60,
    lang: str = "en", article: int = 0, text: str = "Some text.", heading: str = "", fused: float = 0.5,
) -> Contender:  # fmt: skip
    passage = Passage(
        chunk_id, article or chunk_id, "p", 1, 1, "help", "s.md", "Title", (heading,) if heading else (), text, lang,
        Audience.PUBLIC, "", 0.0, 0.0, 0.0,
    )  # fmt: skip
    covered = sum(WEIGHTS[token] for token in tokens) / sum(WEIGHTS.values())
    return Contender(passage, similarity, bm25, frozenset(tokens), size, fused, covered)


def _figure(name: str, one: Contender, *others: Contender) -> float:
    return features(QUESTION, [one, *others])[0][FEATURES.index(name)]


contenders = st.lists(
    st.builds(
        _contender,
        st.integers(1, 10_000),
        similarity=st.floats(-1, 1),
        bm25=st.floats(0, 50),
        tokens=st.lists(st.sampled_from(list(WEIGHTS)), unique=True).map(tuple),
        size=st.integers(0, 500),
        lang=st.sampled_from(["zh", "en"]),
        article=st.integers(1, 5),
        text=st.sampled_from(["Text.", "1. One\n2. Two", ""]),
        heading=st.sampled_from(["", "Resolution", "Contact", "参考"]),
        fused=st.floats(0, 1),
    ),
    max_size=30,
)


@pytest.mark.parametrize("reranker", [FusedOrder(), shipped_ranker()], ids=lambda one: one.name)
@given(found=contenders, lang=st.sampled_from(["zh", "en"]))
def test_every_candidate_gets_a_score_between_0_and_1(reranker: Reranker, found: list[Contender], lang: str) -> None:
    scores = reranker.scores(Question("q", lang, WEIGHTS), found)
    assert len(scores) == len(found)
    assert all(0 <= score <= 1 for score in scores)


@given(found=contenders)
def test_the_order_in_which_candidates_come_does_not_matter(found: list[Contender]) -> None:
    forth, back = shipped_ranker().scores(QUESTION, found), shipped_ranker().scores(QUESTION, found[::-1])
    assert forth == back[::-1]


def test_a_passage_that_the_keyword_index_did_not_name_is_credited_with_the_words_it_holds() -> None:
    held, bare = _contender(1, tokens=("wifi",)), _contender(2)
    assert _figure("dense", held, bare) > 0
    assert _figure("keywords", held, bare) == 0


def test_the_shorter_of_two_passages_with_the_same_words_says_more_about_them() -> None:
    short, long = _contender(1, tokens=("wifi",), size=20), _contender(2, tokens=("wifi",), size=400)
    assert _figure("dense", short, long) > _figure("dense", long, short)


def test_what_the_rest_of_its_article_holds_of_the_question_speaks_for_a_passage() -> None:
    one, neighbour = _contender(1, article=7, tokens=("wifi",)), _contender(2, article=7, tokens=("ap-17",))
    stranger = _contender(3, tokens=("ap-17", "connect"))
    assert _figure("article", one, neighbour, stranger) == pytest.approx(4 / 9)
    assert _figure("article", stranger, one, neighbour) == 0


def test_a_section_on_what_to_tell_us_is_an_aside_unless_it_is_asked_for() -> None:
    assert _figure("aside", _contender(1, heading="What to tell us if it still fails")) == 1
    assert _figure("aside", _contender(1, heading="Contact")) == 0  # the question's own word
    assert _figure("aside", _contender(1, heading="更多信息")) == 1
    assert _figure("aside", _contender(1, heading="Connect a phone")) == 0


def test_numbered_steps_are_seen_and_a_single_number_is_not() -> None:
    assert _figure("steps", _contender(1, text="1. Open it.\n2. Close it.")) == 1
    assert _figure("steps", _contender(1, text="第一步：打开\n第二步：关闭")) == 1
    assert _figure("steps", _contender(1, text="1. Once.\nThen 2 days.")) == 0


def test_a_passage_in_the_other_language_is_credited_with_names_and_codes_only_as_a_share_of_the_question() -> None:
    foreign, own = _contender(1, lang="zh", tokens=("ap-17",), bm25=9.0), _contender(2, bm25=3.0, tokens=("wifi",))
    assert _figure("keywords", foreign, own) == 0
    assert _figure("dense", foreign, own) == 0
    assert _figure("foreign_share", foreign, own) == pytest.approx(4 / 9)
    assert _figure("foreign_share", own, foreign) == 0


def test_a_question_without_a_known_word_is_ordered_by_meaning() -> None:
    near, far = _contender(1, similarity=0.6), _contender(2, similarity=0.2)
    scores = shipped_ranker().scores(Question("…", "en", {}), [far, near])
    assert scores[1] > scores[0]


def test_the_nearest_passage_with_the_best_words_comes_to_1_as_in_the_fused_order() -> None:
    weights = dict(zip(FEATURES, shipped_ranker().weights, strict=True))
    assert sum(weights[name] for name in ("near", "keywords", "dense")) == pytest.approx(1, abs=1e-3)


def test_a_damaged_file_of_weights_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ranker.json"
    weights = dict.fromkeys(FEATURES, 0.1)
    for text in ("", "[]", json.dumps({"format": 0, "weights": weights}), json.dumps({"format": 1, "weights": {}})):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadRanker) as caught:
            read_ranker(path)
        assert caught.value.fields["file"] == str(path)
    path.write_text(json.dumps({"format": 1, "weights": weights}), encoding="utf-8")
    assert read_ranker(path).weights == (0.1,) * len(FEATURES)


def test_the_setting_names_a_ranker() -> None:
    assert isinstance(make_reranker("learned"), LearnedReranker)
    assert isinstance(make_reranker("fused"), FusedOrder)
    assert make_reranker("cross-encoder: some/model ").name == "cross-encoder:some/model"
    for wrong in ("", "cross-encoder", "cross-encoder:", "learned:x", "best"):
        with pytest.raises(MisconfiguredSetting):
            make_reranker(wrong)


class _Backwards:
    """Prefers what everybody else puts last."""

    name = "backwards"
    reads_fused = True

    def scores(self, question: Question, found: list[Contender]) -> list[float]:
        return [1 - one.fused for one in found]


def test_search_shows_the_order_the_reranker_chose(sqlite_library: Library) -> None:
    sqlite_library.save(draft("vpn.md", "Choose TCP 443 mode for the VPN."))
    sqlite_library.save(draft("printer.md", "Empty the paper tray."))
    backwards = Searcher(
        sqlite_library.database, sqlite_library.embedder, sqlite_library.exact(), sqlite_library.keywords,
        reranker=_Backwards(),
    )  # fmt: skip
    usual = [p.source for p in sqlite_library.searcher().search("VPN mode").passages]
    assert usual == ["vpn.md", "printer.md"]
    assert [p.source for p in backwards.search("VPN mode").passages] == usual[::-1]


def test_a_fit_is_given_what_search_gives_the_reranker(sqlite_library: Library) -> None:
    body = "Choose TCP 443 mode for the VPN.\n\nCall us."
    sqlite_library.save(draft("vpn.md", body))
    question, found = sqlite_library.searcher().contenders("VPN mode?", PUBLIC, "en")
    assert set(question.weights) == {"vpn", "mode"}
    assert {one.passage.text for one in found} == {"Choose TCP 443 mode for the VPN.", "Call us."}
    best = max(found, key=lambda one: one.fused)
    assert best.tokens == {"vpn", "mode"}
    assert best.size > len(best.tokens)
