"""Brings the catalogues up to date with the code: extract, merge, or with --check only say what is missing.

Exit code 1 when a message has no Chinese, or the catalogue is stale. English needs no catalogue: it is the message id.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "base" / "locale" / "zh" / "LC_MESSAGES" / "messages.po"
FOLDERS = ("base", "kb", "desk", "ingest", "bot", "channels", "web")
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    """Every message of the code and the templates, in order of place."""
    with (ROOT / "babel.cfg").open() as config:
        methods, options = parse_mapping_cfg(config)
    template = Catalog(project="Firstline", charset="utf-8")
    for folder in FOLDERS:
        found = extract_from_dir(ROOT / folder, methods, options, keywords=KEYWORDS)
        for name, line, message, comments, context in sorted(found, key=lambda item: (item[0], item[1])):
            if message:
                template.add(message, None, [(f"{folder}/{name}", line)], auto_comments=comments, context=context)
    return template


def merged(template: Catalog) -> Catalog:
    """The Chinese catalogue with what is new added and what is gone removed."""
    catalogue = Catalog(locale="zh", project="Firstline", charset="utf-8")
    if CATALOGUE.exists():
        with CATALOGUE.open("rb") as source:
            catalogue = read_po(source, locale="zh")
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def as_text(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalogue, width=0, sort_output=True, no_location=True, omit_header=True)
    return b'msgid ""\nmsgstr ""\n"Language: zh\\n"\n"MIME-Version: 1.0\\n"\n' + (
        b'"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n' + out.getvalue()
    )


def missing(catalogue: Catalog) -> list[str]:
    """Message ids without Chinese."""
    return [str(message.id) for message in catalogue if message.id and not _filled(message.string)]


def _filled(translation: object) -> bool:
    return all(translation) if isinstance(translation, tuple | list) and translation else bool(translation)


def main() -> int:
    catalogue = merged(extracted())
    text = as_text(catalogue)
    lacking = missing(catalogue)
    for message in lacking:
        print(f"no Chinese for: {message}")
    if "--check" in sys.argv:
        stale = not CATALOGUE.exists() or CATALOGUE.read_bytes() != text
        if stale:
            print("the catalogue is stale: run `make translations`")
        return int(bool(lacking) or stale)
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    CATALOGUE.write_bytes(text)
    print(f"{len(list(catalogue)) - 1} messages, {len(lacking)} without Chinese")
    return 0


if __name__ == "__main__":
    sys.exit(main())
