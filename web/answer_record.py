"""The record of one answer as staff may read it: what was asked, found and decided, and how it stands today.

`web/why.py` makes the page of it, `web/routes/api.py` the JSON. Reads only; costs nothing when an answer is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import NotFound
from base.text import shorten
from bot.confidence import Fit
from bot.ground import MARKER, check_text, quoted
from bot.suggest import STAFF_SCOPE
from bot.think import CHOOSE
from desk import conversations
from desk.models import Author, Conversation, Turn
from kb import store
from kb.models import Article, Audience, Status
from kb.tables import ChunkRow, VersionRow
from web.wiring import Services


class Standing(StrEnum):
    """What has become of an article since it was used."""

    CURRENT = "current"
    CHANGED = "changed"  # another version is the visible one now
    WITHDRAWN = "withdrawn"  # archived, or for staff only now
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Source:
    """An article as it was used, and how it stands now."""

    article_id: str
    title: str
    version: int
    standing: Standing
    version_now: int | None = None  # the visible one; None where there is none
    lang: str = ""  # "" for a deleted one


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that was found, in the order of the ranking."""

    query: int  # which of the questions found it, from 0
    rank: int  # from 1
    source: Source
    section: str
    score: float  # 0..1, the fused one that ranks
    similarity: float  # -1..1
    keyword: float  # 0..1
    opening: str  # its first words, as far as it is kept
    citations: tuple[int, ...] = ()  # numbers of the quotations taken from it


@dataclass(frozen=True, slots=True)
class Quotation:
    """A numbered source of the answer, held against the version of its article that was used."""

    n: int
    source: Source
    section: str
    quote: str
    stands: bool | None  # word for word in that version; None when its text is not kept any more
    stands_now: bool | None  # the same for the version visible now; None when there is none


@dataclass(frozen=True, slots=True)
class Grounding:
    """What the check of the answer's sentences against their sources gives on the texts of then."""

    sentences: int  # that name a source
    objections: tuple[tuple[str, str], ...]  # (sentence, reason) of those the sources do not support


@dataclass(frozen=True, slots=True)
class Thresholds:
    answer: float
    clarify: float
    recorded: bool  # False: the record does not hold them, these are the ones in force now


@dataclass(frozen=True, slots=True)
class Risk:
    """What the answer threshold stands for, as far as the fit of then is still installed and says so."""

    promised: float  # share of wrong answers among those given that is aimed at
    sure_to: float
    answered: int  # labelled questions in this language that were answered when it was measured
    wrong: int
    at_most: float  # upper bound of the share of wrong ones, at `sure_to`
    kept: bool  # the bound keeps the aim


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    reply: Turn
    asked: Turn | None  # the customer's turn before it
    record: Mapping[str, Any]  # as it was stored
    lang: str
    queries: tuple[str, ...]
    confidences: tuple[float, ...]  # of each query
    candidates: tuple[Candidate, ...]
    quotations: tuple[Quotation, ...]
    grounding: Grounding | None  # None where no model worded it: a quotation is checked word for word
    thresholds: Thresholds
    risk: Risk | None
    choices: tuple[tuple[str, str], ...]  # (label, action) of the buttons of a clarifying question
    chosen: str  # the action the customer chose, "" while none
    embedder: str  # model and digest the vectors were made with
    embedder_recorded: bool

    def get(self, name: str, default: Any = "") -> Any:
        return self.record.get(name, default)


