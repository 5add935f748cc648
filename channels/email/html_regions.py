"""Where mail programs put quotes and signatures in HTML, by the names and styles they give their elements.

Outlook puts "x_" before the names of a mail it answers, Gmail "m_…" and numbers: names are compared without.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from selectolax.lexbor import LexborNode

from channels.email import quote_marks as marks


class RegionKind(StrEnum):
    NONE = "none"
    QUOTE = "quote"
    ATTRIBUTION = "attribution"
    SIGNATURE = "signature"
    HISTORY = "history"  # this element and all after it


@dataclass(frozen=True, slots=True)
class Region:
    kind: RegionKind
    depth: int = 0  # how many quotes around


NO_REGION = Region(RegionKind.NONE)

_PREFIX = re.compile(r"^(?:x_|ecx|gmail-)*(?:m_-?\d+)?(?:x_|ecx)*")
# Elements that hold quoted text and nothing else. Compared with id and class, both without prefix.
_QUOTES = frozenset(
    "isreplycontent isforwardcontent reply139content origbody ntes-mailmaster-quote ntes_quote nui-mail-quote "
    "spneditorcontent alimail-quote alimail_quote __aliyun_previous_quote history-quote-wrapper yahoo_quoted "
    "protonmail_quote tutanota_quote skiff_quote qq_quote qmquote xmail_quote xm_quote foxmail_quote fmoriginalcontent "
    "msg-quote iosymail mail-editor-reference-message-container ms-outlook-mobile-reference-message includetail "
    "quoted-text previous-conversation hs_reply hs-reply-quote frontapp-quote front-blockquote".split()
)
_QUOTE_STARTS = ("lark-mail-quote", "yahoo_quoted", "__aliyun_previous", "hs_quote", "hubspot-quote")
_HISTORY = frozenset(
    "divrplyfwdmsg appendonsend olk_src_body_section outlookmessageheader stopspelling replysplit zwchr "
    "xm_mail_oringinal_describe xm_write_original hotmail_original".split()
)
_ATTRIBUTIONS = frozenset("gmail_attr moz-cite-prefix reply-intro".split())
_SIGNATURES = frozenset(
    "gmail_signature gmail_signature_prefix imail_signature ntes-signature signature signcontainer moz-signature "
    "moz-txt-sig protonmail_signature_block ms-outlook-mobile-signature xmail-signature xm_mail_sign qqmail_card_sign "
    "yahoo-signature mail-signature email-signature tutanota_signature skiff_signature alimail-signature neteasefooter".split()
)
_SIGNATURE_STARTS = ("lark-mail-signature", "__aliyun_signature", "zm-_id_-sgn", "ms-outlook-mobile-signature")
_COLOURS = r"#(?:e1e1e1|b5c4df)|rgb\((?:225, ?225, ?225|181, ?196, ?223|229, ?229, ?229)\)"
_OUTLOOK_LINE = re.compile(
    rf"border-top\s*:\s*(?:solid\s*(?:{_COLOURS})|(?:{_COLOURS})\s*[\d.]+p[tx]\s*solid|[\d.]+p[tx]\s*solid\s*(?:{_COLOURS}))|"
    rf"border-top-color\s*:\s*(?:{_COLOURS})",
    re.I,
)
_NO_BORDER = re.compile(r"border(?:-left)?\s*:\s*(?:none|0)", re.I)
_BAR = re.compile(r"border-left(?:-width|-style|-color)?\s*:\s*(?!none|0)", re.I)


class Regions:
    """Says of each element, in the order of the page, whether a region begins with it."""

    def __init__(self) -> None:
        self._after_card_line = False

    def begins(self, node: LexborNode, within: Region, last_line: Callable[[], str]) -> Region | None:
        """The region that begins here, or None. `last_line` gives the line laid out before."""
        kind = self._kind(node, last_line)
        if kind is None or within.kind is RegionKind.SIGNATURE:
            return None
        if within.kind is RegionKind.QUOTE:  # a quote in a quote; nothing else counts there
            return Region(RegionKind.QUOTE, within.depth + 1) if kind is RegionKind.QUOTE else None
        return Region(kind, int(kind is RegionKind.QUOTE))

    def _kind(self, node: LexborNode, last_line: Callable[[], str]) -> RegionKind | None:
        tag = node.tag
        if tag in ("html", "body", "td", "th", "tr", "tbody"):
            return None
        if tag == "blockquote":
            return _of_blockquote(node, last_line)
        if self._after_card_line and tag == "div":
            self._after_card_line = False
            return RegionKind.SIGNATURE
        if tag == "hr" and (node.attributes.get("color") or "").lower() == "#b5c4df":
            # Foxmail draws a short line of this colour above a signature
            self._after_card_line = "210px" in (node.attributes.get("style") or "")
        return _of_names(node) or _of_style(node)


def _names(node: LexborNode) -> list[str]:
    attributes = node.attributes
    found = f"{attributes.get('id') or ''} {attributes.get('class') or ''}".lower().split()[:20]
    return [_PREFIX.sub("", name) for name in found]


def _of_names(node: LexborNode) -> RegionKind | None:
    names = _names(node)
    names.append((node.tag or "").lower())
    if any(name in _HISTORY for name in names) or node.attributes.get("data-marker") == "__DIVIDER__":
        return RegionKind.HISTORY
    if any(name in _QUOTES or name.startswith(_QUOTE_STARTS) for name in names):
        return RegionKind.QUOTE
    if any(name in _ATTRIBUTIONS for name in names):
        return None if _has_divider(node) else RegionKind.ATTRIBUTION
    signs = any(name in _SIGNATURES or name.startswith(_SIGNATURE_STARTS) for name in names)
    return RegionKind.SIGNATURE if signs or node.attributes.get("data-signatureblock") == "true" else None


def _of_style(node: LexborNode) -> RegionKind | None:
    if node.tag != "div" or not _OUTLOOK_LINE.search(node.attributes.get("style") or ""):
        return None
    first = " ".join(node.text(separator=" ").split())[: marks.MAX_LINE]
    return RegionKind.HISTORY if marks.header_of(first) else None


def _of_blockquote(node: LexborNode, last_line: Callable[[], str]) -> RegionKind | None:
    """Quotes, not indented paragraphs: Gmail writes those as blockquotes without a border."""
    style = node.attributes.get("style") or ""
    names = _names(node)
    cited = (node.attributes.get("type") or "").lower() == "cite" or node.attributes.get("cite") is not None
    if cited or "gmail_quote" in names or any(name in _QUOTES for name in names) or _BAR.search(style):
        return RegionKind.QUOTE
    if _NO_BORDER.search(style):
        return None
    return RegionKind.QUOTE if marks.ends_attribution(last_line()) else None


def _has_divider(node: LexborNode) -> bool:
    """Whether the "attribution" is the header of a forwarded mail, which Gmail gives the same class."""
    return any(marks.divider(line) for line in node.text(separator="\n").split("\n")[:4])
