"""The story that faults strike: seven mails and a chat message, on a desk where two customers have been answered before.

Between them they meet every way a mail can go: a ticket, an answer, a colleague's reply, a note, a bounce, a second
delivery, and one that nobody can read.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.messages import Channel, Inbound
from channels.email.addresses import Signer
from channels.email.imap import Fetched
from desk.mail_tables import MailThreadRow
from desk.tables import OutboxRow, StaffRow

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a working day
BEFORE = NOW - timedelta(hours=2)
SUPPORT, MEI = "support@shop.test", "mei@shop.test"
ALICE, WANG, CAROL, DORA = (f"{name}@customers.test" for name in ("alice", "wang", "carol", "dora"))


def opening() -> list[bytes]:
    """Two hours ago: one customer wished for a person, one was answered."""
    return [
        mail(CAROL, "My laptop", "It does not start any more. I want to talk to a person, please."),
        mail(DORA, "Printer", "The printer shows PRN-21. What should I do?"),
    ]


def mails_of(session: Session, signer: Signer) -> list[bytes]:
    """What is in the mailbox now, oldest first. Some of it answers what was sent in the opening."""
    carol = _thread(session, CAROL)
    mei = session.scalars(select(StaffRow)).one()
    to_dora = session.scalars(select(OutboxRow.channel_message_id).where(OutboxRow.recipient == DORA)).one()
    outage = mail(ALICE, "Line down", "The whole production line is down, nobody can work. A person, please!")
    return [
        outage,
        mail(WANG, "打印机", "您好，打印机显示 PRN-21，是什么意思？"),
        mail(
            CAROL, "Automatic reply: My laptop", "I am out of the office.", to=signer.reply_address(SUPPORT, carol),
            marks={"Auto-Submitted": "auto-replied"},
        ),
        mail(
            MEI, "Re: My laptop", "A new laptop is on its way.",
            to=signer.reply_address(SUPPORT, carol, mei.public_id), marks={"From": f"Mei Chen <{MEI}>"},
        ),
        returned(to_dora),
        b"Received: from backup.example by mx.shop.test\r\n" + outage,  # the same mail once more, by another way
        _too_deep(),
    ]  # fmt: skip


def chat_message() -> Inbound:
    text = "VPN error 809 in my hotel. What can I do?"
    return Inbound(Channel.WEBCHAT, "window-1:1", "window-1", "window-1", text, NOW, locale="en")


def fetched(uid: int, raw: bytes) -> Fetched:
    """A mail as the mailbox's connection hands it over."""
    return Fetched(uidvalidity=1, uid=uid, raw=raw, internal_date=NOW, size_bytes=len(raw))


def mailboxes_toml(smtp_port: int) -> str:
    return (
        f'[[mailbox]]\nname = "support"\naddress = "{SUPPORT}"\nuser = "{SUPPORT}"\npassword = "unused"\n'
        f'smtp_user = ""\nimap = "imap://127.0.0.1:1"\nsmtp = "smtp://127.0.0.1:{smtp_port}"\nplus_addresses = true\n'
    )


def write_mails(folder: Path, mails: list[bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for number, raw in enumerate(mails, 1):
        (folder / f"{number}.eml").write_bytes(raw)


def read_mails(folder: Path) -> dict[int, bytes]:
    """UID -> mail."""
    return {number: (folder / f"{number}.eml").read_bytes() for number in range(1, len(list(folder.iterdir())) + 1)}


def mail(sender: str, subject: str, text: str, *, to: str = SUPPORT, marks: dict[str, str] | None = None) -> bytes:
    made = EmailMessage(policy=SMTP)
    headers = {"From": sender, "To": to, "Subject": subject, "Date": "Mon, 23 Nov 2026 09:58:00 +0800"}
    headers["Message-ID"] = f"<{len(subject)}.{len(text)}.{sender}>"
    for name, value in {**headers, **(marks or {})}.items():
        made[name] = value
    made.set_content(text)
    return made.as_bytes()


def returned(message_id: str) -> bytes:
    """A report that a mail of ours did not arrive."""
    return (
        f"From: MAILER-DAEMON@mx.customers.test\r\nTo: {SUPPORT}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <bounce-1@mx.customers.test>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver your message.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customers.test\r\n\r\n"
        f"Final-Recipient: rfc822; {DORA}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\nFrom: {SUPPORT}\r\n"
        f"To: {DORA}\r\nSubject: Re: Printer\r\n\r\n--b--\r\n"
    ).encode()


def _too_deep() -> bytes:
    return b"From: a@customers.test\r\nMIME-Version: 1.0\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(100)
    )


def _thread(session: Session, address: str) -> str:
    return str(session.scalars(select(MailThreadRow.thread_id).where(MailThreadRow.address == address)).one())
