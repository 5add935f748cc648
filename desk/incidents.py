"""Incidents: one thing that is wrong for several customers, with the conversations that belong to it. Reads only.

`incident_work` says what is done with them, `incident_updates` what everybody in them is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import NotFound
from base.messages import Channel
from desk.tables import ConversationRow, IncidentRow, MemberRow, UpdateRow, plain


class IncidentState(StrEnum):
    PROPOSED = "proposed"  # the surge thinks so; nobody outside has been told
    OPEN = "open"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"  # a person found that it is none
    MERGED = "merged"  # it is the same as another one


class MemberState(StrEnum):
    CANDIDATE = "candidate"
    MEMBER = "member"
    REMOVED = "removed"  # found not to belong: it is not suggested again


@dataclass(frozen=True, slots=True)
class Incident:
    id: int
    public_id: str
    state: IncidentState
    title: Mapping[str, str]  # language -> text
    notice: Mapping[str, str]  # what the assistant tells customers about it, language -> text
    objects: tuple[str, ...]  # keys of bot/topics.toml
    ticket_id: int | None  # the parent ticket
    merged_into: int | None
    first_at: datetime
    proposed_at: datetime
    opened_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Member:
    conversation_id: int
    state: MemberState
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """What the assistant knows of an open incident."""

    incident: str  # public id
    objects: frozenset[str]
    text: Mapping[str, str]
    latest: Mapping[str, str]  # the newest update, if there is one
    conversations: frozenset[int]  # which are in it, or were found not to be
    also: frozenset[str] = frozenset()  # public ids of what was merged into it: their buttons are still out there


LIVE = (IncidentState.PROPOSED, IncidentState.OPEN)
_INCIDENTS = plain(IncidentRow)
_OPEN = select(_INCIDENTS).where(_INCIDENTS.c.state == IncidentState.OPEN).order_by(_INCIDENTS.c.id)


def get(session: Session, public_id: str) -> Incident:
    """Raises NotFound."""
    row = session.scalar(select(IncidentRow).where(IncidentRow.public_id == public_id[:64].replace("\x00", "")))
    if row is None:
        raise NotFound("incident")
    return to_incident(row)


def current(session: Session, public_id: str) -> Incident:
    """The incident, or the one it was merged into. Raises NotFound."""
    found = get(session, public_id)
    return by_id(session, found.merged_into) if found.merged_into else found


def by_id(session: Session, incident_id: int) -> Incident:
    """Raises NotFound."""
    row = session.get(IncidentRow, incident_id, populate_existing=True)
    if row is None:
        raise NotFound("incident", id=incident_id)
    return to_incident(row)


def live(session: Session) -> list[Incident]:
    """Those proposed or open, newest first."""
    query = select(IncidentRow).where(IncidentRow.state.in_(LIVE)).order_by(IncidentRow.id.desc())
    return [to_incident(row) for row in session.scalars(query)]


def latest(session: Session, limit: int = 60) -> list[Incident]:
    """All that were ever proposed, newest first."""
    return [
        to_incident(row) for row in session.scalars(select(IncidentRow).order_by(IncidentRow.id.desc()).limit(limit))
    ]


def members(session: Session, incident: Incident) -> list[Member]:
    """Its conversations and those of what was merged into it, in the order they came; each once."""
    family = [incident.id, *merged_here(session, incident.id)]
    found: dict[int, Member] = {}
    for row in session.scalars(select(MemberRow).where(MemberRow.incident_id.in_(family)).order_by(MemberRow.id)):
        one = Member(row.conversation_id, MemberState(row.state), row.by, row.at)
        if one.conversation_id not in found or row.incident_id == incident.id:
            found[one.conversation_id] = one
    return list(found.values())


def decided(session: Session, since: datetime) -> frozenset[int]:
    """Conversations that are in an incident proposed since then, or were found not to be: no surge is made of them."""
    query = select(MemberRow.conversation_id).join(IncidentRow, IncidentRow.id == MemberRow.incident_id)
    return frozenset(session.scalars(query.where(IncidentRow.proposed_at >= since)))


def merged_here(session: Session, incident_id: int) -> list[int]:
    """Ids of the incidents that were merged into this one."""
    return list(session.scalars(select(IncidentRow.id).where(IncidentRow.merged_into == incident_id)))


def of_conversation(session: Session, conversation_id: int) -> Incident | None:
    """The open incident a conversation belongs to; the newest where there are several."""
    query = (
        select(IncidentRow)
        .join(MemberRow, MemberRow.incident_id == IncidentRow.id)
        .where(MemberRow.conversation_id == conversation_id, MemberRow.state == MemberState.MEMBER)
        .where(IncidentRow.state.in_((IncidentState.OPEN, IncidentState.MERGED)))
        .order_by(IncidentRow.id.desc())
    )
    row = session.scalar(query.limit(1))
    if row is None or row.merged_into is None:
        return to_incident(row) if row else None
    parent = by_id(session, row.merged_into)
    return parent if parent.state is IncidentState.OPEN else None


def notices(session: Session) -> tuple[Notice, ...]:
    """What the assistant is to tell about open incidents. One statement while there are none."""
    rows = session.execute(_OPEN).all()
    return tuple(_notice(session, to_incident(row)) for row in rows) if rows else ()


def _notice(session: Session, incident: Incident) -> Notice:
    newest = session.scalar(
        select(UpdateRow).where(UpdateRow.incident_id == incident.id).order_by(UpdateRow.id.desc()).limit(1)
    )
    decided = frozenset(
        one.conversation_id for one in members(session, incident) if one.state is not MemberState.CANDIDATE
    )
    latest_text = dict(newest.text) if newest is not None else {}
    merged = session.scalars(select(IncidentRow.public_id).where(IncidentRow.merged_into == incident.id))
    return Notice(
        incident.public_id, frozenset(incident.objects), incident.notice, latest_text, decided, frozenset(merged)
    )  # fmt: skip


def parent_conversation(session: Session, incident: Incident) -> int | None:
    """Id of the conversation that keeps what was told to everybody; None before it is open."""
    return session.scalar(
        select(ConversationRow.id).where(
            ConversationRow.channel == Channel.INCIDENT, ConversationRow.thread_id == incident.public_id
        )
    )


def to_incident(row: Any) -> Incident:
    """The dataclass of a row, whether it came as an object or as columns."""
    return Incident(
        id=row.id, public_id=row.public_id, state=IncidentState(row.state), title=dict(row.title), notice=dict(row.notice),
        objects=tuple(row.objects), ticket_id=row.ticket_id, merged_into=row.merged_into, first_at=row.first_at,
        proposed_at=row.proposed_at, opened_at=row.opened_at, ended_at=row.ended_at,
    )  # fmt: skip
