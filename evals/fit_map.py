"""`python -m evals.fit_map --folder DIR ... --out means.npz`: makes the built-in model's means and maps again.

The file is what kb/e5 reads. After another fit, raise the number of `SPACE` in kb/embed.py: vectors made before and
after it cannot be compared. Data and figures are in docs/decisions/0005-one-ranking-from-two-languages.md.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import AppError
from base.i18n import explain
from base.text import for_embedding
from evals.map_pairs import Group, groups_of
from evals.map_training import Maps, Recipe, Vectored, fit, recall
from kb.centring import LanguageMeans, compute_means
from kb.e5.engine import E5Encoder
from kb.encoder import Encoder, TextKind, Vectors

HELD_OUT = 10  # one pair in so many is kept apart to be asked
EMBEDDED_AT_ONCE = 256
Say = Callable[[str], None]


class Embedded:
    """Vectors of texts as the encoder gives them, each embedded once, kept in a folder if there is one."""

    def __init__(self, encoder: Encoder, folder: Path | None) -> None:
        self._encoder, self._folder = encoder, folder

    def rows(self, texts: Sequence[str], kind: TextKind, name: str) -> Vectors:
        """(n, dim) float32. name: what they are called in the folder."""
        prepared = [for_embedding(text) for text in texts]
        digest = hashlib.sha256("\0".join([kind, *prepared]).encode()).hexdigest()[:16]
        kept = self._folder / f"{digest}.npy" if self._folder else None
        if kept is not None and kept.exists():
            return np.asarray(np.load(kept, allow_pickle=False), np.float32)
        different = list(dict.fromkeys(prepared))
        parts = [
            self._encoder.encode(different[at : at + EMBEDDED_AT_ONCE], kind)
            for at in range(0, len(different), EMBEDDED_AT_ONCE)
        ]
        by_text = dict(zip(different, np.concatenate(parts), strict=True))
        found = np.stack([by_text[text] for text in prepared])
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, found)
        return found


def vectored(group: Group, embedded: Embedded, means: LanguageMeans) -> Vectored:
    """The group's texts, embedded and centred."""
    pairs = group.pairs
    questions = embedded.rows([pair.question for pair in pairs], TextKind.QUERY, group.name)
    passages = embedded.rows([pair.passage for pair in pairs], TextKind.PASSAGE, group.name)
    return Vectored(
        group.name,
        means.centre(questions, [pair.question_lang for pair in pairs], TextKind.QUERY),
        means.centre(passages, [pair.passage_lang for pair in pairs], TextKind.PASSAGE),
    )


def split(group: Group) -> tuple[list[int], list[int]]:
    """(places to fit on, places held out): all pairs of a passage go to the same side, the same every time."""
    digests = [hashlib.sha256(pair.passage.encode()).digest() for pair in group.pairs]
    held = [place for place, digest in enumerate(digests) if digest[0] % HELD_OUT == 0]
    return [place for place in range(len(digests)) if place not in set(held)], held


def held_out_recall(groups: Sequence[Group], vectors: Sequence[Vectored], recipe: Recipe, say: Say) -> None:
    """Fit on most pairs, ask the others among all passages of their group, and say what the maps bring."""
    halves = [(one, *split(group)) for one, group in zip(vectors, groups, strict=True)]
    maps = fit([one.take(fitted) for one, fitted, _ in halves], recipe)
    say("held out: recall at 1 and 5 among all passages of the group, without and with the maps")
    for one, _, asked in halves:
        if asked:
            before, after = recall(one, asked), recall(one, asked, maps)
            say(f"  {one.name:48} {len(asked):5}  {_shown(before)} -> {_shown(after)}")


def fitted_means(
    folders: Sequence[Path], encoder: Encoder, recipe: Recipe, *, limit: int = 0, work: Path | None = None,
    say: Say = print,
) -> LanguageMeans:  # fmt: skip
    """Means measured on the sample sentences and maps fitted on every pair of the folders; says what held-out pairs gain.

    Raises NoKnowledgeFolder, BadCase, ValueError without pairs.
    """
    groups = [group for folder in folders for group in groups_of(folder, limit)]
    say(f"{sum(len(group.pairs) for group in groups)} pairs in {len(groups)} groups")
    means = compute_means(encoder).means
    embedded = Embedded(encoder, work)
    vectors = []
    for group in groups:
        vectors.append(vectored(group, embedded, means))
        say(f"  {group.name:48} {len(group.pairs):5}")
    held_out_recall(groups, vectors, recipe, say)
    return with_maps(means, fit(vectors, recipe))


def with_maps(means: LanguageMeans, maps: Maps) -> LanguageMeans:
    return replace(means, maps={TextKind.QUERY: maps.query, TextKind.PASSAGE: maps.passage})


def main(argv: Sequence[str] | None = None) -> int:
    """Fit and write; return 0, or 2 when a folder cannot be used."""
    given = _parser().parse_args(argv)
    recipe = Recipe(steps=given.steps, way=given.way, seed=given.seed)
    encoder = E5Encoder(given.models, workers=2)
    try:
        found = fitted_means(given.folder, encoder, recipe, limit=given.limit, work=given.work)
    except (AppError, ValueError) as error:
        print(f"fit_map: {explain(error, 'en') if isinstance(error, AppError) else error}", file=sys.stderr)
        return 2
    given.out.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = found.to_arrays()
    np.savez(given.out, **arrays)
    print(f"written: {given.out}")
    return 0


def _shown(shares: Sequence[float]) -> str:
    return " / ".join(f"{share:.3f}" for share in shares)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals.fit_map", description="Fit the built-in model's maps to pairs of question and passage."
    )
    parser.add_argument("--folder", type=Path, action="append", required=True, help="with sections and queries, or with "
                        "passages and queries; several times for several")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument(
        "--models", type=Path, default=Path("firstline-data/models"), help="where the model's graph is kept"
    )
    parser.add_argument("--work", type=Path, help="keep what is embedded here for the next run")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="so many pairs of each group; default: all")
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument(
        "--way", type=float, default=Recipe().way, help="of the way from no map to the fitted one, 0 to 1"
    )
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    return parser


if __name__ == "__main__":
    sys.exit(main())
