"""The thinking: what is looked up and what is not, what happens when a writer has nothing, and which turns belong together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from base.errors import ModelUnavailable
from bot.models import Answer, OutcomeKind
from bot.think import Thinker, current_matter
from bot.writer import AnswerWriter, OnText, Request
from desk.models import Author, ConversationState, Urgency
from kb.embed import CentredEmbedder
from kb.encoder import TextKind
from tests.bot.conftest import Chat
from tests.bot.made import NOW, turn
from web.wiring import Services

VPN = "VPN error 809 when connecting from a hotel"


class ScriptedWriter:
    """A writer that gives what it is told, and notes what it was asked."""

    name = "scripted/1"

    def __init__(self, gives: Answer | Exception | None) -> None:
        self._gives = gives
        self.asked: list[Request] = []

    def write(self, request: Request, on_text: OnText | None = None) -> Answer | None:
        self.asked.append(request)
        if isinstance(self._gives, Exception):
            raise self._gives
        return self._gives


@pytest.fixture
def with_writer(running: Services) -> Iterator[object]:
    """Lets the engine of the running installation use another writer."""
    kept = running.thinker._writer

    def use(writer: AnswerWriter) -> AnswerWriter:
        running.thinker._writer = writer
        return writer

    yield use
    running.thinker._writer = kept


@pytest.fixture
def asked(running: Services, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that were embedded, as they are."""
    embedder, found = running.embedder, list[str]()
    assert isinstance(embedder, CentredEmbedder)
    real = embedder._begin
    assert real is not None
    embedder._remembered.cache_clear()

    def counting(text: str, kind: TextKind) -> object:
        found.append(text)
        return real(text, kind)

    monkeypatch.setattr(embedder, "_begin", counting)
    return found


@pytest.mark.parametrize(
    "question", [VPN, "在酒店连接 VPN 报错 809", "Printer shows PRN-21", "How do I order a new laptop?"]
)
def test_a_writer_that_abstains_never_leaves_the_customer_without_a_way_on(
    running: Services, with_writer: object, question: str
) -> None:
    with_writer(ScriptedWriter(None))  # type: ignore[operator]
    chat = Chat(running)
    outcome = chat.say(question)
    assert outcome.kind in (OutcomeKind.CLARIFY, OutcomeKind.OFFER, OutcomeKind.TICKET)
    assert outcome.text
    assert outcome.citations == ()
    assert outcome.ticket or chat.turns()[-1].payload["quick_replies"]


@pytest.mark.parametrize("fault", [ModelUnavailable("down"), RuntimeError("bug"), ValueError("x"), TimeoutError()])
def test_a_writer_that_fails_is_replaced_by_a_quotation(
    running: Services, with_writer: object, fault: Exception
) -> None:
    with_writer(ScriptedWriter(fault))  # type: ignore[operator]
    outcome = Chat(running).say(VPN)
    assert outcome.kind is OutcomeKind.ANSWER
    assert outcome.citations


def test_the_writer_sees_this_conversation_only_and_no_notes(running: Services, with_writer: object) -> None:
    writer = with_writer(ScriptedWriter(None))  # type: ignore[operator]
    other, chat = Chat(running), Chat(running)
    other.say("My secret is ZX-1")
    chat.say(VPN)
    chat.say("Printer shows PRN-21")
    assert writer.asked[-1].history[0] == ("customer", VPN)
    assert "ZX-1" not in str(writer.asked[-1].history)
    assert all(passage.audience == "public" for request in writer.asked for passage in request.passages)


def test_the_writer_is_not_asked_when_its_answer_could_not_be_given(running: Services, with_writer: object) -> None:
    writer = with_writer(ScriptedWriter(None))  # type: ignore[operator]
    chat = Chat(running)
    for text in ("hello", "谢谢", "", "talk to a human", VPN):  # the last one waits for the person
        chat.say(text)
    assert writer.asked == []


def test_a_turn_embeds_its_question_once_and_small_talk_nothing(running: Services, asked: list[str]) -> None:
    chat = Chat(running)
    chat.say("How do I order a new laptop, the blue one?")
    assert len(asked) == 1
    chat.say("and how long does that take?")
    assert len(asked) == 2
    assert asked[1].startswith("How do I order")
    for text, action in (("hi", ""), ("", "helped"), ("谢谢", "")):
        chat.say(text, action)
    assert len(asked) == 2


