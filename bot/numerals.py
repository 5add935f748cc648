"""Numbers as people write them, read: 二十五, "twenty-five", "1,000", 5万."""

from __future__ import annotations

from decimal import Decimal

_DIGITS = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_PLACES = {"十": 10, "百": 100, "千": 1000}
_WORDS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen".split()
    )
} | {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_SCALES = {"百": 100, "千": 1000, "k": 1000, "thousand": 1000, "万": 10_000, "million": 1_000_000, "亿": 100_000_000}

HAN_NUMERAL = "[零〇一二两三四五六七八九十百千万]+"
_UNIT_WORDS = "one|two|three|four|five|six|seven|eight|nine"
WORD_NUMERAL = (
    rf"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ -](?:{_UNIT_WORDS}))?|(?:six|seven|eight|nine)teen|"
    rf"thirteen|fourteen|fifteen|ten|eleven|twelve|{_UNIT_WORDS}"
)


def read_han(text: str) -> int:
    """The value of a Chinese numeral: 十五 is 15, 两百零三 203, 三万 30000. A row of digits reads as one: 二〇二六."""
    if all(char in _DIGITS for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _PLACES:
            section += (digit or (1 if section == 0 else 0)) * _PLACES[char]
            digit = 0
        else:  # 万
            total += ((section + digit) or 1) * 10_000
            section = digit = 0
    return total + section + digit


def read_words(text: str) -> int:
    """The value of an English numeral below a hundred: "twenty-five" is 25."""
    return sum(_WORDS[part] for part in text.replace("-", " ").split())


def plain_number(text: str, scale: str | None = None, *, exact: bool = False) -> str:
    """Digits as comparable text: "1,000" is "1000", "5" with scale 万 is "50000", "2.50" is "2.5" unless `exact`.

    exact: for what may be a version or a code, where 7.10 is not 7.1. A leading zero always stays (021 is no 21).
    """
    bare = text.replace(",", "")
    if scale:
        return _canonical(Decimal(bare) * _SCALES[scale.strip()])
    if exact or "." not in bare or (bare.startswith("0") and not bare.startswith("0.")):
        return bare
    return _canonical(Decimal(bare))


def _canonical(value: Decimal) -> str:
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
