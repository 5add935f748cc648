"""The event log: ids in order of commit, so that a page that saw one has seen all before it."""

from __future__ import annotations

import threading

from sqlalchemy import delete

from base.database import Database
from desk import conversations, events
from desk.events import EventKind
from desk.models import Author
from desk.tables import EventRow
from tests.desk.made import NOW, talk


def test_events_are_read_after_an_id_and_by_conversation(database: Database) -> None:
    with database.begin() as session:
        one, two = talk(session, "a"), talk(session, "b")
        for which in (one, two, one):
            conversations.add_turn(session, which.id, Author.CUSTOMER, "hi", "en", NOW)
        everything = events.after(session, 0)
        assert [event.conversation_id for event in everything] == [one.id, two.id, one.id]
        assert [event.id for event in events.after(session, everything[0].id)] == [e.id for e in everything[1:]]
        assert len(events.after(session, 0, conversation_id=one.id)) == 2
        assert len(events.after(session, 0, limit=1)) == 1
        assert events.last_id(session) == everything[-1].id
        assert events.last_id(session, conversation_id=two.id) == everything[1].id
        assert everything[0].kind is EventKind.TURN_ADDED
        assert everything[0].data == {"author": "customer"}


def test_an_empty_log_ends_at_zero(database: Database) -> None:
    with database.read() as session:
        assert events.last_id(session) == 0
        assert events.after(session, 0) == []


def test_an_id_is_never_used_twice(database: Database) -> None:
    with database.begin() as session:
        events.append(session, EventKind.READ, NOW)
        first = events.last_id(session)
        session.execute(delete(EventRow))
        events.append(session, EventKind.READ, NOW)
        assert events.last_id(session) > first


def test_a_reader_never_passes_over_an_event_that_commits_later(database: Database) -> None:
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        last = 0
        while not done.is_set() or last < 60:
            with database.read() as session:
                for event in events.after(session, last):
                    seen.append(event.id)
                    last = event.id
            if done.is_set() and last >= 60:
                return

    def write() -> None:
        for _ in range(15):
            with database.begin() as session:
                events.append(session, EventKind.READ, NOW)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write) for _ in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join(20)
    assert seen == list(range(1, 61))


def test_an_event_that_is_rolled_back_was_never_there(database: Database) -> None:
    class Undone(Exception):
        pass

    try:
        with database.begin() as session:
            events.append(session, EventKind.READ, NOW)
            raise Undone
    except Undone:
        pass
    with database.read() as session:
        assert events.after(session, 0) == []
