"""The second story: one document, from an editor's upload or a folder to the next customer's answer."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from desk.models import Role
from ingest.pipeline import IngestOptions
from ingest.sources import walk
from kb.tables import ArticleRow
from tests.ingest.make import docx_bytes, new_docx, paragraph, pdf_bytes, xlsx_bytes
from tests.live import LiveDesk


@pytest.fixture
def editor(live: LiveDesk) -> httpx.Client:
    return live.browser(Role.EDITOR)


def upload(editor: httpx.Client, name: str, content: bytes) -> None:
    answer = editor.post("/knowledge/upload", files={"files": (name, content)}, data={"collection": "flows"})
    assert "1 added or updated" in answer.text


def address_of(live: LiveDesk, source: str) -> str:
    with live.services.database.read() as session:
        return f"/knowledge/{session.scalar(select(ArticleRow.public_id).where(ArticleRow.source == source))}"


def test_an_uploaded_document_answers_the_next_question(live: LiveDesk, editor: httpx.Client) -> None:
    question = "How much does the company bicycle leasing BIKE-77 cost per month?"
    assert "CNY 88" not in live.chat().ask(question)["text"]
    upload(
        editor, "bike.md", b"# Bicycle leasing BIKE-77\n\nThe company bicycle leasing BIKE-77 costs CNY 88 per month.\n"
    )
    reply = live.chat().ask(question)
    assert "CNY 88" in reply["text"]
    assert reply["citations"][0]["title"] == "Bicycle leasing BIKE-77"


def test_a_pdf_is_found_by_its_second_page(live: LiveDesk, editor: httpx.Client) -> None:
    first = paragraph(50, 700, ["Visitor handbook", "Visitors are welcome from Monday to Friday."])
    second = paragraph(
        50, 700, ["Parking for visitors", "Visitors park on deck P9 and show the code DECK-52 at the gate."]
    )
    upload(editor, "handbook.pdf", pdf_bytes([first, second]))
    reply = live.chat().ask("Where do visitors park and which code do they show at the gate?")
    assert "DECK-52" in reply["text"]
    assert reply["citations"][0]["title"]


def test_word_and_excel_files_answer_too(live: LiveDesk, editor: httpx.Client) -> None:
    document = new_docx()
    document.add_heading("Telescope on the roof", 1)
    document.add_paragraph("The roof telescope TEL-3 is booked with the reception, for at most 2 hours.")
    upload(editor, "telescope.docx", docx_bytes(document))
    rows = [["Question", "Answer"], ["How do I book the sailing boat SAIL-6?", "Write to harbour@haisong.example."]]
    upload(editor, "boats.xlsx", xlsx_bytes({"FAQ": rows}))
    assert "2 hours" in live.chat().ask("For how long can I book the roof telescope TEL-3?")["text"]
    assert "harbour@haisong.example" in live.chat().ask("How do I book the sailing boat SAIL-6?")["text"]


def test_an_edited_document_answers_with_its_new_text(live: LiveDesk, editor: httpx.Client) -> None:
    for floor in (b"second", b"ninth"):
        upload(editor, "gym.md", b"# The gym GYM-12\n\nThe gym GYM-12 is on the " + floor + b" floor, open all day.\n")
    reply = live.chat().ask("On which floor is the gym GYM-12?")
    assert "ninth" in reply["text"]
    assert "second floor" not in reply["text"]


def test_an_archived_article_answers_nobody_any_more(live: LiveDesk, editor: httpx.Client) -> None:
    upload(editor, "raft.md", b"# Raft RAFT-4\n\nThe raft RAFT-4 may carry at most 6 people.\n")
    question = "How many people may the raft RAFT-4 carry?"
    assert "6 people" in live.chat().ask(question)["text"]
    editor.post(address_of(live, "raft.md") + "/archive")
    reply = live.chat().ask(question)
    assert "6 people" not in reply["text"]
    assert "Raft" not in str(reply["citations"])


def test_a_folder_is_read_by_the_same_pipeline_and_found_in_both_languages(live: LiveDesk, tmp_path: Path) -> None:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "lift.md").write_text(
        "# 货梯预约\n\n货梯编号 LIFT-8，请提前 1 天在前台预约，每次最多 40 分钟。\n"
    )
    report = live.services.pipeline.run(walk(tmp_path), IngestOptions(collection="flows-folder"))
    assert [file.source for file in report.files] == ["zh/lift.md"]
    assert "40 分钟" in live.chat("zh").ask("货梯 LIFT-8 怎么预约？")["text"]
    staff = live.browser(Role.AGENT)
    found = staff.post("/api/v1/search", json={"text": "How do I book the goods lift LIFT-8?"}).json()["hits"]
    assert (found[0]["lang"], found[0]["title"]) == ("zh", "货梯预约")
