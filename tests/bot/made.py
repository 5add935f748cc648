"""Passages, turns and requests as tests need them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.writer import Request
from desk.models import Author, Turn
from kb.models import Audience, Passage

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def passage(text: str, *, title: str = "An article", lang: str = "en", n: int = 1, **values: Any) -> Passage:
    """A passage that was found, the only one of article number `n`."""
    known: dict[str, Any] = {
        "chunk_id": n, "article_id": n, "article_public_id": f"a{n}", "version_id": n, "version_number": 1,
        "collection": "test", "source": f"{n}.md", "title": title, "breadcrumb": (), "text": text, "lang": lang,
        "audience": Audience.PUBLIC, "translation_key": "", "score": 1.0 - n / 100, "similarity": 0.9, "keyword": 0.9,
    }  # fmt: skip
    return Passage(**{**known, **values})


def request(*passages: Passage, question: str = "What now?", lang: str = "en", **values: Any) -> Request:
    return Request(question, passages, lang, values.pop("max_chars", 600), **values)


def turn(seq: int, author: Author, text: str, **values: Any) -> Turn:
    known: dict[str, Any] = {"lang": "en", "author_name": "", "created_at": NOW, "payload": {}}
    return Turn(id=seq, conversation_id=1, seq=seq, author=author, text=text, **{**known, **values})
