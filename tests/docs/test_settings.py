from click.testing import CliRunner

from base.settings import Settings
from tests.docs.pages import headings, read
from web.cli import main


def test_settings_page_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(main, ["settings", "--markdown"]).output.strip()
    page = read("docs/settings.md")
    assert page[page.index("### ") :].strip() == printed, (
        "run: firstline settings --markdown, and paste it below the line"
    )


def test_every_setting_has_a_heading() -> None:
    assert [words for level, words in headings(read("docs/settings.md")) if level == 3] == list(Settings.model_fields)
