"""What the card beside a conversation shows of its customer: one person, whatever doors they come by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    lang: str = ""


@dataclass(frozen=True, slots=True)
class IdentityLine:
    """How one channel knows them."""

    channel: str
    channel_name: str
    name: str  # the address, or a short word for a window
    verified: bool


@dataclass(frozen=True, slots=True)
class TalkLine:
    """Another conversation of theirs."""

    url: str
    subject: str
    lang: str
    channel: str
    when: str


@dataclass(frozen=True, slots=True)
class MergeLine:
    """A join that can be undone."""

    undo_url: str
    text: str


@dataclass(frozen=True, slots=True)
class CustomerView:
    name: str
    initials: str
    color_index: int
    caption: str = ""  # "Customer since 2023 · Proactive package"
    facts: tuple[Fact, ...] = ()  # language, package, open tickets, identities ...
    identities: tuple[IdentityLine, ...] = ()
    talks: tuple[TalkLine, ...] = ()
    merges: tuple[MergeLine, ...] = ()
    join_url: str = ""
