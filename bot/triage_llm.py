"""A chat model's judgement of a message, as an option: held to a form, never below a rule's floor, given up on any fault."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from base.errors import ModelUnavailable
from base.i18n import N_
from base.log import get_logger
from base.metrics import MODEL_CALLS
from bot.breaker import Breaker
from bot.masking import Masked, inert
from bot.model_stream import END_TOLD_BY, whole_text
from bot.models import Reason, Triage
from bot.prompt import prompt
from bot.topics import subcategory, topics
from bot.triage import Judge, Reading, category_reason, read
from bot.triage_evidence import is_empty
from bot.triage_rules import worse
from desk.models import Category, Urgency

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = get_logger(__name__)
SECONDS: Final = 5.0  # a customer waits for it: what takes longer is not worth it
_ANSWER_CHARS = 1200
_MESSAGE_CHARS = 4000
_EARLIER_CHARS = 400
_JSON = re.compile(r"\{.*\}", re.DOTALL)
_JUDGED = {
    Urgency.URGENT: N_("The language model judges it urgent, from: “{quote}”"),
    Urgency.HIGH: N_("The language model judges it high, from: “{quote}”"),
    Urgency.NORMAL: N_("The language model judges it normal, from: “{quote}”"),
    Urgency.LOW: N_("The language model judges it low, from: “{quote}”"),
}
_JUDGED_WHOLE = N_("The language model judges so from the message as a whole.")
_SURE = 0.75
_WISH = N_("The language model reads a wish for a person.")


class _Verdict(BaseModel):
    urgency: Urgency
    category: Category
    wants_human: bool
    because: str = ""


class ModelTriager:
    """Asks a chat model, with personal data masked; what it says replaces the level and category of `inner`.

    It may not go below a floor of the rules, and it cannot take back a wish for a person that was found. On any fault
    (away, slow, no JSON, an unknown level) the judgement of `inner` stands.
    """

    def __init__(
        self, inner: Judge, model: BaseChatModel, name: str, *, organisation: str, breaker: Breaker,
        timeout_seconds: float = SECONDS,
    ) -> None:  # fmt: skip
        self._inner, self._model, self._organisation, self._breaker = inner, model, organisation, breaker
        self._end_is_told = name.partition(":")[0] in END_TOLD_BY
        self._timeout = min(timeout_seconds, SECONDS)

    def of_words(self) -> Judge:
        """For what is not worth an embedding, and for the last resort: without the chat model, too."""
        return self._inner.of_words()

    def triage(
        self,
        text: str,
        *,
        vector: npt.NDArray[np.float32] | None = None,
        history: Sequence[str] = (),
        lang: str = "",
        reading: Reading | None = None,
    ) -> Triage:
        """As `Triager.triage`."""
        reading = reading or read(text)
        judged = self._inner.triage(text, vector=vector, history=history, lang=lang, reading=reading)
        verdict = None if is_empty(text) else self._asked(text, history)
        if verdict is None:
            return judged
        urgency = worse(verdict.urgency, reading.verdict.floor)
        if any(reason.code == "earlier" for reason in judged.urgency_reasons):
            urgency = worse(urgency, judged.urgency)  # the course of the conversation is not forgotten
        because = category_reason(verdict.category, reading.said)
        found = replace(
            judged, category=verdict.category, category_confidence=_SURE,
            urgency_reasons=(*judged.urgency_reasons[:-1], because),
            subcategory=subcategory(verdict.category, topics(reading.evidence)),
        )  # fmt: skip
        if verdict.wants_human and not judged.wants_human:
            found = replace(found, wants_human=True, human_reason=Reason("human", "human_model", "", _WISH))
        if urgency is judged.urgency:
            return found
        reason = _reason(urgency, verdict, text) if urgency is verdict.urgency else None
        reasons = (reason, because) if reason else (*reading.verdict.reasons, because)
        return replace(found, urgency=urgency, urgency_reasons=reasons, confidence=_SURE)

    def _asked(self, text: str, history: Sequence[str]) -> _Verdict | None:
        if not self._breaker.closed():
            return None
        masked = Masked()
        earlier = "".join(f"<turn>\n{inert(masked.hide(said))[:_EARLIER_CHARS]}\n</turn>\n" for said in history[-4:])
        message = f"<message>\n{inert(masked.hide(text[:_MESSAGE_CHARS]))}\n</message>"
        told = [("system", prompt("triage").text.format(organisation=self._organisation)), ("human", earlier + message)]
        try:
            said = whole_text(self._model, told, self._timeout, _ANSWER_CHARS, end_is_told=self._end_is_told)
        except ModelUnavailable as error:
            self._breaker.failure(str(error.detail or error.code))
            MODEL_CALLS.labels(result="failed").inc()
            log.warning("not_triaged_by_model", error=str(error.detail or error.code)[:200])
            return None
        self._breaker.success()
        try:
            verdict = _Verdict.model_validate(json.loads(_object(said)))
        except (ValueError, ValidationError) as error:
            MODEL_CALLS.labels(result="unsupported").inc()
            log.warning("triage_of_model_not_understood", error=type(error).__name__)
            return None
        MODEL_CALLS.labels(result="triaged").inc()
        return verdict.model_copy(update={"because": masked.restore(verdict.because)})


def _object(said: str) -> str:
    """The JSON object in what a model says, whatever fence or preamble stands around it. Raises ValueError."""
    found = _JSON.search(said)
    if found is None:
        raise ValueError("no JSON object")
    return found[0]


def _reason(urgency: Urgency, verdict: _Verdict, text: str) -> Reason:
    """Its words count as a quotation only where they stand in the message."""
    quote = verdict.because.strip()
    if quote and quote in text:
        return Reason("wording", f"model_{urgency}", quote, _JUDGED[urgency])
    return Reason("wording", f"model_{urgency}", "", _JUDGED_WHOLE)
