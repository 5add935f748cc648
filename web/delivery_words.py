"""What became of a reply, in words, where there is something to know about it."""

from __future__ import annotations

from base.i18n import N_, translate
from desk.outbox import Delivery, OutboxState
from web.mail.rules import REASONS

STATE_NAMES = {
    "bounced": N_("bounced"),
    "maybe_sent": N_("maybe sent"),
    "deferred": N_("tried again later"),
    "dropped": N_("not sent"),
    "dead": N_("given up"),
    "quarantined": N_("set aside"),
    "noted": N_("kept, not answered"),
}
_WORDS = {
    OutboxState.DEFERRED: N_("Not delivered yet; it is tried again. The channel says: {why}"),
    OutboxState.BOUNCED: N_("Not delivered. The channel says: {why}"),
    OutboxState.MAYBE_SENT: N_("It is not certain that this arrived. Ask before you send it again."),
    OutboxState.DROPPED: N_("Not sent: {why}"),
}


def reason(error: str, lang: str) -> str:
    """Why, in the reader's language where it is a rule of ours; else what the channel said."""
    return translate(error, lang) if error in REASONS else error


def delivery_text(found: Delivery | None, lang: str) -> str:
    """One line about a reply that did not simply arrive; "" for one that did, or is on its way."""
    words = _WORDS.get(found.state) if found is not None else None
    if found is None or words is None:
        return ""
    return translate(words, lang, why=reason(found.error, lang) or "?")
