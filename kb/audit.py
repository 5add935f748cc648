"""Does what is searched still equal the database? Counts and canary questions; rebuild and swap when it does not.

`count()` alone proves nothing (measured: a damaged index counts right and finds nothing), so live chunks are asked for
by their own vector and by their own rarest words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ScalarSelect, select, update
from sqlalchemy.orm import Session

from base.clock import Clock, SystemClock
from base.database import Database
from base.log import get_logger
from base.script import simplified
from base.text import TOKENIZER
from kb import store
from kb.embed import Embedder
from kb.generation import note_tokenizer, tokenizer
from kb.keyword import KeywordIndex
from kb.models import Audience, Scope
from kb.tables import ChunkRow, SpecRow, VersionRow
from kb.vector import VectorIndex, count_stale

log = get_logger(__name__)
CANARIES = 12
KEYWORD_HITS = 200
_BEFORE_FOLDING = ("", "tokens/1")  # tokenizers that left traditional characters as they are, and embedders with them
# An address says little about a passage and can fill the model's window: only the words of a link are embedded.
_LINK, _LINK_TEXT = re.compile(r"\[([^\]\n]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)"), r"\1"
EVERYTHING = Scope(audiences=(Audience.PUBLIC, Audience.INTERNAL))


@dataclass(frozen=True, slots=True)
class AuditReport:
    live_chunks: int
    keyword_chunks: int
    stale_vectors: int  # live chunks embedded with another spec
    lost_by_vector: tuple[int, ...] = ()  # canaries that did not find themselves
    lost_by_keyword: tuple[int, ...] = ()
    stale_tokens: bool = False  # chunks may hold what an earlier tokenizer cut

    @property
    def keywords_ok(self) -> bool:
        return self.live_chunks == self.keyword_chunks and not self.lost_by_keyword

    @property
    def vectors_ok(self) -> bool:
        return not self.lost_by_vector

    @property
    def ok(self) -> bool:
        return self.keywords_ok and self.vectors_ok and self.stale_vectors == 0 and not self.stale_tokens


def check(database: Database, embedder: Embedder, vectors: VectorIndex, keywords: KeywordIndex) -> AuditReport:
    """Compare index and database. Reads only; costs a few milliseconds and CANARIES searches."""
    spec = embedder.spec.digest
    vectors.refresh()
    with database.read() as session:
        live, indexed = store.count_live(session), keywords.count(session)
        stale, stale_tokens = count_stale(session, spec), tokenizer(session) != TOKENIZER
        rows = session.execute(
            select(ChunkRow.id, ChunkRow.vector, ChunkRow.spec, ChunkRow.tokens).where(
                ChunkRow.id.in_(_chosen(session))
            )
        ).all()
        lost_words = tuple(row.id for row in rows if not _found_by_keyword(session, keywords, row.id, row.tokens))
    current = [row for row in rows if row.spec == spec]
    lost_vectors = tuple(row.id for row in current if not _found_by_vector(vectors, row.id, row.vector))
    return AuditReport(live, indexed, stale, lost_vectors, lost_words, stale_tokens)


def repair(database: Database, embedder: Embedder, vectors: VectorIndex, keywords: KeywordIndex) -> AuditReport:
    """Check, rebuild what is wrong, check again. Search answers throughout."""
    report = check(database, embedder, vectors, keywords)
    if report.ok:
        return report
    log.warning(
        "index_diverged", live=report.live_chunks, keywords=report.keyword_chunks, stale=report.stale_vectors,
        lost_vectors=len(report.lost_by_vector), lost_keywords=len(report.lost_by_keyword),
    )  # fmt: skip
    if report.stale_tokens:
        renew_tokens(database, keywords)
    if not report.keywords_ok:
        rebuild_keywords(database, keywords)
    re_embed(database, embedder)
    if not report.vectors_ok:
        vectors.rebuild("canary_lost")
    vectors.refresh()
    return check(database, embedder, vectors, keywords)


def rebuild_keywords(database: Database, keywords: KeywordIndex) -> int:
    """Build the keyword index anew from the live chunks, in one transaction; return how many are in it."""
    with database.begin() as session:
        store.bump_generation(session)  # first: it keeps other writers away until we are done
        keywords.clear(session)
        ids = session.scalars(select(ChunkRow.id).where(ChunkRow.live).order_by(ChunkRow.id)).all()
        keywords.add(session, ids)
        return len(ids)


def renew_tokens(database: Database, keywords: KeywordIndex, *, batch: int = 500) -> int:
    """Cut the tokens of every chunk anew with the tokenizer in force; return how many chunks that changed.

    Vectors are marked as stale where the embedder would be given other text now: traditional characters, which the first
    rules left as they were. Small transactions, each of which leaves index and rows in agreement; the tokenizer is noted
    after the last one: after a kill it begins again.
    """
    last, changed = 0, 0
    while True:
        with database.begin() as session:
            store.take_turn(session)
            unfolded = tokenizer(session) in _BEFORE_FOLDING
            rows = session.execute(
                select(
                    ChunkRow.id,
                    ChunkRow.breadcrumb,
                    ChunkRow.text,
                    ChunkRow.tokens,
                    ChunkRow.live,
                    _title().label("title"),
                )
                .where(ChunkRow.id > last)
                .order_by(ChunkRow.id)
                .limit(batch)
            ).all()
            if not rows:
                note_tokenizer(session, TOKENIZER)
                return changed
            last = rows[-1].id
            fresh = {row.id: store.chunk_tokens(row.title, row.breadcrumb, row.text) for row in rows}
            other = [row for row in rows if fresh[row.id] != row.tokens]
            if not other:
                continue
            live = [row.id for row in other if row.live]
            keywords.remove(session, live)
            for row in other:
                values = {"tokens": fresh[row.id]}
                said = passage_text(row.title, row.breadcrumb, row.text)
                if unfolded and simplified(said) != said:
                    values["spec"] = ""
                session.execute(update(ChunkRow).where(ChunkRow.id == row.id).values(**values))
            keywords.add(session, live)
            store.bump_generation(session)
            changed += len(other)


def re_embed(database: Database, embedder: Embedder, *, batch: int = 64) -> int:
    """Embed every chunk whose vector belongs to another spec, live ones first; return how many were.

    Small transactions: a kill loses one batch, the next run goes on. Keyword search finds the rest meanwhile.
    """
    spec, done = embedder.spec.digest, 0
    while True:
        with database.read() as session:
            rows = session.execute(
                select(ChunkRow.id, ChunkRow.lang, ChunkRow.breadcrumb, ChunkRow.text, _title().label("title"))
                .where(ChunkRow.spec != spec)
                .order_by(ChunkRow.live.desc(), ChunkRow.id)
                .limit(batch)
            ).all()
        if not rows:
            break
        texts = [passage_text(row.title, row.breadcrumb, row.text) for row in rows]
        vectors = embedder.embed_passages(texts, [row.lang for row in rows])
        with database.begin() as session:
            store.bump_generation(session)
            for row, vector in zip(rows, vectors, strict=True):
                blob = np.ascontiguousarray(vector, "<f4").tobytes()
                session.execute(update(ChunkRow).where(ChunkRow.id == row.id).values(vector=blob, spec=spec))
        done += len(rows)
    return done


def remember_spec(database: Database, embedder: Embedder, clock: Clock | None = None) -> None:
    """Store the embedding spec in force, so that its digest beside each vector can be read later."""
    digest = embedder.spec.digest
    with database.read() as session:
        if session.get(SpecRow, digest) is not None:
            return
    now = (clock or SystemClock()).now()
    with database.begin() as session:
        store.take_turn(session)  # another process may be about to write the same row
        if session.get(SpecRow, digest) is None:
            session.add(SpecRow(digest=digest, spec=embedder.spec.as_dict(), created_at=now))


def passage_text(title: str, breadcrumb: list[str] | tuple[str, ...], text: str) -> str:
    """What is embedded for a chunk: where it stands, then what it says."""
    where = " › ".join(dict.fromkeys([title, *breadcrumb]))
    return f"{where}\n{_LINK.sub(_LINK_TEXT, text)}"


def _title() -> ScalarSelect[str]:
    return select(VersionRow.title).where(VersionRow.id == ChunkRow.version_id).scalar_subquery()


def _chosen(session: Session) -> list[int]:
    """Live chunks from the oldest to the newest, at even distances."""
    ids = session.scalars(select(ChunkRow.id).where(ChunkRow.live).order_by(ChunkRow.id)).all()
    places = np.linspace(0, len(ids) - 1, min(CANARIES, len(ids)), dtype=int) if ids else ()
    return [ids[place] for place in places]


def _found_by_vector(vectors: VectorIndex, chunk_id: int, blob: bytes) -> bool:
    hits = vectors.search(np.frombuffer(blob, "<f4"), EVERYTHING, 10)
    best = max((hit.similarity for hit in hits), default=0.0)
    # Equal texts share a vector: any hit as near as a chunk is to itself will do.
    return best > 0.995 or any(hit.chunk_id == chunk_id for hit in hits)


def _found_by_keyword(session: Session, keywords: KeywordIndex, chunk_id: int, tokens: str) -> bool:
    distinct = list(dict.fromkeys(tokens.split()))
    if not distinct:
        return True
    frequency = keywords.frequencies(session, distinct)
    rarest = sorted(distinct, key=lambda token: (frequency.get(token, 0), token))[:6]
    if frequency.get(rarest[0], 0) == 0:
        return False
    hits = keywords.search(session, rarest, EVERYTHING, KEYWORD_HITS)
    # Of text that repeats so often, any one may be cut off.
    return len(hits) == KEYWORD_HITS or any(hit.chunk_id == chunk_id for hit in hits)
