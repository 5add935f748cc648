"""Plots as inline SVG: small, light, readable without colour alone, no library. Every function gives one <svg>."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from evals.measures import Plot, PlotKind

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 44
COLOURS = {"zh": "#c2410c", "en": "#1d4ed8", "all": "#334155"}
_OTHER_COLOUR = "#64748b"


def draw(plot: Plot) -> str:
    """The plot as SVG, with its title for those who cannot see it."""
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(plot.title)}">{_DRAW[plot.kind](plot.data)}</svg>'


def risk_coverage(data: Mapping[str, Any]) -> str:
    """A line per language: risk over coverage; dashed above each, what the risk exceeds in 5 % of cases only."""
    curves: dict[str, list[dict[str, float]]] = data["curves"]
    seen = [point["risk"] for points in curves.values() for point in points if point["coverage"] >= 0.1]
    most = min(1.0, max(0.1, math.ceil(max(seen, default=0.1) * 1.3 * 20) / 20))
    parts = [_axes("coverage: answered share of the answerable", "wrong among answered", 1.0, most)]
    for lang, points in curves.items():
        colour = COLOURS.get(lang, _OTHER_COLOUR)
        line = [(p["coverage"], min(p["risk"], most)) for p in points]
        bound = [(p["coverage"], p["bound"]) for p in points if p["bound"] <= most]
        parts.append(_line(line, 1.0, most, colour, 2.2 if lang == "all" else 1.4))
        if lang == "all":
            parts.append(_line(bound, 1.0, most, colour, 1, dashed=True))
    return "".join(parts) + _legend(
        [*((lang, COLOURS.get(lang, _OTHER_COLOUR)) for lang in curves), ("95 % bound - -", "#334155")]
    )


def reliability(data: Mapping[str, Any]) -> str:
    """Per bin of confidence: the share that was right, with its exact interval; on the diagonal all is honest."""
    parts = [_axes("confidence", "right", 1.0, 1.0), _line([(0, 0), (1, 1)], 1.0, 1.0, "#94a3b8", 1, dashed=True)]
    most = max((bin["count"] for bin in data["bins"]), default=1)
    for bin in data["bins"]:
        x, y = _x(bin["confidence"], 1.0), _y(bin["right"], 1.0)
        radius = 3 + 6 * math.sqrt(bin["count"] / most)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_y(bin["low"], 1.0):.1f}" y2="{_y(bin["high"], 1.0):.1f}" stroke="#1d4ed8"/>'
        )
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#1d4ed8" fill-opacity=".65">'
            f"<title>{bin['right']:.0%} of {bin['count']:.0f} right at confidence {bin['confidence']:.2f}</title></circle>"
        )
    return "".join(parts)


def confusion(data: Mapping[str, Any]) -> str:
    """Truth in rows, judgement in columns; each row shaded by its own shares."""
    labels: Sequence[str] = data["labels"]
    table: Sequence[Sequence[int]] = data["table"]
    left, top = 92, 40
    wide, high = (WIDTH - left - 10) / len(labels), (HEIGHT - top - 10) / len(labels)
    parts = [_text(left + wide * (j + 0.5), top - 10, label, "middle") for j, label in enumerate(labels)]
    parts.append(_text(8, top - 10, "truth \\ judged", "start", "#64748b"))
    for i, label in enumerate(labels):
        parts.append(_text(left - 8, top + high * (i + 0.5) + 4, label, "end"))
        for j, count in enumerate(table[i]):
            share = count / max(sum(table[i]), 1)
            colour = "#1d4ed8" if i == j else "#c2410c"
            ink = "#fff" if share > 0.55 else "#0f172a"
            x, y = left + wide * j, top + high * i
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide - 2:.1f}" height="{high - 2:.1f}" rx="3" fill="{colour}" '
                f'fill-opacity="{0.06 + 0.9 * share:.2f}"/>'
                + _text(x + wide / 2, y + high / 2 + 4, str(count), "middle", ink)
            )
    return "".join(parts)


def latency(data: Mapping[str, Any]) -> str:
    """How many took how long, with the median and the 95th percentile marked; the slowest hundredth is in the last bar."""
    times = sorted(data["milliseconds"]) or [0.0]
    most = max(times[min(len(times) - 1, len(times) * 99 // 100)], 1.0)
    bins = [0] * 30
    for time in times:
        bins[min(int(time / most * len(bins)), len(bins) - 1)] += 1
    top = max(bins)
    parts = [_axes("milliseconds", "cases", most, float(top), percent=False)]
    wide = (WIDTH - LEFT - RIGHT) / len(bins)
    for place, count in enumerate(bins):
        y = _y(count, top)
        parts.append(
            f'<rect x="{LEFT + wide * place:.1f}" y="{y:.1f}" width="{wide - 1:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" '
            'fill="#1d4ed8" fill-opacity=".6"/>'
        )
    for name, place in (("p50", 50), ("p95", 95)):
        value = times[min(len(times) - 1, len(times) * place // 100)]
        x = _x(min(value, most), most)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#c2410c" stroke-dasharray="4 3"/>'
        )
        anchor = "end" if x > WIDTH / 2 else "start"
        parts.append(
            _text(
                x + (-4 if anchor == "end" else 4),
                TOP + 10 + (14 if name == "p95" else 0),
                f"{name} {value:.0f} ms",
                anchor,
            )
        )
    return "".join(parts)


_DRAW: dict[PlotKind, Callable[[Mapping[str, Any]], str]] = {
    PlotKind.RISK_COVERAGE: risk_coverage,
    PlotKind.RELIABILITY: reliability,
    PlotKind.CONFUSION: confusion,
    PlotKind.LATENCY: latency,
}


def _x(value: float, most: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / most


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / most


def _axes(x_name: str, y_name: str, x_most: float, y_most: float, *, percent: bool = True) -> str:
    """Four grid lines each way, with their values, and what the axes mean."""

    def shown(value: float) -> str:
        return f"{value:.0%}" if percent else f"{value:.3g}"

    parts = []
    for step in range(5):
        x, y = _x(x_most * step / 4, x_most), _y(y_most * step / 4, y_most)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e2e8f0"/>')
        parts.append(_text(LEFT - 6, y + 4, shown(y_most * step / 4), "end", "#64748b"))
        parts.append(_text(x, HEIGHT - BOTTOM + 16, shown(x_most * step / 4), "middle", "#64748b"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_name, "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text transform="translate(12 {middle:.0f}) rotate(-90)" text-anchor="middle" font-size="12" fill="#334155">'
        f"{escape(y_name)}</text>"
    )
    return "".join(parts)


def _line(
    points: Sequence[tuple[float, float]],
    x_most: float,
    y_most: float,
    colour: str,
    width: float,
    *,
    dashed: bool = False,
) -> str:
    placed = " ".join(f"{_x(x, x_most):.1f},{_y(y, y_most):.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{placed}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'


def _legend(names: Sequence[tuple[str, str]]) -> str:
    return "".join(
        _text(LEFT + 10 + 56 * place, TOP + 12, name, "start", colour) for place, (name, colour) in enumerate(names)
    )


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#334155") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" fill="{colour}">{escape(words)}</text>'
