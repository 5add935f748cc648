"""The story by mail, over a real mail server: question, answer, wish for a person, a colleague's reply, and back.

Postfix and Dovecot on this machine carry every mail; the whole of Firstline runs, fetching by IDLE and sending by SMTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path

import pytest

from desk import mails
from desk.mail_tables import MailboxRow, MailRow
from desk.models import Role
from desk.outbox import OutboxState
from desk.tables import ConversationRow, OutboxRow, TicketRow, TurnRow
from tests import articles
from tests.live import LOOPBACK, LiveDesk, add_people, eventually, live_settings, running
from tests.mailserver.fixtures import _mail_daemons as _mail_daemons
from tests.mailserver.fixtures import mail_server as mail_server
from tests.mailserver.letters import letter
from tests.mailserver.server import PASSWORD, MailServer
from web.mail.mailboxes import Mailboxes
from web.wiring import build

pytestmark = pytest.mark.allow_hosts(LOOPBACK)
SUPPORT, ALICE, WANG = "support@shop.test", "alice@customers.test", "wang@customers.test"


@pytest.fixture
def desk(mail_server: MailServer, tmp_path: Path, model_cache: Path) -> Iterator[LiveDesk]:
    settings = live_settings(tmp_path, model_cache, vector_index="exact")
    (settings.data_dir / "mailboxes.toml").write_text(
        f'[[mailbox]]\nname = "support"\naddress = "{SUPPORT}"\nuser = "{SUPPORT}"\npassword = "{PASSWORD}"\n'
        f'imap = "{mail_server.imap_url}"\nsmtp = "{mail_server.smtp_url}"\nca_file = "{mail_server.ca_file}"\n'
        'plus_addresses = true\nauthserv_id = "mx.shop.test"\n',
        encoding="utf-8",
    )
    services = build(settings)
    articles.load(services, tmp_path / "articles")
    add_people(services)
    with running(services) as desk:
        yield desk


def write(server: MailServer, sender: str, subject: str, text: str, answers: EmailMessage | None = None) -> None:
    """A customer's mail, as their program would send it: an answer goes where Reply-To says and mentions what it answers."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"], mail["Message-ID"] = (
        sender,
        subject,
        f"<{abs(hash((subject, text)))}@customers.test>",
    )
    mail["To"] = str(answers["Reply-To"]) if answers else SUPPORT
    if answers:
        mail["In-Reply-To"] = str(answers["Message-ID"])
        mail["References"] = f"{answers['References']} {answers['Message-ID']}"
    mail.set_content(text)
    server.deliver(mail.as_bytes(), sender, mail["To"].addresses[0].addr_spec)


def received(server: MailServer, who: str, count: int = 1) -> list[EmailMessage]:
    return [message_from_bytes(raw, policy=default) for raw in server.mails(who, count)]  # type: ignore[misc]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_question_by_mail_is_answered_with_its_source(desk: LiveDesk, mail_server: MailServer) -> None:
    write(mail_server, WANG, "打印机", "您好，打印机显示 PRN-21，是什么意思？")
    [answer] = received(mail_server, WANG)
    assert str(answer["Subject"]) == "Re: 打印机"
    assert "tray 2 is empty" in text_of(answer)
    assert f"{desk.services.settings.base_url}/articles/" in text_of(answer)
    assert answer["Auto-Submitted"] == "auto-replied"


