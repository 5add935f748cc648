"""An answer rebuilt from its record: the same bytes, or what differs and why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from base.database import Database
from base.errors import NotFound
from base.i18n import N_
from bot import policy
from bot.answering import Answering, Finding, unanswered
from bot.guard import Guarded, guard
from bot.models import Decision, Known, OutcomeKind, Reason, Triage
from bot.policy import Case
from bot.writer import QuotingWriter
from desk.models import Category, ConversationState, Sentiment, Turn, Urgency
from kb import store
from kb.models import Audience, Passage, Scope

_PARTS = {
    "fit": N_("The fit is {now} now, it was {then}."),
    "policy": N_("The policy is {now} now, it was {then}."),
    "writer": N_("The writer is {now} now, it was {then}."),
    "confidence": N_("The confidence is {now} now, it was {then}."),
    "answer_threshold": N_("The answer threshold is {now} now, it was {then}."),
    "clarify_threshold": N_("The threshold for asking back is {now} now, it was {then}."),
    "article": N_("The article “{title}” is at version {now} now, it was at {then}."),
    "article_gone": N_("The article “{title}” can no longer be seen by customers."),
    "quotation": N_("The quotation [{n}] no longer stands in “{title}”."),
    "model": N_("Worded by {writer}: it is not asked again, its quotations were compared."),
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the record gives today."""

    said: str  # what the customer was told
    rebuilt: str  # what the record leads to now
    identical: bool  # the bytes the record vouches for are the same
    reasons: tuple[Reason, ...]  # what has changed since; empty when nothing has

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
        if record["reason"] == "gave_up":
            decision = policy.give_up(str(record["lang"]))
            return _compared(reply, decision, self._versions(record))
        known, reasons = self._passages(record)
        reasons += self._versions(record)
        writer = str(record.get("writer", ""))
        if writer.startswith("model/"):
            return _of_model(reply, known, reasons, writer)
        if writer and writer != QuotingWriter.name:
            reasons.append(_changed("writer", now=QuotingWriter.name, then=writer))
        lang, scope = str(record["lang"]), _scope(record)
        answering = replace(
            self.answering, writer=QuotingWriter(), article_of=lambda passage: self._article(passage, scope)
        )
        findings = self._findings(answering, record, known)
        findings = [answering.answered(finding, lang) for finding in findings]
        answer, sure = answering.reply(findings, lang) if findings else (None, 0.0)
        if findings and abs(sure - float(record["confidence"])) > 1e-9:
            reasons.append(_changed("confidence", now=sure, then=record["confidence"]))
        decision = self._decide(record, asked, findings, sure, answer, max_message_chars)
        return _compared(reply, decision, reasons)

    def _decide(
        self, record: Mapping[str, Any], asked: Turn | None, findings: Sequence[Finding], sure: float, answer: Any,
        max_message_chars: int,
    ) -> Decision:  # fmt: skip
        action, case = str(record["action"]), record["case"]
        said = str(asked.payload.get("said", asked.text)) if asked else ""  # of a burst: all of it
        message = guard(said, max_message_chars)
        if action:
            message = Guarded(str(record["question"]) or message.text, message.cut, None, message.injection)
        return policy.decide(
            Case(
                message=message, action=action, triage=_triage(record), state=ConversationState(case["state"]),
                memory=case["memory"], has_ticket=case["has_ticket"], confidence=sure,
                passages=findings[0].passages if findings else (), answer=answer,
                answer_threshold=self.answering.threshold, clarify_threshold=self.clarify_threshold,
                known=Known(**case["known"]) if case.get("known") else None,
                open_incidents=frozenset(case.get("open_incidents", ())), unanswered=unanswered(findings),
            )
        )  # fmt: skip

    def _findings(self, answering: Answering, record: Mapping[str, Any], known: Mapping[int, Passage]) -> list[Finding]:
        """The findings of then, with the figures of then, on the passages of now."""
        chosen = str(record["action"]).startswith("choose:")
        found = []
        for n, question in enumerate(record["queries"]):
            own = [c for c in record["candidates"] if c["query"] == n and c["chunk"] in known]
            passages = tuple(
                replace(known[c["chunk"]], score=c["score"], similarity=c["similarity"], keyword=c["keyword"])
                for c in own
            )
            article = answering.article_of(passages[0]) if passages else ()
            finding = answering.found(question, str(record["lang"]), passages, article)
            found.append(replace(finding, confidence=1.0 if passages else 0.0) if chosen else finding)
        return found

    def _article(self, passage: Passage, scope: Scope) -> tuple[Passage, ...]:
        with self.database.read() as session:
            return tuple(store.passages_of_version(session, passage.version_id, scope))

    def _versions(self, record: Mapping[str, Any]) -> list[Reason]:
        now: dict[str, object] = {"fit": self.answering.fit.version, "policy": policy.VERSION}
        then = dict(record)
        if limits := record.get("thresholds"):
            now |= {"answer_threshold": self.answering.threshold, "clarify_threshold": self.clarify_threshold}
            then |= {"answer_threshold": limits["answer"], "clarify_threshold": limits["clarify"]}
        return [_changed(name, now=value, then=then[name]) for name, value in now.items() if then[name] != value]

    def _passages(self, record: Mapping[str, Any]) -> tuple[dict[int, Passage], list[Reason]]:
        """The recorded passages that customers may still see, and why the others are gone."""
        candidates, scope = record["candidates"], _scope(record)
        with self.database.read() as session:
            known = store.passages(session, [c["chunk"] for c in candidates], scope)
            gone = {c["article"]: c for c in candidates if c["chunk"] not in known}
            reasons: list[Reason] = []
            for public_id, candidate in gone.items():
                try:
                    article = store.get_article(session, public_id, scope)
                    number = store.get_version(session, article).number
                    then = candidate["version"]
                    reasons.append(_changed("article", title=candidate["title"], now=number, then=then))
                except NotFound:
                    reasons.append(_changed("article_gone", title=candidate["title"]))
        return known, reasons


