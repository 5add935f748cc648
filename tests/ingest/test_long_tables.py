"""A row that is found alone still says what its cells mean."""

from __future__ import annotations

from ingest.long_tables import repeat_headers

HEADER = "| code | meaning |\n|---|---|"


def test_a_long_table_is_divided_and_each_part_has_the_header() -> None:
    rows = [f"| {i} | a meaning of several words |" for i in range(100)]
    parts = repeat_headers("\n".join([HEADER, *rows])).split("\n\n")
    assert len(parts) > 2
    assert all(part.startswith(HEADER) for part in parts)
    assert [row for part in parts for row in part.split("\n")[2:]] == rows


def test_short_tables_code_and_text_stay_as_they_are() -> None:
    code = "```\n" + "\n".join([HEADER, *["| a | b |"] * 200]) + "\n```"
    text = f"Before\n\n{HEADER}\n| 1 | x |\n\nAfter\n\n{code}\n\n| no separator |\n| here |"
    assert repeat_headers(text) == text


def test_one_row_that_is_too_long_stays_whole() -> None:
    text = f"{HEADER}\n| 1 | {'word ' * 2000}|"
    assert repeat_headers(text) == text
