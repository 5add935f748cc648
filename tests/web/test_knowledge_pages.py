"""The knowledge editor's pages: the list, one article with its versions, documents in."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from desk.models import Role
from kb.tables import ArticleRow
from tests.ingest.make import docx_bytes, new_docx, paragraph, pdf_bytes, xlsx_bytes
from tests.live import LiveDesk
from web.routes.knowledge import safe_name


@pytest.fixture
def editor(live: LiveDesk) -> httpx.Client:
    return live.browser(Role.EDITOR)


def article_id(live: LiveDesk, source: str) -> str:
    with live.services.database.read() as session:
        found = session.scalar(
            select(ArticleRow.public_id).where(ArticleRow.source == source).order_by(ArticleRow.id.desc())
        )
    assert found is not None
    return found


def upload(editor: httpx.Client, *files: tuple[str, bytes], **form: str) -> httpx.Response:
    return editor.post(
        "/knowledge/upload", files=[("files", file) for file in files], data={"collection": "up", **form}
    )


def row_of(html: str, name: str) -> str:
    found = [row for row in re.findall(r"<tr>.*?</tr>", html, re.S) if name in row]
    assert found, name
    return str(found[0])


def found_titles(live: LiveDesk, question: str) -> list[str]:
    hits = live.browser(Role.AGENT).post("/api/v1/search", json={"text": question, "internal": True}).json()["hits"]
    return [hit["title"] for hit in hits]


def test_the_list_shows_articles_with_their_languages(live: LiveDesk, editor: httpx.Client) -> None:
    html = editor.get("/knowledge").text
    assert "Ordering a new laptop" in html
    assert "Add documents" in html
    assert "Add documents" not in live.browser(Role.AGENT).get("/knowledge").text


def test_the_list_is_searched_and_filtered(editor: httpx.Client) -> None:
    assert "Ordering a new laptop" in editor.get("/knowledge?q=laptop").text
    assert "Ordering a new laptop" not in editor.get("/knowledge?q=laptop&lang=zh").text
    assert "No articles found" in editor.get("/knowledge?q=no such words at all").text
    assert "<script>" not in editor.get("/knowledge?q=<script>alert(1)</script>").text


def test_an_article_is_shown_with_its_facts(live: LiveDesk, editor: httpx.Client) -> None:
    html = editor.get(f"/knowledge/{article_id(live, 'en/vpn.md')}").text
    for words in ("TCP 443 mode", "Version 1", "en/vpn.md", "As customers see it", "Archive"):
        assert words in html
    seen_by_agent = live.browser(Role.AGENT).get(f"/knowledge/{article_id(live, 'en/vpn.md')}").text
    assert "TCP 443 mode" in seen_by_agent
    assert "/archive" not in seen_by_agent


def test_an_archived_article_is_out_of_every_answer_until_restored(live: LiveDesk, editor: httpx.Client) -> None:
    upload(editor, ("sauna.md", b"# Booking the sauna\n\nThe sauna key is with guard post 5, code SAU-88.\n"))
    public_id = article_id(live, "sauna.md")
    assert "Booking the sauna" in found_titles(live, "sauna key SAU-88")
    assert editor.post(f"/knowledge/{public_id}/archive").headers["location"] == f"/knowledge/{public_id}"
    assert "Booking the sauna" not in found_titles(live, "sauna key SAU-88")
    assert live.browser().get(f"/articles/{public_id}").status_code == 404
    assert "Restore" in editor.get(f"/knowledge/{public_id}").text
    editor.post(f"/knowledge/{public_id}/publish")
    assert "Booking the sauna" in found_titles(live, "sauna key SAU-88")


def test_an_older_version_comes_back(live: LiveDesk, editor: httpx.Client) -> None:
    for floor in (b"3", b"9"):
        upload(editor, ("showers.md", b"# Showers\n\nThe showers SHW-1 are on floor " + floor + b".\n"))
    public_id = article_id(live, "showers.md")
    assert "floor 9" in editor.get(f"/knowledge/{public_id}").text
    editor.post(f"/knowledge/{public_id}/publish", data={"version": "1"})
    assert "floor 3" in editor.get(f"/knowledge/{public_id}").text
    assert editor.post(f"/knowledge/{public_id}/publish", data={"version": "77"}).status_code == 404
    assert editor.post(f"/knowledge/{public_id}/publish", data={"version": "9" * 30}).status_code == 422


def test_twelve_files_of_which_some_are_broken(live: LiveDesk, editor: httpx.Client) -> None:
    document = new_docx()
    document.add_heading("Meeting room Everest", 1)
    document.add_paragraph("Room Everest has a projector EV-1 and 12 seats.")
    answer = upload(
        editor,
        ("good.md", b"# Lockers\n\nLocker keys LCK-4 are at the reception.\n"),
        ("umlaut.txt", "Schließfächer LCK-5 sind im Keller, neben dem Aufzug.".encode()),
        ("页面.html", "<h1>自行车</h1><p>自行车停放在 B2 区，编号 BK-7。</p><script>alert(1)</script>".encode()),
        ("questions.csv", b"question,answer\nWho waters the plants?,Team green waters the plants on Friday.\n"),
        ("sheet.xlsx", xlsx_bytes({"FAQ": [["Question", "Answer"], ["Who has the van?", "Ask the van desk VAN-3."]]})),
        ("room.docx", docx_bytes(document)),
        (
            "leaflet.pdf",
            pdf_bytes([paragraph(50, 700, ["Canteen opening hours", "The canteen CAN-9 opens at 11:30."])]),
        ),
        ("empty.md", b""),
        ("broken.pdf", b"%PDF-1.7 nonsense"),
        ("broken.docx", b"PK\x03\x04 nonsense"),
        ("program.exe", b"MZ\x90\x00"),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 64),
    )
    assert answer.status_code == 200
    for name in ("good.md", "umlaut.txt", "页面.html", "questions.csv", "sheet.xlsx", "room.docx", "leaflet.pdf"):
        assert "Added" in row_of(answer.text, name), name
    for name in ("empty.md", "broken.pdf", "broken.docx", "program.exe", "photo.png"):
        assert "Not taken" in row_of(answer.text, name), name
    assert "7 added or updated" in answer.text
    assert "5 not taken" in answer.text
    assert "Lockers" in found_titles(live, "Where are the locker keys LCK-4?")
    assert not list(Path(live.services.settings.data_dir).glob("upload-*"))


def test_the_reason_is_in_the_readers_language(editor: httpx.Client) -> None:
    editor.get("/lang/zh")
    assert "空" in row_of(upload(editor, ("nothing.md", b"")).text, "nothing.md")


def test_the_same_file_again_is_unchanged(editor: httpx.Client) -> None:
    upload(editor, ("same.md", b"# Same\n\nThis is always the same SAM-1.\n"))
    assert "Unchanged" in row_of(
        upload(editor, ("same.md", b"# Same\n\nThis is always the same SAM-1.\n")).text, "same.md"
    )


def test_two_files_of_one_name_are_two_documents(live: LiveDesk, editor: httpx.Client) -> None:
    answer = upload(
        editor, ("faq.md", b"# Boat\n\nThe boat BOA-1 is blue.\n"), ("faq.md", b"# Kayak\n\nThe kayak KAY-1 is red.\n")
    )
    assert "2 added or updated" in answer.text
    assert "faq (2).md" in answer.text


def test_what_is_for_staff_only_stays_with_staff(live: LiveDesk, editor: httpx.Client) -> None:
    upload(editor, ("vault.md", b"# Vault\n\nThe vault code is VLT-4411.\n"), audience="internal")
    assert "Vault" in found_titles(live, "vault code VLT-4411")
    assert live.browser().get(f"/articles/{article_id(live, 'vault.md')}").status_code == 404
    assert "4411" not in live.chat().ask("What is the vault code VLT-4411?")["text"]


@pytest.mark.parametrize(
    ("form", "files"),
    [({"audience": "everyone"}, True), ({"lang": "xx"}, True), ({"collection": "c" * 101}, True), ({}, False)],
)
def test_a_form_that_makes_no_sense_is_refused(editor: httpx.Client, form: dict[str, str], files: bool) -> None:
    sent = {"files": ("a.md", b"# A\n\nText of A.\n")} if files else {}
    assert editor.post("/knowledge/upload", data=form, files=sent).status_code == 422


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\lin\\说明.docx", "说明.docx"),
        ("a\x00b\u202e.md", "ab.md"),
        ("   ", "document"),
        ("...", "document"),
        ("x" * 300 + ".md", "x" * 147 + ".md"),
    ],
)
def test_a_file_name_is_only_a_name(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_a_name_with_an_endless_ending_is_no_path(editor: httpx.Client) -> None:
    answer = upload(editor, ("a." + "文" * 149, b"plain text"))
    assert answer.status_code == 200
    assert "1 added or updated" in answer.text
