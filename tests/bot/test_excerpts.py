"""Which stretches of an article answer: the row of a code, each part of a question, the steps that are named."""

from __future__ import annotations

import pytest

from bot.excerpts import excerpts, without_conflict
from bot.models import Answer
from bot.writer import QuotingWriter, merge
from kb.models import Passage
from tests.bot.made import passage, request

CODES = """The code is on the display.

| Code | Meaning | What to do |
|---|---|---|
| PRN-11 | Badge not known | Link your badge |
| PRN-21 | No print server | Use another device |
| PRN-41 | Paper jam | Follow the animation |
| PRN-51 | Toner empty | Report it |
| PRN-61 | Scan too large | Lower the resolution |"""
RESTART = "## When to restart the device\n\nOnly for PRN-21, and only once: hold the power key for 5 seconds."
ROWS = passage(CODES, title="Printer codes", n=1)
AGAIN = passage(RESTART, title="Printer codes", n=1, chunk_id=2, start=900)
LAPTOP = [
    passage("Order in the shop. Your line manager has to approve every order.", title="Order a laptop", n=5),
    passage(
        "## Models\n\n| Model | Price | Delivery |\n|---|---|---|\n| Small | CNY 8,600 | 5 working days |", n=5,
        title="Order a laptop", chunk_id=6, start=300,
    ),
    passage("## Return\n\nGive the old one back within 14 days.", title="Order a laptop", n=5, chunk_id=7, start=600),
]  # fmt: skip


def said(question: str, passages: list[Passage], lang: str = "en") -> Answer:
    answer = QuotingWriter().write(request(*passages, question=question, lang=lang, article=tuple(passages)))
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    "question", ["The printer says PRN-21, what does that mean?", "打印机提示 PRN-21 是什么意思？"]
)
def test_a_code_is_answered_by_its_row_with_the_tables_head(question: str) -> None:
    found = excerpts(question, [AGAIN, ROWS], [ROWS, AGAIN], 600)
    assert found[0].quote.text.splitlines() == [
        "| Code | Meaning | What to do |", "|---|---|---|", "| PRN-21 | No print server | Use another device |",
    ]  # fmt: skip
    assert found[0].quote.cited in ROWS.text


def test_a_word_besides_the_code_brings_the_section_that_names_it() -> None:
    answer = said("PRN-21: should I restart the device?", [AGAIN, ROWS])
    assert "No print server" in answer.text
    assert "hold the power key" in answer.text
    assert [citation.n for citation in answer.citations] == [1, 2]
    assert all(f"[{citation.n}]" in answer.text for citation in answer.citations)


@pytest.mark.parametrize("question", ["Printer error 99", "The display shows XYZ-77", "打印机报错 99"])
def test_a_code_that_nobody_knows_is_not_answered_with_another(question: str) -> None:
    assert excerpts(question, [ROWS, AGAIN], [ROWS, AGAIN], 600) == []


@pytest.mark.parametrize(
    ("question", "lang"),
    [("How long does a new laptop take and who approves it?", "en"), ("申请笔记本要多久？谁审批？", "zh")],
)
def test_a_question_of_parts_is_answered_part_by_part(question: str, lang: str) -> None:
    answer = said(question, LAPTOP, lang)
    assert answer.text.index("5 working days") < answer.text.index("line manager")
    assert [citation.n for citation in answer.citations] == [1, 2]
    assert "Order a laptop" in answer.text.split("\n\n")[0]


def test_what_is_asked_for_decides_the_section() -> None:
    assert "8,600" in said("How much does a laptop cost?", LAPTOP).text


@pytest.mark.parametrize(
    "question",
    ["How much does it cost to give the old one back?", "还旧电脑要交钱吗，多少钱？", "What is the price of a return?"],
)
def test_a_price_that_no_part_of_the_article_names_is_not_answered_with_something_else(question: str) -> None:
    """The right article without the fact is the most convincing of wrong answers."""
    without_prices = [LAPTOP[0], LAPTOP[2]]
    assert excerpts(question, without_prices, without_prices, 600) == []
    assert "8,600" in excerpts(question, LAPTOP, LAPTOP, 600)[0].quote.text


def test_a_question_that_also_asks_how_is_answered_as_far_as_the_article_goes() -> None:
    without_prices = [LAPTOP[0], LAPTOP[2]]
    assert excerpts("How do I order a laptop, and what does it cost?", without_prices, without_prices, 600)


def test_a_word_that_is_only_the_topic_asks_for_nothing() -> None:
    stuck = passage("Open the request and see who it waits for.", title="An approval is stuck")
    rule = passage("## Rule\n\nYour manager has to approve.", title="An approval is stuck", chunk_id=9, start=90)
    assert "see who it waits for" in said("my approval is stuck", [stuck, rule]).text


def test_the_opening_brings_the_steps_it_calls_by_name() -> None:
    opening = passage(
        "最省事的办法是开通在线归档。\n\n## 到多少会怎样\n\n| 大小 | 后果 |\n|---|---|\n| 50 GB | 退信 |",
        title="邮箱满了",
        lang="zh",
    )
    steps = passage("## 开通在线归档\n\n1. 打开门户。\n2. 点开通。", title="邮箱满了", lang="zh", chunk_id=8, start=80)
    answer = said("邮箱满了，怎么扩容？", [opening, steps], "zh")
    assert "点开通" in answer.text
    assert "退信" not in answer.text


def test_of_a_list_of_notes_only_those_that_answer_are_read() -> None:
    notes = (
        "- Mail marked urgent is treated as normal.\n- You can object by phone.\n- A clicked link: call 8911 at once."
    )
    assert said("I clicked on a strange link in an e-mail!", [passage(notes)]).text.count("\n- ") == 1


def test_an_article_about_one_user_does_not_answer_for_many() -> None:
    one = passage("Reset the profile.", title="Outlook fails for one user", n=1)
    many = passage("Restart the service.", title="Outlook fails for several users", n=2)
    assert without_conflict("Outlook fails for multiple users", [one, many])[0] is many
    assert without_conflict("Outlook fails for multiple users", [one]) == ()
    assert without_conflict("Outlook fails", [one, many])[0] is one


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("Applies to: Exchange Online, Exchange 2019", "Exchange Online, Exchange 2019"),
        ("适用于：HS Connect 5.2", "HS Connect 5.2"),
    ],
)
def test_what_an_article_applies_to_is_said(head: str, words: str) -> None:
    answer = said("restart", [passage(f"{head}\n\nRestart the service.")])
    assert words in answer.text
    assert answer.text.count(words) == 1


def test_several_answers_become_one_reply_with_one_row_of_numbers() -> None:
    parts = [("First?", said("restart PRN-21", [AGAIN, ROWS])), ("Nothing?", None), ("Last?", said("cost", LAPTOP))]
    answer = merge(parts, "en")
    assert answer is not None
    assert [citation.n for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    assert all(f"[{citation.n}]" in answer.text for citation in answer.citations)
    assert "**2. Nothing?**" in answer.text
    assert merge([("a", None), ("b", None)], "en") is None