def test_each_question_of_a_message_is_answered_and_embedded_once(running: Services, asked: list[str]) -> None:
    chat = Chat(running)
    outcome = chat.say(
        "Hello,\n\nthe printer shows PRN-21, what does that mean?\n"
        "How do I order a new laptop?\nWhat is error 809 of the VPN in a hotel?\n"
        "Where can I buy a yellow submarine?\n\nThanks\nAnna"
    )
    assert outcome.kind is OutcomeKind.ANSWER
    assert len(asked) == 3, asked
    assert [citation.n for citation in outcome.citations] == list(range(1, len(outcome.citations) + 1))
    assert {citation.source for citation in outcome.citations} >= {"en/printer.md", "en/vpn.md"}
    assert "**1. " in outcome.text
    record = chat.turns()[-1].payload["record"]
    assert len(record["queries"]) == 3
    assert {candidate["query"] for candidate in record["candidates"]} == {0, 1, 2}


class ScriptedRewriter:
    """A rewriter that gives what it is told, and notes what it was asked."""

    def __init__(self, gives: str | None) -> None:
        self._gives = gives
        self.asked: list[str] = []

    def rewrite(self, text: str, turns: object) -> str | None:
        self.asked.append(text)
        return self._gives


@pytest.mark.parametrize(
    ("gives", "question", "how"),
    [
        (
            "How long does it take to order a new laptop?",
            "How long does it take to order a new laptop?",
            "model/rewrite.v1",
        ),
        (None, "How do I order a new laptop?\nand how long does that take?", "rule"),
    ],
)
def test_a_follow_up_is_worded_by_the_model_or_else_by_the_rule(
    running: Services, monkeypatch: pytest.MonkeyPatch, gives: str | None, question: str, how: str
) -> None:
    rewriter = ScriptedRewriter(gives)
    monkeypatch.setattr(running.thinker, "_rewriter", rewriter)
    chat = Chat(running)
    chat.say("How do I order a new laptop?")
    chat.say("and how long does that take?")
    assert rewriter.asked == ["and how long does that take?"]
    record = chat.turns()[-1].payload["record"]
    assert (record["question"], record["understood"]) == (question, how)


@pytest.mark.parametrize(
    ("first", "then", "lang"),
    [
        ("忘记密码怎么重置", "PRN-21", "zh"),
        ("忘记密码怎么重置", "VPN 809", "zh"),
        ("忘记密码怎么重置", "809", "zh"),
        ("How do I order a new laptop?", "PRN-21", "en"),
        ("忘记密码怎么重置", "how do I order a laptop", "en"),
        ("How do I order a new laptop?", "忘记密码怎么重置", "zh"),
    ],
)
def test_a_code_alone_is_answered_in_the_language_of_the_conversation(
    chat: Chat, first: str, then: str, lang: str
) -> None:
    chat.say(first)
    assert chat.say(then).lang == lang


def test_a_button_is_answered_in_the_language_of_the_conversation(chat: Chat) -> None:
    chat.say("在酒店连接 VPN 报错 809")
    assert chat.say("Still not working", "not_helped").lang == "zh"


@pytest.mark.parametrize(("locale", "lang"), [("zh", "zh"), ("en", "en"), ("zh-CN", "zh"), ("fr", "en"), ("", "en")])
def test_where_nothing_can_be_told_the_channels_hint_decides(chat: Chat, locale: str, lang: str) -> None:
    assert chat.say("809", locale=locale).lang == lang


@pytest.mark.parametrize(
    "name", ["Outlook", "Wi-Fi", "error 809", "0x80070005", "https://example.org/help", "Excel 2019"]
)
def test_a_name_alone_is_of_no_language(chat: Chat, name: str) -> None:
    assert (chat.say(name, locale="zh").lang, chat.say(name, locale="en").lang) == (
        "zh",
        "zh",
    )  # it has begun in Chinese
    assert Chat(chat.services).say(name, locale="en").lang == "en"


