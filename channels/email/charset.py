"""Bytes of a mail as text: what the label says where that can be right, and what the bytes say where it cannot."""

from __future__ import annotations

import codecs
import encodings.aliases
import re

from charset_normalizer import from_bytes

_SAMPLE_BYTES = 16_384  # of text without a usable label: enough to tell its script
# Python knows codecs that are no character set, some of them slow or able to make anything of anything.
_NOT_CHARSETS = {
    "base64_codec", "bz2_codec", "hex_codec", "idna", "mbcs", "oem", "palmos", "punycode", "quopri_codec", "raw_unicode_escape",
    "rot_13", "undefined", "unicode_escape", "uu_codec", "zlib_codec",
}  # fmt: skip
_GB = ("gb2312 gbk gb_2312_80 gb2312_80 euc_cn euccn eucgb2312_cn csgb2312 x_gbk x_gb2312 936 cp936 ms936 chinese iso_ir_58 "
       "csiso58gb231280 gb18030 gb18030_2000 gb18030_2005 gb_18030 gbk2312 utf_gb2312").split()  # fmt: skip
_OWN_ALIASES = {
    **dict.fromkeys(_GB, "gb18030"),
    **dict.fromkeys(("big5", "big5_eten", "cn_big5", "csbig5", "x_x_big5", "big5_tw", "big_5"), "cp950"),
    **dict.fromkeys(("ks_c_5601_1987", "ks_c_5601_1989", "ks_c_5601", "ksc5601", "ksc_5601", "korean", "euc_kr", "euckr",
                     "iso_ir_149", "windows_949", "csksc56011987", "cseuckr", "x_windows_949"), "cp949"),
    **dict.fromkeys(("shift_jis", "shiftjis", "sjis", "x_sjis", "s_jis", "ms_kanji", "csshiftjis", "windows_31j"), "cp932"),
    **dict.fromkeys(("iso_2022_jp", "iso2022_jp", "csiso2022jp", "iso2022jp", "iso_2022_jp_ms", "cp50220", "cp50221",
                     "iso_2022_jp_1", "iso_2022_jp_2", "iso_2022_jp_3"), "iso2022_jp_ext"),
    **dict.fromkeys(("iso_8859_1", "iso8859_1", "latin_1", "latin1", "l1", "8859", "cp819", "iso_ir_100"), "cp1252"),
    **dict.fromkeys(("us_ascii", "ascii", "ansi_x3.4_1968", "ansi_x3_4_1968", "iso646_us", "646", "7bit", "8bit"), "ascii"),
    **dict.fromkeys(("utf8", "utf_8", "utf8mb4", "utf_8_mac", "unicode_1_1_utf_8", "utf", "utf_8_sig"), "utf_8"),
    **dict.fromkeys(("utf_7", "utf7", "unicode_1_1_utf_7", "unicode_2_0_utf_7"), "utf_7"),
    "iso_8859_8_i": "iso8859_8", "iso_8859_8_e": "iso8859_8", "iso_8859_6_i": "iso8859_6", "iso_8859_9": "cp1254",
    "iso_8859_11": "cp874", "tis_620": "cp874", "x_mac_roman": "mac_roman", "macintosh": "mac_roman", "koi8": "koi8_r",
    "hz_gb_2312": "hz", "ucs_2": "utf_16", "unicode": "utf_16",
}  # fmt: skip
_CODECS = {
    **{name: name for name in set(encodings.aliases.aliases.values()) - _NOT_CHARSETS},
    **{alias: name for alias, name in encodings.aliases.aliases.items() if name not in _NOT_CHARSETS},
    **_OWN_ALIASES,
}
_WINDOWS = re.compile(r"(?:x_)?(?:windows|cp|win|ibm|ms|x_cp)_?(\d{3,5})")
_ISO_8859 = re.compile(r"(?:x_)?iso_?8859_?(\d{1,2})")
_EAST_ASIAN = frozenset({"gb18030", "cp950", "cp949", "cp932", "euc_jp", "hz", "big5hkscs"})
_SEVEN_BIT = frozenset({"iso2022_jp_ext", "iso2022_kr", "hz", "utf_7"})
_GUESSED = ["big5", "cp950", "cp949", "euc_jp", "cp932", "gb18030", "cp1251", "koi8_r", "cp1252", "cp1250", "cp1253",
            "cp1254", "cp1255", "cp1256", "cp874"]  # fmt: skip
