"""What a message does to the business: urgency with its reasons, category, tone, and whether a person is asked for.

Start at Triager.triage. Evidence (`triage_evidence`) > rules and floors (`triage_rules`) > the learned part
(`triage_head`), which may move the rules' level but never below a floor. Without an embedder the rules decide alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from base.i18n import N_
from base.text import detect_language
from bot.models import Reason, Triage
from bot.triage_evidence import Evidence, extract, is_empty
from bot.triage_features import features
from bot.triage_head import Head, Opinion, load_head
from bot.triage_lexicon import scan
from bot.triage_rules import Verdict, deadline, judge, worse
from bot.triage_wording import CATEGORIES, category_scores, sentiment
from bot.wants_human import asks_for_person
from desk.models import Category, Sentiment, Urgency
from kb.embed import Embedder

_SIMILAR_AS = {
    Urgency.URGENT: N_("Similar messages were urgent, such as “{example}”"),
    Urgency.HIGH: N_("Similar messages were high, such as “{example}”"),
    Urgency.NORMAL: N_("Similar messages were normal, such as “{example}”"),
    Urgency.LOW: N_("Similar messages were low, such as “{example}”"),
}
_JUDGED = N_("Judged from many labelled messages; none of the most similar ones is of this level.")
_EARLIER = N_("The conversation so far says more than this message: “{quote}”")
_PERSON_ONLY = N_("It only asks for a person: “{quote}”")
_WORDS = N_("It speaks of: “{quote}”")
_LIKE = N_("It reads like other messages of this kind.")
_SURE = 0.9  # a verdict by a floor is not put to the learned part
_HEARD = 0.6  # a verdict this sure is lowered by one level at most; raised as far as the evidence's ceiling allows
_HISTORY = 5  # earlier messages that are read again
_SHORT_TOKENS = 24
_EXAMPLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class _Level:
    urgency: Urgency
    reasons: tuple[Reason, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the words of a message say by rule: the half of triage that needs no embedding."""

    evidence: Evidence
    verdict: Verdict
    words: npt.NDArray[np.float64]  # (9,) category scores
    said: dict[Category, str]  # the words behind them
    sentiment: Sentiment
    features: npt.NDArray[np.float64]  # evidence and verdict, for the learned part


def read(text: str) -> Reading:
    """The Reading of a message. Never raises."""
    evidence, scanned = extract(text), scan(text)
    words, said = category_scores(scanned)
    verdict = judge(evidence)
    return Reading(evidence, verdict, words, said, sentiment(scanned), features(evidence, verdict))


def only_asks_for_person(text: str) -> bool:
    """Whether a message asks for a person and says nothing else: "转人工", "agent please"."""
    reading = read(text)
    return asks_for_person(text) is not None and _says_nothing_else(reading.evidence, reading.verdict)


class Triager:
    """Judges messages. Thread-safe; the learned part is fitted at its first use (or by `warm`)."""

    def __init__(self, embedder: Embedder | None, *, cache_dir: Path | None = None) -> None:
        """cache_dir: where the embedded prototypes are kept between runs; None keeps them in memory only."""
        self._embedder, self._cache_dir = embedder, cache_dir
        self._head: Head | None = None
        self._lock = Lock()

    def warm(self) -> None:
        """Fit the learned part now (about 10 s the first time, then 1 s). Without an embedder: nothing."""
        self._learned()

    def triage(
        self,
        text: str,
        *,
        vector: npt.NDArray[np.float32] | None = None,
        history: Sequence[str] = (),
        lang: str = "",
        reading: Reading | None = None,
    ) -> Triage:
        """The judgement of a customer's message.

        vector: the text embedded as a query, when that is at hand. history: the customer's earlier messages, oldest
        first; the level is read from the whole course and falls below an earlier one only when the customer gives the
        all-clear. lang: "zh" or "en" when known. reading: `read(text)` when that is at hand. Raises what the embedder
        raises.
        """
        lang = lang or detect_language(text)
        reading = reading or read(text)
        evidence, verdict = reading.evidence, reading.verdict
        opinion = self._opinion(text, lang, vector, reading)
        human = asks_for_person(text, opinion.human if opinion else 0.0)
        level = _settle(verdict, opinion)
        if human is not None and human.quote and _says_nothing_else(evidence, verdict):
            level = _Level(Urgency.LOW, (Reason("what", "person_only", human.quote, _PERSON_ONLY),), _SURE)
        level = self._with_history(level, evidence, text, history)
        category, category_confidence = _category(reading.words, opinion)
        return Triage(
            urgency=level.urgency,
            urgency_reasons=(*level.reasons, _category_reason(category, reading.said)),
            category=category,
            category_confidence=category_confidence,
            lang=lang,
            sentiment=reading.sentiment,
            wants_human=human is not None,
            human_reason=human,
            confidence=level.confidence,
        )

    def _learned(self) -> Head | None:
        if self._embedder is None:
            return None
        if self._head is None:
            with self._lock:
                if self._head is None:
                    self._head = load_head(self._embedder, self._cache_dir)
        return self._head

    def _opinion(
        self, text: str, lang: str, vector: npt.NDArray[np.float32] | None, reading: Reading
    ) -> Opinion | None:
        head = None if is_empty(text) else self._learned()
        if head is None or self._embedder is None:
            return None
        if vector is None:
            vector = self._embedder.embed_query(text, lang)
        return head.judge(vector, reading.features, reading.words)

    def _with_history(self, level: _Level, evidence: Evidence, text: str, history: Sequence[str]) -> _Level:
        """The worst of the course: each earlier message alone, and all together ("ERP 打不开", then "全公司都这样")."""
        earlier = [said for said in history if said.strip() and said.strip() != text.strip()][-_HISTORY:]
        if not earlier or evidence.has("recovered"):
            return level
        together = judge(extract("\n".join((*earlier, text))))
        worst = min((together, *(judge(extract(said)) for said in earlier)), key=lambda verdict: verdict.urgency.rank)
        if not worst.decided or worst.urgency.rank >= level.urgency.rank:
            return level
        quote = next((reason.quote for reason in worst.reasons if reason.quote), "")
        reasons = (Reason("state", "earlier", quote, _EARLIER), *worst.reasons)
        return _Level(worst.urgency, reasons, worst.confidence)


