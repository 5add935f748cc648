"""Messages as tokens, clauses and phrase hits: the ground `triage_rules` and `wants_human` stand on. Pure, no model.

A phrase list is written as people write it and matched in one pass over the tokens of a message:
"a / b" are two phrases, "(a|b)c" stands for "ac / bc", "*" for up to four tokens in the same clause. English words
match in all their forms (stemmed) unless marked "=deleted"; "can't" and "cannot" are one; Chinese matches by character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from base.text import stem

MAX_CHARS = 6000  # the first screens of a message decide; a pasted log does not
_GAP = 4

_TRADITIONAL = str.maketrans(
    "們個這來時間請問電腦網絡線機開關燈號碼帳賬單據庫資訊傳輸導轉換壞錯誤報發貨訂購買賣價錢費預約員嗎無法動門號緊"
    "陣點對應該還沒說話語聯繫話麼為給讓從後邊樣處務業產廠學會議實際終斷連顯標題檔案夾雲戶內業務簽證書釣魚郵"
    "誰幾兩萬億專區國際組織總經濟當頁圖層權鎖輸執課種類別進過掛風險壓縮盤條碼掃瞄燒煙觸漏備份還復態調試驗測樓層",
    "们个这来时间请问电脑网络线机开关灯号码帐账单据库资讯传输导转换坏错误报发货订购买卖价钱费预约员吗无法动门号紧"
    "阵点对应该还没说话语联系话么为给让从后边样处务业产厂学会议实际终断连显标题档案夹云户内业务签证书钓鱼邮"
    "谁几两万亿专区国际组织总经济当页图层权锁输执课种类别进过挂风险压缩盘条码扫瞄烧烟触漏备份还复态调试验测楼层",
)
_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|[a-z0-9]+(?:['\-][a-z0-9]+)*|\.[a-z0-9]{3,}|[㐀-䶿一-鿿]|[^\s\w]")
_HAN = re.compile(r"[㐀-䶿一-鿿]")
_CLAUSE_MARKS = frozenset(",，;；:：()（）-–—[]【】、")
_SENTENCE_MARKS = frozenset("。！？!?；;…")
_CLAUSE_WORDS = frozenset({"but", "however", "although", "though", "while", "whereas", "because"})
_CLAUSE_WORDS_ZH = ("但", "不过", "然而", "因为", "虽然")
NEGATORS = frozenset({"not", "no", "never", "without", "neither", "nor", "没", "不", "未", "无", "非", "别"})


@dataclass(frozen=True, slots=True)
class Token:
    text: str  # folded; English words stemmed
    word: str  # folded, not stemmed
    start: int  # offsets into Message.text
    end: int
    clause: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One phrase found. `concept`: the list it stands in; `first` and `last`: its tokens."""

    concept: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    tokens: tuple[Token, ...]
    questions: frozenset[int]  # sentences that end with a question mark or 吗/呢
    quoted: frozenset[int]  # tokens inside quotation marks

    def quote(self, first: int, last: int) -> str:
        """The message's own words from one token to another, both included."""
        return self.text[self.tokens[first].start : self.tokens[last].end]


