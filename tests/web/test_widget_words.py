"""The chat window has its own words, for it runs on other people's sites: both languages must have all of them."""

import re

from desk.models import ConversationState
from tests.web.test_zh_pages import english_in
from web.app import STATIC

_TABLE = re.compile(r"const WORDS = \{(.*?)\n {2}\};", re.DOTALL)
_LANGUAGE = re.compile(r"^ {4}(\w+): \{(.*?)\}", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r'(\w+): "([^"]*)"')


def words() -> dict[str, dict[str, str]]:
    table = _TABLE.search((STATIC / "widget-parts.js").read_text(encoding="utf-8"))
    assert table is not None
    return {lang: dict(_ENTRY.findall(entries)) for lang, entries in _LANGUAGE.findall(table[1])}


def test_both_languages_have_the_same_words_and_none_is_empty() -> None:
    found = words()
    assert set(found) == {"en", "zh"}
    assert len(found["en"]) > 20
    assert set(found["zh"]) == set(found["en"])
    assert all(text.strip() for texts in found.values() for text in texts.values())


def test_chinese_words_are_chinese_and_english_ones_are_not() -> None:
    found = words()
    assert [text for text in found["zh"].values() if english_in(text)] == []
    assert [text for text in found["en"].values() if re.search(r"[\u3000-\u9fff\uff00-\uffef]", text)] == []


def test_every_word_the_window_asks_for_is_there_and_no_other() -> None:
    script = "".join(
        (STATIC / name).read_text(encoding="utf-8") for name in ("widget.js", "widget-parts.js", "widget-mail.js")
    )
    asked = set(re.findall(r"\bt\.(\w+)", script)) | {str(state) for state in ConversationState}
    assert asked == set(words()["en"])
