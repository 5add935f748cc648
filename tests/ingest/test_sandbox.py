"""A helper process that runs away, crashes or babbles costs one file, never the desk."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ingest import errors, helper, sandbox
from ingest.loaders import Kind
from ingest.models import Limits
from tests.ingest.make import docx_bytes, new_docx, write, xlsx_bytes


def test_the_answer_is_the_same_as_when_read_here(tmp_path: Path) -> None:
    document = new_docx()
    document.add_paragraph("连接 VPN 的步骤")
    with write(tmp_path, "a.docx", docx_bytes(document)).open("rb") as file:
        kind, raw = sandbox.read_isolated(Kind.ZIP, file, "a.docx", Limits())
    assert (kind, raw.text) == (Kind.DOCX, "连接 VPN 的步骤")


def test_a_helper_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with write(tmp_path, "a.md", "text").open("rb") as file, pytest.raises(errors.TimedOut):
        sandbox.read_isolated(Kind.MARKDOWN, file, "a.md", Limits(max_seconds=0.001))


def test_a_helper_that_runs_out_of_memory_is_a_file_with_too_much_in_it(tmp_path: Path) -> None:
    rows = [[f"name {i}", "words " * 20] for i in range(3000)]
    limits = Limits(max_memory_bytes=60 * 1024 * 1024)
    with (
        write(tmp_path, "a.xlsx", xlsx_bytes({"S": rows})).open("rb") as file,
        pytest.raises(errors.CannotRead) as caught,
    ):
        sandbox.read_isolated(Kind.ZIP, file, "a.xlsx", limits)
    assert caught.value.code in ("too_large", "broken_file")


@pytest.mark.parametrize("boot", ["import os; os.abort()", "print('not json')", "print('[1]')", "print('{}')", "pass"])
def test_a_helper_that_crashes_or_babbles_is_a_broken_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    monkeypatch.setattr(sandbox, "_BOOT", boot)
    with write(tmp_path, "a.md", "text").open("rb") as file, pytest.raises(errors.BrokenFile):
        sandbox.read_isolated(Kind.MARKDOWN, file, "a.md", Limits())


def test_an_endless_answer_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_BOOT", "while True: print('x' * 1000)")
    with write(tmp_path, "a.md", "text").open("rb") as file, pytest.raises(errors.TooMuchText):
        sandbox.read_isolated(Kind.MARKDOWN, file, "a.md", Limits(max_text_chars=1000))


def test_the_helper_does_not_see_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_SECRET_KEY", "do not tell")
    boot = (
        "import os, json; print(json.dumps({'kind': 'text', 'title': '', 'meta': {},"
        " 'text': str('FIRSTLINE_SECRET_KEY' in os.environ)}))"
    )
    monkeypatch.setattr(sandbox, "_BOOT", boot)
    with write(tmp_path, "a.md", "text").open("rb") as file:
        assert sandbox.read_isolated(Kind.TEXT, file, "a.md", Limits())[1].text == "False"


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('127.0.0.1', PORT), 2)",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "open('PATH', 'w')",
        "import os; os.remove('PATH')",
    ],
)
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_locked_helper_cannot_reach_network_processes_or_files(tmp_path: Path, attempt: str) -> None:
    victim = write(tmp_path, "victim.txt", "precious")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        words = attempt.replace("PORT", str(listener.getsockname()[1])).replace("PATH", str(victim))
        code = f"import sys; sys.path.insert(0, {sandbox._ROOT!r}); from ingest import helper; helper._lock()\n{words}"
        done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"PermissionError" in done.stderr
    assert victim.read_text() == "precious"


def test_a_reader_that_fails_is_reported_by_the_name_of_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(helper, "_limit_resources", lambda _: None)
    monkeypatch.setattr(helper, "_read", fail)
    monkeypatch.setattr(sys, "argv", ["-c", "", "text", "a.txt", "{}"])
    monkeypatch.setattr(sys, "stdout", out)
    helper.main()
    assert out.buffer.getvalue() == b'{"error": "BrokenFile", "detail": "ZeroDivisionError"}'
