"""`firstline eval`: choose what to ask of which installation, run the suites, write one report, check the gate."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from base.errors import InvalidInput
from base.i18n import N_
from base.log import set_up_logging
from base.settings import Settings
from evals import abstention, answers, flows, folder, installation, parity, retrieval, triage
from evals.asking import Asked, ask
from evals.cases import CASES, Case, Kind, NoCases, TriageCase, questions, read_lines, sample, triage_messages
from evals.flows import Flow, Played, flow_of
from evals.gate import Gate, broken, read_gate
from evals.measures import SuiteName, SuiteResult
from evals.parity_causes import Sort, observations, sort_of
from evals.report import Report, as_text, last_run, markdown, write
from evals.retrieval import Found
from evals.triage import Judged
from web.wiring import Services

EXIT_BROKEN = 1
QUESTIONS = (SuiteName.RETRIEVAL, SuiteName.ANSWERS, SuiteName.ABSTENTION)
BUNDLED = {
    **dict.fromkeys(QUESTIONS, CASES / "answers" / "demo.jsonl"),
    SuiteName.TRIAGE: CASES / "triage" / "dev.jsonl",
    SuiteName.FLOWS: CASES / "flows" / "demo.jsonl",
}
FALSE_PREMISES = CASES / "abstention" / "false_premises.jsonl"  # asked by the suite abstention besides its own


class UnknownSuite(InvalidInput):
    code = "unknown_suite"
    message = N_("There is no suite {name}. Choose from: {known}.")


class CasesNeeded(InvalidInput):
    """The bundled cases are about the demo articles; another installation needs its own."""

    code = "cases_needed"
    message = N_(
        "Name the cases for the suite {suite}: --cases FILE. The ones that come with Firstline are about the demo articles."
    )


class DoesNotFit(InvalidInput):
    code = "options_do_not_fit"
    message = N_("These options do not go together: {reason}.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    suites: tuple[str, ...] = ()
    installation: Path | None = None  # named by --data-dir; None: build a temporary one
    cases: Path | None = None
    folder: Path | None = None
    masked: bool = False
    cross: bool = False
    limit: int = 0
    out: Path | None = None
    as_json: bool = False
    gate: Path | None = None
    work: Path | None = None


@dataclass(slots=True)
class _Collected:
    """What came of the cases, over all installations of a run."""

    found: list[Found] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    tempted: list[Asked] = field(default_factory=list)  # asked, and asked again without the right article
    judged: list[Judged] = field(default_factory=list)
    played: list[Played] = field(default_factory=list)
    articles: int = 0
    fit: str = ""  # version of the fit that was judged with
    sorts: dict[tuple[str, str], Sort] = field(default_factory=dict)  # of the questions, by id and language


def run(settings: Settings, wish: Wish) -> int:
    """Measure, print, write; return 0, or EXIT_BROKEN when a limit of the gate is not kept.

    Raises UnknownSuite, DoesNotFit, CasesNeeded, MissingCases, BadCase, NoCases, NoKnowledgeFolder, BadGate, CannotCopy,
    NothingToAnswerFrom, CannotWrite.
    """
    gate = read_gate(wish.gate) if wish.gate else None
    suites = _suites(wish, gate)
    _check(wish, suites)
    set_up_logging(settings.model_copy(update={"log_level": "error"}))
    limit = wish.limit or (gate.limit if gate else 0)
    started = time.perf_counter()
    collected = _Collected()
    if wish.folder is not None:
        _measure_folder(settings, wish, suites, limit, collected)
    else:
        _measure_installation(settings, wish, suites, limit, collected)
    report = _report(settings, wish, suites, limit, gate, collected, time.perf_counter() - started)
    if wish.out is not None:
        write(report, wish.out)
    sys.stdout.write(as_text(report) if wish.as_json else markdown(report))
    for line in report.broken or ():
        print(f"firstline: {line}", file=sys.stderr)
    return EXIT_BROKEN if report.broken else 0


def _suites(wish: Wish, gate: Gate | None) -> tuple[SuiteName, ...]:
    """The suites asked for, or those the gate was written for, in the order of the report."""
    for name in wish.suites:
        if name not in list(SuiteName):
            raise UnknownSuite(name=name, known=", ".join(SuiteName))
    named = {SuiteName(name) for name in wish.suites} or set(gate.suites if gate else ())
    if named == {SuiteName.PARITY}:
        named |= {*QUESTIONS} if wish.folder or wish.cases else set(SuiteName)
    if not named:
        raise UnknownSuite(name="(none)", known=", ".join(SuiteName))
    return tuple(suite for suite in SuiteName if suite in named)


def _check(wish: Wish, suites: Sequence[SuiteName]) -> None:
    if wish.folder is None and (wish.masked or wish.cross):
        raise DoesNotFit(reason="--masked and --cross need --folder")
    if wish.folder is not None and (wish.installation is not None or wish.cases is not None):
        raise DoesNotFit(reason="--folder brings its own documents and questions, so not --data-dir or --cases")
    other = [suite for suite in suites if suite in (SuiteName.TRIAGE, SuiteName.FLOWS)]
    if wish.folder is not None and other:
        raise DoesNotFit(reason=f"a folder has questions only, so not the suite {other[0]}")
    kinds = {BUNDLED[suite] for suite in suites if suite in BUNDLED}
    if wish.cases is not None and len(kinds) > 1:
        raise DoesNotFit(reason="--cases is read by one sort of suite: questions, triage or flows")
    missing = [suite for suite in suites if suite in (*QUESTIONS, SuiteName.FLOWS)]
    if wish.installation is not None and wish.cases is None and missing:
        raise CasesNeeded(suite=missing[0])


def _measure_folder(
    settings: Settings, wish: Wish, suites: Sequence[SuiteName], limit: int, collected: _Collected
) -> None:
    """Each language's questions on an installation of the documents of one language."""
    assert wish.folder is not None
    place = folder.find(wish.folder)
    sections = folder.read_sections(place) if place.sections or wish.masked else []
    placed = folder.read_questions(place, sections, cross=wish.cross)
    placed = sample(placed, limit, lambda one: one[1].id)
    for lang in sorted({lang for lang, _ in placed}):
        cases = [case for own, case in placed if own == lang]
        with installation.of_folder(settings, wish.work, place, sections, lang, masked=wish.masked) as services:
            collected.fit = services.fit.version
            _ask(services, suites, cases, collected)


