"""Brings the Chinese catalogue up to date with the code: extract, merge, write; with --check only say what is wrong.

`babel.cfg` says which files are read. Exit code of --check: 1 when a message has no Chinese or other placeholders than
its English, when a text is marked in a way no extraction can see, or when the catalogue is stale. English needs no
catalogue: it is the message id.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po
from babel.util import pathmatch

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "base" / "locale" / "zh" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}
HEADER = (
    'msgid ""\nmsgstr ""\n"Language: zh\\n"\n"MIME-Version: 1.0\\n"\n'
    '"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
)
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|(?<!\{)\{(\w*)[^{}]*\}")
_MARKS = ("N_", "_", "gettext")


def mapping() -> tuple[list[tuple[str, str]], dict[str, dict[str, object]]]:
    """What `babel.cfg` says: patterns with the method that reads them, and each method's options."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as config:
        methods, options = parse_mapping_cfg(config)  # type: ignore[no-untyped-call]
    return methods, options


def extracted() -> Catalog:
    """Every message of the code and the templates, in order of place. A plural has the pair of its forms as id."""
    methods, options = mapping()
    template = Catalog(project="Firstline", charset="utf-8")
    for name, line, message, comments, context in extract_from_dir(ROOT, methods, options, keywords=KEYWORDS):
        if message:
            template.add(message, None, [(name, line)], auto_comments=comments, context=context)
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
    """The catalogue as a .po: sorted by message, without places and dates, so that it changes only with its texts."""
    out = io.BytesIO()
    write_po(out, catalogue, width=0, sort_output=True, no_location=True, omit_header=True)
    return HEADER.encode() + out.getvalue()


def problems(catalogue: Catalog) -> list[str]:
    """What is wrong with the messages, one line each."""
    found = []
    for message in catalogue:
        texts = _forms(message.string)
        if not message.id:
            continue
        if message.fuzzy or not texts or not all(texts):
            found.append(f"no Chinese for: {_named(message)}")
            continue
        # Of a plural the last form counts: "One article" names no number, "%(count)s articles" does.
        wanted = placeholders(_forms(message.id)[-1])
        if any(placeholders(text) != wanted for text in texts):
            found.append(f"other placeholders in the Chinese of: {_named(message)}")
    return found


def placeholders(text: str) -> set[str]:
    """The names in {braces} and %(brackets)s. A brace that is written double is text."""
    return {first or f"{{{second}}}" for first, second in _PLACEHOLDER.findall(text)}


def unseen() -> Iterator[str]:
    """Marked texts that no extraction can see: built at run time, or shown by translate() without a mark."""
    methods, _ = mapping()
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        method = next((method for pattern, method in methods if pathmatch(pattern, name)), "ignore")
        if method == "python" and not any(part.startswith(".") for part in path.relative_to(ROOT).parts):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and not _extractable(node):
                    yield f"not one literal text at {name}:{node.lineno}"


def _extractable(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name in _MARKS:
        return isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    return name != "translate" or not isinstance(call.args[0], ast.Constant | ast.JoinedStr)


def _forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, tuple | list) else (str(text or ""),)


def _named(message: Message) -> str:
    return " | ".join(_forms(message.id))


def main() -> int:
    catalogue = merged(extracted())
    text = as_text(catalogue)
    wrong = [*problems(catalogue), *unseen()]
    if "--check" in sys.argv[1:] and (not CATALOGUE.exists() or CATALOGUE.read_bytes() != text):
        wrong.append("the catalogue is stale: run `make translations`")
    for line in wrong:
        print(line)
    if "--check" in sys.argv[1:]:
        return int(bool(wrong))
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    CATALOGUE.write_bytes(text)
    print(f"{sum(1 for message in catalogue if message.id)} messages, {len(wrong)} problems")
    return 0


if __name__ == "__main__":
    sys.exit(main())
