"""One rating for each ticket, changeable for a while, told to staff, counted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from base.clock import mondays
from base.database import Database
from desk import conversations, csat, tickets
from desk.csat import Figures, NotAScore, RatingClosed
from desk.models import Author, Conversation, Ticket, TicketState
from tests.desk.made import NOW, defaults, later, talk, ticket


def solved(session: Session, thread: str = "t1") -> tuple[Conversation, Ticket]:
    one = talk(session, thread)
    made = ticket(session, one)
    return one, tickets.move(session, defaults(), made.id, TicketState.RESOLVED, NOW)


def notes(session: Session, of: Conversation) -> list[str]:
    turns = conversations.turns_after(session, of.id, 0, notes=True)
    return [turn.text for turn in turns if turn.author is Author.NOTE]


def test_a_rating_is_kept_and_told_to_staff_in_their_language(database: Database) -> None:
    with database.begin() as session:
        one, made = solved(session)
        csat.rate(session, made, 2, " It took <b>days</b>.\x00 ", later(hours=1), "en")
        kept = csat.of_conversation(session, one.id)
        assert [(r.score, r.comment, r.at) for r in kept.values()] == [(2, "It took <b>days</b>.", later(hours=1))]
        assert list(kept) == [made.id]
        assert notes(session, one) == ["The customer rated this with 2 of 5 (bad).\n\nIt took <b>days</b>."]


def test_a_change_within_seven_days_takes_the_place_of_the_first(database: Database) -> None:
    with database.begin() as session:
        one, made = solved(session)
        csat.rate(session, made, 2, "slow", NOW)
        csat.rate(session, made, 4, "", later(days=7))
        assert [(r.score, r.comment, r.at) for r in csat.of_conversation(session, one.id).values()] == [(4, "", NOW)]
        assert len(notes(session, one)) == 2


def test_the_same_again_says_nothing(database: Database) -> None:
    with database.begin() as session:
        one, made = solved(session)
        for _ in range(2):
            csat.rate(session, made, 5, "thanks", NOW)
        assert len(notes(session, one)) == 1


def test_after_seven_days_it_stays_as_it_is_until_the_ticket_is_solved_anew(database: Database) -> None:
    with database.begin() as session:
        one, made = solved(session)
        csat.rate(session, made, 5, "", NOW)
        with pytest.raises(RatingClosed):
            csat.rate(session, made, 1, "", later(days=7, seconds=1))
        again = tickets.customer_wrote(session, defaults(), made.id, later(days=8))
        with pytest.raises(RatingClosed):
            csat.rate(session, again, 1, "", later(days=8))
        anew = tickets.move(session, defaults(), made.id, TicketState.RESOLVED, later(days=9))
        csat.rate(session, anew, 3, "", later(days=9, hours=1))
        [kept] = csat.of_conversation(session, one.id).values()
        assert (kept.score, kept.at) == (3, later(days=9, hours=1))


def test_an_open_ticket_takes_a_first_rating(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        csat.rate(session, ticket(session, one), 3, "", NOW)
        assert len(csat.of_conversation(session, one.id)) == 1


@pytest.mark.parametrize("score", [0, 6, -1])
def test_what_is_no_score_is_refused(database: Database, score: int) -> None:
    with database.begin() as session:
        one, made = solved(session)
        with pytest.raises(NotAScore):
            csat.rate(session, made, score, "", NOW)
        assert notes(session, one) == []


def test_a_long_word_is_cut(database: Database) -> None:
    with database.begin() as session:
        _, made = solved(session)
        assert len(csat.rate(session, made, 3, "长" * 5000, NOW).comment) == csat.COMMENT_CHARS


def test_figures_are_of_each_week_at_the_desk_and_of_all_together(database: Database) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    starts = mondays(NOW, zone, 3)
    assert starts == [date(2026, 11, 23), date(2026, 11, 16), date(2026, 11, 9)]
    nothing = Figures(0, None, None)
    given = [
        (5, datetime(2026, 11, 22, 16, 0, tzinfo=UTC)),  # Monday 00:00 in Shanghai
        (2, NOW),
        (4, datetime(2026, 11, 22, 15, 59, tzinfo=UTC)),  # Sunday 23:59 there
        (1, datetime(2026, 11, 8, 15, 59, tzinfo=UTC)),  # the week before the first one that is asked for
        (1, datetime(2026, 11, 30, 2, 0, tzinfo=UTC)),  # of a machine whose clock is ahead
    ]
    with database.begin() as session:
        assert csat.figures(session, starts, zone) == (nothing, [nothing] * 3)
        for n, (score, at) in enumerate(given):
            csat.rate(session, solved(session, f"t{n}")[1], score, "", at)
        together, weeks = csat.figures(session, starts, zone)
    assert weeks == [Figures(2, 3.5, 0.5), Figures(1, 4.0, 1.0), nothing]
    assert together == Figures(3, 11 / 3, 2 / 3)