def _settle(verdict: Verdict, opinion: Opinion | None) -> _Level:
    """The rules' verdict and the learned opinion as one level; never below the floor."""
    if opinion is None or verdict.confidence >= _SURE:
        return _Level(verdict.urgency, verdict.reasons, verdict.confidence)
    rank = max(opinion.level.rank, verdict.ceiling.rank)
    if verdict.decided and verdict.confidence >= _HEARD:
        rank = min(rank, verdict.urgency.rank + 1)
    if not opinion.familiar:  # it may find a fault where the rules found nothing, no more
        rank = max(rank, min(verdict.urgency.rank, Urgency.NORMAL.rank))
    urgency = worse(list(Urgency)[rank], verdict.floor)
    confidence = float(opinion.urgency[urgency.rank])
    if urgency is verdict.urgency:
        return _Level(urgency, verdict.reasons, max(confidence, min(verdict.confidence, 0.9)))
    return _Level(urgency, (_similar(urgency, opinion), *_still_true(verdict)), confidence)


def _says_nothing_else(evidence: Evidence, verdict: Verdict) -> bool:
    """A wish for a person in a short message that names no thing, nobody else and no harm."""
    named = ("core", "shared", "device", "org", "team", "all_customers", "blocked", "business_stop", "loss", "money")
    short = len(evidence.message.tokens) <= _SHORT_TOKENS
    mild = verdict.floor is Urgency.LOW and verdict.urgency in (Urgency.NORMAL, Urgency.LOW)
    return short and mild and not evidence.has(*named) and not deadline(evidence)


def _still_true(verdict: Verdict) -> tuple[Reason, ...]:
    """The evidence without the sentence that nothing was reported, which the learned part has just overruled."""
    return tuple(reason for reason in verdict.reasons if reason.code not in ("nothing_reported", "unknown"))


def _similar(urgency: Urgency, opinion: Opinion) -> Reason:
    same = [prototype for prototype, _ in opinion.neighbours if prototype.urgency is urgency]
    if not same:
        return Reason("neighbours", f"judged_{urgency}", "", _JUDGED)
    example = same[0].text.replace("\n", " ")
    shown = example if len(example) <= _EXAMPLE_CHARS else example[: _EXAMPLE_CHARS - 1] + "…"
    return Reason("neighbours", f"neighbours_{urgency}", "", _SIMILAR_AS[urgency], {"example": shown})


def _category(words: npt.NDArray[np.float64], opinion: Opinion | None) -> tuple[Category, float]:
    if opinion is not None:
        at = int(opinion.category.argmax())
        return CATEGORIES[at], float(opinion.category[at])
    if not words.any():
        return Category.OTHER, 0.2
    at = int(words.argmax())
    return CATEGORIES[at], float(words[at] / words.sum())


def _category_reason(category: Category, said: dict[Category, str]) -> Reason:
    quote = said.get(category, "")
    return Reason("category", f"category_{category}", quote, _WORDS if quote else _LIKE)
