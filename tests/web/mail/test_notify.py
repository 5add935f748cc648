"""Staff are told by mail what waits for them, once, and may answer that mail; customers notice nothing of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from base.errors import RetryLater
from base.messages import Channel, Inbound
from desk import access, conversations, replies
from desk.access import StaffActor
from desk.models import Author, Conversation, ConversationState, Staff
from desk.outbox import OutboxState
from desk.replies import mark_read
from tests.web.mail.made import PERSON, SUPPORT, Gone, MailDesk, Writer, mail
from tests.web.mail.test_returned import bounce
from web.mail.notify import StaffNotices

NEWS = "The printer in room 12 burns"


@pytest.fixture
def ada(desk: MailDesk) -> Staff:
    return desk.member()


@pytest.fixture
def wang(desk: MailDesk, ada: Staff) -> Writer:
    """A customer whose conversation Ada has, and has looked at."""
    wang = desk.customer()
    wang.write(PERSON)
    with desk.services.database.begin() as session:
        replies.take_over(session, desk.services.defaults, desk.talk(wang.thread), ada, desk.clock.now())
    desk.answer()
    return wang


def got(desk: MailDesk, member: Staff) -> list[Gone]:
    """What a colleague has got by now; a minute passes first."""
    desk.clock.advance(seconds=61)
    desk.answer()
    return [one for one in desk.sent if one.to == (member.email,)]


def give(desk: MailDesk, of: Writer, member: Staff, by: Staff) -> None:
    services, now = desk.services, desk.clock.now()
    with services.database.begin() as session:
        talk = desk.talk(of.thread)
        to = replies.assign(session, services.defaults, talk, by, member.public_id, now)
        services.notices.assigned(session, talk, to, by, now)


def answering(told: Gone, member: Staff, text: str, **how: object) -> bytes:
    known: dict[str, object] = {
        "to": told.reply_to, "answers": told.id, "references": f"{told['References']} <{told.id}>",
    }  # fmt: skip
    return mail(f'"{member.name}" <{member.email}>', text, f"Re: {told['Subject']}", **{**known, **how})  # type: ignore[arg-type]


def queued(desk: MailDesk, of: Writer) -> list[str]:
    return [state for state, _ in desk.outbox(of.thread)]


def test_who_has_a_conversation_is_told_what_its_customer_wrote(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    wang.reply(NEWS)
    [told] = got(desk, ada)
    talk, ticket = desk.talk(wang.thread), desk.ticket(wang.thread)
    for body in (told.body(), told.body("html")):
        for part in (NEWS, "Fang Wang", ticket.name, f"/inbox/{talk.public_id}", "First response due"):
            assert part in body, part
    assert told["Auto-Submitted"] == "auto-generated"
    assert "Fang Wang" in told["Subject"]
    assert told.reply_to == desk.services.office.signer.reply_address(SUPPORT, wang.thread, ada.public_id)


def test_a_colleague_answers_the_mail_and_the_customer_gets_it(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    wang.reply(NEWS)
    [told] = got(desk, ada)
    before = len(wang.got)
    quoted = "\r\n".join(f"> {line}" for line in told.body().splitlines())
    row = desk.deliver(answering(told, ada, f"Please leave the room.\r\n\r\nOn Mon, Ada wrote:\r\n{quoted}"))
    assert (row.state, row.how) == ("taken", "colleague")
    assert desk.said(wang.thread, Author.STAFF) == ["Please leave the room."]
    [reply] = wang.got[before:]
    assert "Please leave the room." in reply.body()
    assert reply["From"].startswith(f'"{ada.name} (')
    for secret in ("/inbox/", "above this line", told.id, told.reply_to, ada.email):
        assert secret not in reply.everything, secret


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Leave!\n\n——— Write your answer above this line ———\n\nFang wrote: x", "Leave!"),
        ("Leave!\n\nAm Montag meldete Support:\n>> ——— Write your answer above this line ———\nx", "Leave!"),
        ("Leave!\nNow!", "Leave!\nNow!"),
        ("> ——— Write your answer above this line ———\n> It burns\n\nLeave!", "Leave!"),
    ],
)
def test_the_words_of_a_colleague_leave_without_what_they_quote(
    desk: MailDesk, wang: Writer, ada: Staff, text: str, said: str
) -> None:
    wang.reply(NEWS)
    [told] = got(desk, ada)
    desk.deliver(answering(told, ada, text))
    assert desk.said(wang.thread, Author.STAFF) == [said]


def test_an_answer_below_what_it_quotes_is_not_lost(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    wang.reply(NEWS)
    [told] = got(desk, ada)
    before = len(wang.got)
    desk.deliver(answering(told, ada, "——— Write your answer above this line ———\nIt burns\n\nLeave the room!\n"))
    assert len(wang.got) == before
    assert "NOT sent" in desk.notes(wang.thread)[-1]
    assert "Leave the room!" in desk.notes(wang.thread)[-1]


def test_one_mail_until_they_looked_or_answered(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    for n in range(3):
        wang.reply(f"{NEWS}, {n} times")
    assert len(got(desk, ada)) == 1
    with desk.services.database.begin() as session:
        mark_read(session, desk.talk(wang.thread), desk.clock.now())
    wang.reply("And now the kitchen")
    told = got(desk, ada)
    assert len(told) == 2
    desk.deliver(answering(told[-1], ada, "Leave the kitchen, too."))
    wang.reply("And now the roof")
    assert len(got(desk, ada)) == 3


def test_who_answers_within_the_minute_gets_no_mail(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    wang.reply(NEWS)
    with desk.services.database.begin() as session:
        replies.reply(session, desk.services.defaults, desk.talk(wang.thread), ada, "On my way", desk.clock.now())
    assert got(desk, ada) == []
    assert queued(desk, wang).count(OutboxState.DROPPED) == 1
    assert desk.talk(wang.thread).state is ConversationState.STAFF


def test_who_is_given_a_conversation_is_told_at_once_and_by_whom(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    bob = desk.member()
    give(desk, wang, bob, by=ada)
    desk.answer()
    [told] = [one for one in desk.sent if one.to == (bob.email,)]
    assert f"{ada.name} has given you the conversation with Fang Wang" in told.body()
    assert PERSON in told.body()
    give(desk, wang, ada, by=bob)
    give(desk, wang, bob, by=ada)
    assert len(got(desk, bob)) == 2
    assert got(desk, ada) == []  # it was hers for no longer than a moment


def test_nobody_is_told_of_what_they_did_themselves(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    give(desk, wang, ada, by=ada)
    bob = desk.member()
    give(desk, wang, ada, by=bob)  # it was hers already
    assert got(desk, ada) == []


def test_who_no_longer_has_it_is_not_told(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    wang.reply(NEWS)
    bob = desk.member()
    give(desk, wang, bob, by=ada)
    assert got(desk, ada) == []
    [told] = got(desk, bob)
    assert NEWS in told.body()


def test_the_customer_notices_nothing_of_it(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    wang.reply(NEWS)
    [told] = got(desk, ada)
    turns = len(desk.turns(wang.thread))
    with desk.services.database.begin() as session:
        replies.reply(session, desk.services.defaults, desk.talk(wang.thread), ada, "On my way", desk.clock.now())
    desk.answer()
    assert len(desk.turns(wang.thread)) == turns + 1
    assert told.id not in wang.got[-1].everything
    assert ada.email not in wang.got[-1].everything


def test_a_notification_that_is_refused_for_now_holds_no_reply_back(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    wang.reply(NEWS)
    desk.clock.advance(seconds=61)
    desk.faults.append(RetryLater("greylisted"))
    desk.answer()
    before = len(wang.got)
    bob = desk.member()
    give(desk, wang, bob, by=ada)
    with desk.services.database.begin() as session:
        replies.reply(session, desk.services.defaults, desk.talk(wang.thread), ada, "On my way", desk.clock.now())
    desk.answer()
    assert len(wang.got) == before + 1


def test_a_reply_that_is_refused_for_now_holds_no_notification_back(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    with desk.services.database.begin() as session:
        replies.reply(session, desk.services.defaults, desk.talk(wang.thread), ada, "On my way", desk.clock.now())
    desk.faults.append(RetryLater("greylisted"))
    desk.answer()
    bob = desk.member()
    give(desk, wang, bob, by=ada)
    desk.answer()
    assert [one.to for one in desk.sent if one.to == (bob.email,)] == [(bob.email,)]


def test_an_answer_to_the_mailbox_itself_is_a_note_and_no_words_of_the_customer(
    desk: MailDesk, wang: Writer, ada: Staff
) -> None:
    wang.reply(NEWS)
    [told] = got(desk, ada)
    said, before = desk.said(wang.thread), len(wang.got)
    row = desk.deliver(answering(told, ada, "Please leave the room.", to=SUPPORT))
    assert row.state == "taken"
    assert (desk.said(wang.thread), len(wang.got)) == (said, before)
    note = desk.notes(wang.thread)[-1]
    assert "NOT sent" in note
    assert "Please leave the room." in note


def test_an_automatic_reply_to_it_says_nothing_to_anybody(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    wang.reply(NEWS)
    [told] = got(desk, ada)
    before = len(desk.sent)
    row = desk.deliver(answering(told, ada, "I am away.", lines=["Auto-Submitted: auto-replied"]))
    assert (row.state, len(desk.sent), desk.said(wang.thread, Author.STAFF)) == ("noted", before, [])


def test_one_that_comes_back_is_a_note_and_the_customer_is_still_written_to(
    desk: MailDesk, wang: Writer, ada: Staff
) -> None:
    wang.reply(NEWS)
    [told] = got(desk, ada)
    desk.deliver(bounce(told.id, ada.email))
    assert ada.email in desk.notes(wang.thread)[-1]
    assert "notification" in desk.notes(wang.thread)[-1]
    assert desk.talk(wang.thread).state is ConversationState.STAFF
    assert queued(desk, wang).count(OutboxState.BOUNCED) == 1


def test_where_answers_cannot_be_told_apart_there_is_only_the_link(desk: MailDesk, ada: Staff) -> None:
    wang, bob = desk.customer(), desk.member()
    wang.thread = desk.deliver(wang.mail(PERSON, to="sales@shop.test"), mailbox="sales").thread_id
    give(desk, wang, bob, by=ada)
    [told] = got(desk, bob)
    assert told.sender == "sales@shop.test"
    assert told["Reply-To"] == ""
    assert "above this line" not in told.body()
    assert "does not reach them" in told.body()


def test_who_has_a_chat_is_told_by_mail_and_answers_in_the_console(desk: MailDesk, ada: Staff) -> None:
    services, now = desk.services, desk.clock.now()

    def says(text: str) -> Conversation:
        message = Inbound(Channel.WEBCHAT, f"m-{text}", f"chat-{ada.public_id}", "visitor", text, now)
        talk_id = services.engine.receive(message).conversation_id
        with services.database.read() as session:
            return access.conversation(session, StaffActor(ada), talk_id)

    talk = says(PERSON)
    with services.database.begin() as session:
        replies.take_over(session, services.defaults, talk, ada, now)
    says(NEWS)
    [told] = got(desk, ada)
    assert NEWS in told.body()
    assert f"/inbox/{talk.public_id}" in told.body()
    assert told["Reply-To"] == ""
    desk.deliver(answering(told, ada, "Leave!", to=SUPPORT))
    with services.database.read() as session:
        assert "NOT sent" in conversations.latest_turns(session, talk.id, 1)[0].text


def test_nothing_is_queued_where_it_is_off_or_there_is_no_mailbox(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    services, now = desk.services, desk.clock.now()
    off = StaffNotices(services.settings.model_copy(update={"mail_notify_staff": False}), services.office)
    bare = StaffNotices(services.settings, replace(services.office, accounts=()))
    bob = desk.member()
    before = len(queued(desk, wang))
    with services.database.begin() as session:
        talk = desk.talk(wang.thread)
        turns = [conversations.add_turn(session, talk.id, Author.CUSTOMER, NEWS, "en", now)]
        for notices in (off, bare):
            notices.wrote(session, talk, turns, now)
            notices.assigned(session, talk, bob, ada, now)
    assert len(queued(desk, wang)) == before
    with services.database.begin() as session:
        services.notices.wrote(session, talk, turns, now)
    assert len(queued(desk, wang)) == before + 1


def test_a_colleague_who_signs_in_with_the_mailbox_is_not_told(desk: MailDesk, wang: Writer, ada: Staff) -> None:
    services, now = desk.services, desk.clock.now()
    shared = replace(ada, id=ada.id + 1000, email=SUPPORT)
    before = queued(desk, wang)
    with services.database.begin() as session:
        services.notices.assigned(session, desk.talk(wang.thread), shared, ada, now)
    assert queued(desk, wang) == before


def test_a_colleague_who_reads_chinese_is_told_in_chinese(desk: MailDesk, wang: Writer) -> None:
    bob = desk.member(lang="zh")
    ada = desk.member()
    give(desk, wang, bob, by=ada)
    desk.answer()
    [told] = [one for one in desk.sent if one.to == (bob.email,)]
    assert told["Content-Language"] == "zh"
    assert 'lang="zh-CN"' in told.body("html")
