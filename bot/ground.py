"""Every sentence cited and supported, or dropped (promise 5). Deterministic; knows nothing of how the text came about.

`facts` says what can be looked up in a sentence, `polarity` whether it turns its source round; here both are held
against the passages that the sentence cites.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from base.text import normalise, split_sentences, tokens
from bot.content import content
from bot.facts import Facts, Quantity, facts, squeezed
from bot.polarity import contradicts

MARKER = re.compile(r"\s*\[(\d{1,2})\]")
_MARKERS = re.compile(r"[\[【［]\^?\s*(\d{1,2}(?:\s*[,，、;]\s*\^?\d{1,2})*)\s*[\]】］](?!\()")
_GLUED = re.compile(r"([.!?])\[(?=\d)")
_LEADING_MARKERS = re.compile(r"(?:\s*\[\d{1,2}\])+[.。]?\s*")
_LIST_MARK = re.compile(
    r"^\s*(?:(?:[-*+•]|\d{1,2}[.)、])\s+)?(?:\*\*)?(?:step\s\d+|第[一二三四五六七八九十\d]+步)?", re.IGNORECASE
)
_MARKUP = re.compile(r"</?[a-z!][^>]*>|(?:javascript|vbscript|data)\s*:|!\[", re.IGNORECASE)
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_QUOTED = re.compile(r"[“「『《]([^”」』》\n]{1,60})[”」』》]|\"([^\"\n]{1,60})\"")
# What the bot has no hands to do and no clock behind: such a sentence never leaves.
_PROMISE = re.compile(
    r"\b(?:I|we)(?:'ve|'ll|’ve|’ll| have| will| am going to|'m going to| can)\s+(?:now\s+|already\s+|just\s+)?(?:reset|unlock|"
    r"refund|cancel|change|update|create|send|sent|escalat|contact|call|fix|schedul|order|delete|disable|enable|remov|"
    r"notif|inform|forward|arrang|process|transfer)|(?:我们?|本人|系统)(?:已经?|会|将|马上|这就|正在|可以)(?:为您|帮您|给您|替您)?"
    r"(?:重置|解锁|退款|取消|修改|更新|创建|发送|联系|修复|安排|下单|删除|停用|启用|处理|通知|转接|上报|升级)",
    re.IGNORECASE,
)
_CAPITALS = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{2,}[A-Za-z0-9]*|[A-Z]?[a-z]+[A-Z][A-Za-z0-9]*)(?![a-z0-9])")
_PROPER = re.compile(r"(?<=[a-z0-9,”\")\]] )([A-Z][a-z]{2,})(?![A-Za-z])")  # a capital in the middle of a sentence
_LATIN_IN_HAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,}(?![A-Za-z0-9])")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORDS_OF_EVERYBODY = frozenset("ok id app pc it web wifi email mail vs am pm".split())
MIN_SUPPORT = 0.5  # share of a sentence's content tokens that its passages must hold; same language only
MAX_SENTENCE = 1000  # characters; what is longer was not written for a customer
_MIN_SUPPORT_HAN = 0.4  # pairs of characters break at every word a paraphrase changes


@dataclass(frozen=True, slots=True)
class Checked:
    sentence: str
    supported: bool
    # Why not: too_long, promise, markup, uncited, unknown_source, url, number, date, name, quote, negation, words.
    reason: str = ""


def check_sentence(sentence: str, passages: Mapping[int, str], *, same_language: bool = True) -> Checked:
    """Whether the passages a sentence cites say what it says.

    passages: text (with title and headings) by marker number. Numbers with their units, dates, times, codes, URLs,
    names, quoted words and negations must occur in them; the words too, unless the sentence is in another language.
    """
    return Checked(sentence, not (reason := _objection(sentence, passages, same_language)), reason)


def check_text(text: str, passages: Mapping[int, str], *, same_language: bool = True) -> list[Checked]:
    """`check_sentence` for each sentence of a text. List marks and bold do not matter."""
    return [check_sentence(s, passages, same_language=same_language) for s in sentences_with_markers(text)]


def _objection(sentence: str, passages: Mapping[int, str], same_language: bool) -> str:
    """The first reason against a sentence; "" when there is none. Cheap ones first."""
    if len(sentence) > MAX_SENTENCE:
        return "too_long"
    cited = [int(n) for n in MARKER.findall(with_plain_markers(sentence))]
    plain = _LIST_MARK.sub("", MARKER.sub("", with_plain_markers(sentence))).replace("**", "").strip()
    if _PROMISE.search(plain):
        return "promise"
    if not cited:
        return "uncited"
    if any(n not in passages for n in cited):
        return "unknown_source"
    source = "\n".join(passages[n] for n in dict.fromkeys(cited))
    if any(squeezed(found) not in squeezed(source) for found in _MARKUP.findall(plain)):
        return "markup"
    said, known = facts(plain), facts(source)
    if not said.addresses <= known.addresses | _hosts(known.addresses):
        return "url"
    if not _numbers_stand(said, known):
        return "number"
    if not _moments_stand(said, known):
        return "date"
    if not _names_stand(plain, said, source, known, same_language):
        return "name"
    if not _quotes_stand(plain, source, same_language):
        return "quote"
    if contradicts(plain, source, same_language=same_language):
        return "negation"
    least = _MIN_SUPPORT_HAN if _HAN.search(plain) else MIN_SUPPORT
    return "words" if same_language and support(plain, source) < least else ""


def _hosts(addresses: Iterable[str]) -> set[str]:
    return {address.partition("/")[0] for address in addresses if "@" not in address}


def _numbers_stand(said: Facts, known: Facts) -> bool:
    years = {str(year) for year, _, _ in known.dates}
    return said.fractions <= known.fractions and all(
        _quantity_stands(quantity, known) or (not quantity.unit and quantity.value in years)
        for quantity in said.quantities
    )


def _quantity_stands(quantity: Quantity, known: Facts) -> bool:
    """The same value, in the same unit or one without a known unit (a table's head has it), not bounded the other way."""
    same = [q for q in known.quantities if q.value == quantity.value]
    fitting = [q for q in same if q.unit == quantity.unit] or [q for q in same if not q.unit or not quantity.unit]
    opposite = {"most": "least", "least": "most"}.get(quantity.bound)
    return bool(fitting) and not (opposite and all(q.bound == opposite for q in fitting))


def _moments_stand(said: Facts, known: Facts) -> bool:
    dates = all(
        any(all(a in (0, b) for a, b in zip(date, other, strict=True)) for other in known.dates) for date in said.dates
    )
    return dates and said.times <= known.times and said.weekdays <= known.weekdays


def _names_stand(plain: str, said: Facts, source: str, known: Facts, same_language: bool) -> bool:
    """Codes, acronyms, product names; words with a capital inside an English sentence, Latin words inside a Chinese one."""
    squeezed_source = squeezed(source)
    if not all(code in known.codes or (len(code) > 3 and code in squeezed_source) for code in said.codes):
        return False
    folded = unicodedata.normalize("NFKC", plain)
    names = set(_CAPITALS.findall(folded))
    if _HAN.search(folded):
        names |= set(_LATIN_IN_HAN.findall(folded))
    elif same_language:
        names |= set(_PROPER.findall(folded))
    words = _latin_words(source)
    return all(_is_known_word(name.casefold(), words) for name in names)


@lru_cache(maxsize=256)
def _latin_words(source: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+(?:\d+[a-z]*)*", normalise(source))) | frozenset(tokens(source))


def _is_known_word(name: str, words: frozenset[str]) -> bool:
    if name in words or name in _WORDS_OF_EVERYBODY or name in _WEEKDAYS_AND_MONTHS:
        return True
    return bool(set(tokens(name)) & words) or name.removesuffix("s") in words


_WEEKDAYS_AND_MONTHS = frozenset(  # facts of their own
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep sept oct nov dec "
    "cny rmb usd eur gbp kb mb gb tb".split()
)


def _quotes_stand(plain: str, source: str, same_language: bool) -> bool:
    """Code stands as it is in the source; so do names of buttons and menus in quotation marks, unless translated."""
    there = squeezed(source)
    quotes = _CODE_SPAN.findall(plain)
    for han, latin in _QUOTED.findall(plain):
        quote = han or latin
        if same_language or not _HAN.search(quote) or _HAN.search(source):
            quotes.append(quote)
    return all(squeezed(part) in there for quote in quotes for part in re.split(r"[>›→,，。.]", quote) if part.strip())


def sentences_with_markers(text: str) -> list[str]:
    """Sentences, each with the markers that follow its end: "Do this. [1]" is one sentence, not two."""
    found: list[str] = []
    for sentence in split_sentences(_GLUED.sub(r"\1 [", with_plain_markers(text))):
        leading = _LEADING_MARKERS.match(sentence)
        if leading and found:
            found[-1] += " " + leading.group().strip()
            sentence = sentence[leading.end() :]
        if sentence.strip():
            found.append(sentence.strip())
    return found


def with_plain_markers(text: str) -> str:
    """Citations as [1][2], however a model wrote them: 【1】, [1, 2], [^1]."""
    if "[" not in text and "【" not in text and "［" not in text:
        return text
    return _MARKERS.sub(lambda match: "".join(f"[{n}]" for n in re.findall(r"\d+", match.group(1))), text)


def support(sentence: str, source: str) -> float:
    """Share of a sentence's distinct content tokens that occur in the source, in [0, 1]; 1 for one without any."""
    wanted = content(sentence)
    return len(wanted & _all_tokens(source)) / len(wanted) if wanted else 1.0


@lru_cache(maxsize=256)
def _all_tokens(source: str) -> frozenset[str]:
    return frozenset(tokens(source)) | frozenset(content(source))


def quoted(text: str, passages: Sequence[str]) -> bool:
    """Whether `text` stands word for word in one of the passages (blanks and bold marks aside)."""

    def bare(value: str) -> str:
        return re.sub(r"[\s*#]+", "", value)

    return any(bare(text) in bare(passage) for passage in passages)
