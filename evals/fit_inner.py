"""`python -m evals.fit_inner`: the mean of the built-in model's inner layers for each language, into kb/e5/inner.npz.

Made of the triage messages that come with Firstline. Like the means of the vectors they take away what all texts of a
language have in common; judging was fitted with them, so make the triage model anew afterwards.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

import kb.e5
from base.settings import Settings
from base.text import detect_language, for_embedding
from evals.cases import CASES
from kb.e5.engine import E5Encoder
from kb.encoder import TextKind, Vectors

TARGET = Path(kb.e5.__file__).with_name("inner.npz")


def inner_means(texts: list[str], encoder: E5Encoder) -> dict[str, Vectors]:
    """Language -> (layers * dim,) mean over the texts of that language, each as a question."""
    rows: dict[str, list[Vectors]] = defaultdict(list)
    for text in texts:
        inner = encoder.begin(for_embedding(text), TextKind.QUERY)().inner
        assert inner is not None
        rows[detect_language(text)].append(inner[0])
    return {lang: np.mean(found, axis=0).astype(np.float16) for lang, found in sorted(rows.items())}


def main() -> int:
    paths = sorted((CASES / "triage").glob("train-*.jsonl"))
    texts = [json.loads(line)["text"] for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    means = inner_means(texts, E5Encoder(Settings().data_dir / "models"))
    np.savez_compressed(TARGET, **means)  # type: ignore[arg-type]
    print(f"{TARGET}: {len(texts)} messages, {', '.join(means)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