def answer_record(services: Services, session: Session, talk: Conversation, seq: int) -> AnswerRecord:
    """The record of the assistant's turn number `seq`. Raises NotFound where there is none."""
    near = conversations.turns_after(session, talk.id, max(0, seq - 10), notes=False, limit=40)
    reply = next((turn for turn in near if turn.seq == seq), None)
    if reply is None or not has_record(reply):
        raise NotFound("record", seq=seq)
    record = reply.payload["record"]
    asked = [turn for turn in near if turn.seq < seq and turn.author is Author.CUSTOMER]
    shelf = _Shelf(session)
    quotations = tuple(_quotation(shelf, citation) for citation in reply.payload.get("citations", ()))
    lang = str(record.get("lang", reply.lang))
    spec = services.embedder.spec
    return AnswerRecord(
        reply=reply, asked=asked[-1] if asked else None, record=record, lang=lang,
        queries=tuple(record.get("queries", ())), confidences=tuple(record.get("confidences", ())),
        candidates=_candidates(shelf, record, quotations), quotations=quotations,
        grounding=_grounding(shelf, reply, quotations, lang), thresholds=_thresholds(services, record),
        risk=_risk(services.fit, record, lang),
        choices=choices_of(reply), chosen=chosen_after([turn for turn in near if turn.seq > seq]),
        embedder=str(record.get("embedder") or f"{spec.provider}:{spec.model} {spec.digest[:8]}"),
        embedder_recorded=bool(record.get("embedder")),
    )  # fmt: skip


def has_record(turn: Turn) -> bool:
    """Whether a turn is an answer of the assistant that kept its record."""
    return turn.author is Author.BOT and "outcome" in (turn.payload.get("record") or {})


def choices_of(turn: Turn) -> tuple[tuple[str, str], ...]:
    """(label, action) of the buttons under a clarifying question; () for any other turn."""
    buttons = [(str(b.get("label", "")), str(b.get("action", ""))) for b in turn.payload.get("quick_replies", ())]
    return tuple(buttons) if any(action.startswith(CHOOSE) for _, action in buttons) else ()


def chosen_after(later: Sequence[Turn]) -> str:
    """The action that answered a turn, pressed or typed; "" when there was none. later: the turns after it."""
    for turn in later:
        if turn.author is Author.CUSTOMER and turn.payload.get("action"):
            return str(turn.payload["action"])
        if turn.author is Author.BOT:  # a typed "the second one" is known from what the assistant made of it
            return str((turn.payload.get("record") or {}).get("action", ""))
    return ""


class _Shelf:
    """Articles as they were at a version, each looked up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._articles: dict[str, tuple[Article | None, int | None]] = {}
        self._texts: dict[tuple[str, int], tuple[str, ...]] = {}

    def source(self, article_id: str, title: str, version: int) -> Source:
        article, now = self._article(article_id)
        if article is None:
            return Source(article_id, title, version, Standing.DELETED)
        visible = article.status is Status.PUBLISHED and article.audience is Audience.PUBLIC
        standing = Standing.WITHDRAWN if not visible else Standing.CHANGED if now != version else Standing.CURRENT
        return Source(article_id, title, version, standing, now if visible else None, article.lang)

    def texts(self, article_id: str, number: int | None) -> tuple[str, ...]:
        """The body and the passages of a version; () when it is not kept any more."""
        article, _ = self._article(article_id)
        if article is None or number is None:
            return ()
        if (article_id, number) not in self._texts:
            try:
                version = store.get_version(self._session, article, number)
                chunks = self._session.scalars(select(ChunkRow.text).where(ChunkRow.version_id == version.id)).all()
                self._texts[article_id, number] = (f"{version.title}\n{version.body}", *chunks)
            except NotFound:
                self._texts[article_id, number] = ()
        return self._texts[article_id, number]

    def passages(self, chunks: Sequence[int]) -> dict[tuple[int, int], str]:
        """The texts of passages, by passage and version number; those not kept any more are missing."""
        query = select(ChunkRow.id, VersionRow.number, ChunkRow.text).where(ChunkRow.id.in_(chunks))
        rows = self._session.execute(query.join(VersionRow, VersionRow.id == ChunkRow.version_id)).tuples()
        return {(chunk, number): text for chunk, number, text in rows}

    def _article(self, article_id: str) -> tuple[Article | None, int | None]:
        if article_id not in self._articles:
            try:
                article = store.get_article(self._session, article_id, STAFF_SCOPE)
                self._articles[article_id] = (article, store.get_version(self._session, article).number)
            except NotFound:
                self._articles[article_id] = (None, None)
        return self._articles[article_id]


def _opening(text: str) -> str:
    """The first line of a passage that says something, without Markdown's marks."""
    bare = (re.sub(r"[*`|]+", " ", line).strip(" -#>.0123456789:") for line in text.splitlines() if "---" not in line)
    return shorten(next((" ".join(line.split()) for line in bare if len(line) > 3), ""), 140)


