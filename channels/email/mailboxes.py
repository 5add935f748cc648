"""Who a mail is from and to: address lists, read strictly enough to build an identity on them.

An address is given only where there is one way to read it. Where two readers could differ (CVE-2023-27043, encoded
words in the address itself, text behind the brackets) it is "", and the name stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels.email.models import Address
from channels.email.words import decode_words

MAX_ADDRESSES = 200
_MAX_NAME_CHARS = 200
# Latin-1 stands for bytes here: above 0x7F are the parts of UTF-8 characters.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|\\.|[<>,;:()\\]|[^"<>,;:()\\]+', re.DOTALL)
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}")
_DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))*")
_ROUTE = re.compile(r"\s*@[^:<>]{1,200}:")
_AROUND_DOTS = re.compile(r"\s*([.@])\s*")
_ADDRESS_IN_NAME = re.compile(r"[^\s<>\"'()\[\],;:]{1,64}@[^\s<>\"'()\[\],;:]{1,255}")


@dataclass(slots=True)
class _Mailbox:
    """One entry of a list while it is read, as raw text."""

    before: list[str] = field(default_factory=list)  # outside of the brackets
    inside: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    has_at: bool = False  # an "@" outside of the brackets
    brackets: int = 0  # how many "<" there were
    closed: bool = False
    carried: bool = False  # begins with what stood before a comma
    confused: bool = False

    def is_empty(self) -> bool:
        return not (self.brackets or "".join(self.before).strip())


def addresses_of(values: list[bytes], hint: str = "") -> tuple[Address, ...]:
    """The mailboxes in the values of a header, in order, at most MAX_ADDRESSES. Groups give their members.

    A name without an address is kept with "". hint: the charset of the mail, for names that are not encoded.
    """
    found: list[Address] = []
    for value in values:
        entries = _entries(value.decode("latin-1"), MAX_ADDRESSES - len(found))
        found += [one for one in (_address(entry, hint) for entry in entries) if one.name or one.address]
    return tuple(found[:MAX_ADDRESSES])


def bare_address(text: str) -> str:
    """The address in a value that holds nothing else ("<a@b.example>"), "" where it is none."""
    entries = _entries(text.encode("utf-8", "replace").decode("latin-1"), 2)
    return _address(entries[0], "").address if len(entries) == 1 else ""


def _entries(text: str, limit: int) -> list[_Mailbox]:
    """The entries of one header, cut at commas and semicolons."""
    entries: list[_Mailbox] = []
    entry = _Mailbox()
    depth, groups = 0, False  # depth: of comments in comments
    for piece in _TOKEN.findall(text):
        if depth or piece in ("(", ")"):
            depth = _comment(entry, piece, depth)
        elif entry.brackets and not entry.closed:
            _inside(entry, piece)
        elif piece == "<":
            entry.brackets += 1
            entry.confused |= entry.brackets > 1
        elif piece in ",;":
            entry = _next(entries, entry, piece)
            if len(entries) >= limit:
                return entries
        elif piece == ":" and not (entry.brackets or entry.has_at):
            entry, groups = _Mailbox(), True  # what stood before is the name of a group
        else:
            entry.confused |= piece[0] in ">\\:" or _is_open_quote(piece) or (entry.closed and bool(piece.strip()))
            entry.has_at |= "@" in piece
            entry.before.append(piece)
    entry.confused |= depth > 0
    _next(entries, entry, ";")
    if not entries and entry.comments and not groups:
        entries.append(entry)  # nothing but a name in a comment
    return entries[:limit]


def _is_open_quote(piece: str) -> bool:
    return piece[0] == '"' and (len(piece) == 1 or piece[-1] != '"')


def _comment(entry: _Mailbox, piece: str, depth: int) -> int:
    """The depth of comments behind this piece."""
    if piece == ")":
        entry.confused |= depth == 0
        return max(0, depth - 1)
    if piece == "(":
        entry.comments.append(" ")
        return depth + 1
    entry.comments.append(piece)
    return depth


def _inside(entry: _Mailbox, piece: str) -> None:
    if piece == ">":
        entry.closed = True
    elif piece == "<":
        entry.confused = True
    else:
        entry.inside.append(piece)


def _next(entries: list[_Mailbox], entry: _Mailbox, separator: str) -> _Mailbox:
    """Puts `entry` into the list and returns the one to go on with.

    `Doe, John <john@...>` without quotes is one person: a part without an address belongs to the name behind it.
    """
    if entry.is_empty():
        return _Mailbox()
    words = "".join(entry.before)
    if separator == "," and not entry.brackets and not entry.has_at and not entry.confused and len(words) < 100:
        return _Mailbox(before=[words, ", "], carried=True)
    if entry.carried and not entry.brackets:  # no brackets came: they are two after all
        entries.append(_Mailbox(before=entry.before[:1]))
        entry.before = entry.before[2:]
    entries.append(entry)
    return _Mailbox()


def _address(entry: _Mailbox, hint: str) -> Address:
    words = "".join(entry.before).strip().strip(",").strip()
    if entry.brackets:
        spec, name = "".join(entry.inside), words
        unquoted = "".join(part for part in entry.before if not part.startswith('"'))
        named = _ADDRESS_IN_NAME.search(unquoted) if len(unquoted) < 1000 else None
        if named and named[0].strip("'").lower() != spec.strip().lower():
            return Address(_name(name, hint), "")
    else:
        spec, name = words, "".join(entry.comments)
    address = "" if entry.confused else _checked(spec)
    if not entry.brackets and not address:
        name = words or name
    elif not name:
        name = "".join(entry.comments)
    return Address(_name(name, hint), address)


def _name(raw: str, hint: str) -> str:
    text = raw.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = text[1:-1]
    text = re.sub(r"\\(.)", r"\1", text.replace('"', "")) if "\\" in text or '"' in text else text
    shown = decode_words(text.encode("latin-1", "replace"), hint).strip()
    if len(shown) > 1 and shown[0] == shown[-1] and shown[0] in "'\"":
        shown = shown[1:-1].strip()
    return shown[:_MAX_NAME_CHARS]


def _checked(spec: str) -> str:
    """local@domain as it can be mailed to, the domain in lower case and ASCII; "" where it is none."""
    spec = _ROUTE.sub("", spec, count=1).strip()
    if len(spec) > 1000 or "=?" in spec:  # an encoded word must not become an address: it would be another one
        return ""
    try:
        spec = _AROUND_DOTS.sub(r"\1", spec).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return ""
    local, at, domain = spec.rpartition("@")
    if local.startswith('"') and local.endswith('"') and len(local) > 2:
        local = local[1:-1]  # "john"@example.com is john@example.com; with anything that needs the quotes it is refused
    domain = domain.removesuffix(".")
    if not (at and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) and len(domain) <= 253):
        return ""
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return f"{local}@{domain.lower()}"
