"""`firstline calibrate` on a small installation: asked, fitted or rescaled, written, used; every mistake in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from base.settings import Settings
from bot.confidence import BadFit, read_fit, shipped_fit
from tests.articles import load
from web.cli import main
from web.wiring import Services, build

CASES = [
    {"id": "a", "text": "VPN error 809 in a hotel", "kind": "answerable", "source": "en/vpn.md"},
    {"id": "b", "text": "Printer shows PRN-21", "kind": "answerable", "source": ["en/printer.md"]},
    {"id": "c", "text": "忘记密码怎么重置", "kind": "answerable", "source": "zh/password.md"},
    {"id": "d", "text": "who won the match last night", "kind": "off_topic", "source": ""},
    {"id": "e", "text": "What is the toner called?", "contexts": [{"title": "Toner", "text": "It is called T-5."}],
     "kind": "answerable"},
]  # fmt: skip


@pytest.fixture
def run(services: Services, settings: Settings, tmp_path: Path) -> Callable[..., Result]:
    load(services, tmp_path)
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in CASES))

    def command(*arguments: str) -> Result:
        whole = ["--data-dir", str(settings.data_dir), "calibrate", *arguments]
        return CliRunner().invoke(main, whole, env={"FIRSTLINE_LOG_LEVEL": "error", "LANG": "C"})

    return command


def test_few_cases_change_nothing_and_that_is_said(
    run: Callable[..., Result], tmp_path: Path, settings: Settings
) -> None:
    result = run("--cases", str(tmp_path / "cases.jsonl"))
    assert result.exit_code == 0, result.output
    assert "too few questions to change anything" in result.stdout
    assert 'do not prove "at most 5.0% wrong": that takes 59 answers' in result.stdout
    assert "Nothing was changed" in result.stdout
    assert not (settings.data_dir / "confidence.json").exists()


def test_a_written_fit_is_used_from_the_next_start(
    run: Callable[..., Result], tmp_path: Path, settings: Settings
) -> None:
    assert run("--cases", str(tmp_path / "cases.jsonl"), "--write", "--label", "ours/1").exit_code == 0
    own = build(settings)
    # Another installation in the same process judges with its own.
    other = build(settings.model_copy(update={"data_dir": tmp_path / "other", "database_url": ""}))
    assert (own.fit.version, other.fit) == ("ours/1", shipped_fit())
    assert own.thinker.answering().fit is own.fit
    own.close()
    other.close()


def test_what_was_seen_can_be_pooled_with_another_installation(run: Callable[..., Result], tmp_path: Path) -> None:
    seen = tmp_path / "seen.jsonl"
    assert run("--cases", str(tmp_path / "cases.jsonl"), "--take-away", "--observations", str(seen)).exit_code == 0
    rows = [json.loads(line) for line in seen.read_text().splitlines()]
    by_id = {row["id"]: row for row in rows}
    assert (by_id["a"]["right"], by_id["a"]["answerable"], by_id["d"]["right"]) == (True, True, False)
    assert (by_id["a/removed"]["kind"], by_id["a/removed"]["right"]) == ("gold_removed", False)
    assert by_id["e"]["given"] is True
    result = run("--pool", str(seen), "--pool", str(seen), "--out", str(tmp_path / "fit.json"))
    assert result.exit_code == 0, result.output
    assert read_fit(tmp_path / "fit.json").about["fitted_on"]["zh"] == {
        "cases: answerable": 2,
        "cases: gold_removed": 2,
    }


def test_a_damaged_fit_says_what_to_do(services: Services, settings: Settings) -> None:
    (settings.data_dir / "confidence.json").write_text('{"format": 1}')
    with pytest.raises(BadFit) as raised:
        build(settings)
    assert "confidence.json" in str(raised.value.fields["file"])


@pytest.mark.parametrize(
    "line", ['{"id": "x"}', "[]", "no json", '{"text": "a", "source": 3}', '{"text": "a", "contexts": 3}']
)
def test_a_bad_case_is_named_by_its_line(run: Callable[..., Result], tmp_path: Path, line: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "VPN error 809"}\n\n' + line + "\n")
    result = run("--cases", str(path))
    assert result.exit_code == 2
    assert "Line 3 of" in result.stderr


def test_a_bad_observation_and_a_missing_file_are_said_in_one_line(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "odd.jsonl").write_text('{"id": "x"}\n')
    for arguments, words in ((("--pool", str(tmp_path / "odd.jsonl")), "is not an observation"),
                             (("--cases", str(tmp_path / "none.jsonl")), "cannot be read")):  # fmt: skip
        result = run(*arguments)
        assert result.exit_code == 2
        assert words in result.stderr
    assert run().exit_code == 2
