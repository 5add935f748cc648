"""Plain text as its writer meant it."""

from __future__ import annotations

import pytest

from channels.email.plain import is_armoured, unflow, without_signature_frame
from tests.channels.email.recorded import recorded


@pytest.mark.parametrize(
    ("flowed", "meant"),
    [
        ("one \ntwo\nthree", "one two\nthree"),
        ("a \n> b \n> c\nd", "a \n> b c\nd"),  # another depth of quotes ends the line
        ("> a \n>> b", "> a \n>> b"),
        (" >no quote\n From here", ">no quote\nFrom here"),  # stuffed with a blank
        ("text \n-- \nAnn", "text \n-- \nAnn"),
        ("last ", "last "),
        ("", ""),
    ],
)
def test_soft_line_breaks_are_joined(flowed: str, meant: str) -> None:
    assert unflow(flowed) == meant


def test_the_blank_of_a_soft_break_is_no_part_of_chinese_text() -> None:
    assert unflow("打印机 \n坏了", delsp=True) == "打印机坏了"
    assert recorded("flowed_delsp").text == (
        "我的打印机今天早上不工作了。 It is the one in the hall.\n> Which printeris it?\n-- \nErik"
    )


def test_signed_text_is_read() -> None:
    assert recorded("pgp_signed_inline").text == "Please reset my token.\n-- \nAnn"
    signed = recorded("pgp_mime_signed")
    assert (signed.text, [one.name for one in signed.files]) == ("My key is new.", ["signature.asc"])
    assert (
        without_signature_frame("-----BEGIN PGP SIGNED MESSAGE-----\nno end")
        == "-----BEGIN PGP SIGNED MESSAGE-----\nno end"
    )


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("pgp_mime_encrypted", "encrypted.asc"),
        ("pgp_inline_encrypted", "message.asc"),
        ("smime_opaque", "smime.p7m"),
    ],
)
def test_what_nobody_here_can_read_says_nothing_and_is_kept(name: str, file: str) -> None:
    mail = recorded(name)
    assert (mail.text, mail.new_text, mail.flaws) == ("", "", ("encrypted",))
    assert [(one.name, one.refused) for one in mail.files] == [(file, "")]
    assert mail.files[0].content


def test_armour_within_text_is_text() -> None:
    armour = "-----BEGIN PGP MESSAGE-----\nx\n-----END PGP MESSAGE-----"
    assert is_armoured(f"\n{armour}\n")
    assert not is_armoured(f"What is this?\n{armour}")
