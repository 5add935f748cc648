"""What a document says it applies to: front matter, the page's head, or what was given for the whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from base.errors import AppError
from ingest.applies import applies_from, checked, day, names
from ingest.errors import NeverValid, NoDay, TooManyNames
from ingest.load import load
from ingest.pipeline import IngestOptions, draft_from
from kb.models import ALL, Applies, ArticleDraft

FRONT_MATTER = """---
title: Backup
product: [TiDB, "TiDB Cloud"]
version: 8.x
package:
  - gold
  - platinum
valid_from: 2026-01-01
valid_until: "2026-12-31"
---
# Backup

Take one every day.
"""
HTML = """<html><head><title>Backup</title><meta name="product" content="TiDB, TiDB Cloud">
<meta name="version" content="8.5"><meta name="valid_until" content="2026-12-31"></head>
<body><h1>Backup</h1><p>Take one every day, and keep it elsewhere.</p></body></html>"""


def _draft(folder: Path, name: str, text: str, given: Applies = ALL) -> ArticleDraft:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return draft_from(load(path), name, IngestOptions(collection="help", applies=given))


def test_front_matter_says_what_an_article_applies_to(tmp_path: Path) -> None:
    assert _draft(tmp_path, "backup.md", FRONT_MATTER).applies == Applies(
        ("TiDB", "TiDB Cloud"), ("8.x",), ("gold", "platinum"), "2026-01-01", "2026-12-31"
    )


def test_the_head_of_a_page_says_it_too(tmp_path: Path) -> None:
    assert _draft(tmp_path, "backup.html", HTML).applies == Applies(
        ("TiDB", "TiDB Cloud"), ("8.5",), valid_until="2026-12-31"
    )


def test_what_is_given_holds_for_what_a_document_does_not_say(tmp_path: Path) -> None:
    given = Applies(products=("Other",), packages=("basic",), valid_until="2027-01-01")
    silent = _draft(tmp_path, "silent.md", "# Restore\n\nRead it back.", given)
    assert silent.applies == given
    said = _draft(tmp_path, "said.md", "---\nproduct: TiDB\n---\n# Restore\n\nRead it back.", given)
    assert said.applies == Applies(("TiDB",), packages=("basic",), valid_until="2027-01-01")


def test_hugo_s_days_of_publication_and_expiry_are_understood(tmp_path: Path) -> None:
    text = "---\npublishDate: 2026-03-01T08:00:00+08:00\nexpiryDate: 2026-04-01\n---\n# Sale\n\nA discount."
    assert _draft(tmp_path, "sale.md", text).applies == Applies(valid_from="2026-03-01", valid_until="2026-04-01")


@pytest.mark.parametrize(
    ("meta", "error"),
    [
        ({"valid_until": "soon"}, NoDay),
        ({"valid_until": "2026-02-30"}, NoDay),
        ({"valid_from": "31.12.2026"}, NoDay),
        ({"valid_from": "2026-02-01", "valid_until": "2026-01-01"}, NeverValid),
        ({"product": "x" * 300}, TooManyNames),
    ],
)
def test_limits_that_cannot_be_kept_are_refused_with_a_reason(meta: dict[str, str], error: type[AppError]) -> None:
    with pytest.raises(error):
        applies_from(meta, ALL)


def test_names_and_days_are_read_as_people_write_them() -> None:
    assert names(" TiDB ， TiDB  Cloud;TiDB|x ,") == ("TiDB", "TiDB Cloud", "x")
    assert (day("2026/12/31", "x"), day("2026-12-31 08:00", "x"), day(" ", "x")) == ("2026-12-31", "2026-12-31", "")
    assert checked(ALL) is ALL
