"""Both languages say everything: what is marked in code and templates has its Chinese, with the same fields."""

import re

from tests.base.catalogue import chinese, marked, translation

_FIELD = re.compile(r"%\((\w+)\)[sd]|\{(\w+)[^{}]*\}")


def test_texts_are_found_in_python_and_in_templates() -> None:
    places = {place.rpartition(":")[0].rpartition(".")[2] for place in marked().values()}
    assert places == {"py", "html"}
    assert len(marked()) > 150


def test_every_text_a_person_sees_has_its_chinese() -> None:
    missing = [f"{place} {key!r}" for key, place in marked().items() if not any(translation(key))]
    assert missing == []


def test_a_translation_has_the_fields_of_its_text() -> None:
    for key, place in marked().items():
        # Of a plural the last form counts: "One article" names no number, "{count} articles" does.
        source = key[-1] if isinstance(key, tuple) else key
        for text in filter(None, translation(key)):
            assert _fields(text) == _fields(source), f"{place} {source!r}"


def test_no_chinese_is_left_of_a_text_that_is_gone() -> None:
    known = {key[0] if isinstance(key, tuple) else key for key in marked()}
    stale = [message.id for message in chinese() if message.id and _first(message.id) not in known]
    assert stale == []


def test_a_chinese_text_ischinese() -> None:
    for key in marked():
        for text in filter(None, translation(key)):
            latin_only = re.fullmatch(r"[\x00-\x7f…–—·“”]*", _FIELD.sub("", text))
            assert not latin_only or len(text) < 40, text


def _fields(text: str) -> set[str]:
    return {first or second for first, second in _FIELD.findall(text)}


def _first(key: object) -> object:
    return key[0] if isinstance(key, (tuple, list)) else key
