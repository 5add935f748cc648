"""A document cut into the pieces that are found and quoted: sections where they fit, whole steps where not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from ingest.blocks import Block, BlockKind, Section, finer, sections, weigh
from ingest.models import Loaded
from kb.models import ChunkDraft

TARGET_TOKENS = 350  # what a piece should weigh; the embedder reads 512 with title and headings in front
MAX_TOKENS = 440
_SHORT = 0.4  # of the target: a section shorter than this may join its neighbour
_TINY = 40  # tokens: an introduction shorter than this says nothing by itself
_HUGE_CODE = 8  # times the maximum: nobody reads such a block whole, so it is cut at line ends after all

_QUESTION = re.compile(r"[?？]\s*$|^(?:q|问|问题|question)\s*\d*\s*[:：.、]", re.IGNORECASE)
_LEADS_ON = re.compile(r"[:：]\**\s*$|^\*\*[^*\n]+\*\*$")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk in the making."""

    path: tuple[str, ...]
    start: int
    end: int
    weight: int
    outer: int = -1  # where it starts with its heading line; -1 for a part of a section, which is never joined


def chunk(loaded: Loaded, *, target_tokens: int = TARGET_TOKENS, max_tokens: int = MAX_TOKENS) -> list[ChunkDraft]:
    """Pieces of a document in order, none overlapping; the same for the same text.

    A section is a piece; short neighbours under one parent are joined, with their heading lines, up to `target_tokens`.
    A longer section is divided between paragraphs, list items or sentences, never inside a code block or a table row,
    and inside a numbered step only when that step alone is over `max_tokens`. Questions are never joined. Text before
    the first heading is a piece of its own unless it is tiny. Weights are `blocks.weigh` tokens.
    """
    text = loaded.text
    keep_apart = loaded.meta.get("rows") in ("qa", "records")
    cutter = _Cutter(text, target_tokens, max_tokens, keep_apart)
    drafts: list[ChunkDraft] = []
    for piece in cutter.pieces(sections(text, loaded.title), ()):
        words = text[piece.start : piece.end]
        start = piece.start + len(words) - len(words.lstrip())
        words = words.strip()
        if _WORD.search(words):
            heading = piece.path[-1] if piece.path else ""
            drafts.append(ChunkDraft(len(drafts), piece.path, heading, words, start, start + len(words)))
    return drafts


@dataclass(frozen=True, slots=True)
class _Cutter:
    text: str
    target: int
    most: int
    keep_apart: bool

    def pieces(self, section: Section, above: tuple[str, ...]) -> list[_Piece]:
        """Pieces of a section and everything below it."""
        path = (*above, section.title) if section.level else above
        own = self._own(section, path)
        below = [self.pieces(child, path) for child in section.children]
        if section.level and own and not section.children and len(own) == 1:
            return [replace(own[0], outer=section.start)]
        joined = self._join(section, path, below)
        if own and joined and self._introduces(section, own, joined):
            together = own[0].weight + joined[0].weight
            joined[0] = replace(joined[0], path=path, start=own[0].start, weight=together)
            own = []
        everything = own + joined
        if len(everything) == 1 and section.level and everything[0].path == path and everything[0].outer >= 0:
            return [replace(everything[0], outer=section.start)]
        return everything

    def _introduces(self, section: Section, own: list[_Piece], below: list[_Piece]) -> bool:
        """Whether a section's own words are to be one piece with what follows: they are tiny, or all there is."""
        if self.keep_apart or len(own) > 1 or below[0].outer < 0 or self._is_question(section.children[0]):
            return False
        together = own[0].weight + below[0].weight
        if own[0].weight < _TINY:
            return together <= self.most
        return section.level > 0 and len(below) == 1 and together <= self.target

    def _own(self, section: Section, path: tuple[str, ...]) -> list[_Piece]:
        return [_Piece(path, start, end, weight) for start, end, weight in self._pack(section.blocks)]

    def _join(self, section: Section, path: tuple[str, ...], below: list[list[_Piece]]) -> list[_Piece]:
        """Neighbouring children that are one piece each, joined while one of the two is short and both fit."""
        out: list[_Piece] = []
        open_to_join = False
        for child, pieces in zip(section.children, below, strict=True):
            may = len(pieces) == 1 and pieces[0].outer >= 0 and not self.keep_apart and not self._is_question(child)
            if may and open_to_join:
                last, piece = out[-1], pieces[0]
                together = last.weight + piece.weight + weigh(child.title)
                if together <= self.target and min(last.weight, piece.weight) < self.target * _SHORT:
                    out[-1] = _Piece(path, last.outer, piece.end, together, last.outer)
                    continue
            out.extend(pieces)
            open_to_join = may
        return out

    def _is_question(self, section: Section) -> bool:
        return _QUESTION.search(section.title) is not None

    def _pack(self, blocks: list[Block]) -> list[tuple[int, int, int]]:
        """(start, end, weight) of parts of about equal weight, none over the maximum if it can be helped."""
        atoms = [atom for block in blocks for atom in self._atoms(block)]
        total = sum(weight for _, weight in atoms)
        if not atoms:
            return []
        if total <= self.most:
            return [(atoms[0][0].start, atoms[-1][0].end, total)]
        goal = total / ceil(total / self.target)
        parts: list[list[tuple[Block, int]]] = [[]]
        weight = 0
        for atom in atoms:
            if parts[-1] and (weight + atom[1] > self.most or weight + atom[1] / 2 > goal):
                carried = self._leading_on(parts[-1], atom)
                parts.append(carried)
                weight = sum(w for _, w in carried)
            parts[-1].append(atom)
            weight += atom[1]
        return [(part[0][0].start, part[-1][0].end, sum(w for _, w in part)) for part in parts if part]

    def _leading_on(self, part: list[tuple[Block, int]], following: tuple[Block, int]) -> list[tuple[Block, int]]:
        """Take from the end of a part the line that only announces what follows ("Run this command:"), if it fits."""
        block, weight = part[-1]
        words = self.text[block.start : block.end]
        if len(part) > 1 and _LEADS_ON.search(words) and weight + following[1] <= self.most:
            return [part.pop()]
        return []

    def _atoms(self, block: Block) -> Iterator[tuple[Block, int]]:
        """The block, or its parts when it is over the maximum, with their weights."""
        weight = weigh(self.text[block.start : block.end])
        limit = self.most * (_HUGE_CODE if block.kind is BlockKind.CODE else 1)
        parts = finer(self.text, block) if weight > limit else [block]
        if len(parts) < 2:
            yield block, weight
            return
        for part in parts:
            yield from self._atoms(part)
