"""Mails made to take a parser's time or memory. `python -m evals.mail --bombs` measures them, a test reads small ones."""

from __future__ import annotations

from collections.abc import Callable

_HEAD = b"From: a@customer.example\r\nTo: desk@support.example\r\nSubject: bomb\r\nMIME-Version: 1.0\r\n"
_MB = 1_000_000
Bomb = Callable[[float], bytes]


def _n(count: float, scale: float) -> int:
    return max(1, int(count * scale))


def _leaf(media_type: bytes, body: bytes, encoding: bytes = b"7bit") -> bytes:
    return _HEAD + b"Content-Type: " + media_type + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body


def _multipart(parts: bytes, boundary: bytes = b"b") -> bytes:
    return _HEAD + b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n' + parts


def _deep(depth: int, body: bytes, each: bytes = b"multipart/mixed") -> bytes:
    levels = (b'Content-Type: %s; boundary="b%d"\r\n\r\n--b%d\r\n' % (each, n, n) for n in range(depth))
    return _HEAD + b"".join(levels) + b"\r\n" + body


def _wrapped(data: bytes) -> bytes:
    return b"\r\n".join(data[i : i + 76] for i in range(0, len(data), 76))


def _addresses(scale: float) -> bytes:
    one = b"Someone <someone@customer.example>,\r\n "
    values = (b"To: " + one * min(1600, _n(100_000, scale) - n) + b"\r\n" for n in range(0, _n(100_000, scale), 1600))
    return b"From: a@customer.example\r\n" + b"".join(values) + b"\r\ntext"