def _measure_installation(
    settings: Settings, wish: Wish, suites: Sequence[SuiteName], limit: int, collected: _Collected
) -> None:
    """The named installation, or the demo articles."""
    cases: list[Case] = []
    messages: list[TriageCase] = []
    talks: list[Flow] = []
    premises: list[Case] = []
    if SuiteName.ABSTENTION in suites and wish.cases is None:
        premises = _balanced(read_lines(FALSE_PREMISES, questions, SuiteName.ABSTENTION), limit)
    for suite in suites:
        if suite in QUESTIONS and not cases:
            path = wish.cases or BUNDLED[suite]
            cases = _balanced(read_lines(path, questions, suite), limit)
        elif suite is SuiteName.TRIAGE:
            messages = sample(
                read_lines(wish.cases or BUNDLED[suite], triage_messages, suite), limit, lambda one: one.id
            )
        elif suite is SuiteName.FLOWS:
            talks = sample(read_lines(wish.cases or BUNDLED[suite], flow_of, suite), limit, lambda one: one.id)
    with _chosen(settings, wish, suites, collected) as services:
        if cases or talks:
            _ask(services, suites, cases, collected)
        collected.tempted += [ask(services, case) for case in premises]
        collected.judged = triage.collect(services, messages)
        collected.played = flows.collect(services, talks)


