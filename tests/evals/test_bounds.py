"""Intervals against published or exactly computable values."""

import math

import pytest

from evals.bounds import clopper_pearson, difference, incomplete_beta, upper_bound, wilson


def test_wilson_gives_the_published_interval() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I: 81 of 263.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_wilson_reaches_the_ends_and_says_nothing_without_cases() -> None:
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_clopper_pearson_gives_the_published_interval() -> None:
    # The same table, method 5.
    assert clopper_pearson(81, 263) == pytest.approx((0.2527, 0.3676), abs=1e-4)


def test_without_a_mistake_the_upper_bound_is_the_rule_of_three() -> None:
    assert upper_bound(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100), abs=1e-9)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert clopper_pearson(5, 5)[1] == 1.0


@pytest.mark.parametrize(("hits", "count"), [(1, 10), (7, 40), (99, 100)])
def test_the_bounds_leave_exactly_the_tails_of_the_binomial(hits: int, count: int) -> None:
    def at_most(k: int, p: float) -> float:
        return sum(math.comb(count, i) * p**i * (1 - p) ** (count - i) for i in range(k + 1))

    low, high = clopper_pearson(hits, count)
    assert at_most(hits, high) == pytest.approx(0.025, abs=1e-9)
    assert 1 - at_most(hits - 1, low) == pytest.approx(0.025, abs=1e-9)


def test_the_incomplete_beta_function_is_symmetric_and_ends_at_0_and_1() -> None:
    assert incomplete_beta(2, 3, 0.4) == pytest.approx(0.5248)
    assert incomplete_beta(30, 5, 0.9) == pytest.approx(1 - incomplete_beta(5, 30, 0.1))
    assert (incomplete_beta(2, 3, 0), incomplete_beta(2, 3, 1)) == (0.0, 1.0)


def test_a_difference_has_newcombes_interval() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10: 56/70 - 48/80.
    gap, low, high = difference((56 / 70, *wilson(56, 70)), (48 / 80, *wilson(48, 80)))
    assert gap == pytest.approx(0.2)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
