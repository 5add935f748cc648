"""What our mails look like: every kind with made-up content, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from base.errors import NotFound
from base.i18n import LOCALES, translate
from desk.models import Staff
from web.deps import LocaleDep, Running, RunningDep, requires
from web.mail.previews import KIND_NAMES, LetterKind, preview
from web.mail_views import LetterKindView, LetterPreview, LettersView
from web.pages import render
from web.security import CSP

router = APIRouter(include_in_schema=False)
Administrator = Annotated[Staff, requires("admin")]
PAGE_HEADERS = {"Content-Security-Policy": f"{CSP}; frame-src 'self'"}
# A mail carries its styles with it. It may do nothing else, and only our own page may frame it.
LETTER_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


@router.get("/deliveries/letters")
def show(request: Request, run: RunningDep, member: Administrator, language: LocaleDep) -> Response:
    kinds = tuple(
        LetterKindView(kind, translate(name, language), tuple(_version(run, kind, lang) for lang in LOCALES))
        for kind, name in KIND_NAMES.items()
    )
    return render(request, "staff/letters.html", LettersView(kinds), section="deliveries", headers=PAGE_HEADERS)


@router.get("/deliveries/letters/{kind}/{lang}")
def letter(kind: str, lang: str, run: RunningDep, member: Administrator) -> Response:
    """The HTML of one mail, as it would leave."""
    if kind not in [str(one) for one in LetterKind] or lang not in LOCALES:
        raise NotFound("letter")
    _, html = preview(run.services, run.templates, LetterKind(kind), lang)
    return HTMLResponse(html, headers=LETTER_HEADERS)


def _version(run: Running, kind: LetterKind, lang: str) -> LetterPreview:
    text, _ = preview(run.services, run.templates, kind, lang)
    return LetterPreview(lang, f"/deliveries/letters/{kind}/{lang}", text)
