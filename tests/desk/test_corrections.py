"""A level that a person changed is kept with what was shown, and counts against the assistant's judgement by week."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from base.database import Database
from desk import conversations, corrections, replies, tickets
from desk.models import Author, Conversation, Urgency, Withdrawal
from tests.desk.made import NOW, defaults, later, member, talk, ticket

URGENT, HIGH, NORMAL, LOW = Urgency
SHANGHAI = ZoneInfo("Asia/Shanghai")


def opened(session: Session, thread: str, level: Urgency = NORMAL, *said: str, **values: object) -> Conversation:
    one = talk(session, thread)
    for text in said:
        conversations.add_turn(session, one.id, Author.CUSTOMER, text, "en", NOW)
    ticket(session, one, level, **values)
    return conversations.get(session, one.id)


def test_a_changed_level_is_kept_with_the_words_and_what_was_shown(database: Database) -> None:
    with database.begin() as session:
        one, ada = opened(session, "t1", NORMAL, "The ERP is slow", "for all forty of us"), member(session)
        replies.set_urgency(session, defaults(), one, ada, HIGH, " a whole site ", later(minutes=5))
        (kept,) = corrections.corrections(session)
        assert (kept.text, kept.judged, kept.level, kept.by_bot) == (
            "It is broken\nThe ERP is slow\nfor all forty of us",
            NORMAL,
            HIGH,
            True,
        )
        assert (kept.reason, kept.shown, kept.staff_id) == ("a whole site", ({"code": "test"},), ada.id)


def test_what_was_said_about_another_matter_before_is_not_kept(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        conversations.add_turn(session, one.id, Author.CUSTOMER, "How do I print in colour?", "en", later(minutes=-5))
        conversations.add_turn(session, one.id, Author.CUSTOMER, "It is broken, all of it", "en", NOW)
        ticket(session, one)
        replies.set_urgency(session, defaults(), conversations.get(session, one.id), ada, HIGH, "all", later(minutes=5))
        assert [kept.text for kept in corrections.corrections(session)] == ["It is broken, all of it"]


def test_the_same_level_again_is_no_correction(database: Database) -> None:
    with database.begin() as session:
        one, ada = opened(session, "t1", NORMAL, "slow"), member(session)
        replies.set_urgency(session, defaults(), one, ada, NORMAL, "it is right", NOW)
        assert corrections.corrections(session) == []


def test_what_a_colleague_had_set_is_not_the_assistants_judgement(database: Database) -> None:
    with database.begin() as session:
        one, ada = opened(session, "t1", NORMAL, "slow"), member(session)
        replies.set_urgency(session, defaults(), one, ada, HIGH, "a team", NOW)
        replies.set_urgency(session, defaults(), one, ada, LOW, "it was a question", later(minutes=1))
        first, second = corrections.corrections(session)
        assert (first.by_bot, second.by_bot) == (True, False)
        assert [label.level for label in corrections.labels([first, second])] == [LOW]


def test_a_ticket_without_a_customers_words_teaches_nothing(database: Database) -> None:
    with database.begin() as session:
        one, ada = opened(session, "t1"), member(session)
        replies.set_urgency(session, defaults(), one, ada, HIGH, "by phone", NOW)
        assert corrections.labels(corrections.corrections(session)) == []


def test_a_week_counts_what_was_answered_or_changed(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        agreed, changed, _untouched = (opened(session, f"t{n}", NORMAL, "slow") for n in range(3))
        last_week = opened(session, "t9", LOW, "slow", at=later(days=-7))
        for one in (agreed, last_week):
            assert one.ticket_id
            tickets.staff_replied(session, defaults(), one.ticket_id, later(minutes=3))
        replies.set_urgency(session, defaults(), changed, ada, URGENT, "all sites", later(minutes=4))
        this, before, *earlier = corrections.weeks(session, SHANGHAI, later(hours=1))
        assert sorted(this.pairs) == [(NORMAL, NORMAL), (URGENT, NORMAL)]
        assert before.pairs == ((LOW, LOW),)
        assert (this.start - before.start).days == 7
        assert this.start.weekday() == 0
        assert [week.pairs for week in earlier] == [()] * 6


def test_a_ticket_of_sunday_night_is_in_the_week_of_the_desks_clock(database: Database) -> None:
    with database.begin() as session:
        member(session)
        one = opened(session, "t1", NORMAL, "slow", at=later(hours=-9))  # 01:00 on Monday in Shanghai, Sunday in London
        assert one.ticket_id
        tickets.staff_replied(session, defaults(), one.ticket_id, NOW)
        assert len(corrections.weeks(session, SHANGHAI, NOW)[0].pairs) == 1
        assert len(corrections.weeks(session, ZoneInfo("Europe/London"), NOW)[1].pairs) == 1


def test_a_ticket_from_a_clock_that_is_ahead_is_in_no_week_yet(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        one = opened(session, "t1", NORMAL, "slow", at=later(days=8))
        replies.set_urgency(session, defaults(), one, ada, URGENT, "all sites", later(days=8, minutes=4))
        assert [week.pairs for week in corrections.weeks(session, SHANGHAI, NOW)] == [()] * 8


def test_of_a_withdrawn_ticket_only_a_changed_level_counts(database: Database) -> None:
    with database.begin() as session:
        one, two, ada = opened(session, "t1", URGENT), opened(session, "t2", LOW), member(session)
        for talk_ in (one, two):
            replies.reply(session, defaults(), talk_, ada, "hello", later(minutes=5))
        replies.set_urgency(session, defaults(), two, ada, HIGH, "many", later(minutes=6))
        for talk_ in (one, two):
            replies.withdraw(session, defaults(), talk_, ada, Withdrawal.MISTAKE, later(minutes=7))
        (this_week, *_) = corrections.weeks(session, SHANGHAI, later(hours=1))
        assert this_week.pairs == ((HIGH, LOW),)
