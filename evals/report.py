"""One run as report.json, report.md and report.html, each with the change against the last run in the same folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from evals.measures import Measure, SuiteResult
from evals.plots import draw
from web.commands.jsonlines import CannotWrite

JSON, MARKDOWN, HTML = "report.json", "report.md", "report.html"
COLUMNS = ("zh", "en", "mixed", "all")
MISSES = 50  # shown for reading; report.json has them all
_SMALLEST = 0.0005  # a change below this is rounding
_STYLE = """
:root{color-scheme:light}body{font:15px/1.55 system-ui,"Noto Sans CJK SC",sans-serif;color:#0f172a;background:#f8fafc;margin:0}
main{max-width:1040px;margin:0 auto;padding:24px 16px 64px}h1{font-size:1.5rem;margin:.2em 0}h2{font-size:1.15rem;margin:0 0 .5em}
section{background:#fff;border:1px solid #e2e8f0;border-radius:10px;padding:16px 18px;margin:18px 0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;border-bottom:1px solid #eef2f7;text-align:right;vertical-align:top;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal}thead th{color:#475569;font-weight:600}
small,.muted{color:#64748b}.up{color:#15803d}.down{color:#b91c1c}.plots{display:flex;flex-wrap:wrap;gap:16px;margin-top:12px}
figure{margin:0;flex:1 1 380px;max-width:480px}figcaption{font-weight:600;margin-bottom:4px}svg{width:100%;height:auto}
details{margin-top:12px}details td{text-align:left;white-space:normal;font-size:.86rem}
.broken{border-color:#fca5a5;background:#fef2f2}
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, on what, and what a gate says to it."""

    at: str  # ISO time, UTC
    what: Mapping[str, Any]  # what was run: equal for runs that can be compared
    facts: Mapping[str, Any]  # of this run: versions, seconds, sizes
    results: tuple[SuiteResult, ...]
    broken: tuple[str, ...] | None  # limits not kept; None without a gate
    before: Mapping[str, float]  # value by key of the last comparable run; empty without one

    def as_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            "at": self.at,
            "what": dict(self.what),
            "facts": dict(self.facts),
            "measures": {m.key: asdict(m) | {"change": self.change(m)} for r in self.results for m in r.measures},
            "suites": {
                str(r.name): {"notes": r.notes, "misses": r.misses, "plots": [asdict(plot) for plot in r.plots]}
                for r in self.results
            },
            "gate": None if self.broken is None else {"passed": not self.broken, "broken": list(self.broken)},
        }

    def change(self, measure: Measure) -> float | None:
        """Against the last comparable run; None when it has no such figure."""
        return measure.value - self.before[measure.key] if measure.key in self.before else None


def last_run(out: Path | None, what: Mapping[str, Any]) -> tuple[dict[str, float], str]:
    """(value by key, what to say about it) of the report that stands in `out`, if it measured the same."""
    if out is None or not (out / JSON).exists():
        return {}, ""
    try:
        data = json.loads((out / JSON).read_text(encoding="utf-8"))
        at, values = str(data["at"]), {key: float(one["value"]) for key, one in data["measures"].items()}
        same = {k: v for k, v in data["what"].items() if k != "suites"} == {
            k: v for k, v in what.items() if k != "suites"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, "The report of the last run could not be read; nothing is compared."
    if not same:
        return {}, f"The last run ({at}) measured something else; nothing is compared."
    return values, f"Changes are against the run of {at}."


def write(report: Report, out: Path) -> None:
    """The three files of a report. Raises CannotWrite."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in ((HTML, html(report)), (MARKDOWN, markdown(report)), (JSON, as_text(report))):
            (out / name).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise CannotWrite(file=str(out)) from error


def as_text(report: Report) -> str:
    return json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n"


def markdown(report: Report) -> str:
    """The tables and the gate, for a terminal, a merge request or a page."""
    lines = [f"# Firstline evals, {report.at}", "", *(f"- {name}: {value}" for name, value in _head(report)), ""]
    if report.broken is not None:
        lines += ["## Gate", "", *([f"- {line}" for line in report.broken] or ["All limits are kept."]), ""]
    for result in report.results:
        columns, rows = table(result, report)
        lines += [f"## {str(result.name).capitalize()}", ""]
        lines += ["| measure | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
        lines += [
            "| " + " | ".join([name, *(cell.replace("\n", " ") for cell, _ in cells)]) + " |" for name, cells in rows
        ]
        lines += ["", *(f"{note}\n" for note in result.notes)]
    return "\n".join(lines)


def html(report: Report) -> str:
    """One page that needs nothing else."""
    head = "".join(f"<li>{escape(name)}: {escape(str(value))}</li>" for name, value in _head(report))
    parts = [f"<h1>Firstline evals</h1><p class=muted>{escape(report.at)}</p><ul>{head}</ul>"]
    if report.broken is not None:
        lines = "".join(f"<li>{escape(line)}</li>" for line in report.broken)
        style = ' class="broken"' if report.broken else ""
        parts.append(
            f"<section{style}><h2>Gate</h2>{f'<ul>{lines}</ul>' if lines else 'All limits are kept.'}</section>"
        )
    parts += [_section(result, report) for result in report.results]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Firstline evals</title><style>{_STYLE}</style><main>{''.join(parts)}</main></html>\n"
    )


def table(result: SuiteResult, report: Report) -> tuple[list[str], list[tuple[str, list[tuple[str, str]]]]]:
    """(columns, rows): a row per measure, a column per language; a cell is its text and whether it rose or fell."""
    cells: dict[str, dict[str, Measure]] = {}
    for measure in result.measures:
        lang, _, finer = measure.group.partition(" ")
        column, part = (lang, finer) if lang in COLUMNS else ("all", measure.group)
        name = measure.name.replace("_", " ") + (f" · {part.replace('_', ' ')}" if part else "")
        cells.setdefault(name, {})[column] = measure
    columns = [column for column in COLUMNS if any(column in row for row in cells.values())]
    rows = [(name, [_cell(row.get(column), report) for column in columns]) for name, row in cells.items()]
    return columns, rows


def _cell(measure: Measure | None, report: Report) -> tuple[str, str]:
    if measure is None:
        return "", ""
    text = _shown(measure.value, measure.share)
    if measure.low is not None and measure.high is not None:
        text += f" [{_shown(measure.low, measure.share, '')} to {_shown(measure.high, measure.share, '')}]"
    text += f"\nn={measure.count}"
    change = report.change(measure)
    if change is None or abs(change) < _SMALLEST:
        return text, ""
    better = (change < 0) if measure.lower_is_better else (change > 0)
    return f"{text}\n{'+' if change > 0 else '-'}{_shown(abs(change), measure.share)}", "up" if better else "down"


def _shown(value: float, share: bool, unit: str = " %") -> str:
    if share:
        return f"{value * 100:.1f}{unit}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _head(report: Report) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in {**report.what, **report.facts}.items() if value not in ("", None, False)]


def _section(result: SuiteResult, report: Report) -> str:
    columns, rows = table(result, report)
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr><td>{escape(name)}</td>{''.join(_td(*cell) for cell in cells)}</tr>" for name, cells in rows)
    notes = "".join(f"<p>{escape(note)}</p>" for note in result.notes)
    plots = "".join(
        f"<figure><figcaption>{escape(plot.title)}</figcaption>{draw(plot)}</figure>" for plot in result.plots
    )
    return (
        f"<section><h2>{escape(str(result.name).capitalize())}</h2>{notes}<div class=wide><table><thead><tr><th>measure</th>"
        f"{head}</tr></thead><tbody>{body}</tbody></table></div><div class=plots>{plots}</div>{_misses(result)}</section>"
    )


def _td(text: str, direction: str) -> str:
    lines = text.split("\n")
    rest = [
        f'<br><small class="{direction if place == 2 else ""}">{escape(line)}</small>'
        for place, line in enumerate(lines)
        if place
    ]
    return f"<td>{escape(lines[0])}{''.join(rest)}</td>"


def _misses(result: SuiteResult) -> str:
    """The first cases that went wrong, folded away."""
    if not result.misses:
        return ""
    shown: Sequence[Mapping[str, Any]] = result.misses[:MISSES]
    names = list(dict.fromkeys(name for miss in shown for name in miss))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_plain(miss.get(name)))}</td>" for name in names) + "</tr>" for miss in shown
    )
    what = "Rows" if result.name == "parity" else "Cases to read"
    return (
        f"<details><summary>{what}: {len(shown)} of {len(result.misses)}</summary><div class=wide><table><thead><tr>{head}"
        f"</tr></thead><tbody>{body}</tbody></table></div></details>"
    )


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)
