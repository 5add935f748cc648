"""What the rules found in a message as numbers, for the learned part. The order is fixed: it is part of the model."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bot.triage_evidence import EFFECTS, Evidence, breadth
from bot.triage_matrix import BREADTHS
from bot.triage_rules import Verdict, deadline
from bot.wants_human import wish_signs
from desk.models import Category, Urgency

Floats = npt.NDArray[np.float64]

_CONCEPTS = (
    "core", "public", "shared", "device", "down", "cant", "fault", "degraded", "intermittent", "cosmetic",
    "blocked", "business_stop", "suspicious", "loss", "data_many", "money", "workaround", "recovered", "info",
    "why", "wish", "request", "status_inquiry", "thanks", "near", "event", "peak", "vip", "not_clicked", "general",
    "hypothetical", "planned", "drill", "past", "test_env", "item_lost", "sensitive", "ongoing",
)  # fmt: skip
# How loudly each group speaks beside the others; chosen by cross-validation over the labelled messages.
_LEVEL, _FLOOR, _BREADTH, _CONCEPT = 3.0, 3.0, 1.5, 0.7


def features(evidence: Evidence, verdict: Verdict) -> Floats:
    """(n,) numbers of about 0 to 3: the verdict and its confidence, floor, breadth, evidence, deadline, length."""
    many, _ = breadth(evidence, evidence.first(*EFFECTS))
    return np.array(
        [
            *(_LEVEL * verdict.confidence * (verdict.urgency is level) for level in Urgency),
            *(_FLOOR * (verdict.floor is level) for level in (Urgency.URGENT, Urgency.HIGH)),
            *(_BREADTH * (many == name) for name in BREADTHS),
            *(_CONCEPT * evidence.has(concept) for concept in _CONCEPTS),
            float(bool(deadline(evidence))),
            float(any(signal.dead != "negated" for signal in evidence.dead)),
            math.log1p(evidence.affected or 0) / 4,
            float(bool(evidence.message.questions)),
            min(len(evidence.message.text), 400) / 200,
        ]
    )


BLOCKS = (len(Urgency) + 2 + len(BREADTHS) + len(_CONCEPTS) + 5, len(Category), 11)  # what `figures` is made of


def figures(text: str, evidence: Evidence, verdict: Verdict, category_words: Floats) -> Floats:
    """(sum of BLOCKS,) what the rules found in a message: `features`, the category words, the signs of a wish."""
    return np.concatenate((features(evidence, verdict), category_words, wish_signs(text)))
