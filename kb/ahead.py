"""A question that is embedded while other work goes on: the model computes beside Python, on a core of its own."""

from __future__ import annotations

import _thread
from concurrent.futures import Future

from kb.embed import Embedder
from kb.encoder import Vectors


class Ahead:
    """A question's vector, begun at once in a thread, there when asked for."""

    def __init__(self, embedder: Embedder, text: str, lang: str) -> None:
        self.text, self.lang = text, lang
        self._vector: Future[Vectors] = Future()
        # No pool: nothing is left over to fork or to stop. And no threading.Thread: its start() waits for the thread.
        _thread.start_new_thread(self._embed, (embedder,))

    def vector(self) -> Vectors:
        """(dim,) float32 of length 1, when it is done. Raises what the embedder raised."""
        return self._vector.result()

    def _embed(self, embedder: Embedder) -> None:
        try:
            self._vector.set_result(embedder.embed_query(self.text, self.lang))
        except BaseException as error:  # handed over to whoever asks for the vector
            self._vector.set_exception(error)
