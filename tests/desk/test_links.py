"""A one-time link from a signed-in page: who brings it is that customer, once, for half an hour, and it can be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from base.database import Database
from base.messages import Channel
from desk import conversations, customers, doors, identities, links, mail_threads
from desk.doors import Door
from desk.identities import Proof
from desk.links import VALID, Link, Taken
from desk.models import Customer
from desk.proof_tables import LinkRow
from tests.desk.made import NOW, inbound, later, talk

WANG, TELEGRAM = "wang@customers.example", "5512345678"


def signed_in(database: Database, who: str = "user:4711") -> Customer:
    with database.begin() as session:
        return customers.meet(session, Channel.WEBCHAT, who, "Fang Wang", "zh", NOW)


def linked(database: Database, customer: Customer, thread: str = "") -> Link:
    with database.begin() as session:
        of = talk(session, thread, sender_id="user:4711") if thread else None
        return links.make(session, customer, of, NOW)


def brought(
    database: Database, token: str, who: str = WANG, channel: str = Channel.EMAIL, **after: float
) -> Taken | None:
    with database.begin() as session:
        return links.take(session, token, channel, who, later(**after))


def test_a_link_brings_an_address_to_the_signed_in_customer_and_the_conversation_with_it(database: Database) -> None:
    customer = signed_in(database)
    link = linked(database, customer, "window")
    taken = brought(database, link.token)
    assert taken is not None
    assert (taken.customer, taken.conversation and taken.conversation.thread_id) == (customer, "window")
    with database.read() as session:
        known = [(one.channel, one.external_id, one.verified) for one in identities.of_customer(session, customer.id)]
        assert known == [("webchat", "user:4711", True), ("email", WANG, True)]
        assert [one.proof for one in identities.merges_of(session, customer.id)] == [Proof.LINK]


def test_any_channel_may_bring_one_and_no_conversation_is_needed(database: Database) -> None:
    customer = signed_in(database)
    token = linked(database, customer).token
    assert brought(database, f" {token.upper()} ", TELEGRAM, Channel.TELEGRAM) == Taken(customer, None)
    with database.read() as session:
        assert customers.find(session, Channel.TELEGRAM, TELEGRAM) == customer


def test_a_link_is_good_once_and_for_half_an_hour(database: Database) -> None:
    customer = signed_in(database)
    first, second = linked(database, customer), linked(database, customer)
    assert first.expires_at == NOW + VALID
    assert brought(database, first.token, minutes=29) is not None
    assert brought(database, first.token, "mallory@evil.example") is None
    assert brought(database, second.token, minutes=30) is None
    with database.read() as session:
        assert customers.find(session, Channel.EMAIL, "mallory@evil.example") is None


@pytest.mark.parametrize("token", ["", "a" * 26, "a" * 25, "A" * 26, "1" * 26, "a" * 5000, "' OR 1=1 --", "\x00"])
def test_what_is_no_link_joins_nobody(database: Database, token: str) -> None:
    linked(database, signed_in(database))
    assert brought(database, token) is None
    with database.read() as session:
        assert customers.find(session, Channel.EMAIL, WANG) is None


def test_the_token_itself_is_stored_nowhere_and_old_links_are_thrown_away(database: Database) -> None:
    customer = signed_in(database)
    token = linked(database, customer).token
    with database.read() as session:
        [row] = session.query(LinkRow).all()
        assert token not in repr(vars(row))
    with database.begin() as session:
        links.make(session, customer, None, NOW + VALID)
        assert session.query(LinkRow).count() == 1


def test_an_address_with_a_history_brings_it_along_and_parting_gives_it_back(database: Database) -> None:
    with database.begin() as session:
        said = inbound("m1", "mail-1", channel=Channel.EMAIL, sender_id=WANG)
        before = conversations.open_for(session, said, "zh", NOW)
    customer = signed_in(database)
    taken = brought(database, linked(database, customer, "window").token)
    assert taken is not None
    assert taken.customer.id == before.customer_id  # the older of the two is kept
    assert taken.conversation is not None
    with database.begin() as session:
        [merge] = identities.merges_of(session, taken.customer.id)
        identities.undo(session, merge.id, "staff:1", NOW)
        assert customers.find(session, Channel.WEBCHAT, "user:4711") == customer
        assert conversations.get(session, taken.conversation.id).customer_id == customer.id
        assert conversations.get(session, before.id).customer_id == before.customer_id


def test_parting_ends_that_answers_go_to_the_address_that_was_joined(database: Database) -> None:
    customer, chat = signed_in(database), Door(Channel.WEBCHAT, "window")
    taken = brought(database, linked(database, customer, "window").token)
    assert taken is not None
    assert taken.conversation is not None
    with database.begin() as session:
        own, theirs = (
            mail_threads.open_thread(session, "support", one, "", "", NOW) for one in ("own@customers.example", WANG)
        )
        for thread in (own, theirs):
            doors.add(session, conversations.get(session, taken.conversation.id), Door(Channel.EMAIL, thread), NOW)
        [merge] = identities.merges_of(session, customer.id)
        identities.undo(session, merge.id, "staff:1", NOW)
        parted = conversations.get(session, taken.conversation.id)
        assert (doors.through(parted), doors.all_of(session, parted)) == (chat, [chat, Door(Channel.EMAIL, own)])
        assert doors.conversation_of(session, Channel.EMAIL, theirs) is None


def test_a_link_goes_along_when_its_customer_is_joined_with_another(database: Database) -> None:
    older, customer = signed_in(database, "user:1"), signed_in(database)
    first, second = linked(database, customer), linked(database, customer)
    with database.begin() as session:
        merge = identities.join(session, older, customer, Proof.STAFF, "staff:1", NOW)
    taken = brought(database, first.token)
    assert taken is not None
    assert taken.customer == older
    with database.begin() as session:
        identities.undo(session, merge.id, "staff:1", NOW)
    assert brought(database, second.token, TELEGRAM, Channel.TELEGRAM) == Taken(customer, None)


def test_a_conversation_that_was_parted_from_its_customer_meanwhile_is_not_gone_on_with(database: Database) -> None:
    older = signed_in(database, "user:1")
    customer = signed_in(database)
    with database.begin() as session:
        merge = identities.join(session, older, customer, Proof.STAFF, "staff:1", NOW)
        of = talk(session, "theirs", sender_id="user:1")
        link = links.make(session, replace(customer, id=older.id), of, NOW)
        identities.undo(session, merge.id, "staff:1", NOW)
        session.query(LinkRow).update({"customer_id": customer.id})
    assert brought(database, link.token) == Taken(customer, None)


def test_it_ends_at_its_last_moment_and_not_before(database: Database) -> None:
    link = linked(database, signed_in(database))
    with database.begin() as session:
        assert links.take(session, link.token, Channel.EMAIL, WANG, NOW + VALID - timedelta(seconds=1)) is not None
