"""The door to the embedder: a name from the settings becomes an Embedder. Searching and indexing know no more than it.

Every embedder is an Encoder (a model as it comes) inside a CentredEmbedder, which cleans the texts, takes the mean of
their language away and remembers the last questions. Importing this module loads no model and no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from base.text import for_embedding
from kb.centring import CENTRING, FALLBACK_LANGUAGE, LANGUAGES, LanguageMeans
from kb.encoder import (
    SETTING,
    Beginner,
    EmbedderUnavailable,
    EmbedderUnknown,
    EmbeddingSpec,
    Encoded,
    Encoder,
    TextKind,
    Vectors,
)

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

__all__ = ["CentredEmbedder", "Embedder", "EmbeddingSpec", "make_embedder"]

_REMEMBERED_QUERIES = 512
SPACE = "helpdesk/1"  # raise the number when the maps in means.npz change
_BUILTIN_MEANS = Path(__file__).parent / "e5" / "means.npz"
_BUILTIN_INNER = Path(__file__).parent / "e5" / "inner.npz"  # made by evals/fit_inner.py


class Embedder(Protocol):
    """Turns texts into vectors that can be compared by their dot product, whatever their language."""

    @property
    def spec(self) -> EmbeddingSpec:
        """What the vectors were made with; store `spec.digest` beside them."""
        ...

    def embed_passages(self, texts: Sequence[str], langs: Sequence[str]) -> Vectors:
        """Return (n, dim) float32 unit rows; langs: "zh" or "en" for each text (base.text.detect_language)."""
        ...

    def embed_query(self, text: str, lang: str) -> Vectors:
        """Return (dim,) float32 of length 1, read-only. Remembers the last 512 questions."""
        ...

    def meaning(self, text: str, lang: str) -> Vectors:
        """Return (any,) float32 of length 1, read-only: what a question does rather than what answers it, for judging.

        More than the vector where the model lets its inner layers be seen, else the vector. Made in the same run.
        """
        ...

    def question(self, text: str, lang: str) -> EmbeddedLater:
        """As `embed_query`, with something to do meanwhile: what holds the interpreter is done, the rest is to be called."""
        ...

    def warm(self) -> None:
        """Load the model now instead of at the first text."""
        ...

    def langchain(self) -> Embeddings:
        """Return the same embedder for code that wants LangChain's interface; it detects each text's language."""
        ...


class EmbeddedLater:
    """A question on its way to a vector. Safe to share between threads: computed twice at the worst."""

    __slots__ = ("_finish", "_found")

    def __init__(self, finish: Callable[[], tuple[Vectors, Vectors]]) -> None:
        self._finish: Callable[[], tuple[Vectors, Vectors]] | None = finish
        self._found: tuple[Vectors, Vectors] | None = None

    def __call__(self) -> Vectors:
        """(dim,) float32 of length 1, read-only. Raises what the model raised, and tries again the next time."""
        return self._both()[0]

    def meaning(self) -> Vectors:
        """As `Embedder.meaning`; raises as the call does."""
        return self._both()[1]

    def _both(self) -> tuple[Vectors, Vectors]:
        finish = self._finish
        if self._found is None and finish is not None:
            self._found = finish()
            self._finish = None  # it holds the text's rows, which are many times the vector
        assert self._found is not None
        return self._found


class CentredEmbedder:
    """An Embedder made of any Encoder. As thread-safe as the encoder is."""

    def __init__(
        self,
        encoder: Encoder,
        spec: EmbeddingSpec,
        means: LanguageMeans,
        inner_means: Mapping[str, Vectors] | None = None,
    ) -> None:
        """inner_means: language -> mean of the encoder's inner layers, where it shows them."""
        self.spec, self._inner_means = spec, inner_means or {}
        self._encoder, self._means = encoder, means
        self._begin = encoder.begin if isinstance(encoder, Beginner) else None
        self._remembered = lru_cache(maxsize=_REMEMBERED_QUERIES)(self._begun)

    def embed_passages(self, texts: Sequence[str], langs: Sequence[str]) -> Vectors:
        if len(texts) != len(langs):
            raise ValueError(f"{len(texts)} texts but {len(langs)} languages")
        return self._embed([for_embedding(text) for text in texts], langs, TextKind.PASSAGE)

    def embed_query(self, text: str, lang: str) -> Vectors:
        return self.question(text, lang)()

    def question(self, text: str, lang: str) -> EmbeddedLater:
        return self._remembered(for_embedding(text), lang)

    def meaning(self, text: str, lang: str) -> Vectors:
        return self.question(text, lang).meaning()

    def warm(self) -> None:
        self._encoder.warm()

    def langchain(self) -> Embeddings:
        from kb.langchain_models import LangChainView

        return LangChainView(self)

    def _begun(self, text: str, lang: str) -> EmbeddedLater:
        encode = self._encoder.encode
        run = self._begin(text, TextKind.QUERY) if self._begin else lambda: Encoded(encode([text], TextKind.QUERY))

        def finish() -> tuple[Vectors, Vectors]:
            found = run()
            vector: Vectors = self._centred(found.vector, [lang], TextKind.QUERY)[0]
            meaning = self._meaning(vector, found.inner, lang)
            vector.flags.writeable = meaning.flags.writeable = False  # the same arrays are handed out again
            return vector, meaning

        return EmbeddedLater(finish)

    def _meaning(self, vector: Vectors, inner: Vectors | None, lang: str) -> Vectors:
        """The vector and the inner layers without the mean of their language, each of the same length, as one."""
        means = self._inner_means.get(lang, self._inner_means.get(FALLBACK_LANGUAGE))
        if inner is None or means is None:
            return vector
        parts = (inner[0] - means).reshape(-1, self.spec.dim)
        lengths = np.maximum(np.linalg.norm(parts, axis=1, keepdims=True), 1e-9)
        whole = np.concatenate([vector, (parts / lengths).ravel()])
        return np.asarray(whole / np.float32(np.sqrt(len(parts) + 1)), np.float32)

    def _embed(self, texts: Sequence[str], langs: Sequence[str], kind: TextKind) -> Vectors:
        if not texts:
            return np.empty((0, self.spec.dim), np.float32)
        return self._centred(self._encoder.encode(texts, kind), langs, kind)

    def _centred(self, rows: Vectors, langs: Sequence[str], kind: TextKind) -> Vectors:
        if rows.shape != (len(langs), self.spec.dim) or not np.isfinite(rows).all():
            raise EmbedderUnavailable("wrong vectors", shape=rows.shape, dim=self.spec.dim)
        return self._means.centre(rows, langs, kind)


