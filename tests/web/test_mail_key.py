"""By what a second delivery of a mail is known, by whatever way it comes."""

from __future__ import annotations

from channels.email.mime import read_mail
from channels.email.models import Address
from web.mail.sorting import message_key

ANN = Address("Ann", "ann@example.test")
OTHER_WAY = b"Received: from backup.example by mx.shop.test; Mon, 23 Nov 2026 10:00:00 +0800\r\n"


def mail(
    text: str = "It prints nothing.", message_id: str = "", date: str = "Mon, 23 Nov 2026 09:58:00 +0800"
) -> bytes:
    headers = {"From": "ann@example.test", "Subject": "Printer", "Message-ID": message_id, "Date": date}
    return (
        "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value).encode()
        + f"\r\n{text}\r\n".encode()
    )


def key(raw: bytes) -> str:
    return message_key(read_mail(raw), ANN)


def test_the_same_mail_by_another_way_is_the_same() -> None:
    for message_id in ("<1@example.test>", ""):
        raw = mail(message_id=message_id)
        assert key(OTHER_WAY + raw) == key(raw)


def test_two_mails_with_one_message_id_are_two() -> None:
    assert key(mail("It prints nothing.", "<1@example.test>")) != key(mail("It smokes now.", "<1@example.test>"))


def test_the_same_words_a_minute_later_are_another_mail() -> None:
    assert key(mail()) != key(mail(date="Mon, 23 Nov 2026 09:59:00 +0800"))


def test_a_mail_without_id_and_date_is_known_by_its_bytes_alone() -> None:
    """A machine may say the same every minute: a lost alarm is worse than a second one."""
    assert key(OTHER_WAY + mail(date="")) != key(mail(date=""))
