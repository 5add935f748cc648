"""Staff answer by mail: from their own address, to the address made for them; what is less reaches no customer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import update

from desk.models import Author, ConversationState, Staff, TicketState
from desk.tables import StaffRow
from tests.web.mail.made import PERSON, QUESTION, SUPPORT, MailDesk, Writer, mail

REPLY = "Please load paper into tray 2."


@dataclass(frozen=True)
class Case:
    desk: MailDesk
    wang: Writer
    ada: Staff

    @property
    def thread(self) -> str:
        return self.wang.thread

    @property
    def answer_address(self) -> str:
        return self.desk.services.office.signer.reply_address(SUPPORT, self.thread, self.ada.public_id)

    def mail(self, text: str = REPLY, *lines: str, sender: str = "", dmarc: str = "pass") -> bytes:
        """A colleague's mail to their answer address."""
        return mail(sender or self.ada.email, text, "Re: ticket", to=self.answer_address, dmarc=dmarc, lines=lines)

    @property
    def told(self) -> int:
        """How many mails the customer has."""
        return len(self.wang.got)


@pytest.fixture
def case(desk: MailDesk) -> Case:
    wang = desk.customer()
    wang.write(PERSON)
    return Case(desk, wang, desk.member())


@pytest.mark.parametrize("dmarc", ["pass", ""])
def test_a_colleagues_answer_goes_to_the_customer_in_their_name(case: Case, dmarc: str) -> None:
    row = case.desk.deliver(case.mail(dmarc=dmarc))
    assert (row.state, row.how, row.thread_id) == ("taken", "colleague", "")
    answer = case.wang.got[-1]
    assert answer["From"] == f'"{case.ada.name} (Haisong IT)" <{SUPPORT}>'
    assert REPLY in answer.body()
    assert case.ada.email not in answer.everything
    talk = case.desk.talk(case.thread)
    assert (talk.state, talk.assignee_id) == (ConversationState.STAFF, case.ada.id)
    assert (case.desk.ticket(case.thread).state, case.desk.said(case.thread, Author.STAFF)) == (
        TicketState.OPEN,
        [REPLY],
    )
    assert "first_response" in case.desk.clock_events(case.thread)


def test_the_customer_answers_a_colleague_in_the_same_thread_and_no_bot_joins_in(case: Case) -> None:
    case.desk.deliver(case.mail())
    before = case.told
    row = case.wang.reply(QUESTION)
    assert (row.thread_id, case.told) == (case.thread, before)
    assert case.desk.said(case.thread)[-1] == QUESTION


QUOTING = [
    "On Mon, Nov 23, 2026 at 10:00 AM Haisong IT <support@shop.test> wrote:\r\n> Secret hint: ZEBRA\r\n",
    "-----Original Message-----\r\nFrom: Haisong IT <support@shop.test>\r\nSent: Monday\r\nTo: Ada\r\n\r\nZEBRA\r\n",
    "在 2026年11月23日，Haisong IT <support@shop.test> 写道：\r\n> ZEBRA\r\n",
]  # fmt: skip


@pytest.mark.parametrize("quoting", QUOTING)
def test_what_a_colleague_quotes_stays_here(case: Case, quoting: str) -> None:
    case.desk.deliver(case.mail(f"{REPLY}\r\n\r\n-- \r\nAda, extension 8000\r\n\r\n{quoting}"))
    assert case.desk.said(case.thread, Author.STAFF) == [REPLY]
    assert "ZEBRA" not in case.wang.got[-1].everything


@pytest.mark.parametrize("quoting", [*QUOTING, "> ZEBRA", "", " \r\n\r\n"])
def test_a_mail_in_which_a_colleague_wrote_nothing_is_not_sent(case: Case, quoting: str) -> None:
    before = case.told
    row = case.desk.deliver(case.mail(f"\r\n\r\n{quoting}"))
    assert (row.how, case.told) == ("colleague", before)
    assert case.desk.said(case.thread, Author.STAFF) == []
    [note] = case.desk.notes(case.thread)
    assert case.ada.name in note


@pytest.mark.parametrize(
    ("sender", "dmarc"),
    [("mallory@evil.test", "pass"), ("mallory@evil.test", ""), ("", "fail"), ('"{ada}" <mallory@evil.test>', "pass")],
)
def test_an_answer_that_is_not_proven_to_be_the_colleagues_becomes_a_note(case: Case, sender: str, dmarc: str) -> None:
    before = case.told
    row = case.desk.deliver(case.mail(sender=sender.format(ada=case.ada.email), dmarc=dmarc))
    assert (row.state, row.how, case.told) == ("taken", "colleague", before)
    [note] = case.desk.notes(case.thread)
    assert REPLY in note
    assert case.ada.name in note
    assert case.desk.said(case.thread, Author.STAFF) == []
    assert case.desk.talk(case.thread).state is ConversationState.WAITING


def test_a_form_that_names_the_colleague_is_not_the_colleague(case: Case) -> None:
    before = case.told
    case.desk.deliver(case.mail(REPLY, f"Reply-To: {case.ada.email}", sender="no-reply@evil.test"))
    assert case.told == before
    assert case.desk.said(case.thread, Author.STAFF) == []


def test_whoever_has_left_answers_nobody(case: Case) -> None:
    before = case.told
    with case.desk.services.database.begin() as session:
        session.execute(update(StaffRow).where(StaffRow.id == case.ada.id).values(active=False))
    case.desk.deliver(case.mail())
    assert case.told == before
    [note] = case.desk.notes(case.thread)
    assert REPLY in note


def test_another_colleague_with_the_address_of_the_first_is_not_the_first(case: Case) -> None:
    before, grace = case.told, case.desk.member()
    case.desk.deliver(case.mail(sender=grace.email))
    assert case.told == before
    assert len(case.desk.notes(case.thread)) == 1


def test_a_colleagues_holiday_reply_is_sent_to_nobody(case: Case) -> None:
    before = case.told
    row = case.desk.deliver(case.mail("I am away.", "Auto-Submitted: auto-replied"))
    assert (row.state, case.told) == ("noted", before)
    assert case.desk.said(case.thread, Author.STAFF) == []


def test_a_colleagues_mail_to_the_desks_own_address_is_a_customers(case: Case) -> None:
    row = case.desk.deliver(mail(case.ada.email, QUESTION, "Printer"))
    assert (row.how, case.desk.sent[-1].to) == ("new", (case.ada.email,))


def test_the_same_answer_by_two_ways_is_sent_once(case: Case) -> None:
    raw = case.mail()
    case.desk.deliver(raw)
    before = case.told
    row = case.desk.deliver(b"Received: from elsewhere\r\n" + raw, mailbox="sales")
    assert (row.state, case.told) == ("duplicate", before)
    case.desk.deliver(case.mail("One more thing."))
    assert case.told == before + 1
