"""What reaches the bot at all: nothing to read, small talk, and texts that try to give it orders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from base.text import clean, normalise


class Remark(StrEnum):
    """Things people write that are not questions."""

    EMPTY = "empty"
    GREETING = "greeting"
    THANKS = "thanks"
    BYE = "bye"


@dataclass(frozen=True, slots=True)
class Guarded:
    text: str  # cleaned, at most the limit
    cut: bool  # the message was longer
    remark: Remark | None
    injection: bool  # tries to instruct the bot: answered from passages only, as always, and marked for staff


_REMARKS = {
    Remark.GREETING: re.compile(
        r"(?:hi|hello|hey|hi there|good (?:morning|afternoon|evening)|anyone there|is anyone there|"
        r"您好|你好|你们好|在吗|在不在|在么|有人吗|早上好|下午好|晚上好|哈喽|嗨|亲)(?:啊|呀|呢|吗)?"
    ),
    Remark.THANKS: re.compile(
        r"(?:ok(?:ay)?|great|perfect|cool|got it|understood)?(?:thanks?|thank you|thx|cheers|many thanks|"
        r"thanks a lot|thank you (?:so|very) much|"
        r"好的|好|嗯|收到|明白了?|知道了|可以了|(?:问题)?(?:已经?|都)?(?:解决|搞定|修好|好)了|谢谢您?|谢谢你|多谢|感谢|谢了|辛苦了)+"
        r"(?:啊|啦|哈|了|! that (?:worked|helped))?|ok(?:ay)?|great|perfect|that (?:worked|helped)"
    ),
    Remark.BYE: re.compile(r"(?:bye|goodbye|bye bye|see you|再见|拜拜|回头见)"),
}
_NOISE = re.compile(r"[\s,，.。!！?？~～、…:：;；\-—\"'“”‘’()（）👋🙏😊🙂]+")
_INJECTION = re.compile(
    r"(?:ignore|disregard|forget)\s+(?:all\s+|any\s+|the\s+|your\s+)*(?:previous|prior|above|earlier|system)\s+\w*\s*"
    r"(?:instruction|prompt|rule|message)|(?:reveal|show|print|repeat|output)\s+(?:me\s+)?(?:your|the)\s+(?:system\s+)?"
    r"(?:prompt|instructions)|you are now\s+\w+|act as (?:an?|the)\s+(?:unrestricted|evil|admin|developer|dan)|"
    r"developer mode|jailbreak|</?(?:system|assistant|instruction)s?>|\[/?INST\]|"
    r"(?:忽略|无视|忘记|忘掉)(?:你)?(?:之前|以上|前面|上面|所有|一切|全部)[^。]{0,8}(?:指令|指示|提示|规则|设定|要求)|"
    r"(?:输出|显示|告诉我|打印|泄露|复述)(?:你的|系统的?)?(?:系统)?(?:提示词|prompt|指令|设定)|"
    r"(?:你现在是|假装你是|扮演)[^。]{0,12}(?:管理员|不受限|没有限制|开发者|黑客)|开发者模式|越狱模式",
    re.IGNORECASE,
)


def guard(text: str, max_chars: int) -> Guarded:
    """The message as the bot reads it. The whole of it is kept elsewhere."""
    cleaned = clean(text)
    return Guarded(
        cleaned[:max_chars], len(cleaned) > max_chars, _remark(cleaned), bool(_INJECTION.search(normalise(cleaned)))
    )


def _remark(text: str) -> Remark | None:
    bare = _NOISE.sub(" ", normalise(text)).strip()
    if not bare:
        return Remark.EMPTY
    if len(bare) > 40:
        return None
    squeezed = bare.replace(" ", "") if not bare.isascii() else bare
    for remark, pattern in _REMARKS.items():
        if pattern.fullmatch(squeezed) or all(pattern.fullmatch(part) for part in bare.split(" ")):
            return remark
    if all(any(p.fullmatch(part) for p in _REMARKS.values()) for part in bare.split(" ")):
        return Remark.GREETING
    return None
