"""Typed replies that stand for a button, in both languages; everything else stays a message of its own."""

from __future__ import annotations

from typing import Any

import pytest

from bot.pressed import DECLINED, meant
from desk.models import Author, Turn
from tests.bot.made import turn

BUTTONS = [
    {"label": "VPN error 809", "action": "choose:a1"},
    {"label": "打印机缺纸", "action": "choose:a2"},
    {"label": "None of these", "action": "not_helped"},
]


def after(outcome: str, **payload: Any) -> list[Turn]:
    asked = turn(1, Author.CUSTOMER, "My VPN is broken")
    return [asked, turn(2, Author.BOT, "...", payload={"outcome": outcome, **payload})]


@pytest.mark.parametrize(
    "text",
    [
        "yes", "Yes please!", "ok", "Sure, thanks", "please do", "go ahead",
        "好的", "好", "可以的", "需要", "要", "嗯嗯", "麻烦了", "转吧", "好的，谢谢",
    ],
)  # fmt: skip
def test_yes_to_the_offer_of_a_person_asks_for_one(text: str) -> None:
    assert meant(text, after("offer")) == "human"
    assert meant(text, after("answer")) == ""


@pytest.mark.parametrize(
    "text", ["no", "No thanks.", "not now", "never mind", "不用了", "不用，谢谢", "算了", "不需要"]
)
def test_no_to_the_offer_declines_it(text: str) -> None:
    assert meant(text, after("offer")) == DECLINED


@pytest.mark.parametrize(
    "text",
    [
        "still not working", "It doesn't work", "that didn't help", "That did not help at all!", "not working", "no luck",
        "I tried that already", "already tried it", "this is useless", "same error again", "not what I asked", "still nothing",
        "还是不行", "不行", "没用啊", "没解决", "试过了，还是不行", "我都试过了", "还是报错", "还是连不上", "答非所问",
        "不是这个", "但还是不行",
    ],
)  # fmt: skip
def test_an_answer_that_did_not_help_can_be_told_in_words(text: str) -> None:
    assert meant(text, after("answer")) == "not_helped"
    assert meant(text, after("ticket", citations=[{"n": 1}])) == "not_helped"  # first aid that did not help


@pytest.mark.parametrize(
    "text",
    [
        "that worked", "It works now, thanks!", "solved", "problem solved", "Great, that fixed it",
        "解决了", "好了，谢谢", "搞定", "可以了", "已经恢复了",
    ],
)  # fmt: skip
def test_an_answer_that_helped_can_be_told_in_words(text: str) -> None:
    assert meant(text, after("answer")) == "helped"


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("1", "choose:a1"), ("the first one", "choose:a1"), ("第一个", "choose:a1"), ("2.", "choose:a2"), ("second", "choose:a2"),
        ("第二个", "choose:a2"), ("VPN error 809", "choose:a1"), ("打印机缺纸", "choose:a2"), ("none of these", "not_helped"),
        ("都不是", "not_helped"), ("neither", "not_helped"), ("3", ""), ("my printer", ""),
    ],
)  # fmt: skip
def test_a_choice_can_be_made_in_words(text: str, action: str) -> None:
    assert meant(text, after("clarify", quick_replies=BUTTONS)) == action


@pytest.mark.parametrize(
    "text",
    [
        "", "What if it still does not work?", "还是不行怎么办？", "it does not work on my Mac either, what now",
        "如果还是不行呢",
        "My printer is not working", "yes but first tell me how much a laptop costs", "打印机不行", "x" * 500,
    ],
)  # fmt: skip
def test_a_message_with_something_of_its_own_stays_one(text: str) -> None:
    for outcome in ("answer", "offer", "clarify"):
        assert meant(text, after(outcome)) == ""


def test_only_the_last_message_of_the_bot_can_be_answered_like_this() -> None:
    assert meant("yes", ()) == ""
    assert meant("yes", [*after("offer"), turn(3, Author.STAFF, "Hello, Ada here")]) == ""
    assert meant("yes", [*after("offer"), turn(3, Author.NOTE, "hm")]) == "human"
    assert meant("不行", after("greeting")) == ""


LABELS = [
    "Printer error codes (PRN-11 to PRN-62): what they mean and what to do", "打印机卡纸 (in Chinese)",
    "Why does Outlook ask again?（英文）", "HS Connect 3.2",
]  # fmt: skip


@pytest.mark.parametrize(("place", "typed"), [
    (0, LABELS[0]), (1, LABELS[1]), (1, "打印机卡纸"), (1, "打印机卡纸（in Chinese）"), (2, LABELS[2]),
    (2, "why does Outlook ask again?"), (3, "HS Connect 3.2"), (3, "hs connect 3.2。"),
])  # fmt: skip
def test_a_label_is_understood_as_it_stands_and_without_its_language(place: int, typed: str) -> None:
    buttons = [{"label": label, "action": f"choose:a{n}"} for n, label in enumerate(LABELS)]
    assert meant(typed, after("clarify", quick_replies=buttons)) == f"choose:a{place}"
