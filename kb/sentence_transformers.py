"""Any model of the sentence-transformers library, on torch: an optional extra, imported at the first text."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import AppError
from kb.centring import CENTRING
from kb.encoder import (
    SETTING,
    EmbedderModelMissing,
    EmbedderPackageMissing,
    EmbedderUnavailable,
    EmbeddingSpec,
    TextKind,
    Vectors,
    known_prefixes,
    unit_rows,
)
from kb.profile import Profile, measure_profile, remembered_profile

ENGINE = "torch/1"
# torch's CPU build first: left to itself pip may take one with gigabytes of GPU libraries.
INSTALL_COMMAND = (
    "pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu "
    "&& pip install -e '.[sentence-transformers]'"
)

_BATCH = 8  # on a processor larger batches are slower: they pad short texts to the longest
_WEIGHT_FILES = ("*.safetensors", "*.bin", "*.onnx")
_PASSAGE_PROMPTS = ("document", "passage", "corpus")  # the names that model folders use


def sentence_transformer(model: str, cache_dir: Path) -> tuple[SentenceTransformerEncoder, Profile]:
    """Return an encoder and its profile. model: a hub name, or the path of a model's folder.

    The first call for a model loads it (5-10 s) and encodes the sample; later ones load nothing until the first text.
    Raises EmbedderPackageMissing without the extra, EmbedderModelMissing, EmbedderUnusable, StorageUnavailable.
    """
    require_extra(model)
    encoder = SentenceTransformerEncoder(model)
    stamp = _folder_stamp(Path(model)) if Path(model).is_dir() else _hub_commit(model)
    key = ("sentence-transformers", model, ENGINE, stamp)
    return encoder, remembered_profile(cache_dir, key, lambda: _measure(encoder, model))


def require_extra(model: str) -> None:
    """Raise EmbedderPackageMissing, with the command to run, unless sentence-transformers and torch are installed."""
    for package in ("torch", "sentence_transformers"):
        if importlib.util.find_spec(package) is None:
            raise EmbedderPackageMissing(
                name=SETTING,
                value=f"sentence-transformers:{model}",
                package=package.replace("_", "-"),
                command=INSTALL_COMMAND,
            )


class SentenceTransformerEncoder:
    """A SentenceTransformer, loaded at the first text. One call at a time: its tokenizer is not thread-safe."""

    def __init__(self, model: str) -> None:
        self._name = model
        self._model: Any = None
        self._prefixes: dict[TextKind, str] = {}
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Return (n, dim) float32 unit rows. Raises EmbedderModelMissing, EmbedderUnavailable (out of memory ...)."""
        with self._lock:
            self._load()
            encode = self._model.encode_query if kind is TextKind.QUERY else self._model.encode_document
            try:
                rows = encode(
                    list(texts),
                    prompt=self._prefixes[kind],
                    batch_size=_BATCH,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
            except Exception as error:
                raise EmbedderUnavailable(type(error).__name__, name=SETTING, value=self._name) from error
        return unit_rows(np.asarray(rows, dtype=np.float32))

    def warm(self) -> None:
        self.encode(["warm"], TextKind.QUERY)

    def prefixes(self) -> dict[TextKind, str]:
        """Return what is put before a text: from the model's folder, else what the model is known to want."""
        with self._lock:
            self._load()
            return self._prefixes

    def commit(self) -> str:
        """The hub commit of the loaded model; "" for a folder."""
        return "" if Path(self._name).is_dir() else _hub_commit(self._name)

    def _load(self) -> None:
        if self._model is not None:
            return
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(self._name, trust_remote_code=False)
        except AppError:
            raise
        except Exception as error:  # OSError, ValueError, the hub's own: whichever, the model is not there
            raise EmbedderModelMissing(
                type(error).__name__, name=SETTING, value=f"sentence-transformers:{self._name}"
            ) from error
        self._prefixes = choose_prefixes(self._name, model.prompts)
        self._model = model


def choose_prefixes(model: str, prompts: dict[str, str]) -> dict[TextKind, str]:
    """Return the prefix for each kind: the model folder's prompts when it has any, else the known ones."""
    query = prompts.get("query") or ""
    passage = next((prompts[name] for name in _PASSAGE_PROMPTS if prompts.get(name)), "")
    if not query and not passage:
        query, passage = known_prefixes(model)
    return {TextKind.QUERY: query, TextKind.PASSAGE: passage}


def _measure(encoder: SentenceTransformerEncoder, model: str) -> Profile:
    prefixes = encoder.prefixes()
    folder = Path(model)
    spec = EmbeddingSpec(
        provider="sentence-transformers",
        model=model.rstrip("/").rsplit("/", 1)[-1] if folder.is_dir() else model,  # a moved folder is the same model
        engine=ENGINE,
        dim=0,
        query_prefix=prefixes[TextKind.QUERY],
        passage_prefix=prefixes[TextKind.PASSAGE],
        centring=CENTRING,
        weights_sha256=_weights_sha256(folder) if folder.is_dir() else encoder.commit(),
    )
    return measure_profile(encoder, spec)


def _weight_files(folder: Path) -> list[Path]:
    return sorted(path for pattern in _WEIGHT_FILES for path in folder.rglob(pattern))


def _weights_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _weight_files(folder):
        with path.open("rb") as source:
            digest.update(hashlib.file_digest(source, "sha256").digest())
    return digest.hexdigest()


def _folder_stamp(folder: Path) -> str:
    """Changes when a weights file does; cheap, unlike reading gigabytes at every start."""
    stats = [(path.name, path.stat()) for path in _weight_files(folder)]
    return ";".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)


def _hub_commit(model: str) -> str:
    """The commit of a hub model in the local download cache; "" when it has not been downloaded."""
    from huggingface_hub import try_to_load_from_cache

    names = (model,) if "/" in model else (f"sentence-transformers/{model}", model)
    for name in names:
        try:
            found = try_to_load_from_cache(name, "config.json")
        except ValueError:  # not a valid hub name; loading it will say so
            continue
        if isinstance(found, str):
            return Path(found).parent.name
    return ""
