"""What a message asks: the question in an e-mail without its greeting, signature and history; several when it asks several."""

from __future__ import annotations

import re
from collections.abc import Sequence

from base.text import is_identifier, normalise, query_tokens, split_sentences

MOST = 3  # questions of one message that are looked up: each costs an embedding
PLAIN = 160  # characters up to which a single line is taken as it is, unless it asks twice
KEEP = 700  # characters of an extracted question

_QUOTED = re.compile(r"^\s*(?:>|\|)")
_HISTORY = re.compile(
    r"^\s*(?:-{2,} ?(?:original message|forwarded message|原始邮件|转发的?邮件).*|_{8,}|on .{4,80}wrote:|"
    r"在.{4,80}(?:写道|来信)[:：]?|.{0,60}于.{4,40}写道[:：]?|(?:from|发件人)\s*[:：].*@.*)\s*$",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^\s*(?:from|to|cc|sent|date|subject|发件人|收件人|抄送|发送时间|日期|主题)\s*[:：]", re.IGNORECASE
)
_SIGNED = re.compile(
    r"^\s*(?:--+|[—–]{2,}|(?:with )?(?:kind|best|warm|many)?\s*(?:regards|wishes|greetings)|best|cheers|sincerely(?: yours)?|"
    r"yours (?:sincerely|faithfully|truly)|(?:many |kind )?(?:thanks|thank you)(?: (?:so much|very much|"
    r"in advance|again|a lot))*|"
    r"thx|br|rgds|sent from my .*|发自我的.*|此致|敬礼|祝好|顺祝商祺|顺颂商祺|谢谢[您你]?(?:的帮助)?|多谢|"
    r"祝(?:工作)?(?:顺利|愉快))"
    r"\W*(?:and (?:kind |best )?regards)?\W*$",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\s*(?:(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b[^,，.!！:：\n?？]{0,40}(?:[,，.!！:：]|$)|"
    r"(?:尊敬的|亲爱的)?[^,，。!！:：\n?？]{0,12}?(?:你好|您好|你们好|大家好|早上好|下午好|上午好|"
    r"晚上好)(?:啊|呀)?(?:[,，。!！:：~～\s]|$))\s*",
    re.IGNORECASE,
)
_CHATTER = re.compile(
    r"^\W*(?:i hope (?:you|this|all|everyone)\b.*|hope (?:you|this|all)\b.*|thanks? (?:you )?(?:for|"
    r"in advance|again|so much|a lot)\b.*|"
    r"thank you\b.*|many thanks.*|sorry (?:to|for) (?:bother|disturb|the)\b.*|"
    r"(?:i )?(?:look|am looking) forward to\b.*|i(?:'d| would) (?:really )?appreciate\b.*|any help (?:is|would be)\b.*|"
    r"please (?:help|advise|let me know|get back)\b[^?？]{0,40}|(?:can|could) (?:you|someone|"
    r"anyone) (?:please )?help(?: me)?(?: with this| out)?\W*|"
    r"i have (?:a|one|two|three|some|several|a few|a couple of) (?:quick |small |other )?questions?\b[^?？]{0,40}|"
    r"my name is\b[^?？]{0,80}|i am (?:writing|contacting)\b[^?？]{0,40}|"
    r"(?:非常|十分)?(?:感谢|谢谢|多谢)[^?？]{0,20}|麻烦(?:您|你|了)?[^?？]{0,6}|打扰了?[^?？]{0,8}|"
    r"不好意思[^?？]{0,8}|辛苦了?[^?？]{0,6}|"
    r"(?:盼|期待|等待|静候)[^?？]{0,12}(?:回复|答复|佳音)|请(?:尽快)?(?:帮忙|协助|帮助)?(?:回复|处理|"
    r"看一?下|解决)?(?:一下)?[^?？]{0,4}|"
    r"(?:我)?(?:想)?(?:有|请教|咨询)(?:几|两|三|一|些)?(?:个)?问题[^?？]{0,10}|希望(?:您|你)[^?？]{0,20}|"
    r"我是[^?？。]{2,20}(?:部|科|组|公司|中心)(?:的[^?？。]{1,8})?)\W*$",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"[?？]|\b(?:how (?:do|can|to|long|much|many|should)|what|where|when|who|which|why|can i|could i|"
    r"is it possible|do i need)\b|"
    r"怎么|如何|怎样|多久|多少|哪里|哪儿|什么|为什么|能不能|是否|可以.{0,12}吗|谁",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:error|fail\w*|cannot|can ?not|can't|could ?n't|unable|does(?:n't| not)|did(?:n't| not)|won't|"
    r"not work\w*|stopp?ed|crash\w*|"
    r"broken|problem|issue|missing|lost|slow|stuck|denied|blocked|asks? for|says?|shows?|message|since)\b|"
    r"报错|错误|失败|无法|不能|不了|不上|不到|打不开|没反应|提示|显示|卡|慢|崩溃|丢|断|故障|异常|问题",
    re.IGNORECASE,
)
_LISTED = re.compile(r"^\s*(?:\(?\d{1,2}[.)、）]|[-*•]|[一二三四五][、.]|第[一二三四五][,，:：、]?)\s*")
_JOINED = re.compile(
    r"(?<=[?？])\s*|(?<=[。;；])\s*|,?\s+(?:and also|also|and another (?:thing|question)[:,]?|another question[:,]?)[:,]?\s+"
    r"(?=how|what|where|when|who|which|why|can|do|is)|^(?:also|and)[:,]?\s+(?=how|what|where|when|who|"
    r"which|why|can|do|is)|[,，]?\s*(?:另外|还有|以及|并且|顺便(?:问一?下)?)[,，:：]?\s*",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"^\W*(?:and |but |also |or )?(?:how|what|when|where|who|why|can|do|does|is|will)?[\w' ]{0,16}\b(?:it|"
    r"this|that|them|these|those|there)\b|"
    r"^\W*(?:那|这|它|他们|该|此)",
    re.IGNORECASE,
)
_FILLER = frozenset(
    "怎么 么办 多久 多少 什么 如何 怎样 哪里 可以 能不 不能 为什 需要 long much many take get new need want use work "
    "help know tell find make go way fix solv problem issu question resolv again anyth els".split()
)


def queries(text: str) -> tuple[str, ...]:
    """The questions of a message, in order, at most MOST; the text itself when it is one plain question.

    An e-mail's greeting, signature, chatter and quoted history are left out; what carries the problem is kept, error
    texts and identifiers always. A message of which nothing would be left is given back whole.
    """
    if len(text) <= PLAIN and "\n" not in text:
        return _split(text) if _asks_twice(text) else (text,)
    body = essence(text)
    found = _split(body)
    return tuple(_shortened(query) for query in found)


def essence(text: str) -> str:
    """A message without greeting, signature, chatter and quoted history; the whole of it when nothing else is left."""
    lines: list[str] = []
    for line in text.split("\n"):
        if _HISTORY.match(line) or (_SIGNED.match(line) and any(known.strip() for known in lines)):
            break
        if not (_QUOTED.match(line) or _HEADER.match(line)):
            lines.append(line)
    kept: list[str] = []
    for line in lines:
        bare = _GREETING.sub("", line, count=1) if not any(kept) else line
        sentences = split_sentences(bare)
        said = [s for s in sentences if not _CHATTER.match(s) or _names_something(s)]
        kept.append(bare.strip() if len(said) == len(sentences) else " ".join(said))
    body = "\n".join(kept).strip()
    while "\n\n\n" in body:
        body = body.replace("\n\n\n", "\n\n")
    return body or text.strip()


def _asks_twice(text: str) -> bool:
    return len(_ASKING.findall(text)) > 1


def _split(body: str) -> tuple[str, ...]:
    """The body as one question, or as several when each has a subject of its own."""
    pieces = [piece.strip(" ,，\n") for line in _items(body) for piece in _JOINED.split(line) if piece.strip(" ,，\n")]
    asking = [n for n, piece in enumerate(pieces) if _ASKING.search(piece)]
    if len(asking) < 2:
        return (body,)
    groups: list[list[str]] = []
    waiting: list[str] = []  # statements before the question they lead to
    for n, piece in enumerate(pieces):
        if n not in asking:
            waiting.append(piece)
        elif groups and not waiting and not _own_subject(piece, groups[-1]):
            groups[-1].append(piece)
        else:
            groups.append([*waiting, piece])
            waiting = []
    groups = _with_subjects(groups)
    if waiting:
        groups[-1 if len(groups) == 1 else 0].extend(waiting)
    if len(groups) < 2:
        return (body,)
    return tuple(" ".join(group) for group in groups[:MOST])


def _with_subjects(groups: Sequence[list[str]]) -> list[list[str]]:
    """A group that only leans on the one before joins it."""
    joined: list[list[str]] = []
    for group in groups:
        if joined and not _own_subject(" ".join(group), joined[-1]):
            joined[-1].extend(group)
        else:
            joined.append(list(group))
    return joined


def _own_subject(piece: str, before: Sequence[str]) -> bool:
    """Whether a question names what it is about, and that is not what the one before it is about."""
    if _BACK.match(piece):
        return False
    own, other = _content(piece), _content(" ".join(before))
    new = sum(0.7 if word > "\u3400" else 1.0 for word in own - other)  # three pairs of characters are two words
    return new >= 2 and len(own & other) <= len(own) / 2


def _content(text: str) -> set[str]:
    return {token for token in query_tokens(text) if token not in _FILLER and len(token) > 1}


def _items(body: str) -> list[str]:
    """Lines and paragraphs; the number of a listed question is taken off."""
    return [_LISTED.sub("", line) for line in body.split("\n") if line.strip()]


def _shortened(query: str) -> str:
    """The sentences of a long question that carry the problem, in order, up to KEEP characters."""
    if len(query) <= KEEP:
        return query
    sentences = split_sentences(query)
    ranked = sorted(range(len(sentences)), key=lambda n: (-_carries(sentences[n], n), n))
    chosen: set[int] = set()
    length = 0
    for n in ranked:
        if chosen and length + len(sentences[n]) > KEEP and not _names_something(sentences[n]):
            continue
        if length > 2 * KEEP:
            break
        chosen.add(n)
        length += len(sentences[n])
    return "\n".join(sentences[n] for n in sorted(chosen))[: 3 * KEEP]


def _carries(sentence: str, place: int) -> float:
    """How much a sentence says about what is wrong or wanted."""
    return (
        2.0 * bool(_ASKING.search(sentence)) + 2.0 * bool(_TROUBLE.search(sentence)) + 3.0 * _names_something(sentence)
        + (1.0 if place < 2 else 0.0)
    )  # fmt: skip


def _names_something(sentence: str) -> bool:
    """Whether a sentence holds an error code, a version, a path or a quoted text."""
    named = any(is_identifier(token) and "@" not in token for token in query_tokens(normalise(sentence)))
    return named or re.search(r"[“\"「『][^”\"」』]{4,}[”\"」』]", sentence) is not None
