"""The report: three files that agree, a change against the last run, plots that stand by themselves, a gate."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from evals.gate import BadGate, broken, read_gate
from evals.measures import Measure, Plot, PlotKind, SuiteName, SuiteResult, share_of, times
from evals.plots import draw
from evals.report import Report, html, last_run, markdown, write
from web.commands.jsonlines import CannotWrite

CURVE = [
    {"threshold": 0.9, "coverage": 0.2, "risk": 0.0, "bound": 0.3},
    {"threshold": 0.5, "coverage": 0.8, "risk": 0.1, "bound": 0.2},
]
PLOTS = [
    Plot(PlotKind.RISK_COVERAGE, "Risk", {"curves": {"zh": CURVE, "all": CURVE}}),
    Plot(PlotKind.RISK_COVERAGE, "Nothing", {"curves": {"all": []}}),
    Plot(
        PlotKind.RELIABILITY,
        "Honest?",
        {"bins": [{"confidence": 0.5, "right": 0.4, "count": 9, "low": 0.1, "high": 0.8}]},
    ),
    Plot(PlotKind.CONFUSION, "Levels & <such>", {"labels": ["urgent", "low"], "table": [[3, 1], [0, 0]]}),
    Plot(PlotKind.LATENCY, "Time", {"milliseconds": [1.0, 2.0, 90.0]}),
    Plot(PlotKind.LATENCY, "No time", {"milliseconds": []}),
]
WHAT = {"suites": "answers", "limit": 0}


def report(value: float = 0.5, before: dict[str, float] | None = None, faults: tuple[str, ...] | None = None) -> Report:
    measures = (
        Measure(SuiteName.ANSWERS, "correct", "zh", value, 10, 0.2, 0.8),
        Measure(SuiteName.ANSWERS, "right_behaviour", "en near_miss", 1.0, 10),
    )
    miss = {"id": "1", "text": "<script>alert(1)</script>", "rank": None, "cited": ["a.md"]}
    result = SuiteResult(SuiteName.ANSWERS, measures, tuple(PLOTS), (miss,), ("A note.",))
    return Report("2026-11-22T03:00:00+00:00", WHAT, {"articles": 5}, (result,), faults, before or {})


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.title)
def test_a_plot_is_well_formed_and_has_a_name(plot: Plot) -> None:
    picture = ET.fromstring(draw(plot))
    assert picture.attrib["aria-label"] == plot.title


def test_the_page_needs_nothing_else_and_lets_no_markup_in() -> None:
    page = html(report())
    assert page.count("<svg") == len(PLOTS)
    assert "<script" not in page
    assert "src=" not in page
    assert "href=" not in page


def test_a_finer_group_is_a_row_of_its_own_under_its_language() -> None:
    text = markdown(report())
    assert "| measure | zh | en |" in text
    assert "| right behaviour · near miss |  | 100.0 % n=10 |" in text


def test_the_next_run_shows_what_changed(tmp_path: Path) -> None:
    assert last_run(tmp_path, WHAT) == ({}, "")
    write(report(0.5), tmp_path)
    before, said = last_run(tmp_path, WHAT)
    assert before["answers.correct.zh"] == 0.5
    assert "2026-11-22" in said
    later = report(0.6, before)
    write(later, tmp_path)
    data = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert data["measures"]["answers.correct.zh"]["change"] == pytest.approx(0.1)
    assert "+10.0 %" in markdown(later)
    assert '<small class="up">+10.0 %' in html(later)


def test_a_run_of_something_else_is_not_compared(tmp_path: Path) -> None:
    write(report(), tmp_path)
    assert last_run(tmp_path, {**WHAT, "limit": 5})[0] == {}
    (tmp_path / "report.json").write_text("{", encoding="utf-8")
    assert last_run(tmp_path, WHAT)[0] == {}


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        write(report(), tmp_path / "file")


def test_figures_without_cases_are_left_out() -> None:
    assert share_of(SuiteName.ANSWERS, "correct", "zh", []) == []
    assert times(SuiteName.ANSWERS, []) == []
    assert [one.value for one in times(SuiteName.ANSWERS, [float(n) for n in range(100)])] == [50.0, 95.0]


def gate_file(folder: Path, text: str) -> Path:
    path = folder / "gate.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_gate_lists_what_is_not_kept_or_not_measured(tmp_path: Path) -> None:
    gate = read_gate(gate_file(tmp_path, """
        [floors]
        "answers.correct.zh" = 0.6
        "answers.correct.en" = 0.6
        "triage.urgent_recall.zh" = 0.9
        "answers.right_behaviour.en near_miss" = 0.9
        [ceilings]
        "answers.correct.zh" = 0.4
    """))  # fmt: skip
    measures = [measure for result in report().results for measure in result.measures]
    assert broken(gate, measures, ["answers"]) == [
        "answers.correct.zh is 0.5, wanted >= 0.6",
        "answers.correct.en was not measured (wanted >= 0.6)",
        "answers.correct.zh is 0.5, wanted <= 0.4",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "[floors", "[walls]\na = 1", "[floors]\nanswers.correct.zh = 1", '[floors]\n"answer.x.y" = 1',
     '[floors]\n"answers.x.y" = "high"', '[run]\nsuites = ["all"]\n[floors]\n"answers.x.y" = 1'],
)  # fmt: skip
def test_a_gate_that_cannot_be_used_says_why(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadGate):
        read_gate(gate_file(tmp_path, text))
    with pytest.raises(BadGate):
        read_gate(tmp_path / "none.toml")