@pytest.mark.parametrize("text", ["Hello", "Printer broken", "No sound", "How to print"])
def test_words_of_a_language_decide_whatever_window_they_are_typed_into(chat: Chat, text: str) -> None:
    assert chat.say(text, locale="zh").lang == "en"


def test_turns_before_a_solution_belong_to_another_matter() -> None:
    turns = [
        turn(1, Author.CUSTOMER, "everything is down"),
        turn(2, Author.SYSTEM, "solved", payload={"event": "resolved"}),
        turn(3, Author.CUSTOMER, "how do I order a laptop"),
    ]
    assert [t.seq for t in current_matter(turns, NOW)] == [3]
    withdrawn = [turn(1, Author.CUSTOMER, "a"), turn(2, Author.NOTE, "w", payload={"event": "withdrawn"})]
    assert current_matter(withdrawn, NOW) == ()
    helped = [turn(1, Author.CUSTOMER, "a"), turn(2, Author.CUSTOMER, "helped", payload={"action": "helped"})]
    assert current_matter(helped, NOW) == ()
    assert [t.seq for t in current_matter(turns[:1], NOW + timedelta(hours=23))] == [1]
    assert current_matter(turns[:1], NOW + timedelta(hours=25)) == ()


def test_an_outage_of_yesterday_does_not_colour_todays_question(chat: Chat) -> None:
    chat.say("Production is down for the whole company, nobody can work")
    tomorrow = chat.services.clock.now() + timedelta(hours=30)
    thread = chat.message("How do I order a new laptop?", received_at=tomorrow)
    assert chat.services.engine.receive(thread).triage.urgency is not Urgency.URGENT


def test_what_was_said_minutes_ago_still_counts(chat: Chat) -> None:
    chat.say("The ERP does not open")
    assert (
        chat.say("it is the same for everybody in the whole company, nobody can work").triage.urgency is Urgency.URGENT
    )


def test_a_choice_is_searched_with_the_question_as_it_was_understood(chat: Chat) -> None:
    chat.say("How do I order a new laptop?")
    article = chat.turns()[-1].payload["citations"][0]["article_id"]
    outcome = chat.say("Ordering a new laptop", f"choose:{article}")
    assert outcome.kind is OutcomeKind.ANSWER
    assert chat.turns()[-1].payload["record"]["question"] == "How do I order a new laptop?"


def test_a_price_no_article_names_is_not_made_up_and_the_article_is_still_there_to_be_chosen(chat: Chat) -> None:
    asked = chat.say("How much does it cost when VPN error 809 comes up?")
    assert asked.kind is not OutcomeKind.ANSWER
    article = chat.turns()[-1].payload["record"]["candidates"][0]["article"]
    shown = chat.say("", f"choose:{article}")
    assert shown.kind is OutcomeKind.ANSWER
    assert [citation.article_id for citation in shown.citations] == [article]


def test_the_record_says_how_the_decision_came_about(chat: Chat) -> None:
    chat.say(VPN)
    record = chat.turns()[-1].payload["record"]
    assert record["outcome"] == "answer"
    assert record["policy"].startswith("policy/")
    assert record["writer"] == "quoting/2"
    assert record["candidates"][0]["version"] == 1
    assert set(record["milliseconds"]) >= {"embed", "triage", "search", "answer"}


def test_the_same_message_on_the_same_knowledge_decides_the_same(running: Services) -> None:
    texts = {Chat(running).say(VPN).text for _ in range(3)}
    assert len(texts) == 1


def test_a_message_is_triaged_alone_like_the_first_of_a_conversation(running: Services) -> None:
    thinker: Thinker = running.thinker
    alone = thinker.triage_alone("整个公司的网络都断了，所有人都没法工作")
    assert (alone.urgency, alone.lang) == (Urgency.URGENT, "zh")
    assert thinker.triage_alone("").urgency is Urgency.LOW


def test_a_closed_conversation_begins_again_with_the_bot(chat: Chat) -> None:
    from desk import conversations

    chat.say(VPN)
    with chat.services.database.begin() as session:
        conversations.change(session, chat.conversation(), chat.services.clock.now(), state=ConversationState.CLOSED)
    assert chat.say("Printer shows PRN-21").kind is OutcomeKind.ANSWER
    assert chat.conversation().state is ConversationState.BOT
