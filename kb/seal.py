"""The seal of an index directory: it says for which embedding spec and generation the directory is whole.

Broken before the first write, put back after the last one. What is not sealed, or does not look as it did when it was
sealed, must never be opened: a damaged Chroma directory takes down whoever opens it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kb.applies import columns, from_columns
from kb.vector import Partition

FILE = "seal.json"


@dataclass(frozen=True, slots=True, eq=False)
class Sealed:
    """What a directory holds."""

    generation: int
    ids: dict[Partition, np.ndarray]  # (n,) int64, ascending


class Seal:
    """folder: where the seal lies; guarded: the directory inside it that is sealed."""

    def __init__(self, folder: Path, guarded: Path, spec: str) -> None:
        self._folder, self._guarded, self._spec = folder, guarded, spec

    def read(self) -> Sealed | None:
        """What the directory holds; None when it must not be opened: no seal, another spec, or other files."""
        try:
            seal: dict[str, Any] = json.loads((self._folder / FILE).read_text(encoding="utf-8"))
            if seal["spec"] != self._spec or seal["files"] != self._sizes():
                return None
            return Sealed(
                int(seal["generation"]),
                {_partition(*names): np.array(ids, np.int64) for *names, ids in seal["partitions"]},
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def break_(self) -> None:
        """From here on the directory counts as damaged, also after a power cut."""
        (self._folder / FILE).unlink(missing_ok=True)
        self._sync()

    def put(self, sealed: Sealed) -> None:
        """The directory is whole. Raises OSError: then it stays unsealed, and the next start builds it anew."""
        text = json.dumps(
            {
                "spec": self._spec,
                "generation": sealed.generation,
                "files": self._sizes(),
                "partitions": [
                    [p.collection, p.audience, p.lang, *columns(p.applies).values(), ids.tolist()]
                    for p, ids in sealed.ids.items()
                ],
            }
        )
        scratch = self._folder / f"{FILE}.new"
        with scratch.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(self._folder / FILE)
        self._sync()

    def _sizes(self) -> dict[str, int]:
        """Bytes of every file: a lost or truncated one is seen without opening it."""
        return {
            path.relative_to(self._guarded).as_posix(): path.stat().st_size
            for path in sorted(self._guarded.rglob("*"))
            if path.is_file()
        }

    def _sync(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _partition(collection: str, audience: str, lang: str, *limits: str) -> Partition:
    """As it was sealed; a seal from before there were limits has none."""
    return (
        Partition(collection, audience, lang, from_columns(*limits))
        if limits
        else Partition(collection, audience, lang)
    )
