"""Personal data: found and masked. Mainland-China and international forms, full-width digits too.

Look-arounds instead of word boundaries: a boundary never matches between a digit and a Han character.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class PiiKind(StrEnum):
    ID_CARD = "id_card"
    BANK_CARD = "bank_card"
    IBAN = "iban"
    MOBILE = "mobile"
    PHONE = "phone"
    EMAIL = "email"
    PASSPORT = "passport"


@dataclass(frozen=True, slots=True)
class Finding:
    kind: PiiKind
    start: int  # characters, in the text given
    end: int


# What says nothing by itself (an error code looks like a passport) is taken with one of these words before it.
_CARD_CONTEXT = re.compile(r"卡号|银行卡|信用卡|card|account", re.IGNORECASE)
_PASSPORT_CONTEXT = re.compile(r"护照|passport", re.IGNORECASE)
_PATTERNS = (
    (PiiKind.EMAIL, re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)),
    (PiiKind.ID_CARD, re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])")),
    (
        PiiKind.IBAN,
        re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z])"),
    ),
    (PiiKind.BANK_CARD, re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])")),
    (PiiKind.MOBILE, re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)")),
    (
        PiiKind.PHONE,
        re.compile(
            r"(?<![\d-])(?:\(0\d{2,3}\)[- ]?\d{7,8}|0\d{2,3}[- ]\d{7,8}"
            r"|\+\d{1,3}[ -]?\(?\d{1,4}\)?(?:[ -]?\d{2,4}){2,4})(?![\d-])"
        ),
    ),
    (PiiKind.PASSPORT, re.compile(r"(?<![0-9A-Za-z])(?:[A-Z]{1,2}\d{7,8}|\d{9})(?![0-9A-Za-z])")),
)


def find_pii(text: str) -> list[Finding]:
    """Personal data in `text`, in order, not overlapping. Offsets are characters of the text as given."""
    folded = "".join(_fold(char) for char in text)
    taken: list[Finding] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(folded):
            if _is_valid(kind, match.group(), folded[max(0, match.start() - 20) : match.start()]) and not any(
                match.start() < other.end and other.start < match.end() for other in taken
            ):
                taken.append(Finding(kind, match.start(), match.end()))
    return sorted(taken, key=lambda finding: finding.start)


def mask(text: str) -> str:
    """`text` with each piece of personal data replaced by its kind, as in "[mobile]"."""
    pieces, at = [], 0
    for finding in find_pii(text):
        pieces += [text[at : finding.start], f"[{finding.kind}]"]
        at = finding.end
    return "".join([*pieces, text[at:]])


def _fold(char: str) -> str:
    """One character to one character, so that offsets hold: full-width digits and letters become half-width."""
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) == 1 else char


def _is_valid(kind: PiiKind, value: str, before: str) -> bool:
    digits = re.sub(r"\D", "", value)
    if kind is PiiKind.ID_CARD:
        return _id_card_checks(value.upper())
    if kind is PiiKind.BANK_CARD:
        return _luhn(digits) and (digits[:2] in _CARD_PREFIXES or _CARD_CONTEXT.search(before) is not None)
    if kind is PiiKind.IBAN:
        return _iban_checks(value.replace(" ", ""))
    if kind is PiiKind.PASSPORT:
        return _PASSPORT_CONTEXT.search(before) is not None
    return True


_CARD_PREFIXES = frozenset({"62", *(f"4{n}" for n in range(10)), "51", "52", "53", "54", "55", "34", "37"})


def _id_card_checks(value: str) -> bool:
    """GB 11643: a real birth date and the ISO 7064 mod 11-2 check character."""
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(value[:17], weights, strict=True))
    return "10X98765432"[total % 11] == value[17]


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _iban_checks(value: str) -> bool:
    moved = value[4:] + value[:4]
    return len(value) >= 15 and int("".join(str(int(char, 36)) for char in moved)) % 97 == 1
