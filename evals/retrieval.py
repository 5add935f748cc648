"""Does search find the right article, and the right section of it? Recall and mean reciprocal rank, by language."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from base.text import clean, detect_language
from evals.asking import EVERYTHING
from evals.cases import Case, Kind
from evals.gold import rank_of_article, rank_of_section
from evals.measures import Measure, Plot, PlotKind, SuiteName, SuiteResult, mean_of, share_of, times
from web.wiring import Services

RANKS = (1, 5, 10)
DEPTH = 50  # passages looked through for ten different articles


@dataclass(frozen=True, slots=True)
class Found:
    """Where the right article and section of one question stood; 0: not found, None: the case names no section."""

    case: Case
    article: int
    section: int | None
    milliseconds: float  # beyond embedding the question
    first: str  # source of the first passage


def collect(services: Services, cases: Sequence[Case]) -> list[Found]:
    """Search for every case that names an article."""
    asked = [case for case in cases if case.kind is Kind.ANSWERABLE]
    return [_search(services, case) for case in asked]


def summarise(found: Sequence[Found]) -> SuiteResult:
    """Recall at RANKS and MRR at ten, by language and, where a set asks in several ways, by wording."""
    measures: list[Measure] = []
    for group, ones in groups(found):
        measures += _measures("", group, [one.article for one in ones])
        measures += _measures("section_", group, [one.section for one in ones if one.section is not None])
    spent = [one.milliseconds for one in found]
    measures += times(SuiteName.RETRIEVAL, spent)
    plots = (
        Plot(
            PlotKind.LATENCY,
            "Time of a search, the question embedded",
            {"milliseconds": [round(ms, 2) for ms in spent]},
        ),
    )
    misses = tuple(
        {"id": one.case.id, "lang": one.case.lang, "text": one.case.text[:300], "rank": one.article,
         "section_rank": one.section, "wanted": sorted(one.case.sources), "first": one.first}
        for one in found if not 0 < one.article <= RANKS[1] or (one.section is not None and not 0 < one.section <= RANKS[1])
    )  # fmt: skip
    return SuiteResult(SuiteName.RETRIEVAL, tuple(measures), plots if found else (), misses)


def groups(found: Sequence[Found]) -> Iterator[tuple[str, list[Found]]]:
    """The records of each language, of each wording of a language, and all."""
    for lang in sorted({one.case.lang for one in found}):
        ours = [one for one in found if one.case.lang == lang]
        yield lang, ours
        for variant in sorted({one.case.variant for one in ours} - {""}):
            yield f"{lang} {variant}", [one for one in ours if one.case.variant == variant]
    yield "all", list(found)


def _search(services: Services, case: Case) -> Found:
    text = clean(case.text[: services.settings.message_max_chars])
    lang = detect_language(text)
    vector = services.embedder.embed_query(text, lang)
    started = time.perf_counter()
    passages = services.searcher.search(text, scope=EVERYTHING, top_k=DEPTH, lang=lang, vector=vector).passages
    spent = (time.perf_counter() - started) * 1000
    section = rank_of_section(passages, case) if case.sections else None
    return Found(case, rank_of_article(passages, case), section, spent, passages[0].source if passages else "")


def _measures(prefix: str, group: str, ranks: Sequence[int]) -> list[Measure]:
    found: list[Measure] = []
    for limit in RANKS:
        found += share_of(SuiteName.RETRIEVAL, f"{prefix}recall_at_{limit}", group, [0 < r <= limit for r in ranks])
    gains = [1 / rank if 0 < rank <= RANKS[-1] else 0.0 for rank in ranks]
    return found + mean_of(SuiteName.RETRIEVAL, f"{prefix}mrr_at_10", group, gains)
