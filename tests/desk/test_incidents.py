"""Incidents: proposed, opened, joined, left, merged and taken apart again; what everybody is told; nothing of a child is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from base.database import Database
from base.errors import Conflict, NotFound
from base.messages import Channel
from desk import conversations, incident_updates, incident_work, incidents, merges, replies, tickets
from desk.incident_updates import LanguageMissing
from desk.incident_work import NothingWritten
from desk.incidents import Incident, IncidentState, MemberState
from desk.models import Author, Conversation, Staff, TicketState, Urgency
from desk.replies import EmptyReply, NotToEverybody
from desk.tables import OutboxRow, TurnRow
from tests.desk.made import NOW, defaults, later, member, talk, ticket

TITLE = {"en": "VPN down", "zh": "VPN 中断"}
NOTICE = {"en": "We know of it.", "zh": "我们已经知道。"}


def child(session: Session, thread: str, lang: str = "en") -> Conversation:
    one = talk(session, thread)
    conversations.add_turn(session, one.id, Author.CUSTOMER, "VPN is down", lang, NOW)
    conversations.change(session, one, NOW, lang=lang)
    ticket(session, one)
    return conversations.get(session, one.id)


def proposed(session: Session, *talks: Conversation) -> Incident:
    return incident_work.propose(session, TITLE, NOTICE, ["vpn"], [one.id for one in talks], NOW, NOW)


def opened(session: Session, ada: Staff, *talks: Conversation) -> Incident:
    found = proposed(session, *talks)
    chosen = [one.id for one in talks]
    incident_work.open_incident(session, defaults(), found, ada, TITLE, NOTICE, Urgency.HIGH, chosen, NOW)
    return incidents.by_id(session, found.id)


def states(session: Session, incident: Incident) -> dict[int, MemberState]:
    return {one.conversation_id: one.state for one in incidents.members(session, incident)}


def tell(session: Session, **options: int) -> int:
    told, more = 0, True
    while more:
        given = incident_updates.tell(session, defaults(), later(minutes=20), **options)
        told, more = told + given, given > 0
    return told


def said(session: Session, one: Conversation) -> list[str]:
    query = select(TurnRow.text).where(TurnRow.conversation_id == one.id, TurnRow.author == Author.STAFF)
    return list(session.scalars(query.order_by(TurnRow.seq)))


def test_nothing_is_told_before_a_person_opens_it(database: Database) -> None:
    with database.begin() as session:
        found = proposed(session, child(session, "a"), child(session, "b"))
        assert found.state is IncidentState.PROPOSED
        assert incidents.notices(session) == ()
        assert set(states(session, found).values()) == {MemberState.CANDIDATE}


def test_opening_makes_a_parent_ticket_and_takes_the_chosen_ones_in(database: Database) -> None:
    with database.begin() as session:
        one, two, stray, ada = child(session, "a"), child(session, "b"), child(session, "c"), member(session)
        found = proposed(session, one, two, stray)
        parent = incident_work.open_incident(
            session, defaults(), found, ada, TITLE, NOTICE, Urgency.URGENT, [one.id, two.id], later(minutes=5)
        )
        assert (parent.urgency, parent.assignee_id, parent.title) == (Urgency.URGENT, ada.id, "VPN down")
        assert conversations.get(session, parent.conversation_id).channel == Channel.INCIDENT
        assert parent.first_response_due is not None
        wanted = {one.id: MemberState.MEMBER, two.id: MemberState.MEMBER, stray.id: MemberState.REMOVED}
        assert states(session, found) == wanted
        (notice,) = incidents.notices(session)
        assert (notice.text, notice.objects) == (NOTICE, frozenset({"vpn"}))


def test_a_child_keeps_its_ticket_and_its_clock(database: Database) -> None:
    with database.begin() as session:
        one, ada = child(session, "a"), member(session)
        assert one.ticket_id
        before = tickets.get(session, one.ticket_id)
        opened(session, ada, one)
        assert tickets.get(session, one.ticket_id) == before


def test_an_incident_is_opened_once_and_only_with_both_languages(database: Database) -> None:
    with database.begin() as session:
        one, ada = child(session, "a"), member(session)
        found = proposed(session, one)
        with pytest.raises(NothingWritten):
            incident_work.open_incident(session, defaults(), found, ada, {"en": "x"}, NOTICE, Urgency.HIGH, [], NOW)
    with database.begin() as session:
        found = opened(session, ada, child(session, "b"))
        with pytest.raises(Conflict):
            incident_work.open_incident(session, defaults(), found, ada, TITLE, NOTICE, Urgency.HIGH, [], NOW)


def test_one_update_reaches_every_child_in_its_language_and_answers_its_ticket(database: Database) -> None:
    with database.begin() as session:
        one, two, ada = child(session, "a"), child(session, "b", "zh"), member(session)
        found = opened(session, ada, one, two)
        incident_updates.write(session, defaults(), found, ada, {"en": "Half done", "zh": "修了一半"}, later(minutes=9))
        assert tell(session) == 2
        assert (said(session, one), said(session, two)) == (["Half done"], ["修了一半"])
        for talk_ in (one, two):
            assert talk_.ticket_id
            assert tickets.get(session, talk_.ticket_id).first_responded_at is not None
        assert found.ticket_id
        assert tickets.get(session, found.ticket_id).first_responded_at is not None


def test_many_children_are_told_in_batches_each_once(database: Database) -> None:
    with database.begin() as session:
        ada, talks = member(session), [child(session, f"t{n}") for n in range(7)]
        found = opened(session, ada, *talks)
        incident_updates.write(session, defaults(), found, ada, {"en": "News"}, later(minutes=9))
        incident_updates.write(session, defaults(), found, ada, {"en": "More"}, later(minutes=10))
    told = 0
    while True:  # each batch is a transaction of its own: a crash in between forgets nobody
        with database.begin() as session:
            given = incident_updates.tell(session, defaults(), later(minutes=20), limit=3)
        told += given
        if not given:
            break
    with database.read() as session:
        assert [said(session, one) for one in talks] == [["News", "More"]] * 7
        assert not incident_updates.waiting(session)


def test_an_update_in_one_language_is_refused_while_somebody_reads_the_other(database: Database) -> None:
    with database.begin() as session:
        found = opened(session, ada := member(session), child(session, "a"), child(session, "b", "zh"))
        with pytest.raises(LanguageMissing) as caught:
            incident_updates.write(session, defaults(), found, ada, {"en": "News", "zh": "  "}, NOW)
        assert caught.value.fields == {"count": 1, "language": "中文"}
        with pytest.raises(EmptyReply):
            incident_updates.write(session, defaults(), found, ada, {"en": " "}, NOW)


def test_the_last_update_solves_the_children_and_the_parent(database: Database) -> None:
    with database.begin() as session:
        one, taken, ada = child(session, "a"), child(session, "b"), member(session)
        replies.take_over(session, defaults(), taken, ada, later(minutes=1))
        found = opened(session, ada, one, taken)
        incident_updates.write(session, defaults(), found, ada, {"en": "Solved"}, later(minutes=9), resolves=True)
        tell(session)
        assert incidents.by_id(session, found.id).state is IncidentState.RESOLVED
        for ticket_id in (found.ticket_id, one.ticket_id, taken.ticket_id):
            assert ticket_id
            assert tickets.get(session, ticket_id).state is TicketState.RESOLVED
        assert conversations.get(session, taken.id).assignee_id == ada.id
        assert incidents.notices(session) == ()
        with pytest.raises(Conflict):
            incident_updates.write(session, defaults(), found, ada, {"en": "Again"}, NOW, resolves=True)
        with pytest.raises(EmptyReply):
            incident_updates.write(session, defaults(), incidents.by_id(session, found.id), ada, {"en": "Again"}, NOW)


def test_who_joins_late_is_not_given_old_news_and_who_leaves_none_at_all(database: Database) -> None:
    with database.begin() as session:
        one, late, ada = child(session, "a"), child(session, "b"), member(session)
        found = opened(session, ada, one)
        incident_updates.write(session, defaults(), found, ada, {"en": "First"}, later(minutes=5))
        incident_work.join(session, found, late.id, "customer", later(minutes=6))
        tell(session)
        incident_work.leave(session, found, one.id, "customer", later(minutes=25))
        incident_updates.write(session, defaults(), found, ada, {"en": "Second"}, later(minutes=26))
        tell(session)
        assert (said(session, one), said(session, late)) == (["First"], ["Second"])
        assert not incident_work.suggest(session, found, one.id, later(minutes=27))  # it was decided


def test_merged_incidents_are_told_together_once_and_come_apart_without_a_loss(database: Database) -> None:
    with database.begin() as session:
        one, both, other, ada = child(session, "a"), child(session, "b"), child(session, "c"), member(session)
        first, second = opened(session, ada, one, both), opened(session, ada, both, other)
        incident_updates.write(session, defaults(), first, ada, {"en": "Before"}, later(minutes=4))
        tell(session)
        incident_work.merge(session, second, first, ada, later(minutes=5))
        assert len(incidents.members(session, first)) == 3
        assert [notice.incident for notice in incidents.notices(session)] == [first.public_id]
        incident_updates.write(session, defaults(), first, ada, {"en": "Together"}, later(minutes=6))
        tell(session)
        assert said(session, both) == ["Before", "Together"]
        assert said(session, other) == ["Together"]
        again = incidents.by_id(session, second.id)
        incident_work.unmerge(session, again, ada, later(minutes=30))
        apart = incidents.by_id(session, second.id)
        assert (apart.state, apart.merged_into) == (IncidentState.OPEN, None)
        assert set(states(session, apart)) == {both.id, other.id}
        assert set(states(session, first)) == {one.id, both.id}
        incident_updates.write(session, defaults(), first, ada, {"en": "Alone"}, later(minutes=31))
        tell(session)
        assert said(session, other) == ["Together"]


def test_a_child_that_was_merged_is_told_where_it_goes_on_and_once(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        talks = [talk(session, name, channel=Channel.EMAIL, sender_id=who) for name, who in ("ax", "bx", "cx", "dy")]
        one, two, into, theirs = (conversations.get(session, each.id) for each in talks)
        found = opened(session, ada, one, two, theirs)
        for source, target in ((one, into), (two, into), (theirs, into)):
            merges.merge(session, defaults(), source, target, ada, NOW)
        incident_updates.write(session, defaults(), found, ada, {"en": "Back at noon."}, later(minutes=5))
        tell(session)
        assert [said(session, each) for each in (one, two, into, theirs)] == [
            [],
            [],
            ["Back at noon."],
            ["Back at noon."],
        ]


def test_an_incident_cannot_be_merged_into_itself_or_into_what_is_over(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        first, second = opened(session, ada, child(session, "a")), opened(session, ada, child(session, "b"))
        with pytest.raises(Conflict):
            incident_work.merge(session, first, first, ada, NOW)
    with database.begin() as session:
        incident_updates.write(session, defaults(), second, ada, {"en": "Solved"}, NOW, resolves=True)
        with pytest.raises(Conflict):
            incident_work.merge(session, first, incidents.by_id(session, second.id), ada, NOW)


def test_a_dismissal_can_be_taken_back(database: Database) -> None:
    with database.begin() as session:
        found, ada = proposed(session, child(session, "a")), member(session)
        incident_work.dismiss(session, found, ada, NOW)
        assert incidents.live(session) == []
        incident_work.undismiss(session, incidents.by_id(session, found.id), ada, NOW)
        assert [one.id for one in incidents.live(session)] == [found.id]


def test_the_parents_conversation_takes_no_reply_that_would_reach_nobody(database: Database) -> None:
    with database.begin() as session:
        ada = member(session)
        found = opened(session, ada, child(session, "a"))
        parent = incidents.parent_conversation(session, found)
        assert parent
        talk_ = conversations.get(session, parent)
        with pytest.raises(NotToEverybody):
            replies.reply(session, defaults(), talk_, ada, "hello", NOW)
        with pytest.raises(NotToEverybody):  # the children would not be told
            replies.resolve(session, defaults(), talk_, ada, "cause", "solution", NOW)
        with pytest.raises(NotToEverybody):
            replies.release(session, talk_, ada, NOW)
        assert found.ticket_id
        assert tickets.get(session, found.ticket_id).state in tickets.OPEN_STATES


def test_a_conversation_knows_its_open_incident_also_through_a_merge(database: Database) -> None:
    with database.begin() as session:
        one, ada = child(session, "a"), member(session)
        first, second = opened(session, ada, one), opened(session, ada, child(session, "b"))
        incident_work.merge(session, first, second, ada, NOW)
        found = incidents.of_conversation(session, one.id)
        assert found is not None and found.id == second.id


def test_what_was_decided_makes_no_new_surge_for_a_day(database: Database) -> None:
    with database.begin() as session:
        one = child(session, "a")
        proposed(session, one)
        assert one.id in incidents.decided(session, NOW - timedelta(hours=24))
        assert one.id not in incidents.decided(session, later(minutes=1))


def test_an_unknown_incident_is_not_found(database: Database) -> None:
    with database.read() as session:
        for public_id in ("", "nope", "x" * 500, "a\x00b"):
            with pytest.raises(NotFound):
                incidents.get(session, public_id)


def test_an_update_leaves_by_the_channel_its_customer_wrote_on_under_a_key_of_its_own(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session, "a", channel=Channel.TELEGRAM), member(session)
        found = opened(session, ada, one)
        for text in ("News", "More"):
            incident_updates.write(session, defaults(), found, ada, {"en": text}, NOW)
        tell(session)
        rows = list(
            session.scalars(select(OutboxRow).where(OutboxRow.conversation_id == one.id).order_by(OutboxRow.id))
        )
        assert [(row.channel, row.payload["text"]) for row in rows] == [("telegram", "News"), ("telegram", "More")]
        assert rows[0].key != rows[1].key
