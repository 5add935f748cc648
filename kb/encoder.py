"""What an embedding model must be able to do for us, what we write down about it, and how it says that it cannot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from base.errors import MisconfiguredSetting, Unavailable
from base.i18n import N_
from base.text import MAX_EMBED_CHARS

Vectors = npt.NDArray[np.float32]

SETTING = "embedder"  # the name of the setting that errors point at


class TextKind(StrEnum):
    """A question or a passage. Models encode the two differently: never send one as the other."""

    QUERY = "query"
    PASSAGE = "passage"


class Encoder(Protocol):
    """A model as it comes: raw vectors, no centring. `kb.embed` makes an Embedder out of it."""

    def encode(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Return (n, dim) float32 unit rows, in the order of `texts` (clean, see base.text.for_embedding)."""
        ...

    def warm(self) -> None:
        """Load whatever is loaded on first use."""
        ...


class Encoded(NamedTuple):
    """One text."""

    vector: Vectors  # (1, dim)
    inner: Vectors | None = None  # (1, any): mean tokens of layers on the way, where the model lets them be seen


@runtime_checkable
class Beginner(Protocol):
    """An Encoder that can do the small first part of its work apart from the large rest."""

    def begin(self, text: str, kind: TextKind) -> Callable[[], Encoded]:
        """Return what gives the text. All that holds the interpreter is done at once; the call does the rest."""
        ...


@dataclass(frozen=True)
class EmbeddingSpec:
    """All that decides which vector a text gets. Its digest is stored beside each vector; another digest, a rebuild."""

    provider: str  # "builtin", "sentence-transformers", "openai" or another provider of LangChain
    model: str
    engine: str  # what runs it, with the version of our own part: "ort-int8/1"
    dim: int
    query_prefix: str
    passage_prefix: str
    centring: str  # "lang-mean/1"; "" for none
    weights_sha256: str = ""  # or the commit of a hub model; "" when a provider does not tell
    max_chars: int = MAX_EMBED_CHARS
    languages: tuple[str, ...] = ("zh", "en")  # those it understands; the others are left to keyword search

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types, the reverse of `EmbeddingSpec.from_dict`."""
        return asdict(self) | {"languages": list(self.languages)}

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> EmbeddingSpec:
        return EmbeddingSpec(**(fields | {"languages": tuple(fields["languages"])}))

    @cached_property
    def digest(self) -> str:
        """Return 16 hex digits that stay the same in every process and change with any field."""
        text = json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


class EmbedderUnknown(MisconfiguredSetting):
    """The name is not one of the forms that make_embedder understands."""

    code = "embedder_unknown"
    message = N_(
        'The setting {name} names no embedding model: "{value}". Use builtin, sentence-transformers:NAME, '
        "openai:NAME with a base URL, or PROVIDER:MODEL."
    )


class EmbedderPackageMissing(MisconfiguredSetting):
    """A package that this embedder needs is not installed."""

    code = "embedder_package_missing"
    message = N_('The setting {name} is "{value}", but the package {package} is not installed. Run: {command}')


class EmbedderModelMissing(MisconfiguredSetting):
    """The model cannot be loaded: no such folder, not downloaded, or the provider does not know it."""

    code = "embedder_model_missing"
    message = N_(
        'The embedding model "{value}" of the setting {name} could not be loaded. Check its name or path; '
        "a model from a hub must be downloaded once while the machine is online."
    )


class EmbedderRefused(MisconfiguredSetting):
    """The provider answered that it will not serve us: wrong key, address or model name."""

    code = "embedder_refused"
    message = N_(
        'The embedding provider refused "{value}". Check the API key, the base URL and the model name of the '
        "setting {name}."
    )


class EmbedderUnusable(MisconfiguredSetting):
    """The model answers, but its vectors tell nothing about questions and passages in any language of ours."""

    code = "embedder_unusable"
    message = N_(
        'The embedding model "{value}" of the setting {name} finds no answers, neither in Chinese nor in English. '
        "It may be a model for another task; choose one made for retrieval."
    )


class WeightsDamaged(MisconfiguredSetting):
    """The file with the built-in model's weights is not the one this version was written for."""

    code = "embedder_weights_damaged"
    message = N_("The weights of the built-in embedding model are damaged or of another version. Run: {command}")


class EmbedderUnavailable(Unavailable):
    """The provider cannot be reached or is broken at the moment."""

    code = "embedder_unavailable"
    message = N_(
        "The embedding model cannot be reached right now. Check that its server is running and that the base URL "
        "is right; searching by keyword still works."
    )


def unit_rows(vectors: npt.ArrayLike) -> Vectors:
    """Return (n, dim) float32 rows of length 1; a row of zeros stays zero."""
    rows = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, np.float32(1e-12)), dtype=np.float32)


# Model cards ask for these words before a text. Longest match on the model's own name, case folded; order matters.
_BGE = "Represent this sentence for searching relevant passages: "
_INSTRUCT = "Instruct: Given a question, retrieve passages that answer the question\nQuery: "
_KNOWN_PREFIXES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("e5", "instruct"), _INSTRUCT, ""),
    (("e5-mistral",), _INSTRUCT, ""),
    (("qwen3-embedding",), _INSTRUCT, ""),
    (("e5-",), "query: ", "passage: "),
    (("bge-m3",), "", ""),
    (("bge-", "-zh"), "为这个句子生成表示以用于检索相关文章：", ""),
    (("bge-", "-en"), _BGE, ""),
    (("mxbai-embed-large",), _BGE, ""),
    (("snowflake-arctic-embed", "v2"), "query: ", ""),
    (("snowflake-arctic-embed2",), "query: ", ""),
    (("snowflake-arctic-embed",), _BGE, ""),
    (("nomic-embed-text",), "search_query: ", "search_document: "),
    (("embeddinggemma",), "task: search result | query: ", "title: none | text: "),
)


def known_prefixes(model: str) -> tuple[str, str]:
    """Return (query prefix, passage prefix) that a model is known to want; ("", "") for an unknown one."""
    name = model.rstrip("/").rsplit("/", 1)[-1].casefold()
    for parts, query, passage in _KNOWN_PREFIXES:
        if all(part in name for part in parts):
            return query, passage
    return "", ""
