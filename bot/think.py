"""The thinking between load and save: guard > triage > question > search > answer > policy. Touches no desk table."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import numpy as np

from base.i18n import known_locale
from base.log import get_logger
from base.messages import Inbound
from base.settings import Settings
from base.text import detect_language
from bot import policy
from bot.answering import Answering, Finding, prepare, unanswered
from bot.confidence import Fit
from bot.guard import Guarded, Remark, guard
from bot.models import Triage
from bot.policy import Case
from bot.pressed import DECLINED, meant
from bot.problems import problems
from bot.prompt import prompt
from bot.queries import queries
from bot.question import last_question, leans_on_earlier, stand_alone
from bot.rewrite import Rewriter
from bot.scope import customer_scope
from bot.symptom import known_incident, symptom_of
from bot.thought import Thought
from bot.triage import Judge, Reading, read
from bot.wants_human import asks_for_person
from bot.writer import AnswerWriter, OnText
from desk.conversations import Thread
from desk.incidents import Notice
from desk.models import Author, Category, ConversationState, Sentiment, Turn, Urgency
from desk.replies import WITHDRAWN
from kb.ahead import Ahead
from kb.embed import Embedder
from kb.models import Audience, Passage, Scope
from kb.search import Searcher, Words

log = get_logger(__name__)
CUSTOMER_SCOPE = Scope(audiences=(Audience.PUBLIC,))
T = TypeVar("T")
CHOOSE = "choose:"
MATTER_HOURS = 24
MOST_PROBLEMS = 3  # each costs a search
_GREETS = re.compile(
    r"(?:hello|hi|hey|help|thank|please|yes|no|ok|okay|sorry|good|what|why|how|who|where|when)\b", re.IGNORECASE
)
# "PRN-21", "error 809", "Outlook", an address: the same in any language.
_ONLY_NAMES = re.compile(
    r"(?:(?:https?://\S+|[\w.:/#+-]*\d[\w.:/#+-]*|[A-Z][\w.'+/#-]*|(?i:error|code)\b)[\s,;:!?]*){1,4}",
)


class Thinker:
    """Decides about messages. Safe to share between threads; the same message on the same knowledge decides the same."""

    def __init__(
        self, settings: Settings, embedder: Embedder, searcher: Searcher, triager: Judge, writer: AnswerWriter,
        fit: Fit, rewriter: Rewriter | None = None,
    ) -> None:  # fmt: skip
        self._settings, self._embedder, self._searcher = settings, embedder, searcher
        self._triager, self._rules, self._writer = triager, triager.of_words(), writer
        self._fit, self._rewriter = fit, rewriter
        self._thresholds = {"answer": settings.answer_confidence, "clarify": settings.clarify_confidence}
        spec = embedder.spec
        self._embedder_name = f"{spec.provider}:{spec.model} {spec.digest[:8]}"

    def foresee(self, inbound: Inbound) -> tuple[str, str] | None:
        """What will most likely be asked, and in which language, told from the message alone. None where it cannot be."""
        try:
            message = guard(inbound.text, self._settings.message_max_chars)
            if inbound.action or not message.text or message.remark is not None or leans_on_earlier(message.text):
                return None
            return questions(message.text)[0], self.language(inbound, message, Thread(None, None, ()))
        except Exception as error:  # the message is stored all the same; thinking about it says what is wrong
            log.warning("not_foreseen", error=type(error).__name__)
            return None

    def beside(self, foreseen: tuple[str, str] | None, work: Callable[[], T]) -> tuple[Ahead | None, T]:
        """Do `work` (store the message, read its thread, prepare) while what was foreseen is being embedded."""
        return Ahead.beside(self._embedder, *foreseen, work) if foreseen else (None, work())

    def prepare(
        self, inbound: Inbound, thread: Thread, foreseen: tuple[str, str] | None = None,
        notices: Sequence[Notice] = (),
    ) -> Prepared:  # fmt: skip
        """Find out what needs no embedding. What was not foreseen begins to be embedded meanwhile."""
        watch = _Watch()
        state = thread.conversation.state if thread.conversation else ConversationState.BOT
        memory = thread.conversation.memory if thread.conversation else {}
        turns = current_matter(thread.turns, inbound.received_at)
        message, action = self._read(inbound, turns, memory)
        lang = self.language(inbound, message, thread)
        asked, understood = ((message.text,), "") if action else self._asked(message.text, turns)
        scope = customer_scope(inbound, thread)
        has_ticket = bool(thread.conversation and thread.conversation.ticket_id)
        talk_id = thread.conversation.id if thread.conversation else None
        ask = _Question(asked, lang, action, message, turns, state, memory, scope, has_ticket, notices, talk_id)
        words, more, ahead = None, [], None
        if ask.worth_embedding():
            if foreseen != (asked[0], lang):
                ahead = Ahead(self._embedder, asked[0], lang)
            more = [Ahead(self._embedder, question, lang) for question in asked[1:]]
            words = None if action else self._searcher.words(asked[0], scope)
        watch.lap("words")
        reading = read(message.text)
        if words is not None:  # what the answer will need of the questions alone
            for question in asked:
                prepare(question)
        watch.lap("reading")
        return Prepared(ask, inbound.text, understood, words, reading, ahead, more, watch.laps)

    def think(self, inbound: Inbound, thread: Thread, on_text: OnText | None = None) -> Thought:
        """What to do about a message, given the thread so far."""
        return self.conclude(self.prepare(inbound, thread), on_text)

    def conclude(self, ready: Prepared, on_text: OnText | None = None, ahead: Ahead | None = None) -> Thought:
        """What to do about a message that was prepared. ahead: what was foreseen of it, embedded."""
        watch, ask, more = _Watch(ready.milliseconds), ready.ask, ready.more
        message, lang, action, scope, turns = ask.message, ask.lang, ask.action, ask.scope, ask.turns
        vector, triage = self._judge(ask, ready.ahead or ahead, ready.reading, watch)
        findings: list[Finding] = []
        sure, answer = 0.0, None
        if ask.needs_search(triage):
            answering = self.answering(scope=scope)
            findings = self._found(answering, ask, ready.label, vector, ready.words, more)
            watch.lap("search")
            history = tuple((str(turn.author), turn.text) for turn in turns[-6:] if turn.author is not Author.NOTE)
            if triage.urgency is Urgency.URGENT:
                on_text = None  # the reply will be a ticket: nobody is to see an answer come and go
            live = on_text if len(findings) == 1 else None  # a numbered reply is shown when it is whole
            findings = [answering.answered(finding, lang, history, live) for finding in findings]
            answer, sure = answering.reply(findings, lang)
            if on_text is not None and live is None and answer is not None:
                on_text(answer.text)
            watch.lap("answer")
        passages = findings[0].passages if findings else ()
        symptom = None if action else symptom_of(triage, vector)
        known = known_incident(ask.notices, triage, symptom, ask.conversation_id, ask.memory) if ask.notices else None
        current = frozenset(one for notice in ask.notices for one in (notice.incident, *notice.also))
        decision = policy.decide(
            Case(
                message=message, action=action, triage=triage, state=ask.state, memory=ask.memory, has_ticket=ask.has_ticket,
                confidence=sure, passages=passages, answer=answer, answer_threshold=self._settings.answer_confidence,
                clarify_threshold=self._settings.clarify_confidence, known=known,
                open_incidents=current, unanswered=unanswered(findings),
            )
        )  # fmt: skip
        case = {"scope": asdict(scope), "state": str(ask.state), "has_ticket": ask.has_ticket, "memory": ask.memory}
        if known is not None:
            case["known"] = asdict(known)
        if action.startswith(policy.SAME):
            case["open_incidents"] = sorted(current)
        return Thought(
            message, "\n".join(ask.asked), triage, passages, sure, decision, action, watch.laps, tuple(findings),
            ready.understood, self._fit.version, case, self._thresholds, self._embedder_name, symptom,
        )  # fmt: skip

    def answering(self, writer: AnswerWriter | None = None, scope: Scope = CUSTOMER_SCOPE) -> Answering:
        """How findings become an answer here; `writer`: another one than the configured; `scope`: for whom."""
        return Answering(
            writer or self._writer, self._settings.answer_confidence, self._settings.answer_max_chars,
            lambda passage: self._searcher.article(passage, scope), self._fit,
        )  # fmt: skip

    def _asked(self, text: str, turns: Sequence[Turn]) -> tuple[tuple[str, ...], str]:
        """The questions of a message, and how a follow-up was understood: by a model where there is one, else by rule."""
        question, joined = stand_alone(text, turns)
        if not joined:
            return questions(text), ""
        rewritten = self._rewriter.rewrite(text, turns) if self._rewriter is not None else None
        return ((rewritten,), f"model/{prompt('rewrite').version}") if rewritten else ((question,), "rule")

    def without_knowledge(self, inbound: Inbound) -> Thought:
        """A ticket for a person, decided without search, model or embedding: for when those are what failed."""
        lang = detect_language(inbound.text[:1000], inbound.locale or self._settings.default_locale)
        try:
            message = guard(inbound.text, self._settings.message_max_chars)
            triage = self._rules.triage(message.text, lang=lang)
        except Exception as error:  # reading the message may be what failed: a person reads it then
            log.error("message_unreadable", error=f"{type(error).__name__}: {error}"[:200])
            message, triage = Guarded("", False, None, False), _unread(lang)
        return Thought(message, message.text, triage, (), 0.0, policy.give_up(lang), fit=self._fit.version)

    def language(self, inbound: Inbound, message: Guarded, thread: Thread) -> str:
        """The language to answer in: the message's own; for a button, bare digits or a code, the conversation's."""
        fallback = thread.conversation.lang if thread.conversation else inbound.locale or self._settings.default_locale
        if inbound.action or _only_names(message.text):
            return known_locale(fallback, self._settings.default_locale)
        return detect_language(message.text, known_locale(fallback, self._settings.default_locale))

    def triage_alone(self, text: str) -> Triage:
        """The triage of a message nobody wrote anything before."""
        message = guard(text, self._settings.message_max_chars)
        lang = detect_language(message.text, self._settings.default_locale)
        vector = self._embedder.meaning(message.text, lang) if message.text else None
        return self._triager.triage(message.text, vector=vector, lang=lang)

    def _read(self, inbound: Inbound, turns: Sequence[Turn], memory: dict[str, Any]) -> tuple[Guarded, str]:
        """The message, and the action it stands for. A button's label is not the customer's words: their question is."""
        message = guard(inbound.text, self._settings.message_max_chars)
        action = inbound.action or meant(message.text, turns)
        if action == DECLINED:
            return replace(message, remark=Remark.THANKS), ""
        if inbound.action or action.startswith(CHOOSE):
            asked = last_question(turns) or str(memory.get("question", ""))
            return replace(message, text=asked or message.text, remark=None), action
        return message, action

    def _judge(
        self, ask: _Question, ahead: Ahead | None, reading: Reading, watch: _Watch
    ) -> tuple[np.ndarray | None, Triage]:
        """The question's vector and the triage. Where the vector would decide nothing, none is made."""
        history = [turn.text for turn in ask.turns if turn.author is Author.CUSTOMER and not turn.payload.get("action")]
        vector, meaning, triager = None, None, self._rules
        if ahead is not None and ask.worth_embedding():
            try:
                vector, triager = ahead.vector(), self._triager
                meaning = self._embedder.meaning(ahead.text, ahead.lang)  # made in the same run, and remembered
            except Exception as error:
                if not ask.action and asks_for_person(ask.message.text) is None:
                    raise  # it comes back when the embedder does, or is given to a person
                log.warning("embedder_failed", error=f"{type(error).__name__}: {error}"[:200])
        watch.lap("embed")
        watch.laps["embed"] += ahead.waited * 1000 if ahead is not None else 0.0
        # A follow-up is judged by the meaning of the joined question: alone it says little, and it costs no second run.
        triage = triager.triage(ask.message.text, vector=meaning, history=history[-4:], lang=ask.lang, reading=reading)
        if meaning is not None and ahead is not None and ahead.text != ask.message.text and not triage.wants_human:
            said = asks_for_person(ask.message.text)  # what was joined says nothing about a wish: its own words do
            triage = replace(triage, wants_human=said is not None, human_reason=said)
        watch.lap("triage")
        return vector, triage if triage.lang == ask.lang else replace(triage, lang=ask.lang)

    def _found(
        self,
        answering: Answering,
        ask: _Question,
        label: str,
        vector: np.ndarray | None,
        words: Words | None,
        more: Sequence[Ahead],
    ) -> list[Finding]:
        """What was found for each question. A chosen article needs no confidence: the customer has said it."""
        passages, article = self._search(ask, label, vector, words)
        first = answering.found(ask.text, ask.lang, passages, article)
        if ask.action.startswith(CHOOSE):
            return [replace(first, confidence=1.0 if passages else 0.0, chosen=True)]
        findings = [first]
        for ahead in more:
            found = self._searcher.search(
                ahead.text, scope=ask.scope, top_k=self._settings.top_k, lang=ask.lang, vector=ahead.vector()
            )
            findings.append(answering.found(ahead.text, ask.lang, found.passages, found.article))
        return findings

    def _search(
        self, ask: _Question, label: str, vector: np.ndarray | None, words: Words | None
    ) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
        """The passages, and all of the best one's article."""
        if not ask.action:
            top_k = self._settings.top_k
            found = self._searcher.search(
                ask.text, scope=ask.scope, top_k=top_k, lang=ask.lang, vector=vector, words=words
            )
            return found.passages, found.article
        chosen = ask.action.removeprefix(CHOOSE)
        for text in dict.fromkeys((ask.text, label)):  # the question, else the title on the button
            found = self._searcher.search(text, scope=ask.scope, top_k=30, lang=ask.lang)
            if passages := tuple(p for p in found.passages if p.article_public_id == chosen):
                return passages, self._searcher.article(passages[0], ask.scope)
        return (), ()


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, by whom it is read, and in what state the conversation is."""

    asked: tuple[str, ...]  # each stands alone: a follow-up is joined with what it follows
    lang: str
    action: str
    message: Guarded
    turns: Sequence[Turn]
    state: ConversationState
    memory: dict[str, Any]
    scope: Scope
    has_ticket: bool
    notices: Sequence[Notice] = ()
    conversation_id: int | None = None

    @property
    def text(self) -> str:
        """The first question, and mostly the only one."""
        return self.asked[0]

    def worth_embedding(self) -> bool:
        """Small talk needs no vector, nor does what a person answers anyway."""
        small_talk = self.message.remark is not None or self.action == "helped"
        return bool(self.text) and not small_talk and self.state is not ConversationState.STAFF

    def needs_search(self, triage: Triage) -> bool:
        if self.action and not self.action.startswith(CHOOSE):
            return False
        waits = self.state is ConversationState.WAITING and self.memory.get("waits_for") == "person"
        return self.worth_embedding() and not triage.wants_human and not waits


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message with all that can be found out without its embedding."""

    ask: _Question
    label: str  # the message as it came: what stood on a pressed button
    understood: str  # see Thought
    words: Words | None
    reading: Reading
    ahead: Ahead | None  # the first question, where it was not foreseen
    more: Sequence[Ahead]  # the others
    milliseconds: dict[str, float]


