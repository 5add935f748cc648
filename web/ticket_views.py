"""The parts of a ticket as pages show it: promises, changes, similar ones, what the customer thought of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadlineView:
    """One promise and how it was computed."""

    label: str  # "First response"
    at_text: str  # "Mon, 23 Nov, 09:30"
    at_iso: str
    state: str  # "running" | "met" | "missed" | "paused"
    state_name: str
    derivation: tuple[str, ...] = ()  # lines of the calculation, in order


@dataclass(frozen=True, slots=True)
class SimilarView:
    name: str
    title: str
    solution: str = ""
    conversation_id: str = ""  # opens it in the inbox when the reader may
    lang: str = ""


@dataclass(frozen=True, slots=True)
class LevelChangeView:
    """One change of a ticket's urgency."""

    when: str
    was_name: str
    level: str
    level_name: str
    by: str  # who, in words
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RatingView:
    """What a customer said of how they were helped."""

    score: int  # 1 to 5
    name: str  # "good"
    comment: str
    lang: str  # of the comment
    when: str


@dataclass(frozen=True, slots=True)
class ScoreView:
    score: int
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class RateView:
    """The page behind a rating link."""

    token: str
    ticket: str  # "FL-1042"
    title: str
    lang: str  # of the title
    scores: tuple[ScoreView, ...]
    comment: str
    most: int  # characters of a comment
    is_open: bool  # the ticket is open again
    state: str  # "ask" | "done" | "over"
