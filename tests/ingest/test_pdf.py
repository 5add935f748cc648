"""PDF pages become paragraphs again, whatever the printer put around and between them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest import errors
from ingest.loaders import pdf
from ingest.models import Raw
from tests.ingest.make import ENCRYPTED, LIMITS, Text, paragraph, pdf_bytes, read


def loaded(*pages: list[Text], title: str = "") -> Raw:
    return read(pdf, pdf_bytes(pages, title=title))


def test_lines_of_a_paragraph_are_joined_and_divided_words_made_whole() -> None:
    lines = [
        "To reset your password open the settings page, choose secu-",
        "rity and press the button that says reset it now.",
    ]
    text = loaded(paragraph(50, 700, lines)).text
    assert (
        text
        == "To reset your password open the settings page, choose security and press the button that says reset it now."
    )


def test_chinese_lines_are_joined_without_a_space() -> None:
    lines = ["z:如果您忘记了密码请打开登录页面点击忘记密", "z:码然后输入您的手机号码获取验证码并且设置新"]
    text = loaded(paragraph(50, 700, lines)).text
    assert text == "如果您忘记了密码请打开登录页面点击忘记密码然后输入您的手机号码获取验证码并且设置新"


def test_a_wider_gap_begins_a_paragraph_and_a_bullet_an_item() -> None:
    page = [*paragraph(50, 700, ["First paragraph of the page that is long enough.", "It ends here."])]
    page += [*paragraph(50, 640, ["Second paragraph of the page that is long enough.", "- one item", "- two items"])]
    assert loaded(page).text == (
        "First paragraph of the page that is long enough. It ends here.\n\n"
        "Second paragraph of the page that is long enough.\n\n- one item\n- two items"
    )


def body(words: str, count: int = 6) -> list[Text]:
    return paragraph(
        50, 600, [f"{words} sentence number {i} of this page, as long as a line is." for i in range(count)]
    )


def test_running_headers_footers_and_page_numbers_go() -> None:
    pages = [
        [(50, 770, 8, "Contoso Handbook"), *body(word), (50, 30, 8, f"Page {i} of 4"), (300, 30, 8, f"- {i} -")]
        for i, word in enumerate(("Red", "Green", "Blue", "White"), 1)
    ]
    text = loaded(*pages).text
    assert "Contoso Handbook" not in text
    assert "Page" not in text
    assert "- 1" not in text
    assert text.count("\f") == 3


def test_larger_and_bold_lines_are_headings() -> None:
    page = [(50, 740, 20, "Printer guide"), (50, 700, 14, "Setup"), *body("Setup"), (50, 500, 10, "b:Paper jams")]
    page += paragraph(50, 470, ["Open the tray and take the paper out, then close it again and press go."] * 3)
    raw = loaded(page)
    headings = [line for line in raw.text.split("\n") if line.startswith("#")]
    assert headings == ["# Printer guide", "## Setup", "### Paper jams"]
    assert raw.title == "Printer guide"


def test_a_paragraph_goes_on_over_the_page_break_where_the_mark_stays() -> None:
    first = paragraph(50, 200, ["The last line of this page is not the end of the sentence because"])
    second = paragraph(50, 700, ["it goes on at the top of the next page and then it ends."])
    assert loaded(first, second).text == (
        "The last line of this page is not the end of the sentence because \f"
        "it goes on at the top of the next page and then it ends."
    )


def test_a_table_without_lines_is_told_by_its_gaps() -> None:
    rows = [("Code", "Meaning"), ("809", "Port is blocked"), ("691", "Wrong password")]
    page = [
        part
        for i, (a, b) in enumerate(rows)
        for part in ((50.0, 700.0 - 14 * i, 10.0, a), (200.0, 700.0 - 14 * i, 10.0, b))
    ]
    assert loaded(page).text == "| Code | Meaning |\n|---|---|\n| 809 | Port is blocked |\n| 691 | Wrong password |"


def test_properties_name_the_document_unless_they_name_a_file() -> None:
    assert loaded(body("A"), title="Printer guide").title == "Printer guide"
    assert loaded(body("A"), title="final_v2.indd").title == ""


def test_a_protected_file_a_broken_one_and_one_with_too_many_pages() -> None:
    with pytest.raises(errors.EncryptedFile):
        read(pdf, pdf_bytes([body("A")], trailer=ENCRYPTED))
    with pytest.raises(errors.BrokenFile):
        read(pdf, b"%PDF-1.4 nothing")
    with pytest.raises(errors.TooManyPages):
        pdf.read(pdf_bytes([body("A")] * 4), "a.pdf", replace(LIMITS, max_pages=3))


def test_a_scan_has_no_text_even_with_the_stamp_of_the_scanner() -> None:
    with pytest.raises(errors.NoText):
        read(pdf, pdf_bytes([[(50, 20, 8, "Scanned by CamScanner")]] * 2, picture=True))


def test_a_page_with_a_picture_and_a_few_words_is_read() -> None:
    assert read(pdf, pdf_bytes([[(50, 700, 12, "Press here")]], picture=True)).text == "Press here"


def test_a_file_with_a_broken_directory_and_a_broken_page_gives_what_it_can() -> None:
    data = pdf_bytes([body("Good"), body("Bad")])
    bad_page = data.rfind(b"stream\nBT") + 7
    data = data[:bad_page] + b"\xff" * 400 + data[bad_page + 400 :]
    assert "Good sentence number 0" in read(pdf, data.replace(b"xref\n0", b"xxxx\n0")).text
