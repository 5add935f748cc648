"""What is being answered: one message, or a burst joined into one; and the customer's turns it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from base.i18n import N_, translate
from base.messages import Inbound
from bot.policy import OTHER, SAME
from bot.thought import Thought
from desk.conversations import TurnDraft
from desk.inbox import Further
from desk.models import Author

MAX_STORED = 100_000  # characters of one message that are kept
LABELS = {
    "human": N_("Talk to a person"),
    "helped": N_("This helped"),
    "not_helped": N_("Still not working"),
}
SAME_HERE, SOMETHING_ELSE = N_("Same here"), N_("It is something else")


@dataclass(frozen=True, slots=True)
class Taken:
    """What is being answered: a message, or a burst joined into one."""

    inbound: Inbound
    inbox_id: int
    first: Inbound  # of the burst; the message itself when it came alone
    also: Sequence[Further] = ()

    def drafts(self, lang: str, thought: Thought, team_lang: str) -> list[TurnDraft]:
        """The customer's turns, as they wrote them, and what the door has to tell staff about them.

        What was understood stands with the last one.
        """
        messages = [self.first, *(further.inbound for further in self.also)]
        payloads = [_message_payload(message, thought) for message in messages]
        payloads[-1] |= _understood(self.inbound, thought)
        if self.also:
            payloads[-1] |= {"said": self.inbound.text[:MAX_STORED], "question": thought.question}
        said = [
            TurnDraft(
                Author.CUSTOMER, _said(message, lang), lang, message.sender_name, message_id=message.message_id,
                payload=payload,
            )
            for message, payload in zip(messages, payloads, strict=True)
        ]  # fmt: skip
        notes = [str(note) for message in messages for note in message.extra.get("notes", ())]
        return [*(TurnDraft(Author.NOTE, note, team_lang) for note in notes), *said]


def joined(first: Inbound, also: Sequence[Further]) -> Inbound:
    """A burst as one message: the texts one under the other, every attachment, the time of the last."""
    if not also:
        return first
    rest = [further.inbound for further in also]
    return replace(
        first, text="\n".join(one.text for one in (first, *rest) if one.text), received_at=rest[-1].received_at,
        attachments=tuple(a for one in (first, *rest) for a in one.attachments),
        extra={**first.extra, **rest[-1].extra},
    )  # fmt: skip


def _said(inbound: Inbound, lang: str) -> str:
    """What the customer's turn shows: their words, or the label of a button that came without."""
    if inbound.text or not inbound.action:
        return inbound.text[:MAX_STORED]
    label = SAME_HERE if inbound.action.startswith(SAME) else SOMETHING_ELSE if inbound.action.startswith(OTHER) else ""
    return translate(LABELS.get(inbound.action, label), lang)


def _message_payload(message: Inbound, thought: Thought) -> dict[str, Any]:
    payload: dict[str, Any] = {"urgency": str(thought.triage.urgency)}
    if message.attachments:
        payload["attachments"] = [asdict(attachment) for attachment in message.attachments]
    if mail := message.extra.get("mail"):
        payload["mail"] = mail
    return payload


def _understood(inbound: Inbound, thought: Thought) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    if inbound.action:
        payload["action"] = inbound.action
    elif thought.action:
        payload["meant"] = thought.action  # typed: what a button would have said
    if thought.question != thought.message.text:
        payload["question"] = thought.question
    return payload
