"""The figures of the suites, on cases whose right answer can be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.models import OutcomeKind
from evals import abstention, answers, flows, parity, triage
from evals.asking import Asked, unsupported
from evals.cases import Case, Kind, questions, read_lines
from evals.flows import flow_of
from evals.gold import article_key
from evals.measures import Measure, SuiteName, SuiteResult
from evals.parity_causes import Observed, Sort, explain, sentence, sort_of
from evals.run import FALSE_PREMISES
from kb.models import Scope
from tests import articles
from web.demo.setup import ARTICLES
from web.wiring import Services


def asked(
    name: str, confidence: float, *cited: str, kind: Kind = Kind.ANSWERABLE, best: bool = False, lang: str = "en",
    false_facts: tuple[str, ...] = (),
) -> Asked:  # fmt: skip
    gold = frozenset({"gold.md"}) if kind is Kind.ANSWERABLE else frozenset()
    right = kind is Kind.ANSWERABLE and "gold.md" in cited
    outcome = OutcomeKind.ANSWER if cited else OutcomeKind.OFFER
    case = Case(name, "?", lang, kind, gold)
    return Asked(case, outcome, "", lang, confidence, cited, lang, right, best or right, false_facts, 1.0)


def values(result: SuiteResult, group: str = "all") -> dict[str, float]:
    return {one.name: one.value for one in result.measures if one.group == group}


def test_answers_are_correct_wrong_or_abstained() -> None:
    found = values(
        answers.summarise([
            asked("1", 0.9, "gold.md"),
            asked("2", 0.9, "gold.md", "other.md", false_facts=("8000",)),
            asked("3", 0.8, "other.md"),
            asked("4", 0.2),
            asked("5", 0.9, "other.md", kind=Kind.OFF_TOPIC),  # not to be answered: no case of this suite
        ])
    )  # fmt: skip
    assert (found["correct"], found["wrong"], found["abstained"], found["coverage"]) == (0.5, 0.25, 0.25, 0.75)
    assert found["citation_precision"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert found["citation_recall"] == pytest.approx(2 / 3)
    assert found["hard_fact_errors"] == pytest.approx(1 / 3)
    assert found["language_match"] == 1.0


def test_risk_is_what_is_wrong_among_the_answered_and_coverage_counts_the_answerable() -> None:
    points = abstention.curve([
        asked("1", 0.9, "gold.md"),
        asked("2", 0.8, "other.md", kind=Kind.NEAR_MISS),
        asked("3", 0.4, best=True),  # below the threshold, its best passage would have been right
        asked("4", 0.0),  # nothing was found: it cannot be answered
    ])  # fmt: skip
    assert [(point.threshold, point.answered, point.wrong) for point in points] == [
        (0.9, 1, 0),
        (0.8, 2, 1),
        (0.4, 3, 1),
    ]
    assert [point.coverage for point in points] == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    assert points[1].risk == 0.5


def test_cases_of_equal_confidence_are_one_point() -> None:
    points = abstention.curve([asked("1", 0.5, "gold.md"), asked("2", 0.5, "other.md")])
    assert [(point.answered, point.wrong) for point in points] == [(2, 1)]


def test_each_kind_has_its_right_behaviour() -> None:
    result = abstention.summarise([
        asked("1", 0.9, "gold.md"),
        asked("2", 0.9, "other.md", kind=Kind.NEAR_MISS),
        asked("3", 0.1, kind=Kind.OFF_TOPIC),
        asked("4", 0.1, kind=Kind.GOLD_REMOVED),
        asked("5", 0.1, kind=Kind.FALSE_PREMISE),
    ])  # fmt: skip
    kinds = {kind: values(result, f"all {kind}")["right_behaviour"] for kind in Kind}
    assert kinds == {kind: float(kind is not Kind.NEAR_MISS) for kind in Kind}
    assert values(result)["wrong_among_answered"] == 0.5
    assert values(result)["balanced_accuracy"] == pytest.approx((1 + 3 / 4) / 2)
    assert [miss["id"] for miss in result.misses] == ["2"]


def test_a_question_asked_again_without_its_article_is_not_answered_from_it(services: Services, tmp_path: Path) -> None:
    articles.load(services, tmp_path)
    case = Case("1", "What does VPN error 809 mean?", "en", Kind.ANSWERABLE, frozenset({"en/vpn.md"}))
    found = abstention.collect(services, [case], [])
    assert [one.case.kind for one in found] == [Kind.GOLD_REMOVED]
    assert not any("vpn.md" in source for one in found for source in one.cited)  # in neither language
    again = services.searcher.search(case.text, scope=Scope()).passages
    assert again[0].source == "en/vpn.md"  # and it is back afterwards


@pytest.mark.parametrize(
    ("text", "source", "missing"),
    [
        ("1. Call 8000 within 15 minutes. [1]", "Call 8000 within 15 min.", ()),
        ("Call 8001. [1]", "Call 8000.", ("8001",)),
        ("请在十五分钟内访问 https://it.example/a [1]", "请在 15 分钟内访问 https://it.example/a", ()),
        ("See https://it.example/b", "See https://it.example/a", ("it.example/b",)),
        ("Error PRN-22 on 2026-10-12", "Error PRN-21 on 2026-10-12", ("prn22",)),
    ],
)
def test_hard_facts_must_stand_in_the_source(text: str, source: str, missing: tuple[str, ...]) -> None:
    assert unsupported(text, source) == missing


def test_macro_f1_and_weighted_kappa_are_those_of_the_books() -> None:
    pairs = [("a", "a"), ("a", "b"), ("b", "b"), ("c", "b")]
    labels = ("a", "b", "c", "d")
    # a: 2/3, b: 1/2, c: 0; d does not occur
    assert triage.macro_f1(pairs, labels) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    table = triage.confusion(pairs, labels)
    assert table[0] == [1, 1, 0, 0]
    # seen 1 + 1, by chance (1*1*0 + 2*3*1 + 1*1*1 + 1*1*4 + 1*3*1) / 4
    assert triage.weighted_kappa(table) == pytest.approx(1 - 2 / ((6 + 1 + 4 + 3) / 4))
    assert triage.weighted_kappa([[3, 0], [0, 0]]) == 1.0
    assert triage.macro_f1([], labels) == 0.0


def test_parity_sets_both_languages_side_by_side_the_widest_gap_first() -> None:
    def share(name: str, group: str, value: float) -> Measure:
        return Measure(SuiteName.ANSWERS, name, group, value, 100, value - 0.05, value + 0.05)

    measures = (
        share("correct", "zh", 0.7), share("correct", "en", 0.9), share("coverage", "zh x", 0.8),
        share("coverage", "en x", 0.81), share("correct", "all", 0.8), share("alone", "zh", 0.5),
    )  # fmt: skip
    result = parity.summarise([SuiteResult(SuiteName.ANSWERS, measures)])
    assert [(one.name, one.group) for one in result.measures] == [
        ("widest_gap", "all"), ("answers.correct", "all"), ("answers.coverage", "x"),
    ]  # fmt: skip
    assert [one.value for one in result.measures] == pytest.approx([0.2, -0.2, -0.01])
    assert result.notes == ("1 of 2 shares lie within 3% of each other in both languages.",)


def seen(lang: str, value: float, count: int, sort: Sort = Sort.OWN) -> list[Observed]:
    return [Observed(lang, sort, value)] * count


def test_a_gap_that_comes_of_other_sorts_of_questions_is_told_from_one_within_a_sort() -> None:
    # Alike within each sort, but half of the Chinese questions have their article only in English.
    rows = [*seen("zh", 1.0, 10, Sort.BOTH), *seen("zh", 0.5, 10, Sort.OTHER)]
    rows += [*seen("en", 1.0, 15, Sort.BOTH), *seen("en", 0.5, 5, Sort.OTHER)]
    mix, within = explain(rows)
    assert mix == pytest.approx(-0.125)
    assert within == {Sort.BOTH: (0.0, 0.0), Sort.OTHER: (0.0, 0.0)}
    # The same sorts of questions, but one sort does worse.
    rows = [*seen("zh", 1.0, 8, Sort.BOTH), *seen("zh", 0.0, 8, Sort.OTHER)]
    rows += [*seen("en", 1.0, 8, Sort.BOTH), *seen("en", 1.0, 8, Sort.OTHER)]
    mix, within = explain(rows)
    assert mix == pytest.approx(0.0)
    assert within[Sort.OTHER] == (-1.0, -0.5)
    line = sentence("retrieval.recall_at_5", -0.5, (-0.7, -0.2), rows)
    assert "-50.0 points against English" in line
    assert "-50.0 points among questions whose article is only in the other language (there -100.0 points)" in line
    assert "chance" not in line


def test_a_wide_gap_is_explained_in_a_line_of_the_parity_report_and_a_narrow_one_is_not() -> None:
    def share(name: str, lang: str, value: float) -> Measure:
        return Measure(SuiteName.ANSWERS, name, lang, value, 20, value - 0.2, value + 0.2)

    measures = [share("correct", "zh", 0.7), share("correct", "en", 0.8)]
    measures += [share("wrong", "zh", 0.1), share("wrong", "en", 0.11)]
    rows = [one for lang, good in (("zh", 14), ("en", 16)) for one in (*seen(lang, 1.0, good), *seen(lang, 0.0, 4))]
    observed = {"answers.correct": rows, "answers.wrong": rows}
    notes = parity.summarise([SuiteResult(SuiteName.ANSWERS, tuple(measures))], observed).notes
    assert len(notes) == 2
    assert notes[1].startswith("answers.correct: Chinese -10.0 points against English; the interval holds 0")


def test_the_sort_of_a_question_is_told_from_the_languages_of_its_articles() -> None:
    languages = {article_key("en/vpn.md"): frozenset({"en", "zh"}), article_key("zh/erp.md"): frozenset({"zh"})}

    def sort(lang: str, source: str) -> Sort | None:
        return sort_of(Case("1", "?", lang, Kind.ANSWERABLE, frozenset({source})), languages)

    assert sort("zh", "en/vpn.md") is Sort.BOTH
    assert (sort("zh", "zh/erp.md"), sort("en", "zh/erp.md")) == (Sort.OWN, Sort.OTHER)
    assert sort("en", "en/gone.md") is None


def test_a_false_premise_is_put_right_gone_along_with_or_left_open() -> None:
    def premise(name: str, *cited: str, right: bool = False) -> Asked:
        case = Case(name, "?", "zh", Kind.FALSE_PREMISE, frozenset({"gold.md"}))
        return replace(asked(name, 0.9, *cited, lang="zh"), case=case, right=right)

    ones = [premise("1", "gold.md", right=True), premise("2", "gold.md"), premise("3"), premise("4", "other.md")]
    found = values(abstention.summarise(ones))
    assert (found["premise_put_right"], found["premise_accepted"]) == (0.25, 0.5)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_bundled_false_premises_name_an_article_that_says_the_opposite(lang: str) -> None:
    cases = [case for case in read_lines(FALSE_PREMISES, questions, "abstention") if case.lang == lang]
    assert len(cases) >= 12
    for case in cases:
        assert case.kind is Kind.FALSE_PREMISE
        assert case.contains
        assert case.sources
        for source in case.sources:
            said = (ARTICLES / source).read_text(encoding="utf-8").replace("**", "")
            assert all(part in said for part in case.contains), case.id


def test_a_conversation_is_held_against_its_script(services: Services, tmp_path: Path) -> None:
    articles.load(services, tmp_path)
    turns = [
        {"text": "hello", "expect": "greeting", "ticket": False},
        {"text": "let me talk to a human", "expect": "ticket", "ticket": True, "contains": "FL-", "lang": "en"},
    ]
    good, bad = (
        flow_of({"turns": turns}, 1)[0],
        flow_of({"turns": [{**turns[0], "expect": "answer", "without": "hello"}]}, 2)[0],
    )
    played = flows.collect(services, [good, bad])
    assert played[0].faults == ()
    assert played[1].faults == ("turn 1: greeting (greeting) instead of answer", 'turn 1: says "hello"')
    assert values(flows.summarise(played))["turns_as_written"] == pytest.approx(2 / 3)
