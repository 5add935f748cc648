"""What is logged, and what never is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from base.log import get_logger, set_up_logging
from base.settings import Settings

WROTE = "my password is hunter2, call 13812345678"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def _logged(capsys: pytest.CaptureFixture[str], **settings: object) -> dict[str, object]:
    set_up_logging(Settings(log_format="json", **settings))  # type: ignore[arg-type]
    get_logger("bot.engine").info("message_answered", inbox_id=7, text=WROTE, question=WROTE, answer=WROTE, body=WROTE)
    return dict(json.loads(capsys.readouterr().err))


def test_an_event_is_one_line_of_json_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logged = _logged(capsys)
    assert (logged["event"], logged["inbox_id"], logged["module"], logged["level"]) == (
        "message_answered", 7, "bot.engine", "info",
    )  # fmt: skip
    assert str(logged["timestamp"]).endswith("Z")


def test_what_a_customer_wrote_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logged = _logged(capsys)
    assert "hunter2" not in json.dumps(logged)
    assert logged["text"] == f"({len(WROTE)} characters)"


def test_it_is_logged_when_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert _logged(capsys, log_content=True)["text"] == WROTE


def test_less_severe_events_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format="json", log_level="error"))
    get_logger("x").warning("not_this")
    get_logger("x").error("but_this")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["but_this"]


def test_a_fault_is_logged_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format="json"))
    try:
        raise ValueError("broken")
    except ValueError:
        get_logger("x").error("fault", exc_info=True)
    assert "ValueError: broken" in json.loads(capsys.readouterr().err)["exception"]


def test_chinese_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format="json"))
    get_logger("x").info("document_failed", source="手册.pdf")
    assert "手册.pdf" in capsys.readouterr().err


def test_a_trace_on_a_terminal_shows_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format="text"))
    said = WROTE
    try:
        raise ValueError(f"cannot use {len(said)} characters")
    except ValueError:
        get_logger("x").error("fault", exc_info=True)
    printed = capsys.readouterr().err
    assert "ValueError: cannot use" in printed
    assert "hunter2" not in printed