def _scope(record: Mapping[str, Any]) -> Scope:
    """Whom the answer was for. Without a day: what has run out since was valid then."""
    noted = record["case"].get("scope", {})
    return Scope(
        (Audience.PUBLIC,), tuple(noted.get("collections", ())), str(noted.get("product", "")),
        str(noted.get("version", "")), str(noted.get("package", "")),
    )  # fmt: skip


def _changed(part: str, **fields: object) -> Reason:
    return Reason("record", part, "", _PARTS[part], fields)


def _compared(reply: Turn, decision: Decision, reasons: Sequence[Reason]) -> Replayed:
    """A ticket's promise was added when it was saved: of such a reply only what stands before it is compared."""
    said = reply.text if decision.kind is not OutcomeKind.TICKET else reply.text[: len(decision.text)]
    return Replayed(said, decision.text, said == decision.text, tuple(reasons))


def _of_model(reply: Turn, known: Mapping[int, Passage], reasons: Sequence[Reason], writer: str) -> Replayed:
    """What a model worded stays as it was said; what can be checked is whether its quotations still stand."""
    missing = []
    texts = [" ".join(passage.text.split()) for passage in known.values()]
    for citation in reply.payload.get("citations", ()):
        if not any(" ".join(str(citation["quote"]).split()) in text for text in texts):
            missing.append(_changed("quotation", n=citation["n"], title=citation["title"]))
    note = _changed("model", writer=writer)
    return Replayed(reply.text, reply.text, not missing, (note, *missing, *reasons))


def _triage(record: Mapping[str, Any]) -> Triage:
    return Triage(
        urgency=Urgency(record["urgency"]), urgency_reasons=(), category=Category(record["category"]),
        category_confidence=0.0, lang=str(record["lang"]), sentiment=Sentiment(record["sentiment"]),
        wants_human=bool(record["wants_human"]), human_reason=None, confidence=0.0,
    )  # fmt: skip
