"""Several problems in one message, each in the customer's own words: so that none is lost behind the first.

A message is cut where it counts ("1. ... 2. ...") and where it adds ("also", "另外"). What names a thing of its own and
says what is wrong with it, or what is wanted of it, is a problem; the rest belongs to the one before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from base.text import shorten, split_sentences
from bot.queries import essence
from bot.topics import topics
from bot.triage_evidence import INCIDENTS, Evidence, extract

MOST = 5
_LONGEST = 300  # characters of one that are shown
_LISTED = re.compile(
    r"^\s*(?:\(?\d{1,2}[.)、）]|[-*•]|[一二三四五][、.]|(?:第[一二三四五]|其[一二三])[,，:：、]?|(?:first|second|third)(?:ly)?,?\s)"
)
_ADDS = re.compile(
    r"^\W*(?:also\b|and also\b|besides\b|separately\b|in addition\b|another (?:thing|issue|problem|question)\b|"
    r"on (?:top of that|another note)\b|oh,? and\b|p\.?s\.?\b|unrelated\b|"
    r"另外|此外|还有(?!多久|没有|多少)|再有|再就是|对了|顺便|除此之外|同时还?有)",
    re.IGNORECASE,
)
_ADDS_WITHIN = re.compile(
    r"(?<=[,，;；。.!！?？])\s*(?=also\b|and also\b|besides\b|another (?:thing|issue|problem)\b|"
    r"另外|此外|还有(?!多久|没有|多少)|再就是|顺便)",
    re.IGNORECASE,
)
_COUNTS_WITHIN = re.compile(r"(?<=[.!?。；;！？])\s*(?=[2-9][.)、）]\s*\D)")
_WANTED = ("question", "info", "request", "wish", "status_inquiry")


@dataclass(frozen=True, slots=True)
class Problem:
    """One of several: its words, and the key of the thing it is about."""

    text: str
    thing: str


def problems(text: str) -> tuple[Problem, ...]:
    """The problems of a message in their order, at most MOST; empty when it is about one thing only."""
    pieces = _pieces(essence(text))
    if len(pieces) < 2:
        return ()
    found: list[Problem] = []
    for piece, begins, counted in pieces:
        thing = _thing(extract(piece), counted) if begins or not found else ""
        if thing and all(thing != known.thing for known in found):
            found.append(Problem(piece, thing))
        elif found:
            found[-1] = Problem(f"{found[-1].text} {piece}", found[-1].thing)
    if len(found) < 2:
        return ()
    return tuple(Problem(shorten(" ".join(one.text.split()), _LONGEST), one.thing) for one in found[:MOST])


def _pieces(body: str) -> list[tuple[str, bool, bool]]:
    """Sentences; whether each may begin a problem (the first, an item of a list, one that adds); whether it is an item."""
    found: list[tuple[str, bool, bool]] = []
    for line in body.split("\n"):
        for whole in (part for item in _COUNTS_WITHIN.split(line) for part in split_sentences(item)):
            for sentence in _ADDS_WITHIN.split(whole):
                if bare := _LISTED.sub("", sentence, count=1).strip():
                    counted = bare != sentence.strip()
                    found.append((bare, not found or counted or _ADDS.match(bare) is not None, counted))
    return found


def _thing(evidence: Evidence, counted: bool) -> str:
    """What a piece is about; "" when it is no item of a list and says neither what is wrong nor what is wanted."""
    says = counted or evidence.has(*INCIDENTS, *_WANTED) or bool(evidence.message.questions)
    things = topics(evidence).things
    return things[0].key if says and things else ""
