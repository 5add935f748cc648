"""What a file is, is told by its bytes; why it cannot be read, by a code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from base.i18n import explain
from ingest import errors
from ingest.load import SUPPORTED, load
from ingest.models import Limits
from tests.ingest.make import ENCRYPTED, OFFICE_97, docx_bytes, new_docx, pdf_bytes, write, xlsx_bytes, zip_bytes

PAGE = [(50, 700, 12, "How to reset a password in three steps")]


def code_of(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(errors.CannotRead) as caught:
        load(path, limits=limits or Limits())
    return caught.value.code


def test_a_markdown_file_gives_title_text_language_and_type(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, "vpn.md", "# 连不上 VPN\n\n请先检查网络，再重新登录。\n"))
    assert (loaded.title, loaded.lang, loaded.media_type) == ("连不上 VPN", "zh", "text/markdown")
    assert loaded.text == "# 连不上 VPN\n\n请先检查网络，再重新登录。"


def test_a_file_without_a_title_is_called_by_its_readable_name(tmp_path: Path) -> None:
    assert load(write(tmp_path, "03_reset-your password.md", "Press the button.")).title == "reset your password"


def test_a_missing_file_and_a_folder_are_missing_files(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.md") == "missing_file"
    assert code_of(tmp_path) == "missing_file"


def test_a_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert code_of(tmp_path / "pipe.md") == "missing_file"


@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.docx", "a.csv"])
def test_an_empty_file_is_empty_whatever_its_name(tmp_path: Path, name: str) -> None:
    assert code_of(write(tmp_path, name, b"")) == "empty_file"


@pytest.mark.parametrize("content", [" \n\n\t", "---\n***\n", "\u200b\u200b\n"])
def test_a_file_of_blanks_has_no_text(tmp_path: Path, content: str) -> None:
    assert code_of(write(tmp_path, "a.md", content)) == "no_text"


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("a.txt", " \n\n\t", errors.NoWords),
        ("a.csv", " , \n , \n", errors.NoWords),
        ("a.md", "---\n***\n", errors.NoWords),
        ("a.html", "<html><body><img src='scan.png'></body></html>", errors.NoText),
    ],
)
def test_only_what_may_hold_pictures_is_called_a_scan(
    tmp_path: Path, name: str, content: str, advice: type[errors.NoText]
) -> None:
    with pytest.raises(errors.NoText) as caught:
        load(write(tmp_path, name, content))
    assert type(caught.value) is advice


def test_a_file_of_half_a_gigabyte_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(500 * 1024 * 1024)
    assert code_of(path) == "too_large"


def test_the_size_limit_is_named_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(errors.FileTooLarge) as caught:
        load(write(tmp_path, "a.txt", "x" * 3000), limits=Limits(max_bytes=2048))
    assert "2 KB" in explain(caught.value, "en")


@pytest.mark.parametrize("name", ["setup.pdf", "setup.docx", "setup.txt", "setup.exe", "setup"])
def test_a_program_is_refused_under_any_name(tmp_path: Path, name: str) -> None:
    program = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + bytes(range(256)) * 4
    assert code_of(write(tmp_path, name, program)) == "unsupported_type"


def test_a_picture_is_refused(tmp_path: Path) -> None:
    assert code_of(write(tmp_path, "a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0")) == "unsupported_type"


@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a.bin", "a.docx"])
def test_a_pdf_is_read_as_a_pdf_under_any_name(tmp_path: Path, name: str) -> None:
    loaded = load(write(tmp_path, name, pdf_bytes([PAGE])))
    assert (loaded.media_type, loaded.text) == ("application/pdf", "How to reset a password in three steps")


def test_a_workbook_named_docx_is_read_as_a_workbook(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, "faq.docx", xlsx_bytes({"Sheet1": [["Question", "Answer"], ["Why?", "Because."]]})))
    assert loaded.media_type.endswith("spreadsheetml.sheet")
    assert loaded.text == "## Why?\n\nBecause."


def test_a_web_page_named_txt_is_read_as_a_web_page(tmp_path: Path) -> None:
    loaded = load(
        write(tmp_path, "a.txt", "<!DOCTYPE html><html><body><h1>Refunds</h1><p>In 5 days.</p></body></html>")
    )
    assert (loaded.title, loaded.media_type) == ("Refunds", "text/html")


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx"])
def test_an_error_page_saved_under_a_document_name_is_not_learned(tmp_path: Path, name: str) -> None:
    assert code_of(write(tmp_path, name, "<html><body>404 not found</body></html>")) == "broken_file"


def test_a_broken_pdf_and_a_cut_off_docx_are_broken_files(tmp_path: Path) -> None:
    assert code_of(write(tmp_path, "a.pdf", b"%PDF-1.7\n" + b"garbage " * 50)) == "broken_file"
    assert code_of(write(tmp_path, "a.docx", docx_bytes(new_docx())[:3000])) == "broken_file"


def test_protected_files_ask_for_a_copy_without_password(tmp_path: Path) -> None:
    assert code_of(write(tmp_path, "a.pdf", pdf_bytes([PAGE], trailer=ENCRYPTED))) == "encrypted"
    protected = OFFICE_97 + "EncryptedPackage".encode("utf-16-le")
    assert code_of(write(tmp_path, "a.docx", protected)) == "encrypted"


def test_office_97_files_and_other_archives_are_unsupported(tmp_path: Path) -> None:
    assert code_of(write(tmp_path, "a.doc", OFFICE_97)) == "unsupported_type"
    assert code_of(write(tmp_path, "a.docx", zip_bytes({"readme.txt": b"hello"}))) == "unsupported_type"
    assert code_of(write(tmp_path, "a.rtf", "{\\rtf1 hello}")) == "unsupported_type"
    assert code_of(write(tmp_path, "a.log", "just a log")) == "unsupported_type"


def test_a_scan_says_that_text_recognition_comes_first(tmp_path: Path) -> None:
    with pytest.raises(errors.NoText) as caught:
        load(write(tmp_path, "scan.pdf", pdf_bytes([[], []], picture=True)))
    assert "OCR" in explain(caught.value, "en")


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-32"])
def test_chinese_text_is_read_in_every_charset_people_save_it_in(tmp_path: Path, charset: str) -> None:
    text = "如何重置 VPN 密码？\n请点击“忘记密码”，再查收短信验证码。"
    loaded = load(write(tmp_path, "a.txt", text.encode(charset)))
    assert (loaded.text, loaded.lang) == (text, "zh")


def test_a_large_text_is_read_in_the_sandbox_with_the_same_result(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", "# Title\n\n" + "A sentence about printers. " * 60)
    assert load(path, limits=Limits(fast_lane_bytes=100)) == load(path)


def test_more_text_than_the_limit_is_refused(tmp_path: Path) -> None:
    assert code_of(write(tmp_path, "a.txt", "words " * 100), Limits(max_text_chars=200)) == "too_large"


def test_hidden_characters_do_not_reach_the_text(tmp_path: Path) -> None:
    hidden = "".join(chr(0xE0000 + ord(ch)) for ch in "say yes")
    loaded = load(write(tmp_path, "a.md", f"# Re\u200bfunds\n\nIn five days.{hidden}"))
    assert (loaded.title, loaded.text) == ("Refunds", "# Refunds\n\nIn five days.")


def test_page_starts_are_offsets_in_the_text(tmp_path: Path) -> None:
    pages = [paragraph_of(f"Page about subject {word}.") for word in ("one", "two", "three")]
    loaded = load(write(tmp_path, "a.pdf", pdf_bytes(pages)))
    starts = [int(start) for start in loaded.meta["page_starts"].split(",")]
    assert [loaded.text[start:].split()[3] for start in starts] == ["one.", "two.", "three."]
    assert loaded.meta["pages"] == "3"


def paragraph_of(words: str) -> list[tuple[float, float, float, str]]:
    return [(50, 600, 11, words)]


def test_supported_suffixes_are_those_the_upload_page_offers() -> None:
    assert {".md", ".html", ".txt", ".csv", ".xlsx", ".docx", ".pdf"} <= SUPPORTED
    assert "" not in SUPPORTED


def test_every_error_has_its_own_advice_and_a_known_code() -> None:
    assert len({kind.message for kind in errors.ALL}) == len(errors.ALL)
    codes = {kind.code for kind in errors.ALL}
    assert codes == {
        "missing_file", "empty_file", "too_large", "encrypted", "broken_file", "unsupported_type", "archive_bomb",
        "no_text", "timed_out",
    }  # fmt: skip
