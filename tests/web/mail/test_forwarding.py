"""A colleague passes a customer's mail on: the customer is answered; for anybody else the same words do nothing of the kind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select, update

from desk import customers, mail_threads
from desk.models import Author, Staff
from desk.tables import IdentityRow, StaffRow
from tests.web.mail.made import ANSWER, QUESTION, SUPPORT, MailDesk, mail

_numbers = count(1)
FORWARDS = Path(__file__).parents[2] / "channels/email/forwards"
BLOCK = """@fwd

---------- Forwarded message ---------
From: Wei Wang <{wei}>
Date: Fri, Nov 20, 2026 at 5:12 PM
Subject: Printer on floor 3
To: Ada <ada@shop.test>

{text}
"""


@pytest.fixture
def ada(desk: MailDesk) -> Iterator[Staff]:
    """The colleague of the recorded forwards."""
    member = desk.member()
    with desk.services.database.begin() as session:
        session.execute(update(StaffRow).where(StaffRow.id == member.id).values(email="ada@shop.test"))
    yield member
    with desk.services.database.begin() as session:
        session.execute(update(StaffRow).where(StaffRow.id == member.id).values(email=member.email))


def block(wei: str, text: str = QUESTION) -> str:
    return BLOCK.format(wei=wei, text=text)


def forward(wei: str, sender: str = "ada@shop.test", dmarc: str = "pass", text: str = QUESTION) -> bytes:
    return mail(sender, block(wei, text), "Fwd: Printer on floor 3", dmarc=dmarc)


def recorded(name: str) -> bytes:
    """A recorded forward as it reaches us."""
    raw = (FORWARDS / f"{name}.eml").read_bytes().replace(f"<{name}@".encode(), f"<{name}-{next(_numbers)}@".encode())
    raw = raw.replace(b"wei-1@customers.test", f"wei-{next(_numbers)}@customers.test".encode())
    return b"Authentication-Results: mx.shop.test; dmarc=pass header.from=shop.test\n" + raw


@pytest.mark.parametrize("name", sorted(path.stem for path in FORWARDS.glob("*.eml")))
def test_the_first_sender_is_answered_and_the_colleague_named_first(desk: MailDesk, ada: Staff, name: str) -> None:
    row = desk.deliver(recorded(name))
    assert (row.state, row.how, row.sender) == ("taken", "forwarded", "wei@customers.test")
    first, *_ = desk.turns(row.thread_id)
    assert first.author is Author.NOTE
    assert ada.name in first.text
    assert "20 Nov, 17:12" in first.text
    [said] = desk.said(row.thread_id)
    assert said.splitlines()[0] in ("Printer on floor 3", "三楼打印机")
    assert "PRN-21" in said
    assert "@" not in said
    talk = desk.talk(row.thread_id)
    with desk.services.database.read() as session:
        assert customers.get(session, talk.customer_id).name in ("Wei Wang", "王芳")
        assert not customers.is_verified(session, "email", "wei@customers.test")
        thread = mail_threads.get(session, row.thread_id)
    assert thread is not None
    assert thread.address == "wei@customers.test"
    assert not any("ada@shop.test" in gone.to for gone in desk.sent)


def test_the_answer_goes_to_the_customer_and_knows_nothing_of_the_colleague(desk: MailDesk, ada: Staff) -> None:
    wei = desk.customer().address
    row = desk.deliver(forward(wei))
    [gone] = [one for one in desk.sent if wei in one.to]
    assert ANSWER in gone.body()
    assert gone["Subject"] == "Re: Printer on floor 3"
    assert (gone["In-Reply-To"], gone["References"]) == ("", "")
    assert "ada" not in gone.everything.lower()
    assert ada.name not in gone.everything
    answer = desk.customer("Wei Wang")
    answer.address = wei
    assert answer.reply("Thank you, it prints again.").thread_id == row.thread_id


def test_files_of_a_forward_are_kept(desk: MailDesk, ada: Staff) -> None:
    row = desk.deliver(recorded("attached"))
    [turn] = [turn for turn in desk.turns(row.thread_id) if turn.author is Author.CUSTOMER]
    assert [file["name"] for file in turn.payload["attachments"]] == ["error.png"]
    assert row.message_id.startswith("wei-")  # an answer to it is one for the customer's program, too


def test_what_the_colleague_says_about_it_is_for_colleagues_only(desk: MailDesk, ada: Staff) -> None:
    raw = forward(desk.customer().address).replace(b"@fwd\n", b"@fwd\nShe is our largest customer.\n")
    row = desk.deliver(raw)
    assert "our largest customer" in desk.notes(row.thread_id)[0]
    assert not any("largest" in one for one in desk.said(row.thread_id))
    assert len(desk.sent) == 1
    assert "largest" not in desk.sent[0].everything


def test_the_same_mail_forwarded_twice_is_one(desk: MailDesk, ada: Staff) -> None:
    wei = desk.customer().address
    assert desk.deliver(forward(wei)).state == "taken"
    assert desk.deliver(forward(wei)).state == "duplicate"
    assert len([gone for gone in desk.sent if wei in gone.to]) == 1


@pytest.mark.parametrize(
    ("sender", "dmarc"),
    [
        ("mallory@evil.test", "pass"),
        ("ada@shop.test", ""),
        ("ada@shop.test", "fail"),
        ('"ada@shop.test" <mallory@evil.test>', "pass"),
    ],
)
def test_from_anybody_else_it_is_an_ordinary_mail(desk: MailDesk, ada: Staff, sender: str, dmarc: str) -> None:
    wei = desk.customer().address
    row = desk.deliver(forward(wei, sender, dmarc))
    assert (row.state, row.how) == ("taken", "new")
    assert not any(wei in gone.to for gone in desk.sent)
    with desk.services.database.read() as session:
        assert session.scalar(select(IdentityRow.id).where(IdentityRow.external_id == wei)) is None
    assert not any(ada.name in note for note in desk.notes(row.thread_id))


def test_who_has_left_passes_nothing_on(desk: MailDesk, ada: Staff) -> None:
    wei = desk.customer().address
    with desk.services.database.begin() as session:
        session.execute(update(StaffRow).where(StaffRow.id == ada.id).values(active=False))
    row = desk.deliver(forward(wei))
    assert (row.how, any(wei in gone.to for gone in desk.sent)) == ("new", False)


def test_a_forward_does_not_join_a_customer_who_has_proven_the_address(desk: MailDesk, ada: Staff) -> None:
    wang = desk.customer()
    wang.write()
    before = wang.thread
    row = desk.deliver(forward(wang.address))
    assert row.thread_id != before
    assert desk.talk(row.thread_id).customer_id != desk.talk(before).customer_id
    assert any("nothing proves" in note for note in desk.notes(row.thread_id)[1:])


def test_a_forward_that_names_a_ticket_is_a_conversation_of_its_own_and_points_there(
    desk: MailDesk, ada: Staff
) -> None:
    wang = desk.customer()
    wang.write("I want to talk to a person")
    name = desk.ticket(wang.thread).name
    raw = forward(wang.address).replace(b"Subject: Printer on floor 3\n", f"Subject: Re: Printer [{name}]\n".encode())
    row = desk.deliver(raw)
    assert row.thread_id != wang.thread
    assert any(name in note for note in desk.notes(row.thread_id))


@pytest.mark.parametrize("wei", ["Wei Wang", SUPPORT, "help@shop.test", "ada@shop.test", "a@b.test, c@d.test"])
def test_when_it_cannot_be_told_who_wrote_it_the_colleague_is_told_how(desk: MailDesk, ada: Staff, wei: str) -> None:
    row = desk.deliver(mail("ada@shop.test", block(wei).replace(f"Wei Wang <{wei}>", wei), "Fwd: Printer"))
    assert (row.state, row.how, row.sender) == ("taken", "new", "ada@shop.test")
    note = desk.notes(row.thread_id)[0]
    assert ada.name in note
    assert "it cannot be told who wrote it" in note
    assert QUESTION in desk.said(row.thread_id)[0]
    assert all(gone.to == ("ada@shop.test",) for gone in desk.sent)


def test_a_colleagues_mail_without_the_mark_is_an_ordinary_one(desk: MailDesk, ada: Staff) -> None:
    wei = desk.customer().address
    row = desk.deliver(mail("ada@shop.test", block(wei).replace("@fwd", "Please answer her."), "Fwd: Printer"))
    assert (row.sender, row.how) == ("ada@shop.test", "new")
    assert not any(wei in gone.to for gone in desk.sent)


def test_a_program_forwards_nothing(desk: MailDesk, ada: Staff) -> None:
    wei = desk.customer().address
    raw = mail("ada@shop.test", block(wei), "Fwd: Printer", lines=["Auto-Submitted: auto-generated"])
    assert desk.deliver(raw).state == "noted"
    assert desk.sent == []
