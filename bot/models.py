"""What the bot makes of a message. Frozen; nothing here knows a database or a channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from base.i18n import translate
from desk.models import Category, Sentiment, Urgency


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing in the message that decided something, ready to be shown to staff in either language."""

    kind: str  # what | how_many | state | time | floor | category | human | wording
    code: str  # stable name for logs, events and tests
    quote: str  # exact words of the message; "" when nothing in particular can be shown
    message: str  # English msgid; may use {quote} and the names in `fields`
    fields: dict[str, Any] = field(default_factory=dict)

    def render(self, locale: str) -> str:
        """The reason as one sentence in the reader's language."""
        return translate(self.message, locale, quote=self.quote, **self.fields)

    def as_dict(self, locale: str = "en") -> dict[str, Any]:
        """What a ticket keeps: enough to say it again in any language, and the sentence in `locale`."""
        return {
            "kind": self.kind,
            "code": self.code,
            "quote": self.quote,
            "message": self.message,
            "fields": self.fields,
            "text": self.render(locale),
        }


@dataclass(frozen=True, slots=True)
class Triage:
    urgency: Urgency
    urgency_reasons: tuple[Reason, ...]
    category: Category
    category_confidence: float  # 0..1
    lang: str  # "zh" or "en"
    sentiment: Sentiment
    wants_human: bool
    human_reason: Reason | None
    confidence: float  # 0..1, of the urgency
    all_clear: bool = False  # the customer says that it is over, and nothing else is wrong
    subcategory: str = ""  # key within the category, see bot/topics.toml
    things: tuple[tuple[str, str], ...] = ()  # what it is about, the main thing first: (key, the message's words)


class OutcomeKind(StrEnum):
    """What the policy decided for one message."""

    ANSWER = "answer"
    CLARIFY = "clarify"  # which of two or three articles is meant?
    OFFER = "offer"  # nothing found for a question: a person or a ticket is offered
    TICKET = "ticket"  # opened, or the open one was added to
    GREETING = "greeting"
    SILENT = "silent"  # a person has the conversation: the message is stored for them


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quoted sentence stands. `n` is the number shown in the text as [n]."""

    n: int
    chunk_id: int
    article_id: str  # the article's public id
    version: int
    source: str
    title: str
    section: str
    quote: str  # exact words of the passage
    lang: str
    audience: str
    linked: bool = (
        True  # the page of an article for some service packages only cannot be opened: it asks for no sign-in
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply whose every sentence is supported by its citations."""

    text: str  # Markdown subset, markers as [1]
    citations: tuple[Citation, ...]
    lang: str  # of the reader; the quotation may be in another
    writer: str  # "quoting/1", "model/1:openai:..."
    unsaid: tuple[tuple[str, str], ...] = ()  # (sentence, reason): what a model wrote and the sources do not support
    instead_of: str = (
        ""  # the writer that should have worded it, and why it did not: "model/1:openai:... fault: detail"
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """An article offered in a clarifying question."""

    article_id: str
    title: str  # as it is shown: with its language where that is not the reader's


@dataclass(frozen=True, slots=True)
class Known:
    """An open incident that a message is, or may be, about."""

    incident: str  # public id
    text: str  # what customers are told about it
    reported: bool  # the message reports a fault of the same thing: it may be this


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a message, and why. Made without touching the database."""

    kind: OutcomeKind
    reason: str  # a constant word: "supported", "wants_human", "no_support" ...
    text: str  # what the customer is told; a ticket's promise is added when it is saved
    answer: Answer | None = None
    choices: tuple[Choice, ...] = ()
    opens_ticket: bool = False
    to_person: bool = False  # the customer waits for a person: the bot keeps silent from now on
    incident: str = ""  # the known incident this may be about: the customer is asked
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: the answer to `Engine.receive`."""

    kind: OutcomeKind
    reason: str
    text: str
    lang: str
    confidence: float  # 0..1: that the best passage answers the question
    citations: tuple[Citation, ...]
    triage: Triage
    choices: tuple[Choice, ...] = ()  # of a clarifying question
    conversation_id: str = ""  # public id
    ticket: str = ""  # "FL-1042"
    duplicate: bool = False
