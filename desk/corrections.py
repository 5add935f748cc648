"""What staff corrected in the judgement of a message, kept as labelled cases with the evidence shown at the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.clock import mondays
from base.text import clean
from desk.models import Author, Category, Ticket, TicketState, Urgency
from desk.tables import CorrectionRow, TicketRow, TurnRow

LEAST: Final = 40  # tickets corrected below which they teach nothing
WEEKS: Final = 8  # that reports look back
MAX_TEXT = 6000  # characters of the customer's words that are kept: triage reads no more


@dataclass(frozen=True, slots=True)
class Correction:
    """One change of the level by a person. `judged`: what stood before, by the bot or by somebody else."""

    id: int
    at: datetime
    ticket_id: int
    staff_id: int
    text: str  # the customer's words up to then, a line each
    lang: str
    category: Category
    judged: Urgency
    level: Urgency
    by_bot: bool  # whether `judged` was the bot's
    shown: tuple[dict[str, Any], ...]  # the reasons that stood beside it
    reason: str  # the person's


def keep(
    session: Session, ticket: Ticket, level: Urgency, staff_id: int, reason: str, lang: str, now: datetime
) -> None:
    """Keep a change of a ticket's level as a case. ticket: as it was before.

    Of the conversation only what belongs to the ticket is kept: the words since it was opened, and its title where they
    do not hold it (a ticket opened by "a person, please" is about the question before).
    """
    said = session.execute(
        select(TurnRow.text)
        .where(
            TurnRow.conversation_id == ticket.conversation_id,
            TurnRow.author == Author.CUSTOMER,
            TurnRow.created_at >= ticket.opened_at,
            TurnRow.created_at <= now,
        )
        .order_by(TurnRow.seq)
        .limit(6)
    ).scalars()
    words = "\n".join(text for text in said if text.strip())
    about = ticket.title.rstrip("…")
    text = clean(words if not words or about in words else f"{ticket.title}\n{words}", MAX_TEXT)
    session.add(
        CorrectionRow(
            at=now, ticket_id=ticket.id, staff_id=staff_id, text=text, lang=lang, category=ticket.category,
            judged=ticket.urgency, level=level, by_bot=not any(r.get("kind") == "staff" for r in ticket.urgency_reasons),
            shown=list(ticket.urgency_reasons), reason=reason,
        )
    )  # fmt: skip


def corrections(session: Session, since: datetime | None = None) -> list[Correction]:
    """All of them, or those since a moment, oldest first."""
    query = select(CorrectionRow).order_by(CorrectionRow.id)
    if since is not None:
        query = query.where(CorrectionRow.at >= since)
    return [_read(row) for row in session.execute(query).scalars()]


def labels(found: Sequence[Correction]) -> list[Correction]:
    """The last word on each ticket. Those without a customer's words are left out."""
    last: dict[int, Correction] = {}
    for one in found:
        last[one.ticket_id] = one
    return [one for one in last.values() if one.text.strip()]


def _read(row: CorrectionRow) -> Correction:
    return Correction(
        row.id, row.at, row.ticket_id, row.staff_id, row.text, row.lang, Category(row.category), Urgency(row.judged),
        Urgency(row.level), row.by_bot, tuple(row.shown), row.reason,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Week:
    """The tickets of one week that a person looked at: what the bot judged against what stands."""

    start: date  # its Monday
    pairs: tuple[tuple[Urgency, Urgency], ...]  # (by staff, by the bot), a ticket each


def weeks(session: Session, zone: tzinfo, now: datetime, count: int = WEEKS) -> list[Week]:
    """The last weeks, this one first. A ticket counts when staff answered it or changed its level.

    Silence is taken for consent: who answers a ticket has seen its level. Of one that was withdrawn (a mistake, merged
    with another one) only a change counts.
    """
    starts = mondays(now, zone, count)
    since = datetime.combine(starts[-1], time(), zone)
    rows = session.execute(
        select(
            TicketRow.id, TicketRow.opened_at, TicketRow.urgency, TicketRow.first_responded_at, TicketRow.state
        ).where(TicketRow.opened_at >= since)
    ).all()
    judged: dict[int, str] = {}
    changed = select(CorrectionRow.ticket_id, CorrectionRow.judged).where(
        CorrectionRow.by_bot, CorrectionRow.at >= since
    )
    for ticket_id, level in session.execute(changed.order_by(CorrectionRow.id.desc())):
        judged[ticket_id] = level  # the first change of a ticket wins
    found: dict[date, list[tuple[Urgency, Urgency]]] = {start: [] for start in starts}
    for ticket_id, opened, urgency, answered, state in rows:
        day = opened.astimezone(zone).date()
        week = day - timedelta(days=day.weekday())
        looked_at = answered is not None and state != TicketState.CANCELLED
        if week not in found or not (looked_at or ticket_id in judged):
            continue  # nobody looked, or another machine's clock is ahead
        found[week].append((Urgency(urgency), Urgency(judged.get(ticket_id, urgency))))
    return [Week(start, tuple(pairs)) for start, pairs in found.items()]
