"""The keyword index: our own tokens in SQLite FTS5 or a PostgreSQL tsvector, written in the transaction of the chunk.

Only live chunks are in it, so its statistics are those of what can be found.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from base.database import Database
from kb.applies import scope_clause
from kb.models import Scope
from kb.tables import ChunkRow

# FTS5 looks each term of the list up by itself.
_TERM_COUNTS = text("SELECT term, doc FROM kb_keyword_terms WHERE term IN (SELECT value FROM json_each(:terms))")
MAX_COMMON_SHARE = 0.25  # tokens in more chunks than this say little and cost most: left out when others remain
# Chunks ranked for one question. Measured on 12,850 chunks: no question lost, and the slowest 5 % take half the time.
MAX_OCCURRENCES = 2_000
MAX_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class KeywordHit:
    chunk_id: int
    score: float  # BM25 (SQLite) or ts_rank (PostgreSQL): comparable within one search only


class KeywordIndex(Protocol):
    def add(self, session: Session, chunk_ids: Sequence[int]) -> None: ...
    def remove(self, session: Session, chunk_ids: Sequence[int]) -> None: ...
    def count(self, session: Session) -> int: ...
    def clear(self, session: Session) -> None: ...
    def frequencies(self, session: Session, tokens: Sequence[str]) -> dict[str, int]: ...
    def search(self, session: Session, tokens: Sequence[str], scope: Scope, limit: int) -> list[KeywordHit]: ...


def make_keyword_index(database: Database) -> KeywordIndex:
    """The index that fits the database."""
    return Fts5Index() if database.is_sqlite else TsvectorIndex()


class Fts5Index:
    """SQLite FTS5 over kb_chunks.tokens as external content."""

    def add(self, session: Session, chunk_ids: Sequence[int]) -> None:
        """Put chunks in. They must not be in yet: FTS5 would count them twice."""
        for part in _parts(chunk_ids):
            session.execute(
                text(
                    "INSERT INTO kb_keywords(rowid, tokens) "
                    f"SELECT id, tokens FROM kb_chunks WHERE id IN ({_ids(part)})"
                )
            )

    def remove(self, session: Session, chunk_ids: Sequence[int]) -> None:
        """Take chunks out. Their row must still hold the tokens they were added with."""
        for part in _parts(chunk_ids):
            session.execute(
                text(
                    "INSERT INTO kb_keywords(kb_keywords, rowid, tokens) "
                    f"SELECT 'delete', id, tokens FROM kb_chunks WHERE id IN ({_ids(part)})"
                )
            )

    def count(self, session: Session) -> int:
        """How many chunks are in the index itself."""
        return int(session.execute(text("SELECT count(*) FROM kb_keywords_docsize")).scalar_one())

    def clear(self, session: Session) -> None:
        session.execute(text("INSERT INTO kb_keywords(kb_keywords) VALUES('delete-all')"))

    def frequencies(self, session: Session, tokens: Sequence[str]) -> dict[str, int]:
        """In how many live chunks each token occurs; tokens that occur in none are left out."""
        rows = session.execute(_TERM_COUNTS, {"terms": json.dumps(list(tokens))})
        return {str(term): int(count) for term, count in rows if count}

    def search(self, session: Session, tokens: Sequence[str], scope: Scope, limit: int) -> list[KeywordHit]:
        """Chunks holding any of the tokens, best BM25 first, within `scope`."""
        if not tokens:
            return []
        match = " OR ".join('"' + token.replace('"', '""') + '"' for token in tokens)
        where, values = scope_clause(scope)
        rows = session.execute(_fts_query(where), {"match": match, "limit": limit, **values})
        return [KeywordHit(int(row[0]), float(row[1])) for row in rows]


class TsvectorIndex:
    """PostgreSQL tsvector with the same tokens, ranked by ts_rank: it knows no document frequencies, `kb.rank` does."""

    def add(self, session: Session, chunk_ids: Sequence[int]) -> None:
        for part in _parts(chunk_ids):
            rows = session.execute(select(ChunkRow.id, ChunkRow.tokens).where(ChunkRow.id.in_(part))).all()
            session.execute(
                text("UPDATE kb_chunks SET keywords = CAST(:v AS tsvector) WHERE id = :id"),
                [{"id": row.id, "v": _tsvector(row.tokens)} for row in rows],
            )

    def remove(self, session: Session, chunk_ids: Sequence[int]) -> None:
        for part in _parts(chunk_ids):
            session.execute(text(f"UPDATE kb_chunks SET keywords = NULL WHERE id IN ({_ids(part)})"))

    def count(self, session: Session) -> int:
        return int(session.execute(text("SELECT count(*) FROM kb_chunks WHERE keywords IS NOT NULL")).scalar_one())

    def clear(self, session: Session) -> None:
        session.execute(text("UPDATE kb_chunks SET keywords = NULL WHERE keywords IS NOT NULL"))

    def frequencies(self, session: Session, tokens: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for token in tokens:
            query = text("SELECT count(*) FROM kb_chunks WHERE keywords @@ CAST(:q AS tsquery)")
            count = session.execute(query, {"q": _quoted(token)}).scalar_one()
            if count:
                found[token] = int(count)
        return found

    def search(self, session: Session, tokens: Sequence[str], scope: Scope, limit: int) -> list[KeywordHit]:
        if not tokens:
            return []
        where, values = scope_clause(scope)
        rows = session.execute(
            text(
                "SELECT c.id, ts_rank(c.keywords, q.q, 1) AS score FROM kb_chunks c, CAST(:match AS tsquery) AS q(q) "
                f"WHERE c.keywords @@ q.q AND c.live{where} ORDER BY score DESC, c.id LIMIT :limit"
            ),
            {"match": " | ".join(_quoted(token) for token in tokens), "limit": limit, **values},
        )
        return [KeywordHit(int(row[0]), float(row[1])) for row in rows]


@dataclass(frozen=True, slots=True)
class Weighed:
    """The tokens of one question, judged by how often they occur in what is live."""

    weights: dict[str, float]  # high for rare tokens, highest for those no chunk holds (they say: not covered here)
    selective: list[str]  # worth searching for: those that occur, without the most common if enough others remain


class TokenWeights:
    """Inverse document frequencies of query tokens, remembered for one generation. Safe to share between threads."""

    def __init__(self, index: KeywordIndex) -> None:
        self._index = index
        self._remembered: tuple[int, dict[str, int]] = (-1, {})

    def weigh(self, session: Session, tokens: Sequence[str], generation: int, total: int) -> Weighed:
        """total: live chunks, as of `generation`."""
        remembered = self._remembered
        if remembered[0] != generation or len(remembered[1]) > MAX_REMEMBERED:
            remembered = self._remembered = (generation, {})
        frequency = remembered[1]  # of this generation, whatever other threads put in its place meanwhile
        unknown = [token for token in tokens if token not in frequency]
        if unknown:
            found = self._index.frequencies(session, unknown)
            frequency.update({token: found.get(token, 0) for token in unknown})
        total = max(total, 1)
        weights = {token: math.log(1 + total / (frequency[token] + 0.5)) for token in tokens}
        occurring = [token for token in tokens if frequency[token]]
        rare = [token for token in occurring if frequency[token] <= total * MAX_COMMON_SHARE]
        return Weighed(weights, _affordable(rare if len(rare) >= 2 else occurring, frequency))


def _affordable(tokens: Sequence[str], frequency: Mapping[str, int]) -> list[str]:
    """The rarest tokens whose occurrences together stay within MAX_OCCURRENCES, but at least two, in their order."""
    kept: set[str] = set()
    total = 0
    for token in sorted(tokens, key=frequency.__getitem__):
        total += frequency[token]
        if total > MAX_OCCURRENCES and len(kept) >= 2:
            break
        kept.add(token)
    return [token for token in tokens if token in kept]


@lru_cache(maxsize=64)  # one for each kind of scope: making and parsing the statement costs as much as running it
def _fts_query(where: str) -> TextClause:
    return text(
        "SELECT c.id, -k.rank FROM kb_keywords k JOIN kb_chunks c ON c.id = k.rowid "
        f"WHERE kb_keywords MATCH :match AND c.live{where} ORDER BY k.rank LIMIT :limit"
    )


def _parts(ids: Sequence[int], size: int = 500) -> Iterable[list[int]]:
    for start in range(0, len(ids), size):
        yield [int(chunk_id) for chunk_id in ids[start : start + size]]


def _ids(ids: Sequence[int]) -> str:
    return ",".join(str(int(chunk_id)) for chunk_id in ids)


def _quoted(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"


def _tsvector(tokens: str) -> str:
    positions: dict[str, list[int]] = {}
    for place, token in enumerate(tokens.split(), start=1):
        positions.setdefault(token, []).append(min(place, 16383))
    return " ".join(f"{_quoted(token)}:{','.join(map(str, at[:256]))}" for token, at in positions.items())
