"""How the command line tells of trouble, and how `firstline triage MESSAGE` stands beside its own commands."""

from __future__ import annotations

import os
from typing import Any

import click

EXIT_TROUBLE = 2  # an error that says what to do; 1 is left for "ran, and found something wrong"


class FirstlineGroup(click.Group):
    """Our errors become one clear line on stderr and exit code 2; with FIRSTLINE_LOG_LEVEL=debug also a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        from base.errors import AppError

        try:
            return super().invoke(ctx)
        except AppError as error:
            from base.i18n import explain, terminal_locale

            message = explain(error, terminal_locale(), to_operator=True)
            click.echo(f"firstline: {message}" + (f" ({error.detail})" if error.detail else ""), err=True)
            if os.environ.get("FIRSTLINE_LOG_LEVEL", "").lower() == "debug":
                raise
            ctx.exit(EXIT_TROUBLE)
        except BrokenPipeError:
            ctx.exit(0)


class MessageGroup(click.Group):
    """`firstline triage MESSAGE` judges; its own commands go by their names."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["message", *args]
        return super().parse_args(ctx, args)
