"""What is better not sent: to whom mail fails, to whom has had many, to what answers like a machine. And no loop lives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from desk import replies
from desk.mails import Said
from desk.models import ConversationState
from tests.web.mail.made import ANSWER, PERSON, QUESTION, MailDesk, Writer
from web.mail import rules

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MANY = "this address has had many automatic mails within the hour"
AT_ONCE = "this address answers like a machine: at once, again and again"
SAME = "this address answers like a machine: the same again"


def at(*seconds: float) -> list[datetime]:
    return [NOW + timedelta(seconds=one) for one in seconds]


def said(*seconds: float, echo: str = "") -> list[Said]:
    return [Said(one, echo) for one in at(*seconds)]


@pytest.mark.parametrize(
    ("sent", "heard", "count"),
    [
        ([], [5], 0), ([0], [], 0), ([0], [5], 1), ([0], [59], 1), ([0], [60], 0), ([0], [0], 0), ([10], [5], 0),
        ([0, 100], [5, 105], 2), ([0, 100, 200], [5, 300], 1), ([0, 1], [5], 2),
    ],
)  # fmt: skip
def test_an_answer_within_a_minute_is_one_at_once(sent: list[float], heard: list[float], count: int) -> None:
    assert rules.answers_at_once(at(*sent), said(*heard)) == count


def test_the_same_words_after_two_of_our_mails_are_a_repetition() -> None:
    first, second, third = said(0, echo="a"), said(100, echo="a"), said(200, echo="a")
    assert rules.repeats(at(50, 150), first + second + third)
    assert not rules.repeats(at(50), first + second)  # once a person may
    assert not rules.repeats([], first + second + third)  # before we answered: impatient
    assert not rules.repeats(at(50), first + second + third)
    assert not rules.repeats(at(250), first + second + third)
    assert not rules.repeats(at(50, 150), first + second + said(200, echo="b"))
    assert not rules.repeats(at(50, 150), said(0) + said(100) + said(200))  # too few words to tell
    assert not rules.repeats(at(50), third)
    assert not rules.repeats(at(50), [])


def questions(desk: MailDesk, wang: Writer, count: int) -> None:
    """Different questions, each in a mail of its own, minutes apart."""
    for number in range(count):
        desk.clock.advance(minutes=3)
        wang.write(
            f"{QUESTION} It is the printer on floor {'abcdefghijklm'[number]}.", f"Matter {'abcdefghijklm'[number]}"
        )


def test_so_many_mails_an_hour_and_what_is_more_waits_for_a_person(desk: MailDesk) -> None:
    wang = desk.customer()
    most = desk.services.settings.mail_replies_per_hour
    questions(desk, wang, most + 2)
    assert len(wang.got) == most
    assert desk.outbox(wang.thread) == [("dropped", MANY)]
    assert desk.talk(wang.thread).state is ConversationState.WAITING
    desk.clock.advance(hours=1)
    wang.write(QUESTION, "Much later")
    assert len(wang.got) == most + 1


def test_somebody_elses_mails_do_not_count(desk: MailDesk) -> None:
    wang, li = desk.customer(), desk.customer()
    questions(desk, wang, desk.services.settings.mail_replies_per_hour + 1)
    li.write()
    assert len(li.got) == 1


def test_a_persons_words_are_never_kept_back(desk: MailDesk) -> None:
    wang = desk.customer()
    questions(desk, wang, desk.services.settings.mail_replies_per_hour + 1)
    before = len(wang.got)
    with desk.services.database.begin() as session:
        replies.reply(
            session, desk.services.defaults, desk.talk(wang.thread), desk.member(), "Call me: 8000", desk.clock.now()
        )
    desk.answer()
    assert len(wang.got) == before + 1
    assert "Call me: 8000" in wang.got[-1].body()


def test_whoever_says_the_same_again_at_leisure_is_taken_for_a_machine(desk: MailDesk) -> None:
    wang = desk.customer()
    for number in range(4):
        desk.clock.advance(hours=2)
        wang.write(f"{QUESTION} Number {number}", f"Matter {number}")
    assert len(wang.got) == 2
    assert desk.outbox(wang.thread) == [("dropped", SAME)]


def test_somebody_who_repeats_a_few_words_is_a_person(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON, "Help")
    for _ in range(3):
        desk.clock.advance(hours=2)
        wang.reply("PRN-21?")
    assert len(wang.got) == 4


def test_two_quick_answers_make_a_machine_one_does_not(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    for text in ("It is the one on the left.", "And the VPN?", "And ordering a new laptop?"):
        desk.clock.advance(seconds=20)
        wang.reply(text)
    assert len(wang.got) == 2
    assert desk.outbox(wang.thread)[-1] == ("dropped", AT_ONCE)


def test_a_machine_of_yesterday_is_given_another_chance(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    for text in ("It is the one on the left.", "And the VPN?"):
        desk.clock.advance(seconds=20)
        wang.reply(text)
    before = len(wang.got)
    desk.clock.advance(days=1, minutes=1)
    wang.reply("Now it shows PRN-21 again, what does it mean?")
    assert len(wang.got) == before + 1
    assert ANSWER in wang.got[-1].body()


WORDS = [
    "thank you", "we got it", "your mail is here", "a colleague looks at it", "this may take days", "please be patient",
    "our office is closed", "see our website", "do not worry", "we come back to you",
]  # fmt: skip


def counting(n: int) -> tuple[str, str]:
    return f"Thank you for your message. Your request has the number {n:06}.", ""


def chatting(n: int) -> tuple[str, str]:
    return f"{WORDS[n % 10]}, {WORDS[n // 10]}, {WORDS[(3 * n) % 10]}", ""


def starting_anew(n: int) -> tuple[str, str]:
    return f"{WORDS[n % 10]} and {WORDS[n // 10]}", f"Case {WORDS[(7 * n) % 10]}"


@pytest.mark.parametrize("machine", [counting, chatting, starting_anew])
@pytest.mark.parametrize("seconds", [1, 30])
def test_a_machine_that_hides_what_it_is_gets_no_fourth_mail(
    desk: MailDesk, machine: Callable[[int], tuple[str, str]], seconds: int
) -> None:
    wang = desk.customer()
    wang.write(PERSON, "Help")
    rounds = 0
    while rounds < 50 and rounds < len(wang.got):
        desk.clock.advance(seconds=seconds)
        text, subject = machine(rounds)
        if subject:
            wang.write(text, subject)
        else:
            wang.reply(text)
        rounds += 1
    assert len(wang.got) <= 3
    assert rounds <= 3


def test_a_slow_machine_that_counts_gets_no_fourth_mail(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON, "Help")
    for number in range(50):
        if number >= len(wang.got):
            break
        desk.clock.advance(minutes=10)
        wang.reply(counting(number)[0])
    assert len(wang.got) <= 3


def test_a_mail_its_domain_disowns_is_answered_by_nobody_but_a_person(desk: MailDesk) -> None:
    wang = desk.customer()
    row = wang.write(dmarc="fail")
    assert wang.got == []
    assert desk.outbox(row.thread_id) == [("dropped", rules.DISOWNED)]
    assert desk.talk(row.thread_id).state is ConversationState.WAITING
