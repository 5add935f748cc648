"""One script for comparing Chinese: what is written in traditional characters, as it would be written in simplified ones.

Never for showing: a customer reads an article as it was written. The dictionaries are OpenCC's.
"""

from __future__ import annotations

import operator
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC

# Share of characters that a text must have in traditional form before its words are read as Taiwan's, too (軟體 is 软件,
# 印表機 is 打印机): in a simplified article that quotes a line, 程序 and 文件 must stay what they are.
TRADITIONAL_SHARE = 0.1
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF))  # rarer ones beyond would make the pattern below 100 times slower

_IN_WORDS = (
    "瞭藉著覆乾徵"  # these stand in simplified texts, too, and change only within a word: 瞭解 is 了解, 瞭望 stays
)


def simplified(text: str) -> str:
    """The text in simplified characters, with the mainland's words for Taiwan's where it is written that way.

    A text without traditional characters comes back as it is. text: valid Unicode, no lone surrogates.
    """
    if text.isascii() or _traditional().search(text) is None:
        return text
    found = _convert("t2s", text)
    changed = sum(map(operator.ne, text, found))
    if changed < 2 or changed < len(text) * TRADITIONAL_SHARE:
        return found
    return _convert("tw2sp", text)


def _convert(config: str, text: str) -> str:
    found: str = _converter(config).convert(text)
    return found


@cache  # made when first needed: it takes some 30 ms, a conversion a few microseconds
def _converter(config: str) -> OpenCC:
    from opencc import OpenCC

    return OpenCC(config)


@cache
def _traditional() -> re.Pattern[str]:
    """Any character that is written otherwise in simplified script: most texts have none, and are done with at once."""
    every = [chr(code) for first, last in _HAN for code in range(first, last + 1)]
    pairs = zip(every, _convert("t2s", "\n".join(every)).split("\n"), strict=True)
    return re.compile(f"[{_IN_WORDS}{''.join(char for char, found in pairs if char != found)}]")
