"""What a message is about: the things it names (VPN, till, invoice ...) and the sub-category within its category.

The vocabulary is data, `topics.toml`, both languages, written as `triage_text` says. A thing is known by its key.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.triage_evidence import EFFECTS, INCIDENTS, Evidence
from bot.triage_text import Hit, PhraseIndex
from desk.models import Category

_FILE = Path(__file__).with_name("topics.toml")
# What a sub-category gets from the main thing, another thing, a phrase of its own, and evidence of what happened.
_MAIN, _OTHER, _PHRASE, _EVIDENCE = 1.5, 0.5, 2.0, 1.0
_MOST = 4  # things of one message


@dataclass(frozen=True, slots=True)
class Thing:
    """Something a message is about."""

    key: str
    quote: str  # the message's own words
    first: int  # token
    last: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Topics:
    things: tuple[Thing, ...]  # the main one first
    phrases: tuple[tuple[str, str], ...]  # (category, sub-category) whose own phrases stand in the message
    concepts: frozenset[str] = frozenset()  # the live evidence, as `triage_evidence` names it


def topics(evidence: Evidence) -> Topics:
    """What a message is about, told from its words. About 0.3 ms for 300 characters."""
    message = evidence.message
    hits = _longest(_index().find(message))
    things = [
        Thing(hit.concept, message.quote(hit.first, hit.last), hit.first, hit.last, message.tokens[hit.first].sentence)
        for hit in hits
        if "." not in hit.concept and hit.concept != "mask"
    ]
    phrases = [tuple(hit.concept.split(".")) for hit in hits if "." in hit.concept]
    return Topics(_ranked(things, evidence), tuple((pair[0], pair[1]) for pair in phrases), frozenset(evidence.live))


def subcategory(category: Category, found: Topics) -> str:
    """The key of the sub-category, "" when nothing in the message tells."""
    scores: dict[str, float] = {}
    for of, sub in found.phrases:
        if of == category:
            scores[sub] = scores.get(sub, 0.0) + _PHRASE
    owners = _vocabulary()["sub_objects"].get(str(category), {})
    for place, thing in enumerate(found.things):
        for sub, keys in owners.items():
            if thing.key in keys:
                scores[sub] = scores.get(sub, 0.0) + (_OTHER if place else _MAIN)
    for sub, concepts in _vocabulary()["sub_evidence"].get(str(category), {}).items():
        if found.concepts & set(concepts):
            scores[sub] = scores.get(sub, 0.0) + _EVIDENCE
    return max(scores, key=lambda sub: scores[sub], default="")


def thing_name(key: str, lang: str) -> str:
    """What a thing is called; its key when the vocabulary does not know it any more."""
    names = _vocabulary()["object_names"].get(key)
    return str(names[lang == "zh"]) if names else key


def subcategory_name(category: str, key: str, lang: str) -> str:
    """What a sub-category is called, "" for none."""
    names = _vocabulary()["sub_names"].get(category, {}).get(key)
    return str(names[lang == "zh"]) if names else ""


def _ranked(things: list[Thing], evidence: Evidence) -> tuple[Thing, ...]:
    """The things nearest to what is wrong first; each key once. Without a fault they stay in their order."""
    wrong = evidence.all(*EFFECTS, *INCIDENTS)

    def distance(thing: Thing) -> tuple[int, int]:
        apart = [
            (abs(signal.sentence - thing.sentence), max(0, signal.first - thing.last, thing.first - signal.last))
            for signal in wrong
        ]
        return min(apart, default=(0, thing.first))

    found: dict[str, Thing] = {}
    for thing in sorted(things, key=distance):
        found.setdefault(thing.key, thing)
    return tuple(found.values())[:_MOST]


def _longest(hits: list[Hit]) -> list[Hit]:
    """Of overlapping hits of things the longest; phrases of sub-categories stand beside them."""
    things = sorted((hit for hit in hits if "." not in hit.concept), key=lambda hit: hit.first - hit.last)
    taken: set[int] = set()
    kept = []
    for hit in things:
        span = range(hit.first, hit.last + 1)
        if taken.isdisjoint(span):
            taken.update(span)
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.first) + [hit for hit in hits if "." in hit.concept]


@cache
def _vocabulary() -> dict[str, Any]:
    with _FILE.open("rb") as source:
        return tomllib.load(source)


@cache
def _index() -> PhraseIndex:
    known = _vocabulary()
    subs = {f"{of}.{sub}": block for of, lists in known["sub"].items() for sub, block in lists.items()}
    return PhraseIndex({**known["object"], **subs})
