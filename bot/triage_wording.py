"""What the words alone say about a message's category and tone. Tone is for wording and review, never for urgency."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bot.triage_lexicon import Scan
from desk.models import Category, Sentiment

CATEGORIES = tuple(Category)
_SHOUT_WORDS = 4  # this many words in capitals, with two exclamation marks, read as shouting


def category_scores(scanned: Scan) -> tuple[npt.NDArray[np.float64], dict[Category, str]]:
    """(9,) square roots of how many different phrases speak for each category, and the longest phrase of each."""
    found: dict[Category, set[str]] = {}
    for hit in scanned.hits["category"]:
        found.setdefault(Category(hit.concept), set()).add(scanned.message.quote(hit.first, hit.last))
    scores = np.zeros(len(CATEGORIES))
    for category, words in found.items():
        # Longer phrases are rarer and say more.
        scores[CATEGORIES.index(category)] = sum(1.25 if len(word) > 3 else 1.0 for word in words)
    return np.sqrt(scores), {category: max(sorted(words), key=len) for category, words in found.items()}


def sentiment(scanned: Scan) -> Sentiment:
    """The tone of a message. Thanks at the end of a complaint stay a complaint."""
    text = scanned.message.text
    kinds = {hit.concept for hit in scanned.hits["sentiment"]}
    capitals = sum(word.isupper() and len(word) > 2 and word.isalpha() for word in text.split())
    shouting = text.count("!") + text.count("！") >= 3
    if "angry" in kinds or (capitals >= _SHOUT_WORDS and shouting):
        return Sentiment.ANGRY
    if "negative" in kinds:
        return Sentiment.NEGATIVE
    return Sentiment.POSITIVE if "positive" in kinds else Sentiment.NEUTRAL
