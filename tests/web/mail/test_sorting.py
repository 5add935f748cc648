"""What becomes of a mail: an answer in its thread, and never two; who wrote it, and what was said."""

from __future__ import annotations

import pytest

from channels.email.addresses import bare
from desk.models import ConversationState, TicketState
from tests.web.mail.made import ANSWER, PERSON, QUESTION, SUPPORT, VPN, MailDesk, mail


def test_a_question_gets_an_answer_by_mail_with_its_source(desk: MailDesk) -> None:
    wang = desk.customer()
    row = wang.write(subject="Third floor", message_id="first@customers.test")
    assert (row.state, row.kind, row.how, row.sender) == ("taken", "person", "new", wang.address)
    [answer] = desk.sent
    assert (answer.to, bare(answer.sender)) == ((wang.address,), SUPPORT)
    assert ANSWER in answer.body()
    assert "[1] Printer shows PRN-21: paper tray empty\n    http://127.0.0.1:8000/articles/" in answer.body()
    assert (answer["In-Reply-To"], answer["Subject"]) == ("<first@customers.test>", "Re: Third floor")
    assert desk.said(wang.thread) == [f"Third floor\n\n{QUESTION}"]


@pytest.mark.parametrize("how", ["answers", "references", "to"])
def test_each_of_our_marks_alone_brings_a_reply_home(desk: MailDesk, how: str) -> None:
    wang = desk.customer()
    wang.write()
    first, alone = wang.thread, {"answers": "", "references": "", "to": SUPPORT, "subject": "Re: Printer"}
    newest = wang.got[-1]
    marks = {"answers": newest.id, "references": f"<x@customers.test> <{newest.id}>", "to": newest.reply_to}
    row = wang.reply(VPN, **{**alone, how: marks[how]})
    assert (row.thread_id, row.state) == (first, "taken")
    assert row.how == {"answers": "message_id", "references": "references", "to": "address"}[how]
    assert desk.said(first)[1:] == [VPN]
    assert wang.got[-1]["In-Reply-To"] == f"<{row.message_id}>"


