"""The command line. The same functions as the app; commands import what they need when they run: help is instant."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from web.cli_queue import mail, queue
from web.groups import FirstlineGroup, MessageGroup

if TYPE_CHECKING:
    from base.settings import Settings

# Before numpy loads. Its products take well under a millisecond on one thread; shared out among threads, on a busy
# machine, they wait 16 ms for a core (measured). Requests run beside each other anyway.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@click.group(cls=FirstlineGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the installation (FIRSTLINE_DATA_DIR).")
@click.version_option(package_name="firstline", prog_name="firstline")
@click.pass_context
def main(ctx: click.Context, data_dir: Path | None) -> None:
    """Firstline 一线: answers customers from one knowledge base, opens a ticket the moment it cannot."""
    ctx.obj = {"data_dir": data_dir}


def settings_of(ctx: click.Context, **overrides: Any) -> Settings:
    """The settings in force, with this command's options on top."""
    from base.settings import load_settings

    return load_settings(data_dir=ctx.find_root().obj.get("data_dir"), **overrides)


def data_dir_option(command: Any) -> Any:
    """`--data-dir` after the command's name too: both places are natural to type."""

    def remember(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
        if value is not None:
            ctx.find_root().obj["data_dir"] = value

    return click.option(
        "--data-dir", type=click.Path(path_type=Path), expose_value=False, callback=remember, is_eager=False,
        help="Folder of the installation.",
    )(command)  # fmt: skip


def scope_options(command: Any) -> Any:
    """`--product`, `--version` and `--collection`: what a question is about."""
    for option in (
        click.option("--collection", multiple=True, help="Only of this collection. May be repeated."),
        click.option("--version", default="", help="Only what applies to this version: 8.5, 8.5.1, 2.x."),
        click.option("--product", default="", help="Only what applies to this product, or to all."),
    ):
        command = option(command)
    return command


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--demo", is_flag=True, help="Load the demo knowledge base and make a demo administrator at first start.")
@data_dir_option
@click.pass_context
def serve(ctx: click.Context, host: str | None, port: int | None, demo: bool) -> None:
    """Serve the pages, the API and the widget, and answer messages."""
    from web.commands.serve import run

    run(settings_of(ctx, host=host, port=port), demo=demo)


@main.command()
@click.option("--mail", "mail_only", is_flag=True, hidden=True)
@data_dir_option
@click.pass_context
def worker(ctx: click.Context, mail_only: bool) -> None:
    """Answer messages without serving pages (with PostgreSQL: as many of these as you like)."""
    from web.commands.serve import run_worker

    run_worker(settings_of(ctx), mail_only=mail_only)


@main.command()
@data_dir_option
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the database to this version; every other command does the same at its start."""
    from web.commands.admin import run_migrate

    run_migrate(settings_of(ctx))


@main.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--collection", default="", help="Name of the collection; default: the folder's name.")
@click.option("--audience", type=click.Choice(["public", "internal"]), default="public", show_default=True)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the documents; default: told from each.")
@click.option("--product", multiple=True, help="Product they are about, unless a document says it. May be repeated.")
@click.option("--version", multiple=True, help="Version of it: 8.5, or 2.x for every 2. May be repeated.")
@click.option("--package", multiple=True, help="Service package whose customers may read them. May be repeated.")
@click.option("--valid-from", default="", metavar="YYYY-MM-DD", help="First day on which they may be shown.")
@click.option("--valid-until", default="", metavar="YYYY-MM-DD", help="Last day on which they may be shown.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@data_dir_option
@click.pass_context
def ingest(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    collection: str,
    audience: str,
    lang: str | None,
    as_json: bool,
    **limits: Any,
) -> None:
    """Read documents (files, folders, web addresses) into the knowledge base. Unchanged ones are skipped."""
    from web.commands.knowledge import applies_of, run_ingest

    run_ingest(
        settings_of(ctx), sources, collection=collection, audience=audience, lang=lang or "", as_json=as_json,
        applies=applies_of(**limits),
    )  # fmt: skip


@main.command()
@data_dir_option
@click.pass_context
def reindex(ctx: click.Context) -> None:
    """Check the indexes against the database and rebuild what differs."""
    from web.commands.knowledge import run_reindex

    run_reindex(settings_of(ctx))


@main.command()
@click.argument("question", required=False)
@click.option("--cases", type=click.Path(path_type=Path, dir_okay=False), help='JSON Lines in: {"id","text"}.')
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON Lines out; default: standard output."
)
@click.option("--top-k", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--internal", is_flag=True, help="Search what only staff may read, too.")
@click.option("--package", default="", help="As a customer with this service package.")
@scope_options
@data_dir_option
@click.pass_context
def search(
    ctx: click.Context,
    /,
    question: str | None,
    cases: Path | None,
    out: Path | None,
    top_k: int,
    internal: bool,
    **scope: Any,
) -> None:
    """Passages for a question, best first."""
    from web.commands.knowledge import run_search, scope_of

    run_search(settings_of(ctx), question, cases, out, top_k, scope_of(internal, **scope))


@main.command()
@click.argument("question", required=False)
@click.option("--cases", type=click.Path(path_type=Path, dir_okay=False), help='JSON Lines in: {"id","text"}.')
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON Lines out; default: standard output."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--live", is_flag=True, help="Go through the desk: conversations and tickets are made.")
@scope_options
@data_dir_option
@click.pass_context
def ask(
    ctx: click.Context,
    /,
    question: str | None,
    cases: Path | None,
    out: Path | None,
    as_json: bool,
    live: bool,
    **about: Any,
) -> None:
    """What a new customer would be told."""
    from web.commands.answers import run_ask

    run_ask(settings_of(ctx), question, cases, out, as_json, live, about)


@main.group(cls=MessageGroup, subcommand_metavar="[MESSAGE] | train")
def triage() -> None:
    """Urgency with its reasons, category, sentiment, and whether a person is wanted; `train` fits the model anew."""


@triage.command("message")
@click.argument("message", required=False)
@click.option("--cases", type=click.Path(path_type=Path, dir_okay=False), help='JSON Lines in: {"id","text"}.')
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON Lines out; default: standard output."
)
@data_dir_option
@click.pass_context
def triage_message(ctx: click.Context, message: str | None, cases: Path | None, out: Path | None) -> None:
    """Judge one message, or each message of a file."""
    from web.commands.answers import run_triage

    run_triage(settings_of(ctx), message, cases, out)


@triage.command("train")
@click.option("--bundled", is_flag=True, help="On the messages that come with Firstline only.")
@click.option("--write", is_flag=True, help="Use the result in this installation.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to this file instead.")
@data_dir_option
@click.pass_context
def triage_train(ctx: click.Context, bundled: bool, write: bool, out: Path | None) -> None:
    """Fit the learned part to the bundled messages and to what staff corrected here. About five minutes."""
    from web.commands.train import run_train

    run_train(settings_of(ctx), bundled=bundled, write=write, out=out)


@main.command()
@data_dir_option
@click.pass_context
def chat(ctx: click.Context) -> None:
    """Talk to Firstline in the terminal, or pipe JSON Lines through the console door."""
    from web.commands.answers import run_chat

    run_chat(settings_of(ctx))


@main.group()
def staff() -> None:
    """The people of the desk."""


@staff.command("add")
@click.option("--name", required=True)
@click.option("--email", required=True)
@click.option("--role", type=click.Choice(["agent", "editor", "manager", "admin"]), default="agent", show_default=True)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; default: make one and show it."
)
@data_dir_option
@click.pass_context
def staff_add(ctx: click.Context, name: str, email: str, role: str, lang: str, password_stdin: bool) -> None:
    """Add a member of staff."""
    from web.commands.admin import run_staff_add

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    run_staff_add(settings_of(ctx), name, email, role, lang, password)


@main.command()
@data_dir_option
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """What is configured, reachable, missing, in plain words. Exit code 1 when something needs doing."""
    from web.commands.doctor import run_doctor

    sys.exit(run_doctor(settings_of(ctx)))


@main.command()
@click.option(
    "--cases",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help='JSON Lines in: {"id","text","kind","source"}; no source: nothing answers it. May be repeated.',
)
@click.option(
    "--risk",
    type=click.FloatRange(0.001, 0.5),
    default=0.05,
    show_default=True,
    help="Share of wrong ones among the answered that may not be exceeded.",
)
@click.option("--take-away/--no-take-away", help="Ask each answerable case a second time with its article taken away.")
@click.option(
    "--refit/--rescale",
    default=None,
    help="Fit the weights anew, or only rescale the shipped ones. Default: as the number of cases allows.",
)
@click.option("--measured", is_flag=True, help="Let the measured share of wrong ones decide, not its upper bound.")
@click.option("--write", is_flag=True, help="Use the result in this installation.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to this file instead.")
@click.option(
    "--observations", type=click.Path(path_type=Path, dir_okay=False), help="Write what was seen, for --pool."
)
@click.option(
    "--pool",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Observations of other installations to fit on, too. May be repeated.",
)
@click.option("--label", default="own", show_default=True, help="Version the result carries.")
@data_dir_option
@click.pass_context
def calibrate(
    ctx: click.Context,
    cases: tuple[Path, ...],
    risk: float,
    take_away: bool,
    refit: bool | None,
    measured: bool,
    write: bool,
    out: Path | None,
    observations: Path | None,
    pool: tuple[Path, ...],
    label: str,
) -> None:
    """Fit to your own questions when to answer and when to stay silent, and show the risk of it."""
    from web.commands.calibrate import Options, run_calibrate

    run_calibrate(
        settings_of(ctx), Options(cases, pool, observations, risk, take_away, refit, measured, write, out, label)
    )


@main.command()
@click.argument("reply", metavar="ID")
@data_dir_option
@click.pass_context
def replay(ctx: click.Context, reply: str) -> None:
    """Rebuild an answer from its record. ID: a turn's number, or CONVERSATION:SEQ. Exit code 1 when it differs."""
    from web.commands.replay import run_replay

    sys.exit(run_replay(settings_of(ctx), reply))


@main.command("settings")
@click.option("--markdown", is_flag=True, help="As docs/settings.md has it.")
@data_dir_option
@click.pass_context
def settings_command(ctx: click.Context, markdown: bool) -> None:
    """Every setting with its value, default, unit and meaning."""
    from web.commands.admin import run_settings

    run_settings(settings_of(ctx), markdown)


@main.command()
@click.option("--fast", is_flag=True, help="Without pauses between the customers' messages.")
@data_dir_option
@click.pass_context
def demo(ctx: click.Context, fast: bool) -> None:
    """Play a dozen customers in both languages, with one outage, so that the desk is alive."""
    from web.commands.demo import run_demo

    run_demo(settings_of(ctx), fast)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@data_dir_option
@click.pass_context
def bench(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Measure turn, ingest, search and live connections on this machine (--json for programs)."""
    import importlib

    # evals stands above web: it is found by name when asked for, never imported.
    sys.exit(importlib.import_module("evals.bench.__main__").main(list(arguments)))


@main.command("eval")
@click.argument("suites", metavar="SUITE...", nargs=-1)
@click.option("--cases", type=click.Path(path_type=Path, dir_okay=False), help="Cases, JSON Lines; default: bundled.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Folder with documents and queries.jsonl, run as it is."
)
@click.option("--masked", is_flag=True, help="Without the titles and headings the questions were made of.")
@click.option("--cross", is_flag=True, help="Ask in the other language than the documents have.")
@click.option("--limit", type=click.IntRange(0), default=0, help="So many cases, the same ones every time; 0: all.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for report.html, .md and .json.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--gate", type=click.Path(path_type=Path, dir_okay=False), help="Limits; exit code 1 when one is broken.")
@click.option(
    "--work", type=click.Path(path_type=Path, file_okay=False), help="Keep what is built here, for next time."
)
@data_dir_option
@click.pass_context
def evaluate(ctx: click.Context, /, suites: tuple[str, ...], **options: Any) -> None:
    """Measure how good it is: retrieval, answers, abstention, triage, flows, parity."""
    from web.commands.evaluate import run_eval

    sys.exit(run_eval(settings_of(ctx), suites, ctx.find_root().obj.get("data_dir"), options))


main.add_command(queue)
main.add_command(mail)

if __name__ == "__main__":
    main()
