"""What the incident templates are given: staff/incidents.html IncidentsView, staff/incident.html IncidentView."""

from __future__ import annotations

from dataclasses import dataclass

from web.views import IncidentLine, Option


@dataclass(frozen=True, slots=True)
class IncidentsView:
    proposed: tuple[IncidentLine, ...]
    open: tuple[IncidentLine, ...]
    ended: tuple[IncidentLine, ...]


@dataclass(frozen=True, slots=True)
class MemberView:
    """A conversation of an incident."""

    conversation: str  # public id
    name: str
    channel: str
    channel_name: str
    text: str  # what the customer wrote
    lang: str
    ago: str
    state: str  # desk MemberState value
    by: str  # who says that it belongs, in words
    ticket: str = ""
    ticket_state: str = ""


@dataclass(frozen=True, slots=True)
class UpdateView:
    when: str
    name: str
    texts: tuple[tuple[str, str], ...]  # (language, text)
    resolves: bool
    all_told: bool


@dataclass(frozen=True, slots=True)
class Texts:
    """A text in both languages, as it stands in a form."""

    en: str = ""
    zh: str = ""


@dataclass(frozen=True, slots=True)
class IncidentView:
    public_id: str
    state: str
    state_name: str
    title: str  # in the reader's language
    titles: Texts
    notice: Texts
    things: tuple[str, ...]
    since: str
    candidates: tuple[MemberView, ...]
    members: tuple[MemberView, ...]
    removed: tuple[MemberView, ...]
    updates: tuple[UpdateView, ...]
    urgencies: tuple[Option, ...] = ()  # of the parent ticket, when it is opened
    readers: str = ""  # "3 中文, 2 English": whom an update reaches
    others: tuple[Option, ...] = ()  # live incidents it can be merged into
    merged: tuple[IncidentLine, ...] = ()  # what was merged into it
    into: IncidentLine | None = None
    ticket: str = ""
    ticket_urgency: str = ""
    ticket_urgency_name: str = ""
    due_iso: str = ""
    due_text: str = ""
    draft: Texts = Texts()  # an update that was not accepted: nothing typed is lost
    solved: Texts = Texts()  # what is proposed to tell when it is over
    error: str = ""
