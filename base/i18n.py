"""Both languages. English texts are the message ids; `locale/zh/LC_MESSAGES/messages.po` holds the Chinese.

`N_()` marks a text for extraction where it is defined, `translate()` turns it where it is shown.
"""

from __future__ import annotations

import gettext
import io
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base.clock import zone_of

if TYPE_CHECKING:
    from base.errors import AppError

LOCALES = ("en", "zh")
LOCALE_DIR = Path(__file__).parent / "locale"


def N_(message: str) -> str:  # noqa: N802 - the name gettext tools look for
    """The text itself; marks it for the catalogue."""
    return message


@cache
def translations(locale: str) -> gettext.NullTranslations:
    """The catalogue of a locale, read from its .po (20 ms once). English needs none."""
    path = LOCALE_DIR / locale / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as source:
        catalogue = read_po(source, locale=locale)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def known_locale(wish: str | None, default: str = "en") -> str:
    """Return "en" or "zh" for a wish such as "zh-CN,zh;q=0.9" or "en_US"; `default` when neither is meant."""
    for part in (wish or "").replace("_", "-").lower().split(","):
        primary = part.strip().split(";")[0].split("-")[0]
        if primary in LOCALES:
            return primary
    return default


def terminal_locale() -> str:
    """The language of whoever sits at the command line, by what their terminal says."""
    return known_locale(os.environ.get("LC_ALL") or os.environ.get("LANG"))


def translate(message: str, locale: str, **fields: Any) -> str:
    """`message` in `locale` with its {fields} filled in. An unknown locale reads as English."""
    text = translations(known_locale(locale)).gettext(message) if message else ""
    return text.format(**fields) if fields else text


def join_sentences(locale: str, *sentences: str) -> str:
    """Sentences as one line. Chinese has no blank between them."""
    return ("" if known_locale(locale) == "zh" else " ").join(sentences)


def explain(error: AppError, locale: str, *, to_operator: bool = False) -> str:
    """What a person is told about an error, in their language. Fields it lacks are left out, never a crash.

    to_operator: on the command line, to whoever runs Firstline; customers and staff are told less.
    """
    text = translate(error.operator_message if to_operator else error.message, locale)
    try:
        return text.format(**error.fields)
    except (KeyError, IndexError):
        return text


def format_bytes(size: int) -> str:
    """Return "10 MB" for 10_485_760. Whole numbers; decimal only below 10."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            return f"{value:.1f} {unit}".replace(".0 ", " ") if value < 10 else f"{value:.0f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def format_time(at: datetime, locale: str, timezone: str) -> str:
    """A moment in the reader's zone and words: "Mon, 23 Nov, 09:30" / "11月23日 周一 09:30".

    In a zone this machine does not know it is UTC, and says so.
    """
    from babel.dates import format_datetime

    pattern = "M月d日 EEE HH:mm" if known_locale(locale) == "zh" else "EEE, d MMM, HH:mm"
    zone = zone_of(timezone)
    shown: str = format_datetime(at, pattern, tzinfo=zone, locale=known_locale(locale))
    return f"{shown} UTC" if zone is UTC else shown


def format_duration(seconds: float, locale: str) -> str:
    """Return "2 h 30 min" / "2 小时 30 分钟"; days only from 48 h on."""
    minutes = max(0, round(seconds / 60))
    days, rest = divmod(minutes, 1440) if minutes >= 2880 else (0, minutes)
    hours, minutes = divmod(rest, 60)
    units = ("天", "小时", "分钟") if known_locale(locale) == "zh" else ("d", "h", "min")
    parts = [f"{n} {unit}" for n, unit in zip((days, hours, minutes), units, strict=True) if n]
    return " ".join(parts) or f"0 {units[2]}"
