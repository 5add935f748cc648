"""A knowledge base of any size, made of a small real one: its sentences recombined, its vectors with a little noise.

Embedding 100,000 passages would take an hour. What a search costs depends on how many passages there are, on how rare
their words are and on how vectors lie around each other; all three come from real passages here. What it finds says
nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import select

from base.database import Database
from evals.bench.documents import opening, own_name, title
from kb import store
from kb.encoder import unit_rows
from kb.keyword import make_keyword_index
from kb.models import ArticleDraft, Audience, ChunkDraft
from kb.tables import ChunkRow

COLLECTION = "scaled"
PER_ARTICLE = 12  # passages
PER_WRITE = 250  # articles in one transaction
KEPT = 0.5  # of a passage's lines; the others come from passages of the same language
NOISE = 0.4  # length of what is added to a unit vector: a cosine of about .93 with the original
_END = re.compile(r"(?<=[.!?。！？\n])\s*")


@dataclass(frozen=True, slots=True, eq=False)
class Seeds:
    """Real passages of one language."""

    lang: str
    breadcrumbs: tuple[tuple[str, ...], ...]
    sentences: tuple[tuple[str, ...], ...]  # of each passage
    vectors: np.ndarray  # (n, dim) float32 unit rows


def seeds_of(database: Database, spec: str) -> list[Seeds]:
    """The live passages of an installation that have a vector of `spec`, by language."""
    query = select(ChunkRow.lang, ChunkRow.breadcrumb, ChunkRow.text, ChunkRow.vector)
    with database.read() as session:
        rows = session.execute(query.where(ChunkRow.live, ChunkRow.spec == spec).order_by(ChunkRow.id)).all()
    found = []
    for lang in sorted({row.lang for row in rows}):
        ours = [row for row in rows if row.lang == lang]
        sentences = tuple(tuple(part for part in _END.split(row.text) if part.strip()) for row in ours)
        vectors = np.stack([np.frombuffer(row.vector, "<f4") for row in ours])
        found.append(Seeds(lang, tuple(tuple(row.breadcrumb) for row in ours), sentences, vectors))
    return found


def fill(database: Database, seeds: Sequence[Seeds], spec: str, chunks: int, *, seed: int = 7) -> int:
    """Write `chunks` passages in articles of PER_ARTICLE, the languages in the seeds' proportion; return their number.

    The same seed writes the same texts and vectors. Nothing else may be in the database.
    """
    keywords = make_keyword_index(database)
    waiting = list(_articles(seeds, chunks, seed))
    for start in range(0, len(waiting), PER_WRITE):
        with database.begin() as session:
            for number, lang, size in waiting[start : start + PER_WRITE]:
                draft, pieces, vectors = _article(lang, number, size, random.Random(f"{seed}-{number}"))
                store.save_version(session, keywords, draft, pieces, vectors, spec, datetime.now(UTC))
    return chunks


def _articles(seeds: Sequence[Seeds], chunks: int, seed: int) -> Iterator[tuple[int, Seeds, int]]:
    """(number, language, passages) of each article."""
    chance, left, number = random.Random(seed), chunks, 0
    sizes = [len(one.vectors) for one in seeds]
    while left > 0:
        number += 1
        yield number, chance.choices(seeds, weights=sizes)[0], min(PER_ARTICLE, left)
        left -= PER_ARTICLE


def _article(
    seeds: Seeds, number: int, size: int, chance: random.Random
) -> tuple[ArticleDraft, list[ChunkDraft], np.ndarray]:
    chosen = [chance.randrange(len(seeds.vectors)) for _ in range(size)]
    name = own_name(seeds.lang, chance)
    texts = [_recombined(seeds, place, chance) for place in chosen]
    texts[0] = f"{opening(seeds.lang, name, chance)}\n{texts[0]}"
    pieces, at = [], 0
    for ordinal, (place, text) in enumerate(zip(chosen, texts, strict=True)):
        path = seeds.breadcrumbs[place]
        pieces.append(ChunkDraft(ordinal, path, path[-1] if path else "", text, at, at + len(text)))
        at += len(text) + 2
    heading = title(seeds.lang, name, seeds.breadcrumbs[chosen[0]], chance)
    draft = ArticleDraft(
        COLLECTION, f"{seeds.lang}/{number:06}.md", heading, "\n\n".join(texts), seeds.lang, Audience.PUBLIC
    )
    directions = np.random.default_rng(chance.getrandbits(32)).standard_normal((size, seeds.vectors.shape[1]))
    noise = unit_rows(directions.astype(np.float32)) * np.float32(NOISE)
    return draft, pieces, unit_rows(seeds.vectors[chosen] + noise)


def _recombined(seeds: Seeds, place: int, chance: random.Random) -> str:
    """As many sentences as the passage has, in another order, about half of them of other passages."""
    found = []
    for sentence in seeds.sentences[place]:
        if chance.random() < KEPT:
            found.append(sentence)
            continue
        others = seeds.sentences[chance.randrange(len(seeds.sentences))]
        found.append(chance.choice(others) if others else sentence)
    chance.shuffle(found)
    return "\n".join(found)
