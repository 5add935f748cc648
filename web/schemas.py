"""Bodies of the REST API. Unknown fields are refused: nothing a client sends lands in a column by accident."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class NewChatSession(Body):
    lang: Literal["en", "zh", ""] = ""
    page: Annotated[str, Field(max_length=2000)] = ""
    user_token: Annotated[str, Field(max_length=4000)] = ""  # who it is, signed by the site that shows the window


class MailWish(Body):
    address: Annotated[str, Field(min_length=3, max_length=254)]


class MailCode(Body):
    code: Annotated[str, Field(min_length=1, max_length=20)]


class MailWishOut(BaseModel):
    sent: bool  # whatever the address: nothing is learned from it


class MailConfirmedOut(BaseModel):
    address: str


class QuickReplyOut(BaseModel):
    label: str
    action: str


class ChatSessionOut(BaseModel):
    session: str
    conversation: str
    lang: str
    greeting: str
    quick_replies: list[QuickReplyOut]
    max_chars: int  # of one message; a longer one is refused
    read_chars: int  # so many of them the assistant reads; people see all
    mail: bool = False  # whether a conversation can be carried on by mail
    name: str = ""  # of somebody the site vouched for


class TurnsOut(BaseModel):
    turns: list[dict[str, Any]]
    state: str
    last_event_id: int


class MessageOut(BaseModel):
    message_id: int
    duplicate: bool


class SearchQuery(Body):
    text: Annotated[str, Field(min_length=1, max_length=4000)]
    top_k: Annotated[int, Field(ge=1, le=50)] = 10
    internal: bool = False
    product: Annotated[str, Field(max_length=100)] = ""
    version: Annotated[str, Field(max_length=100)] = ""
    package: Annotated[str, Field(max_length=100)] = ""
    collections: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)] = []


class HitOut(BaseModel):
    article_id: str
    source: str
    title: str
    section: str
    lang: str
    score: float
    quote: str


class SearchOut(BaseModel):
    hits: list[HitOut]


class ReplyBody(Body):
    text: Annotated[str, Field(min_length=1, max_length=8000)]
    kind: Literal["reply", "note"] = "reply"


class AssignBody(Body):
    staff: Annotated[str, Field(max_length=40)] = "me"


class ResolveBody(Body):
    root_cause: Annotated[str, Field(max_length=300)] = ""
    solution: Annotated[str, Field(max_length=2000)] = ""


class UrgencyBody(Body):
    urgency: Literal["urgent", "high", "normal", "low"]
    reason: Annotated[str, Field(min_length=1, max_length=300)]


class TicketOut(BaseModel):
    name: str
    title: str
    state: str
    urgency: str
    category: str
    opened_at: str
    first_response_due: str | None
    resolution_due: str | None
    status_url: str


class ConversationOut(BaseModel):
    id: str
    channel: str
    state: str
    subject: str
    lang: str
    updated_at: str
    ticket: TicketOut | None


class ConversationDetail(ConversationOut):
    turns: list[dict[str, Any]]


class SourceOut(BaseModel):
    """An article as an answer used it, and what has become of it."""

    article_id: str
    title: str
    version: int
    standing: Literal["current", "changed", "withdrawn", "deleted"]
    version_now: int | None
    lang: str


class CandidateOut(BaseModel):
    """A passage that was found, in the order of the ranking."""

    query: Annotated[int, Field(description="which of `queries` found it, from 0")]
    rank: int
    source: SourceOut
    section: str
    score: float
    similarity: float
    keyword: float
    opening: Annotated[str, Field(description="its first words; empty when its text is gone")]
    citations: Annotated[list[int], Field(description="numbers of the quotations taken from it")]


class QuotationOut(BaseModel):
    n: int
    source: SourceOut
    section: str
    quote: str
    stands: Annotated[bool | None, Field(description="word for word in that version; null when its text is gone")]
    stands_now: Annotated[bool | None, Field(description="the same for the version visible now")]


class ObjectionOut(BaseModel):
    sentence: str
    reason: str


class GroundingOut(BaseModel):
    """The check of a model's sentences against their sources, on the texts of then."""

    sentences: int
    objections: list[ObjectionOut]


class ThresholdsOut(BaseModel):
    answer: float
    clarify: float
    recorded: Annotated[bool, Field(description="false: the record lacks them, these are today's")]


class RiskOut(BaseModel):
    """What the answer threshold stands for, by the fit that was used."""

    promised: float
    sure_to: float
    answered: int
    wrong: int
    at_most: float
    kept: bool


class ChoiceOut(BaseModel):
    label: str
    action: str
    chosen: bool


class AnswerRecordOut(BaseModel):
    """Why the assistant said what it said in one turn."""

    conversation: str
    seq: int
    turn_id: int
    outcome: str
    reason: str
    explanation: Annotated[str, Field(description="the reason as a sentence in the language of the request")]
    question: str
    queries: list[str]
    understood: Annotated[str, Field(description='how a follow-up became a question: "", "rule", "model/..."')]
    lang: str
    action: str
    confidence: float
    confidences: list[float]
    thresholds: ThresholdsOut
    risk: RiskOut | None
    candidates: list[CandidateOut]
    quotations: list[QuotationOut]
    grounding: GroundingOut | None
    choices: list[ChoiceOut]
    writer: str
    fit: str
    policy: str
    embedder: str
    urgency: str
    category: str
    sentiment: str
    wants_human: bool
    injection: bool
    milliseconds: dict[str, float]


class ArticleOut(BaseModel):
    id: str
    title: str
    lang: str
    status: str
    collection: str
    audience: str
    source: str
    updated_at: str


class ArticlesOut(BaseModel):
    articles: list[ArticleOut]
    total: int


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
