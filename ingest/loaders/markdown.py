"""Markdown of many dialects, reduced to the plain kind: what a site generator would have acted upon is gone or said."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from ingest.loaders.html import fragment_to_text
from ingest.loaders.markup import link, title_of, word_set
from ingest.loaders.text import decode
from ingest.models import Limits, Raw

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^([ \t>]*)(`{3,}|~{3,})(.*)$")
# Every open-ended run below has a bound: a file of nothing but openings must not cost the square of its length.
_RAW_BLOCKS = tuple(
    (re.compile(rf"<{name}\b", re.IGNORECASE), re.compile(rf"</{name}\s*>", re.IGNORECASE))
    for name in ("script", "style", "svg", "iframe", "video")
)
_COMMENT = (re.compile("<!--"), re.compile("-->"))
_TABLE = (re.compile(r"^[ \t]*<table\b", re.IGNORECASE | re.MULTILINE), re.compile(r"</table\s*>", re.IGNORECASE))
_SHORTCODE = re.compile(r"\{\{[<%]\s{0,9}(/?)\s{0,9}([\w./-]{0,60})([^{}]{0,500}?)/?\s{0,9}[>%]\}\}", re.DOTALL)
_LIQUID = re.compile(r"\{%[^{}]{0,500}?%\}")
_NAMED = re.compile(r"\b(?:name|label|title|header|text)\s*[=:]\s*(?:\"([^\"]*)\"|'([^']*)')")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_DOCFX_IMAGE = re.compile(r":::image\b[^\n]{0,1000}?:::")
_TRIPLE_COLON = re.compile(r"^([ \t>]*):{3,}[ \t]*([\w-]*)(.*)$")
_ALERT = re.compile(r"^([ \t>]*>[ \t]*)\[!\s*(\w+)([^\]]*)\][ \t]*(.*)$")
_BARE_DIRECTIVE = re.compile(r"\[!(?:INCLUDE|VIDEO)\b[^\[\]]*(?:\[[^\]]*\](?:\([^)]*\))?)?[^\[\]]*\]", re.IGNORECASE)
_TAB_HEADING = re.compile(r"^(#{1,6})[ \t]+\[([^\]]+)\]\(#tab/[^)]*\)[ \t]*$")
_HEADING = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?[ \t]*$")
_ANCHOR = re.compile(r"[ \t]*\{#[^}]*\}[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_RULE = re.compile(r"^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
_DEFINITION = re.compile(r"^ {0,3}\[([^\]^]+)\]:[ \t]*<?(\S+?)>?(?:[ \t]+[\"'(].*[\"')])?[ \t]*$")
_IMAGE = re.compile(r"!\[([^\[\]]{0,500})\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])(?:\{[^}]*\})?")
_LINKED_IMAGE = re.compile(r"\[\s{0,9}(!\[[^\[\]]{0,500}\]\([^()]{0,500}\))\s{0,9}\]\([^()]{0,500}\)")
_LINK = re.compile(
    r"(?<!\\)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?([^()\s>]*(?:\([^()\s]*\)[^()\s>]*)*)>?"
    r"(?:\s+[\"'(][^)\n]{0,300}?[\"')])?\s*\)(?:\{[^}]*\})?"
)
_REFERENCE = re.compile(r"(?<!\\)\[([^\[\]]+)\]\[([^\[\]]*)\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]+)>")
_TAG = re.compile(
    r"<(/?)([A-Za-z][\w.-]*)((?:\s+[\w:@-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|\{[^}]*\}|[^\s\"'>=<`]+))?)*)\s*(/?)>"
)
_CLOSING_TAG = re.compile(r"</([A-Za-z][\w.-]*)\s*>")
_ESCAPE = re.compile(r"\\([_>\[\]().!&*~{}+-])|\\<")
_CODE_SPAN = re.compile(r"(?<!`)(`{1,9})(?!`)(?:(?!\n\n).){1,800}?(?<!`)\1(?!`)", re.DOTALL)
_IMPORT = re.compile(r"^(?:import\s.+\sfrom\s+['\"].+['\"];?|import\s+['\"].+['\"];?|export\s+(?:const|default)\s.*)$")

_ALERTS = {
    "note": ("Note", "注意"), "tip": ("Tip", "提示"), "important": ("Important", "重要"), "info": ("Note", "说明"),
    "warning": ("Warning", "警告"), "caution": ("Caution", "小心"), "danger": ("Danger", "危险"),
    "error": ("Error", "错误"),
    "attention": ("Caution", "注意"), "hint": ("Tip", "提示"), "success": ("Tip", "提示"),
    "question": ("Question", "问题"),
}  # fmt: skip
_HTML_TAGS = word_set(
    "a abbr article aside b big blockquote body br button caption center cite code col colgroup dd del details "
    "dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins "
    "kbd label li link main mark meta nav ol p picture pre q rp rt ruby s samp section small source span strike "
    "strong sub summary sup svg table tbody td tfoot th thead title tr tt u ul var video wbr"
)
_ON_OWN_LINE = word_set("p div section article blockquote details center figure ul ol dl table tr tbody thead")
_HAN = re.compile("[\u4e00-\u9fff]")


def read(data: bytes, name: str, limits: Limits) -> Raw:
    """The text with plain headings, lists, tables and code; front matter becomes title and facts.

    Dropped: comments, images that stand alone, includes, raw HTML tags, shortcodes, component tags, rules. Kept as
    text: labels of tabs and folds, the kind of a note, words of relative links; absolute links keep their address.
    """
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    facts, body = _front_matter(text)
    plain = to_plain(body)
    return Raw(title_of(plain, facts.pop("title", "")), plain, facts)


def to_plain(text: str) -> str:
    """The body of a Markdown file, reduced. Code is never touched."""
    chinese = len(_HAN.findall(text[:4000])) > 40
    pieces, links = _split_code(text)
    closed = frozenset(name for is_code, piece in pieces if not is_code for name in _CLOSING_TAG.findall(piece))
    done = [piece if is_code else _reduce(piece, links, closed, chinese) for is_code, piece in pieces]
    return "\n".join(done)


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """What the YAML block says, as far as we use it, and the rest. Read line by line: no YAML tags, no surprises."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    found: dict[str, list[str]] = {}
    key = ""
    for line in match.group(1).split("\n"):
        pair = re.match(r"([\w.-]+):[ \t]*(.*)$", line)
        if pair:
            key = pair.group(1).lower()
            value = _scalar(pair.group(2))
            found[key] = [value] if value else []
        elif key and re.match(r"[ \t]+\S|-[ \t]", line):
            found[key].append(_scalar(re.sub(r"^[ \t]*(?:-[ \t]+)?", "", line)))
    if not found:
        return {}, text
    wanted = (
        ("title", "title", " "), ("description", "description", " "), ("summary", "description", " "),
        ("ms.date", "date", ""), ("date", "date", ""), ("last_update", "date", ""), ("lastmod", "date", ""),
        ("keywords", "keywords", ", "), ("tags", "keywords", ", "), ("appliesto", "applies_to", ", "),
        ("product", "product", ", "), ("products", "product", ", "), ("version", "version", ", "),
        ("versions", "version", ", "), ("package", "package", ", "), ("packages", "package", ", "),
        ("valid_from", "valid_from", ""), ("valid-from", "valid_from", ""), ("publishdate", "valid_from", ""),
        ("valid_until", "valid_until", ""), ("valid-until", "valid_until", ""), ("expirydate", "valid_until", ""),
    )  # fmt: skip
    facts: dict[str, str] = {}
    for source, target, joint in wanted:
        if found.get(source) and target not in facts:
            facts[target] = joint.join(found[source])
    return facts, text[match.end() :]


