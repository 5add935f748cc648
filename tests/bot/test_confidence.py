from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.confidence import (
    AT,
    FEATURES,
    FORMAT,
    INSTALLED,
    BadFit,
    Fit,
    Model,
    confidence,
    features,
    fit_of,
    probability,
    read_fit,
    shipped_fit,
)
from tests.articles import load
from tests.bot.made import passage
from web.wiring import Services


@pytest.fixture
def found(services: Services, tmp_path: Path) -> Callable[[str], float]:
    load(services, tmp_path)

    def ask(question: str) -> float:
        result = services.searcher.search(question)
        return confidence(question, result.lang, result.passages)

    return ask


def test_the_shipped_fit_uses_known_features_and_says_on_what_it_was_fitted() -> None:
    fit = shipped_fit()
    assert {"zh", "en", "given"} <= fit.models.keys()
    assert all(model.weights.keys() <= set(FEATURES) for model in fit.models.values())
    assert all(sum(fit.about["fitted_on"][lang].values()) > 500 for lang in ("zh", "en"))


def test_the_confidence_is_shifted_so_that_the_promise_begins_at_one_point() -> None:
    found = [passage("Toner is in the cupboard.")]
    plain = probability("where is the toner", "en", found, Fit("t", {"en": Model({"window": 1.0}, 0.0, 0.5)}))
    assert 0.5 < plain < 1
    at_promise = Fit("t", {"en": Model({"window": 1.0}, 0.0, plain)})
    assert confidence("where is the toner", "en", found, at_promise) == pytest.approx(AT, abs=1e-3)


def test_an_installations_own_fit_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    assert fit_of(tmp_path) is shipped_fit()
    own = {"format": FORMAT, "version": "own", "models": {"en": {"weights": {}, "bias": 5.0, "answer_at": 0.5}}}
    (tmp_path / INSTALLED).write_text(json.dumps(own), encoding="utf-8")
    found = [passage("Toner is in the cupboard.")]
    assert confidence("where is the toner", "en", found, fit_of(tmp_path)) > 0.99


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2, "version": "x", "models": {}}',
     '{"format": 2, "version": "x", "models": {"en": {"bias": 0, "answer_at": 0.5, "weights": {"moon": 1}}}}',
     '{"format": 2, "version": "x", "models": {"en": {"bias": 0, "answer_at": 1.5, "weights": {}}}}'],
)  # fmt: skip
def test_a_damaged_fit_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "fit.json").write_text(text)
    with pytest.raises(BadFit):
        read_fit(tmp_path / "fit.json")


def test_a_passage_that_was_handed_over_needs_no_competition() -> None:
    near, far = (passage("Toner is in the cupboard.", similarity=s, score=0.0, keyword=0.0) for s in (0.8, 0.1))
    sure, unsure = (confidence("where is the toner", "en", [p], given=True) for p in (near, far))
    assert sure > unsure


def test_nothing_found_is_no_confidence() -> None:
    assert confidence("anything", "en", []) == 0.0
    assert set(features("anything", "en", [])) == set(FEATURES)


@pytest.mark.parametrize("question", ["Printer shows PRN-21", "VPN error 809 in a hotel", "忘记密码怎么重置"])
def test_what_an_article_is_about_is_sure_enough_to_answer(found: Callable[[str], float], question: str) -> None:
    assert found(question) >= 0.5


@pytest.mark.parametrize(
    "question", ["孩子数学总不及格咋办", "why is the grass green, my son asks", "who won the match last night"]
)
def test_what_no_article_is_about_is_not_answered(found: Callable[[str], float], question: str) -> None:
    assert found(question) < 0.5


def test_an_error_code_that_no_passage_holds_lowers_the_confidence(found: Callable[[str], float]) -> None:
    assert found("Printer shows PRN-21") > found("Printer shows PRN-97")


def test_the_same_question_is_judged_the_same(found: Callable[[str], float]) -> None:
    assert found("VPN error 809") == found("VPN error 809")
