"""`firstline triage train`: the learned part of triage fitted to the bundled messages and what staff corrected here.

Measured before anything is written: out of fold by author on the bundled messages, out of fold on the corrections, and
the model in use on the same corrections. It refuses to write what is worse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import numpy.typing as npt

from base.errors import InvalidInput
from base.i18n import N_
from base.log import set_up_logging
from base.settings import Settings
from base.text import detect_language
from bot.triage_model import INSTALLED, LEVELS, TONES, Opinion, TriageModel, shipped_model, write_model
from bot.triage_text import read
from bot.triage_training import Lesson, Prepared, fit, folds, prepare
from bot.triage_wording import CATEGORIES
from desk import corrections
from desk.models import Category, Sentiment, Urgency
from evals.cases import CASES, read_lines
from evals.measures import SuiteName
from evals.train_figures import Judged, baselines, figures, lines
from kb.embed import Embedder
from web.commands.jsonlines import CannotWrite
from web.wiring import build, embedder_of

OWN: Final = "own"
WORSE = 0.01  # of macro-F1 on the bundled messages that a fit to corrections may cost


class TooFewCorrections(InvalidInput):
    code = "too_few_corrections"
    message = N_("Staff have corrected {count} levels here; {least} are needed before they can teach anything. "
                 "Nothing was changed.")  # fmt: skip


class WouldGetWorse(InvalidInput):
    code = "triage_would_get_worse"
    message = N_("The new model judges worse than the one that comes with Firstline: it agrees with {agrees} of the "
                 "corrections instead of {agreed}, and has a macro-F1 of {f1} on the bundled messages instead of {f1_before}. "
                 "Nothing was changed. Try again when staff have corrected more.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    bundled: bool = False  # only the messages that come with Firstline
    write: bool = False
    out: Path | None = None


def run(settings: Settings, wish: Wish) -> None:
    """Fit, measure, say, write. Raises TooFewCorrections, WouldGetWorse, CannotWrite and what the embedder raises."""
    set_up_logging(settings.model_copy(update={"log_level": "error"}))
    bundled = bundled_lessons()
    own = [] if wish.bundled else _own(settings)
    if not wish.bundled and len(own) < corrections.LEAST:
        raise TooFewCorrections(count=len(own), least=corrections.LEAST)
    embedder = embedder_of(settings)
    vectors = _kept(bundled, embedder, settings.data_dir / "models")
    if own:
        vectors = np.concatenate([vectors, _embedded(own, embedder)])
    ready = prepare([*bundled, *own], vectors)
    spec = embedder.spec.digest
    opinions, alone = out_of_fold(ready, spec)
    theirs = _paired(ready, opinions, range(len(bundled)))
    measured = figures(theirs)
    for line in lines(theirs, [("words only", _paired(ready, alone, range(len(bundled)))), *baselines(theirs)]):
        click.echo(line)
    about: dict[str, Any] = {"corrections": len(own), "out_of_fold": measured}
    if own:
        _compare(ready, opinions, measured, range(len(bundled), len(ready.lessons)), spec)
    model = fit(ready, spec, about)
    target = wish.out or (settings.data_dir / INSTALLED if wish.write else None)
    if target is None:
        click.echo("Nothing was changed. --write stores this model in the installation.")
        return
    try:
        write_model(model, target)
    except OSError as error:
        raise CannotWrite(path=str(target), reason=error.strerror or str(error)) from error
    click.echo(f"Written: {target} ({model.version}). Restart what is running to use it.")


def bundled_lessons() -> list[Lesson]:
    """The messages that come with Firstline for fitting: those of the authors, then the short ones. In file order."""
    folder = CASES / "triage"
    paths = [*sorted(folder.glob("train-*.jsonl")), folder / "short.jsonl", CASES / "wishes.jsonl"]
    return [lesson for path in paths for lesson in read_lines(path, _lessons, SuiteName.TRIAGE)]


def out_of_fold(ready: Prepared, spec: str) -> tuple[list[Opinion], list[Opinion]]:
    """What models that saw nothing of a message's author think of it: with the embedding, and of the words alone."""
    with_meaning: dict[int, Opinion] = {}
    words: dict[int, Opinion] = {}
    for left_out in folds(ready.lessons):
        model = fit(ready, spec, {}, np.setdiff1d(np.arange(len(ready.lessons)), left_out))
        for at in map(int, left_out):
            message = read(ready.lessons[at].text)
            with_meaning[at] = model.judge(message, ready.figures[at], ready.vectors[at].astype(np.float32))
            words[at] = model.judge(message, ready.figures[at])
    order = range(len(ready.lessons))
    return [with_meaning[at] for at in order], [words[at] for at in order]


