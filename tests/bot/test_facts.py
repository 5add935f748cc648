"""Facts and numerals: Chinese and English ways of writing the same thing are the same fact."""

from __future__ import annotations

import pytest

from bot.facts import Quantity, facts, squeezed, unit_of
from bot.numerals import plain_number, read_han, read_words


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("wait 15 minutes", "15", "minute"),
        ("等待十五分钟", "15", "minute"),
        ("15min", "15", "minute"),
        ("a 15-minute break", "15", "minute"),
        ("fifteen minutes", "15", "minute"),
        ("３０％", "30", "%"),
        ("百分之三十", "30", "%"),
        ("30 percent", "30", "%"),
        ("CNY 1,000", "1000", "CNY"),
        ("1000元", "1000", "CNY"),
        ("¥1000.00", "1000", "CNY"),
        ("一千元", "1000", "CNY"),
        ("5 万元", "50000", "CNY"),
        ("两个小时", "2", "hour"),
        ("2h", "2", "hour"),
        ("an hour", "1", "hour"),
        ("三个工作日", "3", "working_day"),
        ("3 business days", "3", "working_day"),
        ("twenty-five users", "25", "person"),
        ("twice", "2", "time"),
        ("两次", "2", "time"),
        ("50GB", "50", "gb"),
        ("1.50 GB", "1.5", "gb"),
        ("version 7.10", "7.10", ""),
        ("port 021", "021", ""),
    ],
)
def test_a_quantity_is_read_however_it_is_written(text: str, value: str, unit: str) -> None:
    assert {(q.value, q.unit) for q in facts(text).quantities} == {(value, unit)}


@pytest.mark.parametrize("text", ["12:30", "12：30", "12:30 pm", "下午12:30", "12点半", "中午12点30分"])
def test_half_past_twelve_is_one_moment(text: str) -> None:
    assert facts(text).times == {750}


@pytest.mark.parametrize("text", ["2026-11-21", "2026/11/21", "2026年11月21日", "21 November 2026", "Nov 21st, 2026"])
def test_a_date_is_one_date(text: str) -> None:
    assert facts(text).dates == {(2026, 11, 21)}
    assert facts(text).quantities == set()


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("at most 5 users", "most"), ("no more than 5 users", "most"), ("不超过 5 人", "most"), ("5 人以内", "most"),
        ("at least 5 users", "least"), ("5 users or more", "least"), ("至少 5 人", "least"), ("5 人以上", "least"),
        ("5 users", ""),
    ],
)  # fmt: skip
def test_a_bound_goes_with_its_number(text: str, bound: str) -> None:
    assert facts(text).quantities == {Quantity("5", "person", bound)}


def test_codes_addresses_and_phone_numbers_are_no_bare_numbers() -> None:
    found = facts("PRN-21, 0x80070005, HS2, 10.0.0.1, 400-820-8820, https://a.example/x?y=1. and me@a.example; 24x7")
    assert found.quantities == set()
    assert found.codes == {"prn21", "0x80070005", "hs2", "10.0.0.1", "4008208820", "24/7"}
    assert found.addresses == {"a.example/x?y=1", "me@a.example"}


def test_words_that_only_look_like_numbers_are_none() -> None:
    for text in ("一下就好，一起看看，统一处理", "no one knows this one", "十分抱歉", "三方", "第一次来一个电话"):
        assert facts(text).quantities == set()


def test_weekdays_and_fractions_are_facts() -> None:
    assert facts("Monday to Fri").weekdays == facts("周一至星期五").weekdays == {1, 5}
    assert facts("a third").fractions == facts("三分之一").fractions == {(1, 3)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("十", 10), ("十五", 15), ("二十", 20), ("两百零三", 203), ("三万", 30000), ("一千二百", 1200), ("二〇二六", 2026),
    ],
)  # fmt: skip
def test_chinese_numerals_are_read(text: str, value: int) -> None:
    assert read_han(text) == value


def test_english_numerals_are_read() -> None:
    assert [read_words(word) for word in ("seven", "fourteen", "ninety nine", "forty-two")] == [7, 14, 99, 42]


def test_numbers_are_compared_as_text() -> None:
    assert [plain_number("1,000"), plain_number("2.50"), plain_number("2.50", exact=True), plain_number("1.5", "万")] == [
        "1000", "2.5", "2.50", "15000",
    ]  # fmt: skip


def test_units_have_one_name_in_both_languages() -> None:
    assert unit_of("个工作日") == unit_of("working days") == "working_day"
    assert unit_of("bananas") == ""
    assert squeezed("**PRN-21** ") == "prn21"