def _scalar(value: str) -> str:
    value = value.strip()
    if value in ("|", ">", "|-", ">-", "null", "~", "''", '""'):
        return ""
    if value[:1] == value[-1:] and value[:1] in ("'", '"') and len(value) > 1:
        return value[1:-1].replace("''", "'").replace('\\"', '"')
    if value.startswith("[") and value.endswith("]"):
        return ", ".join(part.strip().strip("'\"") for part in value[1:-1].split(",") if part.strip())
    return re.sub(r"\s+#.*$", "", value)


def _split_code(text: str) -> tuple[list[tuple[bool, str]], dict[str, str]]:
    """Fenced code and the text between, in order; and the link definitions, which are taken out."""
    pieces: list[tuple[bool, str]] = []
    links: dict[str, str] = {}
    current: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            current.append(line.rstrip())
            if mark and mark.group(2).startswith(fence) and not mark.group(3).strip():
                pieces.append((True, "\n".join(current)))
                current, fence = [], ""
        elif mark and "`" not in mark.group(3):
            pieces.append((False, "\n".join(current)))
            word = re.match(r"[\w+#.-]*", mark.group(3).strip().strip("{"))
            current, fence = [f"{mark.group(1)}{mark.group(2)}{word.group() if word else ''}"], mark.group(2)
        elif definition := _DEFINITION.match(line):
            links[definition.group(1).lower()] = definition.group(2)
        else:
            current.append(line)
    if fence:
        current.append(fence)  # an unclosed block would swallow whatever follows it
    pieces.append((bool(fence), "\n".join(current)))
    return [piece for piece in pieces if piece[0] or piece[1]], links


