"""The measure of the mails: what it calls a fault is one, and what it counts as met is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from channels.email.mime import read_mail
from evals.mail import Reading, main, report_states
from evals.mail_expected import differences

RAW = b"""From: Ann <ann@Customer.example>
To: desk@support.example
Subject: Printer
Date: Mon, 23 Nov 2026 09:00:00 +0800
Message-ID: <1@customer.example>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

It is  broken.
--b
Content-Type: text/csv; name=log.csv

a;b
--b--
"""


def header(name: str, kind: str, value: Any) -> dict[str, Any]:
    return {"name": name, "value": {kind: value}}


def address(name: str | None, mailbox: str) -> dict[str, Any]:
    return {"List": [{"name": name, "address": mailbox}]}


def content_type(kind: str, sub: str, **attributes: str) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in attributes.items()]
    return header("content_type", "ContentType", {"c_type": kind, "c_subtype": sub, "attributes": listed or None})


def expected() -> dict[str, Any]:
    moment = {"year": 2026, "month": 11, "day": 23, "hour": 9, "minute": 0, "second": 0}
    zone = {"tz_before_gmt": False, "tz_hour": 8, "tz_minute": 0}
    root = [
        header("from", "Address", address("Ann", "ann@Customer.example")),
        header("to", "Address", address(None, "desk@support.example")),
        header("subject", "Text", "Printer"),
        header("date", "DateTime", moment | zone),
        header("message_id", "Text", "1@customer.example"),
        content_type("multipart", "mixed", boundary="b"),
    ]
    return {
        "text_body": [1],
        "html_body": [1],
        "attachments": [2],
        "parts": [
            {"headers": root, "body": {"Multipart": [1, 2]}},
            {"headers": [content_type("text", "plain", charset="utf-8")], "body": {"Text": "It is  broken."}},
            {"headers": [content_type("text", "csv", name="log.csv")], "body": {"Text": "a;b"}},
        ],
    }


def test_a_mail_that_is_what_was_expected_has_no_differences() -> None:
    assert differences(read_mail(RAW), expected()) == []


@pytest.mark.parametrize(
    ("sent", "instead", "field"),
    [
        (b"Subject: Printer", b"Subject: Print", "subject"),
        (b"From: Ann", b"From: Bob", "from"),
        (b"ann@", b"bob@", "from"),
        (b"desk@", b"task@", "to"),
        (b"<1@", b"<2@", "message_id"),
        (b"+0800", b"+0700", "date"),
        (b"To: ", b"Cc: c@d.example\nTo: ", "cc"),
        (b"To: ", b"Reply-To: c@d.example\nTo: ", "reply_to"),
        (b"To: ", b"In-Reply-To: <3@d.example>\nTo: ", "in_reply_to"),
        (b"To: ", b"References: <3@d.example>\nTo: ", "references"),
        (b"It is  broken.", b"It is broken.", "text"),
        (b"text/plain", b"text/html", "html"),
        (b"log.csv", b"log2.csv", "name"),
        (b"text/csv", b"text/tab", "type"),
        (b"a;b", b"a;c", "content"),
        (b"\n--b--", b"\n--b\nContent-Type: image/png\n\nx\n--b--", "attachments"),
        (b"\n--b--", b"\n--b\nContent-Type: message/rfc822\n\nA: b\n\nx\n--b--", "enclosed"),
    ],
)
def test_each_field_that_differs_is_told(sent: bytes, instead: bytes, field: str) -> None:
    assert field in [line.split(":")[0] for line in differences(read_mail(RAW.replace(sent, instead, 1)), expected())]


def test_slow_large_and_undecided_readings_are_faults() -> None:
    readings = [
        Reading("slow", None, "empty", "", 2.5, 20.0),
        Reading("large", None, "empty", "", 0.1, 250.0),
        Reading("broken", None, "", "KeyError: x", 0.1, 20.0),
    ]
    assert [line for line in report_states(readings) if line.startswith("!")] == [
        "! broken: KeyError: x",
        "! slow: 2.50 s",
        "! large: 250 MB",
    ]
    assert report_states(readings)[0] == "3 messages, 2 in a definite state"


def test_a_folder_is_measured_and_an_open_difference_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.eml").write_bytes(RAW)
    (tmp_path / "none.eml").write_bytes(b"")
    (tmp_path / "one.expected.json").write_text(json.dumps(expected()))
    assert main([str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "2 messages, 2 in a definite state" in shown
    assert "refused 1: empty 1" in shown
    assert "1 expected parses: 1 met in full, 0 differ only where ours is meant to, 0 open" in shown
    (tmp_path / "one.eml").write_bytes(RAW.replace(b"broken", b"fine"))
    assert main([str(tmp_path)]) == 1
    assert "! one.eml: text:" in capsys.readouterr().out
