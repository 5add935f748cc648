"""What a message does to the business: urgency with its reasons, category, tone, and whether a person is asked for.

Start at Triager.triage. Evidence (`triage_evidence`) > rules and floors (`triage_rules`) > the learned part
(`triage_model`), which decides; a floor is the rules' word where the learned part does not rule it out. Without a model
the rules decide alone, without an embedding the model reads the words only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from base.i18n import N_
from base.text import detect_language
from bot.models import Reason, Triage
from bot.topics import subcategory, topics
from bot.triage_evidence import INCIDENTS, Evidence, Signal, extract, is_empty
from bot.triage_features import figures
from bot.triage_lexicon import scan
from bot.triage_model import TONES, Opinion, TriageModel
from bot.triage_rules import Verdict, deadline, judge, reason, worse
from bot.triage_text import Message
from bot.triage_wording import CATEGORIES, category_scores, sentiment
from bot.wants_human import asks_for_person
from desk.models import Category, Sentiment, Urgency
from kb.embed import Embedder

_WORDED_AS = {
    Urgency.URGENT: N_("Worded like reports that are urgent: “{quote}”"),
    Urgency.HIGH: N_("Worded like reports that are high: “{quote}”"),
    Urgency.NORMAL: N_("Worded like reports that are normal: “{quote}”"),
    Urgency.LOW: N_("Worded like messages that are low: “{quote}”"),
}
_JUDGED = {
    Urgency.URGENT: N_("As a whole it reads like reports that are urgent."),
    Urgency.HIGH: N_("As a whole it reads like reports that are high."),
    Urgency.NORMAL: N_("As a whole it reads like reports that are normal."),
    Urgency.LOW: N_("As a whole it reads like messages that are low."),
}
_EARLIER = N_("The conversation so far says more than this message: “{quote}”")
_PERSON_ONLY = N_("It only asks for a person: “{quote}”")
_WORDS = N_("It speaks of: “{quote}”")
_LIKE = N_("It reads like other messages of this kind.")
_SURE = 0.95  # of what is decided by a phrase alone
# Of 569 labelled messages under a floor of urgent 94 got a share of urgent below this from the learned part (out of
# fold): five of them were urgent. Above it, three in four are.
_RULED_OUT = 0.2
# Where the rules find nothing bad, an alarm needs half of the shares: of 70 labelled messages below, 24 were urgent (out of
# fold), and of people who only ask something each one would get a ticket instead of an answer.
_ALARM_ALONE = 0.5
_SURE_OF_COURSE = 0.6  # share from which the words of several messages together raise a level
_MILD = frozenset("nothing_reported unknown question wish request status_inquiry thanks cosmetic".split())
_HISTORY = 5  # earlier messages that are read again
_SHORT_TOKENS = 24


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
    figures: npt.NDArray[np.float64]  # all of it as numbers, for the learned part


def read(text: str) -> Reading:
    """The Reading of a message. Never raises."""
    evidence, scanned = extract(text), scan(text)
    words, said = category_scores(scanned)
    verdict = judge(evidence)
    return Reading(evidence, verdict, words, said, sentiment(scanned), figures(text, evidence, verdict, words))


def only_asks_for_person(text: str) -> bool:
    """Whether a message asks for a person and says nothing else: "转人工", "agent please"."""
    reading = read(text)
    return asks_for_person(text) is not None and _says_nothing_else(reading.evidence, reading.verdict)


class Judge(Protocol):
    """Who judges messages: the fitted model, or a chat model before it."""

    def triage(
        self, text: str, *, vector: npt.NDArray[np.float32] | None = None, history: Sequence[str] = (), lang: str = "",
        reading: Reading | None = None,
    ) -> Triage:  # fmt: skip
        """See `Triager.triage`."""
        ...

    def of_words(self) -> Judge:
        """See `Triager.of_words`."""
        ...


class Triager:
    """Judges messages. Thread-safe."""

    def __init__(self, embedder: Embedder | None = None, model: TriageModel | None = None) -> None:
        """Without a model the rules decide alone; a model fitted for another embedder reads the words only."""
        fits = embedder is not None and model is not None and model.spec == embedder.spec.digest
        self._embedder, self._model = embedder if fits else None, model

    def of_words(self) -> Judge:
        """The same without the embedding: for what is not worth one."""
        return Triager(None, self._model)

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

        vector: the text's meaning (`Embedder.meaning`), when that is at hand. history: the customer's earlier messages, oldest
        first; the level is read from the whole course and falls below an earlier one only when the customer gives the
        all-clear. lang: "zh" or "en" when known. reading: `read(text)` when that is at hand. Raises what the embedder
        raises.
        """
        lang = lang or detect_language(text)
        reading = reading or read(text)
        evidence, verdict = reading.evidence, reading.verdict
        opinion = self._opinion(text, lang, vector, reading)
        human = asks_for_person(text, opinion.human if opinion else None)
        level = _settle(verdict, opinion, evidence.message)
        mild = opinion is None or opinion.level is Urgency.LOW
        if human is not None and human.quote and mild and _says_nothing_else(evidence, verdict):
            level = _Level(Urgency.LOW, (Reason("what", "person_only", human.quote, _PERSON_ONLY),), _SURE)
        ceiling = _no_alarm(evidence, verdict)
        if ceiling is not None and level.urgency.rank < Urgency.NORMAL.rank:
            level = _Level(Urgency.NORMAL, (reason("state", ceiling.concept, ceiling.quote),), level.confidence)
        level = self._with_history(level, evidence, text, history)
        over = _over(evidence)
        if over is not None and (level.urgency is Urgency.LOW or (history and self._mild_alone(reading))):
            level = _Level(Urgency.LOW, (reason("state", "recovered", over.quote),), level.confidence)
        category, category_confidence = _category(reading.words, opinion)
        found = topics(evidence)
        return Triage(
            urgency=level.urgency,
            urgency_reasons=(*level.reasons, category_reason(category, reading.said)),
            category=category,
            category_confidence=category_confidence,
            lang=lang,
            sentiment=_tone(reading.sentiment, opinion),
            wants_human=human is not None,
            human_reason=human,
            confidence=level.confidence,
            all_clear=over is not None and level.urgency is Urgency.LOW,
            subcategory=subcategory(category, found),
            things=tuple((thing.key, thing.quote) for thing in found.things),
        )

    def _opinion(
        self, text: str, lang: str, vector: npt.NDArray[np.float32] | None, reading: Reading
    ) -> Opinion | None:
        if self._model is None or is_empty(text):
            return None
        if self._embedder is None:
            vector = None
        elif vector is None:
            vector = self._embedder.meaning(text, lang)
        return self._model.judge(reading.evidence.message, reading.figures, vector)

    def _mild_alone(self, reading: Reading) -> bool:
        """Whether the message's own words report nothing bad: what it is judged by may be the question before it."""
        if self._model is None:
            return reading.verdict.urgency.rank >= Urgency.NORMAL.rank
        return self._model.judge(reading.evidence.message, reading.figures).level.rank >= Urgency.NORMAL.rank

    def _with_history(self, level: _Level, evidence: Evidence, text: str, history: Sequence[str]) -> _Level:
        """The worst of the course: each earlier message alone, and all together ("ERP 打不开", then "全公司都这样")."""
        earlier = [said for said in history if said.strip() and said.strip() != text.strip()][-_HISTORY:]
        if not earlier or evidence.has("recovered"):
            return level
        together = self._together("\n".join((*earlier, text)))
        if together is None or together.urgency.rank >= level.urgency.rank:
            return level
        quote = next((reason.quote for reason in together.reasons if reason.quote), "")
        reasons = (Reason("state", "earlier", quote, _EARLIER), *together.reasons)
        return _Level(together.urgency, reasons, together.confidence)

    def _together(self, said: str) -> _Level | None:
        """The level of several messages read as one, where that is clear."""
        reading = read(said)
        if self._model is None:
            verdict = reading.verdict
            return _Level(verdict.urgency, verdict.reasons, verdict.confidence) if verdict.decided else None
        opinion = self._model.judge(reading.evidence.message, reading.figures)
        level = _settle(reading.verdict, opinion, reading.evidence.message)
        clear = float(opinion.urgency[: level.urgency.rank + 1].sum()) >= _SURE_OF_COURSE
        return level if clear else None


