"""What the sender of a mail wrote now, told apart from quoted history and signature.

A mail is read line by line: quoted lines ("> "), lines that say who wrote them, marks after which all is history, and
the sender's own lines. What is own and where it stands decides: an answer above or below the quote is given alone,
answers between quoted lines are given with the lines they answer, a forwarded mail is content. Nothing is ever lost:
what is not in the text is in `quoted` or `signature`, and a mail of nothing but quotes is given whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from channels.email import quote_marks as marks
from channels.email.phrases import ANSWERS_BELOW, ASKS, POINTS_BELOW
from channels.email.quote_marks import Role
from channels.email.signatures import cut_signature


@dataclass(frozen=True, slots=True)
class Reply:
    """The three parts of a mail. `text` is empty only if the mail is."""

    text: str  # what was written now
    quoted: str = ""  # history, with the lines that introduce it
    signature: str = ""  # signature, "sent from my phone", legal footer


class Kind(StrEnum):
    OWN = "own"
    QUOTE = "quote"
    ATTRIBUTION = "attribution"
    SIGNATURE = "signature"
    HISTORY = "history"


@dataclass(slots=True)
class _Part:
    kind: Kind
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_QQ_DIVIDER = re.compile(
    r"(?<=\S) (-{10,40} ?(?:原始邮件|Original) ?-{10,40}) "
)  # where line ends were lost on the way
_RAW_HEADER = re.compile(r"(?:Received|Return-Path|Message-ID|MIME-Version|DKIM-Signature|X-[\w-]{2,40})\s?:", re.I)
_MAX_ATTRIBUTION_LINES = 4
_MAX_HEADER_LINES = 30
_SHORT_FORWARD = 80  # characters: a longer note above a forwarded mail is what its sender wrote


def split_reply(text: str) -> Reply:
    """What was written now, what was quoted, and the signature; linear in the length of the text.

    Patterns and order are our own: `mail-parser-reply` and its likes know no Chinese mail program.
    """
    return split(text)[0]


def split(text: str) -> tuple[Reply, bool]:
    """As `split_reply`, and whether the mail was given whole, because nothing in it could be told apart."""
    whole = _normalised(text)
    parts = _scan(whole.split("\n"))
    history = parts.pop().lines if parts and parts[-1].kind is Kind.HISTORY else []
    quoted, signature = _take_tail(parts, has_history=bool(history))
    if not parts or _is_forward(parts, quoted, history) or _answers_in_history(parts, quoted, history):
        return Reply(_clean(whole)), True
    own, introduced, signed = _arrange(parts)
    text = _joined(own)
    quotes = [*introduced, *(one.text for one in quoted), "\n".join(history)]
    reply = Reply(_clean(text), _clean("\n".join(quotes)), _clean("\n".join([*signed, *signature])))
    return reply, not reply.quoted and not reply.signature


def _normalised(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("&nbsp;", " ")
    text = _INVISIBLE.sub("", text.replace("\u00a0", " "))
    return _QQ_DIVIDER.sub(r"\n\1\n", text)


def _clean(text: str) -> str:
    text = marks.OWN_MARKS.sub("", text)
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")


def _joined(parts: Sequence[_Part]) -> str:
    return "\n".join("\n".join(one.lines) for one in parts)


def _scan(lines: list[str]) -> list[_Part]:
    """The parts of the mail in order; HISTORY, if any, is the last one."""
    parts: list[_Part] = []
    at = 0
    while at < len(lines):
        kind, count = _kind_at(lines, at, parts)
        if parts and (parts[-1].kind is kind or not lines[at].strip()):
            parts[-1].lines += lines[at : at + count]
        else:
            parts.append(_Part(kind, lines[at : at + count]))
        at += count
    return parts


def _kind_at(lines: list[str], at: int, before: Sequence[_Part]) -> tuple[Kind, int]:
    line = lines[at]
    if not line.strip():
        return Kind.OWN, 1
    if line.startswith(marks.HISTORY):
        return Kind.HISTORY, len(lines) - at
    if line.startswith(marks.SIGNATURE):
        return Kind.SIGNATURE, 1
    if line.startswith(marks.ATTRIBUTION):
        return Kind.ATTRIBUTION, 1
    if marks.QUOTED.match(line):
        return Kind.QUOTE, 1
    if history_at(lines, at, _last_line(before)):
        return Kind.HISTORY, len(lines) - at
    count = _attribution_lines(lines, at)
    if count and _next_is_quoted(lines, at + count):
        return Kind.ATTRIBUTION, count
    if count and marks.convinces(" ".join(lines[at : at + count])):
        return Kind.HISTORY, len(lines) - at
    return Kind.OWN, 1


def _last_line(parts: Sequence[_Part]) -> str:
    if not parts or parts[-1].kind is not Kind.OWN:
        return ""
    return next((line.strip() for line in reversed(parts[-1].lines[-4:]) if line.strip()), "")


def history_at(lines: Sequence[str], at: int, line_before: str = "") -> str:
    """Why all from this line on is history: "original", "forwarded", "header"; "" when it is not.

    line_before: the sender's last line above; headers after "…：" are pasted by the sender, not put there by a program.
    """
    line = lines[at]
    said = marks.divider(line)
    if said in ("original", "forwarded"):
        return said
    if said == "other":
        words = line.strip(" -‐–—_=*>")
        if marks.ends_attribution(words) or (marks.MAIL.search(words) and marks.TIME.search(words)):
            return "original"
        return "original" if _header_below(lines, at + 1) else ""
    if marks.is_rule(line):
        return "header" if _header_below(lines, at + 1) else ""
    if marks.is_bare_original(line):
        return "original" if _header_below(lines, at + 1) else ""
    if marks.header_of(line) is None or line_before.endswith((":", "：")):
        return ""
    return "header" if _is_header(lines, at) and not _in_raw_header(lines, at) else ""


def _in_raw_header(lines: Sequence[str], at: int) -> bool:
    """Whether the sender pasted the full header of a mail, "Received:" and all: it is what the mail is about."""
    return any(_RAW_HEADER.match(line) for line in lines[max(0, at - 12) : at + 12])


def _header_below(lines: Sequence[str], at: int) -> bool:
    """Whether a header follows within four lines; below a divider two of its lines are enough."""
    for i in range(at, min(at + 4, len(lines))):
        if lines[i].strip():
            return marks.header_of(lines[i]) is not None and _is_header(lines, i, enough=2)
    return False


def _is_header(lines: Sequence[str], at: int, enough: int = 3) -> bool:
    """Whether the header of a mail begins here: who it is from, and `enough` of its lines in all."""
    if marks.roles_in(lines[at]) >= 3:
        return True
    found: dict[Role, str] = {}
    gap = 0
    for line in lines[at : at + _MAX_HEADER_LINES]:
        header = marks.header_of(line)
        if header is not None:
            if header[0] in found and header[0] in (Role.FROM, Role.SUBJECT):
                break
            found.setdefault(*header)
            gap = 0
        else:
            gap += 1
            if gap > (4 if Role.TO in found or Role.COPY in found else 2):
                break
    main = set(found) - {Role.COPY, Role.OTHER}
    if Role.FROM not in found or len(main) < 2:
        return False
    if len(main) >= enough and (enough == 2 or Role.SUBJECT in main):
        return True
    # without a subject it may be a journey or a parcel: "From: Lyon, To: Rome, Date: May 1"
    addressed = any(marks.MAIL.search(found.get(role, "")) for role in (Role.FROM, Role.TO))
    return addressed and (len(main) >= enough or marks.TIME.search(found.get(Role.DATE, "")) is not None)


def _attribution_lines(lines: Sequence[str], at: int) -> int:
    """How many lines from here on say who wrote what is quoted next; 0 if they do not."""
    if (marks.ends_attribution(lines[at]) or marks.tells_writer(lines[at])) and _next_is_quoted(lines, at + 1):
        return 1
    if not marks.starts_attribution(lines[at]):
        return 0
    joined = ""
    if not any(marks.may_end_attribution(line) for line in lines[at : at + _MAX_ATTRIBUTION_LINES]):
        return 0
    for count in range(1, _MAX_ATTRIBUTION_LINES + 1):
        if at + count > len(lines) or not lines[at + count - 1].strip():
            return 0
        line = lines[at + count - 1]
        if count > 1 and (marks.QUOTED.match(line) or len(joined) + len(line) > marks.MAX_LINE):
            return 0
        joined = f"{joined} {line.strip()}"
        if marks.ends_attribution(joined):
            return count
    return 0


def _next_is_quoted(lines: Sequence[str], at: int) -> bool:
    for i in range(at, min(at + 8, len(lines))):
        if lines[i].strip():
            return marks.QUOTED.match(lines[i]) is not None
    return False


def _take_tail(parts: list[_Part], *, has_history: bool) -> tuple[list[_Part], list[str]]:
    """Take quotes and signatures off the end; what is left ends with the sender's own words, or nothing is left."""
    quoted: list[_Part] = []
    signature: list[str] = []
    while parts:
        last = parts[-1]
        if last.kind in (Kind.QUOTE, Kind.ATTRIBUTION):
            quoted.insert(0, parts.pop())
            continue
        if last.kind is Kind.SIGNATURE:
            signature.insert(0, parts.pop().text)
            continue
        if quoted and not has_history and _is_pasted(last, quoted):
            parts += quoted
            return [], signature
        body, signed = cut_signature(last.lines, followed=has_history or bool(quoted))
        signature.insert(0, "\n".join(signed))
        if any(line.strip() for line in body):
            last.lines = body
            break
        parts.pop()
    return quoted, signature


