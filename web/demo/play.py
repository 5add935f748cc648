"""Who comes to the demo desk and what they say: a dozen customers in two languages, one outage among their questions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the play. `name` in both languages, as the desk's list shows it."""

    name: str
    lang: str  # "zh" or "en": of the chat window


@dataclass(frozen=True, slots=True)
class Line:
    """Something a customer writes."""

    who: str  # key of PEOPLE
    text: str


PEOPLE = {
    "wang": Person("Wang Fang 王芳", "zh"),
    "david": Person("David Chen 陈大为", "en"),
    "li": Person("Li Qiang 李强", "zh"),
    "emma": Person("Emma Brown 艾玛", "en"),
    "zhao": Person("Zhao Min 赵敏", "zh"),
    "tom": Person("Tom Wilson 汤姆", "en"),
    "sun": Person("Sun Li 孙丽", "zh"),
    "aisha": Person("Aisha Khan 爱莎", "en"),
    "mark": Person("Mark Taylor 马克", "en"),
    "zhou": Person("Zhou Jie 周洁", "zh"),
    "grace": Person("Grace Lim 林慧", "en"),
    "wu": Person("Wu Hao 吴昊", "zh"),
}

PLAY = (
    Line("emma", "VPN says error 809 and I'm in a hotel in Munich. What now?"),
    Line("sun", "打印机屏幕上显示 PRN-41，是什么意思？"),
    Line("wang", "财务部全部登不上凯伦 ERP，今天还要月结，付款都卡住了！"),
    Line("aisha", "I forgot my password, how do I set a new one?"),
    Line("david", "Nobody in our finance team can log in to Kailun ERP, and month-end closing is today"),
    Line("wu", "邮箱满了，怎么清理空间？"),
    Line("emma", "And what about error 691?"),
    Line("li", "ERP 进不去，我们五个会计都一样，凭证全都过不了账"),
    Line("mark", "This is UNACCEPTABLE!!! The wallpaper on my laptop has changed for the third time. Third time!!!"),
    Line("zhou", "别让机器人回复，我要找人工"),
    Line("grace", "Can I bring my dog to the Singapore office on Fridays?"),
    Line("zhao", "在家办公连 VPN 特别慢，怎么办？"),
    Line("tom", "The printer wants a badge but mine isn't recognised"),
    Line("zhao", "那在国外出差的时候呢？"),
    Line("wu", "谢谢，已经解决了"),
)

ANSWERED_BY_STAFF = "wang"  # the first who reported the outage
STAFF_REPLY = (
    "王芳您好，我是服务台的同事。凯伦 ERP 的登录故障已经确认，影响财务部全体同事，正在恢复中；"
    "每 30 分钟我会在这里同步一次进展，请暂时不要重复提交付款。"
)
SOLVED_BY_STAFF = "zhou"  # who asked for a person, so there is a ticket in any case
ROOT_CAUSE = "新笔记本未预约领取时间"
SOLUTION = "已电话联系周洁，约好今天 15:00 在 2 号楼 3 层服务台领取新笔记本。"
