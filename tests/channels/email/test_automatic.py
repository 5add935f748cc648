"""What a person wrote is told from what a program did."""

from __future__ import annotations

import pytest

from channels.email.automatic import LOOP_HEADER, is_auto_subject
from channels.email.models import MailKind
from tests.channels.email.recorded import mail, recorded


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("auto_outlook", MailKind.AUTO_REPLY),
        ("auto_exchange_zh", MailKind.AUTO_REPLY),
        ("auto_qq_holiday", MailKind.AUTO_REPLY),
        ("auto_netease", MailKind.AUTO_REPLY),
        ("auto_gmail_vacation", MailKind.AUTO_REPLY),
        ("auto_de", MailKind.AUTO_REPLY),
        ("receipt_mdn", MailKind.AUTO_REPLY),
        ("newsletter", MailKind.BULK),
        ("list_mailman", MailKind.BULK),
        ("own_mail_come_back", MailKind.LOOP),
        ("google_group_customer", MailKind.PERSON),
        ("redirected_by_rule", MailKind.PERSON),
        ("gmail_reply", MailKind.PERSON),
        ("qq_gb2312", MailKind.PERSON),
        ("meeting_request", MailKind.PERSON),
        ("person_about_bounces", MailKind.PERSON),
    ],
)
def test_a_recorded_mail_is_of_its_kind(name: str, kind: MailKind) -> None:
    assert recorded(name).kind == kind


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("Auto-Submitted: auto-replied", MailKind.AUTO_REPLY),
        ("Auto-Submitted: auto-generated (warning)", MailKind.AUTO_REPLY),
        ("Auto-Submitted: Auto-Notified; owner-email=x", MailKind.AUTO_REPLY),
        ("Auto-Submitted: no", MailKind.PERSON),
        ("X-Autoreply: yes", MailKind.AUTO_REPLY),
        ("X-Autoreply: no", MailKind.PERSON),
        ("X-Autorespond: Re", MailKind.AUTO_REPLY),
        ("X-Autoresponder: 1", MailKind.AUTO_REPLY),
        ("X-Loop: desk", MailKind.AUTO_REPLY),
        ("Precedence: auto_reply", MailKind.AUTO_REPLY),
        ("X-Precedence: Auto_Reply", MailKind.AUTO_REPLY),
        ("Delivered-To: Autoresponder", MailKind.AUTO_REPLY),
        ("Precedence: bulk", MailKind.BULK),
        ("Precedence: junk", MailKind.BULK),
        ("X-Precedence: list", MailKind.BULK),
        ("Precedence: first-class", MailKind.PERSON),
        ("List-Id: <x.example>", MailKind.BULK),
        ("List-Unsubscribe: <mailto:u@x.example>", MailKind.BULK),
        (f"{LOOP_HEADER}: desk@support.example\nAuto-Submitted: auto-replied", MailKind.LOOP),
    ],
)
def test_a_header_says_what_wrote_it(headers: str, kind: MailKind) -> None:
    assert mail(f"From: Ann <ann@customer.example>\n{headers}").kind == kind


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("X-Auto-Response-Suppress: All", MailKind.PERSON),  # says "do not answer by yourself", not who wrote it
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", MailKind.PERSON),
        ("X-MS-Exchange-Inbox-Rules-Loop: it@company.example", MailKind.PERSON),
        ("X-Auto-Response-Suppress: All\nReturn-Path: <>", MailKind.AUTO_REPLY),
        ("X-Auto-Response-Suppress: DR\nReturn-Path: <>", MailKind.PERSON),
        ("X-Auto-Response-Suppress: OOF\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example", MailKind.AUTO_REPLY),
        ("X-Auto-Response-Suppress: All\nX-MS-Exchange-Generated-Message-Source: x", MailKind.AUTO_REPLY),
        ("X-Auto-Response-Suppress: All\nFrom: no-reply@shop.example", MailKind.AUTO_REPLY),
        ("From: noreply@form.example\nReply-To: wei@customer.example", MailKind.PERSON),  # a form on a web site
    ],
)
def test_weak_signs_count_only_together(headers: str, kind: MailKind) -> None:
    sender = "" if "From:" in headers else "From: Ann <ann@customer.example>\n"
    assert mail(sender + headers).kind == kind


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: VPN", "Auto-Reply: VPN", "autoreply", "Out of Office: VPN", "Out of the office",
        "Out of Office AutoReply: x", "自动回复: VPN", "自动回复：VPN", "自动答复: 关于", "Re: 自动回复: VPN",
        "【自动回复】您的邮件", "假期自动回复", "VPN (自动回复)", "自動回覆: VPN", "不在办公室: VPN",
        "Automatische Antwort: VPN", "Abwesenheitsnotiz", "Réponse automatique : VPN",
        "Message d'absence : x", "Respuesta automática: VPN", "Fuera de la oficina: x", "自動応答: VPN",
        "不在通知", "자동 회신: VPN",
    ],
)  # fmt: skip
def test_a_subject_of_an_automatic_reply_is_known(subject: str) -> None:
    assert is_auto_subject(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "自动回复功能怎么设置", "How do I set an out of office reply?", "Automatic reply does not work",
        "Out of office reply missing", "关闭自动回复", "Abwesend gemeldet, trotzdem Mails",
        "Auto-reply loop with our desk", "Re: VPN", "",
    ],
)  # fmt: skip
def test_somebody_who_asks_about_automatic_replies_is_a_person(subject: str) -> None:
    assert not is_auto_subject(subject)


GROUP = """From: Ann <ann@customer.example>
To: {to}
X-Google-Group-Id: 1
List-ID: <help.support.example>
Precedence: list
Mailing-list: list help@support.example; contact help+owners@support.example
"""


def test_a_group_counts_as_ours_only_when_it_is_written_to() -> None:
    assert mail(GROUP.format(to="help@support.example")).kind == MailKind.PERSON
    assert mail(GROUP.format(to="someone@else.example")).kind == MailKind.BULK
    assert (
        mail(GROUP.format(to="help@support.example") + "Precedence: bulk").kind == MailKind.PERSON
    )  # the first counts
    assert mail("Precedence: bulk\n" + GROUP.format(to="help@support.example")).kind == MailKind.BULK
    assert mail("List-Unsubscribe-Post: x\n" + GROUP.format(to="help@support.example")).kind == MailKind.BULK
