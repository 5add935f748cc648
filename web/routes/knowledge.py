"""The knowledge editor's pages: the list with its gaps, one article with its versions, documents in."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base.i18n import N_, explain, format_bytes, translate
from base.text import clean
from bot.suggest import STAFF_SCOPE
from desk import audit
from desk.models import Staff
from desk.staff import may
from ingest.applies import checked, day, names
from ingest.errors import CannotRead
from ingest.load import SUPPORTED
from ingest.pipeline import FileResult, FileStatus, IngestOptions
from ingest.sources import Source
from kb import store
from kb.models import Applies, Article, Audience, Status
from kb.tables import ArticleRow as ArticleTable
from kb.tables import ChunkRow
from web.deps import MAX_NUMBER, LocaleDep, Running, RunningDep, requires
from web.markdown import article_html
from web.pages import render
from web.present import Presenter
from web.views import (
    ArticleRow,
    ArticleView,
    KnowledgeView,
    Option,
    ReportRow,
    ReportView,
    TranslationMark,
    UploadView,
    VersionRow,
)
from web.wiring import limits_of

router = APIRouter(include_in_schema=False)
Reader = Annotated[Staff, requires("knowledge.read")]
Editor = Annotated[Staff, requires("knowledge.write")]
LANGS = ("en", "zh")
ShortText = Annotated[str, Form(max_length=300)]
PAGE = 100
DEFAULT_COLLECTION = "general"
FILES_AT_ONCE = 4  # of the largest size, in one form

STATUS_NAMES = {Status.DRAFT: N_("Draft"), Status.PUBLISHED: N_("Published"), Status.ARCHIVED: N_("Archived")}
AUDIENCE_NAMES = {Audience.PUBLIC: N_("Customers"), Audience.INTERNAL: N_("Staff only")}
OUTCOME_NAMES = {
    FileStatus.INDEXED: N_("Added"),
    FileStatus.UNCHANGED: N_("Unchanged"),
    FileStatus.SKIPPED: N_("Not taken"),
    FileStatus.FAILED: N_("Not taken"),
}


@router.get("/knowledge")
def article_list(
    request: Request, run: RunningDep, member: Reader, language: LocaleDep, q: str = "", lang: str = "",
    status: str = "",
) -> Response:  # fmt: skip
    with run.services.database.read() as session:
        articles, total = store.list_articles(session, search=q.strip()[:100], lang=lang, status=status, limit=PAGE)
        rows = tuple(_row(run, session, article, language) for article in articles)
    view = KnowledgeView(
        q=q, rows=rows, total=total,
        langs=(Option("", translate(N_("All languages"), language), not lang), *(
            Option(code, name, lang == code) for code, name in (("en", "English"), ("zh", "中文"))
        )),
        statuses=(Option("", translate(N_("Every status"), language), not status), *(
            Option(value, translate(name, language), status == value) for value, name in STATUS_NAMES.items()
        )),
        missing_translations=sum(any(not mark.public_id for mark in row.translations) for row in rows),
    )  # fmt: skip
    return render(request, "staff/knowledge.html", view, section="knowledge")


@router.get("/knowledge/upload")
def upload_page(request: Request, run: RunningDep, member: Editor, language: LocaleDep) -> Response:
    return render(request, "staff/upload.html", _upload_view(run, language), section="knowledge")


@router.post("/knowledge/upload")
def upload(
    request: Request, run: RunningDep, member: Editor, language: LocaleDep,
    files: Annotated[list[UploadFile], File()], collection: Annotated[str, Form(max_length=100)] = DEFAULT_COLLECTION,
    audience: Annotated[Audience, Form()] = Audience.PUBLIC, lang: Annotated[str, Form(pattern="^(en|zh|)$")] = "",
    product: ShortText = "", version: ShortText = "", package: ShortText = "", valid_from: ShortText = "",
    valid_until: ShortText = "",
) -> Response:  # fmt: skip
    """Read the files and make them findable at once. The names are only names: content is kept under random ones."""
    services = run.services
    try:
        applies = checked(
            Applies(
                names(clean(product)), names(clean(version)), names(clean(package)), day(valid_from, "valid_from"),
                day(valid_until, "valid_until"),
            )
        )  # fmt: skip
    except CannotRead as error:
        view = replace(_upload_view(run, language), error=explain(error, language))
        return render(request, "staff/upload.html", view, section="knowledge", status=422)
    options = IngestOptions(
        collection=clean(collection) or DEFAULT_COLLECTION, audience=audience, lang=lang, applies=applies,
        author=member.name,
        locale=language, limits=limits_of(services.settings),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(dir=services.settings.data_dir, prefix="upload-") as folder:
        report = services.pipeline.run(_keep(files, Path(folder)), options)
    now = services.clock.now()
    with services.database.begin() as session:
        known = _articles_by_source(session, options.collection, [result.source for result in report.files])
        audit.note(
            session, now, f"staff:{member.id}", "uploaded", f"collection:{options.collection}",
            files=len(report.files), indexed=report.count(FileStatus.INDEXED),
        )  # fmt: skip
    view = _upload_view(run, language, _report(report.files, known, language))
    return render(request, "staff/upload.html", view, section="knowledge")


@router.get("/knowledge/{public_id}")
def article_page(
    request: Request, public_id: str, run: RunningDep, member: Reader, language: LocaleDep,
    version: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
) -> Response:  # fmt: skip
    """One article, as it is or as it was at a version."""
    presenter = Presenter(run.services, language, member)
    with run.services.database.read() as session:
        article = store.get_article(session, public_id, STAFF_SCOPE)
        visible = store.get_version(session, article)
        shown = store.get_version(session, article, version) if version else visible
        versions = store.list_versions(session, article)
        chunks = session.scalar(select(func.count()).where(ChunkRow.version_id == visible.id, ChunkRow.live)) or 0
        restorable = set(
            session.scalars(select(ChunkRow.version_id).where(ChunkRow.article_id == article.id).distinct())
        )
        marks = _marks(session, article)
    can_write = may(member, "knowledge.write")
    status = article.status if shown.id == visible.id else shown.status
    view = ArticleView(
        public_id=article.public_id, title=shown.title, lang=article.lang,
        body_html=article_html(shown.body, shown.title), status=status,
        status_name=translate(STATUS_NAMES[status], language), collection=article.collection,
        audience=article.audience, audience_name=translate(AUDIENCE_NAMES[article.audience], language),
        version=shown.number, updated=presenter.moment(shown.created_at if version else article.updated_at),
        source=article.source, chunk_count=int(chunks), older=visible.number if shown.id != visible.id else None,
        versions=tuple(
            VersionRow(
                number=v.number, state_name=translate(STATUS_NAMES[v.status], language), author=v.author,
                time=presenter.moment(v.created_at), current=v.id == article.version_id,
                restorable=can_write and v.id != article.version_id and v.id in restorable,
            )
            for v in versions
        ),
        translations=tuple(mark for mark in marks if mark.lang != article.lang),
        public_url=f"/articles/{article.public_id}" if _is_public(article) else "",
        can_publish=can_write and article.status is not Status.PUBLISHED,
        can_archive=can_write and article.status is Status.PUBLISHED,
    )  # fmt: skip
    return render(request, "staff/article.html", view, section="knowledge")


@router.post("/knowledge/{public_id}/publish")
def publish(
    public_id: str, run: RunningDep, member: Editor, version: Annotated[int | None, Form(ge=1, le=MAX_NUMBER)] = None
) -> Response:
    """Make a version visible; customers get it with their next question."""
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        store.publish(session, services.keywords, public_id, now, version)
        audit.note(session, now, f"staff:{member.id}", "published", f"article:{public_id}", version=version)
    services.vectors.refresh()
    return RedirectResponse(f"/knowledge/{public_id}", status_code=303)


@router.post("/knowledge/{public_id}/archive")
def archive(public_id: str, run: RunningDep, member: Editor) -> Response:
    """Take it out of every search and answer at once; nothing is deleted."""
    services, now = run.services, run.services.clock.now()
    with services.database.begin() as session:
        store.archive(session, services.keywords, public_id, now)
        audit.note(session, now, f"staff:{member.id}", "archived", f"article:{public_id}")
    services.vectors.refresh()
    return RedirectResponse(f"/knowledge/{public_id}", status_code=303)


def safe_name(name: str) -> str:
    """A file's name as a source: no folders, no invisible or control characters, never empty."""
    bare = clean(name).replace("\\", "/").split("/")[-1].strip(". ")
    return bare[-150:] or "document"


