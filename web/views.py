"""What each page is given: plain, frozen values, ready to show. A template only loops and asks "is it there?".

Order: every page, inbox, knowledge. A page gets `page: PageView` and `view`; a partial what is in brackets.
Texts arrive translated into `page.lang`, times arrive as words of the reader's zone beside an ISO 8601 instant in UTC.
Fields that end in `_html` are sanitised HTML (`Markup`); everything else is escaped by the template.

    staff/signin.html     SigninView        staff/article.html    ArticleView
    staff/inbox.html      InboxView         staff/upload.html     UploadView
    staff/knowledge.html  KnowledgeView     public/error.html     ErrorView
    the pages for customers: public_views.py; staff/why.html: WhyView in why_views.py
    partials: staff/_list.html (view: InboxView), staff/_row.html (row), staff/_workspace.html (active, page),
    staff/_chips.html (view: InboxView), staff/_conversation.html (active), staff/_head.html (active, view),
    staff/_side.html (active), staff/_turn.html (turn),
    staff/_suggestion.html (suggestion), staff/_customer.html (customer), staff/_ticket.html (ticket)
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from web.merge_views import NO_MERGE, MergeCard
from web.person_views import CustomerView
from web.ticket_views import DeadlineView, LevelChangeView, RatingView, SimilarView

EMPTY = Markup("")


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select box."""

    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True, slots=True)
class StaffBadge:
    """Who is signed in: the avatar at the foot of the rail."""

    name: str
    initials: str
    role_name: str
    color_index: int = 0  # 0-7: one of eight avatar tints, stable for a person


@dataclass(frozen=True, slots=True)
class PageView:
    """What the frame of every page needs."""

    lang: str  # "en" | "zh"
    path: str  # path and query of this page: where a language switch or a sign-in returns to
    now_iso: str  # the server's clock, so that countdowns do not trust the reader's
    section: str = ""  # "inbox" | "knowledge": the lit entry of the rail
    staff: StaffBadge | None = None
    can_edit: bool = False  # may publish, archive and upload
    can_report: bool = False
    can_administer: bool = False


@dataclass(frozen=True, slots=True)
class SigninView:
    email: str = ""  # kept after a failed try
    error: str = ""  # says what to do next; never which of the two was wrong
    next: str = ""  # local path to return to


@dataclass(frozen=True, slots=True)
class ErrorView:
    status: int
    title: str
    detail: str  # what happened
    next_step: str = ""  # what to do now
    reference: str = ""  # request id: what a helper can look up
    home_url: str = "/"
    home_label: str = ""  # where that leads, when not to the start page


@dataclass(frozen=True, slots=True)
class RowView:
    """One conversation in the list."""

    public_id: str
    name: str
    initials: str
    color_index: int
    channel: str  # base.messages.Channel value: picks the mark on the avatar
    channel_name: str
    subject: str
    preview: str  # the newest turn, one line of plain text
    lang: str  # of subject and preview
    ago: str  # "6 min"
    urgency: str = ""  # desk Urgency value, or "" while no ticket is open
    urgency_name: str = ""
    due_iso: str = ""  # the next deadline; "" when none is running
    due_text: str = ""  # the same in words, for readers without scripts
    overdue: bool = False
    unread: int = 0  # customer turns since staff last looked
    active: bool = False
    pinned: bool = False  # green channel: stays on top
    state_name: str = ""  # "Assistant", "Waiting" ...: shown when there is no urgency


@dataclass(frozen=True, slots=True)
class CitationView:
    """A numbered source. `url` is "" when the reader may not open it."""

    n: int
    title: str
    section: str = ""
    url: str = ""
    quote: str = ""  # the sentence it supports, as written in the article
    lang: str = ""  # of title and quote
    note: str = ""  # "Knowledge · v12 · reviewed 2026-10-30"


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """A button of a clarifying question, as staff see it."""

    label: str
    url: str = ""  # of the article it stands for
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class AttachmentView:
    name: str
    size: str  # "1.4 MB"
    url: str = ""  # "" when the content was refused


@dataclass(frozen=True, slots=True)
class TurnView:
    """One message of the transcript."""

    id: str  # unique in the page; a turn that arrives twice is shown once
    seq: int  # its place in the transcript, whenever it arrives
    author: str  # "customer" | "bot" | "staff" | "system" | "note"
    author_name: str
    initials: str
    color_index: int
    time_iso: str
    time_text: str  # "10:02"
    text_html: Markup
    lang: str
    day: str = ""  # "Today", "Mon, 23 Nov": set on the first turn of a day
    mine: bool = False  # written by the signed-in person
    citations: tuple[CitationView, ...] = ()
    attachments: tuple[AttachmentView, ...] = ()
    confidence_percent: int | None = None  # 0-100, of a bot's answer
    mail_url: str = ""  # where the whole mail behind it is shown
    delivery: str = ""  # "Delivery not confirmed": only when there is something to know
    choices: tuple[ChoiceView, ...] = ()  # which articles a clarifying question offered
    other_url: str = ""  # the other conversation, of a note about a merge
    why_url: str = ""  # where the record of the assistant's answer is shown; "" for a turn without one


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """A drafted answer for staff. Never sent by itself."""

    text_html: Markup = EMPTY
    plain_text: str = ""  # what "Insert" puts into the reply box
    lang: str = ""
    confidence_percent: int | None = None
    sources: tuple[CitationView, ...] = ()
    empty_reason: str = ""  # why there is no draft: shown instead of one


