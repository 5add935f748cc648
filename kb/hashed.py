"""An embedder without a model: words are hashed to dimensions. It finds shared words, never meaning. For tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from base.text import tokens
from kb.centring import LANGUAGES, LanguageMeans
from kb.embed import CentredEmbedder
from kb.encoder import EmbeddingSpec, TextKind, Vectors, unit_rows


class HashEncoder:
    """Each token adds 1 or -1 to one dimension. The same in every process, microseconds a text, both kinds alike."""

    def __init__(self, dim: int = 256) -> None:
        self._dim = dim

    def encode(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        rows = np.zeros((len(texts), self._dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0] = 1e-3  # a text without words still has a direction
            for token in tokens(text):
                number = int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "big")
                row[number % self._dim] += 1.0 if number >> 63 else -1.0
        return unit_rows(rows)

    def warm(self) -> None:
        """Nothing to load."""


def hashed_embedder(dim: int = 256) -> CentredEmbedder:
    """Return an Embedder for tests: no files, no network, no centring."""
    spec = EmbeddingSpec(
        provider="hashed", model="words", engine="hashed/1", dim=dim, query_prefix="", passage_prefix="", centring=""
    )
    nothing = np.zeros(dim, np.float32)
    means = LanguageMeans({(kind, lang): nothing for kind in TextKind for lang in LANGUAGES})
    return CentredEmbedder(HashEncoder(dim), spec, means)
