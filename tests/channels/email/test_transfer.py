"""Base64 and quoted-printable, whole and damaged."""

from __future__ import annotations

import base64

import pytest

from channels.email.transfer import undo
from tests.channels.email.recorded import recorded

DATA = bytes(range(256)) * 3
WHOLE = base64.encodebytes(DATA)


def test_whole_base64_has_no_flaw() -> None:
    assert undo(WHOLE, "base64") == (DATA, "")
    assert undo(WHOLE.replace(b"\n", b"\r\n"), "base64") == (DATA, "")


def test_missing_padding_is_no_flaw() -> None:
    assert undo(b"YWI", "base64") == (b"ab", "")


def test_a_stray_byte_is_left_out() -> None:
    assert undo(WHOLE[:100] + b"!" + WHOLE[100:], "base64") == (DATA, "base64")


def test_a_foreign_tail_is_cut() -> None:
    assert undo(WHOLE + b"____\nThis mail was scanned by example.\n", "base64") == (DATA, "base64")
    assert recorded("footer_under_base64").text.endswith("请重新开一张并寄给我们，谢谢。")
    assert recorded("footer_under_base64").flaws == ("base64",)


def test_blocks_with_their_own_padding_are_joined() -> None:
    assert undo(b"YQ==YmM=ZGVm", "base64") == (b"abcdef", "base64")


def test_what_is_no_base64_stays_as_it_is() -> None:
    assert undo(b"Plain words, not encoded.", "base64") == (b"Plain words, not encoded.", "base64")


def test_half_a_group_at_the_end_is_dropped() -> None:
    assert undo(b"YWJjZ", "base64") == (b"abc", "base64")


@pytest.mark.parametrize(
    ("raw", "meant"),
    [(b"a=20b=\r\nc", b"a bc"), (b"a= \t\r\nb", b"ab"), (b"=E4=BD=A0=", "你".encode()), (b"100% = =zz", b"100% = =zz")],
)
def test_quoted_printable_is_undone(raw: bytes, meant: bytes) -> None:
    assert undo(raw, "quoted-printable") == (meant, "")


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary", "", "7-bit", "x-uuencode", "nonsense"])
def test_other_encodings_leave_the_bytes(encoding: str) -> None:
    assert undo(b"a=20", encoding) == (b"a=20", "")
