"""The hard facts in a text, in forms that can be compared: quantities, dates, times, codes, addresses, weekdays.

Chinese and English ways of writing the same thing give the same fact: 十五分钟 and "15 min", 下午3点 and "15:00",
百分之三十 and "30%", "CNY 5,000" and 5000元. What a fact stands in (a code, a date) does not count as a bare number too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from bot.numerals import HAN_NUMERAL, WORD_NUMERAL, plain_number, read_han, read_words

_UNIT_WORDS = {
    "second": "seconds? secs? s 秒钟 秒",
    "minute": "minutes? mins? 分钟",
    "hour": "hours? hrs? h 小时 钟头",
    "working_hour": "working[ -]hours? business[ -]hours? 工作小时",
    "day": "days? 天 日",
    "working_day": "working[ -]days? business[ -]days? workdays? 工作日",
    "week": "weeks? 星期 礼拜 周",
    "month": "months? 月",
    "year": "years? 年",
    "%": "% percent per[ ]cent",
    "CNY": "元 块钱 块 yuan rmb cny 人民币",
    "USD": "美元 美金 dollars? usd",
    "EUR": "欧元 euros? eur",
    "kb": "kb",
    "mb": "mb 兆",
    "gb": "gb",
    "tb": "tb",
    "character": "characters? chars? digits? letters? 字符 位 字",
    "time": "times attempts? tries retries 次 遍",
    "person": "people persons? users? employees? colleagues? 用户 员工 人",
    "sheet": "sheets? pages? 张 页",
    "metre": "metres? meters? 米",
    "km": "km kilomet(?:re|er)s? 公里 千米",
    "kg": "kg kilograms? 公斤 千克",
}
_MEASURES = "个 台 条 种 项 份 步 倍 部 件 款 套 名 位 家 组 只 根 支 层 级 轮 批 把 块 道 座 封".split()
_UNITS = [
    (re.compile(word.replace("_", " ")), unit)
    for unit, words in _UNIT_WORDS.items()
    for word in words.replace("[ ]", "_").replace("[ -]", "[_-]").split()
]


def _one_of(words: Iterator[str] | list[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_LATIN_UNIT = _one_of([p.pattern for p, _ in _UNITS if p.pattern[0].isascii() and p.pattern != "%"])
_HAN_UNIT = _one_of([p.pattern for p, _ in _UNITS if not p.pattern[0].isascii()])
UNIT = rf"(?:%|(?:{_LATIN_UNIT})(?![a-z])|个?(?:{_HAN_UNIT}))"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SCALE = r"\s?(?:万|千|百|亿|thousand|million|k(?![a-z]))"
_MONEY = {"¥": "CNY", "cny": "CNY", "rmb": "CNY", "人民币": "CNY", "$": "USD", "us$": "USD", "usd": "USD", "€": "EUR",
          "eur": "EUR", "£": "GBP", "gbp": "GBP"}  # fmt: skip
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAYS = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 7}
_HAN_WEEKDAYS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "日": 7, "天": 7, "末": 6}

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\[\]\"'`|\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+", re.IGNORECASE)
_EMAIL = re.compile(r"[a-z0-9][\w.+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
_ALWAYS = re.compile(r"(?<!\d)(?:24\s?[x*/×]\s?7|7\s?[x*/×]\s?24)(?:小时)?(?!\d)")
_DATES = (
    re.compile(r"(?P<y>(?:19|20)\d\d)[-/.](?P<m>0?[1-9]|1[0-2])[-/.](?P<d>0?[1-9]|[12]\d|3[01])(?!\d)"),
    re.compile(r"(?:(?P<y>(?:19|20)\d\d)年)?(?P<m>0?[1-9]|1[0-2])月(?P<d>0?[1-9]|[12]\d|3[01])[日号]"),
    re.compile(r"(?P<y>(?:19|20)\d\d)年(?:(?P<m>0?[1-9]|1[0-2])月)?(?P<d>)"),
    re.compile(
        rf"(?<![a-z])(?P<m>{_MONTH})\.?\s(?P<d>[12]?\d|3[01])(?:st|nd|rd|th)?(?!\d)(?:,?\s(?P<y>(?:19|20)\d\d))?"
    ),
    re.compile(
        rf"(?<!\d)(?P<d>[12]?\d|3[01])(?:st|nd|rd|th)?\s(?:of\s)?(?P<m>{_MONTH})(?![a-z])(?:,?\s(?P<y>(?:19|20)\d\d))?"
    ),
    re.compile(rf"(?<![a-z])(?P<m>{_MONTH})\s(?P<y>(?:19|20)\d\d)(?P<d>)"),
)
_TIMES = (
    re.compile(
        r"(?P<half>上午|下午|晚上|早上|中午|凌晨)?\s?(?<![\d:])(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?::[0-5]\d)?(?![\d:])\s?(?P<noon>[ap]\.?m\b)?"
    ),
    re.compile(r"(?P<half>)(?<![\d.,:-])(?P<h>1[0-2]|[1-9])(?P<m>)\s?(?P<noon>[ap]\.?m\b)"),
    re.compile(
        r"(?P<half>上午|下午|晚上|早上|中午|凌晨)?\s?(?<![\d.])(?P<h>[01]?\d|2[0-4]|[一二三四五六七八九十]{1,3})[点时](?!间|候|长)(?:钟|整)?(?P<m>[0-5]?\d(?=分)|半)?(?:分(?!钟))?(?P<noon>)"
    ),
)
_FRACTION = re.compile(r"([一二三四五六七八九十\d]+)分之([一二三四五六七八九十\d]+)")
_WORD_FRACTION = re.compile(
    r"(?<![a-z])(?:(?P<n>one|two|three|a)[ -](?P<d>third|quarter|fifth|tenth)s?|(?P<half>half)|一半)(?![a-z])"
)
_HAN_PERCENT = re.compile(rf"百分之({HAN_NUMERAL}|\d+(?:\.\d+)?)")
_PREFIXED = re.compile(
    rf"(?<![a-z])({'|'.join(map(re.escape, sorted(_MONEY, key=len, reverse=True)))})\s?({_NUMBER})({_SCALE})?"
)
_PHONE = re.compile(r"(?<![\w.])\+?\(?\d{2,4}\)?(?:[- ]\d{3,8}){1,3}(?![\w-])")
_DOTTED = re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?::\d+)?(?![\w])")
_CODE = re.compile(r"(?<![a-z0-9])[a-z0-9]+(?:[-_./\\#:+@][a-z0-9]+)*(?![a-z0-9])")
_ATTACHED = re.compile(rf"({_NUMBER})-?({_LATIN_UNIT}|st|nd|rd|th|k)")
_RANGE = re.compile(rf"(?<![\d.,])({_NUMBER})\s?(?:-|–|—|~|～|to|至|到)\s?({_NUMBER})({_SCALE})?\s?({UNIT})?")
_PLAIN = re.compile(rf"(?<![\d.,])({_NUMBER})({_SCALE})?\s?({UNIT})?")
_SPELT_HAN = re.compile(rf"({HAN_NUMERAL})(?:来|多|几)?\s?(?:({UNIT})|({'|'.join(_MEASURES)}))")
_SPELT = re.compile(rf"(?<![a-z])({WORD_NUMERAL})(?![a-z])[\s-]?({UNIT})?")
_A_UNIT = re.compile(r"(?<![a-z])an?\s(second|minute|hour|day|week|month|year)(?![a-z])")
_TWICE = re.compile(r"(?<![a-z])(?:twice|thrice)(?![a-z])")
_LATIN_DAY = re.compile(r"(?<![a-z])(mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?s?(?![a-z])")
_HAN_DAY = re.compile(r"(?:周|星期|礼拜)([一二三四五六日天末])")

_GONE = "\x01"

_MOST = re.compile(
    r"(?:at most|maximum(?: of)?|max\.?|up to|no (?:more|later|longer) than|not (?:more|later|longer) than|(?:not|never) exceed|"
    r"less than|fewer than|under|below|within|"
    r"不得?超过|最多|至多|最长|上限为?|不(?:大|多|高|晚)于|小于|少于|不到|低于)\s*(?:的|为|cny|¥|\$)?\s*$"
)
_LEAST = re.compile(
    r"(?:at least|minimum(?: of)?|min\.?|no (?:less|fewer) than|not less than|more than|over|above|longer than|"
    r"至少|不(?:少|低|小)于|最少|最短|下限为?|大于|多于|高于|超过)\s*(?:的|为|cny|¥|\$)?\s*$"
)
_MOST_AFTER = re.compile(r"^\s*(?:or (?:less|fewer|shorter|below)|以内|之内|内|以下)")
_LEAST_AFTER = re.compile(r"^\s*(?:or (?:more|longer|above|later)|以上|起)")
_BEYOND_THAT = re.compile(r"(?:above|over|beyond|more than) (?:that|this)|超[过出]的?部分|超出时|超过时", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quantity:
    value: str  # "15", "0.5", "1000"
    unit: str  # canonical, "" when none is known
    bound: str  # "most", "least" or ""


@dataclass(slots=True)
class Facts:
    """What a text states that can be looked up. Collected by `facts`; not changed afterwards."""

    quantities: set[Quantity] = field(default_factory=set)
    codes: set[str] = field(
        default_factory=set
    )  # error codes, versions, phone numbers, file names: as written, squeezed
    addresses: set[str] = field(default_factory=set)  # URLs without scheme, e-mail addresses
    dates: set[tuple[int, int, int]] = field(default_factory=set)  # year, month, day; 0 where it is not said
    times: set[int] = field(default_factory=set)  # minutes since midnight
    fractions: set[tuple[int, int]] = field(default_factory=set)
    weekdays: set[int] = field(default_factory=set)


@lru_cache(maxsize=256)
def facts(text: str) -> Facts:
    """The facts of a text. About 0.2 ms for 500 characters; the last 256 texts are remembered."""
    found = Facts()
    rest = unicodedata.normalize("NFKC", text).casefold().replace("℃", "c")
    for step in _STEPS:
        rest = step(rest, found)
    if _BEYOND_THAT.search(text):  # "up to 5,000; above that ..." speaks of both sides of 5,000
        found.quantities |= {replace(q, bound="least") for q in found.quantities if q.bound == "most"}
    return found


def _each(pattern: re.Pattern[str], rest: str, take: Callable[[re.Match[str]], bool | None]) -> str:
    """Run `take` on each match and blot it out (what is around it keeps its distance), unless it says False."""

    def blank(match: re.Match[str]) -> str:
        return match.group() if take(match) is False else _GONE * len(match.group())

    return pattern.sub(blank, rest)


def _addresses(rest: str, found: Facts) -> str:
    def take(match: re.Match[str]) -> None:
        found.addresses.add(re.sub(r"^(?:https?://)?(?:www\.)?", "", match.group().rstrip(".,;:!?)]}*_")).rstrip("/"))

    return _each(_EMAIL, _each(_ADDRESS, rest, take), take)


def _moments(rest: str, found: Facts) -> str:
    def date(match: re.Match[str]) -> None:
        month = match["m"] or "0"
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
        found.dates.add((int(match["y"] or 0), number, int(match["d"] or 0)))

    def time(match: re.Match[str]) -> None:
        hour = int(match["h"]) if match["h"].isdigit() else read_han(match["h"])
        minute = 30 if match["m"] == "半" else int(match["m"] or 0)
        late = match["half"] in ("下午", "晚上") or (match["noon"] or "").startswith("p")
        if late and hour < 12:
            hour += 12
        elif (match["noon"] or "").startswith("a") and hour == 12:
            hour = 0
        found.times.add(hour * 60 + minute)

    def always(_match: re.Match[str]) -> None:
        found.codes.add("24/7")

    rest = _each(_ALWAYS, rest, always)
    for pattern in _DATES:
        rest = _each(pattern, rest, date)
    for pattern in _TIMES:
        rest = _each(pattern, rest, time)
    rest = _each(_LATIN_DAY, rest, lambda match: found.weekdays.add(_WEEKDAYS[match[1]]))
    return _each(_HAN_DAY, rest, lambda match: found.weekdays.add(_HAN_WEEKDAYS[match[1]]))


def _shares(rest: str, found: Facts) -> str:
    def han_percent(match: re.Match[str]) -> None:
        found.quantities.add(Quantity(str(read_han(match[1])) if not match[1][0].isdigit() else match[1], "%", ""))

    def fraction(match: re.Match[str]) -> None:
        below, above = (int(part) if part.isdigit() else read_han(part) for part in match.groups())
        found.fractions.add((above, below))

    def spelt(match: re.Match[str]) -> None:
        below = {"third": 3, "quarter": 4, "fifth": 5, "tenth": 10}.get(match["d"] or "", 2)
        found.fractions.add(({"two": 2, "three": 3}.get(match["n"] or "", 1), below))

    rest = _each(_HAN_PERCENT, rest, han_percent)
    return _each(_WORD_FRACTION, _each(_FRACTION, rest, fraction), spelt)


def _codes(rest: str, found: Facts) -> str:
    def money(match: re.Match[str]) -> None:
        value = plain_number(match[2], match[3])
        found.quantities.add(Quantity(value, _MONEY[match[1]], _bound(rest, match.start(), match.end())))

    def long_number(match: re.Match[str]) -> bool:
        digits = re.sub(r"\D", "", match.group())
        if len(digits) < 7:
            return False
        found.codes.add(digits)
        return True

    def dotted(match: re.Match[str]) -> None:
        found.codes.add(match.group())

    def code(match: re.Match[str]) -> bool:
        word = match.group()
        if word.isalpha() or not any(char.isalpha() for char in word) or _ATTACHED.fullmatch(word):
            return False
        if not any(char.isdigit() for char in word) and not re.search(r"[_\\#:@]|\.[a-z]{2,4}$", word):
            return False
        found.codes.add(squeezed(word))
        return True

    rest = _each(_PREFIXED, rest, money)
    rest = _each(_PHONE, rest, long_number)
    return _each(_CODE, _each(_DOTTED, rest, dotted), code)


def _numbers(rest: str, found: Facts) -> str:
    def note(match: re.Match[str], value: str, unit: str | None) -> None:
        found.quantities.add(Quantity(value, unit_of(unit or ""), _bound(rest, match.start(), match.end())))

    def attached(match: re.Match[str]) -> bool:
        both = _ATTACHED.fullmatch(match.group())
        if both is None:
            return False
        ordinal = both[2] in ("st", "nd", "rd", "th", "k")
        note(match, plain_number(both[1], "k" if both[2] == "k" else None), "" if ordinal else both[2])
        return True

    def span(match: re.Match[str]) -> None:
        for part in (match[1], match[2]):
            note(match, plain_number(part, match[3], exact=not match[4]), match[4])

    def plain(match: re.Match[str]) -> None:
        note(match, plain_number(match[1], match[2], exact=not match[3]), match[3])

    rest = _each(_CODE, rest, attached)
    rest = _each(_RANGE, rest, span)
    return _each(_PLAIN, rest, plain)


def _spelt(rest: str, found: Facts) -> str:
    def han(match: re.Match[str]) -> None:
        value, unit = read_han(match[1]), unit_of(match[2] or "")
        if value > 1 or unit not in ("", "time", "character", "sheet", "person"):  # 一个, 一次, 一下: hardly a number
            found.quantities.add(Quantity(str(value), unit, _bound(rest, match.start(), match.end())))

    def words(match: re.Match[str]) -> None:
        value, unit = read_words(match[1]), unit_of(match[2] or "")
        if value > 1 or unit not in ("", "time", "person", "sheet", "character"):
            found.quantities.add(Quantity(str(value), unit, _bound(rest, match.start(), match.end())))

    rest = _each(_SPELT_HAN, rest, han)
    rest = _each(_A_UNIT, rest, lambda match: found.quantities.add(Quantity("1", match[1], "")))
    rest = _each(_TWICE, rest, lambda m: found.quantities.add(Quantity("2" if m[0] == "twice" else "3", "time", "")))
    return _each(_SPELT, rest, words)


_STEPS = (_addresses, _shares, _moments, _codes, _numbers, _spelt)


def unit_of(word: str) -> str:
    """The canonical name of a unit as written; "" for one that is not known."""
    bare = word.strip().removeprefix("个")
    return next((unit for pattern, unit in _UNITS if pattern.fullmatch(bare)), "")


def squeezed(text: str) -> str:
    """Without blanks, hyphens and emphasis, folded: for finding a name or a code however it is set."""
    return re.sub(r"[\s\-*`_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _bound(text: str, start: int, end: int) -> str:
    before, after = text[max(0, start - 24) : start], text[end : end + 12]
    if _MOST.search(before) or _MOST_AFTER.match(after):
        return "most"
    return "least" if _LEAST.search(before) or _LEAST_AFTER.match(after) else ""
