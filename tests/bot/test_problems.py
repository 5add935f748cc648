"""Several problems in one message: each is found with its words, and one problem told at length stays one."""

from __future__ import annotations

import pytest

from bot.problems import MOST, problems


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("1. The printer on floor 2 jams all the time. 2. I also need a second monitor.", ["printer", "screen"]),
        ("Hi,\n\n1. VPN drops every ten minutes.\n2. My invoice for May is wrong.\n\nThanks, Bob", ["vpn", "invoice"]),
        ("My laptop is slow. Also, the mouse is dead.", ["computer", "mouse_keyboard"]),
        ("打印机又卡纸了。另外我的密码忘了，怎么重置？", ["printer", "password"]),
        ("一、VPN 掉线；二、发票抬头错了，请重开", ["vpn", "invoice"]),
    ],
)
def test_each_problem_is_found_in_its_order(text: str, things: list[str]) -> None:
    found = problems(text)
    assert [one.thing for one in found] == things
    assert all(one.text in " ".join(text.split()) for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The ERP is down. Nobody in finance can work. The printers work fine.",
        "VPN 连不上，报错 809。重启电脑以后还是连不上，换了网络也不行。",
        "我的鼠标坏了，还有多久能送新的？",
        "Also the Wi-Fi is slow",
        "1. Restart the printer\n2. Restart the printer again\nI did both and it still jams.",
        "电梯停了\n有人在里面\n快来",
    ],
)
def test_one_problem_stays_one(text: str) -> None:
    assert problems(text) == ()


def test_a_sentence_that_adds_nothing_new_belongs_to_the_one_before() -> None:
    found = problems(
        "The VPN is down for me.\nAlso, the VPN was slow yesterday.\nAlso my invoice is wrong.\nIt says 40 instead of 4."
    )
    assert [one.thing for one in found] == ["vpn", "invoice"]
    assert found[1].text.endswith("It says 40 instead of 4.")


def test_a_list_without_end_is_cut() -> None:
    things = ["printer", "VPN", "invoice", "mouse", "headset", "scanner", "Wi-Fi", "database", "password"]
    assert len(problems("\n".join(f"{n}. The {thing} is broken" for n, thing in enumerate(things, start=1)))) == MOST
