"""Whether a sentence says the opposite of its source: a "not" too many or too few, or the other half of a pair."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from base.text import normalise, split_sentences
from bot.content import content

# Words that look like a negation and are none; comparisons ("no more than") are bounds of a number, see `facts`.
_NO_NEGATION = re.compile(
    r"no (?:more|less|fewer|later|longer|earlier) than|not (?:more|less|later|earlier|longer) than|not only|no\. ?\d|not exceed|"
    r"不得?超过|不(?:少|多|大|小|低|高|早|晚)于|不仅|不但|不断|不久|不同|不足|不管|不论|不妨|不过|不错|不一定|差不多|不得不|"
    r"未来|特别|分别|区别|级别|类别|个别|识别|鉴别|辨别|判别|别名|别的|没关系|没问题|没错|无线|无论|无纸|非常|除非|并非常"
)
_NEGATION = re.compile(
    r"(?<![a-z])(?:not|no|never|cannot|without|neither|nor|none|nothing|unable|avoid|[a-z]+n['’]t)(?![a-z])|"
    r"不|没|无法|无需|无须|无权|无效|禁止|严禁|避免|未|勿|非|别(?=再|用|让|把|在|关|点|删|重|动|输|发|告)|"
    r"(?<=请)别"
)
_CLAUSE = re.compile(
    r"[,，;；:：。!！?？、()（）\n]|\.(?=\s|$)|(?<![a-z])(?:but|however|although|otherwise)(?![a-z])|但是?|不过|否则|而是?"
)
_PAIRS = tuple(
    tuple(re.compile(rf"(?<![a-z])(?:{side})(?![a-z])" if side[0].isascii() else side) for side in pair.split(" / "))
    for pair in (
        r"enabl(?:e|es|ed|ing) / disabl(?:e|es|ed|ing)",
        r"allow(?:s|ed)?|permit(?:s|ted)? / forbid(?:s|den)?|prohibit(?:s|ed)?|block(?:s|ed)?",
        r"increas(?:e|es|ed|ing) / decreas(?:e|es|ed|ing)|reduc(?:e|es|ed|ing)",
        r"before / after",
        r"optional / required|mandatory|compulsory",
        r"faster|quicker / slower",
        r"lock(?:s|ed)? / unlock(?:s|ed)?",
        r"install(?:s|ed)? / uninstall(?:s|ed)?",
        r"connect(?:s|ed)? / disconnect(?:s|ed)?",
        r"(?:turn|switch)(?:ed)? on / (?:turn|switch)(?:ed)? off",
        r"free(?: of charge)? / charged|paid",
        r"(?<!新)启用|开启|打开 / 停用|禁用|关闭",
        r"允许 / 禁止|拦截|阻止",
        r"增加|提高 / 减少|降低",
        r"之前|以前 / 之后|以后",
        r"可选 / 必填|必须",
        r"更快 / 更慢",
        r"免费 / 收费|付费",
        r"(?<!解除)锁定 / 解锁|解除锁定",
        r"(?<!卸)安装 / 卸载",
    )
)
OVERLAP = 0.5  # from here on a clause speaks of the same thing
LEAD = 0.25  # by which the opposite must fit better to be taken for the source


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    tokens: frozenset[str]
    negated: bool


def contradicts(sentence: str, source: str, *, same_language: bool) -> bool:
    """Whether a negation of one has no counterpart in the other, or the other half of a pair of opposites stands there.

    In two languages only whether the source negates anything at all can be compared.
    """
    said, known = clauses(sentence), clauses(source)
    if any(clause.negated for clause in said) and not any(clause.negated for clause in known):
        return True
    if not same_language:
        return False
    return _opposite_word(normalise(sentence), normalise(source)) or any(_turned(clause, known) for clause in said)


def _turned(clause: _Clause, known: tuple[_Clause, ...]) -> bool:
    """Whether the clause fits its source only with the other sign, or fits best what says it with the opposite word."""
    if not clause.tokens:
        return False
    shares = [(len(clause.tokens & other.tokens) / len(clause.tokens), other) for other in known]
    same = max((share for share, other in shares if other.negated is clause.negated), default=0.0)
    flipped = max((share for share, other in shares if other.negated is not clause.negated), default=0.0)
    if flipped >= OVERLAP and flipped > same + LEAD:
        return True
    nearest = [other.text for share, other in shares if share >= OVERLAP and share == max(same, flipped)]
    return bool(nearest) and all(_opposite_word(clause.text, text) for text in nearest)


def _opposite_word(sentence: str, source: str) -> bool:
    for left, right in _PAIRS:
        for one, other in ((left, right), (right, left)):
            if one.search(sentence) and not one.search(source) and other.search(source) and not other.search(sentence):
                return True
    return False


@lru_cache(maxsize=256)
def clauses(text: str) -> tuple[_Clause, ...]:
    """The clauses of a text with their content words, and whether each is negated."""
    found = []
    for sentence in split_sentences(text):
        folded = _NO_NEGATION.sub(lambda match: " " * len(match.group()), normalise(sentence))
        for part in _CLAUSE.split(folded):
            if part.strip():
                negated = _NEGATION.search(part) is not None
                found.append(_Clause(part, frozenset(content(_NEGATION.sub(" ", part))), negated))
    return tuple(found)
