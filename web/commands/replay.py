"""replay: an answer rebuilt from its record."""

from __future__ import annotations

import click
from sqlalchemy import select

from base.errors import NotFound
from base.log import set_up_logging
from base.settings import Settings
from bot.replay import Replayer
from desk import conversations
from desk.models import Author, Turn
from desk.tables import ConversationRow, TurnRow
from web.wiring import Services, build


def run_replay(settings: Settings, reply_id: str) -> int:
    """Rebuild one answer and say whether it comes out the same; return 1 when it does not.

    reply_id: a turn's number, or CONVERSATION:SEQ with a conversation's public id. Raises NotFound.
    """
    set_up_logging(settings)
    services = build(settings)
    try:
        reply, asked = _turns(services, reply_id)
        replayer = Replayer(services.database, services.thinker.answering(), settings.clarify_confidence)
        replayed = replayer.replay(reply, asked, settings.message_max_chars)
    finally:
        services.close()
    click.echo(f"{len(replayed.said.encode())} bytes, " + ("identical" if replayed.identical else "different"))
    for reason in replayed.reasons:
        click.echo(f"  - {reason.render('en')}")
    if replayed.identical:
        return 0
    if not replayed.reasons:
        click.echo("  - the rules of this version of Firstline word it differently")
    click.echo("\n".join(replayed.difference()))
    return 1


def _turns(services: Services, reply_id: str) -> tuple[Turn, Turn | None]:
    """The bot's reply, and the customer's turn before it."""
    with services.database.read() as session:
        conversation_id, _, seq = reply_id.rpartition(":")
        query = select(TurnRow.id)
        if conversation_id:
            query = query.join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
            query = query.where(ConversationRow.public_id == conversation_id, TurnRow.seq == _number(seq))
        else:
            query = query.where(TurnRow.id == _number(seq))
        turn_id = session.scalar(query)
        reply = conversations.turns_by_id(session, [turn_id]).get(turn_id) if turn_id is not None else None
        if reply is None or reply.author is not Author.BOT:
            raise NotFound("reply", id=reply_id)
        before = conversations.turns_after(session, reply.conversation_id, max(0, reply.seq - 10), notes=False)
        asked = [turn for turn in before if turn.seq < reply.seq and turn.author is Author.CUSTOMER]
        return reply, asked[-1] if asked else None


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NotFound("reply", id=text) from None