def _quotation(shelf: _Shelf, citation: Mapping[str, Any]) -> Quotation:
    source = shelf.source(str(citation["article_id"]), str(citation["title"]), int(citation["version"]))
    quote = str(citation["quote"])
    then = shelf.texts(source.article_id, source.version)
    now = shelf.texts(source.article_id, source.version_now)
    return Quotation(
        int(citation["n"]), source, str(citation["section"]), quote,
        quoted(quote, then) if then else None, quoted(quote, now) if now else None,
    )  # fmt: skip


def _candidates(shelf: _Shelf, record: Mapping[str, Any], quotations: Sequence[Quotation]) -> tuple[Candidate, ...]:
    found: list[Candidate] = []
    texts = shelf.passages([int(item["chunk"]) for item in record.get("candidates", ())])
    for item in record.get("candidates", ()):
        source = shelf.source(str(item["article"]), str(item["title"]), int(item["version"]))
        text, section = texts.get((int(item["chunk"]), source.version)), str(item["section"])
        rank = 1 + sum(other.query == item["query"] for other in found)
        found.append(
            Candidate(
                int(item["query"]), rank, source, section, item["score"], item["similarity"], item["keyword"],
                _opening(text or ""), tuple(q.n for q in quotations if _taken_from(q, source, section, text)),
            )
        )  # fmt: skip
    return tuple(found)


def _taken_from(quotation: Quotation, source: Source, section: str, text: str | None) -> bool:
    """Whether a quotation comes from a passage: by its words; by its section where the text is not kept any more."""
    if (quotation.source.article_id, quotation.source.version) != (source.article_id, source.version):
        return False
    return quoted(quotation.quote, [text]) if text is not None else quotation.section == section


def _grounding(shelf: _Shelf, reply: Turn, quotations: Sequence[Quotation], lang: str) -> Grounding | None:
    """The sentences of a model that name a source, checked against the texts of then."""
    if not str(reply.payload["record"].get("writer", "")).startswith("model/"):
        return None
    texts = {q.n: "\n".join(shelf.texts(q.source.article_id, q.source.version)) for q in quotations}
    if not quotations or not all(texts.values()):
        return None
    same = all(q.source.lang == lang for q in quotations)
    checked = [c for c in check_text(reply.text, texts, same_language=same) if MARKER.search(c.sentence)]
    return Grounding(len(checked), tuple((c.sentence, c.reason) for c in checked if not c.supported))


def _thresholds(services: Services, record: Mapping[str, Any]) -> Thresholds:
    if kept := record.get("thresholds"):
        return Thresholds(float(kept["answer"]), float(kept["clarify"]), recorded=True)
    settings = services.settings
    return Thresholds(settings.answer_confidence, settings.clarify_confidence, recorded=False)


def _risk(fit: Fit, record: Mapping[str, Any], lang: str) -> Risk | None:
    promised, measured = fit.about.get("promised"), fit.about.get("measured", {}).get(lang)
    if record.get("fit") != fit.version or not promised or not measured or not measured.get("answered"):
        return None
    return Risk(
        float(promised["wrong among answered at most"]), float(promised["sure to"]), int(measured["answered"]),
        int(measured["wrong"]), float(measured["at most wrong"]), bool(measured["claimed"]),
    )  # fmt: skip
