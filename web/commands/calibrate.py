"""calibrate: the confidence fitted to an installation's own questions, with the risk that can be promised."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from base.clock import SystemClock
from base.errors import AppError, InvalidInput
from base.i18n import N_
from base.log import set_up_logging
from base.settings import Settings
from base.text import detect_language
from bot.calibration import LEVEL, Calibrated, Example, Way, as_json, calibrate, counted, needed_without_error
from bot.confidence import GIVEN, INSTALLED, BadFit, Fit, Model, features, shipped_fit
from bot.question import leans_on_earlier
from bot.support import best_held_first
from kb.embed import Embedder
from kb.models import Audience, Passage, Scope
from kb.tables import ArticleRow
from web.commands.jsonlines import BadCases, CannotWrite, MissingCases
from web.wiring import Services, build

TOP_K = 8
DEEPER = 24  # where an article is taken away, what stands behind it is looked at
LANGUAGES = ("zh", "en")


class BadObservations(InvalidInput):
    code = "bad_observations"
    message = N_("Line {line} of {file} is not an observation of this version. Make the file anew with --observations.")


@dataclass(frozen=True, slots=True)
class Options:
    """What `calibrate` was asked for."""

    cases: tuple[Path, ...]
    pooled: tuple[Path, ...]  # observations of other installations
    observations: Path | None  # where to write what was seen
    risk: float
    take_away: bool
    refit: bool | None
    measured: bool
    write: bool
    out: Path | None
    version: str


@dataclass(frozen=True, slots=True)
class Gold:
    """The articles that answer: as named in a case, and their twins in the other language."""

    keys: dict[str, set[tuple[str, str]]]  # source -> (collection, translation key or source)

    def of(self, sources: Sequence[str]) -> set[tuple[str, str]]:
        return {key for source in sources for key in self.keys.get(source, {("", source)})}

    @staticmethod
    def key(passage: Passage) -> tuple[str, str]:
        return passage.collection, passage.translation_key or passage.source


def run_calibrate(settings: Settings, options: Options) -> None:
    """Ask the cases, fit, print the risk-coverage table; with `write` the fit is what the product uses from then on."""
    set_up_logging(settings)
    if not options.cases and not options.pooled:
        raise click.UsageError("Give --cases FILE, or --pool FILE.")
    examples = [example for path in options.pooled for example in _read_observations(path)]
    if options.cases:
        examples += _asked(settings, options)
    if options.observations is not None:
        _write_lines(options.observations, [example.as_dict() for example in examples])
    fit, results = _fitted(examples, options)
    for name, result in results.items():
        click.echo(_table(name, result, options.risk))
    _store(settings, options, fit)


def _asked(settings: Settings, options: Options) -> list[Example]:
    services = build(settings)
    try:
        services.embedder.warm()
        gold = _gold(services)
        found: list[Example] = []
        for path in options.cases:
            for number, case in _read(path):
                try:
                    found += _examples(services, case, gold, path.stem, options.take_away)
                except (TypeError, ValueError, AttributeError) as error:
                    raise BadCases(f"{error}", line=number, file=str(path)) from error
        return found
    finally:
        services.close()


def _gold(services: Services) -> Gold:
    keys: dict[str, set[tuple[str, str]]] = {}
    with services.database.read() as session:
        for collection, source, key in session.execute(
            select(ArticleRow.collection, ArticleRow.source, ArticleRow.translation_key)
        ):
            keys.setdefault(source, set()).add((collection, key or source))
    return Gold(keys)


def _examples(services: Services, case: dict[str, Any], gold: Gold, name: str, take_away: bool) -> Iterator[Example]:
    """A case as an example; an answerable one a second time without its article, if that is wanted."""
    text, sources = case["text"], _strings(case.get("source") or case.get("sources"))
    earlier = _strings(case.get("earlier"))
    if earlier and leans_on_earlier(text):
        text = f"{earlier[-1]}\n{text}"
    lang = detect_language(text)
    given = best_held_first(text, lang, handed_over(services.embedder, text, lang, case.get("contexts") or ()))
    without = gold.of(_strings(case.get("without")))
    right = gold.of(sources)
    kind = str(case.get("kind") or ("answerable" if sources else "no_article"))
    passages: Sequence[Passage] = given
    if "contexts" not in case:
        scope = Scope((Audience.PUBLIC,), tuple(_strings(case.get("collections"))))
        top_k = DEEPER if without or take_away else TOP_K
        passages = services.searcher.search(text, scope=scope, top_k=top_k, lang=lang).passages
    kept = [p for p in passages if Gold.key(p) not in without][:TOP_K]
    group = str(case.get("group") or min((key for _, key in right), default="") or _about(kept, given, text))
    answers = kind == "answerable" if given else bool(kept) and Gold.key(kept[0]) in right
    example = Example(
        id=str(case.get("id", text)), lang=lang, kind=kind, source=str(case.get("set") or name), group=group,
        answerable=bool(right) if not given else answers, right=answers, features=features(text, lang, kept),
        weight=float(case.get("weight", 1.0)), given="contexts" in case,
    )  # fmt: skip
    if kept:  # finding nothing is no confidence, whatever the fit
        yield example
    if take_away and right and not given:
        rest = [p for p in passages if Gold.key(p) not in right][:TOP_K]
        if rest:
            yield dataclasses.replace(
                example, id=f"{example.id}/removed", kind="gold_removed", answerable=False, right=False,
                features=features(text, lang, rest),
            )  # fmt: skip


def _fitted(examples: list[Example], options: Options) -> tuple[Fit, dict[str, Calibrated]]:
    """A fit of what there are examples for; the rest of the shipped one is kept."""
    shipped = shipped_fit() if not options.refit else _shipped_or_none()
    models, results = dict(shipped.models), {}
    found, handed = (
        [e for e in examples if not e.given],
        [dataclasses.replace(e, lang=GIVEN) for e in examples if e.given],
    )
    for name, pool in (*((lang, found) for lang in LANGUAGES), (GIVEN, handed)):
        if any(example.lang == name for example in pool):
            old = models.get(name) or Model({}, 0.0, 0.5)
            results[name] = calibrate(pool, name, old, options.risk, refit=options.refit, measured=options.measured)
            models[name] = results[name].model
    about = {
        "fitted_on": counted([*found, *handed]),
        "promised": {"wrong among answered at most": options.risk, "sure to": LEVEL},
        "measured": {name: _measured(result) for name, result in results.items()},
        "made": SystemClock().now().date().isoformat(),
    }
    return Fit(options.version, models, about), results


def _shipped_or_none() -> Fit:
    """Weights that are made anew need no shipped ones, which may be of an older version."""
    try:
        return shipped_fit()
    except BadFit:
        return Fit("", {}, {})


def _measured(result: Calibrated) -> dict[str, Any]:
    point = result.chosen
    return {
        "way": result.way, "examples": result.examples, "right": result.right, "answered": point.answered,
        "wrong": point.wrong, "at most wrong": round(point.upper, 4), "coverage of the answerable": round(point.coverage, 4),
        "claimed": result.claimed, "penalty": result.penalty,
    }  # fmt: skip


_STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_WAYS = {
    Way.FITTED: "weights fitted on these questions",
    Way.RESCALED: "too few questions to fit weights: the shipped ones, rescaled to these questions (Platt)",
    Way.SHIPPED: "too few questions to change anything: the shipped weights as they are",
}


def _table(name: str, result: Calibrated, risk: float) -> str:
    """The risk-coverage curve of one language in words and figures."""
    head = f"\n{name}: {result.examples} questions, {result.right} of them found rightly; {_WAYS[result.way]}."
    lines = [head, "  coverage of   answered  wrong   share   at most    from"]
    for step in _STEPS:
        reached = next((point for point in result.curve if point.coverage >= step), None)
        if reached is None:
            break
        lines.append(
            f"  {reached.coverage:9.0%}   {reached.answered:10d} {reached.wrong:6d} {reached.risk:7.1%} {reached.upper:9.1%}"
            f" {reached.threshold:7.3f}"
        )
    point = result.chosen
    lines.append(
        f"  chosen: from {point.threshold:.3f} on, {point.answered} answered ({point.coverage:.0%} of the answerable), "
        f"{point.wrong} wrong ({point.risk:.1%}; at most {point.upper:.1%}, sure to {LEVEL:.0%})."
    )
    if not result.claimed:
        lines.append(
            f'  These questions do not prove "at most {risk:.1%} wrong": that takes {needed_without_error(risk)} answers '
            "without a wrong one. " + _INSTEAD[result.possible]
        )
    return "\n".join(lines)


_INSTEAD = {
    True: "The point was chosen by the measured share alone.",
    False: "No point keeps even the measured share; the most careful one was chosen.",
}


def _store(settings: Settings, options: Options, fit: Fit) -> None:
    target = options.out or (settings.data_dir / INSTALLED if options.write else None)
    if target is None:
        click.echo("\nNothing was changed. --write stores this fit in the installation.")
        return
    partial = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(as_json(fit), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, target)
    except OSError as error:
        raise CannotWrite(file=str(target)) from error
    click.echo(f"\nWritten: {target}. Restart what is running to use it.")


def _read(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, case in _lines(path, BadCases):
        if not isinstance(case.get("text"), str) or not case["text"].strip():
            raise BadCases(line=number, file=str(path))
        yield number, case


def _read_observations(path: Path) -> Iterator[Example]:
    for number, line in _lines(path, BadObservations):
        try:
            yield Example.from_dict(line)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadObservations(line=number, file=str(path)) from error


def _lines(path: Path, bad: type[AppError]) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise MissingCases(file=str(path)) from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise bad(line=number, file=str(path)) from error
        if not isinstance(found, dict):
            raise bad(line=number, file=str(path))
        yield number, found


def _write_lines(path: Path, records: Sequence[dict[str, Any]]) -> None:
    try:
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    except OSError as error:
        raise CannotWrite(file=str(path)) from error


def _about(kept: Sequence[Passage], given: Sequence[Passage], text: str) -> str:
    """What a question that no article answers is grouped by: the article it was found to be nearest to."""
    if given:
        return given[0].title or text
    return kept[0].translation_key or kept[0].source if kept else text


def _strings(value: object) -> list[str]:
    """A source may be one or several."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return list(value)
    raise TypeError("a source is a text or a list of texts")


def handed_over(embedder: Embedder, question: str, lang: str, contexts: Sequence[dict[str, Any]]) -> list[Passage]:
    """Contexts ({"title","text"}) as passages with their similarity to the question, for `confidence(given=True)`."""
    if not contexts:
        return []
    texts = [f"{part.get('title', '')}\n{part['text']}".strip() for part in contexts]
    near = embedder.embed_passages(texts, [detect_language(text, lang) for text in texts]) @ embedder.embed_query(
        question, lang
    )
    return [
        Passage(
            chunk_id=n, article_id=n, article_public_id="", version_id=0, version_number=1, collection="", source=str(n),
            title=str(part.get("title", "")), breadcrumb=(), text=str(part["text"]), lang=detect_language(texts[n], lang),
            audience=Audience.PUBLIC, translation_key="", score=0.0, similarity=float(near[n]), keyword=0.0,
        )
        for n, part in enumerate(contexts)
    ]  # fmt: skip
