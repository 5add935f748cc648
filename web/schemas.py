"""Bodies of the REST API. Unknown fields are refused: nothing a client sends lands in a column by accident."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class NewChatSession(Body):
    lang: Literal["en", "zh", ""] = ""
    page: Annotated[str, Field(max_length=2000)] = ""


class QuickReplyOut(BaseModel):
    label: str
    action: str


class ChatSessionOut(BaseModel):
    session: str
    conversation: str
    lang: str
    greeting: str
    quick_replies: list[QuickReplyOut]


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