_NEXT_BEST = {"cp950": "big5hkscs", "euc_jp": "euc_jisx0213", "cp932": "shift_jisx0213", "cp1252": "latin_1"}
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_JIS_SECTION = re.compile(rb"\x1b(\$[@B]|\$\([DQ]|\([BJI])([^\x1b]*)")
_BAD = re.compile("[\x00\ud800-\udfff]")
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def codec_of(label: str) -> str:
    """The name of Python's codec for a mail's charset label; "" for one nobody knows ("x-unknown", "default")."""
    key = re.sub(r"[^a-z0-9.]+", "_", label.strip().strip("'\"").lower()).strip("_")[:40]
    if key in _CODECS:
        return _CODECS[key]
    if found := _WINDOWS.match(key) or _ISO_8859.match(key):
        key = ("cp" if found.re is _WINDOWS else "iso8859_") + found[1]
        return _CODECS.get(key, "")
    return ""


def decode(data: bytes, label: str = "", hint: str = "") -> tuple[str, bool]:
    """(text, whether something had to be mended) of bytes with the charset `label`.

    hint: a charset to try where there is no label, such as the body's for a header. The text is valid Unicode
    without NUL. Measured for short text without a label: UTF-8 first, GB18030 where it looks Chinese, then
    charset-normalizer, which takes short Western text for cp1250, and last cp1252.
    """
    codec = _by_mark(data) or codec_of(label)
    if codec in ("", "ascii", "utf_8"):
        return _unlabelled(data, codec, hint)
    text = _strictly(data, "utf_8") if codec not in _SEVEN_BIT and not codec.startswith("utf_") else None
    if text is not None and (text.isascii() or _is_rather_utf8(text, data, codec)):
        return tidy(text), not text.isascii()
    if codec == "cp1252" and _looks_chinese(data):
        return tidy(data.decode("gb18030", "replace")), True
    for name in (codec, _NEXT_BEST.get(codec, "")):
        if name and (text := _strictly(data, name)) is not None:
            return tidy(text), False
    if codec == "iso2022_jp_ext":
        return tidy(_lenient_jis(data)), True
    return tidy(data.decode(codec, "replace")), True


def charset_in_html(data: bytes) -> str:
    """The charset an HTML page names in its <meta>, "" for none. Looks at its first 4 KB."""
    found = _META.search(data[:4096])
    return found[1].decode("ascii") if found else ""


def tidy(text: str) -> str:
    """The text without NUL and lone surrogates."""
    return _BAD.sub("", text) if _BAD.search(text) else text


def one_line(text: str) -> str:
    """The text on one line: every run of blanks, line ends and control characters is one blank.

    Marks that turn the direction of what follows are taken out: on a line of its own they only disguise.
    """
    return _DIRECTIONS.sub("", _SPACES.sub(" ", tidy(text))).strip()


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _by_mark(data: bytes) -> str:
    """The codec that a byte order mark names."""
    if data.startswith(codecs.BOM_UTF8):
        return "utf_8_sig"
    return "utf_16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and len(data) % 2 == 0 else ""


def _unlabelled(data: bytes, codec: str, hint: str) -> tuple[str, bool]:
    """As `decode`, where the label is missing, unknown, ASCII or UTF-8."""
    text = _strictly(data, "utf_8")
    if text is not None:
        return tidy(text), False
    if (named := codec_of(hint)) not in ("", "ascii", "utf_8") and (text := _strictly(data, named)) is not None:
        return tidy(text), True
    try:  # UTF-8 made from UTF-16 character by character, as some databases do
        halves = data.decode("utf_8", "surrogatepass").encode("utf_16", "surrogatepass")
        return tidy(halves.decode("utf_16", "ignore")), True
    except UnicodeError:
        almost = data.decode("utf_8", "replace")
    # A few bytes cut off or damaged in long UTF-8 leave the rest readable: no reason to read it as something else.
    if almost.count("\ufffd") * 10 < sum(1 for byte in data[:_SAMPLE_BYTES] if byte > 127):
        return tidy(almost), True
    return tidy(data.decode(_guess(data), "replace")), True


