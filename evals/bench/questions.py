"""Questions to measure with: what the demo articles' titles and headings would be asked as, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from web.demo.setup import ARTICLES

_HEADING = re.compile(r"^(#{1,2}) +(.+?) *$", re.MULTILINE)
_FORMS = {
    "en": ("{title}?", "Hi, about this: {title}. What should I do?", "{title}: {heading}?"),
    "zh": ("{title}？", "你好，遇到一个问题：{title}，该怎么办？", "{title}，{heading}？"),
}


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    lang: str  # "zh" or "en"
    source: str  # the article it was made from, relative to the demo articles


def demo_questions(limit: int, folder: Path = ARTICLES) -> list[Question]:
    """Up to `limit` distinct questions, Chinese and English in turn; the same ones in every run."""
    by_lang = [list(_of_language(folder, lang)) for lang in ("zh", "en")]
    in_turn = (question for question in chain.from_iterable(zip_longest(*by_lang)) if question is not None)
    distinct = {question.text: question for question in in_turn}
    return list(distinct.values())[:limit]


def _of_language(folder: Path, lang: str) -> Iterator[Question]:
    """One form after the other, each over all articles, so that a short run meets them all."""
    paths = sorted(folder.glob(f"{lang}/**/*.md"))
    articles = [(path, _HEADING.findall(path.read_text(encoding="utf-8"))) for path in paths]
    for form in _FORMS[lang]:
        for path, headings in articles:
            title = next((text for marks, text in headings if marks == "#"), path.stem)
            heading = next((text for marks, text in headings if marks == "##"), "")
            if "{heading}" in form and not heading:
                continue
            text = form.format(title=title.rstrip("?？"), heading=heading.rstrip("?？"))
            yield Question(text, lang, path.relative_to(folder).as_posix())
