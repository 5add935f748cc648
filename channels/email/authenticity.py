"""Whether a sender is who the mail says: only our own mail server's finding counts (Authentication-Results, RFC 8601).

Anybody can write such a header. Ours is the topmost one, and it names our server; everything else is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from channels.email.models import Address

_COMMENT = re.compile(r"\([^()]{0,500}\)")
_METHOD = re.compile(r"^\s*([a-z0-9-]+)(?:/\d+)?\s*=\s*([a-z]+)", re.IGNORECASE)
_PROPERTY = re.compile(r"\b((?:header|smtp|policy)\.[a-z0-9_-]+)\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.){0,500})\"")


class Verdict(StrEnum):
    """What our server found out about the address in From."""

    PASS = "pass"  # noqa: S105 - its domain vouches for the mail
    UNKNOWN = "unknown"  # nobody checked, or the domain says nothing about itself
    FAIL = "fail"  # its domain disowns the mail


def verdict(senders: Sequence[Address], results: Sequence[str], authserv_id: str) -> Verdict:
    """Whether From is to be believed. results: the Authentication-Results headers, topmost first.

    Several senders, or none, are nobody's word: UNKNOWN at best. Without an authserv_id nothing is believed.
    """
    if not authserv_id or not results:
        return Verdict.UNKNOWN
    head, _, rest = _plain(results[0][:10_000]).partition(";")
    if (head.split() or [""])[0].lower() != authserv_id.lower():
        return Verdict.UNKNOWN
    domain = senders[0].address.rpartition("@")[2] if len(senders) == 1 else ""
    found = [_result(part) for part in rest.split(";")]
    if any(method == "dmarc" and result in ("fail", "permerror") for method, result, _ in found):
        return Verdict.FAIL
    if not domain:
        return Verdict.UNKNOWN
    return Verdict.PASS if any(_vouches(domain, *one) for one in found) else Verdict.UNKNOWN


def _result(part: str) -> tuple[str, str, dict[str, str]]:
    named = _METHOD.match(part)
    if named is None:
        return "", "", {}
    return named[1].lower(), named[2].lower(), {name.lower(): value for name, value in _PROPERTY.findall(part)}


def _vouches(domain: str, method: str, result: str, said: dict[str, str]) -> bool:
    """Whether one passed check speaks for the domain in From (aligned, as DMARC calls it)."""
    if result != "pass":
        return False
    match method:
        case "dmarc":
            named = said.get("header.from", "")
            return not named or _related(named.rpartition("@")[2], domain)
        case "dkim":
            signer = said.get("header.d") or said.get("header.i", "").rpartition("@")[2]
            return _related(signer, domain)
        case "spf":
            return _related(said.get("smtp.mailfrom", "").rpartition("@")[2], domain)
    return False


def _related(one: str, other: str) -> bool:
    """Whether two domains are the same, or one lies below the other: neighbours under a suffix may be strangers."""
    one, other = one.lower().strip("."), other.lower().strip(".")
    return bool(one) and (one == other or one.endswith(f".{other}") or other.endswith(f".{one}"))


def _plain(header: str) -> str:
    """Without comments, and without anything in quotes that could pass for structure: the sender may have chosen it."""
    header = _QUOTED.sub(lambda found: re.sub(r"[;=()\s]", "_", found[1]), header)
    before = None
    while before != header:
        before, header = header, _COMMENT.sub(" ", header, count=20)
    return header
