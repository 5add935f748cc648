"""What the sender wrote now, of mails as the programs of customers write them."""

from __future__ import annotations

import faulthandler
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.quotes import Reply, split_reply
from evals.mail_replies import Judged, judge, read_records

CHINESE = Path(__file__).parent / "replies_zh.jsonl"
SUPPORT = "Support <support@firstline.example>"


@pytest.fixture(autouse=True)
def _hangs_are_reported() -> Iterator[None]:
    faulthandler.dump_traceback_later(120, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def _wrong(judged: list[Judged]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = defaultdict(list)
    for one in judged:
        if not one.right:
            wrong[one.source].append(f"{one.id}: expected {one.expected!r}, got {one.found!r}")
    return dict(wrong)


@pytest.mark.parametrize("held_out", [False, True], ids=["seen while writing the rules", "not looked at"])
def test_ninety_five_of_a_hundred_chinese_replies_are_exact(held_out: bool) -> None:
    records = [one for one in read_records(CHINESE) if bool(one.get("held_out")) is held_out]

    judged = [judge(record) for record in records]

    assert sum(1 for one in judged if one.right) >= 0.95 * len(judged), json.dumps(
        _wrong(judged), ensure_ascii=False, indent=1
    )


def test_the_chinese_replies_come_from_many_mail_programs_in_both_formats() -> None:
    records = list(read_records(CHINESE))

    assert len(records) >= 72
    assert len({record["client"] for record in records}) >= 12
    assert {record["format"] for record in records} == {"text", "html"}
    assert len([record for record in records if record.get("held_out")]) >= len(records) // 3 - 1
    assert len({record["id"] for record in records}) == len(records)


HISTORIES = {
    "Gmail": f"On Tue, Mar 5, 2024 at 10:12 AM {SUPPORT} wrote:\n\n> Do you want it?\n",
    "Gmail, wrapped": "On Tue, Mar 5, 2024 at 10:12 AM Support of a long name\n<support@firstline.example> wrote:\n\n> Well?\n",
    "Gmail, nested": f"On Tue, Mar 5, 2024 at 10:12 AM {SUPPORT} wrote:\n\n> No\n>\n> On Mon, Ana wrote:\n>> So?\n",
    "Outlook": f"From: {SUPPORT}\nSent: Tuesday, March 5, 2024 10:12 AM\nTo: Ana <ana@a.example>\nSubject: RE: order\n\nHello",
    "Outlook, names only": "_____\nFrom: Support\nSent: Tuesday, March 5, 2024 10:12 AM\nTo: Ana\nSubject: Re: x\n\nHello",
    "Outlook, bold": "*From:* Support\n*Sent:* Tuesday, March 5, 2024 10:12 AM\n*To:* Ana\n*Subject:* Re: order\n\nHello",
    "Outlook, old": f"-----Original Message-----\nFrom: {SUPPORT}\nSent: March-05-24\n\nHello",
    "Apple Mail": f"> On Mar 5, 2024, at 10:12, {SUPPORT} wrote:\n> \n> Hello\n",
    "Thunderbird": "On 05.03.24 10:12, Support wrote:\n> Hello\n",
    "Yahoo": f"On Tuesday, March 5, 2024, 10:12 AM, {SUPPORT} wrote:\n\nHello",
    "Samsung": f"-------- Original message --------\nFrom: {SUPPORT}\nDate: 05/03/2024 10:12 (GMT+00:00)\nTo: a\n\nHello",
    "Zoho": f"---- On Tue, 05 Mar 2024 10:12:00 +0000 {SUPPORT} wrote ----\n\nHello",
    "Roundcube": "Support wrote on 05/03/2024 10:12:\n> Hello\n",
    "German": "Am 05.03.24 um 10:12 schrieb Support:\n> Hallo",
    "German, Gmail": f"{SUPPORT} schrieb am Di., 5. März 2024\num 10:12 Uhr:\n\n> Hallo",
    "French": "Le mar. 5 mars 2024 à 10:12, Support <support@firstline.example> a\nécrit :\n\n> Bonjour",
    "French, Outlook": "De : Support\nEnvoyé : mardi 5 mars 2024 10:12\nÀ : Ana\nObjet : RE: Commande\n\nBonjour",
    "Spanish": "De: Support\nEnviado: martes, 5 de marzo de 2024 10:12\nPara: Ana\nAsunto: RE: Pedido\n\nHola",
    "Portuguese": f"Em ter., 5 de mar. de 2024 às 10:12, {SUPPORT}\nescreveu:\n\n> Quer?",
    "Italian": "Da: Support\nInviato: martedì 5 marzo 2024 10:12\nA: Ana\nOggetto: R: Ordine\n\nCiao",
    "Russian": f"вт, 5 мар. 2024 г. в 10:12, {SUPPORT}:\n\n> Привет",
    "Polish": f"wt., 5 mar 2024 o 10:12 {SUPPORT} napisał(a):\n\n> Cześć",
    "Japanese": f"2024年3月5日(火) 10:12 {SUPPORT}:\n\n> いかがですか",
    "Korean": f"2024년 3월 5일 (화) 오전 10:12, {SUPPORT}님이 작성:\n\n> 어떠세요",
    "a quote without a word about it": "> Hello\n>\n> How are you?\n",
    "WeCom": f"----------Reply to Message----------\nOn Tue,Mar 5,2024 10:12 AM {SUPPORT} wrote:\nHello",
    "line ends lost": "------------------ 原始邮件 ------------------ 发件人: 支持 发送时间: 2024年3月5日 主题: Re",
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())
def test_history_below_the_answer_is_cut(history: str) -> None:
    reply = split_reply(f"Yes, both of them.\n\n{history}")

    assert reply.text == "Yes, both of them."
    assert "".join(reply.quoted.split()) == "".join(history.split())


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())
def test_history_is_cut_without_an_empty_line_before_it(history: str) -> None:
    assert split_reply(f"Yes, both of them.\n{history}").text == "Yes, both of them."


SIGNATURES = [
    "-- \nAnn Lee\nSales",
    "--\nAnn Lee",
    "Sent from my iPhone",
    "Sent from Outlook for iOS<https://aka.example/o0ukef>",
    "Get Outlook for Android<https://aka.example/x>",
    "Sent from Yahoo Mail on Android",
    "发自我的iPhone",
    "来自 Outlook for iOS",
    "从 Windows 版邮件发送",
    "获取适用于 iOS 的 Outlook",
    "Best regards,\nAnn Lee\nHead of Sales, ACME Ltd.\nTel: +1 555 123 4567",
    "Ann Lee\nACME Ltd.\n+1 (555) 123-4567\nann@acme.example",
    "此致\n敬礼\n\n李安\n2024年3月5日",
    "祝好\n李安",
    "顺颂商祺！\n李安\n某某科技有限公司",
    "李安 | 采购部\n某某科技有限公司\n电话：021-5555 0123",
    "This e-mail is confidential and intended only for the addressee. If you are not the intended recipient, delete it.",
    "本邮件及其附件含有某某公司的保密信息，仅限于发送给上面地址中列出的个人或群组。",
    "_______________________________________________\nusers mailing list\nusers@lists.example\nhttps://lists.example/users",
]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_signatures_and_footers_are_told_from_the_text(signature: str) -> None:
    language = "好的，请发货。" if any("\u4e00" <= char <= "\u9fff" for char in signature) else "Yes, please ship it."

    reply = split_reply(f"{language}\n\n{signature}\n\nOn Mar 5, 2024, at 10:12, {SUPPORT} wrote:\n> Shall we?")

    assert (reply.text, reply.signature) == (language, signature.replace("-- \n", "--\n"))


def test_several_footers_are_all_taken() -> None:
    reply = split_reply(
        "It works.\n\nBest regards,\nAnn Lee\nACME Ltd., Sales\n\nSent from my iPad\n\n"
        "This message is confidential and for the intended recipient.\n\nThis email was checked for viruses by Avast."
    )

    assert reply.text == "It works."


@pytest.mark.parametrize("words", ["Best regards,\n\nAnn", "Thanks,\nAnn", "Regards", "Mit freundlichen Grüßen\nAnn"])
def test_a_closing_with_a_bare_name_is_what_somebody_typed(words: str) -> None:
    assert split_reply(f"Yes.\n\n{words}").text == f"Yes.\n\n{words}"


UNCUT = [
    "我收到一封可疑邮件，发件人: admin@phish.example，主题是“停用”，是你们发的吗？\n里面写道：请点击链接。\n我没有点。",
    "在2024年3月5日10:00的邮件里，你们写道：\n三天内退款\n可是没有退。",
    "On 5 March 2024 at 10:00 your agent wrote:\nWe will refund you\nbut nothing happened.",
    "寄件信息\n\n寄件人：张三\n收件人：李四\n日期：2024年5月1日\n电话：13800138000",
    "I would like to travel.\n\nFrom: Lyon\nTo: Rome\nDate: 1 May 2024\nPassengers: 2",
    "The mail I got:\n\nFrom: scam@bad.example\nDate: Mon, 5 Jan 2024 10:00\nTo: me@a.example\nSubject: You won\n\nIs it real?",
    "Here are its headers.\n\nReceived: from mx.example\nFrom: a@bad.example\nTo: me@a.example\nSubject: You won\nDate: 10:00",
    "Hello,\n\nplease tell me how to unsubscribe.",
    "Hi,\n\nI sent the printer back.\n\nSent via DHL on Monday, tracking 123.",
    "It still fails.\n\nFrom my side everything is fine.",
    "打不开邮件\n\n从昨天下午开始就不能发送",
    "没有收到验证码。\n\n验证码是通过短信发送",
    "你好，\n\n请发一份保密条款给我。",
    "你好，\n\n这封邮件是不是病毒邮件？",
    "Hi,\n\nmy virus scanner deleted the installer.",
    "I tried:\n\n- Reinstall\n- Restart",
    "Two things.\n\n-----\nERR 101\nfailed to load module",
    "Problem one: it is slow. I restarted it twice.\n--\nProblem two: it crashes. Can you look at both?",
    "请寄到下面的地址\n\n张三\n北京市朝阳区某某公司\n电话：13800138000",
    "Please call me.\n\nJohn Smith\n+1 555 123 4567\njohn@a.example",
    "订单号：1001\n电话：13800138000\n邮箱：a@b.example",
    "The log says:\n> Access denied",
    "系统提示：\n> 磁盘配额不足\n请问怎么清理？",
    "This is not a ---------- delimiter.\n\nAnd here is a fix -- this is not a signature.",
    "如果不是收件地址的问题，那是什么问题？",
    "+1",
    "👍",
    "?",
    "好",
]


@pytest.mark.parametrize("text", UNCUT)
def test_words_that_only_look_like_marks_are_kept(text: str) -> None:
    assert split_reply(text) == Reply(text)


def test_answers_between_quoted_lines_are_kept_with_them() -> None:
    reply = split_reply(
        f"Answers:\n\nOn Mar 5, 2024, at 10:12, {SUPPORT} wrote:\n"
        "> Which version?\n5.2\n> Which system?\nWindows\n> Bye\n\n-- \nAnn"
    )

    assert reply.text == "Answers:\n\n> Which version?\n5.2\n> Which system?\nWindows"
    assert reply.signature == "--\nAnn"
    assert "wrote:" in reply.quoted and "> Bye" in reply.quoted


def test_an_answer_below_the_quote_stands_alone() -> None:
    reply = split_reply(
        f"On Mar 5, 2024, at 10:12, {SUPPORT} wrote:\n> Which version?\n> And which system?\n\n5.2 on Windows\n"
    )

    assert reply.text == "5.2 on Windows"


def test_answers_in_colour_leave_the_mail_whole() -> None:
    header = "发件人: 支持\n发送时间: 2024年3月5日 10:12\n收件人: 李安\n主题: 版本"
    text = f"请看下面邮件中红色字体的回复。\n\n{header}\n\n什么版本？\n5.2"

    assert split_reply(text) == Reply(text)


FORWARDED = "---------- Forwarded message ---------\nFrom: Bank <b@bank.example>\nDate: Tue, Mar 5\nSubject: x\n\nPayment failed."


@pytest.mark.parametrize(
    "note",
    ["", "FYI\n\n", "Please see below.\n\n", "麻烦处理一下，谢谢！\n\n", "转发\n\n", "Can you look into this?\n\n"],
)
def test_a_forwarded_mail_is_the_content(note: str) -> None:
    assert split_reply(note + FORWARDED) == Reply(note + FORWARDED)


def test_a_forwarded_mail_below_words_of_ones_own_is_history() -> None:
    own = "My bank refuses the direct debit for order A-1009 since Monday, although there is money on the account. Why?"

    reply = split_reply(f"{own}\n\n{FORWARDED}")

    assert reply == Reply(own, FORWARDED)


@pytest.mark.parametrize("text", ["> Only a quote.\n> And more.", "发自我的iPhone", FORWARDED, "--\nAnn"])
def test_a_mail_of_nothing_but_quotes_or_signature_is_given_whole(text: str) -> None:
    assert split_reply(text) == Reply(text)


def test_an_empty_mail_is_empty() -> None:
    assert split_reply(" \r\n\u00a0\n") == Reply("")


_PIECES = [*HISTORIES.values(), *SIGNATURES, *UNCUT, FORWARDED, "hello there", "> quoted", ">> twice", "", "-- ", "___"]
_PIECES += [
    "|",
    "From: a",
    "Date: x",
    "写道：",
    "On Mon, 5 Jan 2024 10:00 a@b.example",
    "wrote:",
    "发件人：李安",
    "主题：x",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=14).map("\n".join))
