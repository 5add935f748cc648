"""The words of a mail to staff: who wrote what, how urgent it is, by when, and how to answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import NotSent, RetryLater
from base.i18n import LOCALES, N_, translate
from base.messages import Channel, Outbound
from base.text import shorten
from channels.email.accounts import MailAccount
from channels.email.compose import Letter
from channels.email.models import Address
from desk import conversations, customers, mail_threads, tickets
from desk.models import URGENCY_NAMES, Author, Conversation, Staff, Turn
from desk.staff import may, to_staff
from desk.tables import ConversationRow, StaffRow
from web.mail import rules
from web.mail.letters import written
from web.mail.notify import Notice, conversation_of
from web.mail.office import Office
from web.markdown import plain_html
from web.present import Presenter, next_due
from web.wiring import Services

ABOVE = N_("Write your answer above this line")
_RULE = "———"
_WROTE, _GIVEN = N_("{customer} wrote: {subject}"), N_("Yours now: {subject} ({customer})")
WORDS_CHARS, TURNS = 3000, 3


@dataclass(frozen=True, slots=True)
class StaffLetterView:
    """What mail/staff.txt and mail/staff.html show."""

    lang: str
    organisation: str
    customer: str
    by: str  # who gave it to them; "" when the customer wrote
    words: str
    words_html: Markup
    words_lang: str
    files: tuple[str, ...]
    ticket: str  # "FL-1042"; "" without an open one
    urgency: str
    due: str  # "" when nothing is owed
    first_response: bool  # what is due: the first response, or the solution
    url: str
    above: str  # the line above which they write; "" when they cannot answer by mail


def staff_letter(
    session: Session, services: Services, office: Office, templates: Mapping[str, Environment], outbound: Outbound,
    notice: Notice,
) -> tuple[MailAccount, Letter]:  # fmt: skip
    """The mail, and the account it leaves by. Raises NotSent when nobody needs it any more, RetryLater."""
    talk, member = conversation_of(session, outbound.thread_id), _reader(session, notice.staff)
    if talk is None or member is None or not _is_needed(session, talk, member, notice):
        raise NotSent(rules.NOT_NEEDED)
    account = _account(session, office, talk)
    answers = (
        office.signer.reply_address(account.address, talk.thread_id, member.public_id)
        if _by_mail(talk, account)
        else ""
    )
    view = view_of(session, services, talk, member, notice, can_answer=bool(answers))
    text, html = written(templates, "staff", member.lang, view)
    domain = account.address.rpartition("@")[2]
    subject = translate(
        _GIVEN if notice.by else _WROTE,
        member.lang,
        customer=view.customer,
        subject=talk.subject or shorten(view.words, 60),
    )
    letter = Letter(
        sender=Address(account.display_name or services.settings.organisation, account.address),
        recipient=Address(member.name, member.email),
        subject=f"{subject} [{view.ticket}]" if view.ticket else subject, text=text, html=html,
        message_id=office.signer.message_id(outbound.thread_id, outbound.key, domain), date=services.clock.now(),
        reply_to=answers,
        # An id that no mail has, the same for all of a conversation: mail programs show them together.
        references=[office.signer.message_id(outbound.thread_id, "all", domain)],
        answers=False, loop_mark=office.loop_mark, lang=member.lang,
    )  # fmt: skip
    return account, letter


def view_of(
    session: Session, services: Services, talk: Conversation, member: Staff, notice: Notice, *, can_answer: bool
) -> StaffLetterView:
    """What the mail says."""
    presenter = Presenter(services, member.lang, member)
    turns = conversations.latest_turns(session, talk.id, 30)
    news = [turn for turn in turns if turn.author is Author.CUSTOMER and turn.id >= notice.turn][-TURNS:]
    words = shorten("\n\n".join(turn.text for turn in news), WORDS_CHARS)
    ticket = tickets.by_conversation(session, [talk.id]).get(talk.id)
    if ticket is not None and ticket.state not in tickets.OPEN_STATES:
        ticket = None
    due = next_due(ticket) if ticket else None
    return StaffLetterView(
        lang=member.lang, organisation=services.settings.organisation,
        customer=presenter.customer_name(customers.get(session, talk.customer_id)), by=notice.by,
        words=words, words_html=plain_html(words), words_lang=news[-1].lang if news else talk.lang, files=_files(news),
        ticket=ticket.name if ticket else "", urgency=presenter.t(URGENCY_NAMES[ticket.urgency]) if ticket else "",
        due=presenter.due(due) if due else "", first_response=bool(ticket and ticket.first_responded_at is None),
        url=f"{services.settings.base_url}/inbox/{talk.public_id}",
        above=above_line(member.lang) if can_answer else "",
    )  # fmt: skip


def above_line(lang: str) -> str:
    """The line above which an answer is written."""
    return f"{_RULE} {translate(ABOVE, lang)} {_RULE}"


def own_words(text: str) -> str:
    """What somebody wrote above the line, should their program not mark what it quotes. No word of ours goes to a customer."""
    marks = [found.start() for lang in LOCALES if (found := re.search(_line(lang), text))]
    if not marks:
        return text
    lines = text[: min(marks)].rstrip().splitlines()
    if lines and lines[-1].rstrip().endswith((":", "：")):  # "... wrote:"
        lines.pop()
    return "\n".join(lines).strip()


def _line(lang: str) -> str:
    return rf"(?m)^.*{_RULE}\s*{re.escape(translate(ABOVE, lang))}\s*{_RULE}"


def _reader(session: Session, public_id: str) -> Staff | None:
    row = session.scalar(select(StaffRow).where(StaffRow.public_id == public_id))
    member = to_staff(row) if row is not None else None
    return member if member is not None and may(member, "inbox") else None


def _is_needed(session: Session, talk: Conversation, member: Staff, notice: Notice) -> bool:
    """Whether it is still theirs, and what the customer wrote still unread."""
    if talk.assignee_id != member.id:
        return False
    unread = session.scalar(select(ConversationRow.unread).where(ConversationRow.id == talk.id)) or 0
    return unread > 0 or not notice.turn


def _account(session: Session, office: Office, talk: Conversation) -> MailAccount:
    """The mailbox that the customer writes to; of another channel's conversation the first one."""
    thread = mail_threads.get(session, talk.thread_id) if talk.channel == Channel.EMAIL else None
    account = (office.account(thread.mailbox) if thread else None) or next(iter(office.accounts), None)
    if account is None:
        raise RetryLater("no mailbox is configured any more")
    return account


def _by_mail(talk: Conversation, account: MailAccount) -> bool:
    return talk.channel == Channel.EMAIL and account.plus_addresses


def _files(turns: list[Turn]) -> tuple[str, ...]:
    return tuple(str(file["name"]) for turn in turns for file in turn.payload.get("attachments", ()))
