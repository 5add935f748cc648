"""Small mails for the tests of the wire; what mails can look like is the business of other tests."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP


def letter(
    subject: str = "Printer",
    text: str = "It prints nothing.",
    sender: str = "alice@customers.test",
    to: str = "support@shop.test",
) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"] = f"<{'-'.join(re.findall('[a-z0-9]+', subject.lower()))}@{sender.rpartition('@')[2]}>"
    mail["Date"] = "Mon, 23 Nov 2026 10:00:00 +0800"
    mail.set_content(text)
    return mail.as_bytes()