def _balanced(cases: Sequence[Case], limit: int) -> list[Case]:
    """At most `limit` cases, spread over kinds and languages as evenly as they allow; 0 means all."""
    if not limit:
        return list(cases)
    groups = sorted({(case.kind, case.lang) for case in cases})
    each, found = max(1, limit // len(groups)), []
    for group in groups:
        found += sample([case for case in cases if (case.kind, case.lang) == group], each, lambda case: case.id)
    return found


@contextmanager
def _chosen(settings: Settings, wish: Wish, suites: Sequence[SuiteName], collected: _Collected) -> Iterator[Services]:
    """Suites that change articles or make conversations get a copy of a named installation; temporary ones are theirs."""
    changes = SuiteName.ABSTENTION in suites or SuiteName.FLOWS in suites
    opened: AbstractContextManager[Services]
    if wish.installation is None:
        opened = installation.demo(settings, wish.work)
    elif changes:
        opened = installation.copied(settings)
    else:
        opened = installation.opened(settings.model_copy(update={"log_level": "error"}))
    with opened as services:
        collected.fit = services.fit.version
        yield services


def _ask(services: Services, suites: Sequence[SuiteName], cases: Sequence[Case], collected: _Collected) -> None:
    """Every suite of questions. Answers come first: what an embedder remembers must not make them look fast."""
    collected.articles += installation.count_articles(services)
    if SuiteName.PARITY in suites:
        languages = installation.languages_of_articles(services)
        sorts = {(case.id, case.lang): sort_of(case, languages) for case in cases}
        collected.sorts |= {name: sort for name, sort in sorts.items() if sort is not None}
    if SuiteName.ANSWERS in suites or SuiteName.ABSTENTION in suites:
        asked = [ask(services, case) for case in cases if case.kind is not Kind.GOLD_REMOVED]
        collected.asked += asked
        if SuiteName.ABSTENTION in suites:
            collected.tempted += abstention.collect(services, cases, asked)
    if SuiteName.RETRIEVAL in suites:
        collected.found += retrieval.collect(services, cases)


def _results(suites: Sequence[SuiteName], collected: _Collected, source: str) -> list[SuiteResult]:
    made: dict[SuiteName, SuiteResult] = {}
    if SuiteName.RETRIEVAL in suites:
        made[SuiteName.RETRIEVAL] = retrieval.summarise(collected.found)
    if SuiteName.ANSWERS in suites:
        made[SuiteName.ANSWERS] = answers.summarise(collected.asked)
    if SuiteName.ABSTENTION in suites:
        made[SuiteName.ABSTENTION] = abstention.summarise(collected.tempted)
    if SuiteName.TRIAGE in suites:
        made[SuiteName.TRIAGE] = triage.summarise(collected.judged)
    if SuiteName.FLOWS in suites:
        made[SuiteName.FLOWS] = flows.summarise(collected.played)
    for suite, result in made.items():
        if not result.measures:
            raise NoCases(file=source, suite=suite)
    if SuiteName.PARITY in suites:
        made[SuiteName.PARITY] = parity.summarise(
            list(made.values()), observations(collected.found, collected.asked, collected.sorts)
        )
    return list(made.values())


def _report(
    settings: Settings, wish: Wish, suites: Sequence[SuiteName], limit: int, gate: Gate | None, collected: _Collected,
    seconds: float,
) -> Report:  # fmt: skip
    source = wish.folder or wish.cases
    what: dict[str, Any] = {
        "suites": ", ".join(suites),
        "asked of": str(wish.folder or wish.installation or "the demo articles"),
        "cases": str(wish.cases or ("queries.jsonl" if wish.folder else "bundled")),
        "masked": wish.masked,
        "cross": wish.cross,
        "limit": limit,
    }
    results = _results(suites, collected, str(source or "the bundled cases"))
    before, said = last_run(wish.out, what)
    measures = [measure for result in results for measure in result.measures]
    facts = {
        "articles": collected.articles,
        "embedder": settings.embedder,
        "model": settings.llm or "none (quotations)",
        "confidence fit": collected.fit,
        "answer threshold": settings.answer_confidence,
        "took": f"{seconds:.0f} s",
        "compared": said,
    }
    failed = tuple(broken(gate, measures, suites)) if gate else None
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Report(at, what, facts, tuple(results), failed, before)
