"""A message as a question that stands alone: a follow-up is read together with what it follows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from base.text import normalise, shorten
from bot.guard import guard
from desk.models import Author, Turn

_FOLLOW_UP = re.compile(
    r"^(?:那么?|那如果|如果(?:还是|不行|失败)|要是|还是(?:不行|没用|不可以|报错)|然后呢|接下来|之后呢|换成|这个|它|他们|也|"
    r"and\b|but\b|what about|how about|what if|or\b|then\b|still\b|same\b|also\b|so\b|it\b|that\b|this\b|they\b)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(?:呢|怎么样|又如何)[?？。!！]*$")
SHORT = 28  # Han characters, or twice as many Latin ones: longer messages say what they are about


def stand_alone(text: str, turns: Sequence[Turn]) -> tuple[str, bool]:
    """The question to search for, and whether it was joined with an earlier one.

    Without a model: a short message that begins or ends like a follow-up is put behind the customer's last question.
    """
    earlier = last_question(turns)
    if not earlier or not leans_on_earlier(text):
        return text, False
    return f"{shorten(earlier, 300)}\n{text}", True


def leans_on_earlier(text: str) -> bool:
    """Whether a message reads like a follow-up: short, and beginning or ending like one."""
    folded = normalise(text).strip()
    return bool(_FOLLOW_UP.match(folded) or _TAIL.search(folded)) and _width(folded) <= SHORT * 2


def _width(text: str) -> int:
    """Length with Han counted double."""
    return sum(2 if ord(char) > 0x2E80 else 1 for char in text)


def last_question(turns: Sequence[Turn]) -> str:
    """What the customer asked last, as it was understood then; "" when nothing was asked yet."""
    for turn in reversed(turns):
        asked = turn.author is Author.CUSTOMER and not turn.payload.get("action")
        if asked and _width(turn.text) > 4 and guard(turn.text, 200).remark is None:
            joined = turn.payload.get("question")
            return str(joined or turn.text)
    return ""