def _compare(
    ready: Prepared, opinions: Sequence[Opinion], measured: dict[str, float], places: range, spec: str
) -> None:
    """Hold the new model against the one that ships, which has not seen the corrections either. Raises WouldGetWorse."""
    present = shipped_model()
    old = [_by(present, ready, at, spec) for at in places]
    agrees = figures(_paired(ready, opinions, places))["accuracy"]
    agreed = figures(_paired_with(ready, old, places))["accuracy"]
    click.echo(f"on the {len(places)} corrections: agrees with staff {agrees:.2f}, the shipped model {agreed:.2f}")
    before = float(present.about.get("out_of_fold", {}).get("macro_f1", 0.0))
    if agrees < agreed or measured["macro_f1"] + WORSE < before:
        shares = {"agrees": agrees, "agreed": agreed, "f1": measured["macro_f1"], "f1_before": before}
        raise WouldGetWorse(**{name: f"{share:.3f}" for name, share in shares.items()})


def _by(model: TriageModel, ready: Prepared, at: int, spec: str) -> Opinion:
    vector = ready.vectors[at].astype(np.float32) if model.spec == spec else None
    return model.judge(read(ready.lessons[at].text), ready.figures[at], vector)


def _paired(ready: Prepared, opinions: Sequence[Opinion], places: range) -> list[Judged]:
    return _paired_with(ready, [opinions[at] for at in places], places)


def _paired_with(ready: Prepared, opinions: Sequence[Opinion], places: range) -> list[Judged]:
    found = []
    for at, opinion in zip(places, opinions, strict=True):
        lesson = ready.lessons[at]
        if lesson.urgency is None or lesson.tone is None:
            continue  # of the short ones, which the rules were written beside
        category = CATEGORIES[int(opinion.category.argmax())]
        tone = TONES[int(opinion.tone.argmax())]
        lang = detect_language(lesson.text)
        found.append(Judged(lesson, lang, LEVELS[int(opinion.urgency.argmax())], category, opinion.human, tone))
    return found


def _lessons(fields: Mapping[str, Any], number: int) -> list[Lesson]:
    """The lesson of a line: what triage cases hold, each label of its own accord."""
    urgency, category, tone = (fields.get(name) for name in ("urgency", "category", "sentiment"))
    return [
        Lesson(
            str(fields["text"]),
            Urgency(urgency) if urgency else None,
            Category(category) if category else None,
            fields.get("wants_human"),
            Sentiment(tone) if tone else None,
            str(fields.get("id", number)).split("-")[0],
        )
    ]


def _own(settings: Settings) -> list[Lesson]:
    services = build(settings)
    try:
        with services.database.read() as session:
            found = corrections.labels(corrections.corrections(session))
        return [
            Lesson(one.text, one.level, one.category, seen.wants_human, seen.sentiment, f"{OWN}{n % 6}")
            for n, one in enumerate(found)
            for seen in (services.thinker.triage_alone(one.text),)
        ]
    finally:
        services.close()


def _embedded(lessons: Sequence[Lesson], embedder: Embedder) -> npt.NDArray[np.float32]:
    """(n, any): each lesson's meaning."""
    return np.stack([embedder.meaning(lesson.text, detect_language(lesson.text)) for lesson in lessons]).astype(
        np.float32
    )


def _kept(lessons: Sequence[Lesson], embedder: Embedder, folder: Path) -> npt.NDArray[np.float32]:
    """The bundled messages' meanings, kept between runs (a minute and a half on two cores); a damaged file is made anew."""
    key = hashlib.sha256(repr((embedder.spec.digest, [lesson.text for lesson in lessons])).encode()).hexdigest()[:16]
    path = folder / f"meaning-{key}.npy"
    try:
        known = np.load(path, allow_pickle=False)
        if known.ndim == 2 and len(known) == len(lessons) and bool(np.isfinite(known).all()):
            return np.asarray(known, np.float32)
    except (OSError, ValueError, EOFError):
        pass
    vectors = _embedded(lessons, embedder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".tmp.npy")
        np.save(half, vectors, allow_pickle=False)
        half.replace(path)
    except OSError:
        pass  # it costs only time
    return vectors
