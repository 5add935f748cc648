"""The words of a mail: the reply, its sources, what happens next, and how to go on; as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer
from jinja2 import Environment
from markupsafe import Markup
from sqlalchemy.orm import Session

from base.messages import Link, Outbound
from desk import mail_threads
from desk.csat import RATE
from desk.mail_threads import MailThread
from desk.models import Conversation, Ticket
from web.mail.office import Office
from web.mail.ratings import RatingLinks, ScoreLink
from web.markdown import plain_html, text_html
from web.wiring import Services

_BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Button:
    """Something the customer can do with one click, or by answering with its label."""

    label: str
    action: str
    url: str


@dataclass(frozen=True, slots=True)
class LetterView:
    """What the templates show."""

    lang: str
    organisation: str
    name: str  # of the customer; "" when it is not known
    text: str
    html: Markup
    links: tuple[Link, ...]
    buttons: tuple[Button, ...]
    choices: tuple[Button, ...]
    ticket: str
    status_url: str
    author: str  # of a person's reply
    by_assistant: bool
    scores: tuple[ScoreLink, ...] = ()  # under the mail that says it is solved


@dataclass(frozen=True, slots=True)
class Click:
    """What a link in a mail stands for."""

    thread: str
    key: str  # of the mail it stood in
    action: str


class Links:
    """Signed links: they say which mail they stood in and what was clicked; nobody can make one up."""

    def __init__(self, secret: str, base_url: str) -> None:
        self._signer = URLSafeSerializer(secret, salt="mail-link")
        self._base = base_url

    def url(self, click: Click) -> str:
        return f"{self._base}/mail/{self._signer.dumps([click.thread, click.key, click.action])}"

    def read(self, token: str) -> Click | None:
        """None for a link that is not ours."""
        try:
            thread, key, action = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        return Click(str(thread), str(key), str(action))


def body_of(
    session: Session, services: Services, office: Office, templates: Mapping[str, Environment], outbound: Outbound,
    thread: MailThread, talk: Conversation,
) -> tuple[str, str]:  # fmt: skip
    """The text and the HTML of a reply."""
    ticket = mail_threads.ticket_for_customer(session, thread.thread_id)
    view = view_of(services, outbound, thread, ticket)
    return written(templates, "reply", outbound.lang, view)


def written(templates: Mapping[str, Environment], name: str, lang: str, view: object) -> tuple[str, str]:
    """The text and the HTML of a mail, by its two templates."""
    environment = templates["zh" if lang == "zh" else "en"]
    text = environment.get_template(f"mail/{name}.txt").render(view=view)
    html = environment.get_template(f"mail/{name}.html").render(view=view)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html


def view_of(services: Services, outbound: Outbound, thread: MailThread, ticket: Ticket | None) -> LetterView:
    """What a reply's mail says."""
    base, links = services.settings.base_url, Links(services.secret_key, services.settings.base_url)
    buttons = tuple(
        Button(reply.label, reply.action, links.url(Click(thread.thread_id, outbound.key, reply.action)))
        for reply in outbound.quick_replies
    )
    automatic = outbound.author != "staff"
    name = thread.name if "@" not in thread.name else ""
    return LetterView(
        lang=outbound.lang, organisation=services.settings.organisation, name=name, text=plain(outbound.text),
        html=text_html(outbound.text) if automatic else plain_html(outbound.text),
        links=outbound.links,
        buttons=tuple(one for one in buttons if not one.action.startswith("choose:")),
        choices=tuple(one for one in buttons if one.action.startswith("choose:")),
        ticket=ticket.name if ticket else "",
        status_url=f"{base}/status/{ticket.public_id}" if ticket else "",
        author=outbound.author_name, by_assistant=outbound.author == "bot",
        scores=RatingLinks(services.secret_key, base).scale(str(outbound.extra.get(RATE, "")), outbound.lang),
    )  # fmt: skip


def plain(text: str) -> str:
    """A reply's small Markdown as plain text."""
    return _CODE.sub(r"\1", _BOLD.sub(r"\1", text))
