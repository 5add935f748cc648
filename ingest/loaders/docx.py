"""Word documents in reading order: headings by style, lists by their numbering, tables, text boxes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import docx
from docx.oxml.ns import qn

from ingest.errors import BrokenFile
from ingest.loaders.markup import link, pipe_table, title_of
from ingest.loaders.table import qa_columns, qa_sections
from ingest.models import Limits, Raw

_HEADING = re.compile(r"(?:heading|标题|überschrift|titre)\s*([1-9])", re.IGNORECASE)
_SKIPPED_STYLES = re.compile(r"(?:toc|目录|table of figures|header|footer|annotation text)\b", re.IGNORECASE)
_MONOSPACED = re.compile(r"code|listing|preformatted|代码", re.IGNORECASE)
_MAIN_PARTS = ("wordprocessingml.document.main+xml", "wordprocessingml.template.main+xml",
               "ms-word.document.macroEnabled.main+xml", "ms-word.template.macroEnabledTemplate.main+xml")  # fmt: skip
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"

W_P, W_TBL, W_TR, W_TC, W_SDT = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc"), qn("w:sdt")
W_R, W_T, W_TAB, W_BR, W_CR, W_HYPHEN = qn("w:r"), qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr"), qn("w:noBreakHyphen")
W_HYPERLINK, W_VAL = qn("w:hyperlink"), qn("w:val")
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED = {qn("w:del"), qn("w:moveFrom"), qn("w:instrText"), qn("w:delText"), qn("w:rPr"), qn("w:pPr"), _FALLBACK,
            qn("w:commentReference"), qn("w:footnoteReference"), qn("w:txbxContent")}  # fmt: skip
_TEXT_BOX = qn("w:txbxContent")


def read(data: bytes, name: str, limits: Limits) -> Raw:
    """The document's text; deleted, hidden and commented text, tables of contents, headers and footers are left out."""
    document = _open(data)
    properties = document.core_properties
    reader = _Reader(document)
    blocks = reader.blocks(document.element.body)
    text = _join(blocks)
    meta = {"keywords": properties.keywords or "", "rows": "qa" if reader.has_qa else ""}
    if properties.modified is not None:
        meta["date"] = properties.modified.date().isoformat()
    declared = reader.title or _useful_title(properties.title or "")
    return Raw(declared if reader.title else title_of(text, declared), text, meta)


def _open(data: bytes) -> Any:
    try:
        return docx.Document(io.BytesIO(data))
    except ValueError:  # a template or a document with macros: the same content under another type
        package = docx.package.Package.open(io.BytesIO(data))
        part = package.main_document_part
        if not part.content_type.endswith(_MAIN_PARTS):
            raise BrokenFile("main part") from None
        from docx.parts.document import DocumentPart

        return DocumentPart.load(part.partname, _MAIN_TYPE, part.blob, package).document


def _useful_title(title: str) -> str:
    """Word fills in names of templates and of old files; those name nothing."""
    return (
        ""
        if re.search(
            r"\.(?:docx?|dotx?|rtf|wps)$|^(?:microsoft word|文档|document|untitled)", title.strip(), re.IGNORECASE
        )
        else title
    )


