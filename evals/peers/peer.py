"""The contract of a peer: it takes in the same pieces of text and the same vectors as Firstline, and finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from langchain_core.embeddings import Embeddings

from base.text import detect_language
from kb.embed import Embedder


@dataclass(frozen=True, slots=True)
class Piece:
    """One passage as Firstline cut it. `text` is what Firstline embeds: title, headings, words."""

    id: str
    text: str


class NotRemembered(LookupError):
    """A peer asked to embed a text that is none of the pieces: it has changed it."""


class Remembered(Embeddings):
    """Firstline's embedder, centring included, as LangChain's interface, out of vectors that are known already.

    Every peer gets the same vectors, and its times are its own: embedding, which is the same for all, is not in them.
    """

    def __init__(self, pieces: Mapping[str, np.ndarray], embedder: Embedder) -> None:
        """pieces: the vector, (dim,) float32 unit, of each piece's text."""
        self._pieces, self._embedder = pieces, embedder
        self._questions: dict[str, list[float]] = {}

    @property
    def dim(self) -> int:
        return self._embedder.spec.dim

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Raises NotRemembered."""
        try:
            return [[float(value) for value in self._pieces[text]] for text in texts]
        except KeyError as error:
            raise NotRemembered(f"a text that is no piece: {str(error)[:60]}") from error

    def embed_query(self, text: str) -> list[float]:
        """Embedded the first time only: `embed_query(question)` beforehand keeps the model out of a peer's time."""
        if text not in self._questions:
            self._questions[text] = [float(value) for value in self.vector(text)]
        return self._questions[text]

    def vector(self, question: str) -> np.ndarray:
        """(dim,) float32 unit, as Firstline embeds a question."""
        return self._embedder.embed_query(question, detect_language(question))


class Peer(Protocol):
    """Made anew for every run; used by one thread."""

    name: str

    def index(self, pieces: Sequence[Piece], embeddings: Remembered, folder: Path) -> None:
        """Take everything in, ready to be searched. `folder`: an empty one, for what is kept on disk."""
        ...

    def search(self, question: str, limit: int) -> list[str]:
        """Ids of up to `limit` pieces, best first, each once."""
        ...

    def close(self) -> None: ...


def distinct(found: Sequence[str], limit: int) -> list[str]:
    """The first `limit` of the ids, each once."""
    return list(dict.fromkeys(found))[:limit]
