"""What staff are told beside a customer's words; what no person wrote is told to them alone, or to nobody."""

from __future__ import annotations

import base64

import pytest

from desk.models import Author, TicketState
from tests.web.mail.made import PERSON, QUESTION, SUPPORT, MailDesk, mail

AUTOMATIC = {
    "out of office": ["Auto-Submitted: auto-replied"],
    "by its subject": ["Subject: Automatic reply: Printer"],
    "in Chinese": ["Subject: =?utf-8?b?6Ieq5Yqo5Zue5aSNOiBQcmludGVy?="],
    "a list": ["List-Id: <news.customers.test>", "Precedence: list"],
    "a newsletter": ["List-Unsubscribe: <https://customers.test/u>", "Precedence: bulk"],
}


@pytest.mark.parametrize("name", AUTOMATIC)
def test_what_no_person_wrote_is_a_note_where_it_belongs_and_changes_nothing(desk: MailDesk, name: str) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    thread = wang.thread
    desk.solve(thread)
    sent, events, before = len(desk.sent), desk.clock_events(thread), desk.talk(thread)
    subject = "" if AUTOMATIC[name][0].startswith("Subject") else "Re: Printer"
    row = wang.reply("I am away until Monday.", subject=subject, lines=AUTOMATIC[name])
    assert (row.state, row.thread_id) == ("noted", thread)
    assert row.kind in ("auto_reply", "bulk")
    assert len(desk.sent) == sent
    [note] = desk.notes(thread)
    assert wang.address in note
    assert "I am away until Monday." in note
    assert (desk.ticket(thread).state, desk.clock_events(thread)) == (TicketState.RESOLVED, events)
    assert desk.talk(thread).state is before.state


@pytest.mark.parametrize("name", AUTOMATIC)
def test_what_no_person_wrote_and_belongs_nowhere_is_kept_unanswered(desk: MailDesk, name: str) -> None:
    wang = desk.customer()
    subject = "" if AUTOMATIC[name][0].startswith("Subject") else "News"
    row = wang.write(QUESTION, subject, lines=AUTOMATIC[name])
    assert (row.state, row.thread_id) == ("noted", "")
    assert desk.sent == []


def test_a_note_for_staff_comes_from_nobody_who_only_guesses(desk: MailDesk) -> None:
    wang, mallory = desk.customer(), desk.customer()
    wang.write(PERSON)
    name = desk.ticket(wang.thread).name
    row = mallory.write("I am away", f"Re: [{name}]", lines=AUTOMATIC["out of office"])
    assert (row.state, row.how) == ("noted", "stranger")
    assert desk.notes(wang.thread) == []


def test_our_own_mail_come_back_is_kept_and_told_to_nobody(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    row = desk.deliver(b"Received: by a forwarder\r\n" + wang.got[-1].raw)
    assert (row.state, row.thread_id) == ("noted", "")
    assert len(desk.sent) == 1
    assert desk.notes(wang.thread) == []


@pytest.mark.parametrize("sender", [SUPPORT, "help@shop.test", "Support+anything@SHOP.test", "sales@shop.test"])
def test_a_mail_from_an_address_of_ours_is_never_answered(desk: MailDesk, sender: str) -> None:
    row = desk.deliver(mail(sender))
    assert (row.state, desk.sent) == ("noted", [])


def test_a_loop_by_way_of_a_mailbox_that_forwards_to_us_ends_at_once(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write()
    raw = wang.got[-1].raw.replace(b"From: Haisong IT <support@shop.test>", f"From: {wang.address}".encode())
    assert b"From: c" in raw
    row = desk.deliver(raw)
    assert (row.state, len(desk.sent)) == ("noted", 1)


@pytest.mark.parametrize(
    ("lines", "state", "answers"), [([], "taken", 1), (["Auto-Submitted: auto-replied"], "noted", 0)]
)
def test_another_firstline_is_answered_when_a_person_there_writes(
    desk: MailDesk, lines: list[str], state: str, answers: int
) -> None:
    row = desk.customer().write(lines=["X-Firstline-Loop: 0123456789abcdef01234567", *lines])
    assert (row.state, len(desk.sent)) == (state, answers)


def with_files(*files: tuple[str, str, bytes]) -> tuple[str, list[str]]:
    """The body and the header line of a mail with these attachments."""
    parts = [f'--b\r\nContent-Type: text/plain; charset="utf-8"\r\n\r\n{QUESTION}\r\n']
    for name, kind, content in files:
        parts.append(
            f'--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
            f"Content-Transfer-Encoding: base64\r\n\r\n{base64.encodebytes(content).decode()}\r\n"
        )
    return "".join(parts) + "--b--\r\n", ['Content-Type: multipart/mixed; boundary="b"']


def test_attachments_are_listed_and_what_is_refused_is_told_to_staff(desk: MailDesk) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
    body, lines = with_files(("../photo.png", "image/png", png), ("tool.exe", "application/pdf", b"MZ" + b"\x00" * 512))
    wang = desk.customer()
    row = wang.write(body, lines=lines)
    [turn] = [one for one in desk.turns(wang.thread) if one.author is Author.CUSTOMER]
    assert QUESTION in turn.text
    kept, refused = turn.payload["attachments"]
    assert (kept["name"], kept["media_type"], kept["size_bytes"], kept["stored_as"]) == (
        "photo.png", "image/png", len(png), f"mail-{row.id}-0",
    )  # fmt: skip
    assert (refused["name"], refused["stored_as"]) == ("tool.exe", "")
    [note] = desk.notes(wang.thread)
    assert "tool.exe" in note
    assert "photo.png" not in note
    assert turn.payload["mail"] == row.id


def test_who_got_a_copy_is_told_to_staff_and_never_answered(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(to=f"{SUPPORT}, boss@customers.test", lines=["Cc: Help@shop.test, li@partner.test"])
    assert [one.to for one in desk.sent] == [(wang.address,)]
    assert desk.sent[0]["Cc"] == desk.sent[0]["Bcc"] == ""
    [note] = desk.notes(wang.thread)
    assert "boss@customers.test, li@partner.test" in note
    assert "shop.test" not in note
