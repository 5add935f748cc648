"""Follow-ups: read together with what they follow, and only those."""

from __future__ import annotations

import pytest

from bot.question import last_question, stand_alone
from desk.models import Author, Turn
from tests.bot.made import turn


def asked(*texts: str) -> list[Turn]:
    return [turn(n, Author.CUSTOMER, text) for n, text in enumerate(texts, start=1)]


@pytest.mark.parametrize(
    "text",
    [
        "And on a Mac?", "What about Windows?", "how about from home", "what if it fails", "but I have no admin rights",
        "still the same error", "那在手机上呢", "那如果没有权限呢？", "然后呢", "如果还是不行怎么办", "要多久呢", "还是报错 619",
        "Mac 上怎么样",
    ],
)  # fmt: skip
def test_a_follow_up_is_joined_with_the_question_before(text: str) -> None:
    joined, was_joined = stand_alone(text, asked("How do I set up the VPN?"))
    assert was_joined
    assert joined == f"How do I set up the VPN?\n{text}"


@pytest.mark.parametrize(
    "text",
    [
        "How do I order a new laptop?", "打印机显示 PRN-21 是什么意思", "Outlook asks for my password again and again",
        "that new projector in meeting room three has been making a strange noise since yesterday morning",
    ],
)  # fmt: skip
def test_a_question_that_says_what_it_is_about_stays_alone(text: str) -> None:
    assert stand_alone(text, asked("How do I set up the VPN?")) == (text, False)


def test_without_an_earlier_question_nothing_is_joined() -> None:
    assert stand_alone("And on a Mac?", ()) == ("And on a Mac?", False)


def test_a_chain_of_follow_ups_keeps_its_beginning() -> None:
    first = turn(1, Author.CUSTOMER, "How do I set up the VPN?")
    second = turn(2, Author.CUSTOMER, "And on a Mac?", payload={"question": "How do I set up the VPN?\nAnd on a Mac?"})
    joined, _ = stand_alone("what about iPads?", [first, second])
    assert joined == "How do I set up the VPN?\nAnd on a iPads?"


def test_a_chain_never_grows_without_end() -> None:
    long = turn(1, Author.CUSTOMER, "x", payload={"question": "How do I set up the VPN? " * 200})
    long = turn(1, Author.CUSTOMER, "And on a Mac?", payload=long.payload)
    joined, _ = stand_alone("and then?", [long])
    assert len(joined) < 320


def test_buttons_small_talk_and_others_are_no_questions() -> None:
    turns = [
        *asked("打不开"),
        turn(2, Author.BOT, "An answer"),
        turn(3, Author.CUSTOMER, "Still not working", payload={"action": "not_helped"}),
        turn(4, Author.STAFF, "What exactly happens?"),
        turn(5, Author.CUSTOMER, "谢谢"),
        turn(6, Author.CUSTOMER, "ok"),
    ]
    assert last_question(turns) == "打不开"
    assert last_question(()) == ""
