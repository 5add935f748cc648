"""The texts people see, as marked in code and templates, and their Chinese."""

from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from base.i18n import LOCALE_DIR

ROOT = Path(__file__).resolve().parents[2]
Id = str | tuple[str, ...]


@cache
def marked() -> dict[Id, str]:
    """Every text in N_(), _() or {% trans %}, by babel.cfg, with the place of its first use."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as source:
        methods, options = parse_mapping_cfg(source)  # type: ignore[no-untyped-call]
    keywords = {**DEFAULT_KEYWORDS, "N_": None}
    found: dict[Id, str] = {}
    for name, line, message, _, _ in extract_from_dir(ROOT, methods, options, keywords):
        key: Id = tuple(part for part in message if part) if isinstance(message, tuple) else message
        if key:
            found.setdefault(key, f"{name}:{line}")
    return found


@cache
def chinese() -> Catalog:
    path = LOCALE_DIR / "zh" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as source:
        return read_po(source, locale="zh")


def translation(key: Id) -> tuple[str, ...]:
    message = chinese().get(key[0] if isinstance(key, tuple) else key)
    if message is None or message.fuzzy:
        return ()
    forms = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    return tuple(str(form) for form in forms if form)
