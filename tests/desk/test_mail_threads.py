"""Where a mail belongs: what we signed opens a thread, what anybody can write down opens it for proven people only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from base.database import Database
from base.messages import Channel
from desk import doors, mail_threads, mails, merges, tickets
from desk.mail_threads import Evidence, How, MailThread, Placement
from desk.mails import MailState
from desk.models import TicketState
from desk.tables import IdentityRow
from tests.desk.made import NOW, defaults, later, member, talk, ticket

WANG, LI, MALLORY = "wang@customers.test", "li@customers.test", "mallory@evil.test"
DAYS = 14


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.begin() as made:
        yield made


def opened(session: Session, subject: str = "Printer", address: str = WANG, *, ticket_of_it: bool = False) -> str:
    """A thread of mails with its conversation; with a ticket if wished."""
    thread = mail_threads.open_thread(session, "support", address, "王 芳", subject, NOW)
    made = talk(session, thread, channel=Channel.EMAIL, sender_id=address)
    if ticket_of_it:
        ticket(session, made)
    return thread


def evidence(sender: str = WANG, *, vouched: bool = True, disowned: bool = False, **values: Any) -> Evidence:
    return Evidence(sender, vouched, disowned, **values)


def place(session: Session, found: Evidence, **after: float) -> Placement:
    return mail_threads.place(session, found, later(**after), DAYS)


def arrived(session: Session, message_id: str, thread: str, sender: str = WANG) -> None:
    """A mail with this id that is part of a thread."""
    mails.put(session, "support", message_id.encode(), "hook", NOW)
    found = mails.claim(session, NOW, 60)
    assert found is not None
    mails.finish(session, found.id, MailState.TAKEN, message_id=message_id, thread_id=thread, sender=sender)


def also_of(session: Session, address: str, customer_of: str) -> None:
    """Give a customer a second address."""
    customer = talk(session, customer_of, channel=Channel.EMAIL).customer_id
    session.add(IdentityRow(customer_id=customer, channel="email", external_id=address, verified=True, created_at=NOW))
    session.flush()


def test_a_mail_that_points_nowhere_is_new(session: Session) -> None:
    opened(session)
    assert place(session, evidence(subject="Printer")) == Placement(How.NEW)


@pytest.mark.parametrize("who", [evidence(), evidence(MALLORY, vouched=False), evidence("", vouched=False)])
def test_what_we_signed_opens_the_thread_to_whoever_has_it(session: Session, who: Evidence) -> None:
    thread = opened(session)
    values: dict[str, Any] = {"sender": who.sender, "vouched": who.vouched}
    assert place(session, evidence(**values, address=thread)) == Placement(How.ADDRESS, thread)
    assert place(session, evidence(**values, answers=(thread,))) == Placement(How.MESSAGE_ID, thread)


@pytest.mark.parametrize(
    ("sender", "vouched", "how"),
    [
        (WANG, True, How.REFERENCES), (WANG, False, How.REFERENCES), (MALLORY, True, How.STRANGER),
        (MALLORY, False, How.STRANGER), ("", True, How.STRANGER), (LI, False, How.REFERENCES),
    ],
)  # fmt: skip
def test_a_signed_id_in_references_is_enough_for_whoever_takes_part(
    session: Session, sender: str, vouched: bool, how: How
) -> None:
    thread = opened(session)
    also_of(session, LI, thread)
    found = place(session, evidence(sender, vouched=vouched, mentions=(thread,)))
    assert found == (Placement(how, thread) if how is How.REFERENCES else Placement(how, pointed_at=thread))


@pytest.mark.parametrize(
    ("sender", "vouched", "how"),
    [
        (WANG, True, How.REFERENCES), (WANG, False, How.STRANGER), (LI, True, How.REFERENCES),
        (LI, False, How.STRANGER), (MALLORY, True, How.STRANGER), (MALLORY, False, How.STRANGER),
    ],
)  # fmt: skip
def test_an_id_of_the_customers_own_needs_a_proven_participant(
    session: Session, sender: str, vouched: bool, how: How
) -> None:
    thread = opened(session)
    also_of(session, LI, thread)
    arrived(session, "a@customers.test", thread)
    found = place(session, evidence(sender, vouched=vouched, ids=("a@customers.test",)))
    assert found == (Placement(how, thread) if how is How.REFERENCES else Placement(how, pointed_at=thread))


def test_an_id_nobody_has_seen_points_nowhere(session: Session) -> None:
    opened(session)
    assert place(session, evidence(ids=("unknown@customers.test", "")), seconds=1) == Placement(How.NEW)


NAMED = ("Re: Printer [FL-1001]", "fl-1001", "about ＦＬ－１００１", "回复：[FL-1001] 打印机")
UNKNOWN = ("FL-1002", "FL-10012", "XFL-1001", "FL 1001", "1001", "FL-" + "9" * 30)


@pytest.mark.parametrize(
    ("sender", "vouched", "joins"),
    [(WANG, True, True), (WANG, False, False), (MALLORY, True, False), (MALLORY, False, False), ("", True, False)],
)
def test_a_ticket_number_needs_a_proven_participant(session: Session, sender: str, vouched: bool, joins: bool) -> None:
    thread = opened(session, ticket_of_it=True)
    expected = Placement(How.SUBJECT, thread) if joins else Placement(How.STRANGER, pointed_at=thread)
    found = [place(session, evidence(sender, vouched=vouched, subject=subject)) for subject in NAMED]
    assert found == [expected] * len(NAMED)


def test_a_number_that_is_no_ticket_of_a_mail_points_nowhere(session: Session) -> None:
    opened(session, ticket_of_it=True)
    ticket(session, talk(session, "chat", channel=Channel.WEBCHAT))  # FL-1002: not a conversation by mail
    found = [place(session, evidence(subject=subject)) for subject in UNKNOWN]
    assert found == [Placement(How.NEW)] * len(UNKNOWN)


def test_a_mail_its_own_domain_disowns_joins_nothing(session: Session) -> None:
    thread = opened(session, ticket_of_it=True)
    arrived(session, "a@customers.test", thread)
    shown: list[dict[str, Any]] = [
        {"address": thread}, {"answers": (thread,)}, {"mentions": (thread,)}, {"ids": ("a@customers.test",)},
        {"subject": "FL-1001"},
    ]  # fmt: skip
    for sender, vouched, what in product((WANG, MALLORY), (True, False), shown):
        found = place(session, evidence(sender, vouched=vouched, disowned=True, **what))
        assert found == Placement(How.STRANGER, pointed_at=thread)


def test_the_strongest_proof_decides(session: Session) -> None:
    one, two, three, four = (opened(session, f"matter {n}", ticket_of_it=True) for n in range(4))
    arrived(session, "a@customers.test", four)
    shown: dict[str, Any] = {
        "address": one, "answers": (two,), "mentions": (three,), "ids": ("a@customers.test",), "subject": "FL-1001",
    }  # fmt: skip
    for name, expected in (
        ("address", Placement(How.ADDRESS, one)), ("answers", Placement(How.MESSAGE_ID, two)),
        ("mentions", Placement(How.REFERENCES, three)), ("ids", Placement(How.REFERENCES, four)),
        ("subject", Placement(How.SUBJECT, one)),
    ):  # fmt: skip
        assert place(session, evidence(**shown)) == expected
        del shown[name]


def test_of_several_mentioned_threads_the_newest_counts(session: Session) -> None:
    one, two = opened(session), opened(session)
    arrived(session, "a@customers.test", one)
    arrived(session, "b@customers.test", two)
    assert place(session, evidence(mentions=(one, two))).thread_id == two
    assert place(session, evidence(ids=("a@customers.test", "b@customers.test"))).thread_id == two


def test_a_thread_that_is_not_known_is_passed_over(session: Session) -> None:
    thread = opened(session)
    gone = "f" * 16
    assert place(session, evidence(address=gone)) == Placement(How.NEW)
    assert place(session, evidence(address=gone, answers=(gone, thread))) == Placement(How.MESSAGE_ID, thread)


def test_somebody_elses_number_beside_an_own_thread_does_no_harm(session: Session) -> None:
    own = opened(session, "VPN")
    opened(session, ticket_of_it=True, address=LI)
    assert place(session, evidence(subject="VPN, like FL-1001", answers=(own,))).how is How.FOLLOWS
    assert place(session, evidence(subject="Re: VPN", answers=(own,))) == Placement(How.MESSAGE_ID, own)


def merged_with(session: Session, source: str, target: str) -> None:
    ends, goes_on = (doors.conversation_of(session, Channel.EMAIL, thread) for thread in (source, target))
    assert ends is not None
    assert goes_on is not None
    merges.merge(session, defaults(), ends, goes_on, member(session, source), NOW)


def test_the_customer_of_what_was_merged_in_may_add_when_proven_and_never_otherwise(session: Session) -> None:
    wang, li = opened(session, ticket_of_it=True), opened(session, address=LI)
    arrived(session, "a@customers.test", wang)
    merged_with(session, li, wang)
    shown: list[dict[str, Any]] = [{"mentions": (wang,)}, {"ids": ("a@customers.test",)}, {"subject": "FL-1001"}]
    for what in shown:
        assert place(session, evidence(LI, **what)).thread_id == wang
        for found in (
            evidence(LI, vouched=False, **what),
            evidence(LI, disowned=True, **what),
            evidence(MALLORY, **what),
        ):
            assert place(session, found) == Placement(How.STRANGER, pointed_at=wang)


def test_guests_of_guests_are_guests_and_the_host_may_answer_any_of_them(session: Session) -> None:
    wang, li, mallory = opened(session), opened(session, address=LI), opened(session, address=MALLORY)
    merged_with(session, mallory, li)
    merged_with(session, li, wang)
    assert mail_threads.participants(session, wang, guests=True) == {WANG, LI, MALLORY}
    assert mail_threads.participants(session, wang, guests=False) == {WANG}
    assert mail_threads.participants(session, li, guests=False) == {LI, WANG}
    arrived(session, "m@evil.test", mallory, MALLORY)
    assert place(session, evidence(WANG, ids=("m@evil.test",))) == Placement(How.REFERENCES, mallory)


def test_a_number_of_what_was_merged_leads_to_the_mails_of_where_it_goes_on(session: Session) -> None:
    thread = opened(session)
    telegram = talk(session, "tg", channel=Channel.TELEGRAM)
    ticket(session, telegram)
    goes_on = doors.conversation_of(session, Channel.EMAIL, thread)
    assert goes_on is not None
    merges.merge(session, defaults(), telegram, goes_on, member(session), NOW)
    assert place(session, evidence(subject="FL-1001")) == Placement(How.SUBJECT, thread)


def test_whether_it_is_over_is_asked_of_where_it_goes_on(session: Session) -> None:
    first, second = opened(session, ticket_of_it=True), solved(session, "Scanner")
    merged_with(session, second, first)
    assert place(session, evidence(answers=(second,), subject="Now the VPN"), days=100).thread_id == second


def test_an_answer_to_a_withdrawn_ticket_joins_it_for_two_weeks(session: Session) -> None:
    thread = opened(session, ticket_of_it=True)
    made = mail_threads.ticket_of(session, thread)
    assert made is not None
    for moved in (TicketState.CANCELLED, TicketState.OPEN):
        tickets.move(session, defaults(), made.id, moved, NOW)
    tickets.move(session, defaults(), made.id, TicketState.CANCELLED, later(days=3))  # the newest withdrawal counts
    answer = evidence(answers=(thread,), subject="Re: Printer")
    assert place(session, answer, days=DAYS + 3) == Placement(How.MESSAGE_ID, thread)
    assert place(session, answer, days=DAYS + 3, seconds=1) == Placement(How.FOLLOWS, pointed_at=thread)
    assert place(session, evidence(answers=(thread,), subject="Another matter"), days=3).how is How.FOLLOWS


def solved(session: Session, subject: str = "Printer") -> str:
    """A thread whose ticket was solved at NOW."""
    thread = mail_threads.open_thread(session, "support", WANG, "", subject, NOW)
    made = ticket(session, talk(session, thread, channel=Channel.EMAIL, sender_id=WANG))
    tickets.move(session, defaults(), made.id, TicketState.RESOLVED, NOW)
    return thread


def test_an_answer_to_a_solved_ticket_joins_it_for_two_weeks(session: Session) -> None:
    thread = solved(session)
    answer = evidence(answers=(thread,), subject="Re: Printer")
    assert place(session, answer, days=DAYS) == Placement(How.MESSAGE_ID, thread)
    assert place(session, answer, days=DAYS, seconds=1) == Placement(How.FOLLOWS, pointed_at=thread)


def test_a_stranger_does_not_learn_that_a_ticket_is_over(session: Session) -> None:
    thread = solved(session)
    found = place(session, evidence(MALLORY, subject="FL-1001"), days=100)
    assert found == Placement(How.STRANGER, pointed_at=thread)


SAME = ("Re: Printer", "回复：PRINTER [FL-1001]", "Re: Printer [FL-1001]", "", "Re:")
OTHER = ("Another matter", "Re: Printer again")


def test_another_subject_is_another_matter_once_the_ticket_is_solved(session: Session) -> None:
    thread = solved(session)
    for subject in SAME:
        assert place(session, evidence(answers=(thread,), subject=subject)) == Placement(How.MESSAGE_ID, thread)
    for subject in OTHER:
        found = place(session, evidence(answers=(thread,), subject=subject))
        assert found == Placement(How.FOLLOWS, pointed_at=thread)


def test_a_subject_that_our_answers_had_to_cut_is_the_same_in_what_answers_them(session: Session) -> None:
    long = "打印机 " * 80
    thread = opened(session, long)
    found = mail_threads.get(session, thread)
    assert found is not None
    for subject in (f"Re: {found.subject}", f"Re: {long}"):
        assert place(session, evidence(answers=(thread,), subject=subject)) == Placement(How.MESSAGE_ID, thread)


def test_another_subject_stays_with_an_open_ticket(session: Session) -> None:
    thread = opened(session, ticket_of_it=True)
    found = place(session, evidence(answers=(thread,), subject="Now the scanner"), days=100)
    assert found == Placement(How.MESSAGE_ID, thread)


def test_another_subject_is_another_matter_where_there_is_no_ticket(session: Session) -> None:
    thread = opened(session)
    assert place(session, evidence(answers=(thread,), subject="Now the scanner")).how is How.FOLLOWS
    assert place(session, evidence(answers=(thread,), subject="Re: Printer"), days=100).how is How.MESSAGE_ID


def test_a_thread_without_a_subject_is_never_about_something_else(session: Session) -> None:
    thread = opened(session, "")
    assert place(session, evidence(answers=(thread,), subject="Now the scanner")).how is How.MESSAGE_ID


def test_a_closed_ticket_is_over_as_a_solved_one_is(session: Session) -> None:
    thread = solved(session)
    made = mail_threads.ticket_of(session, thread)
    assert made is not None
    tickets.move(session, defaults(), made.id, TicketState.CLOSED, later(days=1))
    answer = evidence(answers=(thread,))
    assert place(session, answer, days=2).how is How.MESSAGE_ID
    assert place(session, answer, days=DAYS + 1).how is How.FOLLOWS


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: Printer", "Printer"), ("RE: re: Re: Printer", "Printer"), ("AW: Drucker", "Drucker"),
        ("Re[2]: Printer", "Printer"), ("Re(3): Printer", "Printer"), ("Fwd: FW: Printer", "Printer"),
        ("Wg: x", "x"), ("SV: x", "x"), ("回复：打印机", "打印机"), ("答复: 打印机", "打印机"),
        ("转发: 回复：打印机", "打印机"), ("自动回复: 打印机", "打印机"), ("返信：プリンター", "プリンター"),
        ("Re: [FL-1] Printer", "Printer"), ("[FL-1] Re: [FL-2] Printer", "Printer"), ("回复：【FL-1】打印机", "打印机"),
        ("Re: 打印机 [FL-1001]", "打印机"), ("Printer [FL-1] [fl-2]", "Printer"), ("a [FL-1] b", "a [FL-1] b"),
        ("[External] Re: Printer", "Printer"), ("【外部邮件】回复: 打印机", "打印机"), ("【打印机】坏了", "【打印机】坏了"),
        ("Re", "Re"), ("Re:", ""), ("", ""), ("FL-1001", "FL-1001"), ("  re :  a   b \t c ", "a b c"),
        ("Regarding: Printer", "Regarding: Printer"), ("Printer Re: 5", "Printer Re: 5"),
        ("[Printer] Re: 5", "[Printer] Re: 5"),
        ("Re: " * 200 + "x", "x"),
    ],
)  # fmt: skip
def test_a_subject_without_what_mail_programs_put_before_it(subject: str, bare: str) -> None:
    assert mail_threads.bare_subject(subject) == bare


def test_a_new_thread_says_where_its_answers_go(session: Session) -> None:
    first = mail_threads.open_thread(session, "support", WANG, "王 芳", "打印机", NOW)
    second = mail_threads.open_thread(session, "sales", "x" * 400, "n" * 400, "s" * 900, NOW, follows=first)
    assert mail_threads.get(session, first) == MailThread(first, "support", WANG, "王 芳", "打印机", "")
    cut = mail_threads.get(session, second)
    assert cut is not None
    assert (len(cut.address), len(cut.name), len(cut.subject), cut.follows) == (300, 200, 150, first)
    assert len({first, second}) == 2
    assert len(first) == 16
    assert mail_threads.get(session, "0" * 16) is None


def test_the_ticket_of_a_thread_is_that_of_its_conversation_by_mail(session: Session) -> None:
    thread, without = opened(session, ticket_of_it=True), opened(session)
    ticket(session, talk(session, without, channel=Channel.WEBCHAT))  # a chat window of that name is nothing of it
    found = mail_threads.ticket_of(session, thread)
    assert found is not None
    assert found.name == "FL-1001"
    assert mail_threads.ticket_of(session, without) is None
    assert mail_threads.ticket_of(session, "0" * 16) is None


def test_whoever_is_known_by_another_channel_only_takes_no_part_by_mail(session: Session) -> None:
    thread = opened(session)
    also_of(session, LI, thread)
    session.execute(update(IdentityRow).where(IdentityRow.external_id == LI).values(channel="telegram"))
    assert place(session, evidence(LI, mentions=(thread,))).how is How.STRANGER


def test_an_address_of_nobody_is_nobodys_part(session: Session) -> None:
    thread = opened(session, address="")
    assert place(session, evidence("", mentions=(thread,))).how is How.STRANGER
    assert place(session, evidence("", address=thread)) == Placement(How.ADDRESS, thread)


def test_the_time_to_come_back_is_the_settings(session: Session) -> None:
    thread = solved(session)
    answer = evidence(answers=(thread,))
    assert mail_threads.place(session, answer, NOW, 0).how is How.MESSAGE_ID
    assert mail_threads.place(session, answer, NOW + timedelta(seconds=1), 0).how is How.FOLLOWS
