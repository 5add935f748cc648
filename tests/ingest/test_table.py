"""A table of questions becomes answers that can be found one by one; any other table stays readable."""

from __future__ import annotations

import datetime
import io
from dataclasses import replace
from typing import Any

import openpyxl
import pytest

from ingest.errors import TooManyRows
from ingest.loaders.table import qa_columns, read_csv, read_xlsx
from tests.ingest.make import LIMITS, xlsx_bytes


def csv_text(content: str | bytes, name: str = "a.csv") -> str:
    return read_csv(content.encode() if isinstance(content, str) else content, name, LIMITS).text


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["Question", "Answer"], (0, 1)),
        (["id", "QUESTION:", "Answer (en)"], (1, 2)),
        (["问题", "答案"], (0, 1)),
        (["分类", "问", "答"], (1, 2)),
        (["Q", "A"], (0, 1)),
        (["标题", "内容"], (0, 1)),
        (["title", "content"], (0, 1)),
        (["故障现象", "原因", "解决方案"], (0, 2)),
        (["title", "question", "answer"], (1, 2)),
        (["name", "price"], None),
        (["question"], None),
    ],
)
def test_question_and_answer_columns_are_known_by_their_usual_names(
    header: list[str], columns: tuple[int, int] | None
) -> None:
    assert qa_columns(header) == columns


def test_each_row_of_questions_becomes_a_section_with_its_other_columns() -> None:
    raw = read_csv("分类,问题,答案\n网络,VPN 连不上？,检查网络。\n账号,忘记密码？,点击重置。".encode(), "a.csv", LIMITS)
    assert raw.text == "## VPN 连不上？\n\n检查网络。\n\n分类: 网络\n\n## 忘记密码？\n\n点击重置。\n\n分类: 账号"
    assert raw.meta["rows"] == "qa"


def test_rows_without_an_answer_are_left_out_and_those_without_a_question_go_on() -> None:
    assert csv_text("q,a\nWhy?,First.\n,Second.\nNever answered?,\n") == "## Why?\n\nFirst.\n\nSecond."


def test_lines_in_a_cell_stay_lines_and_make_no_headings() -> None:
    assert csv_text('q,a\nHow?,"1. Go\n2. # Stop\n# Wait"\n') == "## How?\n\n1. Go\n2. # Stop\n\\# Wait"


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(mark: str) -> None:
    assert (
        csv_text(f"question{mark}answer\nWhy, oh why?{mark}Because\n".replace("Why, oh", "Why oh"))
        == "## Why oh why?\n\nBecause"
    )


@pytest.mark.parametrize("charset", ["utf-8-sig", "gb18030", "utf-16", "utf-8"])
def test_the_charset_is_found(charset: str) -> None:
    assert (
        csv_text("问题,答案\n如何重置密码？,点击忘记密码。\n".encode(charset)) == "## 如何重置密码？\n\n点击忘记密码。"
    )


def test_a_table_without_questions_stays_a_table() -> None:
    assert csv_text("plan,price\nBasic,10\nPro,20\n") == "| plan | price |\n|---|---|\n| Basic | 10 |\n| Pro | 20 |"


def test_rows_with_much_text_become_sections_named_by_their_title() -> None:
    story = "A long description of what this product does and for whom it was made. " * 3
    raw = read_csv(f"sku,product,about\n1,Lamp,{story}\n2,Chair,{story}\n".encode(), "a.csv", LIMITS)
    assert raw.text.startswith("## Lamp\n\nsku: 1\nabout: A long description")
    assert raw.meta["rows"] == "records"


def test_quotes_nul_and_empty_lines_do_not_break_a_csv() -> None:
    assert csv_text('question,answer\n\n"He said ""no""?","a, b"\n\x00\n') == '## He said "no"?\n\na, b'


def test_more_rows_than_the_limit_are_refused() -> None:
    with pytest.raises(TooManyRows):
        read_csv(b"a,b\n" * 20, "a.csv", replace(LIMITS, max_rows=10))


def test_sheets_with_names_become_chapters_and_hidden_ones_are_left_out() -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name, state in (("网络", "visible"), ("Internal", "hidden"), ("账号", "visible")):
        sheet = book.create_sheet(name)
        sheet.sheet_state = state
        sheet.append(["问题", "答案"])
        sheet.append([f"{name}怎么办？", "请联系我们。"])
    out = io.BytesIO()
    book.save(out)
    text = read_xlsx(out.getvalue(), "a.xlsx", LIMITS).text
    assert [line for line in text.split("\n") if line.startswith("#")] == [
        "# 网络",
        "## 网络怎么办？",
        "# 账号",
        "## 账号怎么办？",
    ]


def test_the_header_may_stand_below_a_title() -> None:
    data = xlsx_bytes({"Sheet1": [["Customer FAQ 2024"], [], ["No.", "Question", "Answer"], [1, "Why?", "Because."]]})
    assert read_xlsx(data, "a.xlsx", LIMITS).text == "Customer FAQ 2024\n\n## Why?\n\nBecause.\n\nNo.: 1"


def test_cells_read_as_a_person_would_read_them() -> None:
    rows: list[list[Any]] = [
        ["what", "value"],
        ["whole", 12.0],
        ["part", 1.5],
        ["yes", True],
        ["day", datetime.date(2024, 5, 1)],
    ]
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes({"Sheet1": rows})))
    book.active.append(["share", 0.15])  # type: ignore[union-attr]
    book.active["B6"].number_format = "0%"  # type: ignore[index]
    out = io.BytesIO()
    book.save(out)
    text = read_xlsx(out.getvalue(), "a.xlsx", LIMITS).text
    for row in ("| whole | 12 |", "| part | 1.5 |", "| yes | yes |", "| day | 2024-05-01 |", "| share | 15% |"):
        assert row in text


def test_formulas_are_not_evaluated() -> None:
    data = xlsx_bytes(
        {"Sheet1": [["question", "answer"], ["Sum?", '=HYPERLINK("http://evil.example","x")'], ["Why?", "So."]]}
    )
    assert read_xlsx(data, "a.xlsx", LIMITS).text == "## Why?\n\nSo."


def test_a_cell_in_the_last_row_of_a_sheet_does_not_cost_a_million_rows() -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["C1048576"] = "first", "last"  # type: ignore[index]
    out = io.BytesIO()
    book.save(out)
    assert read_xlsx(out.getvalue(), "a.xlsx", LIMITS).text == "first\n\nlast"
