import re
from pathlib import Path

import click
import pytest

from tests.docs.pages import ROOT, code, pages, read
from web.cli import main
from web.groups import MessageGroup

_CALL = re.compile(r"(?<![\w/.-])(?:\.venv/bin/)?firstline((?: +--data-dir +\S+)? +[a-z]+(?: .*)?)$", re.MULTILINE)


def _calls(page: Path) -> list[str]:
    return [call.strip() for call in _CALL.findall(code(page.read_text(encoding="utf-8")))]


def _command(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = main
    while words and isinstance(command, click.Group):
        if isinstance(command, MessageGroup) and words[0] not in command.commands:
            return command.commands["message"], words
        assert words[0] in command.commands, f"firstline has no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_a_page_names_exists_with_its_options(path: Path) -> None:
    for call in _calls(path):
        words = re.sub(r"^--data-dir +\S+ +", "", call.partition(" #")[0]).split()
        command, rest = _command(words)
        known = {option for parameter in command.params for option in parameter.opts}
        passes_on = command.context_settings.get("ignore_unknown_options", False)
        given = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert passes_on or given <= known, f"firstline {call}"


def test_every_command_is_named_in_the_readme() -> None:
    named = {call.split()[0] for call in _calls(ROOT / "README.md")}
    assert set(main.commands) - named == set()


def test_every_make_target_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", read("Makefile"), re.MULTILINE))
    named = {
        name for page in pages() for name in re.findall(r"\bmake ([a-z-]+)", code(page.read_text(encoding="utf-8")))
    }
    assert named - targets == set()
