"""Reports for whoever leads the desk: how the assistant's urgency agrees with people, and how customers rate the help."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from base.agreement import confusion, weighted_kappa
from base.i18n import translate
from desk import corrections, csat
from desk.models import URGENCY_NAMES, Staff, Urgency
from web.deps import LocaleDep, RunningDep, requires
from web.pages import render
from web.present import Presenter
from web.report_views import AgreementRow, AgreementView, AgreementWeek, CorrectionLine, RatingLine

router = APIRouter(include_in_schema=False)
Leader = Annotated[Staff, requires("reports")]
_LATEST = 20


@router.get("/reports/triage")
def triage_report(request: Request, run: RunningDep, member: Leader, language: LocaleDep) -> Response:
    services = run.services
    now, zone = services.clock.now(), ZoneInfo(services.settings.timezone)
    with services.database.read() as session:
        weeks = corrections.weeks(session, zone, now)
        together, rated = csat.figures(session, [week.start for week in weeks], zone)
        every = corrections.corrections(session)
    presenter = Presenter(services, language, member)
    view = AgreementView(
        levels=tuple(translate(name, language) for name in URGENCY_NAMES.values()),
        weeks=tuple(_week(week, language) for week in weeks),
        ratings=(
            *(_rating(week.start.isoformat(), found) for week, found in zip(weeks, rated, strict=True)),
            _rating("", together),
        ),
        latest=tuple(
            CorrectionLine(
                when=presenter.moment(one.at),
                text=one.text[:300],
                lang=one.lang,
                judged=str(one.judged),
                judged_name=translate(URGENCY_NAMES[one.judged], language),
                level=str(one.level),
                level_name=translate(URGENCY_NAMES[one.level], language),
                reasons=tuple(presenter.reason(reason) for reason in one.shown),
                reason=one.reason,
            )
            for one in every[-_LATEST:][::-1]
        ),
        least=corrections.LEAST,
        corrected=len(corrections.labels(every)),
    )
    return render(request, "staff/triage_report.html", view, section="reports")


def _rating(start: str, found: csat.Figures) -> RatingLine:
    mean = f"{found.mean:.1f}" if found.mean is not None else ""
    return RatingLine(start, found.count, mean, f"{found.satisfied:.0%}" if found.satisfied is not None else "")


def _week(week: corrections.Week, language: str) -> AgreementWeek:
    labels = [str(level) for level in Urgency]
    pairs = [(str(truth), str(judged)) for truth, judged in week.pairs]
    table = confusion(pairs, labels)
    agreed = sum(truth == judged for truth, judged in pairs)
    rows = tuple(
        AgreementRow(str(level), translate(URGENCY_NAMES[level], language), tuple(counts))
        for level, counts in zip(Urgency, table, strict=True)
    )
    kappa = f"{weighted_kappa(table):.2f}" if pairs else ""
    return AgreementWeek(week.start.isoformat(), len(pairs), agreed, kappa, rows)
