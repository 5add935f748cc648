"""Words that stand for one another in a question: platforms, places, devices, programs; and words that exclude one another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class WordClass(StrEnum):
    """What kind of thing a word names: one of a class can take another's place in a question."""

    SYSTEM = "system"
    PLACE = "place"
    DEVICE = "device"
    CLIENT = "client"


_MEMBERS: Final[Mapping[WordClass, Mapping[str, str]]] = {
    WordClass.SYSTEM: {
        "mac": r"mac ?os(?: x)?|macbooks?(?: pro| air)?|macs?(?! ?(?:address|地址))|苹果电脑|苹果系统",
        "windows": r"windows(?: ?(?:11|10|8|7))?|win ?(?:11|10|7)|微软系统",
        "linux": r"linux|ubuntu|debian|fedora|red ?hat|centos",
        "ios": r"ios|iphones?|ipads?|苹果手机",
        "android": r"android|安卓(?:手机|系统)?|鸿蒙(?:手机|系统)?|harmonyos",
    },
    WordClass.PLACE: {
        "home": r"(?:at|from|my) home|home (?:office|network|wi-?fi|computer|pc)|家里|在家|家中|宿舍",
        "office": r"(?:in|at|from) the office|公司里?|办公室|单位",
        "hotel": r"(?:in|at|from) (?:a|the|my) hotel|酒店|宾馆",
        "abroad": r"(?:from )?abroad|overseas|国外|境外|海外",
    },
    WordClass.DEVICE: {
        "phone": r"(?:smart|mobile )?phones?|mobile|手机",
        "tablet": r"tablets?|平板(?:电脑)?",
        "computer": r"laptops?|notebooks?|(?:desktop )?computers?|pcs?|电脑|笔记本(?:电脑)?|台式机",
        "printer": r"printers?|打印机",
    },
    WordClass.CLIENT: {
        "web": r"(?:on the |outlook on the )?web(?: version| app)?|(?:in the )?browser|网页版|浏览器",
        "desktop": r"desktop (?:app|client|version)|桌面版|客户端",
        "mobile": r"mobile app|手机版|手机 ?app|移动端",
    },
}
_EXCLUDING = (  # a question with a word of one side is not answered by an article whose title has one of the other
    (
        r"\b(?:multiple|several|many|all|some|two or more) (?:\w+ )?(?:users?|mailboxes|computers|people|accounts|devices)\b|"
        r"多[个位名台](?:用户|人|邮箱|电脑|账号|设备)?|所有(?:用户|人|邮箱|电脑|账号|设备)|(?:部分|全体)(?:用户|员工)",
        r"\b(?:one|a single|single|only one|a specific|one specific) (?:\w+ )?(?:user|mailbox|computer|person|"
        r"account|device)\b|"
        r"(?:一|单)[个位名台](?:用户|邮箱|电脑|账号|设备)",
    ),
    (
        r"\b(?:enabl\w+|turn(?:ing)? on|switch(?:ing)? on)\b|启用|开启",
        r"\b(?:disabl\w+|turn(?:ing)? off|switch(?:ing)? off)\b|禁用|停用",
    ),
    (r"\binstall\w*\b|(?<!卸)安装", r"\b(?:uninstall\w*|remov\w+)\b|卸载"),
    (
        r"\b(?:can ?not|can't|unable to) receive\b|收不到|无法接收",
        r"\b(?:can ?not|can't|unable to) send\b|发不(?:出|了)|无法发送",
    ),
)


def _compiled(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])", re.IGNORECASE)


PATTERNS: Final[Mapping[WordClass, Mapping[str, re.Pattern[str]]]] = {
    kind: {name: _compiled(words) for name, words in members.items()} for kind, members in _MEMBERS.items()
}
_SIDES = tuple((re.compile(a, re.IGNORECASE), re.compile(b, re.IGNORECASE)) for a, b in _EXCLUDING)


def named(text: str, kind: WordClass) -> dict[str, str]:
    """The members of a class that a text names, each with the words it uses."""
    return {name: match.group() for name, pattern in PATTERNS[kind].items() if (match := pattern.search(text))}


def conflict(question: str, title: str) -> bool:
    """Whether a title is about the opposite of what is asked, or about another system than the one that is asked about."""
    for one, other in _SIDES:
        for asked, told in ((one, other), (other, one)):
            if asked.search(question) and not told.search(question) and told.search(title) and not asked.search(title):
                return True
    asked_for, about = set(named(question, WordClass.SYSTEM)), set(named(title, WordClass.SYSTEM))
    return bool(asked_for and about) and not asked_for & about
