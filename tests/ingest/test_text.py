"""Plain text: the charset is found, the words stay."""

from __future__ import annotations

import pytest

from ingest.loaders import text
from ingest.loaders.text import decode, readable_stem
from tests.ingest.make import read


@pytest.mark.parametrize(
    ("words", "charset"),
    [
        ("VPN 连不上，错误 809", "gb18030"),
        ("打印机连不上", "gbk"),
        ("如何重置密碼？請聯繫客服人員，我們將會為您處理。", "big5"),
        ("Café naïve résumé – déjà vu", "cp1252"),
        ("パスワードをリセットするには", "cp932"),
        ("hello 世界 reset", "utf-16-le"),
        ("hello 世界 reset", "utf-16-be"),
        ("hello", "utf-32-le"),
        ("plain", "ascii"),
    ],
)
def test_unmarked_bytes_are_read_in_the_charset_they_were_written_in(words: str, charset: str) -> None:
    assert decode(words.encode(charset)) == words


def test_a_declared_gb2312_is_read_as_its_superset() -> None:
    assert decode("朱镕基".encode("gb18030"), "gb2312") == "朱镕基"


def test_a_wrong_declaration_does_not_win_over_the_bytes() -> None:
    assert decode("密码".encode(), "ascii-no-such") == "密码"
    assert decode("密码重置".encode(), "us-ascii-x") == "密码重置"


def test_bytes_of_no_charset_still_give_text() -> None:
    assert "abc" in decode(b"abc \xff\xff\xff \x81\x20 abc")


def test_a_short_first_line_that_stands_alone_is_the_title() -> None:
    assert read(text, "Printer setup\n\nPlug it in.").title == "Printer setup"


@pytest.mark.parametrize(
    "words", ["A whole sentence.\n\nMore.", "- item\n\nmore", "First line\nsecond line", "请看：\n\n无"]
)
def test_other_first_lines_are_not_titles(words: str) -> None:
    assert read(text, words).title == ""


@pytest.mark.parametrize(
    ("name", "title"), [("03_reset-password.md", "reset password"), ("常见问题.docx", "常见问题"), ("2024.txt", "2024")]
)
def test_a_file_name_becomes_a_readable_title(name: str, title: str) -> None:
    assert readable_stem(name) == title
