"""The graph and the tokenizer on disk: built once into the cache folder, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from base.errors import StorageUnavailable
from kb.e5.graph import build_graph
from kb.e5.packed import SHA256, PackedWeights, check_weights
from kb.e5.pieces import build_pieces

BUILD = "ort-int8/2"  # raise the number when graph.py or pieces.py change what they make
_GRAPH, _PIECES, _MANIFEST = "graph.onnx", "pieces.model", "manifest.json"


@dataclass(frozen=True)
class Built:
    """The content of the two files, checked against their manifest."""

    graph: bytes
    pieces: bytes


def load_or_build(weights_path: Path, cache_dir: Path) -> Built:
    """Return the graph and the tokenizer, from the cache (50 ms) or built into it (1-2 s).

    Several processes may call this at once: one builds, the others wait. A damaged cache is built again.
    Raises StorageUnavailable when the cache cannot be written, WeightsDamaged when the weights are not the pinned ones.
    """
    folder = cache_dir / f"e5-small-{SHA256[:12]}-{BUILD.replace('/', '-')}"
    found = _read(folder)
    if found is not None:
        return found
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with _only_one(cache_dir / "e5-small.lock"):
            found = _read(folder)  # somebody else may have built it while we waited
            return found if found is not None else _build(weights_path, cache_dir, folder)
    except OSError as error:
        raise StorageUnavailable.at(cache_dir, error, "cannot write the embedding model's cache in") from error


def _read(folder: Path) -> Built | None:
    """The built files, or None when they are missing or not what the manifest says."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        contents = {name: (folder / name).read_bytes() for name in (_GRAPH, _PIECES)}
    except (OSError, ValueError):
        return None
    if manifest != {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}:
        return None
    return Built(contents[_GRAPH], contents[_PIECES])


def _build(weights_path: Path, cache_dir: Path, folder: Path) -> Built:
    check_weights(weights_path)
    for leftover in cache_dir.glob(".e5-small-*"):  # of a build that was killed; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    weights = PackedWeights(weights_path)
    built = Built(build_graph(weights), build_pieces(weights))
    contents = {_GRAPH: built.graph, _PIECES: built.pieces}
    manifest = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    scratch = Path(tempfile.mkdtemp(prefix=".e5-small-", dir=cache_dir))
    try:
        for name, content in contents.items():
            (scratch / name).write_bytes(content)
        (scratch / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        scratch.chmod(0o755)
        if folder.exists():
            folder.rename(scratch / "damaged")
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    shutil.rmtree(folder / "damaged", ignore_errors=True)
    return built


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Hold a lock that the operating system drops when the process dies.

    Without it (Windows) two processes may both build; the rename still leaves one whole folder.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