def _keep(files: list[UploadFile], folder: Path) -> list[Source]:
    """The files in a folder under names of ours. Two of one name are two documents: the second gets a number."""
    sources: list[Source] = []
    taken: Counter[str] = Counter()
    for number, file in enumerate(files):
        name = safe_name(file.filename or "")
        taken[name] += 1
        if taken[name] > 1:
            stem, dot, ending = name.rpartition(".")
            name = f"{stem} ({taken[name]}).{ending}" if dot else f"{name} ({taken[name]})"
        ending = PurePosixPath(name).suffix.lower()
        path = folder / f"{number}{ending if ending.isascii() and len(ending) < 12 else ''}"
        with path.open("wb") as out:
            shutil.copyfileobj(file.file, out)
        sources.append(Source(path, name))
    return sources


def _row(run: Running, session: Session, article: Article, language: str) -> ArticleRow:
    version = store.get_version(session, article)
    return ArticleRow(
        public_id=article.public_id, title=article.title, lang=article.lang, status=article.status,
        status_name=translate(STATUS_NAMES[article.status], language), collection=article.collection,
        audience=article.audience, audience_name=translate(AUDIENCE_NAMES[article.audience], language),
        version=version.number, updated=Presenter(run.services, language).moment(article.updated_at),
        translations=_marks(session, article),
    )  # fmt: skip


