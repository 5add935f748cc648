"""Plain text, and the charset question that every text format shares."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from pathlib import PurePath

from ingest.models import Limits, Raw

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 64 * 1024
_KANA = re.compile(r"[\u3040-\u30ff]")
_HALF_KANA = re.compile(r"[\uff61-\uff9f]")
_NUMBERED = re.compile(r"^\d+[-_. ]+(?=\D)")


def read(data: bytes, name: str, limits: Limits) -> Raw:
    """Text as it is. A short first line that stands alone is the title."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    lines = text.split("\n", 2)
    first = lines[0].strip()
    stands_alone = len(lines) > 1 and not lines[1].strip()
    if (
        first
        and stands_alone
        and len(first) <= 60
        and first[-1] not in ".。,，;；:：!！?？"
        and first[0] not in "#-*|>`"
    ):
        return Raw(first, text)
    return Raw("", text)


def readable_stem(name: str) -> str:
    """A file name as a title: "03_reset-password.md" gives "reset password"."""
    stem = PurePath(name).stem
    return " ".join(_NUMBERED.sub("", stem).replace("_", " ").replace("-", " ").split()) or stem


def decode(data: bytes, declared: str = "") -> str:
    """Text of bytes in whatever charset: byte order mark, the declared one, UTF-8, GB18030, then a guess.

    Never raises: bytes that fit nothing become replacement characters.
    """
    for mark, charset in _BOMS:
        if data.startswith(mark):
            return data.decode(charset, "replace")
    if declared:
        found = _strict(data, _trusted(declared))
        if found is not None:
            return found
    found = _strict(data, "utf-8")
    if found is not None and "\0" not in found[:_SAMPLE_BYTES]:
        return found
    return data.decode(_guess(data), "replace")


def looks_wide(data: bytes) -> str:
    """ "utf-16-le", "utf-16-be", "utf-32-le" or "utf-32-be" when the NULs of unmarked bytes say so, else ""."""
    sample = data[:4096]
    if len(sample) < 4 or b"\0" not in sample:
        return ""
    shares = [sample[i::4].count(0) / max(1, len(sample[i::4])) for i in range(4)]
    if min(shares[2], shares[3]) > 0.9 and shares[0] < 0.1:
        return "utf-32-le"
    if min(shares[0], shares[1]) > 0.9 and shares[3] < 0.1:
        return "utf-32-be"
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 4 * even and odd > max(2, len(sample) * 0.01):
        return "utf-16-le"
    if even > 4 * odd and even > max(2, len(sample) * 0.01):
        return "utf-16-be"
    return ""


def _guess(data: bytes) -> str:
    wide = looks_wide(data)
    if wide:
        return wide
    if _strict(data, "utf-8") is not None:
        return "utf-8"
    sample = data[:_SAMPLE_BYTES]
    simplified, traditional = _strict(data, "gb18030"), _strict(data, "big5")
    shares = {
        "gb18030": _common_share(simplified, "gb2312"),
        "big5": _common_share(traditional, "big5"),
        "cp932": _japanese_share(sample),
    }
    likely = max(shares, key=lambda charset: shares[charset])
    if shares[likely] > (0.3 if likely == "cp932" else 0.7):
        return likely
    from charset_normalizer import from_bytes  # 30 ms, needed for the rare charsets only

    best = from_bytes(sample).best()
    if best is None:
        return "gb18030" if simplified is not None else "cp1252"
    # For short Western text the guess is a Central European page as often as not; Western is far more common.
    return "cp1252" if best.encoding in ("cp1250", "cp1257", "cp1254", "latin_1", "cp775") else best.encoding


def _strict(data: bytes, charset: str) -> str | None:
    try:
        return data.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return None


def _trusted(charset: str) -> str:
    """The charset a declaration means in practice: pages that say GB2312 use GBK characters, Latin-1 means cp1252."""
    name = charset.strip().lower().replace("_", "-")
    if name in ("gb2312", "gbk", "x-gbk", "cp936", "gb-2312"):
        return "gb18030"
    return "cp1252" if name in ("iso-8859-1", "latin1", "us-ascii", "ascii") else name


@lru_cache(maxsize=2)
def _common_characters(charset: str) -> frozenset[str]:
    """The frequent Chinese characters (level 1 of GB 2312 or of Big5) and the marks that go with them."""
    leads, trails = (
        (range(0xB0, 0xD8), range(0xA1, 0xFF)) if charset == "gb2312" else (range(0xA4, 0xC7), range(0x40, 0xFF))
    )
    level_one = b"".join(bytes((lead, trail)) for lead in leads for trail in trails)
    marks = "，。！？；：、（）《》“”‘’「」【】…—·￥％～\u3000①②③④⑤⑥⑦⑧⑨⑩℃×÷→√●■◆★"
    return frozenset(level_one.decode(charset, "ignore") + marks)


def _common_share(text: str | None, charset: str) -> float:
    foreign = [ch for ch in (text or "")[:_SAMPLE_BYTES] if ord(ch) > 127]
    common = _common_characters(charset)
    return sum(ch in common for ch in foreign) / len(foreign) if foreign else 0.0


def _japanese_share(sample: bytes) -> float:
    text = sample.decode("cp932", "replace")
    foreign = [ch for ch in text if ord(ch) > 127]
    if not foreign or text.count("\ufffd") > 2:
        return 0.0
    return (len(_KANA.findall(text)) - len(_HALF_KANA.findall(text))) / len(foreign)
