"""Files that a colleague mails along: they reach the customer, or staff read by name what did not."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest
from sqlalchemy import delete

from desk import doors
from desk.doors import Door
from desk.mail_tables import MailRow
from desk.models import Author
from tests.web.mail.made import PERSON, SUPPORT, MailDesk, Writer
from tests.web.mail.test_colleagues import REPLY, Case, case
from web.mail import enclosures
from web.mail.reading import ReaderFailed

__all__ = ["case"]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def with_files(
    case: Case, *files: tuple[str, str, bytes], text: str = REPLY, to: str = "", inline: bytes = b""
) -> bytes:
    """A colleague's mail to their answer address, with files."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = case.ada.email, to or case.answer_address, "Re: ticket"
    made["Message-ID"] = f"<{case.ada.public_id}-{len(case.desk.sent)}@shop.test>"
    made.set_content(text)
    if inline:
        made.add_alternative(f'<p>{text}</p><img src="cid:logo">', subtype="html")
        _, page = made.iter_parts()
        assert isinstance(page, EmailMessage)
        page.add_related(inline, "image", "png", cid="<logo>", filename="logo.png", disposition="inline")
    for name, kind, content in files:
        main, _, sub = kind.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    head = f"Authentication-Results: mx.shop.test; dmarc=pass header.from={case.ada.email.partition('@')[2]}\n"
    return head.encode() + made.as_bytes()


def attached(wang: Writer) -> dict[str, bytes]:
    """The files of the newest mail a customer got, by name."""
    return {str(one.get_filename()): one.get_payload(decode=True) for one in wang.got[-1].message.iter_attachments()}  # type: ignore[misc]


def test_files_of_a_colleagues_reply_reach_the_customer_and_stand_in_the_transcript(case: Case) -> None:
    row = case.desk.deliver(
        with_files(case, ("说明书.pdf", "application/pdf", PDF), ("../../tray.png", "image/png", PNG))
    )
    assert attached(case.wang) == {"说明书.pdf": PDF, "tray.png": PNG}
    assert REPLY in case.wang.got[-1].body()
    [turn] = [turn for turn in case.desk.turns(case.thread) if turn.author is Author.STAFF]
    assert [(one["name"], one["stored_as"]) for one in turn.payload["attachments"]] == [
        ("说明书.pdf", f"mail-{row.id}-0"), ("tray.png", f"mail-{row.id}-1"),
    ]  # fmt: skip
    assert case.desk.notes(case.thread) == []


def test_what_is_not_taken_is_named_and_the_rest_is_sent(case: Case) -> None:
    case.desk.deliver(
        with_files(
            case, ("a.pdf", "application/pdf", PDF), ("setup.exe", "application/octet-stream", b"MZ" + b"\0" * 200),
            ("page.html", "text/html", b"<!DOCTYPE html><html><script>alert(1)</script></html>"),
        )
    )  # fmt: skip
    assert list(attached(case.wang)) == ["a.pdf"]
    [note] = case.desk.notes(case.thread)
    assert "setup.exe" in note
    assert "page.html" in note
    assert "a.pdf" not in note


def test_a_logo_in_the_text_stays_here_and_a_picture_that_shows_something_goes(case: Case) -> None:
    case.desk.deliver(with_files(case, inline=PNG))
    assert attached(case.wang) == {}
    assert "logo.png" in case.desk.notes(case.thread)[0]
    large = PNG + b"\0" * enclosures.DECORATION_BYTES
    case.desk.deliver(with_files(case, inline=large))
    assert attached(case.wang) == {"logo.png": large}


