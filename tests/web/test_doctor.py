"""doctor: what is wrong, where, and what to do, without a code word."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from base.settings import Settings
from tests.clamd import VERSION, clamd
from tests.live import LOOPBACK
from web.commands.doctor import Finding, Level, examine

CODES = ("database_too_new", "misconfigured_setting", "storage_unavailable", "embedder cache")
Examined = Callable[..., list[Finding]]


@pytest.fixture
def bad(settings: Settings) -> Examined:
    """What is bad with such an installation."""

    def examined(**changed: object) -> list[Finding]:
        found = list(examine(settings.model_copy(update=changed)))
        assert not any(code in f"{one.what} {one.advice}" for one in found for code in CODES)
        return [one for one in found if one.level is Level.BAD]

    return examined


def about(findings: list[Finding], words: str) -> Finding:
    return next(one for one in findings if words in one.what)


def test_a_database_of_a_newer_version_is_said_in_words_and_once(settings: Settings, bad: Examined) -> None:
    with sqlite3.connect(settings.data_dir / "firstline.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    findings = bad()
    assert "newer version of Firstline (9999)" in about(findings, "the database cannot be used").advice
    assert about(findings, "the knowledge base could not be checked").advice == "The same trouble as above."


def test_a_file_that_is_no_database_is_named_with_what_to_do(settings: Settings, bad: Examined) -> None:
    (settings.data_dir / "firstline.db").write_bytes(b"no database at all" * 300)
    advice = about(bad(), "the database cannot be used").advice
    assert str(settings.data_dir / "firstline.db") in advice
    assert "restore a backup" in advice


def test_a_file_in_place_of_the_folder_is_named_with_what_to_do(tmp_path: Path, bad: Examined) -> None:
    (tmp_path / "file").write_text("in the way")
    findings = bad(data_dir=tmp_path / "file")
    for part in ("the data folder cannot be used", "the embedding model does not work"):
        advice = about(findings, part).advice
        assert str(tmp_path / "file") in advice
        assert "--data-dir" in advice


def test_a_chat_model_nobody_knows_keeps_the_knowledge_base_from_nothing(bad: Examined) -> None:
    findings = bad(llm="foo:bar")
    assert "ollama:NAME" in about(findings, "the chat model cannot be used").advice
    assert not any("knowledge base" in one.what for one in findings)


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_postgresql_that_is_away_is_named_without_its_password(bad: Examined) -> None:
    advice = about(bad(database_url="postgresql://desk:secret@127.0.0.1:9/firstline"), "the database").advice
    assert "127.0.0.1:9/firstline" in advice
    assert "FIRSTLINE_DATABASE_URL" in advice
    assert "secret" not in advice


@pytest.mark.allow_hosts(LOOPBACK)
def test_a_virus_scanner_that_answers_is_named_and_one_that_does_not_is_bad(settings: Settings, bad: Examined) -> None:
    with clamd() as fake:
        found = list(examine(settings.model_copy(update={"clamd": fake.address})))
        assert VERSION in about(found, "virus scanner").what
    finding = about(bad(clamd=fake.address), "virus scanner")
    assert "no file of a mail is handed out" in finding.advice
