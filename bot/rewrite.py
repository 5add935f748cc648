"""A follow-up made a question of its own by a chat model; on any doubt the rule in `question` stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from base.errors import ModelUnavailable
from base.log import get_logger
from base.metrics import MODEL_CALLS
from base.text import clean, is_identifier, query_tokens, tokens
from bot.breaker import Breaker
from bot.masking import Masked, inert
from bot.model_stream import END_TOLD_BY, whole_text
from bot.prompt import prompt
from desk.models import Author, Turn

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = get_logger(__name__)
MAX_CHARS = 300
SECONDS = 5.0  # a search that waits longer than this for a better question is the worse one
_TURNS = 6


class Rewriter(Protocol):
    def rewrite(self, text: str, turns: Sequence[Turn]) -> str | None:
        """The message as a question that stands alone; None when it could not be made or should not be trusted."""
        ...


class ModelRewriter:
    """Asks a chat model, with personal data masked, under a short time limit and the answers' circuit breaker."""

    def __init__(
        self,
        model: BaseChatModel,
        name: str,
        *,
        organisation: str,
        breaker: Breaker,
        timeout_seconds: float = SECONDS,
    ) -> None:
        self._end_is_told = name.partition(":")[0] in END_TOLD_BY
        self._model, self._organisation, self._breaker = model, organisation, breaker
        self._timeout = min(timeout_seconds, SECONDS)

    def rewrite(self, text: str, turns: Sequence[Turn]) -> str | None:
        if not self._breaker.closed():
            return None
        masked = Masked()
        talk = [
            f"{'customer' if turn.author is Author.CUSTOMER else 'assistant'}: {inert(masked.hide(turn.text))[:400]}"
            for turn in turns[-_TURNS:]
            if turn.author in (Author.CUSTOMER, Author.BOT)
        ]
        asked = f"<turns>\n{chr(10).join(talk)}\n</turns>\n<message>\n{inert(masked.hide(text))}\n</message>"
        system = prompt("rewrite").text.format(organisation=self._organisation)
        try:
            told = [("system", system), ("human", asked)]
            written = whole_text(self._model, told, self._timeout, MAX_CHARS * 4, end_is_told=self._end_is_told)
        except ModelUnavailable as error:
            self._breaker.failure(str(error.detail or error.code))
            MODEL_CALLS.labels(result="failed").inc()
            log.warning("not_rewritten", error=str(error.detail or error.code)[:200])
            return None
        self._breaker.success()
        MODEL_CALLS.labels(result="rewritten").inc()
        return _trusted(masked.restore(written), text, turns)


def _trusted(written: str, text: str, turns: Sequence[Turn]) -> str | None:
    """The model's question, when it is one short line made of what was said; None otherwise."""
    line = re.sub(r"^[\s\"'“”]+|[\s\"'“”]+$", "", clean(written))
    if not line or "\n" in line or len(line) > MAX_CHARS:
        return None
    said = set(tokens(" ".join([text, *(turn.text for turn in turns[-_TURNS:])])))
    asked = query_tokens(line)
    invented = [token for token in asked if token not in said]
    if any(is_identifier(token) for token in invented) or len(invented) > max(3, len(asked) // 2):
        return None
    return line
