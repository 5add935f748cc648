"""Is this passage what was looked for? Articles are judged by their source, sections by their text.

Offsets cannot tell: a document's words move when it is cleaned, and short neighbours are joined into one passage. So the
letters and digits are compared, six in a row: a passage is a hit when it shares at least half of them with the section,
counted on the shorter of the two, and comes from the right article.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from evals.cases import Case
from ingest.sources import translation_key
from kb.models import Passage

GRAM = 6  # letters and digits in a row
SHARED = 0.5  # of the shorter text
_OTHER = re.compile(r"[\W_]+")


def same_article(source: str, golds: Iterable[str]) -> bool:
    """Whether a source is one of these, or its version in the other language."""
    return article_key(source) in {article_key(gold) for gold in golds}


def article_key(source: str) -> str:
    """What the language versions of an article share."""
    return translation_key(source) or source


def rank_of_article(passages: Sequence[Passage], case: Case) -> int:
    """Where the first right article stands among the articles found, from 1; 0 when it is not there."""
    found = dict.fromkeys(article_key(passage.source) for passage in passages)
    golds = {article_key(source) for source in case.sources}
    return next((place for place, key in enumerate(found, start=1) if key in golds), 0)


def rank_of_section(passages: Sequence[Passage], case: Case) -> int:
    """Where the first passage from a right section stands among the passages found, from 1; 0 when it is not there."""
    for place, passage in enumerate(passages, start=1):
        if same_article(passage.source, case.sources) and any(overlaps(passage.text, one) for one in case.sections):
            return place
    return 0


def overlaps(passage: str, section: str) -> bool:
    """Whether the two share half of the shorter one."""
    one, two = grams(passage), grams(section)
    if not one or not two:
        short, long = sorted((squeeze(passage), squeeze(section)), key=len)
        return bool(short) and short in long
    return len(one & two) >= SHARED * min(len(one), len(two))


@lru_cache(maxsize=4096)
def grams(text: str) -> frozenset[str]:
    """Every six letters and digits in a row; empty for a shorter text."""
    bare = squeeze(text)
    return frozenset(bare[i : i + GRAM] for i in range(len(bare) - GRAM + 1))


def squeeze(text: str) -> str:
    """Letters and digits only, width and case folded."""
    return _OTHER.sub("", unicodedata.normalize("NFKC", text).casefold())
