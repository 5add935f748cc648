"""`python -m evals.fit_ranker --folder DIR ... --out kb/ranker.json`: fits the weights of the learned reranker again.

Each folder is asked without the headings its questions were made of; with --cross, in the other language, too. Figures
are out of fold twice: with weights fitted on none of the set's family, and on other articles of all sets. Data, figures
and when to fit anew are in docs/decisions/0009-a-second-look.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from base.errors import AppError
from base.i18n import explain
from base.settings import Settings
from base.text import detect_language
from evals.asking import EVERYTHING
from evals.cases import CASES, Case, Kind, questions, read_lines, sample
from evals.folder import find, read_questions, read_sections
from evals.installation import demo, of_folder
from evals.ranker_training import Example, Figures, example, fit, fused, learned, measured, out_of_fold, rescaled
from kb.rerank import FORMAT
from web.wiring import Services

DEMO = "demo"
Say = Callable[[str], None]


def examples_of(services: Services, cases: Sequence[Case], name: str, family: str) -> list[Example]:
    """What search finds for every case that is to be answered."""
    found = []
    for case in cases:
        if case.kind is not Kind.ANSWERABLE:
            continue
        text = case.text[: services.settings.message_max_chars]
        question, contenders = services.searcher.contenders(text, EVERYTHING, detect_language(text))
        if contenders:
            label = " ".join(filter(None, (name, question.lang, case.variant)))
            found.append(example(case, question, contenders, label, family))
    return found


def of_folders(
    folders: Sequence[Path], settings: Settings, work: Path | None, *, cross: bool, limit: int
) -> Iterator[list[Example]]:
    """The examples of each language of each folder. Raises NoKnowledgeFolder, BadCase."""
    for path in folders:
        folder = find(path)
        sections = read_sections(folder)
        family = folder.name
        asked = read_questions(folder, sections, cross=cross)
        for lang in sorted({of for of, _ in asked}):
            cases = sample([case for of, case in asked if of == lang], limit, lambda case: case.id)
            with of_folder(settings, work, folder, sections, lang, masked=not cross) as services:
                yield examples_of(services, cases, f"{family} cross" if cross else family, family)


def of_demo(cases: Path, settings: Settings, work: Path | None) -> list[Example]:
    """The examples of the demo articles. Raises BadCase."""
    with demo(settings, work) as services:
        return examples_of(services, read_lines(cases, questions, "answers"), DEMO, DEMO)


def report(examples: Sequence[Example], say: Say) -> None:
    """Say what the weights bring on questions they were not fitted on."""
    ways: tuple[tuple[str, Callable[[Example], object]], ...] = (
        ("no question of its family", lambda one: one.family),
        ("no question on its articles", lambda one: one.fold),
    )
    for title, part in ways:
        if len({part(one) for one in examples}) < 2:
            continue
        scores = {id(one): learned(one, weights) for one, weights in out_of_fold(examples, part)}
        say(f"fitted on {title}; fused -> learned, at rank one and among the first five")
        for name, ours in _by_set(examples).items():
            after = measured([(one, scores[id(one)]) for one in ours])
            before = measured([(one, fused(one)) for one in ours])
            say(f"  {name:36} {len(ours):5}  {_shown(before, after)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Fit and write; return 0, or 2 when a folder or file cannot be used."""
    given = _parser().parse_args(argv)
    settings = Settings(data_dir=given.data_dir, log_level="error")
    examples: list[Example] = []
    try:
        for folders, cross in ((given.folder, False), (given.cross, True)):
            for part in of_folders(folders, settings, given.work, cross=cross, limit=given.limit):
                examples += part
        if given.cases is not None:
            examples += of_demo(given.cases, settings, given.work)
        weights = fit(examples)
    except (AppError, ValueError) as error:
        print(f"fit_ranker: {explain(error, 'en') if isinstance(error, AppError) else error}", file=sys.stderr)
        return 2
    report(examples, print)
    sets = {name: len(ours) for name, ours in _by_set(examples).items()}
    made = {"format": FORMAT, "weights": rescaled(weights), "about": {"questions": sets}}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"written: {given.out}")
    return 0


def _by_set(examples: Sequence[Example]) -> dict[str, list[Example]]:
    found: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        found[one.set].append(one)
    return dict(found)


def _shown(before: Figures, after: Figures) -> str:
    parts = [f"article {_change(before.article, after.article)}"]
    if before.section is not None and after.section is not None:
        parts.append(f"section {_change(before.section, after.section)}")
    return "  ".join(parts)


def _change(before: Sequence[float], after: Sequence[float]) -> str:
    return " ".join(f"{old:.3f}->{new:.3f}" for old, new in zip(before, after, strict=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals.fit_ranker", description="Fit the learned reranker to questions with known answers."
    )
    parser.add_argument("--folder", type=Path, action="append", default=[], help="documents with questions, asked without "
                        "the headings the questions were made of; several times for several")  # fmt: skip
    parser.add_argument("--cross", type=Path, action="append", default=[], help="the same, asked in the other language")
    parser.add_argument("--cases", type=Path, nargs="?", const=CASES / "answers" / "demo.jsonl", default=None,
                        help="cases asked of the demo articles; without a file, the bundled ones")  # fmt: skip
    parser.add_argument("--limit", type=int, default=0, help="so many questions of each language of a folder; 0: all")
    parser.add_argument("--data-dir", type=Path, default=Path("firstline-data"), help="where the built models are kept")
    parser.add_argument("--work", type=Path, default=None, help="keeps what is built for the next run")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