def _guess(data: bytes) -> str:
    """The codec of 8-bit text that is no UTF-8 and says nothing of itself."""
    if _looks_chinese(data):
        return "gb18030"
    sample = data[:_SAMPLE_BYTES]
    if len(data) > len(sample):  # not in the middle of a character
        sample = sample[: max(sample.rfind(b"\n"), sample.rfind(b" ")) + 1] or sample
    if sum(1 for byte in sample if byte > 127) * 5 > len(sample) > 20:
        try:
            best = from_bytes(sample, cp_isolation=_GUESSED).best()
        except (UnicodeError, LookupError, ValueError):
            best = None
        if best is not None and codec_of(best.encoding):
            return codec_of(best.encoding)
    return "cp1252"


def _looks_chinese(data: bytes) -> bool:
    """Whether the 8-bit bytes come in the pairs of GB2312, most of them everyday characters.

    Western text has single such bytes among ASCII; Big5 and Shift-JIS pairs end in ASCII. Japanese EUC would pass but
    for its kana, and Korean EUC but for the everyday characters of Chinese, which sit below 0xC9 less often.
    """
    runs = re.findall(rb"[\x80-\xff]+", data[:_SAMPLE_BYTES])
    if len(data) > _SAMPLE_BYTES and runs:
        runs.pop()  # may be cut in the middle of a pair
    pairs = [run[i : i + 2] for run in runs for i in range(0, len(run) - 1, 2)]
    if len(pairs) < 2 or any(len(run) % 2 for run in runs):
        return False
    everyday = sum(1 for a, b in pairs if b > 0xA0 and (0xB0 <= a <= 0xD7 or 0xA1 <= a <= 0xA3))
    kana = sum(1 for a, _ in pairs if a in (0xA4, 0xA5))
    if everyday < len(pairs) * 0.8 or kana * 10 > len(pairs):
        return False
    korean = sum(1 for a, _ in pairs if 0xB0 <= a <= 0xC8)
    return len(pairs) < 12 or korean < len(pairs) * 0.9


def _is_rather_utf8(text: str, data: bytes, codec: str) -> bool:
    """Whether bytes that are valid UTF-8 are that, against their label.

    Two bytes of GB2312 or Big5 can pass for one accented or Greek letter, so East Asian labels are overruled only by
    characters of three bytes, which mean little by chance, or when the label does not fit at all.
    """
    if codec not in _EAST_ASIAN:
        return True
    letters = [char for char in text[:_SAMPLE_BYTES] if char > "\x7f"]
    return sum(1 for char in letters if char >= "\u0800") * 2 > len(letters) or _strictly(data, codec) is None


def _lenient_jis(data: bytes) -> str:
    """ISO-2022-JP as Windows writes it (①, ㈱ and other characters outside the standard), bad bytes replaced."""
    found = [data[: data.find(b"\x1b") if b"\x1b" in data else len(data)].decode("ascii", "replace")]
    for section in _JIS_SECTION.finditer(data):
        kind, content = section[1], section[2]
        if kind.startswith(b"$"):
            found.append(_shifted(content).decode("cp932", "replace"))
        else:
            high = bytes(byte | 0x80 for byte in content) if kind == b"(I" else content
            found.append(high.decode("cp932", "replace"))
    return "".join(found)


def _shifted(jis: bytes) -> bytes:
    """Pairs of JIS X 0208 as Shift-JIS. Line ends between the pairs stay."""
    out = bytearray()
    i = 0
    while i < len(jis):
        a, b = jis[i], jis[i + 1] if i + 1 < len(jis) else 0
        if not (0x21 <= a <= 0x7E and 0x21 <= b <= 0x7E):
            out.append(a)
            i += 1
            continue
        lead = (a + 1) // 2 + (0x70 if a <= 0x5E else 0xB0)
        out += bytes((lead, b + 0x1F + (b >= 0x60) if a % 2 else b + 0x7E))
        i += 2
    return bytes(out)
