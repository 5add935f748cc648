"""A mail falls into the parts its sender meant, whole or damaged, and is refused over the caps."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from channels.email.limits import MailLimits, MailRefused, Refusal
from channels.email.mime import read_mail
from channels.email.models import Mail
from channels.email.parts import Part, Splitter


def split(text: str) -> tuple[Part, set[str]]:
    splitter = Splitter(MailLimits())
    return splitter.split(text.encode()), splitter.flaws


def contents(part: Part) -> list[str]:
    return [one.raw().decode() for one in part.walk() if not one.parts]


def multipart(body: str, boundary: str = "b", kind: str = "mixed") -> str:
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{body}'


def test_parts_are_cut_at_whole_boundary_lines() -> None:
    part, flaws = split(multipart("preamble\n--b\n\none\n--b  \n\ntwo\n--bx\n--b--\nepilogue"))
    assert (contents(part), flaws) == (["one", "two\n--bx"], set())


def test_a_boundary_that_begins_like_another_is_another() -> None:
    inner = multipart("--b-1\n\none\n--b-1--\n", "b-1")
    part, _ = split(multipart(f"--b\n{inner}\n--b\n\ntwo\n--b--"))
    assert contents(part) == ["one", "two"]


def test_the_line_end_before_a_boundary_belongs_to_it() -> None:
    part, _ = split(multipart("--b\r\n\r\none\r\n\r\n--b\r\n\r\ntwo\r\r\n--b--"))
    assert contents(part) == ["one\r\n", "two"]


def test_an_outer_boundary_ends_an_inner_part_that_has_no_end() -> None:
    inner = multipart("--i\n\none", "i")
    part, flaws = split(multipart(f"--o\n{inner}\n--o\n\ntwo\n--o--", "o"))
    assert (contents(part), flaws) == (["one", "two"], {"cut_off"})


def test_a_mail_that_breaks_off_keeps_what_came() -> None:
    part, flaws = split(multipart("--b\n\none\n--b\n\ntw"))
    assert (contents(part), flaws) == (["one", "tw"], {"cut_off"})


def test_boundaries_with_something_behind_them_are_used_where_there_is_no_better() -> None:
    part, flaws = split(multipart("--b extra\n\none\n--b extra\n\ntwo\n--b--"))
    assert (contents(part), flaws) == (["one", "two"], set())


def test_a_boundary_that_is_not_named_is_found() -> None:
    part, _ = split("Content-Type: multipart/mixed\n\n--found\nContent-Type: text/plain\n\none\n--found--\n")
    assert contents(part) == ["one"]


def test_a_multipart_without_parts_is_text() -> None:
    part, flaws = split(multipart("no boundary here"))
    assert (part.media_type, contents(part), flaws) == ("text/plain", ["no boundary here"], {"no_parts"})


def test_a_multipart_in_base64_is_opened() -> None:
    encoded = base64.encodebytes(b"--b\n\none\n--b--\n").decode()
    head = 'Content-Type: multipart/mixed; boundary="b"\nContent-Transfer-Encoding: base64\n\n'
    assert contents(split(head + encoded)[0]) == ["one"]


def test_parts_of_a_digest_are_mails_by_default() -> None:
    part, _ = split(multipart("--b\n\nSubject: one\n\nfirst\n--b\n\nSubject: two\n\nsecond\n--b--", kind="digest"))
    assert [one.parts[0].headers.text("subject") for one in part.parts] == ["one", "two"]


def test_a_mail_in_base64_is_opened() -> None:
    encoded = base64.encodebytes(b"Subject: inner\n\nhello").decode()
    part, _ = split(f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{encoded}")
    assert (part.is_message, part.parts[0].headers.text("subject")) == (True, "inner")


def test_what_is_called_a_mail_and_has_no_header_stays_a_file() -> None:
    part, flaws = split("Content-Type: message/rfc822\n\nthis is no mail")
    assert (part.is_message, flaws) == (False, {"enclosed"})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("", "text/plain"),
        ("text", "text/plain"),
        ("TEXT/Html; charset=x", "text/html"),
        ("image/png", "image/png"),
        ("image/", "application/octet-stream"),
        ("../../x/y", "application/octet-stream"),
    ],
)
def test_a_type_is_a_type(given: str, meant: str) -> None:
    assert split(f"Content-Type: {given}\n\nx")[0].media_type == meant


def small(raw: bytes, **caps: int) -> Mail:
    return read_mail(raw, replace(MailLimits(), **caps))


@pytest.mark.parametrize(
    ("raw", "caps", "reason"),
    [
        (b"Subject: x\n\n" + b"a" * 100, {"bytes": 99}, Refusal.TOO_LARGE),
        (multipart("--b\n\nx\n" * 5).encode(), {"parts": 5}, Refusal.TOO_MANY_PARTS),
        (b"Content-Type: message/rfc822\n\n" * 5, {"depth": 4}, Refusal.TOO_DEEP),
        (b"X: yyyyyyyy\n" * 100 + b"\nx", {"all_headers_bytes": 500}, Refusal.HEADERS_TOO_LARGE),
        (
            multipart("--b\n" + "X: yyyyyyyy\n" * 100 + "\nx\n--b--").encode(),
            {"all_headers_bytes": 500},
            "headers_too_large",
        ),
        (b"", {}, Refusal.EMPTY),
        (b" \r\n\r\n\t", {}, Refusal.EMPTY),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, {}, Refusal.OUTLOOK_FILE),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00\x01" * 300, {}, Refusal.NOT_A_MAIL),
    ],
)
def test_a_mail_over_a_cap_or_none_at_all_is_refused(raw: bytes, caps: dict[str, int], reason: str) -> None:
    with pytest.raises(MailRefused) as refused:
        small(raw, **caps)
    assert (refused.value.reason, refused.value.status) == (reason, 422)
    assert refused.value.fields == {"reason": reason}


def test_a_mail_at_the_caps_is_read() -> None:
    assert small(multipart("--b\n\nx\n" * 4).encode(), parts=5).text.split() == ["x"] * 4
    assert small(b"Content-Type: message/rfc822\n\n" * 3 + b"a: b\n\nx", depth=4).enclosed[-1].text == "x"
