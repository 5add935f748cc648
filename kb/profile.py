"""What we found out about a model that is not built in: its spec and its language means, measured once and kept.

Measuring encodes 160 sentences; with the result on disk, a start needs neither the model nor its server.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from base.errors import StorageUnavailable
from base.log import get_logger
from kb.centring import CENTRING, LanguageMeans, compute_means
from kb.encoder import SETTING, EmbedderUnusable, EmbeddingSpec, Encoder

log = get_logger(__name__)


@dataclass(frozen=True, eq=False)
class Profile:
    spec: EmbeddingSpec
    means: LanguageMeans


def remembered_profile(cache_dir: Path, key: tuple[str, ...], measure: Callable[[], Profile]) -> Profile:
    """Return the profile kept under `key`, or measure it and keep it. A damaged file is measured again.

    key: what tells two models apart before they are loaded: name, address, size and time of the files.
    Raises StorageUnavailable when the cache cannot be written, and whatever `measure` raises.
    """
    name = hashlib.sha256(json.dumps([CENTRING, *key]).encode("ascii")).hexdigest()[:16]
    path = cache_dir / f"embedder-{name}.npz"
    found = _read(path)
    if found is not None:
        return found
    profile = measure()
    _write(path, profile)
    log.info("embedder_measured", model=profile.spec.model, languages=list(profile.spec.languages))
    return profile


def measure_profile(encoder: Encoder, spec: EmbeddingSpec) -> Profile:
    """Encode the sample and return `spec` with its dimension and languages filled in, and the means.

    Raises EmbedderUnusable when the model understands neither language.
    """
    sample = compute_means(encoder)
    if not sample.languages:
        raise EmbedderUnusable(name=SETTING, value=spec.model)
    return Profile(replace(spec, dim=sample.means.dim, languages=sample.languages), sample.means)


def _read(path: Path) -> Profile | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            spec = EmbeddingSpec.from_dict(json.loads(str(arrays["spec"])))
            return Profile(spec, LanguageMeans.from_arrays(dict(arrays)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        log.warning("embedder_profile_damaged", path=str(path), error=type(error).__name__)
        return None


def _write(path: Path, profile: Profile) -> None:
    spec = np.array(json.dumps(profile.spec.as_dict()))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".embedder-", dir=path.parent, delete=False) as target:
            scratch = Path(target.name)
            try:
                np.savez(target, spec=spec, **profile.means.to_arrays())  # type: ignore[arg-type]
                target.close()
                scratch.chmod(0o644)
                scratch.replace(path)
            except BaseException:
                scratch.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise StorageUnavailable.at(path, error, "cannot write the embedding model's cache in") from error
