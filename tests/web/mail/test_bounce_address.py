"""Reports that leave out which mail they are about: the address they came to tells it; else staff are told of a doubt."""

from __future__ import annotations

import pytest

from base.errors import DeliveryError, RetryLater
from desk import replies
from desk.models import ConversationState
from tests.web.mail.made import PERSON, QUESTION, SUPPORT, VPN, MailDesk, Writer, mail

REFUSED = "退信原因：收件人邮箱地址不存在。550 Mailbox not found"


def report(to: str, about: str, *lines: str, words: str = REFUSED, path: str | None = "") -> bytes:
    """A report in words, as providers write it that send nothing of the mail back. about: the address it names."""
    text = f"抱歉，您的邮件被退回来了。\r\n收件人：{about}\r\n{words}\r\n"
    top = [] if path is None else [f"Return-Path: <{path}>"]
    sender = "PostMaster@qq.test"
    return mail(sender, text, "系统退信 / System bounce", to=to, dmarc="", lines=[*top, *lines])


def states(desk: MailDesk, wang: Writer) -> list[str]:
    return [state for state, _ in desk.outbox(wang.thread)]


@pytest.mark.parametrize("header", ["To", "Delivered-To", "X-Original-To", "Envelope-To"])
def test_a_report_that_names_nothing_is_put_to_the_mail_whose_sender_it_came_to(desk: MailDesk, header: str) -> None:
    wang = desk.customer()
    wang.write()
    wang.reply(VPN)
    first, _ = wang.got
    to = first.sender if header == "To" else SUPPORT
    row = desk.deliver(report(to, "", *([] if header == "To" else [f"{header}: {first.sender}"])))
    assert (row.state, row.kind, row.how) == ("noted", "bounce", "bounce")
    assert states(desk, wang) == ["bounced", "sent"]
    [note] = desk.notes(wang.thread)
    assert wang.address in note
    assert "550 Mailbox not found" in note
    desk.deliver(mail(f"x{wang.address}", QUESTION, "Re: Printer", answers=wang.got[-1].id))
    assert desk.outbox(wang.thread)[-1] == ("dropped", "mail to this address came back")


def test_a_notification_to_staff_that_comes_back_to_its_sender_is_a_note_and_marks_no_reply(desk: MailDesk) -> None:
    wang, ada = desk.customer(), desk.member()
    wang.write(PERSON)
    with desk.services.database.begin() as session:
        replies.take_over(session, desk.services.defaults, desk.talk(wang.thread), ada, desk.clock.now())
    wang.reply("Are you there? It is urgent, nobody can print.")
    desk.clock.advance(minutes=2)
    desk.answer()
    [told] = [gone for gone in desk.sent if ada.email in gone.to]
    before = len(desk.notes(wang.thread))
    desk.deliver(report(told.sender, ada.email))
    assert [note for note in desk.notes(wang.thread)[before:] if ada.email in note]
    assert "bounced" in states(desk, wang)
    assert len(wang.got) == len([one for one in states(desk, wang) if one == "sent"])


@pytest.mark.parametrize("make_up", ["{key}", "other thread", "other key"])
def test_a_made_up_envelope_sender_marks_nothing(desk: MailDesk, make_up: str) -> None:
    wang, signer = desk.customer(), desk.services.office.signer
    wang.write()
    key = wang.got[-1].sender.partition("+b-")[2].partition(".")[0]
    to = {
        "{key}": f"support+b-{key}.{'a' * 16}@shop.test",
        "other thread": signer.bounce_address(SUPPORT, "f" * 16, key),
        "other key": signer.bounce_address(SUPPORT, wang.thread, "turn-999999"),
    }[make_up]
    desk.deliver(report(to, ""))
    assert (states(desk, wang), desk.notes(wang.thread)) == (["sent"], [])


