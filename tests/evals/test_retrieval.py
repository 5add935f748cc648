"""Recall of the right article, on a handful of articles and questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals import retrieval
from evals.cases import Case, Kind
from evals.measures import SuiteName, SuiteResult
from tests import articles
from web.wiring import Services


def case(name: str, text: str, source: str, lang: str, *sections: str, variant: str = "") -> Case:
    return Case(name, text, lang, Kind.ANSWERABLE, frozenset({source}), sections=sections, variant=variant)


def value(result: SuiteResult, name: str, group: str) -> float:
    return next(one.value for one in result.measures if (one.name, one.group) == (name, group))


def found(*ranks: int, section: int | None = None, variant: str = "") -> list[retrieval.Found]:
    asked = case("1", "?", "a.md", "en", variant=variant)
    return [retrieval.Found(asked, rank, section, 1.0, "a.md") for rank in ranks]


def test_recall_counts_ranks_up_to_each_limit_and_mrr_stops_at_ten() -> None:
    result = retrieval.summarise(found(1, 2, 6, 11, 0))
    assert [value(result, f"recall_at_{limit}", "en") for limit in (1, 5, 10)] == [0.2, 0.4, 0.6]
    assert value(result, "mrr_at_10", "all") == pytest.approx((1 + 1 / 2 + 1 / 6) / 5)


def test_sections_have_their_own_figures_over_the_questions_that_name_one() -> None:
    result = retrieval.summarise([*found(1, section=2), *found(1, section=0), *found(1)])
    assert value(result, "section_recall_at_5", "en") == 0.5
    assert value(result, "recall_at_5", "en") == 1.0


def test_each_wording_of_a_set_has_its_own_figures() -> None:
    result = retrieval.summarise([*found(1, variant="long"), *found(0, variant="short")])
    assert (value(result, "recall_at_1", "en long"), value(result, "recall_at_1", "en short")) == (1.0, 0.0)


def test_nothing_asked_gives_no_figures() -> None:
    assert retrieval.summarise([]) == SuiteResult(SuiteName.RETRIEVAL, ())


def test_a_small_knowledge_base_is_measured_by_language(services: Services, tmp_path: Path) -> None:
    articles.load(services, tmp_path)
    cases = [
        case("1", "What does VPN error 809 mean?", "en/vpn.md", "en", "Error 809 means the hotel network blocks the VPN ports."),
        case("2", "printer shows PRN-21", "en/printer.md", "en"),
        case("3", "密码忘了怎么办", "zh/password.md", "zh"),
        case("4", "怎样订购新笔记本电脑", "not/there.md", "zh"),
        Case("5", "any good restaurants?", "en", Kind.OFF_TOPIC, frozenset()),
    ]  # fmt: skip
    result = retrieval.summarise(retrieval.collect(services, cases))
    assert value(result, "recall_at_1", "en") == 1.0
    assert value(result, "section_recall_at_1", "en") == 1.0
    assert value(result, "recall_at_10", "zh") == 0.5
    assert value(result, "mrr_at_10", "all") == 0.75
    assert [miss["id"] for miss in result.misses] == ["4"]
