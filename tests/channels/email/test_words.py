"""Encoded words, as they should be and as they come."""

from __future__ import annotations

import pytest

from channels.email.words import decode_words
from tests.channels.email.recorded import recorded


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?B?5L2g5aW9?=", "你好"),
        (b"=?UTF-8?q?Gr=C3=BC=C3=9Fe_aus?= K", "Grüße aus K"),
        (b"a =?utf-8?q?b?= =?utf-8?q?c?= d", "a bc d"),  # blanks between two words are no part of the text
        (b"=?utf-8?q?b?=\r\n =?iso-8859-1?q?=E9?=", "bé"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        (b"=?utf-8*zh?B?5L2g5aW9?=", "你好"),  # with a language, RFC 2231
        (b'"=?utf-8?B?5L2g5aW9?="', '"你好"'),  # within quotes, where they are not allowed
        (b"=?utf-8?q?what?_is_it?=", "what? is it"),
        (b"=?utf-8?B?5L2g5aW9", "你好"),  # without an end
        (b"=?utf-8?B?5L2g5aW9 next", "你好 next"),
        (b"=?utf-8?B?5L2g5a?= =?utf-8?B?W9?=", "你好"),  # base64 cut within a group of four
        (b"=?utf-8?B?5L2g5aW9=?=", "你好"),
        (b"=?utf-8?B??= =?NONE?B?VEVTVA=?=", "TEST"),
        (b"=?not a word?=", "=?not a word?="),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"50 =? 60 ?=", "50 =? 60 ?="),
        ("您好 raw".encode(), "您好 raw"),
        ("您好 raw".encode("gb18030"), "您好 raw"),
        (b"a\r\n b\x00\tc", "a b c"),
        (b"=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),  # a line end in a word makes no second header
    ],
)
def test_a_value_is_the_text_that_was_meant(raw: bytes, meant: str) -> None:
    assert decode_words(raw) == meant


@pytest.mark.parametrize("at", [1, 2, 4, 5])
def test_a_character_cut_between_two_words_is_whole_again(at: int) -> None:
    data = "你好".encode()
    pieces = (data[:at], data[at:])
    quoted = ["".join(f"={byte:02X}" for byte in piece) for piece in pieces]
    assert decode_words(f"=?utf-8?Q?{quoted[0]}?=\r\n =?UTF-8?Q?{quoted[1]}?=".encode()) == "你好"


def test_the_charset_of_the_mail_reads_what_is_not_encoded() -> None:
    assert decode_words("注文".encode("shift_jis"), "shift_jis") == "注文"


def test_a_recorded_subject_with_every_fault_is_read() -> None:
    mail = recorded("broken_words")
    assert mail.subject == "订单号 42 café and 未完"
    assert (mail.senders[0].name, mail.senders[0].address) == ("张三", "zhangsan@customer.example")
