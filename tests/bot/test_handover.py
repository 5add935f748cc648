"""What a person gets with a ticket, and what the customer is promised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from base.database import Database
from base.i18n import format_time
from bot.guard import guard
from bot.handover import draft_ticket, receipt, ticket_card, title_of
from bot.models import Decision, OutcomeKind
from bot.thought import Thought
from bot.triage import Triager
from desk import tickets
from desk.models import Author, Urgency
from tests.bot.made import passage, turn
from tests.desk.made import NOW, defaults, later, talk, ticket

SHANGHAI = "Asia/Shanghai"


def thought(text: str, **values: object) -> Thought:
    triage = Triager(None).triage(text)
    made = Thought(
        guard(text, 4000), text, triage, (), 0.2, Decision(OutcomeKind.TICKET, "no_support", "", opens_ticket=True)
    )
    return replace(made, **values)  # type: ignore[arg-type]


def test_a_ticket_says_what_was_asked_what_was_tried_and_what_is_open() -> None:
    turns = [
        turn(1, Author.CUSTOMER, "Hi"),
        turn(2, Author.BOT, "Hello!"),
        turn(3, Author.CUSTOMER, "My scanner makes grey pages. Since Monday."),
        turn(4, Author.CUSTOMER, "Still not working", payload={"action": "not_helped"}),
        turn(5, Author.CUSTOMER, "My scanner makes grey pages. Since Monday."),
    ]
    draft = draft_ticket(thought("grey pages", passages=tuple(passage(f"p{n}", n=n) for n in range(1, 6))), turns)
    assert draft.title == "My scanner makes grey pages."
    assert draft.handover["summary"] == "Hi\nMy scanner makes grey pages. Since Monday."
    assert draft.handover["open_question"] == "grey pages"
    assert [one["article"] for one in draft.handover["tried"]] == ["a1", "a2", "a3"]
    assert draft.reason == draft.handover["reason"] == "no_support"
    assert draft.urgency_reasons


def test_a_ticket_is_named_after_the_question_that_is_still_open() -> None:
    answer, silent = {"outcome": "answer"}, {"outcome": "clarify"}
    turns = [
        turn(1, Author.CUSTOMER, "How do I order a laptop?"),
        turn(2, Author.BOT, "In the portal.", payload=answer),
        turn(3, Author.CUSTOMER, "My scanner makes grey pages."),
    ]
    draft = draft_ticket(thought("My scanner makes grey pages."), turns)
    assert draft.title == "My scanner makes grey pages."
    assert draft.handover["summary"].startswith("How do I order a laptop?")  # what went before is not lost
    for reply, then in (
        (silent, turn(3, Author.CUSTOMER, "The blue one, I mean.")),
        (answer, turn(3, Author.CUSTOMER, "Still not working", payload={"action": "not_helped"})),
        (answer, turn(3, Author.CUSTOMER, "that didn't help", payload={"meant": "not_helped"})),
        (answer, turn(3, Author.CUSTOMER, "and on a Mac?", payload={"question": "How do I order a laptop on a Mac?"})),
        (answer, turn(3, Author.CUSTOMER, "agent please")),
    ):
        turns = [turn(1, Author.CUSTOMER, "How do I order a laptop?"), turn(2, Author.BOT, "…", payload=reply), then]
        assert draft_ticket(thought(then.text), turns).title == "How do I order a laptop?"
    complained = [
        *turns[:2],
        turn(3, Author.CUSTOMER, "No", payload={"action": "not_helped"}),
        turn(4, Author.CUSTOMER, "I tried it twice."),
    ]
    assert draft_ticket(thought("I tried it twice."), complained).title == "How do I order a laptop?"


def test_a_ticket_of_a_message_without_turns_or_words_has_a_title() -> None:
    assert draft_ticket(thought("Printer on fire!"), ()).title == "Printer on fire!"
    assert draft_ticket(thought(""), ()).title == "(no text)"
    assert (
        len(draft_ticket(thought("word " * 3000), [turn(1, Author.CUSTOMER, "word " * 3000)]).handover["summary"])
        <= 1200
    )


@pytest.mark.parametrize(
    ("wish", "title"), [("我要转人工", "希望与人工客服沟通"), ("agent please", "Would like to talk to a person")]
)
def test_a_bare_wish_for_a_person_leaves_no_question_open(wish: str, title: str) -> None:
    draft = draft_ticket(thought(wish), [turn(1, Author.CUSTOMER, wish)])
    assert (draft.title, draft.handover["open_question"]) == (title, "")
    asked = "My scanner makes grey pages"
    later = draft_ticket(thought(wish), [turn(1, Author.CUSTOMER, wish), turn(2, Author.CUSTOMER, asked)])
    assert later.title == asked


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hi. My screen is black. Help", "My screen is black."),
        ("打印机坏了。请尽快处理。", "打印机坏了。"),
        ("坏了", "坏了"),
        ("a\n\nlong   blank line here", "long blank line here"),
        ("x" * 200, "x" * 79 + "…"),
    ],
)
def test_a_title_is_the_first_sentence_that_says_something(text: str, title: str) -> None:
    assert title_of(text) == title


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("urgency", list(Urgency))
def test_the_customer_is_promised_what_the_clock_of_staff_says(database: Database, urgency: Urgency, lang: str) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session), urgency)
        state = tickets.sla_state(session, defaults(), made, NOW)
    text = receipt(made, state, lang, SHANGHAI)
    card = ticket_card(made, state, lang, SHANGHAI, "https://help.example")
    assert made.first_response_due is not None
    assert format_time(made.first_response_due, lang, SHANGHAI) in text
    assert made.name in text
    assert card["promise"] in text
    assert card["url"] == f"https://help.example/status/{made.public_id}"
    assert str(made.number) not in card["url"]
    assert later() == NOW