def make_embedder(
    name: str, cache_dir: Path, *, base_url: str = "", api_key: str = "", workers: int = 2
) -> CentredEmbedder:
    """Return the embedder that a setting names. The built-in one loads at its first text; the others once, to be measured.

    name: "builtin" | "sentence-transformers:NAME_OR_PATH" | "openai:NAME" | "PROVIDER:MODEL" of LangChain.
    cache_dir: a folder of the installation, made when missing; it keeps the built graph and what was measured.
    base_url, api_key: for providers that are reached over the network. workers: texts encoded at the same time.
    Raises MisconfiguredSetting (unknown name, missing package, missing model, refused by the provider), Unavailable
    (provider not reachable, cache not writable); the message says what to do.
    """
    provider, _, model = (part.strip() for part in name.partition(":"))
    if name.strip() == "builtin":
        return _builtin(cache_dir, workers)
    if not provider or not model:
        raise EmbedderUnknown(name=SETTING, value=name)
    if provider == "sentence-transformers":
        from kb.sentence_transformers import sentence_transformer

        encoder, profile = sentence_transformer(model, cache_dir)
        return CentredEmbedder(encoder, profile.spec, profile.means)
    from kb.langchain_models import adapt, provider_embeddings

    embeddings = provider_embeddings(provider, model, base_url=base_url, api_key=api_key)
    return adapt(embeddings, provider=provider, model=model, cache_dir=cache_dir, address=base_url)


def _builtin(cache_dir: Path, workers: int) -> CentredEmbedder:
    from kb.e5.engine import DIM, ENGINE, PREFIXES, WEIGHTS_SHA256, E5Encoder

    spec = EmbeddingSpec(
        provider="builtin",
        model="multilingual-e5-small",
        engine=ENGINE,
        dim=DIM,
        query_prefix=PREFIXES[TextKind.QUERY],
        passage_prefix=PREFIXES[TextKind.PASSAGE],
        centring=f"{CENTRING}+{SPACE}",
        weights_sha256=WEIGHTS_SHA256,
    )
    with np.load(_BUILTIN_MEANS, allow_pickle=False) as arrays:
        means = LanguageMeans.from_arrays(dict(arrays))
    with np.load(_BUILTIN_INNER, allow_pickle=False) as arrays:
        inner_means = {lang: arrays[lang].astype(np.float32) for lang in LANGUAGES}
    return CentredEmbedder(E5Encoder(cache_dir, workers), spec, means, inner_means)
