"""How sure a measured share is: intervals for proportions, and for the difference of two."""

from __future__ import annotations

import math

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution
_TINY = 1e-300


def wilson(hits: int, count: int, z: float = Z95) -> tuple[float, float]:
    """The 95 % interval of hits / count; (0, 1) without any. Source: E. B. Wilson, JASA 22 (1927), 209-212."""
    if count <= 0:
        return 0.0, 1.0
    share, spread = hits / count, z * z / count
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    # At the ends the formula gives the share itself, up to rounding.
    return (0.0 if hits == 0 else max(0.0, centre - half)), (1.0 if hits == count else min(1.0, centre + half))


def clopper_pearson(hits: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval that holds hits / count at least `level` of the time; (0, 1) without any.

    Source: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934), 404-413.
    """
    if count <= 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else _quantile(tail, hits, count - hits + 1)
    high = 1.0 if hits == count else _quantile(1 - tail, hits + 1, count - hits)
    return low, high


def upper_bound(hits: int, count: int, level: float = 0.95) -> float:
    """The one-sided Clopper-Pearson bound: the true share is at most this, `level` of the time; 1 without any."""
    return clopper_pearson(hits, count, 2 * level - 1)[1]


def difference(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float, float]:
    """first - second with its interval, each given as (value, low, high).

    Source: R. G. Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10.
    """
    (one, one_low, one_high), (two, two_low, two_high) = first, second
    gap = one - two
    low = gap - math.hypot(one - one_low, two_high - two)
    return gap, max(-1.0, low), min(1.0, gap + math.hypot(one_high - one, two - two_low))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and x in [0, 1].

    Source: W. J. Lentz's continued fraction, as in Press et al., Numerical Recipes, section 6.4.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    if x < (a + 1) / (a + b + 2):  # where the fraction converges fast
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _quantile(share: float, a: float, b: float) -> float:
    """x with I_x(a, b) = share, by halving: 60 steps give all the digits a float has."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if incomplete_beta(a, b, middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _fraction(a: float, b: float, x: float, most: int = 400) -> float:
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, most):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < 1e-13:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
