"""LlamaIndex: its vector index, and its QueryFusionRetriever over BM25 and that index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.peers.peer import Peer, Piece, Remembered, distinct


def _embedding(given: Remembered) -> Any:
    """Firstline's vectors as LlamaIndex wants them."""
    from llama_index.core.embeddings import BaseEmbedding

    class Embedding(BaseEmbedding):  # type: ignore[misc]  # the package comes without types
        def _get_query_embedding(self, query: str) -> list[float]:
            return given.embed_query(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return given.embed_query(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return given.embed_documents([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return given.embed_documents(texts)

    return Embedding(model_name="firstline", embed_batch_size=256)


class VectorIndex:
    """VectorStoreIndex in memory, as its tutorial begins."""

    name = "LlamaIndex, vectors"

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        from llama_index.core import VectorStoreIndex
        from llama_index.core.schema import TextNode

        self.nodes = [TextNode(id_=piece.id, text=piece.text) for piece in pieces]
        self.made = VectorStoreIndex(self.nodes, embed_model=_embedding(embeddings))

    def search(self, question: str, limit: int) -> list[str]:
        return [str(one.node.node_id) for one in self.made.as_retriever(similarity_top_k=limit).retrieve(question)]

    def close(self) -> None:
        """Everything is in memory."""


class Fusion:
    """QueryFusionRetriever by reciprocal rank over BM25 and vectors; no question is rewritten, that takes a model."""

    name = "LlamaIndex, fusion of BM25 and vectors"

    def __init__(self) -> None:
        self._vectors = VectorIndex()

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        from llama_index.retrievers.bm25 import BM25Retriever

        self._vectors.index(pieces, embeddings, folder)
        self._bm25 = BM25Retriever.from_defaults(nodes=self._vectors.nodes, similarity_top_k=2)

    def search(self, question: str, limit: int) -> list[str]:
        from llama_index.core.llms import MockLLM
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.core.retrievers.fusion_retriever import FUSION_MODES

        self._bm25.similarity_top_k = min(limit, len(self._vectors.nodes))
        both = QueryFusionRetriever(
            [self._vectors.made.as_retriever(similarity_top_k=limit), self._bm25], llm=MockLLM(),
            mode=FUSION_MODES.RECIPROCAL_RANK, similarity_top_k=limit, num_queries=1, use_async=False,
        )  # fmt: skip
        return distinct([str(one.node.node_id) for one in both.retrieve(question)], limit)

    def close(self) -> None:
        self._vectors.close()


def make() -> list[Peer]:
    return [VectorIndex(), Fusion()]
