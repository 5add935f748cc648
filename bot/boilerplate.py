"""What of an article helps nobody when it is read out: notices, pointers to elsewhere, lists of links, empty promises."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from base.text import split_sentences
from bot.blocks import Block, BlockKind, Section, sections

_NOTICE = re.compile(
    r"^\W*(?:still need help\b.*|third-party information disclaimer.*|the third-party products that this article.*|"
    r"was this (?:article|information) helpful.*|(?:last (?:reviewed|updated)|applies to|original (?:kb|product)[\w ]*)"
    r"[\s_*]*[:：].*|仍需要?帮助.*|(?:最后|最近)?(?:审核|更新|复核)(?:日期|时间|于)?\s*[:：].*|"
    r":::.*|适用(?:于|范围|对象|产品)?[\s_*]*[:：].*|原始 ?(?:kb|产品)[^:：]{0,12}[:：].*|此页面是否有帮助.*)$",
    re.IGNORECASE,
)
# Sentences that only send the reader elsewhere: the cited article is the way to more.
_POINTER = re.compile(
    r"^\W*(?:for (?:(?:more|additional|further|detailed|complete|full) )?(?:information|details?|help|"
    r"guidance|instructions|steps)\b"
    r"[^.]*?(?:,|:)?\s*(?:see|go to|visit|refer to|read|check|view|contact).*|"
    r"(?:to learn more|learn more|read more|find out more)\b.*|(?:also )?see (?:also\b.*|"
    r"the following (?:articles?|topics?|pages?|links?).*)|"
    r"for (?:more|additional|further) (?:information|details)\W*(?:about .*)?|"
    r"(?:microsoft|we) (?:is|are) (?:currently )?(?:researching|investigating|aware of|working on)\b.*|"
    r"(?:this|the) (?:problem|issue|article) (?:is (?:currently )?(?:being|under) |will be updated).*|"
    r"(?:microsoft|we) will (?:post|update|publish|provide)\b[^.]*\b(?:information|article|update|available).*|"
    r"(?:如需|若要|有关|要|欲)?[^。；]{0,40}(?:详细信息|更多信息|详情|详细了解|更多内容|"
    r"更多帮助)[^。；]{0,30}(?:请?参阅|请?参考|请?参见|请?查看|请?访问|[:：]).*|"
    r"(?:另)?请?(?:参阅|参见|参考)\s*(?:[:：《“\[].*|[^。；]{0,40}[。]?)|了解(?:更多|详情|详细信息)\b.*|"
    r"有关[^。；]{0,40}，请?(?:参阅|参见|参考).*|"
    r"(?:具体|详细)(?:的)?(?:步骤|信息|内容|操作|方法|用法|说明|介绍|使用)[^。；]{0,10}(?:参[见阅考]|见).*|"
    r".*(?:再次提交搜索查询|请重述你的问题).*|如果问题与[^。]*无关[^。]*详细信息.*|.*\b(?:rephrase|"
    r"resubmit) your (?:question|search|query).*|"
    r"(?:微软|我们|Microsoft) ?(?:正在|目前正在)(?:研究|调查|处理)(?:此|该|这个)?问题.*)$",
    re.IGNORECASE,
)
_ABOUT_ITSELF = re.compile(
    r"^\W*(?:this (?:article|topic|page|document|guide|section) (?:describes|discusses|explains|provides|"
    r"contains|lists|helps|shows|"
    r"fixes|covers|introduces|outlines|is about|will)\b.*|本(?:文|节|主题|页|指南)(?:档)?(?:将|主要)?(?:会)?(?:为您)?"
    r"(?:介绍|说明|描述|讨论|提供|阐述|解释|列出).*)$",
    re.IGNORECASE,
)
_ACTS = re.compile(  # a pointer that also says what to do is worth reading out
    r"\b(?:click|select|choose|run|type|press|enter|restart|call|phone|dial)\b|单击|点击|选择|运行|输入|拨打|重启",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[([^\]\n]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?: \"[^\"]*\")?\)")
_MARK = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)、])?\s*")
_ONLY_SEE = re.compile(
    r"^\W*(?:please )?(?:see|refer to|visit|go to|check|read|请?(?:见|详见|参见|参阅|参考|查看|访问))?\W*"
    r"(?:(?:the )?(?:documents?|documentation|article|page|section)|文档|文章|章节|一节|小节|官方文档)?\W*$",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)[ \t]*")
_ONLY_LINK = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)、])?\s*(?:\[[^\]\n]*\]\(\S*?\)|<?https?://\S+>?)[\s.。,，;；]*$")
_HANGING = re.compile(
    r"(?:[:：]|\b(?:the|these|this|one of the) (?:following|below) ?[\w ]{0,40}\.?|\b(?:the|"
    r"these) (?:steps|methods) below\.?|"
    r"(?:以下|下列|下面)(?:的)?[^。，；]{0,16}(?:步骤|方法|操作|之一|内容|方式|命令|选项)[^。，；]{0,8}[。]?|"
    r"(?:^|\n)[ \t]*\*\*[^*\n]{1,80})[\s*_]*$",  # the last: a heading written in bold, under which nothing stands
    re.IGNORECASE,
)


@lru_cache(maxsize=2048)
def readable(text: str) -> tuple[Section, ...]:
    """The sections of a passage with what helps nobody left out; () when nothing is left to read out. Remembered."""
    kept = []
    for section in sections(text):
        once = {without_links(block.text): block for block in reversed(section.body)}
        section = replace(section, body=tuple(b for b in section.body if once[without_links(b.text)] is b))
        told = _without_reading_lists(section.body)
        body = _without_empty_leads([block for raw in told if (block := _cleaned(raw)) is not None], section.body)
        if body:
            kept.append(replace(section, body=tuple(body)))
    return tuple(kept)


def hangs(block: Block) -> bool:
    """Whether a block promises something that is to come after it: "follow these steps:", or a heading in bold."""
    return block.kind is BlockKind.TEXT and _HANGING.search(block.text) is not None


def without_links(text: str) -> str:
    """The words of a text without the addresses behind them: the way to more is the cited article."""
    return _LINK.sub(r"\1", _IMAGE.sub("", text))


def only_points(sentence: str) -> bool:
    """Whether a sentence only sends the reader elsewhere, or only says that more is to come."""
    bare, unlinked = without_links(sentence).strip(), _LINK.sub("", sentence)
    if _ABOUT_ITSELF.match(bare) or (unlinked != sentence and _ONLY_SEE.match(unlinked)):
        return True
    return _POINTER.match(bare) is not None and not _ACTS.search(unlinked)


def _cleaned(block: Block) -> Block | None:
    """The block without notices and pointers; None when nothing is left. Code and tables stay as they are."""
    if block.kind is BlockKind.LIST:
        if all(_ONLY_LINK.match(line) for line in block.text.split("\n") if line.strip()):
            return None
        lines = [shorter for line in block.text.split("\n") if (shorter := _item(line))]
        return replace(block, text="\n".join(lines)) if any(line.strip() for line in lines) else None
    if block.kind is not BlockKind.TEXT:
        return block
    lines = [line for line in (_line(line) for line in block.text.split("\n")) if line]
    return replace(block, text="\n".join(lines)) if lines else None


def _line(line: str) -> str:
    """A line without what helps nobody; as it was where it all helps."""
    if _NOTICE.match(line) or _ONLY_LINK.match(line):
        return ""
    sentences = split_sentences(line)
    kept = [sentence for sentence in sentences if not (only_points(sentence) or _NOTICE.match(sentence))]
    if len(kept) == len(sentences):
        return line
    return _between(line, kept)


def _item(line: str) -> str:
    """A line of a list without the pointers at its end; "" when it is nothing else."""
    if (
        "请" not in line
        and "见" not in line
        and "参考" not in line
        and "nformation" not in line
        and "see" not in line.casefold()
    ):
        return line  # most lines: not worth splitting
    mark = _MARK.match(line)
    head = mark.group() if mark else ""
    sentences = split_sentences(line[len(head) :])
    while sentences and only_points(sentences[-1]):
        sentences.pop()
    if not sentences:
        return ""
    return line[: line.rfind(sentences[-1]) + len(sentences[-1])]


def _between(line: str, kept: Sequence[str]) -> str:
    """The stretch of a line that holds the kept sentences where they stand together, else the sentences joined."""
    if not kept:
        return ""
    start, end = line.find(kept[0]), line.rfind(kept[-1]) + len(kept[-1])
    stretch = line[start:end]
    if len(split_sentences(stretch)) == len(kept):
        return stretch
    return ("" if re.search(r"[\u3400-\u9fff]", stretch) else " ").join(kept)


def _without_reading_lists(body: Sequence[Block]) -> list[Block]:
    """The blocks without the lists of "for more information, visit the following pages:", whatever is left of the links."""
    kept = []
    for n, block in enumerate(body):
        lead = body[n - 1] if n and block.kind is BlockKind.LIST else None
        if lead is not None and hangs(lead) and only_points((split_sentences(lead.text) or [""])[-1]):
            continue
        kept.append(block)
    return kept


def _without_empty_leads(body: Sequence[Block], raw: Sequence[Block]) -> list[Block]:
    """The blocks without a lead-in ("...:") whose list was nothing but links, or is not there at all."""
    texts = [block.text for block in body]
    if len(body) == len(raw):
        return list(body)
    kept: list[Block] = []
    followers = {block.text: raw[n + 1] if n + 1 < len(raw) else None for n, block in enumerate(raw)}
    for block in body:
        after = followers.get(block.text)
        dropped = after is not None and after.kind is not BlockKind.TEXT and _cleaned(after) is None
        if hangs(block) and dropped and (after is None or after.text not in texts):
            sentences = split_sentences(block.text)[:-1]
            if not sentences:
                continue
            block = replace(block, text=block.text[: block.text.rfind(sentences[-1]) + len(sentences[-1])])
        kept.append(block)
    return kept
