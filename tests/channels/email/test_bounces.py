"""A report names the mail it is about, the recipients, and whether it is final."""

from __future__ import annotations

import pytest

from channels.email.models import MailKind, Recipient
from tests.channels.email.recorded import NAMES, mail, recorded

REPORTS = {
    "bounce_postfix": (
        "out-6",
        [("nobody@customer.example", "failed", "5.1.1"), ("full@customer.example", "delayed", "4.2.2")],
    ),
    "bounce_exchange": ("out-7", [("gone@customer.example", "failed", "5.1.10")]),
    "bounce_gmail": ("out-8", [("nobody@gmail.example", "failed", "5.1.1")]),
    "bounce_qmail": ("out-9", [("left@customer.example", "failed", "5.1.1")]),
    "bounce_qq": ("out-10", [("meiyou@qq.example", "failed", "5.0.0")]),
    "bounce_netease": ("out-11", [("kongkong@163.example", "failed", "5.0.0")]),
    "bounce_exim": ("out-12", [("a@customer.example", "failed", "5.0.0"), ("b@customer.example", "failed", "5.7.1")]),
    "bounce_delay": ("out-13", [("slow@customer.example", "delayed", "")]),
    "complaint_arf": ("out-14", [("angry@isp.example", "delivered", "")]),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_names_mail_and_recipients(name: str) -> None:
    found = recorded(name)
    message_id, recipients = REPORTS[name]
    assert found.report is not None
    assert found.kind == MailKind.BOUNCE
    assert found.report.message_id == f"{message_id}@support.example"
    assert [(one.address, one.action, one.status) for one in found.report.recipients] == recipients


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(REPORTS)))
def test_no_other_recorded_mail_is_a_report(name: str) -> None:
    assert recorded(name).report is None


def test_only_a_failure_is_final() -> None:
    finals = {name: bool((report := recorded(name).report) and report.failed) for name in REPORTS}
    assert [name for name, final in finals.items() if not final] == ["bounce_delay", "complaint_arf"]


def diagnosis(name: str) -> str:
    report = recorded(name).report
    return report.recipients[0].diagnosis if report else ""


def test_the_diagnosis_is_one_line_with_the_reason() -> None:
    assert (
        diagnosis("bounce_postfix") == "550 5.1.1 <nobody@customer.example>: Recipient address rejected: User unknown"
    )
    assert diagnosis("bounce_qmail") == "Sorry, no mailbox here by that name. (#5.1.1)"
    assert diagnosis("bounce_netease") == "退信原因：收件人邮箱已满，552 Quota exceeded"
    assert diagnosis("bounce_exim").endswith("550 No such user here")
    assert diagnosis("complaint_arf") == "feedback: abuse"
    assert all(len(diagnosis(name)) <= 300 for name in REPORTS)


STATUS = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\nFrom: x@y.example"


def report_of(status: str) -> tuple[Recipient, ...]:
    found = mail(STATUS, f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n{status}\n--b--")
    return found.report.recipients if found.report else ()


def test_an_action_that_is_missing_follows_from_the_status() -> None:
    found = report_of("Final-Recipient: rfc822; <A@B.example>\nStatus: 4.4.1 (timed out)\n")
    assert found == (Recipient("A@b.example", "delayed", "4.4.1", ""),)


def test_the_address_we_wrote_to_counts_and_not_where_it_was_passed_on() -> None:
    found = report_of(
        "Original-Recipient: rfc822;us@b.example\nFinal-Recipient: rfc822;them@c.example\nAction: failed\n"
    )
    assert [one.address for one in found] == ["us@b.example"]


def test_a_long_list_of_recipients_ends_somewhere() -> None:
    assert len(report_of("Final-Recipient: rfc822;a@b.example\nAction: failed\n\n" * 500)) == 100


def test_a_delivery_that_worked_is_no_failure() -> None:
    found = mail(
        STATUS,
        "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b.example\nAction: relayed\n--b--",
    )
    assert found.report is not None and not found.report.failed


def test_the_id_is_found_in_headers_sent_back_as_text() -> None:
    found = mail(
        "From: MAILER-DAEMON@x.example\nSubject: Undeliverable",
        "<a@b.example>: unknown\n\n> Message-Id: <out-20@support.example>\n> Subject: x",
    )
    assert found.report is not None and found.report.message_id == "out-20@support.example"


def test_a_report_without_a_sender_is_known_by_its_empty_return_path() -> None:
    found = mail(
        "Return-Path: <>\nSubject: Undelivered Mail Returned to Sender", "<a@b.example>: 550 5.1.1 no such user"
    )
    assert found.report is not None
    assert [(one.address, one.status) for one in found.report.recipients] == [("a@b.example", "5.1.1")]


def test_an_automatic_reply_without_a_return_path_is_no_report() -> None:
    found = recorded("auto_outlook")
    assert (found.return_path, found.kind, found.report) == ("", MailKind.AUTO_REPLY, None)


def test_a_postmaster_who_writes_himself_is_a_person() -> None:
    found = mail(
        "From: Postmaster <postmaster@customer.example>\nSubject: Your DNS",
        "Please check the MX record of your domain.",
    )
    assert (found.kind, found.report) == (MailKind.PERSON, None)
