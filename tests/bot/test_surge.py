"""When reports are one incident: likeness, groups, and what an ordinary week explains."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.surge import JOIN, MOST, Stacker, belongs, group_of, is_unusual, likeness, main_things, stack
from desk.models import Category, Urgency
from desk.symptoms import Reported, Symptom

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DIM = 32


def direction(n: int, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    row = np.zeros(DIM, np.float32)
    row[n] = 1.0
    row += np.random.default_rng(seed).normal(0, noise, DIM).astype(np.float32)
    return row / np.linalg.norm(row)


def symptom(
    n: int = 0, *things: str, lang: str = "en", category: Category = Category.NETWORK, noise: float = 0.1, seed: int = 0
) -> Symptom:  # fmt: skip
    return Symptom(lang, category, Urgency.NORMAL, things, direction(n, noise, seed))


def like(one: Symptom, other: Symptom) -> float:
    both = stack([one, other])
    return float(likeness(both.rows([0]), both.rows([1]))[0, 0])


def test_likeness_is_the_same_both_ways_and_between_nought_and_one() -> None:
    one, other = symptom(0, "vpn", seed=1), symptom(1, "wifi", lang="zh", seed=2)
    assert like(one, other) == pytest.approx(like(other, one))
    assert 0.0 < like(one, other) < 1.0


def test_the_same_thing_broken_counts_beside_the_wording() -> None:
    near = symptom(0, "vpn", seed=1)
    assert like(near, symptom(0, "vpn", seed=2)) > like(near, symptom(0, "printer", seed=2))
    assert like(near, symptom(0, "vpn", seed=2)) > like(near, symptom(0, "vpn", category=Category.HARDWARE, seed=2))


def test_without_an_embedding_nothing_is_alike_enough() -> None:
    bare = Symptom("en", Category.NETWORK, Urgency.NORMAL, ("vpn",), None)
    assert like(bare, symptom(0, "vpn")) < JOIN
    assert like(bare, bare) < JOIN


def test_a_vector_of_another_model_counts_as_none() -> None:
    other = Symptom("en", Category.NETWORK, Urgency.NORMAL, ("vpn",), np.ones(8, np.float32))
    assert like(other, symptom(0, "vpn")) < JOIN


def test_reports_before_and_after_the_embedder_came_back_stand_together() -> None:
    stacker = Stacker()
    bare = Symptom("en", Category.NETWORK, Urgency.NORMAL, ("vpn",), None)
    both = stacker.stack([bare, bare]).followed_by(stacker.stack([symptom(0, "vpn")]))
    assert both.vectors.shape == (3, DIM)
    assert both.followed_by(stacker.stack([bare])).vectors.shape == (4, DIM)


def test_only_the_newest_are_kept() -> None:
    stacker, one = Stacker(), symptom(0, "vpn")
    long = stacker.stack([one] * (MOST - 1)).followed_by(stacker.stack([symptom(1, "mail")] * 3))
    assert len(long.kinds) == len(long.vectors) == MOST
    np.testing.assert_allclose(long.vectors[-1], symptom(1, "mail").vector)


def test_more_things_than_there_are_columns_are_no_fault() -> None:
    every = stack([symptom(0, f"thing{n}") for n in range(300)])
    assert np.isfinite(likeness(every.rows([0, 299]), every)).all()


def test_a_group_holds_what_belongs_together_and_nothing_else() -> None:
    every = [symptom(0, "vpn", seed=n, lang="zh" if n % 2 else "en") for n in range(5)]
    every += [symptom(n, "printer", category=Category.HARDWARE, seed=n) for n in range(6, 20)]
    found = group_of(stack(every), 0, np.arange(1, len(every)))
    assert found[0] == 0
    assert set(found) == set(range(5))


def test_only_what_is_free_is_taken() -> None:
    every = stack([symptom(0, "vpn", seed=n) for n in range(5)])
    assert set(group_of(every, 0, np.array([2, 3]))) == {0, 2, 3}
    assert group_of(every, 0, np.array([], np.intp)) == [0]


def test_belonging_is_measured_by_the_nearest_two() -> None:
    assert belongs(np.array([[0.9, 0.7, 0.0, 0.0]], np.float32))[0] == pytest.approx(0.8)
    assert belongs(np.zeros((2, 0), np.float32)).tolist() == [0.0, 0.0]


def test_what_comes_every_day_is_no_surge() -> None:
    resets = [symptom(0, "password", category=Category.ACCOUNT, seed=n) for n in range(200)]
    other = [symptom(n % (DIM - 2) + 1, "erp", seed=n) for n in range(200)]
    now = [symptom(0, "password", category=Category.ACCOUNT, seed=900 + n) for n in range(3)]
    every = stack([*resets, *other, *now])
    group, before = [400, 401, 402], np.arange(400)
    assert not is_unusual(every, group, before, 10, 3)
    new = stack([*other, *other, *[symptom(31, "vpn", seed=n) for n in range(3)]])
    assert is_unusual(new, group, before, 10, 3)


def test_with_next_to_no_history_so_many_at_once_are_worth_a_look() -> None:
    every = stack([symptom(0, "vpn", seed=n) for n in range(13)])
    assert is_unusual(every, [10, 11, 12], np.arange(10), 3, 3)


def test_a_group_is_about_what_most_of_it_names_first() -> None:
    def report(*things: str) -> Reported:
        return Reported(1, NOW + timedelta(minutes=1), 1, 1, 1, symptom(0, *things))

    group = [report("vpn", "mail"), report("vpn"), report("certificate"), report("certificate"), report("printer")]
    assert main_things(group) == ("vpn", "certificate")
    assert main_things([report(), report()]) == ()
