"""A decision with everything that led to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot import policy
from bot.answering import Finding
from bot.guard import Guarded
from bot.models import Decision, Triage
from desk.symptoms import Symptom
from kb.models import Passage


@dataclass(frozen=True, slots=True)
class Thought:
    """A decision with everything that led to it: what is stored as the answer's record."""

    message: Guarded
    question: str
    triage: Triage
    passages: tuple[Passage, ...]
    confidence: float
    decision: Decision
    action: str = ""  # a pressed button, or what a typed reply to our last message stands for
    milliseconds: dict[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()  # one for each question of the message
    understood: str = ""  # how a follow-up became a question: "rule", "model/rewrite.v1", or "" for none
    fit: str = ""  # version of what turned the figures into a confidence
    case: dict[str, Any] = field(default_factory=dict)  # what else the policy decided from
    thresholds: dict[str, float] = field(default_factory=dict)
    embedder: str = ""  # with the digest of its spec
    symptom: Symptom | None = None  # what the message reports as broken

    def record(self) -> dict[str, Any]:
        """What "why this answer?" shows: query, candidates with figures and versions, thresholds, decision, reasons."""
        return {
            "question": self.question,
            "queries": [finding.question for finding in self.findings],
            "understood": self.understood,
            "lang": self.triage.lang,
            "action": self.action,
            "confidence": self.confidence,
            "fit": self.fit,
            "policy": policy.VERSION,
            "outcome": str(self.decision.kind),
            "reason": self.decision.reason,
            "writer": self.decision.answer.writer if self.decision.answer else "",
            "unsaid": [list(one) for one in self.decision.answer.unsaid] if self.decision.answer else [],
            "instead_of": self.decision.answer.instead_of if self.decision.answer else "",
            "candidates": [
                {
                    "query": n, "chunk": p.chunk_id, "article": p.article_public_id, "version": p.version_number,
                    "title": p.title, "section": p.section, "score": p.score, "similarity": p.similarity, "keyword": p.keyword,
                }
                for n, finding in enumerate(self.findings)
                for p in finding.passages
            ],
            "case": self.case,
            "confidences": [finding.confidence for finding in self.findings],
            "thresholds": self.thresholds,
            "embedder": self.embedder,
            "urgency": str(self.triage.urgency),
            "reasons": [reason.as_dict("en") for reason in self.triage.urgency_reasons],
            "category": str(self.triage.category),
            "subcategory": self.triage.subcategory,
            "things": [list(thing) for thing in self.triage.things],
            "sentiment": str(self.triage.sentiment),
            "wants_human": self.triage.wants_human,
            "injection": self.message.injection,
            "milliseconds": {name: round(value, 2) for name, value in self.milliseconds.items()},
        }  # fmt: skip
