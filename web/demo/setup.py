"""Puts the demo knowledge base and its administrator in place, once."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from base.log import get_logger
from desk import audit, staff
from desk.models import Role
from ingest.pipeline import FileStatus, IngestOptions, IngestReport
from ingest.sources import walk
from kb.models import Status
from kb.tables import ArticleRow
from web.wiring import Services

log = get_logger(__name__)
ARTICLES = Path(__file__).parent / "articles"
COLLECTION = "haisong-it"
ADMIN_EMAIL = "admin@firstline.example"


def load_articles(services: Services) -> IngestReport:
    """Ingest the demo articles; unchanged ones cost a hash each."""
    report = services.pipeline.run(walk(ARTICLES), IngestOptions(collection=COLLECTION, author="demo"))
    log.info(
        "demo_articles_ready", indexed=report.count(FileStatus.INDEXED), unchanged=report.count(FileStatus.UNCHANGED)
    )
    return report


def is_loaded(services: Services) -> bool:
    """Whether customers can find the demo articles."""
    with services.database.read() as session:
        found = select(ArticleRow.id).where(ArticleRow.collection == COLLECTION, ArticleRow.status == Status.PUBLISHED)
        return session.scalar(found.limit(1)) is not None


def add_administrator(services: Services, now: datetime) -> str:
    """The demo administrator's generated password; empty when somebody is on the staff already."""
    password = secrets.token_urlsafe(12)
    with services.database.begin() as session:
        if staff.count(session):
            return ""
        member = staff.add(session, "Lin 林", ADMIN_EMAIL, password, Role.ADMIN, now, services.settings.default_locale)
        audit.note(session, now, "system", "demo_administrator_added", f"staff:{member.id}")
    return password