def _settle(verdict: Verdict, opinion: Opinion | None, message: Message) -> _Level:
    """The rules' verdict and the learned opinion as one level."""
    if opinion is None:
        return _Level(verdict.urgency, verdict.reasons, verdict.confidence)
    rank = opinion.level.rank
    quiet = verdict.urgency.rank >= Urgency.NORMAL.rank
    if rank == 0 and quiet and opinion.urgency[0] < _ALARM_ALONE:
        rank = 1 + int(opinion.urgency[1:].argmax())
    if not opinion.familiar:  # it may find a fault where the rules found nothing, no more
        rank = max(rank, min(verdict.urgency.rank, Urgency.NORMAL.rank))
    urgency = list(Urgency)[rank]
    if float(opinion.urgency[: verdict.floor.rank + 1].sum()) >= _RULED_OUT:
        urgency = worse(urgency, verdict.floor)
    confidence = float(opinion.urgency[urgency.rank])
    if urgency is verdict.urgency:
        return _Level(urgency, verdict.reasons, confidence)
    return _Level(urgency, (_worded(urgency, opinion, message), *_still_true(verdict, urgency)), confidence)


def _says_nothing_else(evidence: Evidence, verdict: Verdict) -> bool:
    """A wish for a person in a short message that names no thing, nobody else and no harm."""
    named = ("core", "shared", "device", "org", "team", "all_customers", "blocked", "business_stop", "loss", "money")
    short = len(evidence.message.tokens) <= _SHORT_TOKENS
    mild = verdict.floor is Urgency.LOW and verdict.urgency in (Urgency.NORMAL, Urgency.LOW)
    return short and mild and not evidence.has(*named) and not deadline(evidence)


