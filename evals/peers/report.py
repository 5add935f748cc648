"""The comparison as a table and as JSON: recall, times, and what they are of Firstline's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.bench.figures import Figures, percentile
from evals.bounds import wilson

RANKS = (1, 5, 10)
NOTE = (
    "Every peer got the same passages, vectors and questions; embedding, the same for all, is in no time. Indexing ends "
    "with the first answer. Times are shown as multiples of Firstline's."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One question put to one peer: ranks from 1, 0 for not found; None where no section is known."""

    lang: str
    article: int
    section: int | None
    milliseconds: float


@dataclass(slots=True)
class Tried:
    """What came of one peer, over all corpora of a run."""

    name: str
    rows: list[Row] = field(default_factory=list)
    indexing_s: float = 0.0
    pieces: int = 0
    missing: str = ""  # why there are no rows


def figures(one: Tried, first: Tried) -> dict[str, Any]:
    """Recall by language, times in milliseconds and seconds, and their ratios to those of `first`."""
    if not one.rows:
        return {"missing": one.missing}
    found: dict[str, Any] = {"questions": len(one.rows), "pieces": one.pieces, "recall": {}}
    for group, rows in _groups(one.rows):
        found["recall"][group] = _recalls("article", [row.article for row in rows]) | _recalls(
            "section", [row.section for row in rows if row.section is not None]
        )
    found |= _times(one)
    ours = _times(first)
    found["ratio_to_firstline"] = {
        name: round(value / ours[name], 3) for name, value in _times(one).items() if ours[name]
    }
    return found


def as_json(tried: Sequence[Tried], what: Figures) -> str:
    data = {"what": what, "note": NOTE, "peers": {one.name: figures(one, tried[0]) for one in tried}}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def as_text(tried: Sequence[Tried], what: Figures) -> str:
    """Markdown, for a terminal or a page."""
    groups = [group for group, _ in _groups(tried[0].rows)]
    sections = any(row.section is not None for row in tried[0].rows)
    columns = [f"{group} R@{'/'.join(map(str, RANKS))}" for group in groups]
    columns += ["section R@" + "/".join(map(str, RANKS))] if sections else []
    columns += ["search p50 ms", "p95 ms", "indexing s"]
    lines = [f"- {name}: {value}" for name, value in what.items()]
    lines += [f"- questions: {len(tried[0].rows)}, passages: {tried[0].pieces}", "", NOTE, ""]
    lines += ["| | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for one in tried:
        shown = figures(one, tried[0])
        cells = [one.missing, *[""] * (len(columns) - 1)] if not one.rows else list(_cells(shown, groups, sections))
        lines.append(f"| {one.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cells(shown: dict[str, Any], groups: Sequence[str], sections: bool) -> Iterable[str]:
    for group in groups:
        yield _joined(shown["recall"][group], "article")
    if sections:
        yield _joined(shown["recall"]["all"], "section")
    for name in ("search_p50_ms", "search_p95_ms", "indexing_s"):
        ratio = shown["ratio_to_firstline"].get(name)
        yield f"{shown[name]:.1f}" + (f" (×{ratio:.2f})" if ratio is not None else "")


def _joined(recalls: dict[str, Any], of: str) -> str:
    return " / ".join(
        f"{recalls[f'{of}_recall_at_{rank}'][0]:.3f}" for rank in RANKS if f"{of}_recall_at_{rank}" in recalls
    )


def _recalls(of: str, ranks: Sequence[int]) -> dict[str, list[float]]:
    """[share, low, high] of each depth; the 95 % interval is Wilson's."""
    found = {}
    for limit in RANKS if ranks else ():
        hits = sum(0 < rank <= limit for rank in ranks)
        low, high = wilson(hits, len(ranks))
        found[f"{of}_recall_at_{limit}"] = [round(number, 4) for number in (hits / len(ranks), low, high)]
    return found


def _times(one: Tried) -> dict[str, float]:
    spent = [row.milliseconds for row in one.rows]
    return {
        "search_p50_ms": round(percentile(spent, 0.5), 2),
        "search_p95_ms": round(percentile(spent, 0.95), 2),
        "indexing_s": round(one.indexing_s, 2),
    }


def _groups(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    langs = sorted({row.lang for row in rows})
    by_lang = [(lang, [row for row in rows if row.lang == lang]) for lang in langs]
    return [*(by_lang if len(langs) > 1 else []), ("all", list(rows))]
