"""What staff do in a conversation, and what the customer notices of it."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from base.database import Database
from base.errors import Conflict, NotFound
from base.messages import Channel, Outbound
from desk import audit, conversations, events, outbox, replies, tickets
from desk.events import EventKind
from desk.models import Author, Conversation, ConversationState, Role, TicketState, Urgency, Withdrawal
from desk.replies import EmptyReply
from desk.tables import OutboxRow
from tests.desk.made import NOW, defaults, later, member, talk, ticket


def said(session: Session, of: Conversation) -> list[tuple[Author, str]]:
    return [(turn.author, turn.text) for turn in conversations.turns_after(session, of.id, 0, notes=True)]


def again(session: Session, of: Conversation) -> Conversation:
    return conversations.get(session, of.id)


def queue_a_bot_reply(session: Session, of: Conversation) -> None:
    turn = conversations.add_turn(session, of.id, Author.BOT, "draft", "en", NOW)
    outbox.put(session, Outbound(f"turn-{turn.id}", Channel.EMAIL, "t1", "draft", "en"), of.id, turn.id, NOW)


def queued(session: Session) -> list[tuple[str, str, str]]:
    rows = session.scalars(select(OutboxRow).order_by(OutboxRow.id).execution_options(populate_existing=True))
    return [(row.payload["author"], row.payload["text"], row.state) for row in rows]


def actions(session: Session) -> list[str]:
    session.flush()
    return [entry.action for entry in reversed(audit.latest(session))]


def test_a_reply_takes_over_tells_the_customer_and_is_queued(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session, channel=Channel.EMAIL), member(session)
        queue_a_bot_reply(session, one)
        replies.reply(session, defaults(), one, ada, "  Hello, I am looking into it.\x00 ", NOW)
        now = again(session, one)
        assert (now.state, now.assignee_id) == (ConversationState.STAFF, ada.id)
        assert said(session, one)[1:] == [
            (Author.SYSTEM, "Ada has joined the conversation."),
            (Author.STAFF, "Hello, I am looking into it."),
        ]
        assert queued(session) == [("bot", "draft", "dropped"), ("staff", "Hello, I am looking into it.", "queued")]
        assert actions(session) == ["took_over"]


def test_the_joining_is_told_once_and_in_the_customers_language(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session, "小王")
        conversations.change(session, one, NOW, lang="zh")
        replies.reply(session, defaults(), again(session, one), ada, "您好，我来处理。", NOW)
        replies.reply(session, defaults(), again(session, one), ada, "好了。", NOW)
        system = [text for author, text in said(session, one) if author is Author.SYSTEM]
        assert len(system) == 1
        assert "小王" in system[0]
        turns = conversations.turns_after(session, one.id, 0, notes=True)
        assert {turn.lang for turn in turns} == {"zh"}


@pytest.mark.parametrize("text", ["", "   \n ", "\x00\u200b"])
def test_an_empty_reply_or_note_is_refused(database: Database, text: str) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        with pytest.raises(EmptyReply):
            replies.reply(session, defaults(), one, ada, text, NOW)
        with pytest.raises(EmptyReply):
            replies.note(session, one, ada, text, NOW)
        assert said(session, one) == []
        assert again(session, one).state is ConversationState.BOT


def test_a_note_is_seen_by_nobody_outside_and_stops_no_clock(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        made = ticket(session, one)
        replies.note(session, again(session, one), ada, "check the licence", NOW)
        assert queued(session) == []
        assert tickets.get(session, made.id) == made
        assert again(session, one).state is ConversationState.BOT
        assert conversations.turns_after(session, one.id, 0, notes=False) == []


def test_a_reply_answers_the_ticket_and_dispatches_it(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        made = ticket(session, one)
        replies.reply(session, defaults(), again(session, one), ada, "On it.", later(minutes=5))
        answered = tickets.get(session, made.id)
        assert (answered.state, answered.assignee_id) == (TicketState.OPEN, ada.id)
        assert answered.first_responded_at == later(minutes=5)


def test_a_second_person_who_takes_over_is_the_one_it_belongs_to(database: Database) -> None:
    with database.begin() as session:
        one, ada, bob = talk(session), member(session), member(session, "Bob")
        replies.take_over(session, defaults(), one, ada, NOW)
        replies.take_over(session, defaults(), one, ada, NOW)
        replies.take_over(session, defaults(), one, bob, NOW)  # with a stale view of the conversation
        assert again(session, one).assignee_id == bob.id
        assert [author for author, _ in said(session, one)] == [Author.SYSTEM]
        assert actions(session) == ["took_over", "took_over"]


def test_it_can_be_given_to_a_colleague_who_is_there(database: Database) -> None:
    with database.begin() as session:
        one, ada, bob = talk(session), member(session), member(session, "Bob")
        made = ticket(session, one)
        replies.assign(session, defaults(), again(session, one), ada, bob.public_id, NOW)
        assert again(session, one).assignee_id == bob.id
        assert again(session, one).state is ConversationState.STAFF
        replies.assign(session, defaults(), again(session, one), bob, ada.public_id, NOW)
        assert tickets.get(session, made.id).assignee_id == ada.id
        with pytest.raises(NotFound):
            replies.assign(session, defaults(), again(session, one), ada, "nobody\x00", NOW)


def test_given_back_the_bot_has_it_and_the_ticket_stays_owed(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        made = ticket(session, one)
        conversations.change(session, one, NOW, memory={"waits_for": "person", "failed": 1})
        replies.take_over(session, defaults(), again(session, one), ada, NOW)
        replies.release(session, again(session, one), ada, NOW)
        now = again(session, one)
        assert (now.state, now.assignee_id, now.memory) == (ConversationState.BOT, None, {"failed": 1})
        assert tickets.get(session, made.id).state is not TicketState.RESOLVED


def test_solved_means_the_customer_knows_and_the_bot_forgets_the_matter(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session, channel=Channel.EMAIL), member(session)
        made = ticket(session, one)
        conversations.change(session, one, NOW, memory={"waits_for": "person", "failed": 1, "question": "old"})
        replies.reply(session, defaults(), again(session, one), ada, "Fixed.", NOW)
        solved = replies.resolve(session, defaults(), again(session, one), ada, " dust ", "blow", later(hours=1))
        assert solved is not None
        assert (solved.id, solved.state) == (made.id, TicketState.RESOLVED)
        assert solved.handover["resolution"] == {"root_cause": "dust", "solution": "blow", "resolved_by": ada.id}
        now = again(session, one)
        assert (now.state, now.memory) == (ConversationState.BOT, {"resolved": True})
        last = conversations.latest_turns(session, one.id, 1)[0]
        assert (last.author, last.payload) == (Author.SYSTEM, {"event": "resolved"})
        assert queued(session)[-1][0] == "system"
        assert actions(session)[-1] == "resolved"


def test_a_conversation_without_a_ticket_can_be_solved_but_has_no_urgency(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        assert replies.resolve(session, defaults(), one, ada, "", "", NOW) is None
        with pytest.raises(NotFound):
            replies.set_urgency(session, defaults(), one, ada, Urgency.HIGH, "boss", NOW)


def test_a_persons_judgement_of_the_urgency_stands_with_their_reason(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        ticket(session, one, Urgency.HIGH)
        lowered = replies.set_urgency(session, defaults(), again(session, one), ada, Urgency.LOW, "a wish", NOW)
        assert lowered.urgency is Urgency.LOW
        assert lowered.urgency_reasons[0]["text"] == "Ada: a wish"
        assert actions(session) == ["set_urgency"]


def test_looking_at_it_is_noted_once(database: Database) -> None:
    with database.begin() as session:
        one = talk(session)
        conversations.add_turn(session, one.id, Author.CUSTOMER, "hi", "en", NOW)
        replies.mark_read(session, one, NOW)
        replies.mark_read(session, one, NOW)
        assert [event.kind for event in events.after(session, 0)] == [EventKind.TURN_ADDED, EventKind.READ]


def test_a_closed_ticket_is_not_solved_again(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        made = ticket(session, one)
        tickets.move(session, defaults(), made.id, TicketState.CLOSED, NOW)
        with pytest.raises(Conflict):
            replies.resolve(session, defaults(), again(session, one), ada, "", "", NOW)


def test_the_audit_says_who_did_what_newest_first(database: Database) -> None:
    def note(at: datetime, action: str) -> None:
        audit.note(session, at, "staff:1", action, "ticket:7", reason="x")
        session.flush()

    with database.begin() as session:
        note(NOW, "one")
        note(later(minutes=1), "two")
        newest, oldest = audit.latest(session)
        assert (newest.action, oldest.action, newest.detail) == ("two", "one", {"reason": "x"})
        assert len(audit.latest(session, 1)) == 1
        assert member(session, role=Role.ADMIN).id


def test_a_withdrawn_ticket_owes_nothing_and_the_customer_is_told_nothing(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session, channel=Channel.EMAIL), member(session)
        made = ticket(session, one)
        replies.take_over(session, defaults(), again(session, one), ada, NOW)
        sent = queued(session)
        for _ in range(2):
            done = replies.withdraw(session, defaults(), again(session, one), ada, Withdrawal.MISTAKE, later(minutes=9))
        assert (done.state, done.resolved_at, done.handover["withdrawn"]) == (
            TicketState.CANCELLED,
            None,
            {"why": "mistake", "by": ada.id},
        )
        now = again(session, one)
        assert (now.state, now.assignee_id, now.ticket_id) == (ConversationState.BOT, None, made.id)
        assert said(session, one)[-1] == (Author.NOTE, f"Ada withdrew {made.name}: opened by mistake.")
        assert queued(session) == sent
        assert tickets.count_open(session) == 0
        found = tickets.sla_state(session, defaults(), done, later(days=400))
        assert (found.breaches, found.next_check, found.cancelled_at) == ((), None, later(minutes=9))
        assert actions(session).count("withdrew") == 1


def test_only_an_open_ticket_is_withdrawn(database: Database) -> None:
    with database.begin() as session:
        one, two, ada = talk(session), talk(session, "t2"), member(session)
        ticket(session, two)
        replies.resolve(session, defaults(), again(session, two), ada, "", "", NOW)
        for each in (one, two):
            with pytest.raises(NotFound):
                replies.withdraw(session, defaults(), again(session, each), ada, Withdrawal.CUSTOMER, NOW)


def test_a_customer_who_writes_again_opens_what_was_withdrawn(database: Database) -> None:
    with database.begin() as session:
        one, ada = talk(session), member(session)
        made = ticket(session, one)
        replies.withdraw(session, defaults(), again(session, one), ada, Withdrawal.CUSTOMER, later(hours=1))
        back = tickets.customer_wrote(session, defaults(), made.id, later(hours=2))
        assert (back.state, tickets.withdrawn_at(session, back)) == (TicketState.OPEN, None)
        assert [event.kind for event in tickets.clock_events(session, made.id)][-2:] == ["cancelled", "reopened"]
