"""The blocks and sections of a Markdown passage: what a quotation is made of, never cut inside when it fits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_LIST_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)、])\s+")
_HEADING = re.compile(r"^#{1,6}\s+")
_RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,})\s*$")


class BlockKind(StrEnum):
    HEADING = "heading"
    TEXT = "text"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    text: str
    kind: BlockKind


@dataclass(frozen=True, slots=True)
class Section:
    """A heading ("" before the first one) with the blocks under it."""

    heading: str
    body: tuple[Block, ...]
    level: int = 0  # of the heading; 0 before the first one

    @property
    def text(self) -> str:
        return join(self.body)


class Role(StrEnum):
    """What a section is for, told from its heading in either language."""

    SOLUTION = "solution"
    CAUSE = "cause"
    PROBLEM = "problem"  # says again what the customer said
    ASIDE = "aside"  # references, related articles
    OTHER = "other"


_ROLES = (
    (Role.ASIDE, re.compile(
        r"^\W*(?:more information|references?\b|see also|related|feedback|applies to|additional resources|"
        r"更多信息|参考|另请参阅|相关(?:文章|链接|资源|文档)|反馈|推荐文档)", re.IGNORECASE)),
    (Role.SOLUTION, re.compile(
        r"resol|solution|work[ -]?around|\bfix|how to|what to do|\bsteps?\b|procedure|\btry\b|mitigat|"
        r"解决|处理|怎么办|怎样|如何|步骤|办法|方法|排查|恢复|应对|补救", re.IGNORECASE)),
    (Role.CAUSE, re.compile(r"^\W*(?:cause|reason|why)|原因|为什么", re.IGNORECASE)),
    (Role.PROBLEM, re.compile(
        r"^\W*(?:symptoms?|problem|issue|description|error message|scenario|summary|overview|introduction|background|"
        r"现象|症状|问题(?:描述|现象|说明)?\W*$|故障现象|背景|概述|摘要|简介)", re.IGNORECASE)),
)  # fmt: skip


def role_of(heading: str) -> Role:
    """The role of a section with this heading."""
    return next((role for role, pattern in _ROLES if pattern.search(heading)), Role.OTHER)


def sections(text: str) -> list[Section]:
    """The sections of a passage in order; empty ones are left out."""
    found: list[tuple[str, list[Block], int]] = [("", [], 0)]
    for block in blocks(text):
        if block.kind is BlockKind.HEADING:
            mark = _HEADING.match(block.text)
            found.append((_HEADING.sub("", block.text).strip(), [], mark.group().count("#") if mark else 0))
        else:
            found[-1][1].append(block)
    return [Section(heading, tuple(body), level) for heading, body, level in found if body]


def blocks(text: str) -> list[Block]:
    """The blocks of a Markdown passage, in order. Code inside a list belongs to its item."""
    found: list[Block] = []
    lines: list[str] = []
    kind = BlockKind.TEXT
    fence = ""

    def close(then: BlockKind = BlockKind.TEXT) -> None:
        nonlocal lines, kind
        body = "\n".join(lines).strip("\n")
        if body.strip():
            found.append(Block(body, kind))
        lines, kind = [], then

    for line in text.split("\n"):
        bare = line.lstrip()
        if fence or bare.startswith(("```", "~~~")):
            if not fence and not (kind is BlockKind.LIST and line != bare):
                close(BlockKind.CODE)
            lines.append(line)
            fence = "" if fence and bare.startswith(fence) else fence or bare[:3]
            if not fence and kind is BlockKind.CODE:
                close()
            continue
        new = _kind_of(line, kind)
        if new is None:
            if kind is BlockKind.LIST:
                lines.append("")
            else:
                close()
            continue
        if new is not kind or new is BlockKind.HEADING:
            close(new)
        lines.append(line)
    close()
    return [Block(re.sub(r"\n{2,}", "\n", b.text), b.kind) if b.kind is BlockKind.LIST else b for b in found]


def join(parts: Sequence[Block]) -> str:
    """The blocks as text again."""
    return "\n\n".join(block.text for block in parts)


def _kind_of(line: str, current: BlockKind) -> BlockKind | None:
    """The kind of block a line belongs to; None for a blank one."""
    if not line.strip() or _RULE.match(line):
        return None
    if _HEADING.match(line):
        return BlockKind.HEADING
    if _LIST_ITEM.match(line) or (current is BlockKind.LIST and line.startswith((" ", "\t"))):
        return BlockKind.LIST
    return BlockKind.TABLE if line.lstrip().startswith("|") else BlockKind.TEXT
