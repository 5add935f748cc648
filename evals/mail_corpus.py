"""Mails as they come to a support desk, made from the bundled questions; the same ones for the same seed.

Threads of one to four mails, plain and HTML, in the encodings in use, with attachments; automatic replies, circulars,
bounces, mails without a Message-ID, and some that nobody can read. A fifth of the deliveries are second ones.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from evals.cases import CASES

SEED = 20261123
MAILBOXES = ("support", "hilfe", "kefu")
DOMAIN, AUTHSERV = "shop.test", "mx.shop.test"
SECOND_DELIVERIES = 0.2
START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    + b"\x00" * 2000
)
_SIGNED = {
    "en": ("Kind regards,\nPat Miller\nAccounts, Example Ltd.", "Thanks\n\n-- \nPat\nTel. 020 7946 0000", "Sent from my iPhone"),
    "zh": ("此致\n敬礼\n王芳\n财务部", "谢谢！\n\n-- \n李雷\n电话 010-5550-0100", "发自我的iPhone"),
}  # fmt: skip
_HELLO = {"en": ("Hello,", "Hi team,", "Dear support,"), "zh": ("您好：", "你好，", "老师好，")}
_CHARSETS = {"en": ("utf-8", "us-ascii", "iso-8859-1"), "zh": ("utf-8", "gb18030", "gb2312")}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail in one mailbox. What has the same `key` is the same mail: one of them takes effect."""

    mailbox: str
    raw: bytes
    key: str
    expected: str  # taken | noted | quarantined


def deliveries(count: int, seed: int = SEED) -> list[Delivery]:
    """So many deliveries in a random order, SECOND_DELIVERIES of them of what is delivered elsewhere among them, too."""
    dice = random.Random(seed)
    first = list(_some(_mails(dice), count - round(count * SECOND_DELIVERIES)))
    again = [_again(dice, dice.choice(first)) for _ in range(count - len(first))]
    found = [*first, *again]
    dice.shuffle(found)
    return found


def _some(mails: Iterator[Delivery], count: int) -> Iterator[Delivery]:
    return (mail for mail, _ in zip(mails, range(count), strict=False))


def _again(dice: random.Random, one: Delivery) -> Delivery:
    """The very bytes once more, or by another mailbox, with the traces of another way."""
    if dice.random() < 0.5:
        return one
    other = dice.choice([name for name in MAILBOXES if name != one.mailbox])
    if one.expected == "quarantined":  # a header would make a mail of it
        return Delivery(other, one.raw, one.key, one.expected)
    trace = f"Received: from backup{dice.randrange(1000)}.example by {AUTHSERV}; Mon, 23 Nov 2026 10:00:00 +0800\r\n"
    return Delivery(other, trace.encode() + one.raw, one.key, one.expected)


def _mails(dice: random.Random) -> Iterator[Delivery]:
    """Without end."""
    texts, number = _texts(), 0
    while True:
        number += 1
        mailbox, kind = dice.choice(MAILBOXES), dice.random()
        if kind < 0.04:
            yield Delivery(mailbox, _bounce(number, mailbox), f"bounce-{number}", "noted")
        elif kind < 0.10:
            yield Delivery(mailbox, _automatic(dice, number, mailbox), f"automatic-{number}", "noted")
        elif kind < 0.12:
            yield Delivery(mailbox, _unreadable(dice, number), f"unreadable-{number}", "quarantined")
        else:
            yield from _thread(dice, number, mailbox, texts)


