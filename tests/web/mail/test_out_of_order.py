"""Mails that arrive in another order than they were written in: what answers another one is kept with it, whichever is first."""

from __future__ import annotations

import pytest

from tests.web.mail.made import PERSON, QUESTION, VPN, MailDesk, mail

FIRST = "How long does ordering a new laptop take?"


def test_the_answered_mail_may_come_after_the_one_that_answers_it(desk: MailDesk) -> None:
    wang = desk.customer()
    second = wang.write(VPN, "Re: Laptop", answers="a1@customers.test", references="<a1@customers.test>")
    first = wang.write(FIRST, "Laptop", message_id="a1@customers.test")
    assert (first.thread_id, first.how) == (second.thread_id, "mentioned")
    assert desk.said(wang.thread) == [f"Laptop\n\n{VPN}", FIRST]
    assert desk.notes(wang.thread) == []
    assert [gone["Subject"] for gone in wang.got] == ["Re: Laptop", "Re: Laptop"]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_three_mails_in_any_order_are_one_conversation(desk: MailDesk, order: tuple[int, ...]) -> None:
    wang = desk.customer()
    at = wang.address
    texts = {1: QUESTION, 2: FIRST, 3: VPN}
    raws = {
        number: wang.mail(
            texts[number], "Re: Printer" if number > 1 else "Printer", message_id=f"{number}-{at}",
            answers=f"{number - 1}-{at}" if number > 1 else "",
            references=" ".join(f"<{one}-{at}>" for one in range(1, number)),
        )
        for number in texts
    }  # fmt: skip
    threads = {desk.deliver(raws[number]).thread_id for number in order}
    assert len(threads) == 1


def test_two_mails_that_answer_one_we_never_got_are_one_conversation(desk: MailDesk) -> None:
    wang = desk.customer()
    root = f"root-{wang.address}"
    one = wang.write(QUESTION, "Re: Printer", references=f"<{root}>")
    other = wang.write(FIRST, "Re: Printer", references=f"<{root}>")
    assert other.thread_id == one.thread_id


def test_somebody_else_who_is_mentioned_joins_nothing(desk: MailDesk) -> None:
    wang, li = desk.customer(), desk.customer("Li Wei")
    wang.write(PERSON, "Re: Laptop", answers="li-first@customers.test")
    row = li.write(FIRST, "Laptop", message_id="li-first@customers.test")
    assert (row.how, row.thread_id == wang.thread) == ("new", False)
    assert desk.notes(li.thread) == []


@pytest.mark.parametrize("dmarc", ["", "fail"])
def test_a_late_mail_of_an_unproven_sender_is_a_conversation_of_its_own_with_a_note(desk: MailDesk, dmarc: str) -> None:
    wang = desk.customer()
    wang.write(PERSON, "Re: Laptop", answers=f"late-{wang.address}")
    before = wang.thread
    row = wang.write(FIRST, "Laptop", message_id=f"late-{wang.address}", dmarc=dmarc)
    assert (row.how, row.thread_id == before) == ("stranger", False)
    assert len(desk.said(before)) == 1
    assert desk.ticket(before).name in desk.notes(row.thread_id)[0]


def test_another_subject_after_it_is_over_is_a_conversation_of_its_own(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON, "Re: Laptop", answers=f"over-{wang.address}")
    before = wang.thread
    desk.solve(before)
    row = wang.write(VPN, "The VPN", message_id=f"over-{wang.address}")
    assert (row.how, row.thread_id == before) == ("follows", False)


def test_a_mail_with_a_thousand_references_is_taken_and_the_ends_of_them_count(desk: MailDesk) -> None:
    wang = desk.customer()
    ids = [f"{number}-{wang.address}" for number in range(400)]
    long = wang.write(QUESTION, "Re: Printer", references=" ".join(f"<{one}>" for one in ids))
    assert desk.deliver(wang.mail(FIRST, "Printer", message_id=ids[0])).thread_id == long.thread_id
    assert desk.deliver(wang.mail(VPN, "Printer", message_id=ids[-1])).thread_id == long.thread_id


def test_a_mail_by_two_ways_is_one_and_what_it_answers_finds_it(desk: MailDesk) -> None:
    wang = desk.customer()
    raw = wang.mail(VPN, "Re: Laptop", answers=f"twice-{wang.address}")
    thread = desk.deliver(raw).thread_id
    assert desk.deliver(raw, mailbox="sales").state == "duplicate"
    first = mail(wang.sender, FIRST, "Laptop", message_id=f"twice-{wang.address}")
    assert desk.deliver(first).thread_id == thread
