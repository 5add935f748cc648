"""What the pages for customers are given, as `views.py` is for staff.

public/article.html PublicArticleView    public/status.html StatusView    public/demo.html DemoView
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from web.ticket_views import DeadlineView


@dataclass(frozen=True, slots=True)
class PublicArticleView:
    """What a citation opens. Headings in `body_html` carry the ids that citation addresses end in."""

    title: str
    lang: str
    body_html: Markup
    updated: str
    collection: str = ""
    translation_url: str = ""
    translation_lang: str = ""  # "en" | "zh"


@dataclass(frozen=True, slots=True)
class StepView:
    label: str
    state: str  # "done" | "current" | "todo"
    time: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StatusView:
    """A customer's ticket behind its unguessable link."""

    name: str  # "FL-1042"
    title: str
    lang: str
    state: str  # desk TicketState value
    state_name: str
    urgency: str
    urgency_name: str
    opened: str
    deadlines: tuple[DeadlineView, ...]
    steps: tuple[StepView, ...]
    next_text: str  # what happens next
    updated: str = ""
    reopen_hint: str = ""  # set once it is solved


@dataclass(frozen=True, slots=True)
class DemoView:
    """The page that carries the chat widget."""

    questions: tuple[tuple[str, str], ...]  # (icon, text): see DEMO_QUESTIONS; none where its articles are not loaded
    widget_src: str = ""  # its full address, to copy
    company: str = ""  # whose page it is; "": the made-up one's
    widget_url: str = "/static/widget.js"
    console_url: str = "/inbox"
    setting_up: bool = False  # the articles are being read in; questions wait for them
