"""Percentiles, clocks and what the figures were measured on."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

Figures = dict[str, Any]  # a section of the report: name -> number or text, ready for JSON


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of `values` do not exceed, between neighbours by interpolation; 0 for none."""
    return float(np.quantile(np.asarray(values, np.float64), share)) if values else 0.0


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def milliseconds(seconds: float) -> float:
    """Rounded to a hundredth: the digits after it are the clock's."""
    return round(seconds * 1000, 2)


def spread_ms(seconds: Sequence[float], prefix: str = "") -> Figures:
    """p50 and p95 of durations, in milliseconds."""
    return {
        f"{prefix}p50_ms": milliseconds(percentile(seconds, 0.5)),
        f"{prefix}p95_ms": milliseconds(percentile(seconds, 0.95)),
    }


def machine() -> Figures:
    """What a reader needs to compare these figures with their own."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "firstline": _own_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def resident_bytes(pid: int | None = None) -> int:
    """Memory of this process, or of another one, that is in RAM now (Linux; elsewhere our own highest value so far)."""
    try:
        pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if platform.system() == "Darwin" else peak * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _own_version() -> str:
    try:
        return version("firstline")
    except PackageNotFoundError:
        return "not installed"
