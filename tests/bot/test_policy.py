"""The policy as a table: what is decided from what, and that every branch leaves the customer a way on."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from bot import policy
from bot.guard import Guarded, Remark
from bot.models import Answer, Citation, Decision, OutcomeKind, Triage
from bot.policy import Case, decide
from desk.models import Category, ConversationState, Sentiment, Urgency
from tests.bot.made import passage

BOT, WAITING, STAFF, CLOSED = (
    ConversationState.BOT, ConversationState.WAITING, ConversationState.STAFF, ConversationState.CLOSED,
)  # fmt: skip
PASSAGE = passage("Select TCP 443 mode.", title="VPN")
ANSWER = Answer(
    "Select TCP 443 mode. [1]", (Citation(1, 1, "a1", 1, "1.md", "VPN", "", "q", "en", "public"),), "en", "w"
)
NEAR = (
    passage("a", title="VPN", n=1),
    passage("b", title="Wi-Fi", n=2),
    passage("c", title="Mail", n=3),
    passage("d", n=4),
)


def triage(urgency: Urgency = Urgency.LOW, **values: Any) -> Triage:
    known = {"lang": "en", "sentiment": Sentiment.NEUTRAL, "wants_human": False} | values
    return Triage(
        urgency, (), Category.OTHER, 0.5, known["lang"], known["sentiment"], known["wants_human"], None, 0.5
    )  # fmt: skip


def case(text: str = "How?", **values: Any) -> Case:
    known: dict[str, Any] = {
        "message": Guarded(text, False, None, False), "action": "", "triage": triage(), "state": BOT, "memory": {},
        "has_ticket": False, "confidence": 0.0, "passages": (), "answer": None, "answer_threshold": 0.5,
        "clarify_threshold": 0.3,
    }  # fmt: skip
    return Case(**{**known, **values})


def kind(**values: Any) -> tuple[OutcomeKind, str]:
    decision = decide(case(**values))
    return decision.kind, decision.reason


SURE = {"confidence": 0.9, "passages": (PASSAGE,), "answer": ANSWER}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"state": STAFF, **SURE}, (OutcomeKind.SILENT, "staff_has_it")),
        ({"state": STAFF, "action": "human"}, (OutcomeKind.SILENT, "staff_has_it")),
        ({"action": "human", **SURE}, (OutcomeKind.TICKET, "wants_human")),
        ({"triage": triage(wants_human=True), **SURE}, (OutcomeKind.TICKET, "wants_human")),
        ({"triage": triage(wants_human=True), "state": WAITING}, (OutcomeKind.TICKET, "wants_human")),
        ({"action": "helped"}, (OutcomeKind.GREETING, "helped")),
        ({"action": "not_helped"}, (OutcomeKind.TICKET, "not_helped")),
        (SURE, (OutcomeKind.ANSWER, "supported")),
        ({**SURE, "state": WAITING}, (OutcomeKind.ANSWER, "supported")),
        ({**SURE, "state": WAITING, "memory": {"waits_for": "person"}}, (OutcomeKind.TICKET, "added")),
        ({**SURE, "triage": triage(Urgency.URGENT)}, (OutcomeKind.TICKET, "urgent")),
        ({"triage": triage(Urgency.URGENT)}, (OutcomeKind.TICKET, "urgent")),
        ({**SURE, "confidence": 0.4}, (OutcomeKind.CLARIFY, "close_candidates")),
        ({**SURE, "confidence": 0.2}, (OutcomeKind.OFFER, "no_support")),
        ({"confidence": 0.4, "passages": NEAR}, (OutcomeKind.CLARIFY, "close_candidates")),
        ({"confidence": 0.4, "passages": NEAR, "memory": {"clarified": True}}, (OutcomeKind.OFFER, "no_support")),
        ({"confidence": 0.4, "passages": NEAR[:1]}, (OutcomeKind.CLARIFY, "close_candidates")),
        ({"confidence": 0.9, "passages": NEAR, "answer": None}, (OutcomeKind.CLARIFY, "close_candidates")),
        ({"triage": triage(Urgency.NORMAL)}, (OutcomeKind.TICKET, "no_support")),
        ({"triage": triage(Urgency.HIGH)}, (OutcomeKind.TICKET, "no_support")),
        ({}, (OutcomeKind.OFFER, "no_support")),
        ({"memory": {"failed": 1}}, (OutcomeKind.TICKET, "failed_twice")),
        ({"state": WAITING, "has_ticket": True}, (OutcomeKind.TICKET, "added")),
        ({"state": CLOSED}, (OutcomeKind.OFFER, "no_support")),
        ({"message": Guarded("", False, Remark.EMPTY, False)}, (OutcomeKind.GREETING, "empty")),
        ({"message": Guarded("hi", False, Remark.GREETING, False)}, (OutcomeKind.GREETING, "greeting")),
        ({"message": Guarded("ok", False, Remark.THANKS, False), "state": WAITING}, (OutcomeKind.SILENT, "remark_while_waiting")),
    ],
)  # fmt: skip
def test_the_decision_for(values: dict[str, Any], expected: tuple[OutcomeKind, str]) -> None:
    assert kind(**values) == expected


def test_every_combination_leaves_the_customer_a_way_on() -> None:
    """Promise 4, over the whole table: a text to read, and an answer, a choice, an offer or a ticket."""
    for state, action, urgency, wants, remark, sure, memory, ticket, lang in itertools.product(
        (BOT, WAITING, CLOSED),
        ("", "human", "helped", "not_helped", "choose:a1"),
        Urgency,
        (False, True),
        (None, *Remark),
        ({}, SURE, {"confidence": 0.4, "passages": NEAR}, {"confidence": 0.9, "passages": NEAR, "answer": None}),
        ({}, {"failed": 1}, {"clarified": True}, {"waits_for": "person"}, {"waits_for": "ticket"}),
        (False, True),
        ("en", "zh"),
    ):
        decision = decide(
            case(
                state=state, action=action, triage=triage(urgency, wants_human=wants, lang=lang), memory=memory,
                message=Guarded("x", False, remark, False), has_ticket=ticket, **sure,
            )
        )  # fmt: skip
        assert _is_complete(decision, state, remark), decision


def _is_complete(decision: Decision, state: ConversationState, remark: Remark | None) -> bool:
    match decision.kind:
        case OutcomeKind.SILENT:  # only "thanks" and the like to somebody who waits for a person anyway
            return state is WAITING and remark is not None
        case OutcomeKind.ANSWER:
            return decision.answer is not None and decision.answer.text in decision.text
        case OutcomeKind.CLARIFY:
            return len(decision.choices) in (2, 3) and bool(decision.text)
        case OutcomeKind.TICKET:
            return decision.opens_ticket and bool(decision.text)
        case _:
            return bool(decision.text)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_empathy_comes_first_and_once(lang: str) -> None:
    angry = triage(sentiment=Sentiment.ANGRY, lang=lang)
    upset, soothed = decide(case(triage=angry, **SURE)), decide(case(triage=angry, memory={"soothed": True}, **SURE))
    assert upset.text.endswith(ANSWER.text)
    assert len(upset.text) > len(ANSWER.text)
    assert soothed.text == ANSWER.text


def test_tone_never_decides_anything_but_wording() -> None:
    for values in ({}, SURE, {"confidence": 0.4, "passages": NEAR}, {"action": "not_helped"}):
        kinds = {decide(case(triage=triage(sentiment=s), **values)).kind for s in Sentiment}
        assert len(kinds) == 1


def test_first_aid_stands_beside_an_urgent_ticket() -> None:
    decision = decide(case(triage=triage(Urgency.URGENT), **SURE))
    assert decision.answer is ANSWER
    assert ANSWER.text in decision.text
    assert not decision.text.startswith(ANSWER.text)


def test_orders_to_the_bot_change_nothing_but_a_mark() -> None:
    plain, marked = decide(case(**SURE)), decide(case(message=Guarded("How?", False, None, True), **SURE))
    assert marked.memory == {**plain.memory, "injection": True}
    assert (marked.kind, marked.text) == (plain.kind, plain.text)


def test_giving_up_promises_a_person_in_both_languages() -> None:
    for lang in ("en", "zh"):
        decision = policy.give_up(lang)
        assert decision.opens_ticket
        assert decision.text
    assert policy.give_up("en").text != policy.give_up("zh").text


@pytest.mark.parametrize(
    ("lang", "shown"),
    [("en", ("Printer", "打印机卡纸 (in Chinese)")), ("zh", ("Printer（英文）", "打印机卡纸"))],
)
def test_a_choice_in_another_language_says_so(lang: str, shown: tuple[str, ...]) -> None:
    near = (passage("a", title="Printer", lang="en", n=1), passage("b", title="打印机卡纸", lang="zh", n=2))
    decision = decide(case(triage=triage(lang=lang), confidence=0.4, passages=near))
    assert tuple(choice.title for choice in decision.choices) == shown


def test_titles_that_have_nothing_to_do_with_the_question_are_not_offered() -> None:
    strange = passage("Clean the drum of the printer.", similarity=0.12, keyword=0.0)
    assert kind(confidence=0.4, passages=(strange,))[0] is OutcomeKind.OFFER
    near = passage("Clean the drum of the printer.", similarity=0.3, keyword=0.0)
    assert kind(confidence=0.4, passages=(near,))[0] is OutcomeKind.CLARIFY
