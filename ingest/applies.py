"""What a document says it applies to, or what the editor says for documents that do not say it themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from ingest.errors import NeverValid, NoDay, TooManyNames
from kb.applies import columns
from kb.models import Applies

MAX_NAMES = 200  # characters of all products, versions or packages together: an index holds them
_APART = re.compile(r"\s*[,;，；、|]\s*")
_NAMED = {"products": "product", "versions": "version", "packages": "package"}


def applies_from(meta: Mapping[str, str], given: Applies) -> Applies:
    """What a document applies to: each fact as the document says it, else as it was given for all of them.

    meta: "product", "version" and "package" are names separated by commas; "valid_from" and "valid_until" are days.
    Raises NoDay for what is no day, NeverValid when it ends before it begins, TooManyNames.
    """
    said = {column: names(meta.get(field, "")) for column, field in _NAMED.items()}
    return checked(
        Applies(
            said["products"] or given.products,
            said["versions"] or given.versions,
            said["packages"] or given.packages,
            day(meta.get("valid_from", ""), "valid_from") or given.valid_from,
            day(meta.get("valid_until", ""), "valid_until") or given.valid_until,
        )
    )


def checked(applies: Applies) -> Applies:
    """The same. Raises NeverValid or TooManyNames."""
    if applies.valid_from and applies.valid_until and applies.valid_until < applies.valid_from:
        raise NeverValid(valid_from=applies.valid_from, valid_until=applies.valid_until)
    kept = columns(applies)
    for column, field in _NAMED.items():
        if len(kept[column]) > MAX_NAMES:
            raise TooManyNames(field=field, limit=MAX_NAMES)
    return applies


def names(text: str) -> tuple[str, ...]:
    """The names in a list, each once."""
    return tuple(dict.fromkeys(name for part in _APART.split(text) if (name := " ".join(part.split()))))


def day(text: str, field: str) -> str:
    """A day as YYYY-MM-DD, from that or a moment on it ("2026-12-31T08:00:00Z"); empty for nothing. Raises NoDay."""
    text = text.strip()
    if not text:
        return ""
    try:
        return date.fromisoformat(re.split(r"[T ]", text)[0].replace("/", "-")).isoformat()
    except ValueError:
        raise NoDay(field=field, value=text[:40]) from None