def test_no_more_goes_than_one_mail_carries(case: Case) -> None:
    big = PDF + b"0" * (enclosures.MOST_BYTES // 2)
    case.desk.deliver(with_files(case, *((f"{n}.pdf", "application/pdf", big + str(n).encode()) for n in range(3))))
    assert list(attached(case.wang)) == ["0.pdf"]
    many = [(f"{n}.pdf", "application/pdf", PDF + str(n).encode()) for n in range(enclosures.MOST_FILES + 2)]
    case.desk.deliver(with_files(case, *many))
    assert len(attached(case.wang)) == enclosures.MOST_FILES
    assert "11.pdf" in case.desk.notes(case.thread)[-1]


def test_files_of_a_mail_with_a_mail_in_it_stay_here(case: Case) -> None:
    inner = b"From: li@customers.test\nSubject: secret\nContent-Type: application/pdf; name=secret.pdf\n\n" + PDF
    made = with_files(case, ("a.pdf", "application/pdf", PDF))
    boundary = made.split(b'boundary="')[1].split(b'"')[0]
    part = b"--" + boundary + b"\nContent-Type: message/rfc822\n\n" + inner + b"\n--" + boundary + b"--"
    case.desk.deliver(made.replace(b"--" + boundary + b"--", part))
    assert attached(case.wang) == {}
    assert REPLY in case.wang.got[-1].body()
    assert "secret.pdf" in case.desk.notes(case.thread)[0]


@pytest.mark.parametrize("why", ["nothing but a quote", "another sender"])
def test_files_of_a_mail_that_was_not_sent_are_named_with_it(case: Case, why: str) -> None:
    before = case.told
    text = "> only a quote\n" if why == "nothing but a quote" else REPLY
    raw = with_files(case, ("plan.pdf", "application/pdf", PDF), text=text)
    if why == "another sender":
        raw = raw.replace(f"From: {case.ada.email}".encode(), b"From: mallory@shop.test")
    case.desk.deliver(raw)
    assert case.told == before
    [note] = case.desk.notes(case.thread)
    assert "plan.pdf" in note


def test_a_customer_who_reads_in_the_chat_gets_the_words_and_staff_are_told_of_the_files(desk: MailDesk) -> None:
    wang = desk.customer()
    wang.write(PERSON)
    case = Case(desk, wang, desk.member())
    with desk.services.database.begin() as session:
        doors.add(session, desk.talk(wang.thread), Door("webchat", f"chat-{wang.thread}"), desk.clock.now())  # type: ignore[arg-type]
    before = case.told
    case.desk.deliver(with_files(case, ("a.pdf", "application/pdf", PDF)))
    assert (case.told, desk.said(wang.thread, Author.STAFF)) == (before, [REPLY])
    assert "a.pdf" in desk.notes(wang.thread)[-1]


def test_a_reply_whose_files_cannot_be_read_now_waits_and_is_sent_with_them(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case.desk.room.door, "_reader", case.desk.reader)
    case.desk.store(with_files(case, ("a.pdf", "application/pdf", PDF)))
    case.desk.sort()
    case.desk.reader.faults.append(ReaderFailed("took too long"))
    before = case.told
    case.desk.answer()
    assert (case.told, case.desk.outbox(case.thread)[-1][0]) == (before, "deferred")
    case.desk.clock.advance(minutes=5)
    case.desk.answer()
    assert attached(case.wang) == {"a.pdf": PDF}


def test_a_reply_whose_files_are_gone_is_not_sent_without_them(case: Case) -> None:
    mail_id = case.desk.store(with_files(case, ("a.pdf", "application/pdf", PDF)))
    case.desk.sort()
    with case.desk.services.database.begin() as session:
        session.execute(delete(MailRow).where(MailRow.id == mail_id))
    before = case.told
    case.desk.answer()
    assert (case.told, case.desk.outbox(case.thread)[-1]) == (before, ("bounced", "the files of this reply are gone"))


def test_a_colleagues_mail_without_files_is_sent_as_before(case: Case) -> None:
    case.desk.deliver(with_files(case))
    assert attached(case.wang) == {}
    assert case.wang.got[-1].sender.startswith(SUPPORT.partition("@")[0])