@dataclass(frozen=True, slots=True)
class TicketView:
    name: str  # "FL-1042"
    title: str
    lang: str
    state: str  # desk TicketState value
    state_name: str
    urgency: str
    urgency_name: str
    category_name: str
    reasons: tuple[str, ...] = ()  # why this urgency
    deadlines: tuple[DeadlineView, ...] = ()
    summary: str = ""  # hand-over: what the customer needs, in two sentences
    unanswered: str = ""  # the question that could not be answered
    tried: tuple[CitationView, ...] = ()  # passages that were shown or considered
    similar: tuple[SimilarView, ...] = ()
    status_url: str = ""  # the customer's status page
    changes: tuple[LevelChangeView, ...] = ()  # of the urgency, oldest first
    subcategory_name: str = ""
    things: tuple[str, ...] = ()  # what it is about: VPN, Invoice ...
    problems: tuple[tuple[str, str], ...] = ()  # (thing, the customer's words), where one message holds several
    rating: RatingView | None = None
    withdrawn: str = ""  # why; "" for one that is not


@dataclass(frozen=True, slots=True)
class ConversationView:
    public_id: str
    subject: str
    lang: str
    channel: str
    channel_name: str
    state: str  # desk ConversationState value
    state_name: str
    customer: CustomerView
    suggestion: SuggestionView
    turns: tuple[TurnView, ...]
    ticket: TicketView | None = None
    assignee_name: str = ""  # "" = nobody
    mine: bool = False
    urgency: str = ""
    urgency_name: str = ""
    due_iso: str = ""
    due_text: str = ""
    staff: tuple[Option, ...] = ()  # whom it can be transferred to: public id, name
    urgencies: tuple[Option, ...] = ()
    can_reply: bool = True  # False: closed, or the channel takes no answer any more
    can_release: bool = False  # a person holds it: it can be given back to the assistant
    can_resolve: bool = False
    last_event_id: str = ""  # newest event already in this page; live updates start after it
    incident_url: str = ""  # of the open incident it belongs to
    incident_title: str = ""
    merge: MergeCard = NO_MERGE
    can_withdraw: bool = False


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One incident in the list."""

    public_id: str
    title: str
    state: str  # desk IncidentState value
    state_name: str
    customers: int
    since: str
    ticket: str = ""  # "FL-1042", the parent
    into: str = ""  # title of the one it was merged into


@dataclass(frozen=True, slots=True)
class InboxView:
    view: str  # "mine" | "unassigned" | "all"
    q: str
    mine: int
    unassigned: int
    all: int
    rows: tuple[RowView, ...]
    active: ConversationView | None = None
    last_event_id: str = ""
    proposals: tuple[IncidentLine, ...] = ()  # incidents that wait for a decision


@dataclass(frozen=True, slots=True)
class TranslationMark:
    """One language of an article; `public_id` is "" when that language is missing."""

    lang: str
    public_id: str = ""


@dataclass(frozen=True, slots=True)
class ArticleRow:
    public_id: str
    title: str
    lang: str
    status: str  # "draft" | "published" | "archived"
    status_name: str
    collection: str
    audience: str  # "public" | anything else is shown with a lock
    audience_name: str
    version: int
    updated: str
    translations: tuple[TranslationMark, ...] = ()


@dataclass(frozen=True, slots=True)
class KnowledgeView:
    q: str
    rows: tuple[ArticleRow, ...]
    total: int  # of all matches; `rows` may hold fewer
    langs: tuple[Option, ...] = ()
    statuses: tuple[Option, ...] = ()
    missing_translations: int = 0


@dataclass(frozen=True, slots=True)
class VersionRow:
    number: int
    state_name: str
    author: str
    time: str
    note: str = ""
    current: bool = False
    restorable: bool = False  # offers POST publish with version=number


@dataclass(frozen=True, slots=True)
class ArticleView:
    """One article for staff. Buttons post to /knowledge/{public_id}/publish (form version, optional) and /archive."""

    public_id: str
    title: str
    lang: str
    body_html: Markup
    status: str
    status_name: str
    collection: str
    audience: str
    audience_name: str
    version: int
    updated: str
    source: str  # where it came from: file name or address
    chunk_count: int
    versions: tuple[VersionRow, ...] = ()
    translations: tuple[TranslationMark, ...] = ()
    public_url: str = ""
    can_publish: bool = False
    can_archive: bool = False
    older: int | None = None  # the visible version, when another one is shown here


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What became of one file."""

    name: str
    outcome: str  # "indexed" | "updated" | "unchanged" | "skipped"
    outcome_name: str
    title: str = ""
    lang: str = ""
    chunks: int = 0
    reason: str = ""  # of a skipped one: what to do about it
    article_id: str = ""


@dataclass(frozen=True, slots=True)
class ReportView:
    rows: tuple[ReportRow, ...]
    indexed: int
    unchanged: int
    skipped: int


@dataclass(frozen=True, slots=True)
class UploadView:
    collections: tuple[Option, ...]
    audiences: tuple[Option, ...]
    langs: tuple[Option, ...]
    packages: tuple[Option, ...]
    limit: str  # "20 MB", of one file
    limit_bytes: int
    all_limit: str  # of all files of one form
    all_limit_bytes: int
    accept: str = ".md,.html,.htm,.pdf,.docx,.xlsx,.csv,.txt,.eml"
    report: ReportView | None = None
    error: str = ""