class _Reader:
    def __init__(self, document: Any) -> None:
        self.title = ""
        self.has_qa = False
        self._links = {key: rel.target_ref for key, rel in document.part.rels.items() if rel.is_external}
        self._styles = {style.style_id: style for style in document.styles}
        self._levels = _numbering_levels(document)
        self._counters: dict[str, list[int]] = {}

    def blocks(self, parent: Any) -> list[tuple[str, str]]:
        """(kind, text) of the body in order; kind is "heading", "item", "code", "table" or "text"."""
        found: list[tuple[str, str]] = []
        for element in _content(parent):
            if element.tag == W_P:
                found.extend(self._paragraph(element))
            else:
                found.extend(self._table(element))
        return found

    def _paragraph(self, paragraph: Any) -> Iterator[tuple[str, str]]:
        style = self._style(paragraph)
        names = [s.name or "" for s in style]
        if names and _SKIPPED_STYLES.match(names[0]):
            return
        text = self._text(paragraph)
        plain = " ".join(text.split())
        level = self._heading_level(paragraph, style)
        if names and names[0].lower() in ("title", "标题") and plain and not self.title:
            self.title = plain
        elif level and plain:
            yield "heading", f"{'#' * level} {self._number(paragraph, style, for_heading=True)}{plain}"
        elif text.strip():
            marker = self._number(paragraph, style)
            if marker:
                yield "item", marker + "\n".join(line.strip() for line in text.strip().split("\n"))
            elif names and _MONOSPACED.search(names[0]):
                yield "code", text.rstrip()
            else:
                yield "text", _unheaded(text.strip())
        for box in paragraph.iter(_TEXT_BOX):
            if not any(ancestor.tag == _FALLBACK for ancestor in box.iterancestors()):
                yield from self.blocks(box)

    def _text(self, paragraph: Any) -> str:
        return "".join(self._pieces(paragraph))

    def _pieces(self, element: Any) -> Iterator[str]:
        for child in element:
            tag = child.tag
            if tag in _SKIPPED:
                continue
            if tag == W_T:
                yield child.text or ""
            elif tag == W_TAB:
                yield " "
            elif tag in (W_BR, W_CR):
                yield "\n"
            elif tag == W_HYPHEN:
                yield "-"
            elif tag == W_R:
                properties = child.find(qn("w:rPr"))
                if properties is None or not _is_on(properties.find(qn("w:vanish"))):
                    yield from self._pieces(child)
            elif tag == W_HYPERLINK:
                yield link("".join(self._pieces(child)), self._links.get(child.get(qn("r:id")) or "", ""))
            elif isinstance(tag, str):
                yield from self._pieces(child)

    def _style(self, paragraph: Any) -> list[Any]:
        """The style of a paragraph and those it is based on, nearest first."""
        node = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        chain: list[Any] = []
        style = self._styles.get(node.get(W_VAL)) if node is not None else None
        while style is not None and style not in chain and len(chain) < 12:
            chain.append(style)
            style = getattr(style, "base_style", None)
        return chain

    def _heading_level(self, paragraph: Any, style: list[Any]) -> int:
        """1 to 6, or 0 for no heading: by the style's name, else by its outline level."""
        for each in style:
            match = _HEADING.fullmatch((each.name or "").strip())
            if match:
                return min(6, int(match.group(1)))
        for element in (paragraph, *(each.element for each in style)):
            outline = element.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
            if outline is not None and (outline.get(W_VAL) or "").isdigit():
                level = int(outline.get(W_VAL)) + 1
                return min(6, level) if level <= 9 else 0
        return 0

    def _number(self, paragraph: Any, style: list[Any], for_heading: bool = False) -> str:
        """The list marker, indented by its level: "- ", "1. ", or "2.1 " for headings. "" outside lists."""
        list_id, level = "", 0
        for element in (paragraph, *(each.element for each in style)):
            properties = element.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
            if properties is None:
                continue
            depth, number = properties.find(qn("w:ilvl")), properties.find(qn("w:numId"))
            if depth is not None and not level:
                level = int(depth.get(W_VAL) or 0)
            if number is not None:
                list_id = number.get(W_VAL) or ""
                break
        if list_id in ("", "0"):
            named = re.match(r"list (bullet|number)\s*([2-5]?)", style[0].name or "", re.IGNORECASE) if style else None
            if named is None or for_heading:
                return ""
            depth_of_name = int(named.group(2) or 1) - 1
            return "   " * depth_of_name + ("- " if named.group(1).lower() == "bullet" else "1. ")
        abstract, formats = self._levels.get(list_id, (list_id, {}))
        kind, pattern, start = formats.get(level, ("bullet", "", 1))
        if kind in ("bullet", "none"):
            return "" if for_heading else "   " * level + "- "
        counters = self._counters.setdefault(abstract, [])
        del counters[level + 1 :]
        while len(counters) < level:  # a level that was skipped counts as begun
            counters.append(formats.get(len(counters), ("", "", 1))[2])
        if len(counters) == level:
            counters.append(start - 1)
        counters[level] += 1
        if for_heading:
            number_text = re.sub(
                r"%(\d)",
                lambda m: str(counters[int(m.group(1)) - 1]) if int(m.group(1)) <= len(counters) else "",
                pattern,
            )
            return f"{number_text} " if number_text and kind == "decimal" else ""
        return "   " * level + f"{counters[level]}. "

    def _table(self, table: Any) -> list[tuple[str, str]]:
        rows = self._rows(table)
        columns = max((len(row) for row in rows), default=0)
        if columns == 1:  # a frame around text
            return [
                block
                for cell in table.iter(W_TC)
                if cell.getparent().getparent() is table
                for block in self.blocks(cell)
            ]
        qa = qa_columns(rows[0]) if len(rows) > 1 else None
        if qa:
            self.has_qa = True
            return [("text", section) for section in qa_sections(rows[0], rows[1:], qa)]
        text = pipe_table(rows)
        return [("table", text)] if text else []

    def _rows(self, table: Any) -> list[list[str]]:
        """Cells of a table. One merged across rows says the same in each, one merged across columns says it once."""
        rows: list[list[str]] = []
        for row in table.iterchildren(W_TR):
            cells: list[str] = []
            for cell in (c for c in _through(row) if c.tag == W_TC):
                properties = cell.find(qn("w:tcPr"))
                merged = properties.find(qn("w:vMerge")) if properties is not None else None
                span = properties.find(qn("w:gridSpan")) if properties is not None else None
                if merged is not None and merged.get(W_VAL) != "restart" and rows and len(cells) < len(rows[-1]):
                    cells.append(rows[-1][len(cells)])
                else:
                    cells.append("\n".join(text for _, text in self.blocks(cell)))
                width = int(span.get(W_VAL) or 1) if span is not None else 1
                cells.extend([""] * min(width - 1, 50))
            rows.append(cells)
        return rows


