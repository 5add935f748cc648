"""Weights fitted to labelled questions put the right ones first, and the file is the one that the product reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from base.settings import Settings
from evals import fit_ranker
from evals.cases import Case, Kind
from evals.fit_ranker import examples_of, report
from evals.ranker_training import PRIOR, Example, example, fit, fused, learned, measured, out_of_fold, rescaled
from kb.models import Audience, Passage
from kb.rerank import FEATURES, Contender, Question, read_ranker, shipped_ranker
from tests import articles
from web.wiring import Services

WIDTH = len(FEATURES)


def _contender(chunk_id: int, fused: float, source: str, text: str = "") -> Contender:
    passage = Passage(
        chunk_id, chunk_id, "p", 1, 1, "help", source, "T", (), text or f"Text {chunk_id}.", "en", Audience.PUBLIC, "",
        0.0, 0.0, 0.0,
    )  # fmt: skip
    return Contender(passage, 0.5, 0.0, frozenset(), 10, fused, 0.0)


def _made_up(count: int, seed: int, feature: str = "dense", family: str = "one") -> list[Example]:
    """Questions whose right candidate is told by one figure, while the fused order is chance."""
    chance = np.random.default_rng(seed)
    made = []
    for number in range(count):
        rows = chance.random((8, WIDTH))
        right = np.zeros(8, bool)
        right[rows[:, FEATURES.index(feature)].argmax()] = True
        found = tuple(_contender(n, float(chance.random()), f"{n}.md") for n in range(8))
        made.append(Example(family, family, number % 5, "en", found, rows, right, None))
    return made


def test_what_tells_the_right_one_gets_the_weight() -> None:
    weights = fit(_made_up(200, 1))
    asked = _made_up(50, 2)
    before = measured([(one, fused(one)) for one in asked])
    after = measured([(one, learned(one, weights)) for one in asked])
    assert before.article[0] < 0.4
    assert after.article[0] > before.article[0] + 0.4
    assert max(zip(weights, FEATURES, strict=True))[1] == "dense"


def test_what_no_question_can_tell_stays_where_it_was() -> None:
    bare = [Example(*_fields(one, foreign=0.0)) for one in _made_up(50, 1)]
    weights = dict(zip(FEATURES, fit(bare), strict=True))
    assert weights["foreign"] == pytest.approx(PRIOR["foreign"])
    assert weights["foreign_near"] == pytest.approx(PRIOR["foreign_near"])


def _fields(one: Example, *, foreign: float) -> tuple[object, ...]:
    rows = one.rows.copy()
    for place, name in enumerate(FEATURES):
        if name.startswith("foreign"):
            rows[:, place] = foreign
    return (one.set, one.family, one.fold, one.lang, one.found, rows, one.article, one.section)


def test_questions_without_a_right_candidate_teach_nothing() -> None:
    (one,) = _made_up(1, 1)
    hopeless = Example(one.set, one.family, 0, "en", one.found, one.rows, np.zeros(8, bool), None)
    assert not hopeless.teaches
    with pytest.raises(ValueError, match="right and wrong"):
        fit([hopeless])


def test_no_question_is_scored_by_weights_that_have_seen_its_part() -> None:
    near, dense = _made_up(60, 1, "near", "a"), _made_up(60, 2, "dense", "b")
    weights = {
        one.family: dict(zip(FEATURES, found, strict=True))
        for one, found in out_of_fold([*near, *dense], lambda one: one.family)
    }
    assert weights["a"]["dense"] > weights["a"]["near"]
    assert weights["b"]["near"] > weights["b"]["dense"]


def test_the_right_section_is_wanted_where_it_is_known_and_any_of_the_article_where_not() -> None:
    case = Case("1", "q", "en", Kind.ANSWERABLE, frozenset({"a.md"}), sections=("Choose port 443 for the tunnel.",))
    found = [
        _contender(1, 0.5, "a.md", "Choose port 443 for the tunnel."),
        _contender(2, 0.4, "a.md", "Call us today."),
    ]
    one = example(case, Question("q", "en", {}), found, "set", "family")
    assert one.right.tolist() == [True, False]
    assert one.article.tolist() == [True, True]
    elsewhere = example(case, Question("q", "en", {}), found[1:], "set", "family")
    assert elsewhere.right.tolist() == [True]


def test_weights_are_written_so_that_nearest_and_best_in_words_comes_to_1() -> None:
    made = rescaled(fit(_made_up(50, 1)))
    assert sum(made[name] for name in ("near", "keywords", "dense")) == pytest.approx(1, abs=1e-3)


def test_an_installations_questions_become_examples(services: Services, tmp_path: Path) -> None:
    articles.load(services, tmp_path)
    cases = [
        Case("1", "What does VPN error 809 mean?", "en", Kind.ANSWERABLE, frozenset({"en/vpn.md"})),
        Case("2", "any good restaurants?", "en", Kind.OFF_TOPIC, frozenset()),
    ]
    (one,) = examples_of(services, cases, "mine", "mine")
    assert (one.set, one.lang) == ("mine en", "en")
    assert one.rows.shape == (len(one.found), WIDTH)
    assert one.article.any()
    said: list[str] = []
    report([one, one], said.append)
    assert said == []  # one family, one fold: nothing can be left out


def test_the_command_writes_what_the_product_reads(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "kb"
    folder.mkdir()
    rows = [("a.md", "Reset a password", "Open the portal and choose Forgotten password."),
            ("b.md", "Paper jam", "Open the lid and pull the sheet out slowly."),
            ("c.md", "VPN abroad", "Choose TCP 443 in the client before you travel.")]  # fmt: skip
    sections = [
        {"doc": doc, "section": 0, "lang": "en", "title": title, "level": 1, "heading": title, "text": text}
        for doc, title, text in rows
    ]
    asked = [
        ("forgotten password", "a.md"),
        ("the sheet is stuck under the lid", "b.md"),
        ("client for travel", "c.md"),
    ]
    queries = [{"id": str(n), "query": text, "gold_doc": doc, "lang": "en"} for n, (text, doc) in enumerate(asked)]
    for name, lines in (("sections.jsonl", sections), ("queries.jsonl", queries)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    out = tmp_path / "made" / "ranker.json"
    given = ["--folder", str(folder), "--data-dir", str(settings.data_dir), "--out", str(out)]
    assert fit_ranker.main(given) == 0
    assert f"written: {out}" in capsys.readouterr().out
    made = read_ranker(out)
    assert made.about["questions"] == {"kb en": 3}
    assert len(made.weights) == WIDTH


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit_ranker.main(["--folder", str(tmp_path / "gone"), "--out", str(tmp_path / "x.json")]) == 2
    assert "gone" in capsys.readouterr().err


def test_the_file_that_ships_says_on_what_it_was_fitted() -> None:
    assert sum(shipped_ranker().about["questions"].values()) > 1000
