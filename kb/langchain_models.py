"""Both ways between LangChain and us: any LangChain Embeddings as our Embedder, and our Embedder as LangChain's.

Imported only when needed: langchain_core alone takes 0.2 s.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from base.errors import AppError
from base.text import detect_language
from kb.centring import CENTRING
from kb.embed import CentredEmbedder, Embedder
from kb.encoder import (
    SETTING,
    EmbedderModelMissing,
    EmbedderPackageMissing,
    EmbedderRefused,
    EmbedderUnavailable,
    EmbedderUnknown,
    EmbeddingSpec,
    TextKind,
    Vectors,
    known_prefixes,
    unit_rows,
)
from kb.profile import measure_profile, remembered_profile

ENGINE = "langchain/1"
_BATCH = 64  # texts a request; providers refuse more than 96 to 2,048
_TIMEOUT_SECONDS = 20.0
_ONE_KIND = frozenset({"openai", "azure_openai", "ollama", "mistralai"})  # providers that send both kinds alike


class LangChainView(Embeddings):
    """Our embedder for code that wants LangChain's interface. Each text's language is detected from the text."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        rows = self._embedder.embed_passages(texts, [detect_language(text) for text in texts])
        return [[float(value) for value in row] for row in rows]

    def embed_query(self, text: str) -> list[float]:
        return [float(value) for value in self._embedder.embed_query(text, detect_language(text))]


class LangChainEncoder:
    """Any LangChain Embeddings as an Encoder. Adds the prefixes that the model is known to want."""

    def __init__(self, embeddings: Embeddings, model: str, *, one_kind: bool = False) -> None:
        """one_kind: the provider has no call of its own for questions, so many of them fit into one request."""
        self._embeddings, self._model, self._one_kind = embeddings, model, one_kind
        query, passage = known_prefixes(model)
        self.prefixes = {TextKind.QUERY: query, TextKind.PASSAGE: passage}

    def encode(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Return (n, dim) unit rows. Raises EmbedderRefused or EmbedderModelMissing for what trying again will not
        mend, EmbedderUnavailable for everything else that goes wrong on the way."""
        # Some providers refuse an empty text.
        prepared = [self.prefixes[kind] + text if text else (self.prefixes[kind].strip() or "-") for text in texts]
        try:
            if kind is TextKind.QUERY and (len(prepared) == 1 or not self._one_kind):
                rows = [self._embeddings.embed_query(text) for text in prepared]
            else:
                batches = (prepared[at : at + _BATCH] for at in range(0, len(prepared), _BATCH))
                rows = [row for batch in batches for row in self._embeddings.embed_documents(batch)]
            return unit_rows(np.array(rows, dtype=np.float32))
        except AppError:
            raise
        except Exception as error:  # each vendor's client has its own tree of errors
            raise _explained(error, self._model) from error

    def warm(self) -> None:
        """Nothing: the model lives elsewhere."""


def provider_embeddings(provider: str, model: str, *, base_url: str = "", api_key: str = "") -> Embeddings:
    """Return LangChain's embeddings for a provider; nothing is sent yet.

    Raises EmbedderUnknown, EmbedderPackageMissing (the provider's package) or EmbedderRefused (no key).
    """
    value = f"{provider}:{model}"
    try:
        if provider == "openai":
            return _openai(model, base_url, api_key)
        from langchain.embeddings import init_embeddings

        options = {"base_url": base_url, "api_key": api_key}
        return init_embeddings(value, **{name: option for name, option in options.items() if option})
    except AppError:
        raise
    except ImportError as error:
        package = _package_of(error)
        raise EmbedderPackageMissing(
            name=SETTING, value=value, package=package, command=f"pip install {package}"
        ) from error
    except ValueError as error:
        if "not supported" in str(error):
            raise EmbedderUnknown(name=SETTING, value=value) from error
        raise EmbedderRefused(type(error).__name__, name=SETTING, value=value) from error
    except Exception as error:
        raise _explained(error, value) from error


def _openai(model: str, base_url: str, api_key: str) -> Embeddings:
    from langchain_openai import OpenAIEmbeddings
    from pydantic import SecretStr

    key = api_key or os.environ.get("OPENAI_API_KEY", "")
    if not key and base_url:
        key = "none"  # a local server asks for none, the client insists on one
    if not key:
        raise EmbedderRefused("no API key", name=SETTING, value=f"openai:{model}")
    return OpenAIEmbeddings(
        model=model,
        openai_api_base=base_url or None,
        openai_api_key=SecretStr(key),
        check_embedding_ctx_length=False,  # would send OpenAI's token numbers, which other servers cannot read
        request_timeout=_TIMEOUT_SECONDS,
        max_retries=2,
    )


def adapt(embeddings: Embeddings, *, provider: str, model: str, cache_dir: Path, address: str = "") -> CentredEmbedder:
    """Return any LangChain Embeddings as our Embedder.

    address: tells apart two servers that offer a model of the same name. The first call for a model encodes the sample
    (160 sentences); later ones read the result from `cache_dir`. Raises what LangChainEncoder.encode raises.
    """
    encoder = LangChainEncoder(embeddings, model, one_kind=provider in _ONE_KIND)
    spec = EmbeddingSpec(
        provider=provider,
        model=model,
        engine=ENGINE,
        dim=0,
        query_prefix=encoder.prefixes[TextKind.QUERY],
        passage_prefix=encoder.prefixes[TextKind.PASSAGE],
        centring=CENTRING,
    )
    key = (provider, model, address, ENGINE, *encoder.prefixes.values())
    profile = remembered_profile(cache_dir, key, lambda: measure_profile(encoder, spec))
    return CentredEmbedder(encoder, profile.spec, profile.means)


def _package_of(error: ImportError) -> str:
    """The distribution to install: from LangChain's own hint, or from the missing module's name."""
    words = str(error).split("pip install ")
    if len(words) > 1:
        return words[-1].strip("` .'\"\n")
    return (error.name or "").split(".")[0].replace("_", "-")


def _explained(error: Exception, value: str) -> AppError:
    """Our error for a vendor's: by its HTTP status when it has one. Its own text may hold the key and is left out."""
    status = getattr(error, "status_code", None)
    if status == 404:
        return EmbedderModelMissing(type(error).__name__, name=SETTING, value=value)
    if status in (400, 401, 403, 422):
        return EmbedderRefused(type(error).__name__, name=SETTING, value=value, http_status=status)
    return EmbedderUnavailable(type(error).__name__, name=SETTING, value=value)
