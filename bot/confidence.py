"""How sure we are that the best passage answers the question: one number in [0, 1] from retrieval and support.

A logistic model per language over a few features, fitted on labelled questions (decisions/0006 says on which, and what
it costs to be wrong), and shifted so that AT is the point from which the fit's promise ("at most 7.5 % wrong among
the answered") was met. A cosine alone cannot do it: its scale differs between languages and models.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from base.errors import InvalidInput
from base.i18n import N_
from base.text import query_tokens
from bot.support import SUPPORT_FEATURES, best_held_first, support
from kb.models import Passage

AT: Final = 0.5  # of `confidence`: from here on the fit's promise holds; the default of the setting answer_confidence
FORMAT: Final = 2
FAR = 0.32  # similarity below which passages on the topic are rare, whatever stands second
FIT = Path(__file__).parent / "confidence.json"
INSTALLED = "confidence.json"  # in the data folder: an installation's own fit
GIVEN = "given"  # the model for passages that were handed over, not found: nothing competes
_RETRIEVAL = (
    "similarity", "margin", "coverage", "title", "foreign", "lead", "agree", "nearest", "far", "no_words", "score",
    "mean3", "rival_words", "rival_near", "close", "top_similarity", "top_words", "top_both", "lead_words",
    "foreign_similarity", "foreign_lead",
)  # fmt: skip
FEATURES = (*_RETRIEVAL, *SUPPORT_FEATURES)
GIVEN_FEATURES = ("similarity", *SUPPORT_FEATURES)


class BadFit(InvalidInput):
    """A file with a fit that this version cannot use."""

    code = "bad_confidence_fit"
    message = N_("{file} cannot be used: {reason}. Make it anew with `firstline calibrate --write`, or delete it.")


@dataclass(frozen=True, slots=True)
class Model:
    """The coefficients of one language. `answer_at`: the probability from which the promise holds."""

    weights: Mapping[str, float]
    bias: float
    answer_at: float

    def logit(self, seen: Mapping[str, float]) -> float:
        return self.bias + sum(weight * seen[name] for name, weight in self.weights.items())


@dataclass(frozen=True, slots=True)
class Fit:
    """What turns features into a confidence, and what is known of it."""

    version: str
    models: Mapping[str, Model]  # by language; GIVEN for passages that were handed over
    about: Mapping[str, Any] = field(default_factory=dict)  # on what it was fitted, and the risk that was met

    def model(self, name: str) -> Model:
        return self.models.get(name) or self.models["en"]


def read_fit(path: Path) -> Fit:
    """The fit in a file. Raises BadFit when it is damaged or was made for other features."""
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFit(f"{type(error).__name__}: {error}", file=str(path), reason=str(error)[:200]) from error


def _parsed(data: dict[str, Any]) -> Fit:
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}, not {FORMAT}")
    models = {}
    for name, part in data["models"].items():
        weights = {feature: float(weight) for feature, weight in part["weights"].items()}
        if unknown := weights.keys() - set(FEATURES):
            raise ValueError(f"unknown feature {min(unknown)}")
        at = float(part["answer_at"])
        if not (0 < at < 1 and all(map(math.isfinite, (*weights.values(), float(part["bias"]))))):
            raise ValueError("a coefficient is out of range")
        models[name] = Model(weights, float(part["bias"]), at)
    if "en" not in models:
        raise ValueError("no model for English")
    return Fit(str(data["version"]), models, data.get("about", {}))


@cache
def shipped_fit() -> Fit:
    """The fit that ships with Firstline."""
    return read_fit(FIT)


def fit_of(data_dir: Path) -> Fit:
    """The fit an installation judges with: its own one, else the one that ships. Raises BadFit."""
    own = data_dir / INSTALLED
    return read_fit(own) if own.exists() else shipped_fit()


def features(question: str, lang: str, passages: Sequence[Passage]) -> dict[str, float]:
    """What the models see, all in about [-1, 1]; nothing found gives zeros. About 1 ms for eight passages."""
    if not passages:
        return dict.fromkeys(FEATURES, 0.0)
    held = support(question, lang, passages)
    return {**_retrieval(question, lang, passages, held), **held}


def _retrieval(question: str, lang: str, passages: Sequence[Passage], held: Mapping[str, float]) -> dict[str, float]:
    best = passages[0]
    rivals = [p for p in passages[1:] if p.article_id != best.article_id]
    others = [p.similarity for p in rivals[:3]]
    nearest = max(p.similarity for p in passages if p.article_id == best.article_id)
    title = set(query_tokens(f"{best.title} {best.section}"))
    # A lead over nothing but strangers says little: it counts as far as the best passage is on the topic at all.
    lead = (best.score - (rivals[0].score if rivals else 0.0)) * min(1.0, max(0.0, (best.similarity - 0.1) / 0.3))
    foreign = float(best.lang != lang)
    ahead = all(best.similarity >= p.similarity for p in rivals)
    worded = all(best.keyword >= p.keyword for p in rivals)
    return {
        "similarity": best.similarity,
        "margin": best.similarity - (sum(others) / len(others) if others else 0.0),
        "coverage": best.keyword,
        "title": len(title & set(query_tokens(question))) / len(title) if title else 0.0,
        "foreign": foreign,
        "lead": lead,
        "agree": sum(p.article_id == best.article_id for p in passages[:5]) / 5,
        "nearest": nearest - max(others, default=0.0),
        "far": max(0.0, FAR - best.similarity) * 10,
        "no_words": float(best.keyword < 0.1 and best.lang == lang),
        "score": best.score,
        "mean3": sum(p.similarity for p in passages[:3]) / len(passages[:3]),
        "rival_words": max((p.keyword for p in rivals), default=0.0) - best.keyword,
        "rival_near": max((p.similarity for p in rivals), default=0.0) - best.similarity,
        "close": min(1.0, sum(p.score > best.score - 0.08 for p in rivals) / 4),
        "top_similarity": float(ahead),
        "top_words": float(worded),
        "top_both": float(ahead and worded),
        "lead_words": lead * held["chunk"],
        "foreign_similarity": foreign * best.similarity,
        "foreign_lead": foreign * lead,
    }


def confidence(
    question: str, lang: str, passages: Sequence[Passage], fit: Fit | None = None, *, given: bool = False
) -> float:
    """How sure it is that the first passage answers the question; 0 when nothing was found.

    AT and more keeps the fit's promise. given: the passages were handed over by somebody, nothing competed with them;
    of each only `similarity`, title and text are looked at, and the best of them counts.
    """
    if not passages:
        return 0.0
    model = (fit or shipped_fit()).model(GIVEN if given else lang)
    return round(squashed(model.logit(_seen(question, lang, passages, given)) - odds(model.answer_at) + odds(AT)), 4)


def probability(
    question: str, lang: str, passages: Sequence[Passage], fit: Fit | None = None, *, given: bool = False
) -> float:
    """The same before the shift: the share of such answers that is right, on texts like those of the fit."""
    if not passages:
        return 0.0
    model = (fit or shipped_fit()).model(GIVEN if given else lang)
    return round(squashed(model.logit(_seen(question, lang, passages, given))), 4)


def _seen(question: str, lang: str, passages: Sequence[Passage], given: bool) -> dict[str, float]:
    return features(question, lang, best_held_first(question, lang, passages) if given else passages)


def squashed(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def odds(share: float) -> float:
    """The logarithm of the odds of a share in (0, 1)."""
    return math.log(share / (1 - share))
