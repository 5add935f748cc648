"""The phrase lists of triage, read from `triage_lexicon.toml`, and what of them stands in a message.

Sections: evidence, human, category, sentiment. All are looked for in one pass.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from bot.triage_text import Hit, Message, PhraseIndex, read, unmasked

_FILE = Path(__file__).with_name("triage_lexicon.toml")
_REMEMBERED = 32  # the several readers of one message share one pass


@dataclass(frozen=True, slots=True)
class Scan:
    """A message and the phrases found in it, by section; what a section's own "mask" list covers is left out."""

    message: Message
    hits: dict[str, tuple[Hit, ...]]


@cache
def _index() -> PhraseIndex:
    """Every list as one trie, named "section.list" (built once, 0.15 s)."""
    with _FILE.open("rb") as source:
        sections = tomllib.load(source)
    return PhraseIndex(
        {f"{section}.{name}": block for section, lists in sections.items() for name, block in lists.items()}
    )


@lru_cache(maxsize=_REMEMBERED)
def scan(text: str) -> Scan:
    """The message's tokens and every phrase found in it. About 0.5 ms for 300 characters."""
    message = read(text)
    found: dict[str, list[Hit]] = {"evidence": [], "human": [], "category": [], "sentiment": []}
    for hit in _index().find(message):
        section, _, name = hit.concept.partition(".")
        found[section].append(Hit(name, hit.first, hit.last))
    return Scan(message, {section: tuple(unmasked(hits, "mask")) for section, hits in found.items()})
