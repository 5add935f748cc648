"""A message as a question that stands alone: a follow-up is read together with what it follows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from base.text import normalise, query_tokens, shorten
from bot.guard import guard
from bot.word_classes import PATTERNS, WordClass, named
from desk.models import Author, Turn

_FOLLOW_UP = re.compile(
    r"^(?:那么?|那如果|如果(?:还是|不行|失败)|要是|还是(?:不行|没用|不可以|报错)|然后呢|接下来|之后呢|"
    r"换成|这个|这样|它|他们|也|"
    r"and\b|but\b|what about|how about|what if|or\b|then\b|still\b|same\b|also\b|so\b|it\b|that\b|this\b|they\b)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(?:呢|怎么样|又如何)[?？。!！]*$")
_OPENING = re.compile(  # what leads a follow-up in, and says nothing itself
    r"^(?:(?:ok(?:ay)?|好的?|嗯|哦)[,，。.!！\s]*)?(?:(?:那么|那|还有|另外|换成|如果是|要是|然后|(?:and|"
    r"but|or|so|then|also|what about|how about|"
    r"what if (?:i am|i'm|it is|it's)|does (?:this|that|it) (?:also )?work|is (?:it|that) the same)\b)[,，\s]*)*",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:how|what|where|when|who|which|why|can|could|do|does|is|are|will|should)\b|怎么|如何|怎样|多久|"
    r"多少|哪|什么|为什么|能不能|可以|谁",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"\b(?:it|its|that|this|them|they|these|those|there|one|ones|same)\b|这|那个|那样|它|他们|该|同样|一样"
)
_CONDITION = re.compile(
    r"^(?:那|那么|and|but|so|then|,|，|\s)*(?:如果|要是|假如|万一|没有|没|不|还|if\b|what if\b|without\b|still\b|when\b)",
    re.IGNORECASE,
)
_SAYS_LITTLE = re.compile(
    r"怎么(?:办|做|弄|用|样|处理|解决|申请|设置|操作|回事)?|如何|怎样|多久|多长时间|多少钱?|几天|哪里|"
    r"哪儿|哪个|在哪|什么时候|什么|为什么|"
    r"谁|能不能|可不可以|可以|需要|要|能|会|用|做|办|弄|处理|解决|申请|设置|操作|上|里|的|吗|呢|么|啊|那|"
    r"也|还|又|再|就|是|有|在|我|们|您|你|请问|请|"
    r"生效|完成|好|批|审批|批准|收费|花|等|去|找|到|拿|一下|步骤|方法",
)
_SAY_LITTLE = frozenset(
    "long much many cost price take need do get work long approv who what when where how why can also fail happen then next "
    "exactli soon fast free step start wait happen long".split()
)
_FILLED_BY = re.compile(r"[\s,，.。?？!！、:：;；]+")
SHORT = 28  # Han characters, or twice as many Latin ones: longer messages say what they are about


def stand_alone(text: str, turns: Sequence[Turn]) -> tuple[str, bool]:
    """The question to search for, and whether it was joined with an earlier one.

    Without a model: a short message that leans on what was said is put behind the customer's last question. Where it
    names another platform, place or device than that question ("and on a Mac?"), it takes the other's place.
    """
    earlier = last_question(turns)
    if not earlier or not leans_on_earlier(text) or _has_own_subject(text, earlier):
        return text, False
    earlier = shorten(earlier, 300)
    return exchanged(earlier, text) or f"{earlier}\n{text}", True


def leans_on_earlier(text: str) -> bool:
    """Whether a message reads like a follow-up: short, and beginning or ending like one, or naming nothing at all."""
    folded = normalise(text).strip()
    if _width(folded) > SHORT * 2:
        return False
    return bool(_FOLLOW_UP.match(folded) or _TAIL.search(folded)) or _names_nothing(folded)


def exchanged(earlier: str, text: str) -> str:
    """The earlier question with the follow-up's platform, place or device in the place of its own; "" if none is."""
    result, rest = earlier, _OPENING.sub("", text.strip())
    for kind in WordClass:
        mine, theirs = named(rest, kind), named(result, kind)
        fresh = {name: words for name, words in mine.items() if name not in theirs}
        if len(fresh) != 1 or len(theirs) != 1:
            continue
        (word,), (name,) = fresh.values(), theirs
        result = PATTERNS[kind][name].sub(word.replace("\\", ""), result)
        rest = rest.replace(word, " ")
    if result == earlier:
        return ""
    return f"{result}\n{text}" if _content(rest) - set(query_tokens(earlier)) else result


def last_question(turns: Sequence[Turn]) -> str:
    """What the customer asked last, as it was understood then; "" when nothing was asked yet."""
    for turn in reversed(turns):
        asked = turn.author is Author.CUSTOMER and not turn.payload.get("action")
        if asked and _width(turn.text) > 4 and guard(turn.text, 200).remark is None:
            joined = turn.payload.get("question")
            return str(joined or turn.text)
    return ""


def _has_own_subject(text: str, earlier: str) -> bool:
    """Whether a message that begins like a follow-up asks a whole question about something else."""
    folded = normalise(text).strip()
    rest = _OPENING.sub("", folded)
    if _CONDITION.match(folded) or _BACK.search(rest) or not _ASKS.search(rest) or _TAIL.search(folded):
        return False
    new = _content(rest) - set(query_tokens(earlier))
    classed = {token for kind in WordClass for words in named(rest, kind).values() for token in query_tokens(words)}
    return sum(0.7 if word > "\u3400" else 1.0 for word in new - classed) >= 1.4 and len(new) > len(_content(rest)) / 2


def _names_nothing(folded: str) -> bool:
    """Whether a message has no subject: "how long does it take?", 谁审批, or a platform by itself."""
    rest = _FILLED_BY.sub(" ", _OPENING.sub("", folded))
    for kind in WordClass:
        for words in named(rest, kind).values():
            if kind is not WordClass.DEVICE or f"{words}上" in rest or f"on my {words}" in rest:
                rest = rest.replace(words, " ")
    asks = _ASKS.search(folded) is not None or rest.strip() != folded.strip(" ?？。.!！")
    return asks and not _content(rest)


def _content(text: str) -> set[str]:
    """The words of a text that name something."""
    bare = _SAYS_LITTLE.sub(" ", normalise(text))
    return {token for token in query_tokens(bare) if token not in _SAY_LITTLE}


def _width(text: str) -> int:
    """Length with Han counted double."""
    return sum(2 if ord(char) > 0x2E80 else 1 for char in text)