def _over(evidence: Evidence) -> Signal | None:
    """ "已经恢复了，谢谢", "All sorted now": said in a few words, not asked, and nothing is still wrong; else None."""
    short = len(evidence.message.tokens) <= _SHORT_TOKENS
    clear = short and not evidence.has(*INCIDENTS) and not evidence.message.questions
    return evidence.first("recovered") if clear else None


def _no_alarm(evidence: Evidence, verdict: Verdict) -> Signal | None:
    """What makes a short message no alarm, whatever it reads like: it is over, planned, a drill or a test system.

    Of 122 labelled messages of this kind four were high or urgent.
    """
    if len(evidence.message.tokens) > _SHORT_TOKENS or verdict.floor is not Urgency.LOW:
        return None
    return _over(evidence) or evidence.first("test_env", "drill", "planned")


def _still_true(verdict: Verdict, urgency: Urgency) -> tuple[Reason, ...]:
    """The evidence without what the learned part has just overruled: a floor, or that it is only a question or a wish."""
    raised, ruled_out = urgency.rank < verdict.urgency.rank, urgency.rank > verdict.floor.rank
    return tuple(
        reason
        for reason in verdict.reasons
        if not (raised and reason.code in _MILD) and not (ruled_out and reason.kind == "floor")
    )


def _worded(urgency: Urgency, opinion: Opinion, message: Message) -> Reason:
    if opinion.level is not urgency or not opinion.telling:
        return Reason("wording", f"judged_{urgency}", "", _JUDGED[urgency])
    return Reason("wording", f"worded_{urgency}", message.quote(*opinion.telling[0]), _WORDED_AS[urgency])


def _category(words: npt.NDArray[np.float64], opinion: Opinion | None) -> tuple[Category, float]:
    if opinion is not None:
        at = int(opinion.category.argmax())
        return CATEGORIES[at], float(opinion.category[at])
    if not words.any():
        return Category.OTHER, 0.2
    at = int(words.argmax())
    return CATEGORIES[at], float(words[at] / words.sum())


def _tone(by_words: Sentiment, opinion: Opinion | None) -> Sentiment:
    return by_words if opinion is None else TONES[int(opinion.tone.argmax())]


def category_reason(category: Category, said: dict[Category, str]) -> Reason:
    """Why a category: its words in the message (`Reading.said`), or none in particular."""
    quote = said.get(category, "")
    return Reason("category", f"category_{category}", quote, _WORDS if quote else _LIKE)
