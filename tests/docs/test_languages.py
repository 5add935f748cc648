import re

import pytest

from tests.base.catalogue import marked, translation
from tests.docs.pages import code, headings, read, without_code
from web.demo_questions import DEMO_QUESTIONS

PAIRS = [("README.md", "README.zh.md"), ("docs/tour.md", "docs/tour.zh.md"), ("docs/email.md", "docs/email.zh.md")]
LEAST_BUTTONS = {"docs/email.md": 3}  # the others name more than ten


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_of_a_page_have_the_same_sections(english: str, chinese: str) -> None:
    levels = [level for level, _ in headings(read(english))]
    assert [level for level, _ in headings(read(chinese))] == levels


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_of_a_page_name_the_same_settings_and_commands(english: str, chinese: str) -> None:
    def named(name: str) -> set[str]:
        return set(re.findall(r"FIRSTLINE_[A-Z_]+|firstline [a-z]+|make [a-z]+", code(read(name))))

    assert named(chinese) == named(english)


def _widget_words() -> dict[str, str]:
    """English -> Chinese of the chat window's words."""
    source = read("web/static/widget-parts.js")
    blocks = [
        re.findall(r'(\w+): "([^"]*)"', block) for block in re.findall(r"\b(?:en|zh): \{(.*?)\}", source, re.DOTALL)[:2]
    ]
    english, chinese = dict(blocks[0]), dict(blocks[1])
    return {words: chinese[key] for key, words in english.items()}


def _buttons(name: str) -> set[str]:
    emphasised = re.findall(r"(?<![*\w])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?![*\w])", without_code(read(name)))
    return {" ".join(words.split()) for words in emphasised}


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_a_button_the_page_names_is_called_so_on_the_screen_in_both_languages(english: str, chinese: str) -> None:
    questions = {question for _, question in DEMO_QUESTIONS["en"]}
    buttons, widget, page = _buttons(english) - questions - {"italics"}, _widget_words(), read(chinese)
    assert len(buttons) >= LEAST_BUTTONS.get(english, 11)
    assert {button for button in buttons if button not in widget and button not in marked()} == set()
    names = {
        button: widget.get(button) or translation(button)[0]
        for button in buttons
        if button in widget or translation(button)
    }
    assert {button: name for button, name in names.items() if name not in page} == {}