class _Folding(dict[int, str]):
    """Code point -> folded character, worked out once each."""

    def __missing__(self, point: int) -> str:
        new = unicodedata.normalize("NFKC", chr(point)).lower()
        new = (new if len(new) == 1 else chr(point)).translate(_TRADITIONAL)
        self[point] = "'" if new in "’‘" else new
        return self[point]


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Case, width and common traditional characters folded, one character for one: offsets stay true."""
    return text.lower() if text.isascii() else text.translate(_FOLDING)


@lru_cache(maxsize=65536)
def _forms(word: str) -> tuple[tuple[str, str], ...]:
    """(stem, word) for each token a word stands for: "doesn't" is "does" and "not", "can't" is "cannot"."""
    if word in ("can't", "cant"):
        return (("cannot", "cannot"),)
    if word == "won't":
        return (("will", "will"), ("not", "not"))
    if word.endswith("n't"):
        head = word[:-3]
        return ((stem(head), head), ("not", "not"))
    if word in ("dont", "doesnt", "isnt", "didnt", "wont", "havent", "arent"):
        return ((word[:-2], word[:-2]), ("not", "not"))
    if word == "teams":  # the product, more often than several teams
        return (("teams", "teams"),)
    base = word.split("'")[0] if "'" in word else word
    return ((stem(base), base),)


def read(text: str) -> Message:
    """Tokens of a message with their clause and sentence. At most MAX_CHARS characters are read."""
    text = text[:MAX_CHARS]
    folded = fold(text)
    tokens: list[Token] = []
    questions: set[int] = set()
    quoted: set[int] = set()
    clause = sentence = 0
    in_quote = False
    previous_end = 0
    for match in _TOKEN.finditer(folded):
        mark = match.group()
        start, end = match.span()
        if "\n" in folded[previous_end:start]:
            clause, sentence = clause + 1, sentence + 1
        previous_end = end
        if not (mark[0].isalnum() or len(mark) > 1 or _HAN.match(mark)):
            in_quote = _quote_state(mark, in_quote)
            ends = mark in _SENTENCE_MARKS or (mark == "." and (end == len(folded) or folded[end].isspace()))
            if mark in "?？":
                questions.add(sentence)
            if ends or mark in _CLAUSE_MARKS:
                clause += 1
            if ends:
                sentence += 1
            continue
        if mark in _CLAUSE_WORDS or folded.startswith(_CLAUSE_WORDS_ZH, start):
            clause += 1
        for form, word in _forms(mark):
            if in_quote:
                quoted.add(len(tokens))
            tokens.append(Token(form, word, start, end, clause, sentence))
        if mark in "吗嘛" and folded[end : end + 1] in ("", *"。！？，,.!? \n"):
            questions.add(sentence)
    return Message(text, tuple(tokens), frozenset(questions), frozenset(quoted))


def _quote_state(mark: str, inside: bool) -> bool:
    if mark in "“「『《":
        return True
    if mark in "”」』》":
        return False
    return not inside if mark == '"' else inside


def _expand(phrase: str) -> list[str]:
    """ "(a|b)c" as ["ac", "bc"]."""
    match = re.search(r"\(([^()]*)\)", phrase)
    if match is None:
        return [phrase]
    return [
        full
        for option in match.group(1).split("|")
        for full in _expand(phrase[: match.start()] + option + phrase[match.end() :])
    ]


class _Node:
    __slots__ = ("concepts", "gap", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.gap: _Node | None = None
        self.concepts: tuple[str, ...] = ()


class PhraseIndex:
    """All phrase lists in one trie. `find` costs about a microsecond a token and list."""

    def __init__(self, lists: Mapping[str, str]) -> None:
        self._root = _Node()
        self._exact: set[str] = set()  # words that some phrase wants in this form only
        for concept, block in lists.items():
            for phrase in block.replace("\n", " / ").split(" / "):
                for full in _expand(phrase.strip()):
                    if full:
                        self._add(concept, full)

    def _add(self, concept: str, phrase: str) -> None:
        node = self._root
        for part in re.findall(r"\*|[^*]+", phrase):
            if part == "*":
                if node.gap is None:
                    node.gap = _Node()
                node = node.gap
                continue
            for piece in part.split():
                exact = piece.startswith("=")
                for match in _TOKEN.finditer(fold(piece.removeprefix("="))):
                    for form, word in _forms(match.group()):
                        if exact:
                            self._exact.add(word)
                        node = node.next.setdefault("=" + word if exact else form, _Node())
        if concept not in node.concepts:
            node.concepts = (*node.concepts, concept)

    def find(self, message: Message) -> list[Hit]:
        """Every phrase in the message, in order; the longest of a list where several begin at one token."""
        tokens = message.tokens
        keys = [(t.text, "=" + t.word) if t.word in self._exact else (t.text,) for t in tokens]
        clauses = [token.clause for token in tokens]
        hits: list[Hit] = []
        for first, wanted in enumerate(keys):
            best: dict[str, int] = {}
            for key in wanted:
                node = self._root.next.get(key)
                if node is not None:
                    self._walk(tokens, keys, clauses, first, node, best)
            for concept, last in best.items():
                hits.append(Hit(concept, first, last))
        return hits

    def _walk(
        self,
        tokens: tuple[Token, ...],
        keys: list[tuple[str] | tuple[str, str]],
        clauses: list[int],
        at: int,
        node: _Node,
        best: dict[str, int],
    ) -> None:
        for concept in node.concepts:
            best[concept] = max(at, best.get(concept, at))
        after, clause, gap = at + 1, clauses[at], node.gap
        if after >= len(keys) or clauses[after] != clause:
            return
        if node.next:
            for key in keys[after]:
                step = node.next.get(key)
                if step is not None:
                    self._walk(tokens, keys, clauses, after, step, best)
        if gap is None:
            return
        for skip in range(after, min(after + _GAP + 1, len(keys))):
            if clauses[skip] != clause:
                return
            for key in keys[skip]:
                step = gap.next.get(key)
                if step is not None:
                    self._walk(tokens, keys, clauses, skip, step, best)
            if tokens[skip].word in NEGATORS:  # "数据没丢" is not "数据 ... 丢"
                return


def unmasked(hits: list[Hit], mask: str) -> list[Hit]:
    """The hits without those that lie inside a hit of the list `mask` ("人工智能" hides "人工")."""
    masks = [hit for hit in hits if hit.concept == mask]
    return [
        hit
        for hit in hits
        if hit.concept != mask and not any(m.first <= hit.first and hit.last <= m.last for m in masks)
    ]
