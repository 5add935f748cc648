"""The way back: a queued reply becomes a mail in its thread, in the customer's language, and leaves once.

What a machine might answer for ever is kept back: see `rules.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from jinja2 import Environment
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from base.antivirus import Scanner
from base.errors import Conflict, DeliveryError, NotSent, RetryLater
from base.i18n import N_, translate
from base.log import get_logger
from base.messages import Channel, Inbound, Outbound, Receipt
from channels.email.accounts import MailAccount
from channels.email.compose import Letter, compose
from channels.email.models import Address
from channels.email.smtp import Sent, keep_copy, refuses_sender, send_mail
from desk import doors, mail_threads, mails, outbox
from desk.mail_threads import MailThread
from desk.models import Conversation
from desk.tables import ConversationRow, OutboxRow
from web.mail import enclosures, rules
from web.mail.letters import body_of
from web.mail.notify import notice_of
from web.mail.office import Office
from web.mail.reading import MailReader
from web.mail.staff_letters import staff_letter
from web.wiring import Services

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    account: MailAccount
    sender: str  # of the envelope: what comes back goes there
    recipient: str
    message: bytes


class MailDoor:
    """The e-mail adapter: what goes out. What comes in is stored raw and read by the sorter."""

    def __init__(
        self, services: Services, office: Office, templates: Mapping[str, Environment], reader: MailReader,
        scanner: Scanner | None = None,
    ) -> None:  # fmt: skip
        self._services, self._office, self._templates = services, office, templates
        self._reader, self._scanner = reader, scanner
        self._plain: set[str] = set()  # mailboxes whose server takes no other sender than their address

    def parse(self, payload: bytes, headers: Mapping[str, str]) -> list[Inbound]:
        """Nothing: a mail is stored first and sorted later (`Sorter`), whoever brings it."""
        return []

    async def send(self, outbound: Outbound) -> Receipt:
        """Hand a reply to the mail server. Raises NotSent, RetryLater, DeliveryError."""
        ready = await run_in_threadpool(self.prepare, outbound)
        done = await self._hand_over(ready)
        if ready.account.sent_folder:
            await keep_copy(ready.account, ready.message)
        return replace(done.receipt, channel_message_id="")  # its own id is noted already

    async def _hand_over(self, ready: Prepared) -> Sent:
        """With the signed sender, or with the plain one where the server wants that: it may know its users too well."""
        account = ready.account
        try:
            return await send_mail(account, ready.message, ready.sender, [ready.recipient])
        except DeliveryError as error:
            if ready.sender == account.address or not refuses_sender(error):
                raise
            done = await send_mail(account, ready.message, account.address, [ready.recipient])
            self._plain.add(account.name)
            log.warning("signed_sender_refused", mailbox=account.name)
            return done

    def prepare(self, outbound: Outbound) -> Prepared:
        """The mail, and the note of where it goes and under which id, before it goes.

        Raises NotSent, RetryLater, DeliveryError; Conflict when somebody else has it: our lease has ended.
        """
        with self._services.database.read() as session:
            notice = notice_of(outbound)
            if notice is not None:
                account, letter = staff_letter(
                    session, self._services, self._office, self._templates, outbound, notice
                )  # fmt: skip
            else:
                account, letter = self._reply(session, outbound)
            files = enclosures.enclosed(session, outbound)
        if files is not None:
            letter = replace(letter, files=files.unpack(self._reader, self._scanner))
        message, recipient = compose(letter), letter.recipient.address
        with self._services.database.begin() as session:
            if not outbox.addressed(session, outbound.key, recipient, letter.message_id):
                raise Conflict("somebody else sends this reply", key=outbound.key)
        return Prepared(account, self._envelope(account, outbound), recipient, message)

    def _envelope(self, account: MailAccount, outbound: Outbound) -> str:
        """Where a report on this mail goes. A signed address names the mail, whatever the report leaves out."""
        if not account.plus_addresses or account.name in self._plain:
            return account.address
        return self._office.signer.bounce_address(account.address, outbound.thread_id, outbound.key) or account.address

    def _reply(self, session: Session, outbound: Outbound) -> tuple[MailAccount, Letter]:
        """To the customer. Raises NotSent, RetryLater."""
        thread = mail_threads.get(session, outbound.thread_id)
        talk = doors.answered_in(session, Channel.EMAIL, outbound.thread_id)
        if thread is None or talk is None or not thread.address:
            raise NotSent(rules.NO_ADDRESS)
        if not _is_for(session, outbound, talk):
            raise NotSent(rules.ANOTHERS)
        account = self._office.account(thread.mailbox)
        if account is None:
            raise RetryLater(f"the mailbox {thread.mailbox} is configured no more")
        if outbound.author != "staff":
            rules.check(session, self._services, thread)
        return account, self._letter(session, outbound, thread, talk, account)

    def _letter(
        self, session: Session, outbound: Outbound, thread: MailThread, talk: Conversation, account: MailAccount
    ) -> Letter:
        services, signer = self._services, self._office.signer
        domain = account.address.rpartition("@")[2]
        theirs = mails.ids_of(session, thread.thread_id)
        text, html = body_of(session, services, self._office, self._templates, outbound, thread, talk)
        return Letter(
            sender=Address(self._name(outbound, account), account.address),
            recipient=Address(thread.name, thread.address),
            subject=self._subject(session, thread, outbound.lang),
            text=text, html=html,
            message_id=signer.message_id(thread.thread_id, outbound.key, domain),
            date=services.clock.now(),
            reply_to=signer.reply_address(account.address, thread.thread_id) if account.plus_addresses else "",
            in_reply_to=theirs[-1][1] if theirs and not theirs[-1][1].startswith("raw-") else "",
            references=_chain(theirs, _ours(session, talk)),
            automatic=outbound.author != "staff", loop_mark=self._office.loop_mark, lang=outbound.lang,
        )  # fmt: skip

    def _name(self, outbound: Outbound, account: MailAccount) -> str:
        organisation = account.display_name or self._services.settings.organisation
        if not outbound.author_name:
            return organisation
        return translate(
            N_("{name} ({organisation})"), outbound.lang, name=outbound.author_name, organisation=organisation
        )

    def _subject(self, session: Session, thread: MailThread, lang: str) -> str:
        organisation = self._services.settings.organisation
        subject = thread.subject or translate(N_("Your message to {organisation}"), lang, organisation=organisation)
        ticket = mail_threads.ticket_for_customer(session, thread.thread_id)
        return f"Re: {subject}" + (f" [{ticket.name}]" if ticket else "")


def _is_for(session: Session, outbound: Outbound, talk: Conversation) -> bool:
    """Whether this thread is of the customer who is answered: those of two who were taken for one may have been parted."""
    query = (
        select(ConversationRow.customer_id)
        .join(OutboxRow, OutboxRow.conversation_id == ConversationRow.id)
        .where(OutboxRow.key == outbound.key)
    )
    return session.scalar(query) in (None, talk.customer_id)


def _ours(session: Session, talk: Conversation) -> list[tuple[datetime, str]]:
    """When we sent each mail of a conversation to its customer, and its message id."""
    query = (
        select(OutboxRow.sent_at, OutboxRow.channel_message_id)
        .where(
            OutboxRow.conversation_id == talk.id, OutboxRow.channel == Channel.EMAIL, OutboxRow.sent_at.is_not(None),
            OutboxRow.channel_message_id != "", ~OutboxRow.key.startswith(outbox.TO_STAFF),
        )
        .order_by(OutboxRow.id)
    )  # fmt: skip
    return [(at, message_id) for at, message_id in session.execute(query).tuples() if at is not None]


def _chain(theirs: list[tuple[datetime, str]], ours: list[tuple[datetime, str]]) -> list[str]:
    """Every id of the thread, oldest first; made-up ones of mails that had none are left out."""
    chain = sorted(theirs + ours, key=lambda one: one[0])  # of the same moment theirs first: ours answers it
    return [message_id for _, message_id in chain if not message_id.startswith("raw-")]
