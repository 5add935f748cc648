"""What Outlook hides in winmail.dat is found, also when the file is damaged."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.mime import read_mail
from channels.email.rtf import text_of_compressed, text_of_rtf, unpack
from channels.email.tnef import Damaged, read_tnef
from tests.channels.email.recorded import MAILS, mail, recorded

BOX = b64decode(
    re.findall(r"\n\n([A-Za-z0-9+/=\n]+)\n--_002_tnef_--", (MAILS / "winmail.eml").read_text().replace("\r", ""))[0]
)


def test_text_and_files_come_out_of_the_box() -> None:
    found = recorded("winmail")
    assert (found.text, found.flaws) == ("请查收附件\nRegards", ())
    assert [(one.name, one.media_type, one.content_id, one.inline) for one in found.files] == [
        ("报价单 2026.pdf", "application/pdf", "", False),
        ("logo.png", "image/png", "logo@01DC", True),
    ]


def test_the_text_of_the_mail_itself_comes_first() -> None:
    raw = (MAILS / "winmail.eml").read_bytes()
    with_text = raw.replace(b"--_002_tnef_\r\n", b"--_002_tnef_\r\n\r\nSee below.\r\n--_002_tnef_\r\n", 1)
    assert (read_mail(with_text).text, len(read_mail(with_text).files)) == ("See below.", 2)


def test_a_box_that_breaks_off_gives_what_came() -> None:
    found = recorded("winmail_cut")
    assert (found.text, found.flaws) == ("See the file.", ("tnef",))
    assert [one.name for one in found.files] == ["报价单 2026.pdf", "attachment-2.png"]


def test_what_is_no_box_stays_a_file() -> None:
    found = mail("Content-Type: application/ms-tnef; name=winmail.dat", b"\x00\x01 no box")
    assert ([one.name for one in found.files], found.flaws) == (["winmail.dat"], ("tnef",))
    with pytest.raises(Damaged):
        read_tnef(b"no box")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(BOX) - 1), st.binary(max_size=8), st.integers(0, len(BOX)))
def test_no_damage_stops_the_reading(at: int, noise: bytes, end: int) -> None:
    damaged = BOX[:6] + (BOX[:at] + noise + BOX[at + len(noise) :])[6:end]
    assert len(read_tnef(damaged).files) <= 100


def test_packed_rich_text_is_unpacked() -> None:
    # The example of [MS-OXRTFCP], section 3.1
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpack(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert text_of_compressed(packed) == "hello world"
    assert unpack(b"\x00" * 20) == b""


def test_rich_text_is_read_in_its_code_page_without_formatting() -> None:
    rtf = rb"{\rtf1\ansi\ansicpg936{\fonttbl{\f0 SimSun;}}\uc1 \'c4\'e3\'ba\'c3 \u20320?\u-10179?\u-8704? a\{b\}\par x{\*\y z}"
    assert text_of_rtf(rtf) == "你好 你😀 a{b}\nx"