def test_a_reply_comes_home_by_the_address_our_server_delivered_it_to(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    first, hidden = wang.thread, f"Delivered-To: {wang.got[-1].reply_to}"
    wang.write(VPN, to="undisclosed-recipients:;", lines=[hidden])
    assert wang.thread == first


def test_a_wish_for_a_person_opens_a_ticket_and_the_mail_names_it(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    wang.reply(PERSON)
    ticket = desk.ticket(wang.thread)
    told = wang.got[-1]
    assert told["Subject"] == f"Re: Printer [{ticket.name}]"
    assert ticket.name in told.body()
    assert f"http://127.0.0.1:8000/status/{ticket.public_id}" in told.body()
    assert desk.talk(wang.thread).state is ConversationState.WAITING


def test_a_reply_to_a_solved_ticket_opens_it_again(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    first = wang.thread
    desk.solve(first)
    row = wang.reply("It is broken again, the printer shows PRN-21")
    assert row.thread_id == first
    assert desk.ticket(first).state is TicketState.OPEN
    assert "reopened" in desk.clock_events(first)


def test_another_matter_after_a_solved_one_is_a_conversation_of_its_own(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    first = wang.thread
    desk.solve(first)
    row = wang.reply(VPN, subject="Now the VPN")
    assert (row.how, row.thread_id == first) == ("follows", False)
    assert desk.ticket(first).state is TicketState.RESOLVED
    [note] = desk.notes(wang.thread)
    assert desk.ticket(first).name in note
    assert desk.talk(wang.thread).customer_id == desk.talk(first).customer_id


def test_the_same_bytes_twice_are_one_mail(desk: MailDesk) -> None:
    wang = desk.customer()
    raw = wang.mail()
    desk.deliver(raw)
    assert desk.store(raw) is None
    desk.answer()
    assert len(wang.got) == 1


def test_one_mail_by_two_mailboxes_is_answered_once(desk: MailDesk) -> None:
    wang = desk.customer()
    body = {"message_id": "both@customers.test", "to": f"{SUPPORT}, sales@shop.test"}
    desk.deliver(wang.mail(**body, lines=["Delivered-To: support@shop.test"]))
    row = desk.deliver(wang.mail(**body, lines=["Delivered-To: sales@shop.test"]), mailbox="sales")
    assert (row.state, row.thread_id) == ("duplicate", "")
    assert len(wang.got) == 1


def test_a_message_id_that_a_program_uses_twice_loses_no_mail(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(message_id="always@customers.test")
    row = wang.write(VPN, "VPN", message_id="always@customers.test")
    assert row.state == "taken"
    assert len(wang.got) == 2
    assert "809" in wang.got[-1].body()


def test_a_mail_without_an_id_is_taken_once(desk: MailDesk) -> None:
    wang = desk.customer()
    row = wang.write(message_id="")
    assert row.state == "taken"
    [answer] = wang.got
    assert (answer["In-Reply-To"], answer["References"]) == ("", "")
    assert wang.write(VPN, "VPN", message_id="").state == "taken"


def test_replies_that_overtake_each_other_are_all_kept_and_answered(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    first = wang.thread
    later, earlier = wang.answering(VPN), wang.answering("How long does ordering a new laptop take?")
    assert desk.deliver(later).thread_id == first
    assert desk.deliver(earlier).thread_id == first
    assert len(desk.said(first)) == 3
    assert len(wang.got) == 3


def test_what_a_customer_writes_right_after_is_answered_with_it(desk: MailDesk) -> None:
    wang = desk.customer()
    before = wang.mail("Hello, I have a question.", "Printer", message_id="one@customers.test")
    after = wang.mail(QUESTION, "Re: Printer", answers="one@customers.test")
    row = desk.deliver(before, after)
    assert row.how == "references"
    assert len(desk.said(row.thread_id)) == 2
    [answer] = wang.got
    assert ANSWER in answer.body()
    assert answer["In-Reply-To"] == f"<{row.message_id}>"


@pytest.mark.parametrize("sender", ["", "undisclosed", "a@customers.test, b@customers.test"])
def test_a_mail_from_nobody_or_from_two_is_kept_for_a_person_and_answered_to_nobody(
    desk: MailDesk, sender: str
) -> None:
    raw = mail(sender, QUESTION, "Third floor", message_id=f"nobody-{len(sender)}@customers.test")
    row = desk.deliver(raw)
    assert (row.state, row.sender) == ("taken", "")
    assert desk.sent == []
    assert desk.said(row.thread_id) == [f"Third floor\n\n{QUESTION}"]
    assert len(desk.notes(row.thread_id)) == 1
    assert desk.outbox(row.thread_id) == [("dropped", "there is no address to answer to")]
    assert desk.talk(row.thread_id).state is ConversationState.WAITING


def test_two_mails_from_nobody_are_two_strangers(desk: MailDesk) -> None:
    one, two = (desk.deliver(mail("", f"{QUESTION} {n}", message_id=f"n{n}@x.test")) for n in range(2))
    assert desk.talk(one.thread_id).customer_id != desk.talk(two.thread_id).customer_id


def test_a_form_that_writes_as_nobody_is_answered_to_whom_it_names(desk: MailDesk) -> None:
    wang = desk.customer()
    row = desk.deliver(
        mail("no-reply@shop-form.test", subject="Form", lines=[f"Reply-To: Wang <{wang.address.upper()}>"])
    )
    assert row.sender == wang.address
    assert [one.to for one in desk.sent] == [(wang.address,)]


@pytest.mark.parametrize("sender", ["wang2@customers.test", "noreplying@customers.test"])
def test_a_persons_mail_is_answered_to_its_from_wherever_it_asks_to(desk: MailDesk, sender: str) -> None:
    desk.deliver(mail(sender, subject="x", lines=["Reply-To: other@customers.test"]))
    assert [one.to for one in desk.sent] == [(sender,)]


@pytest.mark.parametrize(
    ("subject", "text", "said"),
    [
        ("Printer", "It shows PRN-21", "Printer\n\nIt shows PRN-21"),
        ("It shows prn-21", "Hello, it shows PRN-21 again", "Hello, it shows PRN-21 again"),
        ("Re: Fwd: Printer [FL-99999]", "It shows PRN-21", "Printer\n\nIt shows PRN-21"),
        ("Printer shows PRN-21", "", "Printer shows PRN-21"),
        ("", "It shows PRN-21", "It shows PRN-21"),
    ],
)
def test_a_subject_that_says_something_of_its_own_is_part_of_the_message(
    desk: MailDesk, subject: str, text: str, said: str
) -> None:
    wang = desk.customer()
    wang.write(text, subject)
    assert desk.said(wang.thread) == [said]


def test_a_reply_is_its_words_without_what_it_quotes(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    wang.reply(
        f"{VPN}\r\n\r\nOn Mon, Nov 23, 2026 at 10:00 AM Haisong IT <support@shop.test> wrote:\r\n> tray 2 is empty\r\n"
    )
    assert desk.said(wang.thread)[-1] == VPN


def test_somebody_with_an_answer_link_may_add_and_the_answers_go_to_the_customer_alone(desk: MailDesk) -> None:
    wang, li = desk.customer(), desk.customer("Li")
    wang.write()
    row = desk.deliver(mail(li.sender, VPN, "Re: Printer", answers=wang.got[-1].id))
    assert row.thread_id == wang.thread
    assert (len(wang.got), li.got) == (2, [])
    [note] = desk.notes(wang.thread)
    assert li.address in note
    assert wang.address in note


def test_a_mail_in_chinese_is_answered_in_chinese(desk: MailDesk) -> None:
    wang = desk.customer("王芳")
    wang.write("忘记密码怎么重置？", "密码")
    assert "12 位" in wang.got[-1].body()
    assert wang.got[-1]["Content-Language"] == "zh"


def test_whoever_has_proven_an_address_is_joined_by_no_mere_claim_to_it(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(subject="Printer")
    proven = wang.thread
    wang.write(VPN, "VPN", dmarc="")
    assert desk.talk(wang.thread).customer_id != desk.talk(proven).customer_id
    [note] = desk.notes(wang.thread)
    assert wang.address in note


def test_whoever_proves_an_address_later_is_safe_from_then_on(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(subject="Printer", dmarc="")
    wang.write(VPN, "VPN")
    proven = wang.thread
    wang.write("How long does ordering a new laptop take?", "Laptop", dmarc="")
    assert desk.talk(wang.thread).customer_id != desk.talk(proven).customer_id


def test_where_nobody_checks_senders_one_address_is_one_customer(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(subject="Printer", dmarc="")
    first = wang.thread
    wang.write(VPN, "VPN", dmarc="")
    assert desk.talk(wang.thread).customer_id == desk.talk(first).customer_id
    assert desk.notes(wang.thread) == []


def test_a_mail_of_a_mailbox_that_is_configured_no_more_is_taken_by_the_address_it_went_to(desk: MailDesk) -> None:
    wang = desk.customer()
    row = desk.deliver(wang.mail(), mailbox="old")
    assert row.state == "taken"
    [(state, why)] = desk.outbox(row.thread_id)
    assert (state, why) == ("deferred", "the mailbox old is configured no more")


@pytest.mark.parametrize(
    ("text", "lines", "mailbox", "lang"),
    [
        ("809 809 809", [], "sales", "zh"),
        ("809 809 809", [], "support", "en"),
        ("809 809 809", ["Content-Language: en-US"], "sales", "en"),
        ("809 809 809", ["Content-Language: ZH-cn"], "support", "zh"),
        ("809 809 809", ["Content-Language: fr"], "sales", "zh"),
        (QUESTION, [], "sales", "en"),
        ("打印机坏了，请帮忙看看", [], "support", "zh"),
    ],
)
def test_a_mailbox_has_a_language_for_mails_that_do_not_tell_theirs(
    desk: MailDesk, text: str, lines: list[str], mailbox: str, lang: str
) -> None:
    wang = desk.customer()
    row = desk.deliver(wang.mail(text, "", to=f"{mailbox}@shop.test", lines=lines), mailbox=mailbox)
    assert desk.talk(row.thread_id).lang == lang
    assert wang.got[-1]["Content-Language"] == lang
