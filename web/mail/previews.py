"""Every kind of mail with made-up content, as it would leave: for who runs the desk to see what people get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from jinja2 import Environment

from base.i18n import LOCALES, N_, translate
from base.messages import Channel, Link, Outbound, QuickReply
from desk.csat import RATE
from desk.mail_threads import MailThread
from desk.models import URGENCY_NAMES, Urgency
from web.mail.letters import view_of, written
from web.mail.staff_letters import StaffLetterView, above_line
from web.markdown import plain_html
from web.wiring import Services


class LetterKind(StrEnum):
    ANSWER = "answer"
    CHOICES = "choices"
    TICKET = "ticket"
    REPLY = "reply"
    SOLVED = "solved"
    STAFF = "staff"


KIND_NAMES = {
    LetterKind.ANSWER: N_("An answer with its sources"),
    LetterKind.CHOICES: N_("A question back, with choices"),
    LetterKind.TICKET: N_("The receipt of a ticket"),
    LetterKind.REPLY: N_("A colleague's reply"),
    LetterKind.SOLVED: N_("Solved, with the request for a rating"),
    LetterKind.STAFF: N_("A notification to staff"),
}
_TEXTS = {  # by kind: English, Chinese
    LetterKind.ANSWER: (
        "PRN-21 means that **tray 2 is empty** [1]. Put in paper and press `OK`.",
        "PRN-21 表示 **2 号纸盒没有纸** [1]。放入纸张，然后按 `OK`。",
    ),
    LetterKind.CHOICES: ("Which of these do you mean?", "您指的是哪一个？"),
    LetterKind.TICKET: (
        "A colleague will take care of this. Your ticket is FL-1042.\n\nYou get a first response by Mon, 23 Nov, 14:00.",
        "同事会处理此事，您的工单号是 FL-1042。\n\n我们将在 11月23日 14:00 之前首次回复您。",
    ),
    LetterKind.REPLY: (
        "I have ordered a new drum for your printer.\nIt comes tomorrow, please leave the machine on.",
        "我已经为您的打印机订了新的硒鼓。\n明天到货，请不要关机。",
    ),
    LetterKind.SOLVED: (
        N_("This is marked as solved. If it comes back, just write here: it opens again."),
        "",
    ),
    LetterKind.STAFF: (
        "It is the same as last week, and now the machine in room 12 does it, too. The course starts at nine.",
        "和上周一样，现在 12 号教室的打印机也这样了，九点就要开课。",
    ),
}
_TITLES = (("Printer codes", "Paper"), ("打印机代码", "纸张"))
_CHOICES = (("The printer is out of paper", "The printer is offline"), ("打印机缺纸", "打印机脱机"))
_PEOPLE = (("Fang Wang", "Mei Chen", "Jonas Weber"), ("王芳", "陈梅", "林涛"))
_DUE = ("Mon, 23 Nov, 14:00", "11月23日 周一 14:00")
_TICKET, _ID = "FL-1042", "example"


def preview(
    services: Services, templates: Mapping[str, Environment], kind: LetterKind, lang: str
) -> tuple[str, str]:  # fmt: skip
    """The text and the HTML of a mail of this kind. Its links lead nowhere."""
    if kind is LetterKind.STAFF:
        return written(templates, "staff", lang, _to_staff(services, lang))
    n, base = LOCALES.index(lang), services.settings.base_url
    customer, colleague, _ = _PEOPLE[n]
    outbound = Outbound(
        key=_ID, channel=Channel.EMAIL, thread_id=_ID, text=_text(kind, lang), lang=lang, links=_links(kind, lang, base),
        quick_replies=_buttons(kind, lang), extra={RATE: _ID} if kind is LetterKind.SOLVED else {},
        author={LetterKind.REPLY: "staff", LetterKind.SOLVED: "system"}.get(kind, "bot"),
        author_name=colleague if kind is LetterKind.REPLY else "",
    )  # fmt: skip
    view = view_of(services, outbound, MailThread(_ID, "", "", customer, "", ""), None)
    if kind in (LetterKind.TICKET, LetterKind.REPLY, LetterKind.SOLVED):
        view = replace(view, ticket=_TICKET, status_url=f"{base}/status/{_ID}")
    return written(templates, "reply", lang, view)


def _text(kind: LetterKind, lang: str) -> str:
    english, chinese = _TEXTS[kind]
    return (chinese or translate(english, lang)) if lang == "zh" else english


def _links(kind: LetterKind, lang: str, base: str) -> tuple[Link, ...]:
    title, section = _TITLES[LOCALES.index(lang)]
    return (Link(1, title, section, f"{base}/articles/{_ID}"),) if kind is LetterKind.ANSWER else ()


def _buttons(kind: LetterKind, lang: str) -> tuple[QuickReply, ...]:
    match kind:
        case LetterKind.ANSWER:
            helped, not_helped = translate(N_("This helped"), lang), translate(N_("Still not working"), lang)
            return QuickReply(helped, "helped"), QuickReply(not_helped, "not_helped")
        case LetterKind.CHOICES:
            choices = [QuickReply(title, f"choose:{_ID}") for title in _CHOICES[LOCALES.index(lang)]]
            return *choices, QuickReply(translate(N_("None of these"), lang), "not_helped")
    return ()


def _to_staff(services: Services, lang: str) -> StaffLetterView:
    n, words = LOCALES.index(lang), _text(LetterKind.STAFF, lang)
    customer, _, giver = _PEOPLE[n]
    return StaffLetterView(
        lang=lang, organisation=services.settings.organisation, customer=customer, by=giver, words=words,
        words_html=plain_html(words), words_lang=lang, files=("printer.jpg",), ticket=_TICKET,
        urgency=translate(URGENCY_NAMES[Urgency.HIGH], lang), due=_DUE[n], first_response=True,
        url=f"{services.settings.base_url}/inbox/{_ID}", above=above_line(lang),
    )  # fmt: skip
