"""queue and mail: the queues on a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from base.clock import SystemClock
from base.database import Database
from base.errors import NotFound
from base.i18n import N_
from base.log import set_up_logging
from base.migrate import migrate
from base.settings import Settings
from desk import audit, inbox, mails, outbox, switches
from desk.mails import MailState
from desk.outbox import OutboxState
from desk.tables import InboxRow, OutboxRow
from web.deliveries import STUCK, Deed, do
from web.wiring import make_data_dir

WATCH_SECONDS = 2.0


class NothingThere(NotFound):
    code = "nothing_in_queue"
    message = N_("There is no such item in {queue} to which this can be done. `firstline queue` lists what is stuck.")


class UnknownMailbox(NotFound):
    """No mailbox has this name. `fields["known"]`: the names there are."""

    code = "unknown_mailbox"
    message = N_("There is no mailbox {name}. These are configured: {known}.")


class NoMailboxes(NotFound):
    code = "no_mailboxes"
    message = N_("No mailbox is configured. Write one into {path}; docs/email.md says how.")


@contextmanager
def _desk(settings: Settings) -> Iterator[Database]:
    set_up_logging(settings)
    make_data_dir(settings.data_dir)
    database = Database(settings.url)
    try:
        migrate(database)
        yield database
    finally:
        database.close()


def run_queue(settings: Settings, *, watch: bool) -> int:
    """Print counts and what is stuck; 1 when something is, else 0."""
    with _desk(settings) as database:
        while True:
            with database.read() as session:
                lines, stuck = _report(session), _stuck(session)
            click.echo("\n".join([*lines, *(stuck or ["nothing is stuck"])]))
            if not watch:
                return 1 if stuck else 0
            time.sleep(WATCH_SECONDS)
            click.clear()


def _report(session: Session) -> list[str]:
    counts = {"inbox": inbox.counts(session), "outbox": outbox.counts(session), "mail": mails.counts(session)}
    lines = [
        f"{name:7} " + (", ".join(f"{count} {state}" for state, count in sorted(found.items())) or "empty")
        for name, found in counts.items()
    ]
    return lines + [
        f"paused: {one.name}, by {one.by} since {one.at:%Y-%m-%d %H:%M} UTC" for one in switches.off(session)
    ]


def _stuck(session: Session) -> list[str]:
    out = [
        f"outbox {one.id:6} {one.state:11} {one.recipient or one.channel}: {one.error}"
        for one in outbox.listed(session, STUCK)
    ]
    dead = [f"inbox  {one.id:6} dead        {one.channel}: {one.error}" for one in inbox.dead_letters(session)]
    set_aside = [
        f"mail   {one.id:6} {one.state:11} {one.sender or one.mailbox}: {one.error}"
        for one in mails.listed(session, [MailState.QUARANTINED])
    ]
    return [*out, *dead, *set_aside]


def run_deed(settings: Settings, queue: str, item: int, deed: str) -> None:
    """Try again or settle one thing. Raises NothingThere."""
    with _desk(settings) as database, database.begin() as session:
        now = SystemClock().now()
        if not do(session, queue, item, Deed(deed), now):
            raise NothingThere(queue=queue)
        audit.note(session, now, "cli", deed, f"{queue}:{item}")
    click.echo(f"{queue} {item}: {deed}")


def run_show(settings: Settings, queue: str, item: int) -> None:
    """Print everything that is stored of one thing; a mail's bytes as they came. Raises NothingThere."""
    with _desk(settings) as database, database.read() as session:
        row = session.get(InboxRow, item) if queue == "inbox" else session.get(OutboxRow, item)
        if queue == "mail":
            found = mails.raw(session, item)
            if found is not None:
                sys.stdout.buffer.write(found[0])
                return
            row = None
        if row is None:
            raise NothingThere(queue=queue)
        click.echo(json.dumps(row.payload, ensure_ascii=False, indent=2))


def run_pause(settings: Settings, *, paused: bool) -> None:
    """Hold back what would leave, or let it go."""
    with _desk(settings) as database, database.begin() as session:
        now = SystemClock().now()
        (switches.turn_off if paused else switches.turn_on)(session, outbox.PAUSED, "cli", now)
        waiting = outbox.counts(session)
    held = sum(waiting.get(state, 0) for state in (OutboxState.QUEUED, OutboxState.DEFERRED))
    click.echo(f"{'paused' if paused else 'sending again'}; {held} waiting")


def run_mail_check(settings: Settings, name: str | None) -> int:
    """Connect to the mailboxes and say what works; 1 when something does not. Raises UnknownMailbox, NoMailboxes."""
    from channels.email.smtp import check
    from web.mail.office import mailboxes_file, open_office

    set_up_logging(settings)
    office = open_office(settings, "")
    accounts = [one for one in office.accounts if name in (None, one.name)]
    if not office.accounts:
        raise NoMailboxes(path=str(mailboxes_file(settings)))
    if not accounts:
        raise UnknownMailbox(name=name, known=", ".join(one.name for one in office.accounts))
    worst = 0
    for account in accounts:
        click.echo(account.address)
        for finding in check(account):
            worst = max(worst, 0 if finding.ok else 1)
            click.echo(
                f"  {'ok ' if finding.ok else 'NO '} {finding.what}"
                + (f"\n      {finding.advice}" if finding.advice else "")
            )
    return worst
