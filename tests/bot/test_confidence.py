from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.confidence import FEATURES, confidence, default_fit, features
from tests.articles import load
from web.wiring import Services


@pytest.fixture
def found(services: Services, tmp_path: Path) -> Callable[[str], float]:
    load(services, tmp_path)

    def ask(question: str) -> float:
        result = services.searcher.search(question)
        return confidence(question, result.lang, result.passages)

    return ask


def test_the_shipped_fit_names_every_feature() -> None:
    assert default_fit().names == FEATURES


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
