"""Drafts for staff: internal sources allowed, the latest question answered, nothing sent."""

from __future__ import annotations

from base.errors import ModelUnavailable
from bot.models import Answer
from bot.suggest import suggest
from bot.writer import OnText, Request
from desk.models import Author
from tests.bot.made import turn
from web.wiring import Services


def test_staff_are_shown_internal_sources(running: Services) -> None:
    found = suggest(
        running.searcher,
        (turn(1, Author.CUSTOMER, "What is the break-glass account of the VPN gateway?"),),
        600,
        running.fit,
    )
    assert found.answer is not None
    assert found.answer.citations[0].audience == "internal"
    assert "HSGATE-7741" in found.answer.text
    assert 0 <= found.confidence <= 1


def test_the_draft_answers_the_latest_question_in_its_language(running: Services) -> None:
    turns = (
        turn(1, Author.CUSTOMER, "Printer shows PRN-21"),
        turn(2, Author.BOT, "..."),
        turn(3, Author.CUSTOMER, "在酒店连接 VPN 报错 809", lang="zh"),
        turn(4, Author.STAFF, "稍等"),
        turn(5, Author.CUSTOMER, "Still not working", payload={"action": "not_helped"}),
    )
    found = suggest(running.searcher, turns, 600, running.fit)
    assert found.answer is not None
    assert found.answer.lang == "zh"
    assert found.answer.citations[0].source == "zh/vpn.md"


def test_a_follow_up_is_read_with_what_it_follows(running: Services) -> None:
    turns = (
        turn(1, Author.CUSTOMER, "How do I order a new laptop?"),
        turn(2, Author.CUSTOMER, "and how long does that take?"),
    )
    found = suggest(running.searcher, turns, 600, running.fit)
    assert found.answer is not None
    assert found.answer.citations[0].source == "en/laptop.md"


def test_a_bare_wish_for_a_person_is_no_question_the_one_before_it_is(running: Services) -> None:
    asked = turn(1, Author.CUSTOMER, "What does the printer code PRN-21 mean?")
    found = suggest(
        running.searcher, (asked, turn(2, Author.BOT, "..."), turn(3, Author.CUSTOMER, "转人工")), 600, running.fit
    )
    assert found.answer is not None
    assert found.answer.lang == "en"
    assert "PRN-21" in found.answer.text
    assert suggest(running.searcher, (turn(1, Author.CUSTOMER, "我要转人工"),), 600, running.fit).answer is None


def test_without_a_question_there_is_no_draft(running: Services) -> None:
    for turns in ((), (turn(1, Author.STAFF, "hello"),), (turn(1, Author.CUSTOMER, "  "),)):
        found = suggest(running.searcher, turns, 600, running.fit)
        assert (found.answer, found.confidence, found.passages) == (None, 0.0, ())


def test_a_model_that_is_down_leaves_a_quotation(running: Services) -> None:
    class Down:
        name = "down/1"

        def write(self, request: Request, on_text: OnText | None = None) -> Answer | None:
            raise ModelUnavailable("down")

    found = suggest(running.searcher, (turn(1, Author.CUSTOMER, "Printer shows PRN-21"),), 600, running.fit, Down())
    assert found.answer is not None
    assert found.answer.writer == "quoting/2"
