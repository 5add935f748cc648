"""Links from a signed-in page in a mail: in its address or its subject on the way out, in neither once it is read."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from channels.email.links import mailto, take_out
from channels.email.mime import read_mail
from channels.email.models import Mail

TOKEN = "abcdefghijklmnopqrstuvwxyz".replace("o", "2")
SUPPORT = "support@shop.example"


def opened(given: str) -> tuple[str, str, str]:
    """Address, subject and body as a mail program opens them."""
    parts = urlsplit(given)
    fields = parse_qs(parts.query.replace("+", "%2B"), strict_parsing=True)
    return unquote(parts.path), fields["subject"][0], fields["body"][0]


def read(to: str = SUPPORT, subject: str = "", text: str = "It is broken.", more: str = "") -> Mail:
    head = f"From: wang@customers.example\nTo: {to}\nSubject: {subject}\n{more}"
    return read_mail(f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}".encode())


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("plus", [True, False])
def test_what_a_mail_program_opens_brings_the_token_and_says_nothing_else(lang: str, plus: bool) -> None:
    to, subject, body = opened(mailto(SUPPORT, TOKEN, "Re: A & B + 打印机?", lang, plus_addresses=plus))
    assert to == (f"support+link-{TOKEN}@shop.example" if plus else SUPPORT)
    assert subject == "Re: A & B + 打印机?" + ("" if plus else f" [link {TOKEN}]")
    token, mail = take_out(read(to, subject, body))
    assert token == TOKEN
    assert (mail.subject, mail.new_text, mail.to[0].address) == ("Re: A & B + 打印机?", "", SUPPORT)
    assert TOKEN not in "".join([mail.subject, mail.text, mail.new_text, *(one.address for one in mail.to)])
    _, mail = take_out(read(to, subject, f"The printer is broken.\r\n{body}\r\n-- \r\nFang"))
    assert mail.new_text == "The printer is broken."


def test_a_mailbox_whose_name_leaves_no_room_gets_it_in_the_subject() -> None:
    to, subject, _ = opened(mailto(f"{'x' * 40}@shop.example", TOKEN, "", "en", plus_addresses=True))
    assert (to, subject) == (f"{'x' * 40}@shop.example", f"My question [link {TOKEN}]")


@pytest.mark.parametrize(
    ("to", "subject", "more"),
    [
        (f"Support+LINK-{TOKEN.upper()}@shop.example", "", ""),
        (f"Shop <support+link-{TOKEN}@shop.example>, else@where.example", "", ""),
        ("undisclosed-recipients:;", "", f"Delivered-To: support+link-{TOKEN}@shop.example\n"),
        ("else@where.example", "", f"Cc: support+link-{TOKEN}@shop.example\n"),
        (SUPPORT, f"Fwd: My question [LINK {TOKEN.upper()}]", ""),
        (SUPPORT, f"[link {TOKEN}]", ""),
        (SUPPORT, f"我的问题【link {TOKEN}】", ""),
        (SUPPORT, f"A long subject that the sender's program had to break before\n [link\n {TOKEN}]", ""),
    ],
)
def test_a_token_is_found_however_programs_write_it(to: str, subject: str, more: str) -> None:
    token, mail = take_out(read(to, subject, more=more))
    assert token == TOKEN
    shown = repr((mail.subject, mail.to, mail.cc, mail.delivered_to))
    assert TOKEN not in shown.lower()


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        (SUPPORT, ""), (f"support+link-{TOKEN[:25]}@shop.example", ""), (f"support+link-{TOKEN}a@shop.example", ""),
        (f"link-{TOKEN}@shop.example", ""), (SUPPORT, f"[link {TOKEN}a]"), (SUPPORT, f"[link{TOKEN}]"),
        (SUPPORT, f"link {TOKEN}"), (SUPPORT, "[link to the manual]"),
    ],
)  # fmt: skip
def test_anything_else_is_an_ordinary_mail(to: str, subject: str) -> None:
    mail = read(to, subject)
    assert take_out(mail) == ("", mail)
