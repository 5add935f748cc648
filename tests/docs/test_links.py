import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, headings, pages, without_code

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*\bsrc=\"([^\"]+)\"")


def _anchor(words: str) -> str:
    """A heading's anchor as the usual renderers make it."""
    bare = re.sub(r"[`*]", "", words).lower()
    return re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")


def _internal(page: Path) -> list[str]:
    found = [first or second for first, second in _LINK.findall(without_code(page.read_text(encoding="utf-8")))]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_internal_link_and_picture_of_a_page_exists(path: Path) -> None:
    for target in _internal(path):
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in [_anchor(words) for _, words in headings(file.read_text(encoding="utf-8"))], target


def test_every_page_of_docs_is_reached_from_the_readme() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        reached.add(page)
        targets = [(page.parent / target.partition("#")[0]).resolve() for target in _internal(page)]
        todo += [t for t in targets if t.suffix == ".md" and t not in reached]
    assert [str(page.relative_to(ROOT)) for page in pages() if page not in reached] == []
