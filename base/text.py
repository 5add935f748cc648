"""Text: cleaned, split, told apart by language, and cut into tokens for keyword search. Pure functions."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

from base.script import simplified

TOKENIZER = "tokens/3"  # how `tokens` cuts chunks and `for_embedding` folds: what another one made is made anew
MAX_EMBED_CHARS = 4000
MAX_TOKEN_CHARS = 100  # of a keyword token; PostgreSQL refuses 2,047 bytes, and nobody asks for a longer word

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]"
)
_SPACES = re.compile(r"[ \t\u00a0\u3000]+")
_HAN_CHAR = re.compile(f"[{_HAN}]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u1100-\u11ff]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:'[a-z]+)?")
_TOKEN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+(?:[._\-+#/:@']+[^\W_{_HAN}]+)*[+#]*", re.UNICODE)
_PART = re.compile(r"[^\W_]+", re.UNICODE)

# A sentence ends at 。！？； or at . ! ? before a space or a Han character; never inside 3.14, U.S., "e.g." or a URL.
_ABBREVIATION = re.compile(
    r"\b(?:(?i:e\.g|i\.e|a\.m|p\.m|etc|vs|no|approx|incl|mr|mrs|ms|dr|inc|ltd|dept|ext)|[A-Z])\.$"
)
_SENTENCE_END = re.compile(
    rf"[。！？；][。！？!?；]*[”’」』）)\"']*|[!?]+[”’」』）)\"']*(?=\s|$|[{_HAN}])|\.[”’)\"']*(?=\s|$)|…+[”’」』）)\"']*"
)

_STOP_EN = frozenset(
    "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it "
    "its me my of on or our shall she should so some than that the their them then there these they this those to "
    "too was we were what when where which who why will with would you your am any about after also because before "
    "being cannot hi hello hey please thanks thank".split()
)
_STOP_ZH = frozenset("的了吗呢吧啊呀我你您是在有和与或就都也很请把被给这那个")
# Characters that say nothing alone, beside those: 怎么办 would weigh as much as what is asked about.
_MUTE_ZH = _STOP_ZH | frozenset(
    "怎么什为何哪谁几多少如能可以会想要去来到说让从对用上下里中于其他她它们不没无办样时候后前一二两些再还只又才已经过得地着所"
    "之而但并且若则因此该做行好"
)
_stemmer = snowballstemmer.stemmer("english")
_stemmer_lock = threading.Lock()  # it keeps the word it works on in itself: two threads would mix theirs up


def clean(text: str, max_chars: int | None = None) -> str:
    """Text that is safe to store, search and embed: valid Unicode, no control or invisible characters, line ends "\\n".

    Lone surrogates become "?"-like replacements; runs of blanks become one blank; at most two line ends in a row.
    """
    text = text.encode("utf-8", "replace").decode("utf-8", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = _CONTROLS.sub("", text)
    text = "\n".join(_SPACES.sub(" ", line).rstrip() for line in text.split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return text if max_chars is None else text[:max_chars]


def normalise(text: str) -> str:
    """NFKC, case and script folded: full width becomes half width, ligatures fall apart, traditional characters become
    simplified ones. For comparing, never for showing."""
    return simplified(unicodedata.normalize("NFKC", text)).casefold()


def for_embedding(text: str) -> str:
    """What an embedder is given: cleaned, NFKC, simplified characters, one line, at most MAX_EMBED_CHARS characters."""
    folded = simplified(unicodedata.normalize("NFKC", clean(text[: MAX_EMBED_CHARS * 2])))
    return " ".join(folded.split())[:MAX_EMBED_CHARS]


def detect_language(text: str, default: str = "en") -> str:
    """Return "zh" or "en": the language to answer in.

    Han characters are weighed against Latin words, so "VPN 809 error 连不上" is Chinese. Japanese and Korean, and every
    other language, read as "en" (the answer is framed in English). `default` when there is nothing to judge by.
    """
    sample = text[:4000]
    if len(_KANA_HANGUL.findall(sample)) > 2:
        return "en"
    han = len(_HAN_CHAR.findall(sample))
    words = len(_LATIN_WORD.findall(sample))
    if han == 0 and words == 0:
        return default
    return "zh" if han and han > words * 0.5 else "en"


def split_sentences(text: str) -> list[str]:
    """Sentences in order, each with its end mark. A line break ends a sentence; list items stay single sentences."""
    sentences: list[str] = []
    for line in text.split("\n"):
        start = 0
        for match in _SENTENCE_END.finditer(line):
            piece = line[start : match.end()]
            is_list_number = re.fullmatch(r"\s*\d{1,2}\.", piece) is not None
            if match.group().startswith(".") and (_ABBREVIATION.search(piece) or is_list_number):
                continue
            if piece.strip():
                sentences.append(piece.strip())
            start = match.end()
        if line[start:].strip():
            sentences.append(line[start:].strip())
    return sentences


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The stem of a lower-case English word (Snowball); words with digits or marks are left whole."""
    if not (word.isascii() and word.isalpha() and len(word) > 3):
        return word
    with _stemmer_lock:
        return str(_stemmer.stemWord(word))


