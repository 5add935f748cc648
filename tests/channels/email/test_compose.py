"""Our own mail: read back by Python's own parser, it says what was meant, and nothing that was smuggled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.compose import MAX_REFERENCES, BadAddress, Letter, compose, references
from channels.email.models import Address, MailFile

LETTER = Letter(
    sender=Address("海松 IT", "support@shop.example"), recipient=Address("王 芳", "wang@customer.example"),
    subject="Re: 打印机坏了 [FL-1042]", text="您好\n", html="<p>您好</p>", message_id="abc.turn-1.mac@shop.example",
    date=datetime(2026, 11, 23, 2, 0, tzinfo=UTC), reply_to="support+cabc.mac@shop.example",
    in_reply_to="their-2@customer.example", references=("their-1@customer.example", "ours-1@shop.example"),
    loop_mark="firstline-1",
)  # fmt: skip


def parsed(letter: Letter) -> EmailMessage:
    found = message_from_bytes(compose(letter), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_mail_carries_both_bodies_and_its_threading_headers() -> None:
    mail = parsed(LETTER)
    assert (mail["Subject"], mail["From"].addresses[0].display_name) == (LETTER.subject, "海松 IT")
    assert mail["Message-ID"] == "<abc.turn-1.mac@shop.example>"
    assert mail["In-Reply-To"] == "<their-2@customer.example>"
    assert mail["References"].split() == [
        "<their-1@customer.example>", "<ours-1@shop.example>", "<their-2@customer.example>",
    ]  # fmt: skip
    assert mail["Reply-To"].addresses[0].addr_spec == LETTER.reply_to
    assert mail.get_content_type() == "multipart/alternative"
    bodies = [part.get_content().strip() for part in mail.iter_parts()]  # type: ignore[attr-defined]
    assert bodies == ["您好", "<p>您好</p>"]


def test_an_automatic_mail_says_so_and_a_persons_does_not() -> None:
    automatic, persons = parsed(LETTER), parsed(replace(LETTER, automatic=False))
    assert (automatic["Auto-Submitted"], automatic["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert (persons["Auto-Submitted"], persons["X-Auto-Response-Suppress"]) == (None, None)
    assert parsed(replace(LETTER, answers=False))["Auto-Submitted"] == "auto-generated"
    assert automatic["X-Firstline-Loop"] == persons["X-Firstline-Loop"] == "firstline-1"


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=60))
def test_whatever_stands_in_a_name_or_subject_no_header_is_added(text: str) -> None:
    plain = parsed(LETTER)
    hostile = replace(
        LETTER, subject=f"a{text}\r\nBcc: x@evil.example\n\nbody",
        recipient=Address(f"{text}\r\nBcc: y@evil.example", "w@c.example"),
        loop_mark=text, in_reply_to=f"id\r\nBcc: z@evil.example{text}",
    )  # fmt: skip
    mail = parsed(hostile)
    assert set(mail.keys()) <= {*plain.keys()}
    assert [one.addr_spec for one in mail["To"].addresses] == ["w@c.example"]
    assert mail["Bcc"] is None


@pytest.mark.parametrize(
    "address", ["", "wang", "a@b@c", "a b@c.example", "a@c.example\r\nBcc: x@y.example", "<a@b.c>"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        compose(replace(LETTER, recipient=Address("", address)))


def test_long_threads_keep_the_first_and_the_last_references() -> None:
    known = [f"{n:04}-{'x' * 60}@mail.example" for n in range(100)]
    kept = references(known, "last@mail.example")
    assert (kept[0], kept[-1], kept[-2]) == (known[0], "last@mail.example", known[-1])
    assert len(" ".join(f"<{one}>" for one in kept)) <= MAX_REFERENCES
    assert kept[1:-1] == known[-len(kept) + 2 :]


def test_an_id_is_mentioned_once() -> None:
    assert references(["a@x", "b@x", "a@x"], "b@x") == ["a@x", "b@x"]
    assert references([], "") == []


@pytest.mark.parametrize(
    "address", ["王芳@例子.example", "müller@shop.example", "wang@münchen.example", "a..b@c.example"]
)
def test_an_address_as_people_have_them_can_be_written_to(address: str) -> None:
    raw = compose(replace(LETTER, recipient=Address("", address)))
    assert f"\r\nTo: {address}\r\n".encode() in raw


def test_a_mail_says_its_language() -> None:
    assert parsed(replace(LETTER, lang="zh"))["Content-Language"] == "zh"


def test_files_are_attached_under_their_names_as_what_they_are() -> None:
    png, page = (
        MailFile("屏幕 截图.png", "image/png", b"\x89PNG", 4),
        MailFile("a.eml", "message/rfc822", b"From: x", 7),
    )
    table = MailFile("list.csv", "text/csv", b"a;b\r\n.\r\nc", 9)
    mail = parsed(replace(LETTER, files=(png, page, table)))
    found = [
        (one.get_filename(), one.get_content_type(), one.get_payload(decode=True)) for one in mail.iter_attachments()
    ]
    assert found == [
        ("屏幕 截图.png", "image/png", b"\x89PNG"),
        ("a.eml", "application/octet-stream", b"From: x"),
        ("list.csv", "application/octet-stream", b"a;b\r\n.\r\nc"),
    ]
    text, page_of_it = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page_of_it is not None
    assert (mail["Content-Language"], mail.get_content_type()) == ("en", "multipart/mixed")


@given(st.text(max_size=80), st.text(max_size=40))
def test_no_name_of_a_file_becomes_a_header(name: str, kind: str) -> None:
    plain = parsed(LETTER)
    hostile = parsed(replace(LETTER, files=(MailFile(f"{name}\r\nBcc: x@evil.example", kind, b"x", 1),)))
    assert set(hostile.keys()) == set(plain.keys())
    [file] = hostile.iter_attachments()
    assert file.get_payload(decode=True) == b"x"
    assert file["Bcc"] is None
