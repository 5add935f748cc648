"""Merging as staff see it: the card beside a conversation, and what they are told before two are made one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from base.i18n import N_
from base.messages import FETCHED, Channel
from base.text import detect_language, shorten
from desk import conversations, customers, doors, mail_threads, merges, tickets
from desk.merges import Merge
from desk.models import Author, Conversation, Ticket
from web.merge_views import MergeCard, MergeChoice, MergedLine, MergeQuestion, MergeSide

if TYPE_CHECKING:
    from web.present import Presenter

MOST_CHOICES = 6


def merge_card(session: Session, presenter: Presenter, talk: Conversation) -> MergeCard:
    """What it was merged into, what was merged into it, and what it could be merged into."""
    known = merges.merges_of(session, talk.id)
    here = tuple(_line(session, presenter, talk, one, one.source_id) for one in known if one.target_id == talk.id)
    into = next(
        (_line(session, presenter, talk, one, one.target_id) for one in known if one.source_id == talk.id), None
    )
    if into is not None or talk.channel in FETCHED:
        return MergeCard(into=into, here=here)
    return MergeCard(f"/inbox/{talk.public_id}/merge", _choices(session, presenter, talk), None, here)


def question(session: Session, presenter: Presenter, source: Conversation, target: Conversation) -> MergeQuestion:
    """What the page says before it is done. target: where it goes on. Raises what `merges.merge` raises."""
    merges.check(source, target)
    return MergeQuestion(
        f"/inbox/{source.public_id}/merge", target.public_id, _side(session, presenter, source),
        _side(session, presenter, target), _effects(session, presenter, source, target),
        _warnings(session, presenter, source, target),
    )  # fmt: skip


def _line(session: Session, presenter: Presenter, talk: Conversation, merge: Merge, other_id: int) -> MergedLine:
    other = conversations.get(session, other_id)
    undo = f"/inbox/{talk.public_id}/merge/{merge.id}/undo"
    name = merges.name_of(session, other)
    return MergedLine(name, f"/inbox/{other.public_id}?view=all", undo, presenter.moment(merge.at))


def _choices(session: Session, presenter: Presenter, talk: Conversation) -> tuple[MergeChoice, ...]:
    """First what its mail pointed at, then the same customer's other conversations."""
    found: dict[int, tuple[Conversation, str]] = {}
    for door in doors.all_of(session, talk):
        thread = mail_threads.get(session, door.thread_id) if door.channel is Channel.EMAIL else None
        pointed = doors.conversation_of(session, Channel.EMAIL, thread.follows) if thread and thread.follows else None
        if pointed is not None and pointed.id != talk.id:
            whose = presenter.customer_name(customers.get(session, pointed.customer_id))
            why = presenter.t(N_("its mail points at this one, of {customer}"), customer=whose)
            found[pointed.id] = pointed, why
    for other in conversations.of_customer(session, talk.customer_id):
        if other.merged_into is None and other.channel != Channel.INCIDENT and other.id not in {talk.id, *found}:
            found[other.id] = other, presenter.t(N_("the same customer"))
    shown = list(found.values())[:MOST_CHOICES]
    known = tickets.by_conversation(session, [other.id for other, _ in shown])
    return tuple(_choice(presenter, talk, other, known.get(other.id), why) for other, why in shown)


def _choice(
    presenter: Presenter, talk: Conversation, other: Conversation, ticket: Ticket | None, why: str
) -> MergeChoice:  # fmt: skip
    name = " · ".join(part for part in (ticket.name if ticket else "", other.subject) if part)
    return MergeChoice(
        f"/inbox/{talk.public_id}/merge?into={other.public_id}", name or presenter.t(N_("New conversation")),
        detect_language(other.subject, other.lang), why,
    )  # fmt: skip


def _side(session: Session, presenter: Presenter, talk: Conversation) -> MergeSide:
    from web.present import CHANNEL_NAMES, TICKET_STATE_NAMES

    ticket = _ticket(session, talk)
    said = [turn.text for turn in conversations.latest_turns(session, talk.id, 20) if turn.author is Author.CUSTOMER]
    return MergeSide(
        f"/inbox/{talk.public_id}?view=all", talk.subject or presenter.t(N_("New conversation")),
        detect_language(talk.subject, talk.lang), presenter.customer_name(customers.get(session, talk.customer_id)),
        talk.channel, presenter.t(CHANNEL_NAMES[Channel(talk.channel)]),
        f"{ticket.name} · {presenter.t(TICKET_STATE_NAMES[ticket.state])}" if ticket else "",
        shorten(said[-1], 240) if said else "",
    )  # fmt: skip


def _effects(session: Session, presenter: Presenter, source: Conversation, target: Conversation) -> tuple[str, ...]:
    found = [N_("The first one is closed. Whatever comes into it from now on is added to the second one.")]
    owed, theirs = _ticket(session, source), _ticket(session, target)
    fields = {"source": owed.name if owed else "", "target": theirs.name if theirs else ""}
    if owed is not None and owed.state in tickets.OPEN_STATES:
        found.append(
            N_("{source} is withdrawn. {target} is owed instead, with the higher urgency of the two.") if theirs
            else N_("{source} is withdrawn. A ticket is opened for the second one that owes the same by the same time.")
        )  # fmt: skip
    found.append(N_("Nobody outside is told. It can be undone."))
    return tuple(presenter.t(one, **fields) for one in found)


def _warnings(session: Session, presenter: Presenter, source: Conversation, target: Conversation) -> tuple[str, ...]:
    if source.customer_id == target.customer_id:
        return ()
    names = [presenter.customer_name(customers.get(session, one.customer_id)) for one in (source, target)]
    found = [
        N_(
            "These are two customers. Answers go to {target} only. {source} gets none of them and sees nothing of what was said."
        ),
        N_("What {source} writes from now on is added to what {target} wrote, if the mail is proven to be theirs."),
    ]
    if target.channel in FETCHED:
        found.append(N_("{target} reads in the chat window what {source} writes."))
    return tuple(presenter.t(one, source=names[0], target=names[1]) for one in found)


def _ticket(session: Session, talk: Conversation) -> Ticket | None:
    return tickets.by_conversation(session, [talk.id]).get(talk.id)
