"""`firstline queue` and `firstline mail`: what waits, what is stuck, and how the mailboxes are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from base.settings import Settings

DEEDS = {"retry": "again", "answer": "answer", "sent": "sent", "discard": "discard"}
QUEUES = ("inbox", "outbox", "mail")


def _settings(ctx: click.Context) -> Settings:
    from base.settings import load_settings

    return load_settings(data_dir=ctx.find_root().obj.get("data_dir"))


@click.group(invoke_without_command=True)
@click.option("--watch", is_flag=True, help="Show it again every two seconds until Ctrl+C.")
@click.pass_context
def queue(ctx: click.Context, watch: bool) -> None:
    """What waits to be answered and sent, and what is stuck. Exit code 1 when something is."""
    if ctx.invoked_subcommand is None:
        from web.commands.queue import run_queue

        ctx.exit(run_queue(_settings(ctx), watch=watch))


def _deed(name: str, text: str) -> click.Command:
    @click.argument("queue_name", metavar="QUEUE", type=click.Choice(QUEUES))
    @click.argument("item", type=int)
    @click.pass_context
    def act(ctx: click.Context, queue_name: str, item: int) -> None:
        from web.commands.queue import run_deed

        run_deed(_settings(ctx), queue_name, item, DEEDS[name])

    return click.command(name, help=text)(act)


queue.add_command(_deed("retry", "Try ITEM of QUEUE again: answer it, read it, or send it under the same key."))
queue.add_command(_deed("answer", "Answer a mail that was only kept (QUEUE is mail): a person wrote it."))
queue.add_command(_deed("sent", "Say that a reply that was maybe sent, or bounced, did arrive (QUEUE is outbox)."))
queue.add_command(_deed("discard", "Take ITEM of QUEUE off the list. Nothing is deleted."))


@queue.command("show")
@click.argument("queue_name", metavar="QUEUE", type=click.Choice(QUEUES))
@click.argument("item", type=int)
@click.pass_context
def show(ctx: click.Context, queue_name: str, item: int) -> None:
    """Everything that is stored of ITEM: of a mail the bytes as they came."""
    from web.commands.queue import run_show

    run_show(_settings(ctx), queue_name, item)


@queue.command("pause")
@click.pass_context
def pause(ctx: click.Context) -> None:
    """Send nothing until `firstline queue resume`: after a backup was restored, say."""
    from web.commands.queue import run_pause

    run_pause(_settings(ctx), paused=True)


@queue.command("resume")
@click.pass_context
def resume(ctx: click.Context) -> None:
    """Send again."""
    from web.commands.queue import run_pause

    run_pause(_settings(ctx), paused=False)


@click.group()
def mail() -> None:
    """The mailboxes."""


@mail.command("check")
@click.argument("name", required=False)
@click.pass_context
def check(ctx: click.Context, name: str | None) -> None:
    """Connect to the mailbox NAME, or to all: reading and sending. Sends nothing. Exit code 1 when one fails."""
    from web.commands.queue import run_mail_check

    ctx.exit(run_mail_check(_settings(ctx), name))
