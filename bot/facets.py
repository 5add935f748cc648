"""What kind of thing a question asks for (how long, how much, who, the steps ...), and its parts when it asks for several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from base.text import normalise, split_sentences


class Facet(StrEnum):
    """What an answer has to hold."""

    HOW = "how"  # steps
    DURATION = "duration"
    PRICE = "price"
    APPROVAL = "approval"
    MEANING = "meaning"
    OTHER = "other"


_ASKED = (
    (
        Facet.APPROVAL,
        r"\bwho\b[^?]*\bapprov|\bapprov\w*[^?]*\b(?:needed|required|necessary)\b|\bneed\w*[^?]*\bapprov|"
        r"谁(?:来|去)?(?:审批|批准|批)|(?:要不要|需要|需不需要|要)[^？?，,]{0,6}(?:审批|批准)|(?:审批|批准)人",
    ),
    (
        Facet.DURATION,
        r"\bhow (?:long|soon|fast|quickly|many (?:days|hours|weeks))\b|多久|多长时间|几天|几个?小时|多少天|"
        r"几个?工作日|什么时候能",
    ),
    (
        Facet.PRICE,
        r"\bhow much (?:does|do|is|are|will|would|money)\b|\bwhat (?:does|do|will|would)\b[^?.]{0,60}\bcosts?\b|"
        r"\b(?:price|cost|fee)s? (?:of|for)\b|\bwhat(?:'s| is| are) the [^?.]{0,20}\b(?:price|cost|fee)s?\b|多少钱|"
        r"(?:价格|费用|收费)[^，。？?,]{0,4}(?:多少|怎么|如何|标准)|怎么收费|收费吗|免费吗|要(?:不要)?(?:花|付|交)?钱吗",
    ),
    (Facet.MEANING, r"\bmeans?\b|\bmeaning\b|\bwhat is\b|什么意思|是什么|含义|代表什么"),
    (
        Facet.HOW,
        r"\bhow (?:do|can|to|should|would|does one)\b|\bwhat (?:do|should|can) (?:i|we) do\b|怎么|怎样|如何|咋",
    ),
)
_HELD = {
    Facet.APPROVAL: r"\b(?:managers?|heads?|supervisors?|owners?|leads?|directors?|team)\b[^.]{0,60}\bapprov|approv\w*[^.]{0,30}"
    r"\b(?:by|from|of)\b|\b(?:have|has|needs?|must|requires?|no|without)\b[^.]{0,20}approv|"
    r"(?:经理|负责人|主管|领导|总监|部门|管理员)[^。]{0,12}(?:审批|批准)|(?:无需|不需要?|不用|需要?|"
    r"要)[^。]{0,8}(?:审批|批准)|"
    r"由[^。]{1,12}(?:审批|批准)",
    Facet.DURATION: r"\b\d+(?:[-–]\d+)? (?:working |business )?(?:minutes?|hours?|days?|weeks?|months?)\b|"
    r"\d+ ?(?:个)?(?:至|到|-|~)? ?\d* ?(?:个)?(?:工作日|天|小时|分钟|周|个?月)|"
    r"[一二两三四五六七八十]+(?:个)?(?:工作日|天|小时|分钟|周)|"
    r"\b(?:immediately|at once|same day|overnight|next (?:working|business) day|an hour)\b|立即|马上|当天|实时|次日",
    Facet.PRICE: r"(?:cny|rmb|usd|eur|[¥$€]) ?\d|\d[\d,]* ?(?:元|yuan|dollars?)|\bfree of charge\b|\bis free\b|免费|不收费",
    Facet.HOW: r"(?m)^\s*1[.)、] ",
}  # fmt: skip
# Who asks for one of these is not helped by an article that holds none at all. For the rest the patterns miss too much.
HARD = frozenset({Facet.PRICE, Facet.DURATION, Facet.APPROVAL})
_HEADED = {  # a heading, or the head of a table, that announces it
    Facet.APPROVAL: r"\bapprov|审批|批准",
    Facet.DURATION: r"\bhow long\b|\btimes?\b|\bdeliver|\bduration\b|\bdeadlines?\b|多久|时间|时长|时限|期限|到货",
    Facet.PRICE: r"\bcosts?\b|\bprices?\b|\bfees?\b|\bcharges?\b|\bpays?\b|费用|价格|收费|金额",
}
_ASKED_COMPILED = tuple((facet, re.compile(pattern, re.IGNORECASE)) for facet, pattern in _ASKED)
_HELD_COMPILED = {facet: re.compile(pattern, re.IGNORECASE) for facet, pattern in _HELD.items()}
_HEADED_COMPILED = {facet: re.compile(pattern, re.IGNORECASE) for facet, pattern in _HEADED.items()}
_JOINT = re.compile(
    r"(?:,|，|、|；|;|。)?\s*(?:\b(?:and|or)\b(?= (?:also )?(?:how|who|what|when|where|which|why|do|does|can|is|are|will)\b)|"
    r"(?:以及|并且|还有|另外|而且))\s*|[,，、；;]\s*(?=(?:[^,，、；;。？?]{0,8})(?:多久|多少|几天|谁|怎么|"
    r"如何|哪里|哪儿|什么|要不要|能不能))",
    re.IGNORECASE,
)  # fmt: skip
_ASKING = re.compile(
    r"\b(?:how|who|whom|what|when|where|which|why)\b|[?？]|多久|多少|几[个天位]|谁|怎么|如何|怎样|"
    r"哪[里儿个]|什么|吗|要不要|能不能|是否",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One thing a question asks."""

    text: str
    facets: tuple[Facet, ...]


@lru_cache(maxsize=256)  # of one question it is asked several times
def parts(question: str, most: int = 3) -> tuple[Part, ...]:
    """What a question asks, one part for each kind of thing; most questions have one part."""
    pieces = [piece for sentence in split_sentences(question) for piece in _JOINT.split(sentence)]
    asking = [piece.strip() for piece in pieces if piece and _ASKING.search(piece)]
    found = [Part(piece, asked) for piece in asking if (asked := facets(piece))]
    distinct = {part.facets[0]: part for part in reversed(found)}
    if len(distinct) < 2:
        return (Part(question, facets(question)),)
    return tuple(part for part in found if distinct[part.facets[0]] is part)[:most]


@lru_cache(maxsize=1024)
def facets(text: str) -> tuple[Facet, ...]:
    """The kinds of things a text asks for, the most telling first."""
    folded = normalise(text)
    return tuple(facet for facet, pattern in _ASKED_COMPILED if pattern.search(folded))


def holds(text: str, facet: Facet) -> bool:
    """Whether a text has what a question of this kind asks for."""
    pattern = _HELD_COMPILED.get(facet)
    return pattern is not None and pattern.search(text) is not None


def announces(heading: str, facet: Facet) -> bool:
    """Whether a heading, or the head of a table, says that this kind of thing follows."""
    pattern = _HEADED_COMPILED.get(facet)
    return pattern is not None and pattern.search(heading) is not None
