"""Whether a passage holds what is asked: kinds, names, constraints and words, in both languages."""

from __future__ import annotations

import pytest

from bot.support import SUPPORT_FEATURES, about_code_first, asked, best_held_first, support
from bot.support_words import Wanted
from tests.bot.made import passage


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("when does the office open", Wanted.WHEN),
        ("这个月什么时候关账", Wanted.WHEN),
        ("how long does a repair take", Wanted.DURATION),
        ("修一台电脑要多久", Wanted.DURATION),
        ("what does a new screen cost", Wanted.MONEY),
        ("换一块屏多少钱", Wanted.MONEY),
        ("how many pages may I print", Wanted.COUNT),
        ("who approves this", Wanted.WHO),
        ("这个找谁批", Wanted.WHO),
        ("where do I find the menu", Wanted.WHERE),
        ("在哪里下载", Wanted.WHERE),
        ("how do I reset my password", Wanted.STEPS),
        ("怎么重置密码", Wanted.STEPS),
        ("为什么同步不了", Wanted.WHY),
        ("PRN-21 是什么意思", Wanted.MEANING),
        ("can I install it at home", Wanted.ALLOWED),
        ("家里能不能装", Wanted.ALLOWED),
    ],
)
def test_a_question_tells_what_it_wants(question: str, kind: Wanted) -> None:
    assert kind in asked(question).wanted


def test_a_passage_without_an_amount_does_not_hold_a_price() -> None:
    priced = support("what does a dock cost", "en", [passage("A dock costs CNY 900.")])
    silent = support("what does a dock cost", "en", [passage("A dock has three ports.")])
    assert (priced["kind_missing"], silent["kind_missing"]) == (0.0, 1.0)


def test_another_platform_than_the_asked_one_is_a_conflict() -> None:
    windows = passage("On Windows, open Settings and add the printer.")
    assert support("add the printer on my macbook", "en", [windows])["conflict"] == 1.0
    assert support("add the printer on Windows", "en", [windows])["conflict"] == 0.0


def test_a_place_is_the_same_in_both_languages() -> None:
    shanghai = passage("The Shanghai office closes at 18:00.")
    assert support("上海办公室几点关门", "zh", [shanghai])["constraint_met"] == 1.0
    assert support("新加坡办公室几点关门", "zh", [shanghai])["conflict"] == 1.0


def test_words_count_more_when_they_stand_together() -> None:
    together = passage("The toner is low. " + "Nothing else to say here. " * 40)
    apart = passage("The toner. " + "Nothing else to say here. " * 40 + " It is low.")
    question = "toner low"
    near, far = (support(question, "en", [one]) for one in (together, apart))
    assert near["chunk"] == far["chunk"] == 1.0
    assert near["window"] > far["window"]
    assert far["scattered"] > near["scattered"] == 0.0


def test_chinese_words_are_found_without_a_dictionary() -> None:
    held = support(
        "忘记密码怎么重置", "zh", [passage("重置密码：打开门户，忘记密码请点“重置”。", lang="zh", title="密码")]
    )
    assert held["window"] > 0.6


@pytest.mark.parametrize("spelling", ["WiFi", "Wi-Fi", "Wi Fi", "wifi"])
def test_a_word_spelt_in_two_ways_is_the_same_word(spelling: str) -> None:
    guests = passage("访客领一张上网券，连接访客 Wi-Fi。", lang="zh", title="访客 Wi-Fi")
    held = support(f"客人怎么连访客 {spelling}？", "zh", [guests])
    assert (held["name_near"], held["name_missing"]) == (1.0, 0.0)


def test_an_error_code_is_held_as_a_whole_or_not() -> None:
    printer = passage("PRN-21 means that the tray is empty.")
    assert support("printer shows PRN-21", "en", [printer])["code_missing"] == 0.0
    assert support("printer shows PRN-97", "en", [printer])["code_missing"] == 1.0


def test_the_words_of_a_foreign_passage_say_nothing_but_its_names_do() -> None:
    held = support("OneDrive 同步不了", "zh", [passage("OneDrive cannot sync.", title="OneDrive")])
    assert held["window"] == held["chunk"] == 0.0
    assert held["name_near"] == 1.0


def test_every_figure_is_between_nought_and_one() -> None:
    for question in ("", "?", "the", "PRN-21", "怎么", "e-mail e-mail a.b.c " * 30):
        for passages in ([], [passage("")], [passage("the PRN-21 e-mail 怎么 a.b.c")]):
            held = support(question, "en", passages)
            assert tuple(held) == SUPPORT_FEATURES
            assert all(0.0 <= value <= 1.0 for value in held.values()), held


def test_of_passages_handed_over_the_one_that_holds_the_words_comes_first() -> None:
    about, other = passage("Toner is in the cupboard.", n=2), passage("Paper is in the drawer.", n=1)
    assert best_held_first("where is the toner", "en", [other, about])[0] is about


def test_a_code_with_a_row_of_its_own_is_held_and_a_version_in_a_table_is_not() -> None:
    table = passage("| Code | Meaning |\n|---|---|\n| PRN-41 | Paper jam |\n| v6.1.0 | Old |")
    assert support("Printer shows PRN-41", "en", [table])["code_named"] == 1.0
    assert support("Printer shows PRN-99", "en", [table])["code_named"] == 0.0
    assert support("How do I use v6.1.0?", "en", [table])["code_named"] == 0.0


def test_a_question_that_is_a_title_is_asked_by_name() -> None:
    titled = passage("A point from which a task goes on.", title="What is checkpoint?")
    assert support("What is checkpoint?", "en", [titled])["asked_by_name"] == 1.0
    assert support("Which backup is the oldest?", "en", [titled])["asked_by_name"] == 0.0


def test_the_passage_that_explains_a_code_comes_before_those_that_mention_it() -> None:
    mentions = passage("Close the covers. PRN-41 goes away then.", n=1)
    explains = passage("| Code | Meaning |\n|---|---|\n| PRN-41 | Paper jam |", n=2)
    of_the_same = passage("| Code | Meaning |\n|---|---|\n| PRN-41 | Paper jam |", n=1, chunk_id=9, score=0.5)
    assert [p.article_id for p in about_code_first("Printer shows PRN-41", [mentions, explains])] == [2, 1]
    assert [p.article_id for p in about_code_first("The printer jams", [mentions, explains])] == [1, 2]
    first = about_code_first("Printer shows PRN-41", [mentions, of_the_same])[0]
    assert (first.chunk_id, first.score) == (9, mentions.score)


def test_what_only_mentions_a_code_is_no_rival_of_the_one_article_that_explains_it() -> None:
    row = "| Code | Meaning |\n|---|---|\n| PRN-41 | Paper jam |"
    mentions, explains = passage("PRN-41 is a jam.", n=1, score=0.9), passage(row, n=2, score=0.6)
    explains_too = passage(row, n=3, score=0.5)
    assert about_code_first("Printer shows PRN-41", [mentions, explains])[0].score == 0.9
    assert about_code_first("Printer shows PRN-41", [mentions, explains, explains_too])[0].score == 0.6
