"""One mail from its bytes to all its fields, and every mail in a definite state."""

from __future__ import annotations

import pickle
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.mime import MailRefused, Refusal, read_mail
from channels.email.models import Address, Mail
from evals.mail_bombs import BOMBS
from tests.channels.email.recorded import MAILS, NAMES, mail, recorded


def texts(found: Mail) -> list[str]:
    people = (*found.senders, *found.reply_to, *found.to, *found.cc)
    return [
        found.message_id, found.subject, found.text, found.html, found.new_text, found.language, *found.delivered_to,
        *found.authentication, *(one.name + one.address for one in people), *(one.name for one in found.files),
        *(one.subject + one.text for one in found.enclosed), *(value for _, value in found.headers),
    ]  # fmt: skip


def assert_sound(found: Mail) -> None:
    """What `models.py` promises of every mail."""
    for text in texts(found):
        assert "\x00" not in text
        text.encode("utf-8")
    lines = (
        found.subject,
        *(one.name for one in (*found.senders, *found.to, *found.cc)),
        *(one.name for one in found.files),
    )
    assert not [line for line in lines if "\n" in line or "\r" in line]
    assert len(found.headers) <= 200


def test_every_field_of_an_ordinary_reply_is_read() -> None:
    found = recorded("gmail_reply")
    assert found.message_id == "CAJ7x2kQ1@mail.gmail.example"
    assert found.senders == (Address("Lucy Brown", "lucy@customer.example"),)
    assert found.to == (Address("Support", "desk@support.example"),)
    assert found.delivered_to == ("desk@support.example",)
    assert found.return_path == "lucy@customer.example"
    assert found.subject == "Re: Your VPN question"
    assert found.date == datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
    assert found.in_reply_to == ("out-2@support.example",)
    assert found.references == ("out-1@support.example", "out-2@support.example")
    assert found.authentication[0].startswith("mx.support.example; dkim=pass")
    assert found.authentication[1] == "evil.example; dmarc=pass"
    assert (found.language, found.flaws, found.files, found.report) == ("en-GB", (), (), None)
    assert found.headers[0] == ("delivered-to", "desk@support.example")


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_mail_is_read_the_same_each_time(name: str) -> None:
    found = recorded(name)
    assert_sound(found)
    assert found == recorded(name) == pickle.loads(pickle.dumps(found))


def test_a_mail_in_utf16_is_read() -> None:
    raw = "Subject: 打印机\nContent-Type: text/plain; charset=utf-8\n\n卡纸".replace("\n", "\r\n")
    for codec in ("utf-16", "utf-16-le", "utf-16-be"):
        ascii_first = ("X-First: a line of plain words\r\n" + raw).encode(codec)
        found = read_mail(ascii_first)
        assert (found.subject, found.text) == ("打印机", "卡纸")


def test_a_mail_with_the_line_ends_of_an_old_macintosh_is_read() -> None:
    found = read_mail(b"Subject: old\rFrom: a@b.example\r\rtext\rmore")
    assert (found.subject, found.text) == ("old", "text\nmore")


def test_empty_lines_before_the_headers_are_passed_over() -> None:
    assert read_mail(b"\r\n\r\nSubject: x\r\n\r\ny").subject == "x"
    assert read_mail(b"\r\n\xef\xbb\xbfSubject: x\r\n\r\ny").subject == "x"


def test_text_without_any_header_is_read_and_says_so() -> None:
    found = read_mail("你好，打印机坏了。".encode())
    assert (found.text, found.senders, found.flaws) == ("你好，打印机坏了。", (), ("headers", "no_headers"))


def test_a_mail_of_quotes_only_keeps_all_of_its_text() -> None:
    found = mail("Subject: x", "> only a quote\n> of two lines")
    assert found.new_text == found.text == "> only a quote\n> of two lines"


def test_nul_bytes_are_gone() -> None:
    found = recorded("nul_bytes")
    assert (found.subject, found.text) == ("nul byte", "beforeafter  end")


@pytest.mark.parametrize("name", BOMBS)
def test_a_mail_made_to_do_harm_is_in_a_definite_state(name: str) -> None:
    with suppress(MailRefused):
        assert_sound(read_mail(BOMBS[name](0.02)))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("10,000 parts", Refusal.TOO_MANY_PARTS),
        ("parts 200 deep", Refusal.TOO_DEEP),
        ("mails 200 deep", Refusal.TOO_DEEP),
        ("a million headers", Refusal.HEADERS_TOO_LARGE),
        ("a header of 30 MB", Refusal.HEADERS_TOO_LARGE),
    ],
)
def test_a_bomb_over_a_cap_is_refused(name: str, reason: Refusal) -> None:
    with pytest.raises(MailRefused) as refused:
        read_mail(BOMBS[name](0.1))
    assert refused.value.reason == reason


SEEDS = [(MAILS / f"{name}.eml").read_bytes() for name in NAMES]
PIECES = [
    b'"', b"<", b">", b"(", b"=?", b"?=", b"\r\n", b"\r\n\r\n", b"--", b";", b":", b"\x00", b"\xff", b"*0*=", b"''", b"@",
    b",", b"charset=utf-16", b"\xc4\xe3", b"%E4", b"\x1b$B", b"BEGIN:VEVENT\r\n", b"\x78\x9f\x3e\x22",
    b"Content-Type: message/rfc822\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(PIECES), st.integers(0, 40)), max_size=8),
)
def test_no_damage_raises_anything_but_a_refusal(seed: bytes, changes: list[tuple[float, bytes, int]]) -> None:
    raw = seed
    for where, piece, removed in changes:
        at = int(where * len(raw))
        raw = raw[:at] + piece + raw[at + removed :]
    try:
        found = read_mail(raw)
    except MailRefused:
        return
    assert_sound(found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_mail_or_refused(raw: bytes) -> None:
    with suppress(MailRefused):
        assert_sound(read_mail(raw))