def test_the_whole_story_stays_one_conversation(desk: LiveDesk, mail_server: MailServer) -> None:
    write(mail_server, ALICE, "Printer", "The printer shows PRN-21. What should I do?")
    [answer] = received(mail_server, ALICE)
    write(mail_server, ALICE, f"Re: {answer['Subject']}", "It still fails. A person, please!", answers=answer)
    [_, handed_over] = received(mail_server, ALICE, 2)
    ticket = re.search(r"FL-\d+", str(handed_over["Subject"]))
    assert ticket is not None
    assert f"{desk.services.settings.base_url}/status/" in text_of(handed_over)

    staff = desk.browser(Role.AGENT)
    with desk.services.database.read() as session:
        [talk] = session.query(ConversationRow).all()
    assert staff.post(
        f"/inbox/{talk.public_id}/reply", data={"text": "A secret for colleagues", "kind": "note"}
    ).is_redirect
    assert staff.post(
        f"/inbox/{talk.public_id}/reply", data={"text": "I have ordered a new tray.", "kind": "reply"}
    ).is_redirect
    [*_, from_mei] = received(mail_server, ALICE, 3)
    assert "I have ordered a new tray." in text_of(from_mei)
    assert "Mei Chen" in str(from_mei["From"])
    assert from_mei["Auto-Submitted"] is None
    assert "secret for colleagues" not in from_mei.as_string()

    write(mail_server, ALICE, f"Re: {from_mei['Subject']}", "Thank you, Mei. When does it come?", answers=from_mei)
    eventually(lambda: "When does it come?" in staff.get(f"/inbox/{talk.public_id}").text)
    with desk.services.database.read() as session:
        assert session.query(ConversationRow).count() == 1
        assert session.query(TicketRow).count() == 1
        authors = [turn.author for turn in session.query(TurnRow).order_by(TurnRow.seq)]
    assert authors == ["customer", "bot", "customer", "bot", "note", "system", "staff", "customer"]
    assert len(mail_server.mails(ALICE, 3)) == 3  # the assistant keeps silent: Mei has it


def test_a_stranger_who_quotes_the_number_learns_nothing(desk: LiveDesk, mail_server: MailServer) -> None:
    write(
        mail_server,
        ALICE,
        "Payroll is down",
        "Nobody can be paid, all 300 of us. A person please! Code word: albatross",
    )
    [ticket] = received(mail_server, ALICE)
    number = re.search(r"FL-\d+", str(ticket["Subject"]))
    assert number is not None
    write(mail_server, WANG, f"Re: Payroll is down [{number[0]}]", "How does it stand? Please send me everything.")
    [reply] = received(mail_server, WANG)
    assert "albatross" not in reply.as_string()
    with desk.services.database.read() as session:
        talks = session.query(ConversationRow).order_by(ConversationRow.id).all()
        notes = session.query(TurnRow).filter(TurnRow.author == "note").all()
    assert len(talks) == 2
    assert [note.conversation_id for note in notes] == [talks[1].id]
    assert number[0] in notes[0].text


def test_what_comes_back_is_shown_where_it_was_sent_from(desk: LiveDesk, mail_server: MailServer) -> None:
    write(mail_server, "nobody@customers.test", "Printer", "The printer shows PRN-21. What should I do?")

    eventually(lambda: outbox_states(desk) == [OutboxState.BOUNCED])
    with desk.services.database.read() as session:
        [talk] = session.query(ConversationRow).all()
    page = eventually(lambda: desk.browser(Role.AGENT).get(f"/inbox/{talk.public_id}").text)
    assert "Not delivered" in page


def test_a_report_without_a_word_of_the_mail_is_known_by_the_address_it_came_to(
    desk: LiveDesk, mail_server: MailServer
) -> None:
    write(mail_server, WANG, "打印机", "您好，打印机显示 PRN-21，是什么意思？")
    [answer] = received(mail_server, WANG)
    sender = str(answer["Return-Path"]).strip("<>")  # as Postfix and Dovecot saw it
    assert sender.startswith("support+b-")
    assert str(answer["From"].addresses[0].addr_spec) == SUPPORT
    report = EmailMessage(policy=SMTP)
    report["From"], report["To"], report["Subject"] = "PostMaster@customers.test", sender, "系统退信"
    report.set_content("您的邮件被退回。退信原因：收件人邮箱地址不存在。")
    mail_server.deliver(report.as_bytes(), "", sender)
    eventually(lambda: outbox_states(desk) == [OutboxState.BOUNCED])


def test_what_lay_in_the_mailbox_before_is_not_answered(desk: LiveDesk, mail_server: MailServer) -> None:
    write(mail_server, ALICE, "Printer", "The printer shows PRN-21. What should I do?")
    received(mail_server, ALICE)
    boxes = desk.app.state.running.mail.boxes
    boxes.stop()
    with desk.services.database.begin() as session:
        row = session.query(MailboxRow).one()
        row.started_at, row.uidvalidity = row.started_at + timedelta(hours=1), 1  # the server numbers its mails anew
        session.query(MailRow).delete()
    again = Mailboxes(desk.services, desk.services.office, lambda: None)
    again.start()
    try:
        eventually(lambda: last_uid(desk) == (row.last_uid, True))
    finally:
        again.stop()
    with desk.services.database.read() as session:
        assert session.query(MailRow).count() == 0


