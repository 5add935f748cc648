"""When an automatic mail is better not sent: to an address that fails, to somebody who has had many, to a machine.

Detection by headers is never complete, so two signs of a machine are looked for as well: it answers within a minute,
again and again, or says the same again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy.orm import Session

from base.errors import NotSent
from base.i18n import N_
from base.messages import Channel
from desk import customers, doors, identities, mails, outbox
from desk.mail_threads import MailThread
from desk.mails import Said
from web.wiring import Services

AT_ONCE = timedelta(seconds=60)  # nobody reads a mail and answers it in less
MOST_AT_ONCE = 2
MOST_REPEATS = 2
DAY = timedelta(days=1)
CAME_BACK = N_("mail to this address came back")
TOO_MANY = N_("this address has had many automatic mails within the hour")
AT_ONCE_AGAIN = N_("this address answers like a machine: at once, again and again")
SAME_AGAIN = N_("this address answers like a machine: the same again")
NO_ADDRESS = N_("there is no address to answer to")
DISOWNED = N_("the sender's domain says that the mail is forged")
ANOTHERS = N_("this address belongs to another customer")
DISOWNED_BY = "disowned:"  # before the id under which such a sender is filed
NOT_NEEDED = N_("it was not needed any more: somebody has looked meanwhile")
REASONS = frozenset({DISOWNED, ANOTHERS, CAME_BACK, TOO_MANY, AT_ONCE_AGAIN, SAME_AGAIN, NO_ADDRESS, NOT_NEEDED})


def check(session: Session, services: Services, thread: MailThread) -> None:
    """Raises NotSent, saying why, when this thread's address is to get nothing automatic now."""
    now, address = services.clock.now(), thread.address
    talk = doors.answered_in(session, Channel.EMAIL, thread.thread_id)
    known = identities.of_customer(session, talk.customer_id) if talk is not None else ()
    if known and all(one.external_id.startswith(DISOWNED_BY) for one in known):
        raise NotSent(DISOWNED)  # whoever the address belongs to has not written
    if customers.is_unreachable(session, Channel.EMAIL, address):
        raise NotSent(CAME_BACK)
    sent = outbox.sent_to(session, address, now - DAY)
    if len([at for at in sent if now - at < timedelta(hours=1)]) >= services.settings.mail_replies_per_hour:
        raise NotSent(TOO_MANY)
    said = mails.said_by(session, address, now - DAY)
    if answers_at_once(sent, said) >= MOST_AT_ONCE:
        raise NotSent(AT_ONCE_AGAIN)
    if repeats(sent, said):
        raise NotSent(SAME_AGAIN)


def answers_at_once(sent: Sequence[datetime], said: Sequence[Said]) -> int:
    """How many of our mails were answered within a minute."""
    return sum(any(timedelta() < one.at - at < AT_ONCE for one in said) for at in sent)


def repeats(sent: Sequence[datetime], said: Sequence[Said]) -> bool:
    """Whether the newest mail says what two earlier ones said, with a mail of ours after each: once a person may."""
    if not said or not said[-1].echo:
        return False
    same = [one.at for one in said if one.echo == said[-1].echo]
    answered = [any(at <= mail <= after for mail in sent) for at, after in pairwise(same)]
    return sum(answered) >= MOST_REPEATS
