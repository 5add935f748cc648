"""The means of the inner layers: of each language, from its texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evals.fit_inner import TARGET, inner_means
from kb.e5.engine import DIM, E5Encoder
from kb.e5.graph import INNER_LAYERS


def test_each_language_has_the_mean_of_its_texts(model_cache: Path) -> None:
    encoder = E5Encoder(model_cache)
    found = inner_means(["The VPN is down", "打印机坏了", "My mouse is dead"], encoder)
    assert found.keys() == {"zh", "en"}
    assert all(mean.shape == (len(INNER_LAYERS) * DIM,) for mean in found.values())
    alone = inner_means(["打印机坏了"], encoder)
    np.testing.assert_array_equal(found["zh"], alone["zh"])


def test_those_that_ship_fit_the_model() -> None:
    with np.load(TARGET, allow_pickle=False) as arrays:
        assert set(arrays.files) == {"zh", "en"}
        assert all(arrays[lang].shape == (len(INNER_LAYERS) * DIM,) for lang in arrays.files)
