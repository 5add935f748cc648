"""How sure we are that the best passage answers the question: one number in [0, 1] from retrieval and support.

A logistic model over a few features of the search result, fitted on labelled questions (decisions/0006 says on which,
and what it costs to be wrong). A cosine alone cannot do it: its scale differs between languages and models.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from base.text import is_identifier, query_tokens
from kb.models import Passage

FEATURES = (
    "similarity", "margin", "coverage", "title", "foreign", "short", "lead", "agree", "nearest", "missing_name",
    "far", "no_words",
)  # fmt: skip
FAR = 0.32  # similarity below which passages on the topic are rare, whatever stands second
FIT = Path(__file__).parent / "confidence.json"


@dataclass(frozen=True, slots=True)
class Fit:
    version: str
    names: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float


@cache
def default_fit() -> Fit:
    """The coefficients that ship with Firstline."""
    data = json.loads(FIT.read_text(encoding="utf-8"))
    names = tuple(data["weights"])
    return Fit(data["version"], names, tuple(float(data["weights"][name]) for name in names), float(data["bias"]))


def features(question: str, lang: str, passages: Sequence[Passage]) -> dict[str, float]:
    """What the model sees. All in about [-1, 1]; a search that found nothing gives zeros."""
    if not passages:
        return dict.fromkeys(FEATURES, 0.0)
    best = passages[0]
    rivals = [p for p in passages[1:] if p.article_id != best.article_id][:3]
    others = [p.similarity for p in rivals]
    nearest = max((p.similarity for p in passages if p.article_id == best.article_id), default=best.similarity)
    asked = query_tokens(question)
    title = set(query_tokens(f"{best.title} {best.section}"))
    body = title | set(query_tokens(best.text, limit=5000))
    names = [token for token in asked if is_identifier(token)]
    return {
        "similarity": best.similarity,
        "margin": best.similarity - (sum(others) / len(others) if others else 0.0),
        "coverage": best.keyword,
        "title": len(title & set(asked)) / len(title) if title else 0.0,
        "foreign": float(best.lang != lang),
        "short": float(len(asked) <= 2),
        # A lead over nothing but strangers says little: it counts as far as the best passage is on the topic at all.
        "lead": (best.score - (rivals[0].score if rivals else 0.0)) * min(1.0, max(0.0, (best.similarity - 0.1) / 0.3)),
        "agree": sum(p.article_id == best.article_id for p in passages[:5]) / 5,
        "nearest": nearest - max(others, default=0.0),
        "missing_name": sum(name not in body for name in names) / len(names) if names else 0.0,
        "far": max(0.0, FAR - best.similarity) * 10,
        "no_words": float(best.keyword < 0.1 and best.lang == lang),
    }


def confidence(question: str, lang: str, passages: Sequence[Passage], fit: Fit | None = None) -> float:
    """Probability that the first passage answers the question; 0 when nothing was found."""
    if not passages:
        return 0.0
    fit = fit or default_fit()
    seen = features(question, lang, passages)
    total = fit.bias + sum(weight * seen[name] for name, weight in zip(fit.names, fit.weights, strict=True))
    return round(1 / (1 + math.exp(-max(-30.0, min(30.0, total)))), 4)
