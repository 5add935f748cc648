"""Is Firstline as good in Chinese as in English? Every measure side by side, with the difference and its interval."""

from __future__ import annotations

from collections.abc import Sequence

from evals.bounds import difference
from evals.measures import Measure, SuiteName, SuiteResult

CLOSE = 0.03  # of a share: a smaller gap between the languages needs no explanation
FEWEST = 10  # cases of either language behind a gap that counts as the widest


def summarise(results: Sequence[SuiteResult]) -> SuiteResult:
    """The gap of every measure that both languages have (zh minus en), the widest first, and a row for each side."""
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
    return SuiteResult(SuiteName.PARITY, tuple(gaps), misses=tuple(rows), notes=(note,) if shares else ())


def _is_chinese(group: str) -> bool:
    return group == "zh" or group.startswith("zh ")
