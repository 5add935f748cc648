"""What a message is about: the things it names, the one that is broken first, and the sub-category."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import bot.topics
from bot.topics import subcategory, subcategory_name, thing_name, topics
from bot.triage_evidence import extract
from desk.models import Category

FILE = Path(bot.topics.__file__).with_name("topics.toml")


def things(text: str) -> list[str]:
    return [thing.key for thing in topics(extract(text)).things]


def sub(text: str, category: Category) -> str:
    return subcategory(category, topics(extract(text)))


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("I can't get into the VPN since this morning", "vpn"),
        ("VPN 连不上，一直转圈", "vpn"),
        ("The label printers stopped, nothing can be shipped", "label_printer"),
        ("标签打印机打不出来", "label_printer"),
        ("My laptop shows a blue screen", "operating_system"),
        ("发票抬头开错了", "invoice"),
        ("整个仓库的扫码枪都连不上", "scanner"),
        ("the till in shop 4 is frozen", "till"),
    ],
)
def test_a_message_names_what_is_broken(text: str, thing: str) -> None:
    assert thing in things(text)


def test_what_is_broken_comes_before_what_is_only_mentioned() -> None:
    assert things("I ordered a new keyboard last week by e-mail. Today the VPN is down.")[0] == "vpn"


def test_each_thing_is_named_once_with_the_words_of_the_message() -> None:
    found = topics(extract("Printer jam. The printer on floor 3 is jammed, that printer again!"))
    printers = [thing for thing in found.things if thing.key == "printer"]
    assert len(printers) == 1
    assert "rinter" in printers[0].quote.lower() or "jam" in printers[0].quote.lower()


def test_a_longer_name_hides_the_shorter_one_inside_it() -> None:
    assert "printer" not in things("the label printer is offline")


@pytest.mark.parametrize("text", ["", "ok", "谢谢", "👍", "?" * 3000])
def test_a_message_about_nothing_names_nothing(text: str) -> None:
    assert things(text) == []
    assert sub(text, Category.HARDWARE) == ""


@pytest.mark.parametrize(
    ("text", "category", "key"),
    [
        ("I forgot my password", Category.ACCOUNT, "password"),
        ("账号被锁了，登不上", Category.ACCOUNT, "locked"),
        ("Wi-Fi is weak in room 12", Category.NETWORK, "wifi"),
        ("我被重复扣款了两次", Category.BILLING, "charge"),
        ("Someone deleted our shared folder", Category.DATA, "loss"),
        ("收到一封可疑邮件，没有点", Category.SECURITY, "phishing"),
        ("The app crashes when I save", Category.SOFTWARE, "error"),
        ("报表打开特别慢", Category.SOFTWARE, "slow"),
        ("请给我装一个 Visio", Category.SERVICE_REQUEST, "install"),
    ],
)
def test_the_sub_category_is_told_within_its_category(text: str, category: Category, key: str) -> None:
    assert sub(text, category) == key


def test_everything_has_a_name_in_both_languages() -> None:
    with FILE.open("rb") as source:
        known = tomllib.load(source)
    for key in known["object"].keys() - {"mask"}:
        assert thing_name(key, "en") and thing_name(key, "zh") != thing_name(key, "en").lower(), key
    for category in Category:
        for key in known["sub"][category]:
            assert subcategory_name(category, key, "en") and subcategory_name(category, key, "zh"), key


def test_the_tables_name_only_what_there_is() -> None:
    with FILE.open("rb") as source:
        known = tomllib.load(source)
    keys = known["object"].keys() - {"mask"}
    assert known["object_names"].keys() == keys
    for category, owners in known["sub_objects"].items():
        assert owners.keys() <= known["sub"][category].keys(), category
        assert {key for listed in owners.values() for key in listed} <= keys, category
    for category, owners in known["sub_evidence"].items():
        assert owners.keys() <= known["sub"][category].keys(), category


def test_what_the_vocabulary_no_longer_knows_is_shown_as_its_key() -> None:
    assert (thing_name("gone", "zh"), subcategory_name("network", "gone", "en")) == ("gone", "")
