"""Header lines, their parameters, dates and ids: nothing in them stops the reading."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels.email.headers import date_of, ids_of, parameters, read_headers
from channels.email.limits import MailLimits, MailRefused, Refusal
from tests.channels.email.recorded import mail, recorded

LIMITS = MailLimits()


def pairs(data: bytes) -> list[tuple[str, bytes]]:
    return list(read_headers(data, 0, len(data), LIMITS).pairs)


def test_names_are_lower_case_and_values_unfolded() -> None:
    assert pairs(b"SUBJECT : a\r\n b\r\n\tc\r\nTo:\r\n d\r\n\r\nbody: x") == [("subject", b"a b\tc"), ("to", b"d")]


def test_the_body_begins_behind_the_empty_line() -> None:
    data = b"a: 1\n\nbody"
    assert data[read_headers(data, 0, len(data), LIMITS).end :] == b"body"


def test_the_envelope_line_of_an_mbox_file_is_no_header() -> None:
    assert pairs(b"From a@b.example Mon Nov 23 12:00:00 2026\nSubject: x\n\n") == [("subject", b"x")]


def test_a_line_that_lost_its_blank_is_left_out_and_the_rest_is_read() -> None:
    found = recorded("exchange_id_and_junk_line")
    assert (found.subject, found.flaws) == ("Still read", ("headers",))


def test_text_without_an_empty_line_before_it_is_not_lost() -> None:
    found = mail("Subject: x\nThis is text: really.\nMore of it.", "and the rest")
    assert found.text == "This is text: really.\nMore of it.\n\nand the rest"


def test_a_long_value_is_cut_and_too_many_bytes_are_refused() -> None:
    found = mail("Subject: " + "a" * 100_000)
    assert (len(found.subject), found.flaws) == (1000, ("headers_cut",))
    with pytest.raises(MailRefused) as refused:
        mail("X: y\n" * 60_000)
    assert refused.value.reason == Refusal.HEADERS_TOO_LARGE


@pytest.mark.parametrize(
    ("raw", "value", "name", "meant"),
    [
        (b'multipart/mixed\r\n\tboundary="b 1"', "multipart/mixed", "boundary", "b 1"),  # no semicolon
        (b'a/b; boundary="two  blanks"', "a/b", "boundary", "two  blanks"),
        (b"Text/HTML; Charset = UTF-8 ; x", "text/html", "charset", "UTF-8"),
        (b"a; filename*0*=utf-8''%E4%BD; filename*1*=%A0; filename*2=.pdf", "a", "filename", "你.pdf"),
        (b"a; filename*=%E4%BD%A0.txt", "a", "filename", "你.txt"),
        (b"a; filename=plain.txt; filename*=utf-8'zh'%E4%BD%A0.txt", "a", "filename", "你.txt"),
        (b'a; filename="=?gb2312?B?xOO6ww==?=.pdf"', "a", "filename", "你好.pdf"),
        (b'a; filename*0="=?utf-8?B?5L2g"; filename*1="5aW9?="', "a", "filename", "你好"),
        (b"a; filename=my file.pdf; size=3", "a", "filename", "my file.pdf"),
        (b'a; name="a "b" c.pdf"; x=1', "a", "name", 'a "b" c.pdf'),
        (b'a; name="a\\"b.pdf"', "a", "name", 'a"b.pdf'),
        (b'a; name="C:\\dir\\x.txt"', "a", "name", "C:\\dir\\x.txt"),
        (b'a; name="no end', "a", "name", "no end"),
        ("a; name=报价.pdf".encode("gb18030"), "a", "name", "报价.pdf"),
        (b'; filename="x.png"', "", "filename", "x.png"),
    ],
)
def test_a_parameter_is_read(raw: bytes, value: str, name: str, meant: str) -> None:
    found, named = parameters(raw, "gb18030")
    assert (found, named[name]) == (value, meant)


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (b"Mon, 23 Nov 2026 09:00:00 +0800", datetime(2026, 11, 23, 1, 0, tzinfo=UTC)),
        (b"Mon, 23 Nov 2026 09:00:00 +0800 (CST)", datetime(2026, 11, 23, 1, 0, tzinfo=UTC)),
        (b"23 Nov 2026 09:00 GMT", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        (b"Mon, 23 Nov 2026 09:00:00 -0000", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        (b"2026-11-23T09:00:00+08:00", datetime(2026, 11, 23, 1, 0, tzinfo=UTC)),
        (b"Tue, 7 Apr 2026 10:00:t <x@y>", datetime(2026, 4, 7, 10, 0, tzinfo=UTC)),
        (b"yesterday", None),
        (b"", None),
        (b"Mon, 99 Nov 2026 09:00:00 +0800", None),
        (b"Mon, 23 Nov 99999 09:00:00 +0000", None),
        (b"Mon, 23 Nov 1200 09:00:00 +0000", None),
        (b"\xff\x00", None),
    ],
)
def test_a_date_is_a_moment_in_utc_or_none(raw: bytes, meant: datetime | None) -> None:
    assert date_of(raw) == meant


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (b"<a@b.example>", ("a@b.example",)),
        (b"<[x]@[y]>", ("[x]@[y]",)),  # Exchange; Python's default policy raises IndexError on it
        (b"<a@b>\r\n <c\r\n d@e> <a@b>", ("a@b", "cd@e")),
        (b"a@b.example c@d.example", ("a@b.example", "c@d.example")),
        (b"Your message of Monday", ()),
        (b"<" + b"a" * 600 + b">", ()),
    ],
)
def test_ids_are_read_without_brackets(raw: bytes, meant: tuple[str, ...]) -> None:
    assert ids_of(raw) == meant


def test_of_many_ids_the_first_and_the_last_are_kept() -> None:
    found = ids_of(b" ".join(b"<%d@x>" % n for n in range(500)))
    assert (len(found), found[0], found[1], found[-1]) == (100, "0@x", "401@x", "499@x")


def test_the_first_of_several_message_ids_counts() -> None:
    assert recorded("exchange_id_and_junk_line").message_id == "[9f8e]@[EXCH-01]"


def test_a_mail_without_an_id_gets_one_made_from_all_of_it() -> None:
    one, same, other = mail("Subject: a"), mail("Subject: a"), mail("Subject: b")
    assert one.message_id == same.message_id != other.message_id
    assert one.message_id.startswith("raw-") and one.message_id.endswith("@firstline")
    assert (one.has_own_id, recorded("gmail_reply").has_own_id) == (False, True)
