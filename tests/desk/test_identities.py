"""One person at several doors: joined by proof, parted again without a trace left behind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from base.database import Database
from base.errors import Conflict, NotFound
from base.messages import Channel
from desk import codes, conversations, customers, doors, identities
from desk.codes import MOST_TRIES
from desk.doors import Door
from desk.identities import AlreadyUndone, Proof
from desk.models import Customer
from desk.tables import ConversationRow, TicketRow
from tests.desk.made import NOW, inbound, later, talk, ticket

WANG = "wang@customers.example"
WINDOW = "webchat:t1"


def of_mail(database: Database, address: str = WANG) -> Customer:
    with database.begin() as session:
        said = inbound("m1", f"mail-{address}", channel=Channel.EMAIL, sender_id=address, sender_name="王芳")
        made = conversations.open_for(session, said, "zh", NOW)
        ticket(session, made)
        return customers.get(session, made.customer_id)


def of_chat(database: Database, thread: str = "t1") -> Customer:
    with database.begin() as session:
        return customers.get(session, talk(session, thread).customer_id)


def owners(database: Database) -> list[int]:
    with database.read() as session:
        talks = [row.customer_id for row in session.query(ConversationRow).order_by(ConversationRow.id)]
        return [*talks, *(row.customer_id for row in session.query(TicketRow).order_by(TicketRow.id))]


def test_a_proven_address_that_nobody_has_becomes_the_customers(database: Database) -> None:
    customer = of_chat(database)
    with database.begin() as session:
        assert identities.claim(session, customer, Channel.EMAIL, WANG, Proof.CODE, "customer", NOW).id == customer.id
    with database.read() as session:
        assert [(one.channel, one.external_id, one.verified) for one in identities.of_customer(session, customer.id)] == [
            ("webchat", "t1", False), ("email", WANG, True),
        ]  # fmt: skip
        assert identities.merges_of(session, customer.id) == []


def test_an_address_that_belongs_to_another_customer_joins_the_two_into_the_older_one(database: Database) -> None:
    by_mail, by_chat = of_mail(database), of_chat(database)
    assert owners(database) == [by_mail.id, by_chat.id, by_mail.id]
    with database.begin() as session:
        kept = identities.claim(session, by_chat, Channel.EMAIL, WANG, Proof.CODE, "customer", NOW)
    assert kept.id == by_mail.id
    assert owners(database) == [by_mail.id] * 3
    with database.read() as session:
        assert customers.is_verified(session, Channel.EMAIL, WANG)
        assert customers.find(session, Channel.WEBCHAT, "t1") == kept


def test_joining_is_undone_as_it_was_and_only_once(database: Database) -> None:
    by_mail, by_chat = of_mail(database), of_chat(database)
    before = owners(database)
    with database.begin() as session:
        merge = identities.join(session, by_mail, by_chat, Proof.STAFF, "staff:1", NOW)
        assert [one.id for one in identities.merges_of(session, by_mail.id)] == [merge.id]
    with database.begin() as session:
        undone = identities.undo(session, merge.id, "staff:1", later(hours=1))
        assert undone.undone_at == later(hours=1)
        with pytest.raises(AlreadyUndone):
            identities.undo(session, merge.id, "staff:1", later(hours=2))
        assert identities.merges_of(session, by_mail.id) == []
    assert owners(database) == before
    with database.read() as session:
        found = customers.find(session, Channel.WEBCHAT, "t1")
        assert found is not None
        assert found.id == by_chat.id


def test_what_came_after_the_joining_stays_where_it_is(database: Database) -> None:
    by_mail, by_chat = of_mail(database), of_chat(database)
    with database.begin() as session:
        merge = identities.join(session, by_mail, by_chat, Proof.STAFF, "staff:1", NOW)
    with database.begin() as session:
        later_talk = conversations.open_for(
            session, inbound("m9", "t9", sender_id=WANG, channel=Channel.EMAIL), "zh", NOW
        )
        identities.undo(session, merge.id, "staff:1", NOW)
        assert conversations.get(session, later_talk.id).customer_id == by_mail.id


def test_nobody_is_joined_with_themselves_and_what_is_unknown_is_not_found(database: Database) -> None:
    customer = of_chat(database)
    with database.begin() as session, pytest.raises(Conflict):
        identities.join(session, customer, customer, Proof.STAFF, "staff:1", NOW)
    with database.begin() as session, pytest.raises(NotFound):
        identities.undo(session, 4711, "staff:1", NOW)


def test_a_code_proves_its_address_once(database: Database) -> None:
    with database.begin() as session:
        code = codes.make(session, WINDOW, WANG, NOW)
        assert len(code) == 6
        assert codes.check(session, "webchat:another", code, NOW) is None
        assert codes.check(session, WINDOW, f" {code} ", NOW) == WANG
        assert codes.check(session, WINDOW, code, NOW) is None


def test_a_code_is_good_for_a_while_and_a_new_one_replaces_it(database: Database) -> None:
    with database.begin() as session:
        old = codes.make(session, WINDOW, WANG, NOW)
        new = codes.make(session, WINDOW, "li@customers.example", NOW)
        assert new == old or codes.check(session, WINDOW, old, NOW) is None
        assert codes.check(session, WINDOW, new, NOW + codes.VALID) is None
        assert codes.check(session, WINDOW, new, NOW + codes.VALID - timedelta(seconds=1)) == "li@customers.example"


def test_guessing_ends_after_a_few_tries(database: Database) -> None:
    with database.begin() as session:
        code = codes.make(session, WINDOW, WANG, NOW)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(MOST_TRIES):
        with database.begin() as session:
            assert codes.check(session, WINDOW, wrong, NOW) is None
    with database.begin() as session:
        assert codes.check(session, WINDOW, code, NOW) is None


def test_a_conversation_is_carried_on_by_mail_and_comes_back(database: Database) -> None:
    mail, chat = Door(Channel.EMAIL, "m-1"), Door(Channel.WEBCHAT, "t1")
    with database.begin() as session:
        made = talk(session)
        assert doors.through(made) == chat
        doors.add(session, made, mail, NOW)
        doors.add(session, conversations.get(session, made.id), mail, NOW)
    with database.begin() as session:
        by_mail = inbound("m2", "m-1", channel=Channel.EMAIL, sender_id=WANG)
        assert conversations.open_for(session, by_mail, "en", NOW).id == made.id
        loaded = conversations.load(session, by_mail)
        assert loaded.conversation is not None
        assert doors.through(loaded.conversation) == mail
        assert doors.all_of(session, loaded.conversation) == [chat, mail]
        back = doors.came_by(session, loaded.conversation, chat, NOW)
        assert doors.through(back) == chat
        assert doors.conversation_of(session, Channel.EMAIL, "m-1") == back
        assert doors.conversation_of(session, Channel.EMAIL, "m-2") is None
