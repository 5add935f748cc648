"""`firstline queue`: what waits and what is stuck, and each deed, with exit codes that scripts can rely on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from base.clock import SystemClock
from base.database import Database
from base.messages import Channel, Inbound, Outbound
from base.migrate import migrate
from base.settings import Settings
from desk import conversations, inbox, mails, outbox, switches
from desk.inbox import InboxState
from desk.mails import MailState
from desk.outbox import OutboxState
from desk.tables import AuditRow, InboxRow, OutboxRow
from tests.web.mail.made import MAILBOXES
from web.cli import main

NOW = SystemClock().now()
RAW = b"From: wang@customers.test\r\n\r\n\xff\x00 not even text\r\n"
Run = Callable[..., Result]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """The database of the installation the commands are run on."""
    (tmp_path / "data").mkdir()
    made = Database(Settings(data_dir=tmp_path / "data").url)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def command(*arguments: str, LANG: str = "C") -> Result:  # noqa: N803 - the variable's name
        data_dir = ["--data-dir", str(tmp_path / "data")]
        env = {"FIRSTLINE_LOG_LEVEL": "error", "LANG": LANG, "LC_ALL": LANG}
        return CliRunner().invoke(main, [*data_dir, *arguments], env=env)

    return command


def a_reply(database: Database, state: OutboxState, error: str = "") -> int:
    """The id of a reply in this state."""
    with database.begin() as session:
        key = f"turn-{session.scalar(select(OutboxRow.id).order_by(OutboxRow.id.desc()).limit(1)) or 0}"
        inbound = Inbound(Channel.EMAIL, key, "t1", "wang@customers.test", "Hello", NOW)
        talk = conversations.open_for(session, inbound, "en", NOW)
        outbox.put(session, Outbound(key, Channel.EMAIL, "t1", "你好", "zh"), talk.id, 1, NOW)
        item = session.scalars(select(OutboxRow).where(OutboxRow.key == key)).one()
        item.state, item.error, item.recipient = state, error, "wang@customers.test"
        return item.id


def a_message(database: Database, state: InboxState) -> int:
    with database.begin() as session:
        item = inbox.put(session, Inbound(Channel.EMAIL, f"m-{state}", "t9", "li@customers.test", "打印机坏了", NOW)).id
        session.execute(update(InboxRow).where(InboxRow.id == item).values(state=state, error="KeyError: bug"))
        return item


def a_mail(database: Database, state: MailState, raw: bytes = RAW) -> int:
    with database.begin() as session:
        mail_id = mails.put(session, "support", raw + str(state).encode(), "hook", NOW)
        assert mail_id is not None
        if state is not MailState.RECEIVED:
            found = mails.claim(session, NOW, 60)
            assert found is not None
            mails.finish(session, mail_id, state, error="too_deep", sender="wang@customers.test")
        return mail_id


def state_of(database: Database, queue: str, item: int) -> str | None:
    with database.read() as session:
        if queue == "mail":
            return next((one.state for one in mails.listed(session, MailState) if one.id == item), None)
        row = InboxRow if queue == "inbox" else OutboxRow
        return session.scalar(select(row.state).where(row.id == item))


def test_an_installation_where_nothing_is_stuck_says_so(run: Run) -> None:
    result = run("queue")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["inbox   empty", "outbox  empty", "mail    empty", "nothing is stuck"]


def test_what_waits_is_counted_and_nothing_to_worry_about(run: Run, database: Database) -> None:
    a_reply(database, OutboxState.QUEUED)
    a_message(database, InboxState.QUEUED)
    a_mail(database, MailState.NOTED)
    a_mail(database, MailState.RECEIVED)
    result = run("queue")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "inbox   1 queued", "outbox  1 queued", "mail    1 noted, 1 received", "nothing is stuck",
    ]  # fmt: skip


def test_what_is_stuck_is_listed_with_its_reason_and_the_exit_code_says_so(run: Run, database: Database) -> None:
    bounced = a_reply(database, OutboxState.BOUNCED, "550 no such user")
    deferred = a_reply(database, OutboxState.DEFERRED, "451 greylisted")
    maybe = a_reply(database, OutboxState.MAYBE_SENT, "its worker died while sending")
    dead, quarantined = a_message(database, InboxState.DEAD), a_mail(database, MailState.QUARANTINED)
    result = run("queue")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[3:] == [
        f"outbox {maybe:6} maybe_sent  wang@customers.test: its worker died while sending",
        f"outbox {deferred:6} deferred    wang@customers.test: 451 greylisted",
        f"outbox {bounced:6} bounced     wang@customers.test: 550 no such user",
        f"inbox  {dead:6} dead        email: KeyError: bug",
        f"mail   {quarantined:6} quarantined wang@customers.test: too_deep",
    ]


def test_everything_that_is_stored_of_a_thing_is_shown(run: Run, database: Database) -> None:
    reply, message = a_reply(database, OutboxState.BOUNCED), a_message(database, InboxState.DEAD)
    shown = run("queue", "show", "outbox", str(reply))
    assert shown.exit_code == 0
    assert (json.loads(shown.stdout)["text"], "你好" in shown.stdout) == ("你好", True)
    assert json.loads(run("queue", "show", "inbox", str(message)).stdout)["text"] == "打印机坏了"


def test_a_mail_is_shown_byte_by_byte(run: Run, database: Database) -> None:
    mail_id = a_mail(database, MailState.QUARANTINED)
    result = run("queue", "show", "mail", str(mail_id))
    assert (result.exit_code, result.stdout_bytes) == (0, RAW + b"quarantined")


@pytest.mark.parametrize(
    ("command", "queue", "before", "after"),
    [
        ("retry", "outbox", OutboxState.BOUNCED, "queued"), ("retry", "outbox", OutboxState.MAYBE_SENT, "queued"),
        ("retry", "outbox", OutboxState.DROPPED, "queued"), ("sent", "outbox", OutboxState.MAYBE_SENT, "sent"),
        ("sent", "outbox", OutboxState.BOUNCED, "sent"), ("discard", "outbox", OutboxState.BOUNCED, "dropped"),
        ("retry", "inbox", InboxState.DEAD, "queued"), ("retry", "mail", MailState.QUARANTINED, "received"),
        ("retry", "mail", MailState.NOTED, "received"), ("answer", "mail", MailState.NOTED, "received"),
        ("discard", "mail", MailState.QUARANTINED, "discarded"),
    ],
)  # fmt: skip
def test_each_deed_does_what_it_says_once_and_is_audited(
    run: Run, database: Database, command: str, queue: str, before: str, after: str
) -> None:
    item = {
        "outbox": lambda: a_reply(database, OutboxState(before)), "inbox": lambda: a_message(database, InboxState(before)),
        "mail": lambda: a_mail(database, MailState(before)),
    }[queue]()  # fmt: skip
    result = run("queue", command, queue, str(item))
    assert result.exit_code == 0, result.output
    assert state_of(database, queue, item) == after
    deed = {"retry": "again"}.get(command, command)
    assert result.stdout == f"{queue} {item}: {deed}\n"
    with database.read() as session:
        assert [(row.actor, row.action, row.target) for row in session.scalars(select(AuditRow))] == [
            ("cli", deed, f"{queue}:{item}")
        ]
    again = run("queue", command, queue, str(item))
    assert again.exit_code == 2
    assert "`firstline queue` lists what is stuck" in again.stderr


def test_a_mail_that_is_to_be_answered_is_a_persons(run: Run, database: Database) -> None:
    item = a_mail(database, MailState.NOTED)
    run("queue", "answer", "mail", str(item))
    with database.begin() as session:
        found = mails.claim(session, SystemClock().now(), 60)
    assert found is not None
    assert found.kind == "person"


@pytest.mark.parametrize(
    "arguments",
    [
        ("retry", "outbox", "7"), ("show", "outbox", "7"), ("show", "inbox", "7"), ("show", "mail", "7"),
        ("sent", "inbox", "1"), ("sent", "mail", "1"), ("answer", "outbox", "1"), ("discard", "inbox", "1"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_one_clear_line(run: Run, database: Database, arguments: tuple[str, ...]) -> None:
    a_message(database, InboxState.DEAD)
    result = run("queue", *arguments)
    assert result.exit_code == 2
    [line] = result.stderr.strip().splitlines()
    assert f"no such item in {arguments[1]}" in line


@pytest.mark.parametrize(
    "arguments", [("retry", "nowhere", "1"), ("retry", "mail", "x"), ("eat", "mail", "1"), ("retry",)]
)
def test_a_mistake_on_the_command_line_is_told_apart(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("queue", *arguments).exit_code == 2


def test_sending_is_paused_and_resumed(run: Run, database: Database) -> None:
    a_reply(database, OutboxState.QUEUED)
    assert run("queue", "pause").stdout == "paused; 1 waiting\n"
    assert run("queue", "pause").exit_code == 0
    with database.begin() as session:
        assert outbox.claim(session, SystemClock().now(), 60, (Channel.EMAIL,)) is None
    shown = run("queue")
    assert shown.exit_code == 0
    assert "paused: outbox, by cli since " in shown.stdout
    assert run("queue", "resume").stdout == "sending again; 1 waiting\n"
    assert run("queue", "resume").exit_code == 0
    with database.begin() as session:
        assert switches.off(session) == []
        assert outbox.claim(session, SystemClock().now(), 60, (Channel.EMAIL,)) is not None
        assert [row.action for row in session.scalars(select(AuditRow).order_by(AuditRow.id))] == [
            "turned_off", "turned_on",
        ]  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("sales",)])
def test_mailboxes_that_are_not_configured_cannot_be_checked(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("mail", "check", *arguments)
    assert result.exit_code == 2
    assert "mailboxes.toml" in result.stderr


def test_checking_a_mailbox_nobody_answers_for_says_what_fails(
    run: Run, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from channels.email.smtp import Finding

    findings = {
        "support": [Finding(True, "IMAP"), Finding(False, "SMTP", "is the port right?")],
        "sales": [Finding(True, "IMAP")],
    }
    monkeypatch.setattr("channels.email.smtp.check", lambda account: findings[account.name])
    (tmp_path / "data" / "mailboxes.toml").write_text(MAILBOXES)
    every = run("mail", "check")
    assert every.exit_code == 1
    assert every.stdout.splitlines() == [
        "support@shop.test", "  ok  IMAP", "  NO  SMTP", "      is the port right?", "sales@shop.test", "  ok  IMAP",
    ]  # fmt: skip
    assert run("mail", "check", "sales").exit_code == 0


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("C", "There is no mailbox suport. These are configured: support, sales."),
        ("zh_CN.UTF-8", "没有名为 suport 的邮箱。已配置的有：support, sales。"),
    ],
)
def test_checking_a_mailbox_that_there_is_not_names_those_there_are(
    database: Database, run: Run, tmp_path: Path, language: str, expected: str
) -> None:
    (tmp_path / "data" / "mailboxes.toml").write_text(MAILBOXES)
    result = run("mail", "check", "suport", LANG=language)
    assert result.exit_code == 2
    assert expected in result.output


def test_checking_without_a_mailbox_says_where_to_write_one(database: Database, run: Run, tmp_path: Path) -> None:
    result = run("mail", "check")
    assert result.exit_code == 2
    assert str(tmp_path / "data" / "mailboxes.toml") in result.output
    assert "queue" not in result.output
