"""The command line: JSON Lines in and out, one clear line for every mistake, exit codes that scripts can rely on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests import articles
from web.cli import main

Run = Callable[..., Result]
HIT = ["article_id", "source", "title", "section", "lang", "score", "quote"]
ANSWER = [
    "id", "outcome", "text", "lang", "confidence", "citations", "urgency", "urgency_reasons", "category", "sentiment",
    "wants_human", "elapsed_ms",
]  # fmt: skip


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """An installation with the small knowledge base, made by the command itself."""
    folder = tmp_path_factory.mktemp("cli")
    model_cache.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir()
    (folder / "data" / "models").symlink_to(model_cache, target_is_directory=True)
    articles.write(folder / "kb", {**articles.ARTICLES, "empty.md": ""})
    command = ["--data-dir", str(folder / "data"), "ingest", str(folder / "kb"), "--json"]
    report = CliRunner().invoke(main, command, env={"FIRSTLINE_LOG_LEVEL": "error"})
    (folder / "report.json").write_text(report.stdout)
    return folder / "data"


@pytest.fixture
def run(data_dir: Path) -> Run:
    def command(*arguments: str, given: str | None = None, **env: str) -> Result:
        variables = {"FIRSTLINE_LOG_LEVEL": "error", "LANG": "C", **env}
        return CliRunner().invoke(main, ["--data-dir", str(data_dir), *arguments], input=given, env=variables)

    return command


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    given = [
        {"id": "en", "text": "What does PRN-21 mean?"},
        {"id": "zh", "text": "在酒店连接 VPN 报错 809 怎么办"},
        {"id": "odd", "text": "\ud800\x00 <b>**[x](javascript:alert(1))"},
        {"id": "empty", "text": ""},
        {"id": "long", "text": "printer " * 20_000},
        {"id": "person", "text": "我要找真人客服"},
        {"id": "outage", "text": "Nobody in the company can log in, everything is down!"},
    ]
    path.write_text("\n".join(json.dumps(case) for case in given) + "\n\n")
    return path


def test_ingest_prints_one_report(data_dir: Path) -> None:
    report = json.loads((data_dir.parent / "report.json").read_text())
    assert list(report) == ["indexed", "unchanged", "files", "elapsed_s"]
    assert (report["indexed"], report["unchanged"]) == (len(articles.ARTICLES), 0)
    by_source = {file["source"]: file for file in report["files"]}
    assert set(by_source) == {*articles.ARTICLES, "empty.md"}
    assert list(by_source["en/vpn.md"]) == ["source", "status", "reason", "chunks"]
    assert by_source["en/vpn.md"]["status"] == "indexed"
    assert by_source["empty.md"]["status"] == "failed"
    assert by_source["empty.md"]["reason"]


def test_ingesting_again_changes_nothing_and_succeeds_with_bad_files_too(run: Run, data_dir: Path) -> None:
    result = run("ingest", str(data_dir.parent / "kb"), "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["indexed"], report["unchanged"]) == (0, len(articles.ARTICLES))


def test_search_writes_hits_best_first(run: Run, cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = run("search", "--cases", str(cases), "--out", str(out), "--top-k", "3")
    assert result.exit_code == 0, result.output
    found = {record["id"]: record for record in lines(out.read_text())}
    assert list(found) == ["en", "zh", "odd", "empty", "long", "person", "outage"]
    assert list(found["en"]) == ["id", "hits", "elapsed_ms"]
    assert list(found["en"]["hits"][0]) == HIT
    assert found["en"]["hits"][0]["source"] == "en/printer.md"
    assert found["zh"]["hits"][0]["source"] == "zh/vpn.md"
    scores = [hit["score"] for hit in found["en"]["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) <= 3


def test_ask_writes_answers_without_touching_the_desk(run: Run, cases: Path, data_dir: Path) -> None:
    result = run("ask", "--cases", str(cases))
    assert result.exit_code == 0, result.output
    found = {record["id"]: record for record in lines(result.stdout)}
    for record in found.values():  # a clarifying question has its choices, too
        assert [name for name in record if name != "choices"] == ANSWER
        assert ("choices" in record) == (record["outcome"] == "clarify")
    assert {record["outcome"] for record in found.values()} <= {"answer", "clarify", "offer", "ticket"}
    assert found["en"]["outcome"] == "answer"
    assert list(found["en"]["citations"][0]) == ["n", "article_id", "source", "title", "section", "quote"]
    assert found["en"]["citations"][0]["source"] == "en/printer.md"
    assert (found["zh"]["lang"], found["en"]["lang"]) == ("zh", "en")
    assert (found["person"]["outcome"], found["person"]["wants_human"]) == ("ticket", True)
    assert (found["outage"]["outcome"], found["outage"]["urgency"]) == ("ticket", "urgent")
    assert found["outage"]["urgency_reasons"]
    with sqlite3.connect(data_dir / "firstline.db") as database:
        assert database.execute("SELECT count(*) FROM desk_conversations").fetchone() == (0,)


def test_triage_writes_the_triage_fields_alone(run: Run, cases: Path) -> None:
    found = {record["id"]: record for record in lines(run("triage", "--cases", str(cases)).stdout)}
    fields = [
        "id",
        "lang",
        "urgency",
        "urgency_reasons",
        "category",
        "sentiment",
        "wants_human",
        "subcategory",
        "things",
    ]
    assert list(found["outage"]) == [*fields, "elapsed_ms"]
    assert found["outage"]["urgency"] == "urgent"
    assert found["person"]["wants_human"]


def test_one_question_is_answered_in_words_or_as_json(run: Run) -> None:
    spoken = run("ask", "What does PRN-21 mean?")
    assert "Printer shows PRN-21" in spoken.stdout
    assert "answer, confidence" in spoken.stderr
    assert list(json.loads(run("ask", "What does PRN-21 mean?", "--json").stdout)) == ANSWER
    assert "printer.md" in run("search", "What does PRN-21 mean?").stdout


def test_what_is_for_staff_is_searched_only_when_asked_for(run: Run, data_dir: Path) -> None:
    articles.write(data_dir.parent / "internal", articles.INTERNAL)
    run("ingest", str(data_dir.parent / "internal"), "--audience", "internal")
    assert "HSGATE" not in run("search", "break-glass account of the gateway").stdout
    assert "HSGATE" in run("search", "break-glass account of the gateway", "--internal").stdout
    assert "HSGATE" not in run("ask", "What is the break-glass account of the gateway?").stdout


def test_a_pipe_talks_json_lines_both_ways(run: Run) -> None:
    given = "\n".join(
        [
            json.dumps({"text": "What does PRN-21 mean?", "thread": "a", "id": "1"}),
            json.dumps({"text": "我要找真人客服"}),
        ]
    )
    replies = lines(run("chat", given=given).stdout)
    assert [reply["thread_id"] for reply in replies] == ["a", "console"]
    assert replies[0]["links"][0]["title"] == "Printer shows PRN-21: paper tray empty"


def test_staff_are_added_with_a_password_that_is_shown_once(run: Run) -> None:
    added = run("staff", "add", "--name", "Mei", "--email", "Mei@desk.example", "--role", "editor")
    assert "added Mei <mei@desk.example> as editor" in added.stdout
    assert "password (shown once): " in added.stdout
    again = run("staff", "add", "--name", "Mei", "--email", "mei@desk.example")
    assert again.exit_code == 2
    assert "already signs in with mei@desk.example" in again.stderr
    assert "Reload" not in again.stderr
    weak = run("staff", "add", "--name", "A", "--email", "a@desk.example", "--password-stdin", given="short\n")
    assert (weak.exit_code, "at least 10 characters" in weak.stderr) == (2, True)
    given = run("staff", "add", "--name", "B", "--email", "b@desk.example", "--password-stdin", given="long enough 1\n")
    assert "password" not in given.stdout


def test_settings_are_printed_with_secrets_hidden(run: Run) -> None:
    shown = run("settings", FIRSTLINE_LLM_API_KEY="sk-very-secret", FIRSTLINE_PORT="8123").stdout
    assert "FIRSTLINE_PORT=8123" in shown
    assert "very-secret" not in shown
    assert "### port" in run("settings", "--markdown").stdout


def test_doctor_says_what_to_do_in_plain_words(run: Run) -> None:
    result = run("doctor")
    assert "index and database agree" in result.stdout
    assert "no chat model" in result.stdout
    assert result.exit_code in (0, 1)


def test_reindex_and_migrate_report_what_they_found(run: Run) -> None:
    assert "index and database agree" in run("reindex").stdout
    assert run("migrate").stdout == "the database is up to date\n"


MISTAKES: list[tuple[list[str], str]] = [
    (["search"], "Give a question"),
    (["ask"], "Give a question"),
    (["triage"], "Give a message"),
    (["ask", "--cases", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
    (["search", "--cases", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
    (["ask", "--cases", "ok.jsonl", "--out", "nowhere/out.jsonl"], "nowhere/out.jsonl cannot be written"),
    (["ask", "--cases", "notjson.jsonl"], "Line 2 of notjson.jsonl"),
    (["triage", "--cases", "notext.jsonl"], "Line 1 of notext.jsonl"),
    (["search", "--cases", "list.jsonl"], "Line 1 of list.jsonl"),
    (["search", "x", "--top-k", "0"], "Invalid value for '--top-k'"),
    (["ingest", "nowhere"], "There is nothing at nowhere"),
    (["ingest"], "Missing argument"),
    (["ingest", ".", "--audience", "everyone"], "Invalid value for '--audience'"),
    (["serve", "--port", "99999"], "Invalid value for '--port'"),
    (["ask", "x", "--cases", "ok.jsonl"], "not both"),
    (["search", "x", "--cases", "ok.jsonl"], "not both"),
    (["triage", "x", "--cases", "ok.jsonl"], "not both"),
    (["staff", "add", "--name", "A", "--email", "nobody"], "“nobody” is not an e-mail address"),
    (["staff", "add", "--name", "A", "--email", "e@desk.example", "--password-stdin"], "at least 10 characters"),
    (["dance"], "No such command"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=lambda value: " ".join(value)[:40])
def test_a_mistake_is_one_clear_line_and_exit_code_2(run: Run, arguments: list[str], message: str) -> None:
    Path("ok.jsonl").write_text('{"id": "a", "text": "hi"}\n')
    Path("notjson.jsonl").write_text('{"id": "a", "text": "hi"}\n{"id"\n')
    Path("notext.jsonl").write_text('{"id": "a", "question": "hi"}\n')
    Path("list.jsonl").write_text('["a"]\n')
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"FIRSTLINE_LLM": "nonsense:x"}, "The setting llm is not right"),
        ({"FIRSTLINE_PORT": "many"}, "The setting port is not right"),
        ({"FIRSTLINE_DATABASE_URL": "mysql://localhost/x"}, "The setting database_url is not right"),
        ({"FIRSTLINE_EMBEDDER": "nonsense:x"}, "The setting embedder names no embedding model"),
        ({"FIRSTLINE_LLM": "foo:bar"}, "ollama:NAME"),
        ({"FIRSTLINE_SERVICE_DEFAULTS": "/nope.toml"}, "The setting service_defaults is not right: /nope.toml"),
        ({"FIRSTLINE_ALLOWED_ORIGINS": "abc"}, "https://HOST"),
        ({"FIRSTLINE_UNKNOWN": "x"}, ""),
    ],
)
def test_a_wrong_setting_is_named(run: Run, env: dict[str, str], message: str) -> None:
    result = run("ask", "hi", **env)
    assert result.exit_code == (2 if message else 0)
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_mistakes_are_explained_in_the_readers_language(run: Run) -> None:
    assert "无法读取" in run("ask", "--cases", "nowhere.jsonl", LC_ALL="zh_CN.UTF-8").stderr


@pytest.mark.parametrize("place", ["/proc/firstline", "a-file/data"])
def test_a_folder_that_cannot_be_written_is_named(place: str) -> None:
    Path("a-file").write_text("not a folder")
    result = CliRunner().invoke(
        main, ["--data-dir", place, "ask", "hi"], env={"FIRSTLINE_LOG_LEVEL": "error", "LANG": "C"}
    )
    assert result.exit_code == 2
    assert place in result.stderr
    assert "--data-dir" in result.stderr
    assert "Please try again in a few minutes" not in result.stderr


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "firstline.db").write_bytes(b"no database at all" * 300)
    result = CliRunner().invoke(main, ["--data-dir", str(tmp_path), "ask", "hi"], env={"LANG": "C"})
    assert result.exit_code == 2
    assert f"{tmp_path}/firstline.db is not a database" in result.stderr
    assert "restore a backup" in result.stderr


def test_a_time_zone_nobody_knows_is_refused_before_a_message_is_taken(run: Run) -> None:
    result = run("ask", "--live", "ERP down for everybody", FIRSTLINE_TIMEZONE="Mars/X")
    assert result.exit_code == 2
    assert "timezone" in result.stderr
    assert "Asia/Shanghai" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_one_missing_source_never_stops_the_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "fresh.txt").write_text("The fresh printer in room 12\n\nIt is called PRINT-12.\n")
    (tmp_path / "empty").mkdir()
    there = ("nope.md", str(tmp_path / "fresh.txt"), "http://127.0.0.1:9/page", str(tmp_path / "empty"), "a\x00b")
    result = run("ingest", *there, "--json")
    assert result.exit_code == 0, result.output
    files = {file["source"]: file for file in json.loads(result.stdout)["files"]}
    assert (files["fresh.txt"]["status"], files["nope.md"]["status"]) == ("indexed", "failed")
    assert "There is nothing at nope.md" in files["nope.md"]["reason"]
    assert files["http://127.0.0.1:9/page"]["status"] == "failed"
    assert files["http://127.0.0.1:9/page"]["reason"]
    assert "Put PDF" in files[str(tmp_path / "empty")]["reason"]
    spoken = run("ingest", *there[:2])
    assert "There is nothing at nope.md" in spoken.stdout
    assert "1 unchanged" in spoken.stdout


def test_when_no_source_is_there_the_report_says_so_and_the_exit_code_too(run: Run) -> None:
    result = run("ingest", "nope.md", "neither.md", "--json")
    assert result.exit_code == 2
    assert [file["status"] for file in json.loads(result.stdout)["files"]] == ["failed", "failed"]
    assert "There is nothing at nope.md" in result.stderr


def test_an_empty_folder_says_what_to_put_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("ingest", str(tmp_path / "empty"))
    assert result.exit_code == 0
    assert "Put PDF, DOCX" in result.stdout


def test_a_line_of_a_pipe_that_is_no_message_is_answered_and_the_next_ones_too(run: Run) -> None:
    given = '{"text": "PRN-21"}\nnot json\n[1]\n\n{"text": 7}\n{"text": "转人工"}\n'
    result = run("chat", given=given)
    assert result.exit_code == 0
    first, *wrong, last = lines(result.stdout)
    assert (first["channel"], last["channel"]) == ("console", "console")
    assert [(line["error"], line["line"]) for line in wrong] == [("payload_not_understood", n) for n in (2, 3, 5)]
    assert all('{"text": ' in line["message"] for line in wrong)


def test_bytes_that_are_no_text_do_not_end_a_pipe(data_dir: Path) -> None:
    given = b'\xff\xfe\x00\n{"text": "PRN-21", "thread": "bytes"}\n'
    result = CliRunner().invoke(main, ["--data-dir", str(data_dir), "chat"], input=given, env={"LANG": "C"})
    assert [line.get("thread_id", line.get("error")) for line in lines(result.stdout)] == [
        "payload_not_understood",
        "bytes",
    ]


def test_ids_come_back_as_they_were_given(run: Run) -> None:
    given = [{"id": 3, "text": "hi"}, {"id": "3", "text": "hi"}, {"id": 1.5, "text": "hi"}, {"text": "hi"}]
    Path("cases.jsonl").write_text("\n".join(json.dumps(case) for case in given))
    for command in ("ask", "search", "triage"):
        found = [record["id"] for record in lines(run(command, "--cases", "cases.jsonl").stdout)]
        assert found == [3, "3", 1.5, "4"]


def test_a_byte_order_mark_is_no_part_of_a_case(run: Run) -> None:
    Path("bom.jsonl").write_bytes(b"\xef\xbb\xbf" + b'{"id": "a", "text": "hi"}\n')
    assert [record["id"] for record in lines(run("triage", "--cases", "bom.jsonl").stdout)] == ["a"]


@pytest.mark.parametrize("host", ["1.2.3.4", "no-such-host.invalid", "::ffff:1.2.3.4"])
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_address_of_another_machine_is_not_called_a_port_in_use(run: Run, host: str) -> None:
    result = run("serve", "--host", host, "--port", "0")
    assert result.exit_code == 2
    assert f"{host} is not an address of this machine" in result.stderr
    assert "127.0.0.1" in result.stderr


def test_a_database_of_a_newer_version_is_left_alone(run: Run, tmp_path: Path, data_dir: Path) -> None:
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    result = run("ask", "hi", FIRSTLINE_DATABASE_URL=f"sqlite:///{newer}")
    assert result.exit_code == 2
    assert "newer version of Firstline (9999)" in result.stderr
    with sqlite3.connect(newer) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("alembic_version",)]


def test_a_model_server_that_is_away_costs_only_the_polish(run: Run) -> None:
    away = {
        "FIRSTLINE_LLM": "openai:any", "FIRSTLINE_LLM_BASE_URL": "http://127.0.0.1:1/v1", "FIRSTLINE_LLM_API_KEY": "x",
        "FIRSTLINE_LLM_TIMEOUT_SECONDS": "2",
    }  # fmt: skip
    answer = json.loads(run("ask", "What does PRN-21 mean?", "--json", **away).stdout)
    assert answer["outcome"] == "answer"
    assert answer["citations"]