# Each takes a scale: 1 is the size that is measured, tests use less.
BOMBS: dict[str, Bomb] = {
    "10,000 parts": lambda s: _multipart(b"--b\r\n\r\nx\r\n" * _n(10_000, s)),
    "500 parts of 50 KB": lambda s: _multipart((b"--b\r\n\r\n" + b"line of text\r\n" * _n(4000, s)) * 499),
    "parts 200 deep": lambda s: _deep(200, b"x"),
    "parts 29 deep, 28 MB": lambda s: _deep(28, b"--a line\r\n" * _n(2.8 * _MB, s)),
    "mails 200 deep": lambda s: _HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 200 + b"x",
    "28 MB that look like the boundary": lambda s: _multipart(b"--b" + b"\r\n--bx" * _n(4 * _MB, s)),
    "28 MB of empty lines": lambda s: _leaf(b"text/plain", b"\r\n" * _n(14 * _MB, s)),
    "28 MB of text": lambda s: _leaf(b"text/plain", b"An ordinary line of ordinary text.\r\n" * _n(0.8 * _MB, s)),
    "28 MB on one line": lambda s: _leaf(b"text/plain; charset=utf-8", b"a" * _n(28 * _MB, s)),
    "28 MB of quoted-printable": lambda s: _leaf(b"text/plain", b"=E4=BD=A0" * _n(3 * _MB, s), b"quoted-printable"),
    "28 MB of base64 in a file": lambda s: _leaf(b"image/png", _wrapped(b"QUJD" * _n(7 * _MB, s)), b"base64"),
    "5 MB of base64 rubbish": lambda s: _leaf(b"image/png", b"A=!B" * _n(1.25 * _MB, s), b"base64"),
    "base64 padded everywhere": lambda s: _leaf(b"text/plain", b"QQ==" * _n(7 * _MB, s), b"base64"),
    "28 MB flowed": lambda s: _leaf(b"text/plain; format=flowed", b">" * 60 + b" a \r\n" * _n(5.6 * _MB, s)),
    "28 MB of 8-bit without a charset": lambda s: _leaf(b"text/plain", b"\xc4\xe3\xba\xc3\xff\r\n" * _n(4 * _MB, s)),
    "a header of 30 MB": lambda s: b"Subject: " + b"a" * _n(29 * _MB, s) + b"\r\n\r\nx",
    "a million headers": lambda s: b"X: y\r\n" * _n(_MB, s) + b"\r\nx",
    "85,000 headers": lambda s: b"X:\n" * _n(85_000, s) + b"\nx",
    "lines that are no headers": lambda s: b"To: a\n" + (b"x\n" * 9 + b"To: a\n") * _n(10_000, s) + b"\nx",
    "100,000 addresses": _addresses,
    "64 KB of open brackets": lambda s: b"From: " + b"(" * _n(65_000, s) + b"\r\n\r\nx",
    "64 KB of open quotes": lambda s: b'From: "' + b'\\"' * _n(32_000, s) + b"\r\n\r\nx",
    "encoded words without an end": lambda s: b"Subject: " + b"=?utf-8?b?" * _n(25_000, s) + b"\r\n\r\nx",
    "encoded words of many charsets": lambda s: b"Subject: " + b"=?gbk?q?a?==?big5?q?a?=" * _n(10_000, s) + b"\r\n\r\nx",
    "ids without an end": lambda s: b"References: " + b"<a" * _n(32_000, s) + b"\r\nIn-Reply-To: " + b"a" * 60_000 + b"\r\n\r\nx",
    "parameters without an end": lambda s: _HEAD + b'Content-Type: a/b; x="' + b'"a' * _n(32_000, s) + b"\r\n\r\nx",
    "9 MB of HTML": lambda s: _leaf(b"text/html", b"<div><p>text</p>" * _n(0.55 * _MB, s)),
    "HTML 100,000 deep": lambda s: _leaf(b"text/html", b"<div>" * _n(100_000, s) + b"x"),
    "a table of 100,000 cells": lambda s: _leaf(b"text/html", b"<table>" + b"<tr><td>x</td></tr>" * _n(50_000, s)),
    "70 HTML parts of 400 KB": lambda s: _multipart(
        (b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<i></i>" * _n(57_000, s) + b"x\r\n") * 70
    ),
    "50 mails of 500 KB of HTML": lambda s: _multipart(
        (b"--b\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n" + b"<i>" * _n(166_000, s) + b"\r\n") * 50
    ),
    "400 parts of 8-bit without a charset": lambda s: _multipart(
        (b"--b\r\n\r\n" + "Привет, как дела? ".encode("koi8_r") * _n(3000, s) + b"\r\n") * 400
    ),
    "800 names of 8-bit": lambda s: b"".join(
        name + b": " + (b"\xd0\xd2\xc9 \xca\xc1\xcb <a@b.example>, " * _n(200, s)) + b"\r\n" for name in (b"From", b"To", b"Cc")
    ) + b"\r\nx",
    "9 MB of quotes": lambda s: _leaf(b"text/plain", b"> On Monday a wrote:\r\n" * _n(0.4 * _MB, s)),
    "a bounce of 9 MB": lambda s: (
        _HEAD.replace(b"a@c", b"mailer-daemon@c") + b"\r\nuser unknown " + b"a@b.example " * _n(0.7 * _MB, s)
    ),
    "a status of 100,000 lines": lambda s: _leaf(b"message/delivery-status", b"Action: failed\r\n\r\nx\r\n\r\n" * _n(50_000, s)),
    "28 MB of winmail.dat": lambda s: _leaf(b"application/ms-tnef", b"\x78\x9f\x3e\x22\0\0" + b"\1" * _n(28 * _MB, s), b"binary"),
    "a winmail.dat of small attributes": lambda s: _leaf(
        b"application/ms-tnef", b"\x78\x9f\x3e\x22\0\0" + b"\2\x02\x90\6\0\0\0\0\0\0\0" * _n(2.5 * _MB, s), b"binary"
    ),
    "a calendar of 9 MB": lambda s: _leaf(b"text/calendar", b"BEGIN:VEVENT\r\nSUMMARY;A=B:" + b'X;"' * _n(3 * _MB, s)),
}  # fmt: skip
