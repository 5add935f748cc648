"""What is left of a message when it is looked up."""

from __future__ import annotations

import pytest

from bot.queries import MOST, essence, queries

MAIL = """Dear IT team,

I hope you are well. My name is Anna from accounting.

Since yesterday Outlook shows error 0x80040115 when I open a shared mailbox. I restarted twice.
Could you please help?

Kind regards,
Anna Smith
Tel 021-5555 0100

On Monday, 16 November, IT wrote:
> Your old ticket about the printer PRN-21 is closed.
"""
MAIL_ZH = """您好，

我是财务部的小李，打扰了。

1. ERP 过账时提示 FIN-310，怎么处理？
2. 打印机一直显示 PRN-41，怎么办？
3. 新手机怎么绑定验证器？

谢谢！
李雷
"""


def test_of_an_e_mail_the_problem_stays() -> None:
    (query,) = queries(MAIL)
    assert "0x80040115" in query
    for left_out in ("Dear", "hope", "Anna", "regards", "021", "PRN-21", "help"):
        assert left_out not in query


def test_each_question_of_an_e_mail_is_looked_up() -> None:
    found = queries(MAIL_ZH)
    assert [next(word for word in ("FIN-310", "PRN-41", "验证器") if word in query) for query in found] == [
        "FIN-310", "PRN-41", "验证器",
    ]  # fmt: skip
    assert not any("财务部" in query or "谢谢" in query for query in found)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("How do I reset my password? And where can I find the wifi code for guests?", 2),
        ("打印机卡纸怎么办？另外，共享邮箱怎么申请？", 2),
        ("What does PRN-21 mean, and what should I do?", 1),
        ("Why does Outlook ask for my password again and again? How do I stop it?", 1),
        ("申请笔记本要多久？谁审批？", 1),
        ("My printer is broken. What can I do?", 1),
        ("我的电脑特别慢，怎么办？", 1),
    ],
)
def test_a_message_is_split_only_where_each_part_has_a_subject(text: str, count: int) -> None:
    assert len(queries(text)) == count


@pytest.mark.parametrize(
    "text", ["VPN error 809", "打印机提示 PRN-21 是什么意思？", "Hi, how do I order a laptop?", ""]
)
def test_a_plain_question_is_taken_as_it_is(text: str) -> None:
    assert queries(text) == (text,)


@pytest.mark.parametrize("text", ["Hi\n\nthanks", "Kind regards\nAnna", "> only\n> history", "--\nsignature"])
def test_a_message_of_which_nothing_would_be_left_is_given_back(text: str) -> None:
    assert essence(text).strip()
    assert queries(text)[0].strip()


def test_error_texts_survive_a_very_long_message() -> None:
    chatter = "The weather here has been rather nice and everybody enjoys the long evenings outside in the park. " * 30
    text = f"{chatter}\nOutlook says “Cannot open the default folders” and error 0x8004010F.\n{chatter}"
    (query,) = queries(text)
    assert "0x8004010F" in query
    assert len(query) < 2500


def test_the_number_of_questions_is_limited() -> None:
    things = ("printer driver", "VPN client", "guest wifi", "shared mailbox", "colour quota")
    text = "\n".join(f"How do I get the {thing}?" for thing in things)
    assert len(queries(text)) == MOST
