"""Mails and merged conversations: what answers the one that ended comes into the other, and answers go to its customer."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from desk import conversations, mail_threads, merges, replies
from desk.merge_tables import TalkMergeRow
from desk.merges import Merge
from desk.models import Author, Conversation, ConversationState, TicketState, Urgency, Withdrawal
from desk.tables import ConversationRow, OutboxRow
from tests.web.mail.made import PERSON, QUESTION, SUPPORT, VPN, MailDesk, Writer, mail

BROKEN = "It is broken again, and nobody can print"


def merge(desk: MailDesk, source: str, target: str) -> Merge:
    """What a colleague does on the page, by the threads of the two."""
    member, services = desk.member(), desk.services
    with services.database.begin() as session:
        return merges.merge(session, services.defaults, own(desk, source), own(desk, target), member, desk.clock.now())


def undo(desk: MailDesk, done: Merge) -> None:
    services, member = desk.services, desk.member()
    with services.database.begin() as session:
        merges.undo(session, services.defaults, done.id, member, desk.clock.now())


def own(desk: MailDesk, thread: str) -> Conversation:
    """The conversation that began with this thread, whatever it was merged into."""
    with desk.services.database.read() as session:
        row = session.scalars(select(ConversationRow).where(ConversationRow.thread_id == thread)).one()
        return conversations.to_conversation(row)


def withdraw(desk: MailDesk, thread: str) -> None:
    member, talk = desk.member(), desk.talk(thread)
    with desk.services.database.begin() as session:
        replies.withdraw(session, desk.services.defaults, talk, member, Withdrawal.MISTAKE, desk.clock.now())
    desk.answer()


def two(desk: MailDesk) -> tuple[Writer, str, str]:
    """A customer with two conversations, a ticket in each."""
    wang = desk.customer()
    wang.write(f"{PERSON}: the printer", "Printer")
    first = wang.thread
    wang.write(f"{PERSON}: the scanner", "Scanner")
    return wang, first, wang.thread


def test_a_reply_to_what_was_merged_lands_where_it_goes_on(desk: MailDesk) -> None:
    wang, first, second = two(desk)
    ended = desk.ticket(second).name
    merge(desk, second, first)
    assert own(desk, second).state is ConversationState.CLOSED
    row = wang.reply(BROKEN)  # of the newest mail: the scanner's
    assert (row.state, row.how, row.thread_id) == ("taken", "address", second)
    assert BROKEN in desk.said(first)
    assert own(desk, first).id == desk.talk(second).id
    answer = wang.got[-1]
    assert answer["Subject"] == f"Re: Scanner [{desk.ticket(first).name}]"
    assert ended not in answer.everything.partition("References")[0]


@pytest.mark.parametrize("how", ["answers", "references", "to", "subject"])
def test_each_mark_that_brings_a_reply_home_brings_it_there(desk: MailDesk, how: str) -> None:
    wang, first, second = two(desk)
    ticket = desk.ticket(second).name
    merge(desk, second, first)
    newest, alone = wang.got[-1], {"answers": "", "references": "", "to": SUPPORT, "subject": "Re: Scanner"}
    marks = {
        "answers": newest.id, "references": f"<x@customers.test> <{newest.id}>", "to": newest.reply_to,
        "subject": f"About {ticket}",
    }  # fmt: skip
    before = len(desk.said(first))
    assert wang.reply(BROKEN, **{**alone, how: marks[how]}).state == "taken"
    assert desk.said(first)[before:] == [BROKEN] or desk.said(first)[-1].endswith(BROKEN)


def test_a_chain_of_merges_leads_to_its_end(desk: MailDesk) -> None:
    wang, first, second = two(desk)
    wang.write(f"{PERSON}: the lamp", "Lamp")
    third = wang.thread
    merge(desk, third, second)
    merge(desk, second, first)
    wang.reply(BROKEN)
    assert BROKEN in desk.said(first)
    assert desk.talk(third).id == own(desk, first).id


def test_a_circle_that_is_there_all_the_same_loses_no_mail(desk: MailDesk) -> None:
    wang, first, second = two(desk)
    with desk.services.database.begin() as session:
        for one, other in ((first, second), (second, first)):
            row = update(ConversationRow).where(ConversationRow.thread_id == one)
            session.execute(row.values(merged_into=own(desk, other).id))
    row = wang.reply(BROKEN)
    assert row.state == "taken"
    with desk.services.database.read() as session:
        assert session.scalar(select(TalkMergeRow.id).where(TalkMergeRow.source_id == own(desk, first).id)) is None
    assert BROKEN in desk.said(first) + desk.said(second)


def test_a_reply_to_what_was_merged_opens_the_other_one_again(desk: MailDesk) -> None:
    wang, first, second = two(desk)
    merge(desk, second, first)
    desk.solve(first)
    assert desk.ticket(first).state is TicketState.RESOLVED
    wang.reply(BROKEN)
    assert desk.ticket(first).state is TicketState.OPEN
    assert BROKEN in desk.said(first)


def test_another_matter_after_the_end_of_both_is_a_conversation_of_its_own(desk: MailDesk) -> None:
    wang, first, second = two(desk)
    merge(desk, second, first)
    desk.solve(first)
    row = wang.reply(VPN, subject="Now the VPN")
    assert (row.how, row.thread_id in (first, second)) == ("follows", False)
    assert desk.ticket(first).name in desk.notes(row.thread_id)[0]


def test_after_the_undo_mail_goes_to_each_as_before_and_what_came_stays(desk: MailDesk) -> None:
    wang, first, second = two(desk)
    done = merge(desk, second, first)
    wang.reply(BROKEN)
    desk.clock.advance(minutes=1)
    undo(desk, done)
    assert desk.talk(second).id != desk.talk(first).id
    wang.reply("The scanner is broken now")
    assert desk.said(second)[-1] == "The scanner is broken now"
    assert BROKEN in desk.said(first)
    assert desk.ticket(second).state in (TicketState.NEW, TicketState.OPEN)
    for thread in (first, second):
        assert any("What came in meanwhile (1) stays in" in note for note in desk.notes(thread))


@pytest.fixture
def in_copy(desk: MailDesk) -> tuple[Writer, Writer, str, str]:
    """Wang wrote with Li in copy; Li answered all, which is a conversation of its own. Whose threads: Wang's, Li's."""
    wang, li = desk.customer("Fang Wang"), desk.customer("Lei Li")
    sent = f"first{wang.address}"
    wang.write(f"{PERSON}: the printer", "Printer", message_id=sent, lines=[f"Cc: {li.address}"])
    li.write("Mine as well, since Monday", "Re: Printer", answers=sent, references=f"<{sent}>")
    assert li.thread != wang.thread
    return wang, li, wang.thread, li.thread


def to_all(desk: MailDesk, li: Writer, wang_thread: str, text: str, **how: str) -> str:
    """Li answers the first mail of Wang once more; what became of it."""
    with desk.services.database.read() as session:
        thread = mail_threads.get(session, wang_thread)
    assert thread is not None
    sent = f"first{thread.address}"
    known = {"answers": sent, "references": f"<{sent}>"}
    return desk.deliver(li.mail(text, "Re: Printer", **{**known, **how})).how


def test_who_was_in_copy_joins_after_the_merge_and_wang_alone_is_answered(
    desk: MailDesk, in_copy: tuple[Writer, Writer, str, str]
) -> None:
    wang, li, first, second = in_copy
    told, mails_of_li = len(wang.got), len(li.got)
    merge(desk, second, first)
    desk.answer()
    assert (len(wang.got), len(li.got)) == (told, mails_of_li)  # nobody outside is told
    assert to_all(desk, li, first, "It prints only blank pages") == "references"
    assert desk.said(first)[-1] == "It prints only blank pages"
    assert desk.turns(first)[-1].author is not Author.CUSTOMER  # somebody answered
    assert len(li.got) == mails_of_li
    assert len(wang.got) == told + 1
    assert any(f"{li.address} is a guest here" in note for note in desk.notes(first))


def test_an_unproven_mail_of_who_was_in_copy_joins_nothing(
    desk: MailDesk, in_copy: tuple[Writer, Writer, str, str]
) -> None:
    wang, li, first, second = in_copy
    merge(desk, second, first)
    before = desk.said(first)
    newest = wang.got[-1].id
    for shown in ({}, {"references": f"<{newest}>"}):
        assert to_all(desk, li, first, "Please send me everything", dmarc="", **shown) == "stranger"
    assert to_all(desk, li, first, "Please send me everything", dmarc="fail") == "stranger"
    assert desk.said(first) == before


def test_who_was_in_copy_joined_nothing_before_the_merge_and_nothing_after_its_undo(
    desk: MailDesk, in_copy: tuple[Writer, Writer, str, str]
) -> None:
    _, li, first, second = in_copy
    assert to_all(desk, li, first, "Before") == "stranger"
    done = merge(desk, second, first)
    assert to_all(desk, li, first, "Between") == "references"
    undo(desk, done)
    assert to_all(desk, li, first, "After") == "stranger"
    assert desk.said(first)[1:] == ["Between"]


def test_an_answer_of_theirs_to_our_mail_joins_and_brings_them_no_answer(
    desk: MailDesk, in_copy: tuple[Writer, Writer, str, str]
) -> None:
    wang, li, first, second = in_copy
    merge(desk, second, first)
    told = len(li.got)
    row = li.reply("Any news? What does the printer code PRN-21 mean?")
    assert (row.state, row.thread_id) == ("taken", second)
    assert desk.said(first)[-1].startswith("Any news?")
    assert len(li.got) == told
    assert wang.got[-1].to == (wang.address,)
    assert li.address not in wang.got[-1].everything
    assert wang.got[-1]["Subject"].startswith("Re: Printer")


def test_a_reply_of_staff_goes_to_the_customer_it_goes_on_with(
    desk: MailDesk, in_copy: tuple[Writer, Writer, str, str]
) -> None:
    wang, li, first, second = in_copy
    merge(desk, second, first)
    to_all(desk, li, first, "Still blank pages")
    li.reply("And it smells")
    told = len(li.got)
    member = desk.member()
    with desk.services.database.begin() as session:
        replies.reply(session, desk.services.defaults, desk.talk(first), member, "We come at ten.", desk.clock.now())
    desk.answer()
    assert "We come at ten." in wang.got[-1].body()
    assert len(li.got) == told


def test_a_reply_that_was_waiting_for_them_names_no_ticket_of_the_other_customer(
    desk: MailDesk, in_copy: tuple[Writer, Writer, str, str]
) -> None:
    wang, li, first, second = in_copy
    member = desk.member()
    with desk.services.database.begin() as session:
        replies.reply(session, desk.services.defaults, own(desk, second), member, "Thank you, Li.", desk.clock.now())
    merge(desk, second, first)
    desk.answer()
    last = li.got[-1]
    assert "Thank you, Li." in last.body()
    assert desk.ticket(first).name not in last.everything
    assert wang.address not in last.everything


def test_a_colleague_s_answer_by_mail_to_who_was_in_copy_goes_to_nobody(
    desk: MailDesk, in_copy: tuple[Writer, Writer, str, str]
) -> None:
    wang, li, first, second = in_copy
    ada = desk.member()
    address = desk.services.office.signer.reply_address(SUPPORT, second, ada.public_id)
    merge(desk, second, first)
    told = len(wang.got), len(li.got)
    desk.deliver(mail(ada.email, "Only for Li", "Re: ticket", to=address))
    assert (len(wang.got), len(li.got)) == told
    assert "Only for Li" in desk.notes(first)[-1]
    assert "NOT sent" in desk.notes(first)[-1]


def test_a_mail_to_somebody_who_is_another_customer_by_now_is_not_sent(desk: MailDesk) -> None:
    """Two who were one customer at the merge, and answered by the newer thread, were parted since."""
    wang, first, second = two(desk)
    merge(desk, second, first)
    wang.reply(BROKEN)
    stranger = desk.customer("Stranger")
    stranger.write(QUESTION)
    with desk.services.database.begin() as session:
        another = desk.talk(stranger.thread).customer_id
        session.execute(update(ConversationRow).where(ConversationRow.thread_id == second).values(customer_id=another))
    told, member = len(wang.got), desk.member()
    with desk.services.database.begin() as session:
        replies.reply(session, desk.services.defaults, own(desk, first), member, "News for Wang", desk.clock.now())
    desk.answer()
    assert len(wang.got) == told
    with desk.services.database.read() as session:
        row = session.scalars(select(OutboxRow).order_by(OutboxRow.id.desc()).limit(1)).one()
    assert (row.state, row.error) == ("dropped", "this address belongs to another customer")


def test_an_answer_to_a_withdrawn_ticket_opens_it_again_for_two_weeks(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    thread, told = wang.thread, len(wang.got)
    withdraw(desk, thread)
    assert desk.ticket(thread).state is TicketState.CANCELLED
    assert len(wang.got) == told  # no mail says so, none asks for a rating
    desk.clock.advance(days=13)
    row = wang.reply(BROKEN)
    assert row.thread_id == thread
    assert desk.ticket(thread).state is TicketState.OPEN
    assert desk.clock_events(thread)[:3] == ["opened", "cancelled", "reopened"]


@pytest.mark.parametrize("how", ["late", "another subject"])
def test_what_answers_a_withdrawn_ticket_late_or_about_something_else_is_new(desk: MailDesk, how: str) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    thread = wang.thread
    withdraw(desk, thread)
    desk.clock.advance(days=15 if how == "late" else 0, minutes=1)
    row = wang.reply(BROKEN) if how == "late" else wang.reply(VPN, subject="Now the VPN")
    assert (row.how, row.thread_id == thread) == ("follows", False)
    assert desk.ticket(thread).state is TicketState.CANCELLED
    assert desk.ticket(thread).name in desk.notes(row.thread_id)[0]


def test_the_more_urgent_of_two_decides_after_a_merge(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON, "Printer")
    first = wang.thread
    wang.write("Nobody in finance can log in to the ERP and month-end closing is today", "ERP")
    assert desk.ticket(wang.thread).urgency is Urgency.URGENT
    merge(desk, wang.thread, first)
    assert desk.ticket(first).urgency is Urgency.URGENT
