"""The fit: exact bounds, coefficients found again, no article on both sides, thresholds that keep what they promise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bot.calibration import (
    FOLDS,
    SPEAKS_AGAINST,
    SPEAKS_FOR,
    Example,
    Way,
    balanced,
    calibrate,
    choose,
    clopper_pearson_upper,
    counted,
    fit_language,
    fold_of,
    logistic,
    needed_without_error,
    risk_coverage,
    signed_logistic,
)
from bot.confidence import FEATURES, Model, squashed

SHIPPED = Model({"score": 4.0, "rival_words": -1.0}, -2.0, 0.5)


def examples(count: int, lang: str = "en", seed: int = 1, given: bool = False) -> list[Example]:
    """Questions of which a higher score is right more often; three to an article."""
    random = np.random.default_rng(seed)
    found = []
    for n in range(count):
        score = float(random.random())
        seen = dict.fromkeys(FEATURES, 0.0) | {"score": score, "similarity": score, "conflict": float(random.random())}
        right = bool(random.random() < squashed(10 * score - 5))
        found.append(
            Example(
                f"{lang}{n}",
                lang,
                "answerable",
                "made",
                f"article{n // 3}",
                right or n % 2 == 0,
                right,
                seen,
                given=given,
            )
        )
    return found


@pytest.mark.parametrize(
    ("wrong", "count", "upper"),
    [(0, 59, 0.0495), (0, 149, 0.0199), (1, 93, 0.0500), (3, 10, 0.6066), (0, 0, 1.0), (5, 5, 1.0)],
)
def test_the_bound_is_the_exact_binomial_one(wrong: int, count: int, upper: float) -> None:
    assert clopper_pearson_upper(wrong, count) == pytest.approx(upper, abs=1e-4)


def test_how_many_answers_a_claim_needs() -> None:
    assert (needed_without_error(0.05), needed_without_error(0.02)) == (59, 149)


def test_coefficients_are_found_again() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(4000, 2))
    y = (random.random(4000) < 1 / (1 + np.exp(-(2 * x[:, 0] - x[:, 1] + 0.5)))).astype(float)
    assert logistic(x, y, np.ones(4000), 0.01) == pytest.approx([2, -1, 0.5], abs=0.2)


def test_a_feature_with_the_wrong_sign_is_left_out() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(500, 2))
    y = (x[:, 0] + x[:, 1] > 0).astype(float)
    found = signed_logistic(x, y, np.ones(500), 1.0, ("score", "conflict"))
    assert found[0] > 0
    assert found[1] == 0


def test_every_feature_has_a_sign() -> None:
    everything = SPEAKS_FOR | SPEAKS_AGAINST
    assert everything == set(FEATURES)


def test_questions_about_one_article_fall_into_one_fold() -> None:
    folds = {example.group: set[int]() for example in examples(60)}
    for example in examples(60):
        folds[example.group].add(fold_of(example))
    assert all(len(found) == 1 for found in folds.values())
    assert set.union(*folds.values()) == set(range(FOLDS))


def test_many_questions_give_own_weights_few_rescale_and_a_handful_change_nothing() -> None:
    ways = [calibrate(examples(count), "en", SHIPPED, 0.1).way for count in (450, 80, 12)]
    assert ways == [Way.FITTED, Way.RESCALED, Way.SHIPPED]
    assert calibrate(examples(12), "en", SHIPPED, 0.1).model.weights == SHIPPED.weights


def test_a_fitted_model_tells_right_from_wrong_on_new_questions() -> None:
    model = fit_language(examples(450), "en", 10.0, FEATURES)
    fresh = examples(300, seed=9)
    chances = np.array([squashed(model.logit(example.features)) for example in fresh])
    right = np.array([example.right for example in fresh])
    assert chances[right].mean() > chances[~right].mean() + 0.3


def test_a_rescaled_model_keeps_the_order_of_the_shipped_one() -> None:
    made = calibrate(examples(80), "en", SHIPPED, 0.1).model
    ordered = sorted(examples(80), key=lambda example: SHIPPED.logit(example.features))
    assert all(made.logit(a.features) <= made.logit(b.features) + 1e-3 for a, b in pairwise(ordered))


def test_the_curve_counts_every_question_once_and_answers_more_as_it_goes() -> None:
    own = examples(200)
    curve = risk_coverage([example.features["score"] for example in own], own)
    assert curve[-1].answered == 200
    assert curve[-1].coverage == 1.0
    assert all(a.answered < b.answered and a.threshold > b.threshold for a, b in pairwise(curve))
    assert all(point.risk <= point.upper for point in curve)


def test_a_claim_needs_the_bound_and_a_share_is_not_called_one() -> None:
    own = examples(900)
    curve = risk_coverage([example.features["score"] for example in own], own)
    point, claimed, possible = choose(curve, 0.1)
    assert (claimed, possible) == (True, True)
    assert point.upper <= 0.1
    by_share, _, _ = choose(curve, 0.1, measured=True)
    assert by_share.answered >= point.answered
    few = examples(30)
    _, claimed, _ = choose(risk_coverage([example.features["score"] for example in few], few), 0.02)
    assert claimed is False


def test_without_any_question_nothing_is_promised() -> None:
    assert choose((), 0.05)[1:] == (False, False)


def test_passages_handed_over_are_judged_by_both_kinds_of_mistake() -> None:
    own = examples(300, given=True)
    point, claimed, _ = balanced(risk_coverage([example.features["score"] for example in own], own), own)
    assert claimed is False
    assert 0.3 < point.threshold < 0.7


def test_an_example_survives_being_written_and_read() -> None:
    for example in examples(5):
        again = Example.from_dict(example.as_dict())
        assert (again.id, again.group, again.right) == (example.id, example.group, example.right)
        assert again.features == pytest.approx(example.features, abs=1e-5)


def test_examples_are_counted_by_language_set_and_kind() -> None:
    assert counted([*examples(3), *examples(2, "zh")]) == {"en": {"made: answerable": 3}, "zh": {"made: answerable": 2}}