def tokens(text: str, *, characters: bool = False) -> list[str]:
    """Tokens for keyword search, in order: CJK bigrams, stemmed words, identifiers whole and in parts.

    characters: after the bigrams of Han characters the characters themselves, without function characters; 很慢 and 特别慢
    have no bigram in common.

    NFKC, case and script folded. "PRN-3F" gives "prn-3f", "prn", "3f"; 打印机 gives 打印, 印机; a single Han character gives
    itself. English stop words are dropped, a token is cut at MAX_TOKEN_CHARS. As good as a dictionary (jieba) in every
    measurement made for Chinese: decisions/0003.
    """
    found: list[str] = []
    for match in _TOKEN.finditer(normalise(text)):
        token = match.group()
        if _HAN_CHAR.match(token):
            found.extend([token] if len(token) == 1 else [token[i : i + 2] for i in range(len(token) - 1)])
            if characters and len(token) > 1:
                found.extend(char for char in token if char not in _MUTE_ZH)
            continue
        token = token[:MAX_TOKEN_CHARS]
        if token in _STOP_EN:
            continue
        if token.isalnum():
            found.append(stem(token))
            continue
        found.append(token)
        found.extend(stem(part) for part in _PART.findall(token) if len(part) > 1 and part not in _STOP_EN)
    return found


def query_tokens(text: str, limit: int = 64) -> list[str]:
    """Distinct tokens of a question without Chinese function characters, at most `limit`, in order of appearance."""
    return list((_known_query_tokens if len(text) <= _SHORT else _query_tokens)(text, limit))


def search_tokens(text: str, limit: int = 128) -> list[str]:
    """As `query_tokens`, with the single Han characters: what chunks are looked up by."""
    return list((_known_search_tokens if len(text) <= _SHORT else _search_tokens)(text, limit))


def _query_tokens(text: str, limit: int, characters: bool = False) -> tuple[str, ...]:
    return tuple(dict.fromkeys(token for token in tokens(text, characters=characters) if token not in _STOP_ZH))[:limit]


def _search_tokens(text: str, limit: int) -> tuple[str, ...]:
    return _query_tokens(text, limit, characters=True)


_SHORT = 500  # characters of a question or a title: these are asked for again and again
_known_query_tokens = lru_cache(maxsize=4096)(_query_tokens)
_known_search_tokens = lru_cache(maxsize=1024)(_search_tokens)


@lru_cache(maxsize=65536)  # asked of every token of every question and quotation, and words come back
def is_identifier(token: str) -> bool:
    """Whether a token names one thing (an error code, a version, a path): has a digit, or a mark that words do not have.

    "prn-3f", "v2.1", "etc/hosts" and "c++" do; "e-mail" and "don't" are words.
    """
    return any(char.isdigit() for char in token) or any(mark in token for mark in "._/:@+#")


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a sentence or word end, with "…" when something was cut."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    ends = [m.end() for m in _SENTENCE_END.finditer(head)]
    if ends and ends[-1] > limit * 0.5:
        return head[: ends[-1]].rstrip() + "…"
    cut = head.rfind(" ")
    return (head[:cut] if cut > limit * 0.6 else head).rstrip() + "…"