def _is_pasted(own: _Part, quoted: Sequence[_Part]) -> bool:
    """Whether the "quote" is a line the sender marked: "it says:" and at most five lines nobody is named for."""
    last = next((line.strip() for line in reversed(own.lines) if line.strip()), "")
    if not last.endswith((":", "：")) or any(one.kind is Kind.ATTRIBUTION for one in quoted):
        return False
    return sum(1 for one in quoted for line in one.lines if line.strip(" >")) <= 5 and not marks.convinces(
        quoted[0].text[: marks.MAX_LINE]
    )


def _is_forward(parts: Sequence[_Part], quoted: Sequence[_Part], history: Sequence[str]) -> bool:
    """Whether the sender only passes on what stands below: it is the content then."""
    if any(one.kind is not Kind.OWN for one in parts) or not (quoted or history):
        return False
    own = _joined(parts).strip()
    if len(own) > _SHORT_FORWARD:
        return False
    if POINTS_BELOW.search(own):
        return True
    below = [line.lstrip("> ") for one in quoted for line in one.lines[:6]] + list(history[:6])
    return ASKS.search(own) is not None and any(marks.divider(line) == "forwarded" for line in below)


def _answers_in_history(parts: Sequence[_Part], quoted: Sequence[_Part], history: Sequence[str]) -> bool:
    """Whether the sender says that the answers are in the quoted text, in colour and without marks."""
    return bool(history or quoted) and ANSWERS_BELOW.search(_joined(parts)[:1000]) is not None


def _arrange(parts: Sequence[_Part]) -> tuple[list[_Part], list[str], list[str]]:
    """The parts to show, the texts of those that are only history, and of signatures in between."""
    signed = [one.text for one in parts if one.kind is Kind.SIGNATURE]
    parts = [one for one in parts if one.kind is not Kind.SIGNATURE]
    own = [one for one in parts if one.kind is Kind.OWN and one.text.strip()]
    if len(own) == 1 and parts[-1] is own[0]:  # the answer below the quote
        return own, [one.text for one in parts[:-1]], signed
    shown = [one for one in parts if one.kind is not Kind.ATTRIBUTION]
    return shown, [one.text for one in parts if one.kind is Kind.ATTRIBUTION], signed
