"""The wordings behind `support`, read from `support_words.toml`: what a question wants, what a text offers, and names
that exclude one another."""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any, Final


class Wanted(StrEnum):
    """The kind of thing a question asks for."""

    WHEN = "when"
    DURATION = "duration"
    MONEY = "money"
    COUNT = "count"
    WHO = "who"
    WHERE = "where"
    STEPS = "steps"
    WHY = "why"
    MEANING = "meaning"
    ALLOWED = "allowed"


def _read() -> dict[str, Any]:
    with Path(__file__).with_suffix(".toml").open("rb") as source:
        return tomllib.load(source)


def _offers(lists: dict[str, list[str]]) -> dict[Wanted, re.Pattern[str]]:
    number = "|".join(lists["number"])
    return {kind: re.compile("|".join(lists[kind]).replace("NUMBER", number)) for kind in Wanted}


def _members(spellings: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {name: re.compile("|".join(map(_spelt, words.split()))) for name, words in spellings.items()}


def _spelt(word: str) -> str:
    text = re.escape(word).replace(r"\-", "[ -]?")
    return rf"(?<![a-z0-9]){text}(?:e?s)?(?![a-z0-9])" if word.isascii() else text


_DATA: Final = _read()
WANTS: Final = {kind: re.compile("|".join(_DATA["wants"][kind])) for kind in Wanted}
OFFERS: Final = _offers(_DATA["offers"])
CLASSES: Final = {name: _members(spellings) for name, spellings in _DATA["classes"].items()}
ANY_MEMBER: Final = {
    name: re.compile("|".join(pattern.pattern for pattern in members.values())) for name, members in CLASSES.items()
}
FILLER_ZH: Final = re.compile("|".join(_DATA["filler"]["zh"]))
COMMON: Final = frozenset(" ".join(_DATA["filler"]["en"]).split())
