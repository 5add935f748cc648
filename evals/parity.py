"""Is Firstline as good in Chinese as in English? Every measure side by side, with the difference and its interval.

A gap that needs an explanation gets a line that says where it comes from (`parity_causes.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals.bounds import difference
from evals.measures import Measure, SuiteName, SuiteResult
from evals.parity_causes import Observed, sentence

CLOSE = 0.03  # of a share: a smaller gap between the languages needs no explanation
FEWEST = 10  # cases of either language behind a gap that counts as the widest


def summarise(results: Sequence[SuiteResult], observed: Mapping[str, Sequence[Observed]] | None = None) -> SuiteResult:
    """The gap of every measure that both languages have (zh minus en), the widest first, and a row for each side.

    observed: what every question brought to a measure, by "suite.measure"; gaps of these are explained.
    """
    known = {measure.key: measure for result in results for measure in result.measures}
    gaps: list[Measure] = []
    rows: list[dict[str, object]] = []
    for one in known.values():
        if not _is_chinese(one.group):
            continue
        other = known.get(f"{one.suite}.{one.name}.en{one.group.removeprefix('zh')}")
        if other is None:
            continue
        gap, low, high = one.value - other.value, None, None
        if one.low is not None and one.high is not None and other.low is not None and other.high is not None:
            gap, low, high = difference((one.value, one.low, one.high), (other.value, other.low, other.high))
        name = f"{one.suite}.{one.name}"
        group = one.group.removeprefix("zh").strip() or "all"
        count = min(one.count, other.count)
        gaps.append(Measure(SuiteName.PARITY, name, group, gap, count, low, high, share=one.share))
        rows.append({
            "measure": name, "group": group, "zh": one.value, "en": other.value, "difference": gap, "low": low, "high": high,
            "zh_cases": one.count, "en_cases": other.count, "share": one.share, "close": abs(gap) <= CLOSE,
        })  # fmt: skip
    gaps.sort(key=lambda measure: -abs(measure.value))
    shares = [measure for measure in gaps if measure.share]
    far = sum(abs(measure.value) > CLOSE for measure in shares)
    note = f"{len(shares) - far} of {len(shares)} shares lie within {CLOSE:.0%} of each other in both languages."
    wide = [abs(measure.value) for measure in shares if measure.count >= FEWEST]
    if wide:
        gaps.insert(0, Measure(SuiteName.PARITY, "widest_gap", "all", max(wide), len(wide), lower_is_better=True))
    notes = (note, *_explanations(shares, observed or {})) if shares else ()
    return SuiteResult(SuiteName.PARITY, tuple(gaps), misses=tuple(rows), notes=notes)


def _explanations(gaps: Sequence[Measure], observed: Mapping[str, Sequence[Observed]]) -> list[str]:
    """A line for each gap that is too wide to go without one, as far as its questions are known."""
    found = []
    for gap in gaps:
        needs_one = gap.group == "all" and abs(gap.value) > CLOSE and gap.count >= FEWEST
        if needs_one and gap.name in observed:
            interval = None if gap.low is None or gap.high is None else (gap.low, gap.high)
            found.append(sentence(gap.name, gap.value, interval, observed[gap.name]))
    return found


def _is_chinese(group: str) -> bool:
    return group == "zh" or group.startswith("zh ")
