"""Rendering: one Jinja environment, the reader's language per request, the frame every page needs."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from base.i18n import N_, translate, translations
from desk.models import Role, Staff
from desk.staff import may
from web.deps import current_staff, locale, running, services
from web.views import PageView, StaffBadge

TEMPLATES = Path(__file__).parent / "templates"
ROLE_NAMES = {
    Role.AGENT: N_("Agent"),
    Role.EDITOR: N_("Knowledge editor"),
    Role.MANAGER: N_("Manager"),
    Role.ADMIN: N_("Administrator"),
}


def make_environments() -> dict[str, Environment]:
    """One environment per language: `_()` and {% trans %} speak it, templates are compiled once each."""
    found = {}
    for language in ("en", "zh"):
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
        found[language] = environment
    return found


def render(
    request: Request, template: str, view: Any, *, section: str = "", status: int = 200, lang: str = "",
    headers: dict[str, str] | None = None, **context: Any,
) -> HTMLResponse:  # fmt: skip
    """A page or a partial in the reader's language."""
    html = render_text(request, template, view, section=section, lang=lang, **context)
    return HTMLResponse(html, status_code=status, headers={"Vary": "Accept-Language, Cookie", **(headers or {})})


def render_text(
    request: Request, template: str, view: Any, *, section: str = "", lang: str = "", **context: Any
) -> str:
    """The same as text."""
    language = lang or locale(request)
    page = page_view(request, language, section)
    return str(running(request).templates[language].get_template(template).render(page=page, view=view, **context))


def page_view(request: Request, language: str, section: str) -> PageView:
    member = current_staff(request)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return PageView(
        lang=language,
        path=path,
        now_iso=services(request).clock.now().isoformat(),
        section=section,
        staff=badge(member, language) if member else None,
        can_edit=bool(member and may(member, "knowledge.write")),
        can_report=bool(member and may(member, "reports")),
        can_administer=bool(member and may(member, "admin")),
    )


def badge(member: Staff, language: str) -> StaffBadge:
    return StaffBadge(
        member.name, initials(member.name), translate(ROLE_NAMES[member.role], language), tint(member.public_id)
    )


def initials(name: str) -> str:
    """One Han character, or up to two initials; "?" for nobody. A name in both scripts goes by its first."""
    words = name.split()
    if not words:
        return "?"
    if _is_han(words[0]):
        return words[0][0]
    words = [word for word in words if not _is_han(word)]
    return "".join(word[0] for word in (words[0], words[-1])[: min(2, len(words))]).upper()


def _is_han(word: str) -> bool:
    return ord(word[0]) > 0x2E80


def tint(key: str) -> int:
    """One of eight avatar colours, always the same for the same person."""
    return zlib.crc32(key.encode()) % 8
