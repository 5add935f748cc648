"""A forwarded mail is read as the programs of the field write it: who wrote it, when, and what; in doubt it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.dates import read_date
from channels.email.forwards import Forwarded, asks_to_forward, read_forward
from channels.email.mime import read_mail
from channels.email.models import Address
from tests.channels.email.recorded import MAILS, mail

FORWARDS = Path(__file__).parent / "forwards"
SHANGHAI = ZoneInfo("Asia/Shanghai")
WRITTEN = datetime(2026, 11, 20, 17, 12, tzinfo=SHANGHAI)
ENGLISH = ("Wei Wang", "Printer on floor 3", "Since this morning the printer shows PRN-21.\nWhat can I do?")
CHINESE = ("王芳", "三楼打印机", "打印机显示 PRN-21，从早上开始就不能打印了。\n请问怎么办？")
SAID = {
    "apple_en": ENGLISH, "apple_zh": CHINESE, "attached": ENGLISH, "foxmail": CHINESE, "gmail_en": ENGLISH,
    "gmail_zh": CHINESE, "netease": CHINESE, "outlook_en": ENGLISH, "outlook_plain": ENGLISH, "outlook_zh": CHINESE,
    "qq": CHINESE,
}  # fmt: skip


def read(text: str) -> Forwarded | None:
    return read_forward(mail("From: ada@shop.test", text), SHANGHAI)


@pytest.mark.parametrize("name", sorted(path.stem for path in FORWARDS.glob("*.eml")))
def test_a_forward_of_each_program_names_its_sender_date_subject_and_words(name: str) -> None:
    found = read_mail((FORWARDS / f"{name}.eml").read_bytes())
    assert asks_to_forward(found)
    forward = read_forward(found, SHANGHAI)
    assert forward is not None
    who, subject, text = SAID[name]
    assert forward.sender == Address(who, "wei@customers.test")
    assert (forward.subject, forward.text) == (subject, text)
    assert forward.date is not None
    assert forward.date.replace(second=0) == WRITTEN
    assert forward.message_id == ("wei-1@customers.test" if name == "attached" else "")


def test_what_is_said_above_the_forward_is_kept_apart() -> None:
    found = read_forward(read_mail((FORWARDS / "gmail_en.eml").read_bytes()), SHANGHAI)
    assert found is not None
    assert found.comment == "She is our largest customer."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@fwd\nx", True), ("\n\n  @FWD  \n\nx", True), ("@转发\nx", True), ("＠转发", True), ("@轉寄\nx", True),
        ("@fwd please\nx", False), ("Please @fwd\nx", False), ("> @fwd\nx", False), ("x\n@fwd", False), ("", False),
    ],
)  # fmt: skip
def test_the_mark_stands_alone_on_the_first_line(text: str, *, expected: bool) -> None:
    assert asks_to_forward(mail("From: ada@shop.test", text)) == expected


HEADER = """@fwd

---------- Forwarded message ---------
{sender}
Date: Fri, Nov 20, 2026 at 5:12 PM
Subject: S
To: a@shop.test

Text
"""


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("From: wei@customers.test", Address("", "wei@customers.test")),
        ('From: "Wang, Wei" <Wei@Customers.TEST>', Address("Wang, Wei", "wei@customers.test")),
        ("From: Wei Wang [mailto:wei@customers.test]", Address("Wei Wang", "wei@customers.test")),
        ("From: 王芳（wei@customers.test）", Address("王芳", "wei@customers.test")),
        ("From: Wei Wang\n <wei@customers.test>", Address("Wei Wang", "wei@customers.test")),
        ("From: Wei Wang", None),
        ("From:", None),
        ("From: ceo@bank.test <wei@customers.test>", None),
        ("From: wei@customers.test, li@customers.test", None),
        ("From: wei@localhost", None),
    ],
)
def test_only_one_address_is_a_sender(sender: str, expected: Address | None) -> None:
    found = read(HEADER.format(sender=sender))
    assert (found.sender if found else None) == expected


@pytest.mark.parametrize(
    "text",
    [
        "@fwd",
        "@fwd\n\nPlease look into this.",
        "@fwd\n\nFrom: Lyon\nI leave on Monday.",
        "@fwd\n\nFrom: wei@customers.test\n\nText without more of a header.",
    ],
)
def test_a_mail_without_a_forward_in_it_has_none(text: str) -> None:
    assert read(text) is None


def test_only_the_link_with_the_senders_name_tells_an_address_that_the_text_leaves_out() -> None:
    page = (FORWARDS / "foxmail.eml").read_bytes()
    assert read_forward(read_mail(page), SHANGHAI) is not None
    plain = "@fwd\n发件人： 李伟\n发送时间： 2026-11-20 17:12\n收件人： Ada\n主题： 打印机\n\n坏了"
    assert read(plain) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri, Nov 20, 2026 at 5:12 PM", WRITTEN),
        ("Friday, November 20, 2026 5:12:33 PM", WRITTEN),
        ("20 November 2026 at 17:12:33 GMT+8", WRITTEN),
        ("2026年11月20日(星期五) 下午5:12", WRITTEN),
        ("2026年11月20日 GMT+8 17:12:33", WRITTEN),
        ("2026-11-20 17:12", WRITTEN),
        ("2026/11/20 17:12", WRITTEN),
        ("Fri, 20 Nov 2026 10:12:00 +0100", WRITTEN),
        ("Fri, 20 Nov 2026 05:12:00 -0400", WRITTEN),
        ("Nov 20, 2026 at 12:05 AM", datetime(2026, 11, 20, 0, 5, tzinfo=SHANGHAI)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=SHANGHAI)),
        ("20.11.26", None),
        ("11/20/2026 5:12 PM", None),
        ("2026-13-40 99:99", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date_is_read_where_it_can_be_read_in_one_way(text: str, expected: datetime | None) -> None:
    assert read_date(text, SHANGHAI) == expected


def test_the_zone_of_a_date_counts_before_ours() -> None:
    found = read_date("2026-11-20 17:12 UTC+05:30", UTC)
    assert found is not None
    assert found.utcoffset() == timezone(timedelta(hours=5, minutes=30)).utcoffset(None)


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader_of_dates_or_forwards(text: str) -> None:
    read_date(text, UTC)
    read(f"@fwd\n{text}\nFrom: {text}\nDate: {text}\nSubject: {text}")


@pytest.mark.parametrize("name", sorted(path.stem for path in MAILS.glob("*.eml")))
def test_no_recorded_mail_asks_for_it(name: str) -> None:
    assert not asks_to_forward(read_mail((MAILS / f"{name}.eml").read_bytes()))
