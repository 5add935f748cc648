"""ModelWriter: any LangChain chat model words the answer; nothing leaves that the passages do not say.

The model sees fenced passages and masked personal data. Its text is read sentence by sentence as it arrives; a sentence
is shown only after `ground` found it supported. On any fault the caller falls back to quoting (promise 6).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from base.errors import MisconfiguredSetting, ModelUnavailable
from base.i18n import N_, translate
from base.metrics import MODEL_CALLS
from base.pii import mask
from base.text import detect_language, shorten, split_sentences
from bot.breaker import Breaker
from bot.content import content
from bot.ground import MARKER, check_sentence
from bot.masking import inert
from bot.model_stream import END_TOLD_BY, stream_sentences
from bot.models import Answer
from bot.prompt import prompt
from bot.writer import OnText, Request, cite, filed_under
from kb.models import Passage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PASSAGES = 4
LANGUAGES = {"zh": "Simplified Chinese (简体中文)", "en": "English"}
NO_ANSWER = "NO_ANSWER"
MIN_KEPT = 0.5  # share of the sentences that must be supported, else the answer's core has fallen
_STEP = re.compile(r"\s*(?:\*\*)?\d{1,2}[.)、]")
_LEADS_IN = re.compile(r"[:：]\s*$|^\W*(?:\*\*[^*]{1,60}\*\*|#+ .{1,60})\W*$")  # "Try this:", a heading
MAX_QUESTION = 4000  # characters; what is longer costs more than it says
MAX_PASSAGE = 6000
UNSAID, UNSAID_CHARS = 20, 300  # dropped sentences that are kept for the record


class NotGrounded(ModelUnavailable):
    """The model wrote an answer, but its core is not in the passages."""

    code = "answer_not_grounded"
    unsaid: tuple[tuple[str, str], ...] = ()  # see Answer


class ModelWriter:
    """Words answers with a chat model.

    `write` returns None when the model says that the passages do not answer the question. Raises ModelUnavailable for
    faults, NotGrounded when too little of what it wrote is supported: then a quotation is the better answer.
    """

    def __init__(
        self,
        model: BaseChatModel,
        name: str,
        *,
        timeout_seconds: float,
        organisation: str,
        breaker: Breaker | None = None,
    ) -> None:
        self.name = f"model/{prompt('answer').number}:{name}"  # the number is the prompt's version
        self._model, self._timeout, self._organisation = model, timeout_seconds, organisation
        self._end_is_told = name.partition(":")[0] in END_TOLD_BY
        self._breaker = breaker or Breaker()

    def write(self, request: Request, on_text: OnText | None = None) -> Answer | None:
        if not request.passages:
            return None
        if not self._breaker.closed():
            raise ModelUnavailable("the model failed repeatedly; paused")
        draft = _Draft(request, on_text)
        try:
            messages = self._messages(request, draft.passages)
            for piece in stream_sentences(self._model, messages, self._timeout, end_is_told=self._end_is_told):
                if NO_ANSWER in piece.text:
                    self._breaker.success()
                    MODEL_CALLS.labels(result="no_answer").inc()
                    return None
                if piece.finished:
                    draft.add(piece.text, piece.new_line)
        except ModelUnavailable as error:
            self._breaker.failure(str(error.detail or error.code))
            MODEL_CALLS.labels(result="failed").inc()
            raise
        self._breaker.success()
        if reason := draft.fallen():
            MODEL_CALLS.labels(result="unsupported").inc()
            fallen = NotGrounded(reason, kept=draft.kept, dropped=len(draft.dropped))
            fallen.unsaid = draft.unsaid()
            raise fallen
        MODEL_CALLS.labels(result="answered").inc()
        return _filed(draft.answer(self.name), request)

    def _messages(self, request: Request, passages: tuple[Passage, ...]) -> list[tuple[str, str]]:
        fenced = "\n\n".join(
            f'<passage n="{n}" title="{inert(p.title, quoted=True)}">\n{inert(p.text[:MAX_PASSAGE])}\n</passage>'
            for n, p in enumerate(passages, 1)
        )
        told = prompt("answer").text.format(
            organisation=self._organisation, language=LANGUAGES.get(request.lang, "English"), passages=fenced
        )
        earlier = [
            ("human" if author == "customer" else "ai", inert(mask(text))[:500])
            for author, text in request.history
            if author in ("customer", "bot")
        ]
        return [
            ("system", told),
            *earlier,
            ("human", f"<question>\n{inert(mask(request.question[:MAX_QUESTION]))}\n</question>"),
        ]


def _filed(answer: Answer, request: Request) -> Answer:
    """The answer with what its sources apply to, where they are filed under a product or version it does not name."""
    cited = {citation.chunk_id for citation in answer.citations}
    filed = filed_under([passage for passage in request.passages if passage.chunk_id in cited], request.lang)
    if not filed or filed in answer.text:
        return answer
    applies = translate(N_("Applies to: {products}"), request.lang, products=filed)
    return replace(answer, text=f"{answer.text}\n\n{applies}")


class _Draft:
    """The answer as it grows: what is supported is kept and shown, the rest is remembered as dropped."""

    def __init__(self, request: Request, on_text: OnText | None) -> None:
        self.passages = request.passages[:PASSAGES]
        self._sources = {
            n: f"{p.title}\n{p.section}\n{inert(p.text[:MAX_PASSAGE])}" for n, p in enumerate(self.passages, start=1)
        }
        self._lang, self._on_text = request.lang, on_text
        self._text = ""
        self.kept = 0
        self.dropped: list[tuple[str, str]] = []  # sentence, reason

    def add(self, sentence: str, new_line: bool) -> None:
        reason = self._objection(sentence)
        if reason:
            self.dropped.append((sentence, reason))
            return
        between = "" if not self.kept else "\n" if new_line else "" if self._lang == "zh" else " "
        shown = between + MARKER.sub(r" [\1]", sentence)
        self._text += shown
        self.kept += 1
        if self._on_text is not None:
            self._on_text(shown)

    def _objection(self, sentence: str) -> str:
        cited = {int(n) for n in MARKER.findall(sentence)}
        same = all(self.passages[n - 1].lang == self._lang for n in cited if 0 < n <= len(self.passages))
        checked = check_sentence(sentence, self._sources, same_language=same)
        if checked.supported and _in_another_language(sentence, self._lang):
            return "language"
        return checked.reason

    def fallen(self) -> str:
        """Why the answer cannot stand; "" when it can. A list of steps with one missing is worse than none."""
        if not self.kept:
            return "nothing is supported"
        wrong = [said for said, reason in self.dropped if reason != "uncited" or not _LEADS_IN.search(said)]
        if any(_STEP.match(said) for said in wrong):
            return "a step is not supported"
        return "" if self.kept / (self.kept + len(wrong)) > MIN_KEPT else "too little is supported"

    def unsaid(self) -> tuple[tuple[str, str], ...]:
        """What was dropped, for the record of the answer."""
        return tuple((shorten(said, UNSAID_CHARS), reason) for said, reason in self.dropped[:UNSAID])

    def answer(self, writer: str) -> Answer:
        used = sorted({int(n) for n in MARKER.findall(self._text)})
        numbers = {old: new for new, old in enumerate(used, start=1)}
        text = MARKER.sub(lambda match: f" [{numbers[int(match[1])]}]", self._text)
        cited = tuple(cite(self.passages[n - 1], numbers[n], _supporting(self.passages[n - 1], text)) for n in used)
        return Answer(text, cited, self._lang, writer, self.unsaid())


def make_chat_model(
    name: str, *, base_url: str, api_key: str, timeout_seconds: float, max_tokens: int
) -> BaseChatModel:
    """The chat model a setting names, as "provider:model". Raises MisconfiguredSetting naming what is wrong."""
    provider, _, model = name.partition(":")
    if not provider or not model:
        reason = f'"{name}" should be provider:model, as in openai:NAME or ollama:NAME'
        raise MisconfiguredSetting(name="llm", reason=reason)
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"temperature": 0}
    if provider == "ollama":
        options |= {"num_predict": max_tokens, "client_kwargs": {"timeout": timeout_seconds}}
    else:
        options |= {"max_tokens": max_tokens, "timeout": timeout_seconds, "max_retries": 1}
    if base_url:
        options["base_url"] = base_url
    if api_key or (base_url and provider == "openai"):
        options["api_key"] = api_key or "none"  # servers of one's own often ask for none, the client always does
    try:
        made: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
        return made
    except ImportError as error:
        reason = f"install the LangChain package for {provider}: {error}"
        raise MisconfiguredSetting(name="llm", reason=reason) from error
    except Exception as error:
        raise MisconfiguredSetting(name="llm", reason=_why(error, provider)) from error


def _why(error: Exception, provider: str) -> str:
    """What is wrong with a model's name, and what to write instead, from LangChain's error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    known = next((line.partition(": ")[2] for line in lines if line.startswith("Supported model providers")), "")
    if not known:
        return lines[0]
    return (
        f'"{provider}" is no provider of chat models. Write openai:NAME (with llm_base_url for any server that speaks '
        f"its protocol), ollama:NAME, or another of these with its LangChain package installed: {known}"
    )


def _in_another_language(sentence: str, lang: str) -> bool:
    """Whether a sentence of some length is not in the customer's language. A menu path or a command may be in any."""
    bare = re.sub(r"`[^`]*`|\[\d+\]", " ", sentence)
    words = len(re.findall(r"[A-Za-z]{2,}", bare))
    han = len(re.findall(r"[\u3400-\u9fff]", bare))
    if lang == "en":
        return han >= 4 and detect_language(bare, lang) != lang
    return words >= 6 and han == 0


def _supporting(passage: Passage, text: str, limit: int = 300) -> str:
    """The stretch of a passage that shares most with the answer: exact words, what the citation quotes."""
    said = content(text)
    sentences = split_sentences(passage.text)
    if not sentences:
        return passage.text[:limit]
    scores = [len(said & content(sentence)) for sentence in sentences]
    best = max(range(len(sentences)), key=lambda place: (scores[place], -place))
    start = passage.text.find(sentences[best])
    end = start + len(sentences[best])
    for following in range(best + 1, len(sentences)):
        if not scores[following]:
            break
        at = passage.text.find(sentences[following], end)
        if at < 0 or at + len(sentences[following]) - start > limit:
            break
        end = at + len(sentences[following])
    return passage.text[start:end][:limit].rstrip()
