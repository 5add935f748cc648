"""What pages show of merged conversations: the card beside one, and the page that asks before two are made one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MergedLine:
    """A merge this conversation is part of now."""

    name: str  # of the other one: "FL-1042", or its subject
    url: str
    undo_url: str
    text: str  # "Mon, 23 Nov, 10:00"


@dataclass(frozen=True, slots=True)
class MergeChoice:
    """A conversation it could be merged into."""

    url: str  # of the page that asks first
    name: str
    lang: str
    caption: str  # why it is offered, and whose it is


@dataclass(frozen=True, slots=True)
class MergeCard:
    """The card. `url` is "" for a conversation that cannot end in another one."""

    url: str = ""
    choices: tuple[MergeChoice, ...] = ()
    into: MergedLine | None = None  # where it goes on
    here: tuple[MergedLine, ...] = ()  # what goes on in it

    @property
    def is_empty(self) -> bool:
        return not (self.url or self.into or self.here)


NO_MERGE = MergeCard()


@dataclass(frozen=True, slots=True)
class MergeSide:
    """One of the two, on the page that asks."""

    url: str
    subject: str
    lang: str
    customer: str
    channel: str
    channel_name: str
    ticket: str  # "FL-1042 · In progress"; "" without one
    newest: str  # its last words


@dataclass(frozen=True, slots=True)
class MergeQuestion:
    """The page that asks before two conversations are made one."""

    to: str  # where its button posts to
    target: str  # public id
    ends: MergeSide
    goes_on: MergeSide
    effects: tuple[str, ...]
    warnings: tuple[str, ...]  # when they are of two customers
