"""Promise 7: the only doors to a conversation or a ticket, and what they show to whom."""

from __future__ import annotations

import dataclasses

import pytest

from base.database import Database
from base.errors import Forbidden, NotFound
from desk import access, conversations
from desk.access import StaffActor, ThreadActor
from desk.models import Author, Role
from tests.desk.made import NOW, member, talk, ticket


def test_a_customer_sees_their_own_thread_only(database: Database) -> None:
    with database.begin() as session:
        mine, other = talk(session, "t1"), talk(session, "t2")
        me = ThreadActor("webchat", "t1")
        assert access.conversation(session, me, mine.public_id).id == mine.id
        with pytest.raises(NotFound):
            access.conversation(session, me, other.public_id)


def test_the_same_thread_id_on_another_channel_opens_nothing(database: Database) -> None:
    with database.begin() as session:
        mine = talk(session, "t1")
        with pytest.raises(NotFound):
            access.conversation(session, ThreadActor("email", "t1"), mine.public_id)
        assert access.conversation_of_thread(session, ThreadActor("email", "t1")) is None


def test_what_may_not_be_seen_and_what_is_not_there_are_told_apart_by_nothing(database: Database) -> None:
    with database.begin() as session:
        other = talk(session, "t2")
        me = ThreadActor("webchat", "t1")
        told = []
        for public_id in (other.public_id, "0" * 24, "", str(other.id), "' OR 1=1 --", "\x00", "\ud800", "x" * 5000):
            with pytest.raises(NotFound) as refused:
                access.conversation(session, me, public_id)
            told.append((type(refused.value), refused.value.status, str(refused.value), refused.value.fields))
    assert len({str(one) for one in told}) == 1
    assert told[0][1] == 404
    assert not issubclass(told[0][0], Forbidden)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_works_in_the_inbox(database: Database, role: Role) -> None:
    with database.begin() as session:
        one = talk(session)
        assert access.conversation(session, StaffActor(member(session, role=role)), one.public_id).id == one.id


def test_somebody_who_left_finds_nothing(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        gone = dataclasses.replace(member(session), active=False)
        with pytest.raises(NotFound):
            access.conversation(session, StaffActor(gone), one.public_id)


def test_a_thread_finds_its_own_conversation(database: Database) -> None:
    with database.begin() as session:
        one = talk(session, "t1")
        conversations.add_turn(session, one.id, Author.CUSTOMER, "hi", "en", NOW)
        found = access.conversation_of_thread(session, ThreadActor("webchat", "t1"))
        assert found is not None
        assert found.id == one.id
        assert access.conversation_of_thread(session, ThreadActor("webchat", "t9")) is None


def test_the_status_link_is_the_right_to_see_a_ticket_and_its_number_is_not(database: Database) -> None:
    with database.begin() as session:
        made = ticket(session, talk(session))
        assert access.ticket_by_link(session, made.public_id).id == made.id
        assert len(made.public_id) >= 32
        for guess in (str(made.number), made.name, str(made.id), "", made.public_id[:-1], made.public_id.swapcase()):
            with pytest.raises(NotFound):
                access.ticket_by_link(session, guess)


def test_the_addresses_of_tickets_do_not_follow_from_each_other(database: Database) -> None:
    with database.begin() as session:
        addresses = {ticket(session, talk(session, f"t{n}")).public_id for n in range(20)}
    assert len(addresses) == 20
    assert len({address[:6] for address in addresses}) == 20
