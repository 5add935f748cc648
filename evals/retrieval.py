"""Does search find the right article? `python -m evals.retrieval --data-dir DIR --queries FILE.jsonl`.

The queries are JSON Lines, each with a text and the source (or a list of sources) of the article that answers it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from base.errors import InvalidInput
from base.i18n import N_
from base.log import set_up_logging
from base.settings import load_settings
from base.text import detect_language
from kb.models import Audience, Scope
from kb.search import Searcher
from web.wiring import build

RANKS = (1, 5, 10)
DEPTH = 50  # passages looked through for ten different articles


class BadQueries(InvalidInput):
    """A line of the queries file is not what was asked for."""

    code = "bad_queries"
    message = N_("Line {line} of {file} cannot be used: {reason}.")


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    gold: frozenset[str]  # sources of the articles that answer it
    lang: str


@dataclass(frozen=True, slots=True)
class Score:
    """How well the queries of one language did."""

    queries: int
    recall: dict[int, float]  # rank -> share of queries with a gold article among so many
    mrr: float  # mean of 1 / rank of the first gold article, 0 when it is not among the first ten


def read_queries(path: Path, *, text_field: str = "query", gold_field: str = "gold_doc") -> Iterator[Query]:
    """The queries of a file, in order; the language is its "lang" or told from the text. Raises BadQueries."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                fields = json.loads(line)
                text, gold = str(fields[text_field]), fields[gold_field]
            except (ValueError, KeyError, TypeError) as error:
                raise BadQueries(line=number, file=path.name, reason=f"{type(error).__name__}: {error}") from error
            sources = frozenset(map(str, gold if isinstance(gold, list) else [gold]))
            # With another text field, the file's language may be that of the other text.
            yield Query(text, sources, detect_language(text))


def ranked_sources(searcher: Searcher, query: Query, scope: Scope) -> list[str]:
    """Sources of the articles found, best first, each once."""
    found = searcher.search(query.text, scope=scope, top_k=DEPTH).passages
    return list(dict.fromkeys(passage.source for passage in found))


def rank_of(sources: Sequence[str], gold: frozenset[str]) -> int:
    """Where the first gold source stands, from 1; 0 when it is not there."""
    return next((place for place, source in enumerate(sources, start=1) if source in gold), 0)


def score(ranks: Sequence[int]) -> Score:
    """Recall at RANKS and MRR at ten, from the rank of each query's first gold article (0: not found)."""
    count = max(len(ranks), 1)
    recall = {limit: sum(0 < rank <= limit for rank in ranks) / count for limit in RANKS}
    return Score(len(ranks), recall, sum(1 / rank for rank in ranks if 0 < rank <= RANKS[-1]) / count)


def measure(searcher: Searcher, queries: Sequence[Query], scope: Scope) -> dict[str, Score]:
    """The scores by language of the query, and of "all"."""
    ranks: dict[str, list[int]] = {}
    for query in queries:
        rank = rank_of(ranked_sources(searcher, query, scope), query.gold)
        ranks.setdefault(query.lang, []).append(rank)
        ranks.setdefault("all", []).append(rank)
    return {lang: score(ranks[lang]) for lang in sorted(ranks, key=lambda lang: (lang == "all", lang))}


def main(argv: Sequence[str] | None = None) -> int:
    """Search for every query on an installation and print a line per language."""
    given = _parser().parse_args(argv)
    queries = list(read_queries(given.queries, text_field=given.text_field, gold_field=given.gold_field))
    if given.limit:
        queries = queries[:: max(1, len(queries) // given.limit)][: given.limit]
    scope = Scope((Audience.PUBLIC, Audience.INTERNAL), (given.collection,) if given.collection else ())
    settings = load_settings(data_dir=given.data_dir, log_level="error")
    set_up_logging(settings)
    services = build(settings)
    try:
        scores = measure(services.searcher, queries, scope)
    finally:
        services.close()
    sys.stdout.write(_table(scores))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.retrieval", description="Recall of the right article.")
    parser.add_argument("--data-dir", type=Path, required=True, help="installation with the articles ingested")
    parser.add_argument("--queries", type=Path, required=True, help="JSON Lines, one query each")
    parser.add_argument("--text-field", default="query", help="field with the query's text (default: query)")
    parser.add_argument("--gold-field", default="gold_doc", help="field with the right source or sources")
    parser.add_argument("--collection", default="", help="search only this collection")
    parser.add_argument("--limit", type=int, default=0, help="use so many queries, spread over the file")
    return parser


def _table(scores: dict[str, Score]) -> str:
    lines = [f"{'lang':6}{'queries':>8}" + "".join(f"{f'R@{limit}':>8}" for limit in RANKS) + f"{'MRR@10':>8}"]
    for lang, one in scores.items():
        cells = "".join(f"{one.recall[limit]:8.3f}" for limit in RANKS)
        lines.append(f"{lang:6}{one.queries:8}{cells}{one.mrr:8.3f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
