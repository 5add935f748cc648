"""A customer's mail that somebody passes on with `@fwd` alone on the first line: who wrote it, when, and what.

Nothing here is proof: a forwarded header is text that anybody can write.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from channels.email import quote_marks as marks
from channels.email.accounts import is_address
from channels.email.compose import one_line
from channels.email.dates import read_date
from channels.email.models import Address, Mail
from channels.email.quote_marks import Role
from channels.email.quotes import split_reply
from channels.email.signatures import cut_signature

MARKS = ("@fwd", "@转发")
_MARK = re.compile(r"\s*[@＠]\s?(?:fwd|转发|轉發|轉寄)\s*", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_LINK = re.compile(
    r"href\s?=\s?[\"']?mailto:([^\"'?>\s]{3,320})[^<>]{0,300}>(?:\s|<[^<>]{0,200}>){0,5}([^<>]{1,200})<", re.I
)
_QUOTE = re.compile(r"^\s{0,3}> ?")
_MAX_LINES, _MAX_HEADER_LINES = 400, 30  # looked at for the header; of one
_FOLDED = frozenset({Role.FROM, Role.TO, Role.COPY, Role.SUBJECT})


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The mail that was passed on."""

    sender: Address  # as the forward says
    subject: str
    date: datetime | None
    text: str  # what its sender wrote, without what that quotes in turn
    message_id: str = ""  # of a mail that is enclosed; forwards in the text do not name it
    comment: str = ""  # what the one who passes it on says about it


def asks_to_forward(mail: Mail) -> bool:
    """Whether `@fwd` stands alone on the first line that is not empty."""
    first = next((line for line in mail.text[:2000].splitlines() if line.strip()), "")
    return _MARK.fullmatch(first) is not None


def read_forward(mail: Mail, zone: tzinfo) -> Forwarded | None:
    """The mail that is passed on, in the text or enclosed; None when it cannot be told who wrote it.

    zone: of dates that name none.
    """
    lines = mail.text.replace("\u00a0", " ").splitlines()
    start = next((at for at, line in enumerate(lines) if line.strip()), 0) + 1
    for at in range(start, min(len(lines), start + _MAX_LINES)):
        header, end, quoted = _header(lines, at)
        if header:
            sender = _sender(header[Role.FROM], mail.html)
            rest = [_QUOTE.sub("", line) if quoted else line for line in lines[end:]]
            if sender is None:
                return None
            return Forwarded(
                sender, one_line(header.get(Role.SUBJECT, ""), 300), read_date(header.get(Role.DATE, ""), zone),
                _own_text("\n".join(rest)), comment=_comment(lines[start:at]),
            )  # fmt: skip
    return _enclosed(mail, _comment(lines[start:]))


def _enclosed(mail: Mail, comment: str) -> Forwarded | None:
    first = mail.enclosed[0] if mail.enclosed else None
    if first is None or first.sender is None or not is_address(first.sender.address):
        return None
    sender = Address(first.sender.name, first.sender.address.lower())
    return Forwarded(sender, first.subject, first.date, _own_text(first.text), first.message_id, comment)


def _header(lines: Sequence[str], at: int) -> tuple[dict[Role, str], int, bool]:
    """The header that begins at this line, where it ends, and whether it is quoted; an empty one when none begins here."""
    quoted = _QUOTE.match(lines[at]) is not None
    found: dict[Role, str] = {}
    last: Role | None = None
    end = at
    for i in range(at, min(len(lines), at + _MAX_HEADER_LINES)):
        line = _QUOTE.sub("", lines[i]) if quoted else lines[i]
        read = marks.header_of(line)
        if read is not None and (read[0] not in found or read[0] is Role.OTHER):
            last, found[read[0]], end = read[0], read[1], i + 1
        elif not line.strip():
            if end == at or i - end >= 2:  # programs that write HTML leave one line free between two
                break
        elif read is None and last in _FOLDED and i == end and (line[0] in " \t" or not found[last]):
            found[last], end = f"{found[last]} {line.strip()}".strip(), i + 1
        else:
            break
    is_one = Role.FROM in found and len(set(found) & {Role.DATE, Role.TO, Role.SUBJECT}) >= 2
    return (found, end, quoted) if is_one else ({}, at, quoted)


def _sender(value: str, page: str) -> Address | None:
    """Whom a From line names, if it names one address alone. page: the HTML, where some programs have it in a link only."""
    plain = value.replace("mailto:", " ")
    addresses = {one.strip("'").lower().rstrip(".") for one in _ADDRESS.findall(plain)}
    name = re.split(r"[<(\[（【]", _ADDRESS.sub("<", plain), maxsplit=1)[0].strip(" \t\"'“”;；,，")
    if not addresses and name:
        links = ((found[1], html.unescape(found[2]).strip(" \t\"'“”")) for found in _LINK.finditer(page[:400_000]))
        addresses = {html.unescape(link).lower() for link, label in links if label == name}
    if len(addresses) != 1:
        return None
    [address] = addresses
    return Address(one_line(name, 100), address) if is_address(address) else None


def _own_text(text: str) -> str:
    return split_reply(text).text.strip() or text.strip()


def _comment(lines: Sequence[str]) -> str:
    """What is said above the forwarded mail, without the line that introduces it and without a signature."""
    introduces = (marks.divider, marks.is_rule, marks.is_bare_original)
    own = [line for line in lines if not marks.QUOTED.match(line) and not any(tells(line) for tells in introduces)]
    body, _ = cut_signature(own, followed=True)
    return "\n".join(body).strip()
