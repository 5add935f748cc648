"""Documents put together from their sections, without what the questions were made of.

They are cut as if nothing were masked, so that the pieces are those of the real document; then titles, headings and
sections that a question was made of are taken out of what is stored, embedded and searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evals.folder import Section, by_document
from ingest.blocks import plain_heading
from ingest.pipeline import cut
from ingest.sources import translation_key
from kb.models import ArticleDraft, Audience, ChunkDraft

_EMPTY_HEADING = re.compile(r"^#{1,6}[ \t]*$\n?", re.MULTILINE)
_WORD = re.compile(r"\w")
_TITLE_SHARE = 0.5  # of the documents: a set whose titles are questions says so by masking its first headings


@dataclass(frozen=True, slots=True)
class Rules:
    """What a set's masks mean. Told from the set itself, the same for all of its documents."""

    titles: bool  # titles are questions too
    whole: bool  # a masked section goes altogether, not only its heading


def rules(documents: dict[str, list[Section]]) -> Rules:
    """Titles go where most documents mask their first heading. Whole sections go unless that would leave most masked
    documents without a word: then the mask was meant for the heading."""
    masked = {doc: parts for doc, parts in documents.items() if any(part.asked for part in parts)}
    first = sum(parts[0].level == 1 and parts[0].asked for parts in masked.values())
    left = sum(any(part.text.strip() and not part.asked for part in parts) for parts in masked.values())
    titles = bool(masked) and first >= _TITLE_SHARE * len(documents)
    return Rules(titles=titles, whole=titles and left > len(masked) / 2)


def drafts(
    sections: Sequence[Section], collection: str, *, masked: bool
) -> Iterable[tuple[ArticleDraft, tuple[ChunkDraft, ...]]]:
    """Every document as an article with its pieces, ready to be embedded. Documents without a word left are left out."""
    documents = by_document(sections)
    rule = rules(documents) if masked else Rules(False, False)
    for doc, parts in documents.items():
        title = parts[0].title
        draft = ArticleDraft(collection, doc, title, "", parts[0].lang, Audience.PUBLIC, translation_key(doc))
        if masked and rule.whole:
            parts = [part for part in parts if not part.asked]
        body, blanks = _assemble(parts, masked)
        pieces = cut(replace(draft, body=body))
        if masked:
            hidden = {plain_heading(part.heading) for part in parts if part.asked}
            hidden |= {plain_heading(title)} if rule.titles else set()
            body = _blank(body, blanks)
            pieces = tuple(kept for piece in pieces if (kept := _unmarked(piece, body, hidden)) is not None)
            title = "" if rule.titles else title
        if pieces:
            yield replace(draft, title=title, body=body), pieces


def _assemble(parts: Sequence[Section], masked: bool) -> tuple[str, list[tuple[int, int]]]:
    """Markdown of the sections, and where the headings stand that are to be blanked."""
    out, blanks, at = [], [], 0
    for part in parts:
        marks = "#" * min(max(part.level, 1), 6)
        heading = " ".join(part.heading.split())
        if masked and part.asked:
            blanks.append((at + len(marks) + 1, at + len(marks) + 1 + len(heading)))
        text = f"{marks} {heading}\n\n{part.text.strip()}\n\n"
        out.append(text)
        at += len(text)
    return "".join(out), blanks


def _blank(body: str, places: Sequence[tuple[int, int]]) -> str:
    """The body with blanks at these places: every offset stays true."""
    for start, end in places:
        body = body[:start] + " " * (end - start) + body[end:]
    return body


def _unmarked(piece: ChunkDraft, body: str, hidden: set[str]) -> ChunkDraft | None:
    """The piece without the hidden headings; None when no word is left of it."""
    text = _EMPTY_HEADING.sub("", body[piece.start : piece.end]).strip()
    if not _WORD.search(text):
        return None
    path = tuple(part for part in piece.breadcrumb if plain_heading(part) not in hidden)
    return replace(piece, text=text, breadcrumb=path, heading=path[-1] if path else "")
