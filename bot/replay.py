"""An answer rebuilt from its record: the same bytes, or what differs and why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from base.database import Database
from base.errors import NotFound
from bot import policy
from bot.answering import Answering, Finding
from bot.guard import Guarded, guard
from bot.models import Decision, OutcomeKind, Triage
from bot.policy import Case
from bot.writer import QuotingWriter
from desk.models import Category, ConversationState, Sentiment, Turn, Urgency
from kb import store
from kb.models import Audience, Passage, Scope

_CUSTOMERS = Scope(audiences=(Audience.PUBLIC,))


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the record gives today."""

    said: str  # what the customer was told
    rebuilt: str  # what the record leads to now
    identical: bool  # the bytes the record vouches for are the same
    reasons: tuple[str, ...]  # what has changed since, in words; empty when nothing has

    def difference(self) -> list[str]:
        """The lines that differ, as a unified diff."""
        return list(
            difflib.unified_diff(self.said.splitlines(), self.rebuilt.splitlines(), "said", "rebuilt", lineterm="")
        )


@dataclass(frozen=True, slots=True)
class Replayer:
    """Rebuilds answers of the rules. What a model worded is not asked for again: it would say something else."""

    database: Database
    answering: Answering  # with the thresholds of today
    clarify_threshold: float

    def replay(self, reply: Turn, asked: Turn | None, max_message_chars: int) -> Replayed:
        """reply: the bot's turn; asked: the customer's turn before it. Raises NotFound for a turn without a record."""
        record = reply.payload.get("record")
        if not record or "queries" not in record:
            raise NotFound("record", turn=reply.id)
        known, reasons = self._passages(record)
        reasons += self._versions(record)
        writer = str(record.get("writer", ""))
        if writer.startswith("model/"):
            return _of_model(reply, known, reasons, writer)
        if writer and writer != QuotingWriter.name:
            reasons.append(f"the writer is {QuotingWriter.name} now, it was {writer}")
        findings = self._findings(record, known)
        lang = str(record["lang"])
        answering = replace(self.answering, writer=QuotingWriter())
        findings = [answering.answered(finding, lang) for finding in findings]
        answer, sure = answering.reply(findings, lang) if findings else (None, 0.0)
        if findings and abs(sure - float(record["confidence"])) > 1e-9:
            reasons.append(f"the confidence is {sure} now, it was {record['confidence']}")
        decision = self._decide(record, asked, findings, sure, answer, max_message_chars)
        said = reply.text if decision.kind is not OutcomeKind.TICKET else reply.text[: len(decision.text)]
        return Replayed(said, decision.text, said == decision.text, tuple(reasons))

    def _decide(
        self, record: Mapping[str, Any], asked: Turn | None, findings: Sequence[Finding], sure: float, answer: Any,
        max_message_chars: int,
    ) -> Decision:  # fmt: skip
        action, case = str(record["action"]), record["case"]
        message = guard(asked.text if asked else "", max_message_chars)
        if action:
            message = Guarded(str(record["question"]) or message.text, message.cut, None, message.injection)
        return policy.decide(
            Case(
                message=message, action=action, triage=_triage(record), state=ConversationState(case["state"]),
                memory=case["memory"], has_ticket=case["has_ticket"], confidence=sure,
                passages=findings[0].passages if findings else (), answer=answer,
                answer_threshold=self.answering.threshold, clarify_threshold=self.clarify_threshold,
            )
        )  # fmt: skip

    def _findings(self, record: Mapping[str, Any], known: Mapping[int, Passage]) -> list[Finding]:
        """The findings of then, with the figures of then, on the passages of now."""
        chosen = str(record["action"]).startswith("choose:")
        found = []
        for n, question in enumerate(record["queries"]):
            own = [c for c in record["candidates"] if c["query"] == n and c["chunk"] in known]
            passages = tuple(
                replace(known[c["chunk"]], score=c["score"], similarity=c["similarity"], keyword=c["keyword"])
                for c in own
            )
            article = self.answering.article_of(passages[0]) if passages else ()
            finding = self.answering.found(question, str(record["lang"]), passages, article)
            found.append(replace(finding, confidence=1.0 if passages else 0.0) if chosen else finding)
        return found

    def _versions(self, record: Mapping[str, Any]) -> list[str]:
        now = {"fit": self.answering.fit.version, "policy": policy.VERSION}
        return [
            f"the {name} is {value} now, it was {record[name]}" for name, value in now.items() if record[name] != value
        ]

    def _passages(self, record: Mapping[str, Any]) -> tuple[dict[int, Passage], list[str]]:
        """The recorded passages that customers may still see, and why the others are gone."""
        candidates = record["candidates"]
        with self.database.read() as session:
            known = store.passages(session, [c["chunk"] for c in candidates], _CUSTOMERS)
            gone = {c["article"]: c for c in candidates if c["chunk"] not in known}
            reasons = []
            for public_id, candidate in gone.items():
                try:
                    article = store.get_article(session, public_id, _CUSTOMERS)
                    number = store.get_version(session, article).number
                    why = f"is at version {number} now, it was at {candidate['version']}"
                except NotFound:
                    why = "can no longer be seen by customers"
                reasons.append(f"the article “{candidate['title']}” {why}")
        return known, reasons


def _of_model(reply: Turn, known: Mapping[int, Passage], reasons: list[str], writer: str) -> Replayed:
    """What a model worded stays as it was said; what can be checked is whether its quotations still stand."""
    missing = []
    texts = [" ".join(passage.text.split()) for passage in known.values()]
    for citation in reply.payload.get("citations", ()):
        if not any(" ".join(str(citation["quote"]).split()) in text for text in texts):
            missing.append(f"the quotation [{citation['n']}] no longer stands in “{citation['title']}”")
    note = f"worded by {writer}: not asked again, its quotations were compared"
    return Replayed(reply.text, reply.text, not missing, (note, *missing, *reasons))


def _triage(record: Mapping[str, Any]) -> Triage:
    return Triage(
        urgency=Urgency(record["urgency"]), urgency_reasons=(), category=Category(record["category"]),
        category_confidence=0.0, lang=str(record["lang"]), sentiment=Sentiment(record["sentiment"]),
        wants_human=bool(record["wants_human"]), human_reason=None, confidence=0.0,
    )  # fmt: skip
