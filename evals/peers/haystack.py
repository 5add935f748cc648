"""Haystack: its in-memory store, searched by embedding and BM25 and joined by reciprocal rank."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evals.peers.peer import Peer, Piece, Remembered, distinct


class Hybrid:
    """The hybrid pipeline of its tutorials, without a reranking model."""

    name = "Haystack, embedding and BM25 joined"

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        from haystack import Document, Pipeline
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self._embeddings = embeddings
        self._store = InMemoryDocumentStore(embedding_similarity_function="cosine", shared=False)
        vectors = embeddings.embed_documents([piece.text for piece in pieces])
        self._store.write_documents(
            [Document(id=p.id, content=p.text, embedding=v) for p, v in zip(pieces, vectors, strict=True)]
        )
        self._pipeline = Pipeline()
        self._pipeline.add_component("near", InMemoryEmbeddingRetriever(self._store))
        self._pipeline.add_component("words", InMemoryBM25Retriever(self._store))
        self._pipeline.add_component("join", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        self._pipeline.connect("near", "join")
        self._pipeline.connect("words", "join")

    def search(self, question: str, limit: int) -> list[str]:
        found = self._pipeline.run({
            "near": {"query_embedding": self._embeddings.embed_query(question), "top_k": limit},
            "words": {"query": question, "top_k": limit},
            "join": {"top_k": limit},
        })  # fmt: skip
        return distinct([str(one.id) for one in found["join"]["documents"]], limit)

    def close(self) -> None:
        """Everything is in memory."""


def make() -> list[Peer]:
    return [Hybrid()]
