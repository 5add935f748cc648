"""txtai: an Embeddings database, hybrid: vectors and BM25 in equal parts, as it weighs them by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evals.peers.peer import Peer, Piece, Remembered, distinct


class Hybrid:
    """Embeddings(hybrid=True)."""

    name = "txtai, hybrid"

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        from txtai import Embeddings

        known = {piece.text for piece in pieces}

        def transform(texts: Sequence[str]) -> np.ndarray:
            # One function for both: what is no piece is a question.
            rows = [embeddings.embed_documents([t])[0] if t in known else embeddings.embed_query(t) for t in texts]
            return np.array(rows, np.float32)

        self._made = Embeddings(method="external", transform=transform, hybrid=True)
        self._made.index((piece.id, piece.text, None) for piece in pieces)

    def search(self, question: str, limit: int) -> list[str]:
        return distinct([str(found[0]) for found in self._made.search(question, limit)], limit)

    def close(self) -> None:
        self._made.close()


def make() -> list[Peer]:
    return [Hybrid()]
