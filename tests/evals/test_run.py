"""`firstline eval` from end to end: on a small installation, and the gate that a build must keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from base.settings import Settings
from bot.confidence import FIT, INSTALLED
from evals import run as evals
from evals.cases import NoCases
from evals.installation import CannotCopy, copied
from evals.run import CasesNeeded, DoesNotFit, UnknownSuite, Wish
from tests import articles
from tests.docs.pages import ROOT
from web.cli import main
from web.commands.demo import NothingToAnswerFrom
from web.wiring import Services

CASES = [
    {"id": "1", "text": "What does VPN error 809 mean?", "source": "en/vpn.md"},
    {"id": "2", "text": "忘记密码怎么重置", "source": "zh/password.md"},
    {"id": "3", "text": "Who won the football match yesterday?", "kind": "off_topic"},
]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in CASES), encoding="utf-8")
    return path


@pytest.fixture
def filled(make_services: Callable[..., Services], settings: Settings, tmp_path: Path) -> Settings:
    """An installation with a few articles, closed."""
    services = make_services()
    articles.load(services, tmp_path / "articles")
    return settings


def test_a_copy_judges_as_its_installation_does(filled: Settings) -> None:
    own = json.loads(FIT.read_text(encoding="utf-8")) | {"version": "ours/1"}
    (filled.data_dir / INSTALLED).write_text(json.dumps(own), encoding="utf-8")
    with copied(filled) as services:
        assert services.fit.version == "ours/1"


def test_an_installation_is_measured_with_its_own_cases(
    filled: Settings, cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = Wish(
        ("retrieval", "answers", "abstention", "parity"), filled.data_dir, cases, out=tmp_path / "out", as_json=True
    )
    assert evals.run(filled, wish) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    values = {key: measure["value"] for key, measure in data["measures"].items()}
    assert values["retrieval.recall_at_1.all"] == 1.0
    assert values["answers.wrong.all"] == 0.0
    assert values["abstention.right_behaviour.en off_topic"] == 1.0
    assert values["parity.retrieval.recall_at_1.all"] == 0.0
    assert data["measures"]["abstention.right_behaviour.all gold_removed"]["count"] == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.html", "report.md", "report.json"}


def test_the_installation_itself_stays_as_it_was(filled: Settings, cases: Path) -> None:
    before = (filled.data_dir / "firstline.db").read_bytes()
    evals.run(filled, Wish(("abstention",), filled.data_dir, cases))
    assert (filled.data_dir / "firstline.db").read_bytes() == before


def test_a_broken_gate_gives_a_list_and_exit_code_1(
    filled: Settings, cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = tmp_path / "gate.toml"
    gate.write_text('[floors]\n"retrieval.recall_at_1.all" = 1.01\n', encoding="utf-8")
    assert evals.run(filled, Wish(("retrieval",), filled.data_dir, cases, gate=gate)) == evals.EXIT_BROKEN
    said = capsys.readouterr()
    assert said.err == "firstline: retrieval.recall_at_1.all is 1, wanted >= 1.01\n"
    assert "- retrieval.recall_at_1.all is 1, wanted >= 1.01" in said.out


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (Wish(("speed",)), UnknownSuite),
        (Wish(()), UnknownSuite),
        (Wish(("answers",), installation=Path("here")), CasesNeeded),
        (Wish(("answers",), masked=True), DoesNotFit),
        (Wish(("answers",), folder=Path("x"), cases=Path("y")), DoesNotFit),
        (Wish(("triage",), folder=Path("x")), DoesNotFit),
        (Wish(("answers", "triage"), cases=Path("y")), DoesNotFit),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_built(
    settings: Settings, wish: Wish, error: type
) -> None:
    with pytest.raises(error):
        evals.run(settings, wish)
    assert not (settings.data_dir / "firstline.db").exists()


def test_cases_of_no_use_to_a_suite_are_an_error(filled: Settings, tmp_path: Path) -> None:
    path = tmp_path / "off.jsonl"
    path.write_text('{"text": "football?", "kind": "off_topic"}\n', encoding="utf-8")
    with pytest.raises(NoCases):
        evals.run(filled, Wish(("answers",), filled.data_dir, path))


@pytest.mark.parametrize("suite", ["retrieval", "abstention"])
def test_an_empty_installation_is_an_error(settings: Settings, cases: Path, suite: str) -> None:
    with pytest.raises(NothingToAnswerFrom):
        evals.run(settings, Wish((suite,), settings.data_dir, cases))


def test_only_an_installation_on_sqlite_is_copied(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"database_url": "postgresql+psycopg://somewhere/firstline"})
    with pytest.raises(CannotCopy), copied(elsewhere):
        pass


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["speed"], "There is no suite speed"),
        (["answers", "--cases", "none.jsonl"], "none.jsonl cannot be read"),
        (["retrieval", "--folder", "none"], "none cannot be measured"),
        (["retrieval", "--gate", "none.toml"], "none.toml cannot be used"),
    ],
)
def test_the_command_says_in_a_line_what_is_wrong(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["eval", *arguments])
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.count("\n") == 1


@pytest.mark.slow
def test_the_gate_is_kept(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wish = Wish(gate=ROOT / "evals" / "gate.toml", out=tmp_path / "out")
    code = evals.run(settings, wish)
    assert capsys.readouterr().err == ""
    assert code == 0
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert report.count("<svg") >= 5
