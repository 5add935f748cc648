"""Follow-ups as people write them: joined, exchanged, or left alone, in both languages."""

from __future__ import annotations

import pytest

from bot.question import leans_on_earlier, stand_alone
from desk.models import Author
from tests.bot.made import turn


def understood(earlier: str, text: str) -> str:
    return stand_alone(text, [turn(1, Author.CUSTOMER, earlier)])[0]


@pytest.mark.parametrize(
    ("earlier", "text", "question"),
    [
        ("How do I set up the VPN on Windows?", "And on a Mac?", "How do I set up the VPN on Mac?"),
        ("How do I set up the VPN on Windows?", "what about Linux?", "How do I set up the VPN on Linux?"),
        ("How do I read mail on my phone?", "and on a tablet?", "How do I read mail on my tablet?"),
        ("How do I open files at home?", "And abroad?", "How do I open files abroad?"),
        ("Windows 上怎么装打印机驱动？", "那Mac上呢？", "Mac 上怎么装打印机驱动？"),
        ("公司电脑怎么连 VPN", "那家里的电脑呢", "家里电脑怎么连 VPN"),
        ("在酒店怎么上网", "那在国外呢", "在国外怎么上网"),
    ],
)
def test_a_word_of_the_same_class_takes_the_others_place(earlier: str, text: str, question: str) -> None:
    assert understood(earlier, text) == question


@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        ("How do I set up the VPN?", "and if that fails?"),
        ("How do I set up the VPN?", "and how long does that take?"),
        ("How do I order a laptop?", "how long does it take?"),
        ("How do I order a laptop?", "who approves?"),
        ("How do I order a laptop?", "And on a Mac with an M1 chip?"),
        ("How do I set up the VPN?", "what about Linux?"),
        ("怎么连 VPN", "还是不行"),
        ("怎么连 VPN", "那如果没有权限呢？"),
        ("怎么连 VPN", "可以用安卓吗"),
        ("怎么连 VPN", "手机上怎么弄"),
        ("怎么申请共享邮箱", "要多久？"),
        ("怎么申请共享邮箱", "谁审批"),
        ("怎么申请共享邮箱", "那多久能好"),
    ],
)
def test_what_names_nothing_is_joined_with_the_question_before(earlier: str, text: str) -> None:
    assert understood(earlier, text) == f"{earlier}\n{text}"


@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        ("How do I set up the VPN?", "and how do I order a new laptop?"),
        ("How do I set up the VPN?", "Also, where can I find my payslip?"),
        ("How do I set up the VPN?", "printer"),
        ("怎么申请共享邮箱", "那打印机卡纸怎么办"),
        ("怎么申请共享邮箱", "那我的工资单在哪里看"),
        ("怎么申请共享邮箱", "打印机"),
        ("怎么申请共享邮箱", "VPN 连不上"),
    ],
)
def test_what_names_its_own_subject_is_a_new_topic(earlier: str, text: str) -> None:
    assert understood(earlier, text) == text


@pytest.mark.parametrize(
    "text", ["VPN 连不上", "How do I reset my password?", "打印机", "wifi", "发票怎么开", "PRN-21"]
)
def test_a_first_question_never_reads_like_a_follow_up(text: str) -> None:
    assert not leans_on_earlier(text)


def test_a_mac_address_is_no_mac() -> None:
    asked = "How do I find the IP address on Windows?"
    assert understood(asked, "and the MAC address?") == f"{asked}\nand the MAC address?"