def _thread(dice: random.Random, number: int, mailbox: str, texts: Sequence[tuple[str, str]]) -> Iterator[Delivery]:
    """One customer writes one to four times, each mail pointing at those before."""
    sender, ids = f"customer{dice.randrange(number + 20)}@example{number % 40}.test", list[str]()
    at = START + timedelta(minutes=number)
    for part in range(dice.choice((1, 1, 1, 2, 2, 3, 4))):
        lang, text = dice.choice(texts)
        key = f"{number}.{part}"
        own_id = f"<{key}.{dice.randrange(10**9)}@mail.example>" if dice.random() > 0.01 else ""
        mail = _written(
            dice, sender, f"{mailbox}@{DOMAIN}", lang, f"{text}\n(Ref. {key})", at + timedelta(hours=3 * part)
        )
        mail["Subject"] = ("Re: " if part else "") + f"{text.splitlines()[0][:40]} [{number}]"
        if own_id:
            mail["Message-ID"] = own_id
        if ids:
            mail["In-Reply-To"], mail["References"] = ids[-1], " ".join(ids)
        ids += [own_id] if own_id else []
        for depth, multipart in enumerate(one for one in mail.walk() if one.is_multipart()):
            multipart.set_boundary(f"=_{key}.{depth}")  # else a random one
        yield Delivery(mailbox, mail.as_bytes(), f"person-{key}", "taken")


def _written(dice: random.Random, sender: str, to: str, lang: str, text: str, at: datetime) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    domain = sender.rpartition("@")[2]
    mail["Authentication-Results"] = f"{AUTHSERV}; dkim=pass header.d={domain}; dmarc=pass header.from={domain}"
    mail["From"], mail["To"], mail["Date"] = sender, to, format_datetime(at)
    body = f"{dice.choice(_HELLO[lang])}\n\n{text}\n\n{dice.choice(_SIGNED[lang])}\n"
    charset = dice.choice(_CHARSETS[lang])
    try:
        body.encode(charset)
    except UnicodeEncodeError:
        charset = "utf-8"
    mail.set_content(body, charset=charset, cte=dice.choice(("base64", "quoted-printable")))
    if dice.random() < 0.5:
        lines = "".join(f"<div>{line or '<br>'}</div>" for line in body.replace("<", "&lt;").splitlines())
        mail.add_alternative(f"<html><body style='font:10pt Arial'>{lines}</body></html>", subtype="html")
    if dice.random() < 0.1:
        mail.add_attachment(
            PNG, maintype="image", subtype="png", filename="截图 1.png" if lang == "zh" else "screen.png"
        )
    if dice.random() < 0.05:
        mail.add_attachment(dice.randbytes(60_000), maintype="application", subtype="octet-stream", filename="log.bin")
    return mail


def _automatic(dice: random.Random, number: int, mailbox: str) -> bytes:
    """Out of office, or a newsletter."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = f"customer{number}@example.test", f"{mailbox}@{DOMAIN}"
    mail["Message-ID"], mail["Date"] = f"<auto-{number}@mail.example>", format_datetime(START)
    if dice.random() < 0.6:
        mail["Auto-Submitted"], mail["Subject"] = (
            "auto-replied",
            "自动回复：您的邮件" if number % 2 else "Automatic reply",
        )
        mail.set_content(f"I am out of the office until Monday. {number}")
    else:
        mail["List-Unsubscribe"], mail["Precedence"] = "<mailto:leave@example.test>", "bulk"
        mail["List-Id"], mail["Subject"] = "<news.example.test>", f"Newsletter {number}"
        mail.set_content("Our offers of the week.")
    return mail.as_bytes()


def _bounce(number: int, mailbox: str) -> bytes:
    """A report on a mail that was not ours: noted, and nothing else."""
    return (
        f"From: MAILER-DAEMON@mx{number}.example\r\nTo: {mailbox}@{DOMAIN}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <bounce-{number}@mx.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver your message.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx{number}.example\r\n\r\n"
        f"Final-Recipient: rfc822; gone{number}@example.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    ).encode()


def _unreadable(dice: random.Random, number: int) -> bytes:
    """Parts within parts without end, or no mail at all."""
    if dice.random() < 0.5:
        return f"From: a{number}@example.test\r\nMIME-Version: 1.0\r\n".encode() + b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(60)
        )
    return b"\x00\xff\xfe" + dice.randbytes(3000).translate(bytes(range(256)), b"\r\n:")


def _texts() -> list[tuple[str, str]]:
    """(language, text) of the bundled questions and messages."""
    paths = [*sorted((CASES / "answers").glob("*.jsonl")), *sorted((CASES / "triage").glob("untouched-*.jsonl"))]
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [("zh" if row.get("lang") != "en" else "en", row["text"]) for row in rows if row["text"].strip()]