def _marks(session: Session, article: Article) -> tuple[TranslationMark, ...]:
    """The article's languages in a fixed order; a missing one without an id, where the article belongs to a pair."""
    known = {article.lang: article.public_id, **{a.lang: a.public_id for a in store.translations_of(session, article)}}
    langs = LANGS if article.translation_key else tuple(known)
    return tuple(TranslationMark(lang, known.get(lang, "")) for lang in langs)


def _is_public(article: Article) -> bool:
    return article.audience is Audience.PUBLIC and article.status is Status.PUBLISHED


def _articles_by_source(session: Session, collection: str, sources: list[str]) -> dict[str, Article]:
    query = select(ArticleTable.public_id, ArticleTable.source).where(
        ArticleTable.collection == collection, ArticleTable.source.in_(sources)
    )
    ids = session.execute(query).tuples().all()
    return {source: store.get_article(session, public_id, STAFF_SCOPE) for public_id, source in ids}


def _upload_view(run: Running, language: str, report: ReportView | None = None) -> UploadView:
    with run.services.database.read() as session:
        known = session.scalars(select(ArticleTable.collection).distinct().order_by(ArticleTable.collection)).all()
    collections = dict.fromkeys([*known, DEFAULT_COLLECTION])
    one = run.services.settings.upload_max_bytes
    return UploadView(
        collections=tuple(Option(name, name) for name in collections),
        audiences=tuple(Option(value, translate(name, language)) for value, name in AUDIENCE_NAMES.items()),
        langs=(
            Option("", translate(N_("Told from each document"), language), True), Option("en", "English"),
            Option("zh", "中文"),
        ),
        packages=(
            Option("", translate(N_("Every service package"), language), True),
            *(Option(key, named.name.get(language, key)) for key, named in run.services.defaults.packages.items()),
        ),
        limit=format_bytes(one), limit_bytes=one, all_limit=format_bytes(one * FILES_AT_ONCE),
        all_limit_bytes=one * FILES_AT_ONCE, accept=",".join(sorted(SUPPORTED)), report=report,
    )  # fmt: skip


def _report(files: tuple[FileResult, ...], known: dict[str, Article], language: str) -> ReportView:
    rows = tuple(_report_row(result, known.get(result.source), language) for result in files)
    taken = sum(result.status is FileStatus.INDEXED for result in files)
    same = sum(result.status is FileStatus.UNCHANGED for result in files)
    return ReportView(rows, taken, same, len(files) - taken - same)


def _report_row(result: FileResult, article: Article | None, language: str) -> ReportRow:
    taken = article if result.status in (FileStatus.INDEXED, FileStatus.UNCHANGED) else None
    return ReportRow(
        name=result.source, outcome="skipped" if result.status is FileStatus.FAILED else str(result.status),
        outcome_name=translate(OUTCOME_NAMES[result.status], language), chunks=result.chunks, reason=result.reason,
        title=taken.title if taken else "", lang=taken.lang if taken else "",
        article_id=taken.public_id if taken else "",
    )  # fmt: skip