def _through(parent: Any) -> Iterator[Any]:
    """Children, and those inside content controls and tracked insertions."""
    for child in parent:
        if child.tag == W_SDT:
            gallery = child.find(f"{qn('w:sdtPr')}/{qn('w:docPartObj')}/{qn('w:docPartGallery')}")
            inner = child.find(qn("w:sdtContent"))
            if inner is not None and (gallery is None or "contents" not in (gallery.get(W_VAL) or "").lower()):
                yield from _through(inner)
        elif child.tag in (qn("w:ins"), qn("w:customXml"), qn("w:smartTag"), qn("w:moveTo")):
            yield from _through(child)
        else:
            yield child


def _content(parent: Any) -> Iterator[Any]:
    return (child for child in _through(parent) if child.tag in (W_P, W_TBL))


def _numbering_levels(document: Any) -> dict[str, tuple[str, dict[int, tuple[str, str, int]]]]:
    """By list id: the id of its definition and, by level, (format, pattern such as "%1.%2", first number)."""
    try:
        root = document.part.numbering_part.element
    except (KeyError, NotImplementedError):
        return {}
    definitions = {}
    for abstract in root.iterchildren(qn("w:abstractNum")):
        levels = {}
        for level in abstract.iterchildren(qn("w:lvl")):
            values = {key: level.find(qn(f"w:{key}")) for key in ("numFmt", "lvlText", "start")}
            kind, pattern, start = (node.get(W_VAL) if node is not None else None for node in values.values())
            levels[int(level.get(qn("w:ilvl")) or 0)] = (kind or "decimal", pattern or "", int(start or 1))
        definitions[abstract.get(qn("w:abstractNumId"))] = levels
    lists = {}
    for number in root.iterchildren(qn("w:num")):
        target = number.find(qn("w:abstractNumId"))
        if target is not None:
            abstract_id = target.get(W_VAL) or ""
            key = number.get(qn("w:numId")) if number.find(qn("w:lvlOverride")) is not None else abstract_id
            lists[number.get(qn("w:numId"))] = (f"{abstract_id}/{key}", definitions.get(abstract_id, {}))
    return lists


def _is_on(node: Any) -> bool:
    return node is not None and (node.get(W_VAL) or "true") not in ("0", "false", "off")


def _unheaded(text: str) -> str:
    """A paragraph that begins with "# " is not a heading in Word."""
    return re.sub(r"^(#{1,6} )", r"\\\1", text, flags=re.MULTILINE)


def _join(blocks: list[tuple[str, str]]) -> str:
    """Blocks as text: list items on consecutive lines, code lines in one fence, an empty line between the others."""
    out: list[str] = []
    previous = ""
    for kind, text in blocks:
        if kind == "code" and previous == "code":
            out[-1] = out[-1].removesuffix("\n```") + f"\n{text}\n```"
        elif kind == "code":
            out.append(f"```\n{text}\n```")
        elif kind == "item" and previous == "item":
            out[-1] += f"\n{text}"
        else:
            out.append(text)
        previous = kind
    return "\n\n".join(out)
