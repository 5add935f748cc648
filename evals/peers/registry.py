"""Every peer we compare with: one line each. A framework is imported only when its turn comes."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from importlib import import_module

from evals.peers.peer import Peer


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a framework's peers are made, and what has to be installed for them."""

    name: str
    module: str
    packages: tuple[str, ...]  # as the package index calls them
    imports: tuple[str, ...]  # as they are imported


ENTRIES = (
    Entry("BM25", "evals.peers.words", ("rank-bm25",), ("rank_bm25",)),
    Entry(
        "LangChain",
        "evals.peers.langchain",
        ("langchain-chroma", "langchain-classic", "langchain-community"),
        ("langchain_chroma", "langchain_classic", "langchain_community"),
    ),
    Entry(
        "LlamaIndex",
        "evals.peers.llamaindex",
        ("llama-index-core", "llama-index-retrievers-bm25"),
        ("llama_index.core", "llama_index.retrievers.bm25"),
    ),
    Entry("Haystack", "evals.peers.haystack", ("haystack-ai",), ("haystack",)),
    Entry("txtai", "evals.peers.txtai", ("txtai",), ("txtai",)),
)


class NotInstalled(ImportError):
    """A package of this peer is missing, or cannot be loaded; the message says which."""


def peers_of(entry: Entry) -> list[Peer]:
    """The peers of one framework, not filled yet. Raises NotInstalled."""
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # read when it is imported
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # langchain-community announces its end; BM25 is there
            for name in entry.imports:
                import_module(name)
    except ImportError as error:
        raise NotInstalled(str(error)) from error
    made: list[Peer] = import_module(entry.module).make()
    return made