def questions(text: str) -> tuple[str, ...]:
    """What is asked for in a message: its questions, or its problems where it reports several without asking."""
    asked = queries(text)
    if len(asked) == 1 and (several := problems(text)):
        return tuple(queries(one.text)[0] for one in several[:MOST_PROBLEMS])
    return asked


def current_matter(turns: Sequence[Turn], now: datetime) -> tuple[Turn, ...]:
    """The latest turns that still belong together: nothing from before a solution, nothing older than MATTER_HOURS.

    Without this an outage that was solved last week would make today's question about it urgent again.
    """
    found: list[Turn] = []
    for turn in reversed(turns):
        solved = turn.payload.get("event") in ("resolved", WITHDRAWN) or turn.payload.get("action") == "helped"
        if solved or now - turn.created_at > timedelta(hours=MATTER_HOURS):
            break
        found.append(turn)
    return tuple(reversed(found))


def _only_names(text: str) -> bool:
    return text.isascii() and len(text) < 200 and not _GREETS.match(text) and bool(_ONLY_NAMES.fullmatch(text))


def _unread(lang: str) -> Triage:
    return Triage(Urgency.NORMAL, (), Category.OTHER, 0.0, lang, Sentiment.NEUTRAL, False, None, 0.0)


class _Watch:
    def __init__(self, laps: dict[str, float] | None = None) -> None:
        self._at = time.perf_counter()
        self.laps = dict(laps or {})

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._at = (now - self._at) * 1000, now
