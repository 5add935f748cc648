"""Help articles to measure with: paragraphs of the demo articles in ever new order, under titles of their own.

Words are as rare or as common as in real articles, and every document differs from every other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from web.demo.setup import ARTICLES

SECTIONS = 4
PARAGRAPHS = 3  # in a section
_SYLLABLES = ("ka", "ri", "to", "ven", "lum", "sa", "dor", "mi", "pel", "xan", "ge", "bru", "no", "fi", "tal", "zu")
_HAN = "海松云岭星河东方明德金桥长风远航安泰恒信达通宏图博雅"
_TITLES = {
    "en": "{name} {code}: {heading}",
    "zh": "{name} {code}：{heading}",
}
_OPENINGS = {
    "en": "This page is about {name}, version {number}. Quote the code {code} when you call.",
    "zh": "本文适用于{name} {number} 版。来电时请报代码 {code}。",
}


def write_documents(folder: Path, count: int, *, seed: int = 7) -> list[Path]:
    """`count` Markdown files, English and Chinese in turn; the same for the same seed. About three passages each."""
    paths = []
    for number in range(count):
        lang = ("en", "zh")[number % 2]
        path = folder / lang / f"{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(_document(lang, random.Random(f"{seed}-{number}"))) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _document(lang: str, chance: random.Random) -> Iterator[str]:
    headings, paragraphs = _stock(lang)
    name = own_name(lang, chance)
    code = _code(chance)
    yield "# " + _TITLES[lang].format(name=name, code=code, heading=chance.choice(headings))
    yield _OPENINGS[lang].format(name=name, number=chance.randint(2, 40), code=code)
    for heading in chance.sample(headings, SECTIONS):
        yield f"## {heading}"
        yield from chance.sample(paragraphs, PARAGRAPHS)


def title(lang: str, name: str, breadcrumb: Sequence[str], chance: random.Random) -> str:
    """A title with a code of its own, under the heading of what the article is made of."""
    return _TITLES[lang].format(name=name, code=_code(chance), heading=breadcrumb[-1] if breadcrumb else name)


def opening(lang: str, name: str, chance: random.Random) -> str:
    """A first paragraph as no other document has it."""
    return _OPENINGS[lang].format(name=name, number=chance.randint(2, 40), code=_code(chance))


def _code(chance: random.Random) -> str:
    return f"{chance.choice('ABCDEFGH')}{chance.choice('KLMNPQRS')}-{chance.randint(1000, 9999)}"


def own_name(lang: str, chance: random.Random) -> str:
    """A made-up product in the words of a language."""
    if lang == "zh":
        return "".join(chance.choices(_HAN, k=3)) + "系统"
    return "".join(chance.choices(_SYLLABLES, k=3)).capitalize()


@cache
def _stock(lang: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All section headings and all paragraphs of the demo articles in one language."""
    headings: dict[str, None] = {}
    paragraphs: dict[str, None] = {}
    for path in sorted(ARTICLES.glob(f"{lang}/**/*.md")):
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            block = block.strip()
            if block.startswith("#"):
                headings.setdefault(block.lstrip("# "))
            elif block:
                paragraphs.setdefault(block)
    return tuple(headings), tuple(paragraphs)