def _reduce(text: str, links: dict[str, str], closed: frozenset[str], chinese: bool) -> str:
    """Text between code blocks, reduced. Code spans are put aside meanwhile."""
    spans: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        spans.append(match.group())
        return f"\ue000{len(spans) - 1}\ue001"

    text = _replace_between(_CODE_SPAN.sub(put_aside, text.replace("\ue000", "")), *_COMMENT, lambda _: "")
    for opening, closing in _RAW_BLOCKS:
        text = _replace_between(text, opening, closing, lambda _: "")
    text = _replace_between(text, *_TABLE, lambda table: f"\n{fragment_to_text(table)}\n")
    text = _DOCFX_IMAGE.sub("", _LIQUID.sub("", _SHORTCODE.sub(_shortcode, text)))
    text = _BARE_DIRECTIVE.sub("", text)
    text = _tags(text, closed)
    lines = _lines(text.split("\n"), chinese)
    text = re.sub(r"\*{4}([^*\n]+)\*{4}", r"**\1**", _inline("\n".join(lines), links))
    return re.sub("\ue000(\\d+)\ue001", lambda m: spans[int(m.group(1))], text)


def _replace_between(text: str, opening: re.Pattern[str], closing: re.Pattern[str], turn: Callable[[str], str]) -> str:
    """`text` with every stretch from an opening to its closing replaced. An opening that is never closed stays."""
    out: list[str] = []
    at = 0
    while start := opening.search(text, at):
        end = closing.search(text, start.end())
        if end is None:
            break
        out.extend((text[at : start.start()], turn(text[start.start() : end.end()])))
        at = end.end()
    return "".join(out) + text[at:]


def _shortcode(match: re.Match[str]) -> str:
    closing, name, rest = match.groups()
    if closing or name in ("copyable", "include", "figure", "ref", "relref"):
        return ""
    label = _NAMED.search(rest)
    if not label and name.split("/")[-1] in ("tab", "tabitem", "expand", "details", "collapse"):
        label = _QUOTED.search(rest)
    return f"\n**{next(filter(None, label.groups()), '')}**\n" if label and any(label.groups()) else ""


