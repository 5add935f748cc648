"""What a stored mail is: a customer's message, a colleague's reply, a bounce, something to keep, or something nobody can read.

One transaction says what became of it and has its effect. The next mail never waits for a bad one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy.orm import Session

from base.antivirus import Scanner
from base.errors import StorageUnavailable
from base.i18n import LOCALES
from base.log import get_logger
from base.messages import Attachment, Channel, Inbound
from base.text import normalise
from channels.email.authenticity import Verdict, verdict
from channels.email.compose import LOOP_HEADER, one_line
from channels.email.limits import MailRefused
from channels.email.links import take_out
from channels.email.models import Address, Mail, MailKind
from desk import customers, inbox, mail_threads, mails
from desk.mail_threads import Evidence, How, Placement
from desk.mails import MailState, StoredMail
from desk.outbox import Dispatch
from web.mail import colleagues, forwarding, linking, notes, returned, rules
from web.mail.cases import Case, echo_of, message_key, sender_of
from web.mail.office import Office
from web.mail.reading import MailReader, ReaderFailed
from web.mail.scanning import scanned
from web.wiring import Services

log = get_logger(__name__)
MOST_ATTEMPTS = 5
COLLEAGUE = "colleague"  # how a mail was taken that came to a colleague's answer address
MOST_DEATHS = 2  # a mail that ended its reader twice is not read a third time


class Sorter:
    """Sorts one mail after the other. Every process may have one: a mailbox is sorted by one of them at a time."""

    def __init__(self, services: Services, office: Office, reader: MailReader, scanner: Scanner | None = None) -> None:
        self._services, self._office, self._reader, self._scanner = services, office, reader, scanner

    def sort_one(self) -> bool:
        """Sort the oldest mail that is due. False when there is none."""
        services = self._services
        with services.database.read() as session:
            if not mails.any_due(session, services.clock.now()):
                return False
        with services.database.begin() as session:
            stored = mails.claim(session, services.clock.now(), services.settings.lease_seconds)
        if stored is None:
            return False
        try:
            if stored.attempts > MOST_ATTEMPTS:
                self._set_aside(stored, "its workers died")
                return True
            mail = scanned(self._reader.read(stored.raw), self._scanner)
            with services.database.begin() as session:
                self._settle(session, stored, mail)
        except MailRefused as error:
            self._set_aside(stored, ": ".join(part for part in (str(error.reason), error.detail) if part))
        except StorageUnavailable:
            raise  # nothing was saved; the lease brings the mail back
        except Exception as error:  # one mail never stops the mailbox
            self._failed(stored, error)
        return True

    def _failed(self, stored: StoredMail, error: Exception) -> None:
        log.error("mail_failed", mail_id=stored.id, attempt=stored.attempts, error=type(error).__name__)
        limit = MOST_DEATHS if isinstance(error, ReaderFailed) else MOST_ATTEMPTS
        what = f"{type(error).__name__}: {error}"
        if stored.attempts >= limit:
            self._set_aside(stored, what)
            return
        with self._services.database.begin() as session:
            mails.retry(session, stored, self._services.clock.now(), what)

    def _set_aside(self, stored: StoredMail, why: str) -> None:
        log.error("mail_quarantined", mail_id=stored.id, why=why[:60])
        with self._services.database.begin() as session:
            if mails.is_held(session, stored):
                mails.finish(session, stored.id, MailState.QUARANTINED, error=why)

    def _settle(self, session: Session, stored: StoredMail, mail: Mail) -> None:
        """Say what became of it, and let that happen, in the caller's transaction. Nothing when our lease has ended."""
        if not mails.is_held(session, stored):
            log.warning("mail_taken_over", mail_id=stored.id)
            return
        token, mail = take_out(mail)
        sender = sender_of(mail)
        case = Case(stored, mail, sender, self._verdict(stored, mail, sender))
        is_answered = stored.kind == MailKind.PERSON  # an operator says so, whatever it looks like
        kind = MailKind.PERSON if is_answered else self._kind(mail, sender)
        if kind is MailKind.BOUNCE:
            returned.note(session, self._services, mail, stored.mailbox, self._office)
            mails.finish(session, stored.id, MailState.NOTED, **case.known, how="bounce")
            return
        about = returned.came_to(session, mail, self._office)
        if about and kind is MailKind.PERSON and mail.return_path == "" and not is_answered:
            returned.machine(session, self._services, mail, about)  # no person's mail has no return path
            mails.finish(session, stored.id, MailState.NOTED, **case.known, how="bounce_address")
        elif kind is MailKind.PERSON:
            self._written(session, case, token)
        else:
            self._keep(session, case, kind, about)

    def _written(self, session: Session, case: Case, token: str) -> None:
        """What a person wrote: a colleague's reply, a customer's mail that a colleague passes on, or a customer's mail.

        token: of a link from a signed-in page; "" without one.
        """
        stored, mail, sender = case.stored, case.mail, case.sender
        for how in (COLLEAGUE, How.LINK) if token else (COLLEAGUE,):
            if mails.came_before(session, stored.id, mail.message_id, sender.address, how):
                mails.finish(session, stored.id, MailState.DUPLICATE, **case.known, how=how)
                return
        if colleagues.take(session, self._services, self._office, mail, sender, case.found, stored.id):
            mails.finish(session, stored.id, MailState.TAKEN, **case.known, how=COLLEAGUE)
            return
        passed = forwarding.passed_on(session, self._services, self._office, mail, sender, case.found)
        if passed is None:
            self._linked(session, case, token)
        elif passed.readable:  # of what it says nobody vouches
            unproven = Case(stored, passed.mail, passed.sender, Verdict.UNKNOWN, (passed.hint,), forwarded=True)
            self._take(session, unproven)
        else:
            self._take(session, replace(case, mail=passed.mail, hints=(passed.hint,)))

    def _linked(self, session: Session, case: Case, token: str) -> None:
        """A customer's mail, which may say by a link from a signed-in page who they are."""
        stored = case.stored
        linked = linking.take(session, self._services, stored.mailbox, case.mail, case.sender, case.found, token)
        if linked.says_nothing:
            mails.finish(session, stored.id, MailState.TAKEN, **case.known, how=How.LINK, thread_id=linked.thread_id)
            return
        where = Placement(How.LINK, linked.thread_id) if linked.thread_id else None
        self._take(session, replace(case, hints=linked.hints, where=where))

    def _keep(self, session: Session, case: Case, kind: MailKind, about: Dispatch | None) -> None:
        """What a program wrote: a note where it belongs, which reopens nothing. about: our mail whose sender it came to."""
        where = self._place(session, case)
        thread = where.pointed_at if where.how is How.FOLLOWS else where.thread_id
        if about and not thread and mail_threads.get(session, about.thread_id):
            thread = about.thread_id
        if thread and kind is not MailKind.LOOP:
            notes.keep(session, self._services, thread, case.mail, case.sender)
        mails.finish(session, case.stored.id, MailState.NOTED, **case.known, how=str(where.how), thread_id=thread)

    def _verdict(self, stored: StoredMail, mail: Mail, sender: Address) -> Verdict:
        """What our server found out about the sender."""
        account = self._office.account(stored.mailbox) or self._office.of_address([a.address for a in mail.to])
        found = verdict(mail.senders, mail.authentication, account.authserv_id if account else "")
        if found is Verdict.PASS and all(one.address.lower() != sender.address for one in mail.senders):
            return Verdict.UNKNOWN  # what was vouched for is the form's address, not the one it asks to answer
        return found

    def _place(self, session: Session, case: Case) -> Placement:
        now, days = self._services.clock.now(), self._services.settings.mail_reopen_days
        return mail_threads.place(session, self._evidence(case.mail, case.sender, case.found), now, days)

    def _take(self, session: Session, case: Case) -> None:
        """A customer's message: into the inbox, in its thread."""
        stored, mail, sender, found = case.stored, case.mail, case.sender, case.found
        now, subject = self._services.clock.now(), mail_threads.bare_subject(mail.subject)
        where = case.where or self._place(session, case)
        hints = [*case.hints, *notes.hints(session, self._services, self._office, mail, sender, where)]
        thread = where.thread_id or mail_threads.open_thread(
            session, stored.mailbox, sender.address, sender.name, subject, now, where.pointed_at
        )
        sender_id, hint = self._identity(session, stored, sender, found, where)
        if (
            sender_id == sender.address and not case.forwarded
        ):  # its owner writes: it can be reached, and may be proven by now
            customers.unreachable(session, Channel.EMAIL, sender_id, None)
            if found is Verdict.PASS:
                customers.prove(session, Channel.EMAIL, sender_id)
        message = self._message(stored, mail, sender, thread, subject if not where.thread_id else "")
        message = _with(message, sender_id, [*hints, *([hint] if hint else [])], found)
        put = inbox.put(session, message)
        if not put.duplicate:
            mentioned = [*mail.references, *mail.in_reply_to]
            theirs = [one for one in mentioned if self._office.signer.read_message_id(one) is None]
            mails.mention(session, stored.id, theirs)
        mails.finish(
            session, stored.id, MailState.DUPLICATE if put.duplicate else MailState.TAKEN,
            **case.known, how=forwarding.FORWARDED if case.forwarded else str(where.how),
            thread_id="" if put.duplicate else thread, echo=echo_of(mail.new_text),
        )  # fmt: skip

    def _message(self, stored: StoredMail, mail: Mail, sender: Address, thread: str, subject: str) -> Inbound:
        """The message of a mail. subject: of one that begins a conversation, where it says something of its own."""
        text = mail.new_text.strip()
        if subject and normalise(subject) not in normalise(text[:500]):
            text = f"{subject}\n\n{text}".strip()
        files = tuple(
            Attachment(one.name, one.media_type, one.size_bytes, "" if one.refused else f"mail-{stored.id}-{n}")
            for n, one in enumerate(mail.files)
        )
        return Inbound(
            channel=Channel.EMAIL, message_id=message_key(mail, sender), thread_id=thread, sender_id=sender.address,
            text=text, received_at=stored.received_at, sender_name=one_line(sender.name, 100) or sender.address,
            locale=self._language(stored, mail), attachments=files,
            extra={"mail": stored.id},
        )  # fmt: skip

    def _language(self, stored: StoredMail, mail: Mail) -> str:
        """The language where the words do not tell it: the mail's own, else the one the mailbox is for; "" for neither."""
        said = mail.language[:2].lower()
        account = self._office.account(stored.mailbox)
        return said if said in LOCALES else account.lang if account else ""

    def _identity(
        self, session: Session, stored: StoredMail, sender: Address, found: Verdict, where: Placement
    ) -> tuple[str, str]:
        """Whom the mail is filed under, and a hint to staff. An unproven claim joins nobody who has proven theirs."""
        if not sender.address:
            return f"nobody:{stored.id}", notes.nobody(self._services)
        if found is Verdict.PASS or where.thread_id:
            return sender.address, ""
        owner = customers.find(session, Channel.EMAIL, sender.address)
        proven = customers.is_verified(session, Channel.EMAIL, sender.address)
        if found is Verdict.UNKNOWN and not proven:
            return sender.address, ""
        if found is Verdict.FAIL:
            return f"{rules.DISOWNED_BY}{sender.address}", notes.disowned(self._services, sender)
        hint = notes.unproven(self._services, sender, owner.name if owner else "") if owner else ""
        return f"claimed:{sender.address}", hint

    def _kind(self, mail: Mail, sender: Address) -> MailKind:
        """What wrote it. Another Firstline's mark is no loop of ours."""
        marks = [value for name, value in mail.headers if name == LOOP_HEADER.lower()]
        if self._office.loop_mark in marks or (sender.address and self._office.is_ours(sender.address)):
            return MailKind.LOOP if mail.kind is not MailKind.BOUNCE else mail.kind
        if mail.kind is MailKind.LOOP:
            automatic = any(name == "auto-submitted" and value.lower() != "no" for name, value in mail.headers)
            return MailKind.AUTO_REPLY if automatic else MailKind.PERSON
        return mail.kind

    def _evidence(self, mail: Mail, sender: Address, found: Verdict) -> Evidence:
        signer = self._office.signer
        to = [*mail.delivered_to, *(one.address for one in (*mail.to, *mail.cc))]
        tokens = [token for address in to if (token := signer.read_address(address)) and not token.staff]
        ids = [*mail.in_reply_to, *mail.references]
        return Evidence(
            sender=sender.address if len(mail.senders) == 1 else "",
            vouched=found is Verdict.PASS, disowned=found is Verdict.FAIL, subject=mail.subject,
            address=tokens[0].thread if tokens else "",
            answers=_threads(signer.read_message_id(one) for one in mail.in_reply_to),
            mentions=_threads(signer.read_message_id(one) for one in mail.references),
            ids=tuple(one for one in ids if signer.read_message_id(one) is None),
            own_id=mail.message_id if mail.has_own_id else "",
        )  # fmt: skip


def _with(message: Inbound, sender_id: str, hints: list[str], found: Verdict) -> Inbound:
    extra = {**message.extra, "notes": hints} if hints else dict(message.extra)
    if found is Verdict.PASS:
        extra["verified"] = True
    return replace(message, sender_id=sender_id, extra=extra)


def _threads(found: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(thread for thread in found if thread))
