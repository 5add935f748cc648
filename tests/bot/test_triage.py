"""Urgency by impact and breadth with its reasons, category, tone: rules alone, and with the learned part."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bot import triage
from bot.models import Triage
from bot.triage import Triager
from bot.triage_matrix import BREADTHS, MATRIX
from bot.triage_model import Opinion, shipped_model
from bot.triage_numbers import count_affected
from bot.triage_text import PhraseIndex, fold, read
from desk.models import Category, Sentiment, Urgency

CASES = Path(__file__).parents[2] / "evals" / "cases" / "triage" / "dev.jsonl"
URGENT, HIGH, NORMAL, LOW = Urgency


@pytest.fixture(scope="module")
def rules() -> Triager:
    return Triager(None)


@pytest.fixture(scope="module")
def learned() -> Triager:
    """Of the words alone: the embedding is tried in test_triage_model.py."""
    return Triager(None, shipped_model())


def codes(found: Triage) -> set[str]:
    return {reason.code for reason in found.urgency_reasons}


@pytest.mark.parametrize(
    ("calm", "level"),
    [
        ("整个工厂的MES都停了，麻烦看看", URGENT),
        ("Hi, when you get a moment: our whole order system is down and no store can take payments.", URGENT),
        ("我受够了!!! 壁纸换不了", LOW),
        ("THIS IS UNACCEPTABLE!!! The icon is the wrong shade of blue AGAIN!!!", LOW),
        ("急急急！！！在线等！！！Word 里怎么加页眉？？", LOW),
        ("URGENT!!! how do i add a header in Word", LOW),
    ],
)
def test_tone_weighs_nothing(rules: Triager, calm: str, level: Urgency) -> None:
    assert rules.triage(calm).urgency is level


@pytest.mark.parametrize(
    ("one", "level_one", "other", "level_other"),
    [
        ("就我一个人打不开 ERP", NORMAL, "不是我一个人的问题，全公司都打不开 ERP", URGENT),
        ("这不是演练，核心系统真的宕了，交易全部中断", URGENT, "仅为演练：核心系统宕机，交易全部中断", LOW),
        ("数据没丢，就是排序乱了", NORMAL, "客户数据正在丢失，每刷新一次就少几百条", URGENT),
        ("昨天下午系统宕机现在已经恢复，想要一份事故报告存档", LOW, "系统宕机，全公司都登不上", URGENT),
        ("收到一封可疑邮件，没点", NORMAL, "我刚才点了邮件里的链接，还输了工号和密码", URGENT),
        ("What is phishing?", LOW, "I clicked the link and typed in my password", URGENT),
        ("If our server went down at night, how fast would you react?", LOW, "Our website is down.", URGENT),
        ("A friend's company lost all its data. Are we protected?", LOW, "All customer data is being deleted", URGENT),
        ("Does your backup protect us from losing customer records?", LOW, "customer records are disappearing", URGENT),
        ("My mouse stopped working.", NORMAL, "Smoke is coming out of the server rack", URGENT),
        ("How do I set up VPN?", LOW, "VPN is down for the Berlin team, fifteen developers can't reach git", HIGH),
        ("Laptop won't boot.", NORMAL, "Laptop won't boot and I present to the board in an hour.", HIGH),
        ("何时能修好都行，我的打印机卡纸", NORMAL, "发货组的打印机全坏了，今天的单打不出来，八个人干等", HIGH),
    ],
)
def test_one_decisive_fact_changes_the_level(
    rules: Triager, one: str, level_one: Urgency, other: str, level_other: Urgency
) -> None:
    assert [rules.triage(one).urgency, rules.triage(other).urgency] == [level_one, level_other]


def test_a_question_about_urgent_tickets_is_not_urgent(rules: Triager) -> None:
    for text in ("What counts as an urgent ticket in your SLA?", "你们的SLA里紧急工单是怎么定义的？"):
        assert rules.triage(text).urgency is LOW


def test_reasons_quote_the_message_and_read_as_sentences(rules: Triager) -> None:
    text = "The accounts team (9 people) can't open Sage, and VAT is due tomorrow."
    found = rules.triage(text)
    assert found.urgency is HIGH
    assert {reason.kind for reason in found.urgency_reasons} >= {"what", "how_many", "category"}
    for reason in found.urgency_reasons:
        assert reason.quote in text
        assert "{" not in reason.render("en")
        assert reason.as_dict("zh")["code"] == reason.code


def test_what_does_not_count_is_said_too(rules: Triager) -> None:
    found = rules.triage("演练通知：本周五 14:00 进行核心系统宕机应急演练")
    assert found.urgency is LOW
    assert "drill" in codes(found)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("三百多人没法办公", 300),
        ("两千多名考生在等", 2000),
        ("一万多师生受影响", 10000),
        ("十几号人拉不了代码", 10),
        ("all 1,200 employees", 1200),
        ("Five of us have stopped work", 5),
        ("hundreds of users complain", 200),
        ("New starters, 14 of them, began today", 14),
        ("error ORA-01653 on line 44", None),
        ("版本 3.14 的报表", None),
    ],
)
def test_numbers_of_people_are_read_in_digits_and_words(text: str, count: int | None) -> None:
    assert count_affected(text)[0] == count


def test_a_follow_up_raises_the_level_and_an_all_clear_lowers_it(rules: Triager) -> None:
    alone = rules.triage("全公司都这样")
    course = rules.triage("全公司都这样", history=["ERP 打不开"])
    assert course.urgency is URGENT
    assert alone.urgency is not URGENT
    assert "earlier" in codes(rules.triage("你们在看吗", history=["全公司的ERP都打不开了"]))
    assert rules.triage("已经恢复了，谢谢", history=["全公司的ERP都打不开了"]).urgency is LOW


def test_category_tone_and_language_are_read(rules: Triager) -> None:
    found = rules.triage("什么破系统，我提交个请假三次都报错，气死我了")
    assert (found.sentiment, found.lang, found.category) == (Sentiment.ANGRY, "zh", Category.SOFTWARE)
    assert rules.triage("The VAT number on invoice 2231 is wrong, please reissue").category is Category.BILLING
    assert rules.triage("VPN keeps dropping, no internet at all").category is Category.NETWORK
    assert rules.triage("All sorted now, Anna was brilliant. Thank you!").sentiment is Sentiment.POSITIVE


def test_a_mere_wish_for_a_person_is_low_and_a_fault_with_it_is_not(rules: Triager) -> None:
    wish = rules.triage("agent please")
    assert (wish.wants_human, wish.urgency) == (True, LOW)
    fault = rules.triage("Whole campus offline, 5000 users. Get me an engineer on the phone!")
    assert (fault.wants_human, fault.urgency) == (True, URGENT)


@pytest.mark.parametrize("text", ["", "   ", "??!!", "👍", "1234567890", "。" * 5000, "a" * 20000, "\ud800 x", "ﬁ①Ａ"])
def test_anything_can_be_judged(rules: Triager, learned: Triager, text: str) -> None:
    for triager in (rules, learned):
        found = triager.triage(text)
        assert found.urgency in Urgency
        assert 0 <= found.confidence <= 1
        assert all(reason.quote in text for reason in found.urgency_reasons)


def test_rules_alone_hold_on_the_developers_cases(rules: Triager) -> None:
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    found = [rules.triage(case["text"]) for case in cases]
    right = sum(f.urgency == case["urgency"] for f, case in zip(found, cases, strict=True))
    urgent = [f.urgency is URGENT for f, case in zip(found, cases, strict=True) if case["urgency"] == "urgent"]
    assert right / len(cases) >= 0.92
    assert sum(urgent) / len(urgent) >= 0.95
    assert [f.wants_human for f in found] == [case["wants_human"] for case in cases]


def test_the_matrix_is_complete_and_more_people_never_lower_a_level() -> None:
    kinds = {(what, effect) for what, effect, _ in MATRIX}
    assert len(MATRIX) == len(kinds) * len(BREADTHS)
    for what, effect in kinds:
        ranks = [MATRIX[what, effect, many].rank for many in ("one", "few", "team", "site", "all")]
        assert ranks == sorted(ranks, reverse=True)


def opinion(*shares: float, familiar: bool = True) -> Opinion:
    even = np.full(9, 1 / 9)
    return Opinion(np.array(shares), even, np.full(4, 0.25), 0.0, (), familiar)


def settled(text: str, seen: Opinion) -> Urgency:
    reading = triage.read(text)
    return triage._settle(reading.verdict, seen, reading.evidence.message).urgency


SMOKE = "there's smoke coming out of the rack"


def test_a_floor_stands_unless_the_learned_part_rules_it_out() -> None:
    assert triage.read(SMOKE).verdict.floor is URGENT
    assert settled(SMOKE, opinion(0.25, 0.05, 0.65, 0.05)) is URGENT
    assert settled(SMOKE, opinion(0.05, 0.05, 0.80, 0.10)) is NORMAL


def test_a_floor_that_was_ruled_out_is_no_reason_any_more() -> None:
    reading = triage.read(SMOKE)
    lowered = triage._settle(reading.verdict, opinion(0.05, 0.05, 0.8, 0.1), reading.evidence.message)
    assert "floor" not in {reason.kind for reason in lowered.reasons}
    assert "floor" in {reason.kind for reason in reading.verdict.reasons}


def test_what_was_raised_is_no_mere_question_any_more() -> None:
    reading = triage.read("财务部十几个人都进不去凯伦，今天要月结")
    assert "question" in {reason.code for reason in reading.verdict.reasons}
    raised = triage._settle(reading.verdict, opinion(0.1, 0.7, 0.1, 0.1), reading.evidence.message)
    assert raised.urgency is HIGH
    assert "question" not in {reason.code for reason in raised.reasons}


def test_the_same_message_gets_the_same_judgement(learned: Triager) -> None:
    text = "二楼打印机全坏了，物流单打不出来"
    assert learned.triage(text) == learned.triage(text) == Triager(None, shipped_model()).triage(text)


def test_the_learned_part_makes_nothing_urgent_that_resembles_nothing_it_was_taught() -> None:
    text, shares = "Troubleshoot transaction issues", (0.9, 0.05, 0.03, 0.02)
    assert settled(text, opinion(*shares, familiar=False)) is NORMAL
    assert settled(text, opinion(*shares)) is URGENT


def test_without_a_model_the_rules_decide() -> None:
    alone = Triager(None).triage("整个工厂的MES都停了，麻烦看看")
    assert alone.urgency is Urgency.URGENT
    assert "wording" not in {reason.kind for reason in alone.urgency_reasons}


def test_phrases_know_alternatives_gaps_forms_and_clauses() -> None:
    index = PhraseIndex({"a": "(re|un)start fails / cannot * open", "b": "=deleted", "c": "数据 * 丢"})

    def found(text: str) -> list[tuple[str, str]]:
        message = read(text)
        return [(hit.concept, message.quote(hit.first, hit.last)) for hit in index.find(message)]

    assert found("Restart failed") == [("a", "Restart failed")]
    assert found("I can't even now open it") == [("a", "can't even now open")]
    assert found("I can't stay, open it") == []
    assert found("it was deleted, how do I delete") == [("b", "deleted")]
    assert found("数据全丢了") == [("c", "数据全丢")]
    assert found("数据没丢") == []


def test_folding_keeps_every_offset() -> None:
    text = "ＥＲＰ 連不上 ﬁle ½ İ’s"
    assert len(fold(text)) == len(text)
    assert fold(text).startswith("erp 连不上")


@pytest.mark.parametrize(
    "text",
    [
        "You can't connect a workspace in SharePoint Workspace 2010 to an Office SharePoint Server 2007 site",
        "Outlook 2016 and the server users are not in sync",
    ],
)
def test_a_product_year_is_no_number_of_people(text: str) -> None:
    assert count_affected(text)[0] is None


@pytest.mark.parametrize(
    "text",
    ["Does TiDB support data encryption?", "数据库支持静态数据加密吗？", "Is data encryption at rest available?"],
)
def test_a_question_about_encryption_is_no_attack(text: str) -> None:
    assert Triager(None).triage(text).urgency is Urgency.LOW


@pytest.mark.parametrize("text", ["The printer wants a badge but mine isn't recognised", "That laptop is not mine"])
def test_mine_is_no_crypto_miner(text: str) -> None:
    assert Triager(None).triage(text).urgency in (Urgency.NORMAL, Urgency.LOW)


@pytest.mark.parametrize(
    "text",
    [
        "Number of public folder mailboxes cannot exceed more than 100",
        "You can't create an all day event in the calendar of a shared mailbox",
        "The data in a linked spreadsheet column is truncated to 255 characters",
        "You're repeatedly prompted to enter credentials",
        "reception gave me a new card, now the copier has no clue who i am",
        "is bitcoin dead",
        "比特币要不要清仓",
        "采购合同的扫描件能不能挂到凯伦的订单上",
        "苏州厂区对讲机坏了找谁修",
        "供应商打电话来催款。我在系统里看这张发票没有任何冻结的标记，请问一般是什么原因？",
    ],
)
def test_words_that_only_sound_like_a_disaster_alert_nobody(text: str) -> None:
    assert Triager(None).triage(text).urgency is not Urgency.URGENT


@pytest.mark.parametrize(
    "text",
    ["he told me to enter my password and I did", "桌面上有个 txt 让付比特币", "they want 2 bitcoin for our files"],
)
def test_what_sounds_alike_and_is_a_disaster_still_alerts(text: str) -> None:
    assert Triager(None).triage(text).urgency is Urgency.URGENT


@pytest.mark.parametrize("text", ["DROP TABLE 语句怎么写", "'; DROP TABLE turns; -- PRN-21", "DROP TABLE 怎么用"])
def test_the_name_of_a_statement_is_no_loss_of_data(rules: Triager, text: str) -> None:
    assert rules.triage(text).urgency is Urgency.LOW


@pytest.mark.parametrize(
    "text", ["生产库执行了 drop table", "someone accidentally ran DROP TABLE orders in prod", "有人跑了 drop table"]
)
def test_a_statement_that_was_run_is(rules: Triager, text: str) -> None:
    assert rules.triage(text).urgency is Urgency.URGENT
