"""How customers rate the help they got (CSAT): one score for each ticket, with a word if they like, changeable for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import Conflict, InvalidInput
from base.i18n import N_, translate
from base.text import clean
from desk import conversations
from desk.models import Author, Ticket
from desk.tables import RatingRow, TicketRow

SCORES = range(1, 6)
SCORE_NAMES = {1: N_("very bad"), 2: N_("bad"), 3: N_("so-so"), 4: N_("good"), 5: N_("very good")}
SATISFIED = 4  # this score and above
CHANGE_FOR = timedelta(days=7)
COMMENT_CHARS = 1000
RATE = "rate"  # in Outbound.extra: the public id of the ticket that the message asks about
_SAID = N_("The customer rated this with {score} of 5 ({name}).")


class NotAScore(InvalidInput):
    code = "not_a_score"
    message = N_("Choose one of the five scores, then send it.")


class RatingClosed(Conflict):
    code = "rating_closed"
    message = N_(
        "This rating was given more than 7 days ago and stays as it is. Answer our mail if something is wrong."
    )


@dataclass(frozen=True, slots=True)
class Rating:
    ticket_id: int
    score: int  # 1 to 5, 5 is best
    comment: str
    at: datetime  # when it was first given for this solution

    def is_open(self, ticket: Ticket, now: datetime) -> bool:
        """Whether it may still be changed. A ticket that was solved anew may be rated anew."""
        return now - self.at <= CHANGE_FOR or _is_new(self.at, ticket)


@dataclass(frozen=True, slots=True)
class Figures:
    """Over some ratings. `mean`: of 1 to 5; `satisfied`: share of 4 and 5, as a fraction; None without ratings."""

    count: int
    mean: float | None
    satisfied: float | None


def asks(ticket: Ticket | None) -> dict[str, Any]:
    """The `extra` of a message that says this ticket is solved: its door may ask how it went."""
    return {RATE: ticket.public_id} if ticket is not None else {}


def rate(session: Session, ticket: Ticket, score: int, comment: str, now: datetime, lang: str = "en") -> Rating:
    """Keep a score and tell staff by a note in the conversation; the same again says nothing.

    lang: the team's. Raises NotAScore, and RatingClosed when the time for changes is over.
    """
    if score not in SCORES:
        raise NotAScore()
    words = clean(comment, COMMENT_CHARS)
    # Two clicks at once queue here: there is a row to lock even before the first rating.
    session.execute(select(TicketRow.id).where(TicketRow.id == ticket.id).with_for_update())
    row = _row(session, ticket.id)
    if row is None:
        row = RatingRow(ticket_id=ticket.id, conversation_id=ticket.conversation_id, at=now)
        session.add(row)
    elif not _rating(row).is_open(ticket, now):
        raise RatingClosed()
    elif (row.score, row.comment) == (score, words):
        return _rating(row)
    elif _is_new(row.at, ticket):
        row.at = now
    row.score, row.comment = score, words
    session.flush()
    said = translate(_SAID, lang, score=score, name=translate(SCORE_NAMES[score], lang))
    text = f"{said}\n\n{words}" if words else said
    conversations.add_turn(
        session, ticket.conversation_id, Author.NOTE, text, lang, now, payload={"event": "rated", "score": score}
    )
    return _rating(row)


def of_conversation(session: Session, conversation_id: int) -> dict[int, Rating]:
    """The ratings of a conversation's tickets, by ticket id."""
    rows = session.scalars(select(RatingRow).where(RatingRow.conversation_id == conversation_id))
    return {row.ticket_id: _rating(row) for row in rows}


def figures(session: Session, starts: Sequence[date], zone: tzinfo) -> tuple[Figures, list[Figures]]:
    """How satisfied customers are: over the weeks that begin on these days, and in each of them.

    A rating counts in the week in which it was first given.
    """
    since = datetime.combine(min(starts), time(), zone)
    by_week: dict[date, list[int]] = {start: [] for start in starts}
    for at, score in session.execute(select(RatingRow.at, RatingRow.score).where(RatingRow.at >= since)):
        day = at.astimezone(zone).date()
        by_week.setdefault(day - timedelta(days=day.weekday()), []).append(score)
    return _figures([score for start in starts for score in by_week[start]]), [_figures(by_week[one]) for one in starts]


def _figures(scores: Sequence[int]) -> Figures:
    if not scores:
        return Figures(0, None, None)
    return Figures(len(scores), sum(scores) / len(scores), sum(one >= SATISFIED for one in scores) / len(scores))


def _row(session: Session, ticket_id: int) -> RatingRow | None:
    query = select(RatingRow).where(RatingRow.ticket_id == ticket_id).execution_options(populate_existing=True)
    return session.scalar(query)


def _rating(row: RatingRow) -> Rating:
    return Rating(row.ticket_id, row.score, row.comment, row.at)


def _is_new(at: datetime, ticket: Ticket) -> bool:
    """Whether the ticket was solved (again) after this moment."""
    return ticket.resolved_at is not None and ticket.resolved_at > at
