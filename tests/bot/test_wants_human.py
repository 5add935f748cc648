"""Who asks for a person, in both languages, directly or not, and who only seems to."""

from __future__ import annotations

import pytest

from bot.wants_human import asks_for_person
from web.wiring import Services

WISHES = """
转人工
给我找个活人
人工客服在哪
能不能让你们工程师给我回个电话
绕来绕去的，说了半天都听不懂，换个人来行不行
机器人解决不了，找人来看
别再给我发链接了，叫你们经理来跟我谈退款
麻烦找个懂行的同事联系我一下
唔該搵個真人同我傾
这个问题太复杂，文字说不清，能不能直接通话
赶紧给我找个能管事的
不想跟机器人聊，找个真人来
bot 根本听不懂，I need a human
agent please
can someone ring me
I want to talk to somebody
operator
REAL PERSON. NOW.
Please put me through to your supervisor
I'd rather discuss the refund with a representative than with a bot.
this is going nowhere, human
let me talk to your boss
have somebody who knows the product contact me
Could one of your technicians give me a call this afternoon?
Stop sending links. Get me your manager about my refund.
"""
NO_WISHES = """
不用转人工，你告诉我文档在哪就行
人工智能培训课程下个月还有吗
报价单里的人工成本那一栏是怎么算的
人力资源部的电话是多少
人事部电话是多少？
前台电话是多少
What is the phone number of the finance department?
What is the contact number for the Shanghai office?
不用打电话给我，邮件回复就行
客服系统打不开
我们的客服都在等系统恢复
怎么修改联系电话
有人冒充客服给我打电话
三楼没信号，二十来个人在培训
昨天师傅上门修好了，谢谢
你好
what's the human resources phone number
Which user agent string does the crawler send?
how do I install the monitoring agent software on Linux
How do I become an agent for your company in Spain?
No need to connect me to an agent, just tell me where the manual is.
I don't need a human, the bot's answer is fine
does your chatbot support handing over to a live agent? we're comparing products
Our call centre agents cannot log in
My manager wants a copy of the invoice
I spoke to an agent yesterday and she fixed it, thanks
Please don't call me, an e-mail is fine
hello
"""


@pytest.mark.parametrize("text", WISHES.strip().splitlines())
def test_a_wish_for_a_person_is_heard(text: str) -> None:
    assert asks_for_person(text) is not None


@pytest.mark.parametrize("text", NO_WISHES.strip().splitlines())
def test_what_only_looks_like_a_wish_is_not_one(text: str) -> None:
    assert asks_for_person(text) is None


def test_the_reason_quotes_the_words_of_the_message() -> None:
    text = "Printer again. Please put me through to your supervisor."
    reason = asks_for_person(text)
    assert reason is not None
    assert reason.kind == "human"
    assert reason.quote in text
    assert reason.quote in reason.render("en")


def test_likeness_to_known_wishes_decides_where_no_phrase_does() -> None:
    text = "would it be conceivable to move this dialogue to flesh"
    assert asks_for_person(text) is None
    reason = asks_for_person(text, likeness=0.9)
    assert reason is not None
    assert reason.code == "human_similar"


def test_likeness_does_not_outvote_a_refusal_or_a_greeting() -> None:
    assert asks_for_person("无需来电，谢谢你们的好意", likeness=0.9) is None
    assert asks_for_person("在吗", likeness=0.9) is None


@pytest.mark.parametrize(
    "text", ["什么是联系人？", "怎么找到联系人", "添加或删除联系人", "How do I add a contact in Outlook?"]
)
def test_contacts_in_an_address_book_are_nobody_to_talk_to(running: Services, text: str) -> None:
    assert not running.thinker.triage_alone(text).wants_human


@pytest.mark.parametrize("text", ["How can I contact a person?", "怎么联系你们客服", "我要联系人工"])
def test_contacting_us_is_still_a_wish(running: Services, text: str) -> None:
    assert running.thinker.triage_alone(text).wants_human