def test_what_a_person_writes_to_such_an_address_is_a_persons_mail(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    sender = wang.got[-1].sender
    row = wang.write(VPN, "Another matter", to=sender, lines=[f"Return-Path: <{wang.address}>"])
    assert (row.state, row.how) == ("taken", "new")
    assert "809" in wang.got[-1].body()
    row = wang.write("It was solved, thank you!", "Re: Printer", to=sender, answers=wang.got[0].id)
    assert (row.state, row.how) == ("taken", "message_id")


def test_a_person_who_quotes_a_report_to_such_an_address_is_a_person(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    text = "I got this today, what does it mean?\r\n\r\n> Undelivered Mail Returned to Sender\r\n> 550 User unknown"
    row = wang.write(text, "Undelivered mail?", to=wang.got[-1].sender, lines=[f"Return-Path: <{wang.address}>"])
    assert row.state == "taken"
    assert states(desk, wang)[0] == "sent"


def test_a_machine_whose_words_nobody_knows_is_a_note_and_silences_nobody(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    to = wang.got[-1].sender
    said = mail("robot@customers.test", "Ihr Anliegen 4711 wurde erfasst.", "Eingang", to=to, lines=["Return-Path: <>"])
    row = desk.deliver(said)
    assert (row.state, row.how) == ("noted", "bounce_address")
    [note] = desk.notes(wang.thread)
    assert "4711" in note
    assert "may not have arrived" in note
    assert (states(desk, wang), desk.said(wang.thread)[1:]) == (["sent"], [])
    wang.reply(VPN)
    assert len(wang.got) == 2


def test_a_holiday_reply_to_such_an_address_is_kept_where_it_belongs(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    away = ["Return-Path: <>", "Auto-Submitted: auto-replied"]
    to = wang.got[-1].sender
    row = desk.deliver(mail(wang.address, "I am away until Friday.", "Out of office", to=to, lines=away))
    assert (row.state, row.thread_id) == ("noted", wang.thread)
    [note] = desk.notes(wang.thread)
    assert "I am away" in note
    assert "may not have arrived" not in note
    assert states(desk, wang) == ["sent"]


def test_without_any_sign_of_ours_staff_are_told_once_of_a_doubt_and_nothing_is_marked(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    for _ in range(2):
        row = desk.deliver(report(SUPPORT, wang.address.upper()))
        assert (row.state, row.how) == ("noted", "bounce")
    [note] = desk.notes(wang.thread)
    assert "may not have arrived" in note
    assert wang.address in note
    assert states(desk, wang) == ["sent"]
    assert desk.talk(wang.thread).state is ConversationState.BOT
    wang.reply(VPN)
    assert len(wang.got) == 2


@pytest.mark.parametrize("case", ["two mails", "long ago", "another mailbox", "a delay", "nobody"])
def test_a_doubt_is_told_only_where_it_can_be_about_one_mail(desk: MailDesk, case: str) -> None:
    wang = desk.customer()
    wang.write()
    if case == "two mails":
        wang.reply(VPN)
    if case == "long ago":
        desk.clock.advance(days=4)
    about = "somebody-else@customers.test" if case == "nobody" else wang.address
    words = "Warning message only: it has not yet been delivered" if case == "a delay" else REFUSED
    desk.deliver(report(SUPPORT, about, words=words), mailbox="sales" if case == "another mailbox" else "support")
    assert desk.notes(wang.thread) == []
    assert "bounced" not in states(desk, wang)


def test_a_mailbox_without_plus_addresses_sends_as_itself(desk: MailDesk) -> None:
    wang = desk.customer()
    desk.deliver(wang.mail(to="sales@shop.test"), mailbox="sales")
    assert wang.got[-1].sender == "sales@shop.test"


@pytest.mark.parametrize(
    "error",
    [
        DeliveryError("553 5.7.1 not for you", sender=True),
        DeliveryError("x@y.test: 553 5.7.1 <support+b-1@shop.test>: Sender address rejected: not owned by user"),
        DeliveryError("554 5.2.252 SendAsDenied; support@shop.test not allowed to send as support+b-1@shop.test"),
        RetryLater("not_now: 450 4.1.7 Sender address rejected: unverified address", trouble="not_now"),
    ],
)
def test_a_server_that_wants_the_plain_sender_gets_it_from_then_on(desk: MailDesk, error: DeliveryError) -> None:
    wang = desk.customer()
    desk.faults.append(error)
    try:
        wang.write()
        wang.reply(VPN)
        assert [gone.sender for gone in wang.got] == [SUPPORT, SUPPORT]
        assert states(desk, wang) == ["sent", "sent"]
    finally:
        desk.room.door._plain.clear()


def test_a_recipient_who_is_refused_is_tried_once(desk: MailDesk) -> None:
    wang = desk.customer()
    desk.faults.append(DeliveryError("550 5.1.1 User unknown", refused={wang.address: "550 5.1.1 User unknown"}))
    wang.write()
    assert (wang.got, states(desk, wang)) == ([], ["bounced"])