def _tags(text: str, closed: frozenset[str]) -> str:
    """HTML and component tags turned into what they mean for a reader. A placeholder such as <user name> stays."""

    def turn(match: re.Match[str]) -> str:
        closing, name, attributes, self_closed = match.groups()
        lower = name.lower()
        if lower not in _HTML_TAGS:
            is_component = name[0].isupper() and (self_closed or name in closed or "=" in attributes)
            if not is_component:
                return match.group()
        label = None if closing else _NAMED.search(attributes)
        if label and lower not in ("a", "img", "input", "abbr", "th", "td", "iframe", "video", "source", "button"):
            return f"\n\n**{label.group(1) or label.group(2)}**\n\n"
        if lower == "br":
            return " " if _in_table(match) else "\n"
        if lower == "li":
            return "" if closing else "\n- "
        if lower in ("summary", "dt"):
            return "**\n" if closing else "\n**"
        if lower in ("strong", "b"):
            return "**"
        if re.fullmatch(r"h[1-6]", lower):
            return "\n" if closing else "\n" + "#" * int(lower[1]) + " "
        return "\n" if lower in _ON_OWN_LINE and not _in_table(match) else ""

    return _TAG.sub(turn, text)


def _in_table(match: re.Match[str]) -> bool:
    start = match.string.rfind("\n", max(0, match.start() - 4000), match.start()) + 1
    return match.string[start : start + 8].lstrip(" >").startswith("|")


def _lines(lines: list[str], chinese: bool) -> list[str]:
    """Line by line: directives, headings, notes, rules."""
    out: list[str] = []
    pending = ""  # "Note: " waiting for the first words of its note
    for line in lines:
        if colon := _TRIPLE_COLON.match(line):
            kind, rest = colon.group(2).lower(), colon.group(3).strip(" []{}")
            if kind in _ALERTS or kind in ("details", "tab", "code-group"):
                label = rest if rest and "=" not in rest else _ALERTS.get(kind, ("", ""))[chinese]
                out.extend([f"{colon.group(1)}**{label}**" if label else ""])
            continue
        if alert := _ALERT.match(line):
            kind = alert.group(2).lower()
            if kind in _ALERTS:
                pending = _ALERTS[kind][chinese] + ("：" if chinese else ": ")
            if alert.group(4):
                out.append(f"{alert.group(1)}{pending}{alert.group(4)}")
                pending = ""
            continue
        if pending and line.strip(" >"):
            mark = re.match(r"[ \t>]*", line)
            assert mark is not None
            line, pending = f"{mark.group()}{pending}{line[mark.end() :]}", ""
        if tab := _TAB_HEADING.match(line):
            out.extend(["", f"**{tab.group(2)}**"])
            continue
        if heading := _HEADING.match(line):
            words = _ANCHOR.sub("", re.sub(r"[ \t]+#+$", "", heading.group(2) or "")).strip()
            out.extend(["", f"{heading.group(1)} {words}", ""] if words else [""])
            continue
        if _is_underline(line, out):
            out[-1] = f"{'#' if '=' in line else '##'} {out[-1].strip()}"
            continue
        if _RULE.match(line) or _IMPORT.match(line):
            out.append("")
            continue
        if re.fullmatch(r"[ \t>]*(?:!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])(?:\{[^}]*\})?[ \t]*)+", line):
            continue
        out.append(line)
    return out


def _is_underline(line: str, before: list[str]) -> bool:
    """Whether a row of = or - makes the line before a heading, rather than being a rule or part of a table."""
    if not _UNDERLINE.match(line) or not before or not before[-1].strip():
        return False
    stands_alone = len(before) == 1 or not before[-2].strip()
    return stands_alone and not re.match(r"[ \t]*(?:[#>|*-]|\d+[.)])", before[-1]) and len(before[-1]) <= 120


def _inline(text: str, links: dict[str, str]) -> str:
    text = _IMAGE.sub(lambda m: m.group(1), _LINKED_IMAGE.sub(r"\1", text))
    text = _LINK.sub(lambda m: link(m.group(1), m.group(2)), text)
    text = _REFERENCE.sub(
        lambda m: (
            link(m.group(1), links[(m.group(2) or m.group(1)).lower()])
            if (m.group(2) or m.group(1)).lower() in links
            else m.group()
        ),
        text,
    )
    text = _AUTOLINK.sub(lambda m: m.group(1).removeprefix("mailto:"), text)
    return html.unescape(_ESCAPE.sub(lambda m: m.group()[1:], text))
