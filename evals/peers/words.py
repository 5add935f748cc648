"""BM25 alone, over Firstline's own words: what keywords can do without vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from base.text import query_tokens, tokens
from evals.peers.peer import Peer, Piece, Remembered


class Bm25:
    """rank-bm25 over Firstline's words: Chinese as pairs of characters, codes whole, English by its stems."""

    name = "BM25 alone, Firstline's words"

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        from rank_bm25 import BM25Okapi

        self._ids = [piece.id for piece in pieces]
        self._ranks = BM25Okapi([tokens(piece.text) for piece in pieces])

    def search(self, question: str, limit: int) -> list[str]:
        scores = self._ranks.get_scores(query_tokens(question))
        best = np.argsort(-scores, kind="stable")[:limit]
        return [self._ids[place] for place in best if scores[place] > 0]

    def close(self) -> None:
        """Everything is in memory."""


def make() -> list[Peer]:
    return [Bm25()]
