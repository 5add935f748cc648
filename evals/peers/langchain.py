"""LangChain: its Chroma vector store, and its EnsembleRetriever over BM25 and that store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import chromadb
from chromadb.config import Settings

from base.text import tokens
from evals.peers.peer import Peer, Piece, Remembered, distinct

Words = Callable[[str], list[str]]


class ChromaStore:
    """Plain LangChain: pieces in Chroma, the nearest come back."""

    name = "LangChain, Chroma"

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        from langchain_chroma import Chroma

        self._client: Any = chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
        self.store = Chroma("pieces", embeddings, client=self._client, collection_metadata={"hnsw:space": "cosine"})
        most = self._client.get_max_batch_size()
        for start in range(0, len(pieces), most):
            part = pieces[start : start + most]
            self.store.add_texts([one.text for one in part], [{"id": one.id} for one in part], [one.id for one in part])

    def search(self, question: str, limit: int) -> list[str]:
        return [str(found.metadata["id"]) for found in self.store.similarity_search(question, k=limit)]

    def close(self) -> None:
        self._client.close()


class Ensemble:
    """EnsembleRetriever, both halves alike. `words`: how BM25 splits a text; None leaves its default, blanks."""

    def __init__(self, name: str, words: Words | None = None) -> None:
        self.name, self._words = name, words
        self._chroma = ChromaStore()

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        from langchain_community.retrievers import BM25Retriever

        self._chroma.index(pieces, embeddings, folder)
        given = {} if self._words is None else {"preprocess_func": self._words}
        self._bm25 = BM25Retriever.from_texts(
            [piece.text for piece in pieces], metadatas=[{"id": piece.id} for piece in pieces], **given
        )

    def search(self, question: str, limit: int) -> list[str]:
        from langchain_classic.retrievers import EnsembleRetriever

        self._bm25.k = limit
        near = self._chroma.store.as_retriever(search_kwargs={"k": limit})
        both = EnsembleRetriever(retrievers=[self._bm25, near], weights=[0.5, 0.5], id_key="id")
        return distinct([str(found.metadata["id"]) for found in both.invoke(question)], limit)

    def close(self) -> None:
        self._chroma.close()


def make() -> list[Peer]:
    return [
        ChromaStore(),
        Ensemble("LangChain, ensemble of BM25 and Chroma"),
        Ensemble("the same, Firstline's words", tokens),
    ]
