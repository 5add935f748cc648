"""A typed reply that stands for a button of our last message: "yes" to an offer, "2" to a choice, 还是不行 to an answer.

Channels without buttons (mail, SMS bridges) and people who type anyway are understood like a press.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from base.text import normalise
from desk.models import Author, Turn

DECLINED = "declined"  # "no, thanks" to an offer: not a button, but an answer to ours

_LONGEST = 60
_THANKS = r"(?:[, ]*(?:thanks?|thank you|thx|please|谢谢您?|多谢|麻烦了|拜托了?))?"
_YES = re.compile(
    r"(?:(?:yes|yeah|yep|yup|sure|ok|okay),? )?(?:yes|yeah|yep|yup|sure|ok|okay|please|please do|do it|do that|go ahead|good|"
    r"fine|that would be (?:good|great|nice)|i do|"
    r"是|是的|好|好的|好啊|好吧|可以|可以的|行|行吧|要|要的|需要|嗯+|对|请转|转吧|转一下|帮我转一?下?|麻烦(?:你|您)?了?)"
    + _THANKS
)
_NO = re.compile(
    r"(?:no|nope|not now|not needed|never mind|nevermind|no need|不|不用|不用了|不需要|不必|不必了|算了|先不用|暂时不用|没事了)"
    + _THANKS
)
_FAILED = re.compile(
    r"(?:(?:sorry|no|hmm|but),? )?(?:"
    r"(?:(?:it|that|this)(?:'s| is)? )?(?:still )?(?:(?:does not|doesn't|did not|didn't|is not|isn't|not) (?:work|help)(?:ing)?"
    r"(?: at all| for me| either| yet)?|not (?:it|right|what i (?:asked|meant|need))|broken|failing|fails|useless|"
    r"wrong(?: answer)?)|(?:still )?(?:nothing|no luck|the same)|(?:i(?:'ve| have)? )?(?:already )?(?:tried|did) (?:that|this|it)"
    r"(?: already)?|same (?:problem|error|issue)(?: again)?|"
    r"(?:但是?)?我?(?:都?试过了?|照做了?|按步骤做了?)?[, ]?(?:还是|仍然|依然|仍)?(?:不行|没用|没有用|不可以|没好|没解决|没有解决|"
    r"没帮助|没有帮助|不对|无效)|我?都?试过了|(?:还是|仍然|依然|仍)(?:一样|老样子|报错|连不上|打不开|登不上|登录不了|进不去|用不了)|"
    r"答非所问|不是(?:这个|这个问题|我要的))(?:啊|呀|的|哦)?"
)
_WORKED = re.compile(
    r"(?:(?:great|ok|thanks|yes),? )?(?:"
    r"(?:(?:it|that|this) )?(?:now )?(?:worked|works|helped|did it|did the trick|fixed it|solved it|is (?:working|fixed|solved))"
    r"(?: now| fine| perfectly)?|(?:problem )?(?:solved|fixed)|all good(?: now)?|"
    r"已?经?(?:解决了?|搞定了?|好了|可以了|能用了|正常了|恢复了|没问题了))" + _THANKS
)
_SAME = re.compile(
    r"(?:(?:(?:yes|yeah|yep),? )?(?:(?:the |it's the |it is the )?same (?:here|problem|thing)(?: too)?|me too|that's it|"
    r"that is it|exactly)|"
    r"(?:是的?|对)?[, ]?(?:我也是|我们?也(?:是)?这样|就是这个|一样|同样(?:的)?问题|是这个问题|我也遇到了?|没错))"
    + _THANKS
)
_OTHER = re.compile(
    r"(?:(?:no[, ]*)?(?:(?:it's |it is |this is )?(?:something|a|another) "
    r"(?:else|(?:different |other )?(?:problem|issue)|different)|not that|not this(?: one)?)|"
    r"(?:不是[, ]?)?(?:不是这个(?:问题)?|是别的(?:问题)?|另外的问题|不一样|其他问题))" + _THANKS
)
_NONE = re.compile(r"(?:none(?: of (?:these|them|those))?|neither|no|都不是|都不对|不是|没有(?:我要的)?|以上都不是)")
_MARK = re.compile(r" ?\((?:in chinese|in english|中文|英文)\)$", re.IGNORECASE)  # as bot/policy.py marks a choice
_PLACES = (
    re.compile(r"(?:(?:the )?first(?: one)?|(?:number |no\.? ?|option )?1|第一[个项条]|一|①)"),
    re.compile(r"(?:(?:the )?second(?: one)?|(?:number |no\.? ?|option )?2|第二[个项条]|二|②)"),
    re.compile(r"(?:(?:the )?third(?: one)?|(?:number |no\.? ?|option )?3|第三[个项条]|三|③)"),
)


def meant(text: str, turns: Sequence[Turn]) -> str:
    """The action a message stands for, given the turns before it; "" for a message of its own.

    Actions are those of `Inbound.action`, and DECLINED. Only the bot's very last message can be answered like this.
    """
    bare = _bare(text)
    last = next((turn for turn in reversed(turns) if turn.author is not Author.NOTE), None)
    if not bare or last is None or last.author is not Author.BOT:
        return ""
    outcome = str(last.payload.get("outcome", ""))
    if outcome == "clarify" and (action := _labelled(bare, last.payload.get("quick_replies", ()))):
        return action  # however long a title is, and titles may be questions
    if len(bare) > _LONGEST or "?" in text or "？" in text:
        return ""
    if incident := str(last.payload.get("incident", "")):
        if _SAME.fullmatch(bare) or _YES.fullmatch(bare):
            return f"same:{incident}"
        if _OTHER.fullmatch(bare) or _NO.fullmatch(bare):
            return f"other:{incident}"
    if outcome == "offer":
        return "human" if _YES.fullmatch(bare) else DECLINED if _NO.fullmatch(bare) else ""
    if outcome == "clarify":
        return _chosen(bare, last.payload.get("quick_replies", ()))
    if outcome == "answer" or last.payload.get("citations"):
        return "not_helped" if _FAILED.fullmatch(bare) else "helped" if _WORKED.fullmatch(bare) else ""
    return ""


def _bare(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[.。!！~～…]+", " ", normalise(text))).strip(" ,，、")


def _labelled(bare: str, buttons: Sequence[dict[str, Any]]) -> str:
    """The action of the button that says this, with or without the language a title is marked with."""
    said = [(_bare(str(button.get("label", ""))), str(button["action"])) for button in buttons]
    exact = next((action for label, action in said if label == bare), "")
    return exact or next((action for label, action in said if _MARK.sub("", label) == _MARK.sub("", bare)), "")


def _chosen(bare: str, buttons: Sequence[dict[str, Any]]) -> str:
    choices = [str(button["action"]) for button in buttons if str(button.get("action", "")).startswith("choose:")]
    for place, action in zip(_PLACES, choices, strict=False):
        if place.fullmatch(bare):
            return action
    return "not_helped" if _NONE.fullmatch(bare) or _FAILED.fullmatch(bare) else ""
