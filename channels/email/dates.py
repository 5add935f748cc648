"""The moment a mail program wrote into the text of a forward, in English or Chinese."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}  # fmt: skip
_NAME = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAYS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<year>(?:19|20)\d\d)\s?[-/年.]\s?(?P<month>\d{1,2})\s?[-/月.]\s?(?P<day>\d{1,2})",
        rf"\b{_NAME}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<year>(?:19|20)\d\d)",
        rf"\b(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th)?[\s-]{_NAME},?[\s-](?P<year>(?:19|20)\d\d)",
    )
)
_TIME = re.compile(
    r"(?P<before>上午|下午|晚上|中午|凌晨|早上|傍晚)?\s?(?<!\d)(?P<hour>\d{1,2})[:：](?P<minute>\d{2})(?:[:：]\d{2})?"
    r"\s?(?P<after>[ap]\.?m\b)?",
    re.IGNORECASE,
)
_ZONE = re.compile(r"(?:(?:GMT|UTC)\s?|(?<=\s))(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?(?!\d)")


def read_date(text: str, zone: tzinfo) -> datetime | None:
    """The moment, None where there is no day that can be read in one way only. zone: where none is named."""
    text = " ".join(text[:200].split())
    day = next((found for pattern in _DAYS if (found := pattern.search(text))), None)
    if day is None:
        return None
    parts = day.groupdict()
    month = int(parts["month"]) if parts.get("month") else _MONTHS[parts["name"].lower()]
    rest = text[: day.start()] + " " + text[day.end() :]
    hour, minute = _time(rest)
    try:
        return datetime(int(parts["year"]), month, int(parts["day"]), hour, minute, tzinfo=_zone(rest) or zone)
    except ValueError:
        return None


def _time(text: str) -> tuple[int, int]:
    found = _TIME.search(text)
    if found is None:
        return 0, 0
    hour, before, after = int(found["hour"]), found["before"] or "", (found["after"] or "").lower()
    if hour < 12 and (after.startswith("p") or before in ("下午", "晚上", "傍晚")):
        hour += 12
    if hour == 12 and (after.startswith("a") or before == "凌晨"):
        hour = 0
    return hour, int(found["minute"])


def _zone(text: str) -> tzinfo | None:
    found = _ZONE.search(text)
    if found is None or int(found["hours"]) > 14:
        return None
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    return timezone(-offset if found["sign"] == "-" else offset)
