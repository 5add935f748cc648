import importlib

import pytest

from tests.docs.pages import cells, read

TERMS = [row for row in cells(read("docs/glossary.md")) if len(row) == 4 and row[2].startswith("`")]


def test_the_glossary_is_in_both_languages_and_uses_each_word_once() -> None:
    english, chinese = [row[0] for row in TERMS], [row[1] for row in TERMS]
    assert len(TERMS) > 30
    assert len(set(english)) == len(english)
    assert len(set(chinese)) == len(chinese)


@pytest.mark.parametrize("row", TERMS, ids=[row[0] for row in TERMS])
def test_a_term_of_the_glossary_exists_in_the_code(row: list[str]) -> None:
    for name in row[2].replace("`", "").split(", "):
        module, _, attribute = name.rpartition(".")
        assert hasattr(_module(module), attribute.split(":")[0]), name


def _module(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        outer, _, inner = name.rpartition(".")
        return getattr(importlib.import_module(outer), inner)