def test_nothing_is_lost_and_the_text_is_never_empty(mail: str) -> None:
    reply = split_reply(mail)

    found = "".join(f"{reply.text}{reply.quoted}{reply.signature}".split())
    assert sorted(found) == sorted("".join(mail.split()))
    assert bool(reply.text.strip()) is bool(mail.strip())


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_split_without_an_error(mail: str) -> None:
    reply = split_reply(mail)

    assert split_reply(reply.text).text or not reply.text.strip()


HOSTILE = ["a", "\n", " ", ">", "> \n", "--\n", "_____\n", "|\n", "| |\n x\n", "On Mon, 5 Jan 2024 10:00\n", "On 1 <\n"]
HOSTILE += [
    "From: a\n",
    "在2024年1月1日 10:00 \n",
    "发件人：张三 ",
    "a@",
    "> q\nanswer\n",
    "Sent from my iPhone\n",
    "confidential ",
]
HOSTILE += [
    "此致\n敬礼\n",
    "<(“",
    "-----Original ",
    "wrote:\n",
    "1 2.3-4 ",
    "本邮件",
    "\r",
    "&nbsp;",
    "张三\n电话：1\n\n",
]
HOSTILE += ["            - x\n", "* - _ "]


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_half_a_million_hostile_characters_come_back(piece: str) -> None:
    mail = (piece * (500_000 // len(piece) + 1))[:500_000]

    assert len(split_reply(mail).text) <= len(mail) + 100
