"""What a model sees of people's texts: personal data as numbered stand-ins, fences that cannot be closed from inside."""

from __future__ import annotations

import re

from base.pii import find_pii
from base.text import clean

_FENCE = re.compile(
    r"[<＜](?=\s*/?\s*(?:passage|question|system|assistant|instruction|user|turn|message)s?\b)", re.IGNORECASE
)
_STAND_IN = re.compile(r"\[([A-Z][A-Z_]*)_(\d{1,2})\]")


class Masked:
    """Personal data of one call: the same number is the same stand-in, and goes back where the model repeats it."""

    def __init__(self) -> None:
        self._by_text: dict[str, str] = {}
        self._by_name: dict[str, str] = {}

    def hide(self, text: str) -> str:
        """The text with personal data as stand-ins like [EMAIL_1]; stand-ins that somebody typed become plain words."""
        text = _STAND_IN.sub(r"(\1 \2)", text)
        result, at = [], 0
        for found in find_pii(text):
            original = text[found.start : found.end]
            result += [text[at : found.start], self._name(original, str(found.kind))]
            at = found.end
        return "".join([*result, text[at:]])

    def restore(self, text: str) -> str:
        """The text with the stand-ins of this call as what they stand for; others stay as they are."""
        return _STAND_IN.sub(lambda match: self._by_name.get(match[0], match[0]), text)

    def _name(self, original: str, kind: str) -> str:
        if original not in self._by_text:
            name = f"[{kind.upper()}_{len(self._by_text) + 1}]"
            self._by_text[original], self._by_name[name] = name, original
        return self._by_text[original]


def inert(text: str, *, quoted: bool = False) -> str:
    """Text that cannot close its fence or open another."""
    found = _FENCE.sub("‹", clean(text))
    return found.replace('"', "'").replace("\n", " ") if quoted else found