def last_uid(desk: LiveDesk) -> tuple[int, bool]:
    with desk.services.database.read() as session:
        row = session.query(MailboxRow).one()
        return row.last_uid, row.uidvalidity != 1


def test_one_mail_that_nobody_can_read_does_not_stop_the_mailbox(desk: LiveDesk, mail_server: MailServer) -> None:
    deep = b"From: a@customers.test\nMIME-Version: 1.0\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(200)
    )
    mail_server.deliver(deep, "a@customers.test", SUPPORT)
    write(mail_server, ALICE, "Printer", "The printer shows PRN-21. What should I do?")
    received(mail_server, ALICE)
    with desk.services.database.read() as session:
        assert [row.state for row in session.query(MailRow).order_by(MailRow.id)] == ["quarantined", "taken"]
    page = desk.browser(Role.ADMIN).get("/deliveries").text
    assert "too_deep" in page
    assert "Try again" in page


def test_a_reply_waits_while_the_mail_server_is_gone_and_leaves_when_it_is_back(
    desk: LiveDesk, mail_server: MailServer
) -> None:
    mail_server.stop_smtp()
    try:
        raw = letter("Printer", "The printer shows PRN-21. What should I do?", ALICE)
        with desk.services.database.begin() as session:
            mails.put(session, "support", raw, "hook", desk.services.clock.now())
        desk.app.state.running.worker.wake()
        eventually(lambda: outbox_states(desk) == [OutboxState.DEFERRED])
    finally:
        mail_server.start_smtp()
    with desk.services.database.begin() as session:
        session.query(OutboxRow).update({"next_at": desk.services.clock.now()})
    desk.app.state.running.worker.wake()
    assert "tray 2 is empty" in text_of(received(mail_server, ALICE)[0])
    eventually(lambda: outbox_states(desk) == [OutboxState.SENT])


def outbox_states(desk: LiveDesk) -> list[str]:
    with desk.services.database.read() as session:
        return [row.state for row in session.query(OutboxRow).order_by(OutboxRow.id)]


def test_a_chat_is_carried_on_by_mail_and_comes_back_as_one_conversation(
    desk: LiveDesk, mail_server: MailServer
) -> None:
    chat = desk.chat("en")
    api = lambda path, body: chat.client.post(f"/api/v1/chat{path}", json=body, headers=chat.bearer)  # noqa: E731
    assert api("/mail", {"address": ALICE}).status_code == 409  # nothing to carry on yet
    chat.ask("The printer shows PRN-21. What should I do?")
    assert api("/mail", {"address": "no address"}).status_code == 422
    assert api("/mail", {"address": ALICE}).json() == {"sent": True}
    [with_code] = received(mail_server, ALICE)
    code = re.search(r"\d{6}", str(with_code["Subject"]))
    assert code is not None
    assert api("/mail/confirm", {"code": f"{(int(code[0]) + 1) % 10**6:06}"}).status_code == 422
    assert api("/mail/confirm", {"code": code[0]}).json() == {"address": ALICE}

    [_, carried_on] = received(mail_server, ALICE, 2)
    assert "tray 2 is empty" in text_of(carried_on)
    write(
        mail_server, ALICE, f"Re: {carried_on['Subject']}", "I filled it. It fails again, a person please!", carried_on
    )
    [*_, handed_over] = received(mail_server, ALICE, 3)
    assert re.search(r"FL-\d+", str(handed_over["Subject"]))
    assert "a person please" in [turn["text"] for turn in chat.turns() if turn["author"] == "customer"][-1]

    staff, talk = desk.browser(Role.AGENT), chat.conversation_id()
    staff.post(f"/inbox/{talk}/reply", data={"text": "A technician comes at four.", "kind": "reply"})
    [*_, from_mei] = received(mail_server, ALICE, 4)
    assert "at four" in text_of(from_mei)
    assert "at four" in chat.turns()[-1]["text"]  # and in the window

    chat.post("I am back in the chat: can it be five?")
    eventually(lambda: "can it be five?" in staff.get(f"/inbox/{talk}").text)
    staff.post(f"/inbox/{talk}/reply", data={"text": "Five is fine.", "kind": "reply"})
    eventually(lambda: "Five is fine." in chat.turns()[-1]["text"])
    assert len(mail_server.mails(ALICE, 4)) == 4
    with desk.services.database.read() as session:
        assert session.query(ConversationRow).count() == 1
