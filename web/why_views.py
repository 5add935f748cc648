"""What the page "Why this answer?" is given (staff/why.html), as `views.py` is for the other pages. Ready to show."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from web.person_views import Fact
from web.views import EMPTY, ChoiceView


@dataclass(frozen=True, slots=True)
class GaugeView:
    """The confidence against the thresholds; all figures are percentages of the bar."""

    percent: float
    answer: float  # from here on an answer is given
    clarify: float  # from here on the customer is asked which article is meant
    level: str  # "good" | "warn" | "none": which of the three the confidence reaches
    words: str  # what the confidence led to
    answer_label: str
    clarify_label: str
    label: str  # all of it in one sentence, for who does not see the bar
    risk: tuple[str, ...] = ()  # what the answer threshold stands for
    note: str = ""  # "These are today's thresholds ..."


@dataclass(frozen=True, slots=True)
class CandidateView:
    rank: int
    title: str
    section: str
    url: str  # the article at the version that was used; "" when it is deleted
    lang: str
    version: str  # "version 2"
    score: str
    score_percent: float  # 0..100, of the bar
    similarity: str
    keyword: str
    quoted: tuple[int, ...] = ()  # numbers of the quotations taken from it
    opening: str = ""  # the passage's first words; "" when its text is not kept any more
    offered: str = ""  # "offered as a choice", "chosen by the customer"
    changed: str = ""  # what has become of the article since; "" when nothing has


@dataclass(frozen=True, slots=True)
class SearchView:
    """One question that was searched, with what was found for it in the order of the ranking."""

    question: str
    confidence: str  # "71%"; "" where only one was searched: the bar shows it
    candidates: tuple[CandidateView, ...]  # the first, and all that were quoted or offered
    further: tuple[CandidateView, ...] = ()


@dataclass(frozen=True, slots=True)
class QuoteView:
    n: int
    title: str
    section: str
    url: str
    lang: str
    quote: str
    state: str  # "good" | "warn" | "bad"
    check: str  # "Stands word for word in version 2."


@dataclass(frozen=True, slots=True)
class StageView:
    name: str
    milliseconds: str  # "12.3 ms"
    percent: float  # of the slowest stage


@dataclass(frozen=True, slots=True)
class RebuiltView:
    """What the record leads to today."""

    identical: bool
    words: str
    changes: tuple[str, ...] = ()
    text_html: Markup = EMPTY  # the other text, when it differs
    lang: str = ""


@dataclass(frozen=True, slots=True)
class WhyView:
    back_url: str
    subject: str
    subject_lang: str
    asked_html: Markup
    asked_lang: str
    said_html: Markup
    said_lang: str
    time_iso: str
    time_text: str
    outcome: str  # bot OutcomeKind value
    outcome_name: str
    reason: str  # one sentence
    notes: tuple[str, ...]  # what else took part in the decision
    gauge: GaugeView | None  # None where nothing was searched
    searched: tuple[Fact, ...]  # how the message was understood
    searches: tuple[SearchView, ...]
    choices: tuple[ChoiceView, ...]
    quotes: tuple[QuoteView, ...]
    grounding: tuple[str, ...]  # what the check of a model's sentences gave
    message: tuple[Fact, ...]  # what triage made of the message
    urgency_reasons: tuple[str, ...]
    stages: tuple[StageView, ...]
    total: str  # "18.2 ms"
    versions: tuple[Fact, ...]
    rebuilt: RebuiltView | None
