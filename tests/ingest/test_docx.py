"""Word documents come out in reading order, with the numbers and headings a reader sees."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt

from ingest.loaders import docx as loader
from ingest.models import Raw
from tests.ingest.make import docx_bytes, new_docx, read, repacked


def loaded(document: Any) -> Raw:
    return read(loader, docx_bytes(document))


def test_headings_lists_and_tables_stay_in_order() -> None:
    document = new_docx()
    document.add_heading("VPN", 1)
    document.add_paragraph("Before you start:")
    document.add_paragraph("a laptop", "List Bullet")
    document.add_paragraph("a token", "List Bullet")
    table = document.add_table(2, 2)
    for cell, words in zip(table._cells, ("Code", "Meaning", "809", "blocked | closed"), strict=True):
        cell.text = words
    document.add_heading("After", 2)
    document.add_paragraph("Open", "List Number")
    document.add_paragraph("Close", "List Number")
    assert loaded(document).text == (
        "# VPN\n\nBefore you start:\n\n- a laptop\n- a token\n\n| Code | Meaning |\n|---|---|\n"
        "| 809 | blocked \\| closed |\n\n## After\n\n1. Open\n2. Close"
    )


def test_the_title_style_then_the_only_top_heading_then_the_properties_name_the_document() -> None:
    document = new_docx()
    document.core_properties.title = "From properties"
    document.add_paragraph("Words.")
    assert loaded(document).title == "From properties"
    document.add_heading("From heading", 1)
    assert loaded(document).title == "From heading"
    document.add_heading("From style", 0)
    assert loaded(document).title == "From style"


def test_a_title_that_word_filled_in_names_nothing() -> None:
    document = new_docx()
    document.core_properties.title = "Microsoft Word - final2.doc"
    document.add_paragraph("Words.")
    assert loaded(document).title == ""


def test_heading_styles_with_chinese_names_and_outline_levels_count() -> None:
    document = new_docx()
    document.styles.add_style("标题 2", 1)
    document.add_paragraph("安装", "标题 2")
    outlined = document.add_paragraph("Plain style")
    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "2")
    outlined._p.get_or_add_pPr().append(level)
    assert loaded(document).text == "## 安装\n\n### Plain style"


def numbered(document: Any, words: str, level: int) -> None:
    paragraph = document.add_paragraph(words)
    properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
    properties.get_or_add_ilvl().val = level
    properties.get_or_add_numId().val = 1


def test_numbers_count_on_by_level_and_begin_again_below_the_next_item() -> None:
    document = new_docx()
    for words, level in (("a", 0), ("b", 1), ("c", 1), ("d", 0), ("e", 1)):
        numbered(document, words, level)
    numbering = document.part.numbering_part.element
    for abstract in numbering.iterchildren(qn("w:abstractNum")):
        for node in list(abstract.iterchildren(qn("w:lvl"))):
            abstract.remove(node)
        for number in range(2):
            node = OxmlElement("w:lvl")
            node.set(qn("w:ilvl"), str(number))
            for tag, value in (("w:start", "1"), ("w:numFmt", "decimal"), ("w:lvlText", "%1.")):
                child = OxmlElement(tag)
                child.set(qn("w:val"), value)
                node.append(child)
            abstract.append(node)
    assert loaded(document).text == "1. a\n   1. b\n   2. c\n2. d\n   1. e"


def test_deleted_and_hidden_words_are_left_out_and_inserted_ones_kept() -> None:
    document = new_docx()
    paragraph = document.add_paragraph("Pay ")
    paragraph.add_run("secretly ").font.hidden = True
    for tag, words, text_tag in (("w:del", "now ", "w:delText"), ("w:ins", "later", "w:t")):
        change, run, text = OxmlElement(tag), OxmlElement("w:r"), OxmlElement(text_tag)
        text.text = words
        run.append(text)
        change.append(run)
        paragraph._p.append(change)
    assert loaded(document).text == "Pay later"


def test_links_keep_addresses_that_lead_outside() -> None:
    document = new_docx()
    paragraph = document.add_paragraph("See ")
    key = document.part.relate_to(
        "https://a.example/x",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
        is_external=True,
    )
    anchor, run, text = OxmlElement("w:hyperlink"), OxmlElement("w:r"), OxmlElement("w:t")
    anchor.set(qn("r:id"), key)
    text.text = "the site"
    run.append(text)
    anchor.append(run)
    paragraph._p.append(anchor)
    assert loaded(document).text == "See [the site](https://a.example/x)"


def test_merged_cells_say_in_each_row_what_they_cover() -> None:
    document = new_docx()
    table = document.add_table(3, 2)
    for cell, words in zip(table._cells, ("Plan", "Price", "Pro", "10", "", "20"), strict=True):
        cell.text = words
    table.cell(1, 0).merge(table.cell(2, 0))
    assert loaded(document).text == "| Plan | Price |\n|---|---|\n| Pro | 10 |\n| Pro | 20 |"


def test_a_table_of_questions_becomes_sections_and_a_frame_becomes_text() -> None:
    document = new_docx()
    table = document.add_table(2, 2)
    for cell, words in zip(table._cells, ("问题", "答案", "如何退款？", "五天内到账。"), strict=True):
        cell.text = words
    document.add_paragraph("")
    document.add_table(1, 1).cell(0, 0).text = "Framed words."
    raw = loaded(document)
    assert raw.text == "## 如何退款？\n\n五天内到账。\n\nFramed words."
    assert raw.meta["rows"] == "qa"


def test_headers_footers_and_tables_of_contents_are_left_out() -> None:
    document = new_docx()
    document.sections[0].header.paragraphs[0].text = "Contoso confidential"
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("Chapter 1 ..... 7", "toc 1")
    document.add_paragraph("Words.")
    assert loaded(document).text == "Words."


def test_code_styles_become_one_block() -> None:
    document = new_docx()
    document.styles.add_style("Code Block", 1).font.size = Pt(9)
    document.add_paragraph("ls", "Code Block")
    document.add_paragraph("  cd x", "Code Block")
    assert loaded(document).text == "```\nls\n  cd x\n```"


def test_a_document_with_macros_is_read_and_nothing_runs() -> None:
    document = new_docx()
    document.add_paragraph("Words.")
    data = docx_bytes(document)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        types = archive.read("[Content_Types].xml")
    plain = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    macro = b"application/vnd.ms-word.document.macroEnabled.main+xml"
    assert plain in types
    changed = repacked(data, {"[Content_Types].xml": types.replace(plain, macro), "word/vbaProject.bin": b"\xcc\x61"})
    assert read(loader, changed).text == "Words."


def test_a_paragraph_that_begins_with_a_number_sign_is_no_heading() -> None:
    document = new_docx()
    document.add_paragraph("# of users")
    assert loaded(document).text == "\\# of users"
